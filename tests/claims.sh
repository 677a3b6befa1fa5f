# Claims about processes, for the tests in this folder: source it; `dir` is a folder of the test's own.
failures=0

check() { # CLAIM COMMAND...: a claim that does not hold is counted and shown with what was printed last
  local claim=$1; shift
  "$@" && return
  echo "FAILED: $claim ($*)"
  tail -n 20 "$dir"/*.log "$dir/out" "$dir/err" 2>/dev/null
  failures=$((failures + 1))
}
exits() { # CODE COMMAND...: output in $dir/out and $dir/err
  local code=$1; shift
  "$@" > "$dir/out" 2> "$dir/err"
  local got=$?
  [ $got = "$code" ] || { echo "exit $got instead of $code: $*"; return 1; }
}
says() { grep -qE -- "$1" "$dir/out"; }
complains() { grep -qE -- "$1" "$dir/err"; }
within() { # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1)); shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.05
  done
}
conclude() { # the last line of a test
  [ $failures = 0 ] && echo "all claims hold"
  exit $((failures > 0))
}
