#!/bin/bash
# What an operator does to the processes: signals, and files that are none.
# usage: operator_test.sh QUOLL. Exit 77 (skipped) where curl is not installed.
set -u
quoll=$1
source "$(dirname "$(readlink -f "$0")")/claims.sh"
command -v curl >/dev/null || { echo "curl is missing: skipped"; exit 77; }

dir=$(mktemp -d)
pids=
cleanup() {
  for pid in $pids; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$dir"
}
trap cleanup EXIT
alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }
ends_with() { # CODE PID
  within 10 gone "$2" || return 1
  wait "$2"
  local got=$?
  [ $got = "$1" ] || { echo "exit $got instead of $1"; return 1; }
}

# --- Signals ---------------------------------------------------------------------------------------------------------
"$quoll" backend --mode healthy --delay 700ms..700ms --listen 127.0.0.1:0 --json > "$dir/backend.log" 2>/dev/null & backend=$!
pids=$backend
within 10 grep -qs '"port":' "$dir/backend.log" || { echo "the backend does not start"; exit 1; }
port=$(sed -n 's/.*"port":\([0-9]*\).*/\1/p' "$dir/backend.log" | head -1)
"$quoll" proxy --listen 127.0.0.1:0 --admin 127.0.0.1:0 --upstream "http://127.0.0.1:$port" --timeout 10s \
  > "$dir/proxy.log" 2>&1 & proxy=$!
pids="$pids $proxy"
within 10 grep -qs proxy_started "$dir/proxy.log" || { echo "the proxy does not start"; exit 1; }
listen=$(sed -n 's/.*"listen":"\([^"]*\)".*/\1/p' "$dir/proxy.log" | head -1)

curl -s -o /dev/null -w '%{http_code}' "http://$listen/x" > "$dir/out" & asking=$!
sleep 0.2
for signal in HUP USR1 USR2; do
  kill -$signal $proxy
  check "SIG$signal is named in the log" within 10 grep -qs "\"signal_ignored\",\"signal\":\"SIG$signal\"" "$dir/proxy.log"
done
wait $asking
check "a request under way is answered" grep -q '^200$' <(cat "$dir/out"; echo)
check "the proxy lives" alive $proxy
check "and serves" curl -sf -o /dev/null "http://$listen/x"
kill -TERM $proxy
check "SIGTERM still ends it" ends_with 0 $proxy

kill -USR1 $backend; kill -USR2 $backend
check "the backend takes no command by signal" curl -sf -o /dev/null "http://127.0.0.1:$port/health"
"$quoll" load "http://127.0.0.1:$port/x" -d 60s -c 2 --quiet > "$dir/load.log" 2>&1 & load=$!
pids="$pids $load"
sleep 1.5
kill -USR1 $load; kill -HUP $load
check "a load test that loses its terminal ends" within 10 gone $load
check "and reports what it has measured" grep -q 'p99' "$dir/load.log"
(trap '' HUP; exec "$quoll" backend --listen 127.0.0.1:0 --json > "$dir/nohup.log" 2>&1) & nohup=$!
pids="$pids $nohup"
within 10 grep -qs '"port":' "$dir/nohup.log"
kill -HUP $nohup $backend
check "the backend ends in order when its terminal goes" ends_with 0 $backend
check "but not under nohup" alive $nohup
kill -TERM $nohup
check "SIGTERM ends it" ends_with 0 $nohup

# --- Files -----------------------------------------------------------------------------------------------------------
refuses() { # PATTERN ARGUMENTS...: exit 2 at once, and a message
  local pattern=$1; shift
  timeout 20 "$quoll" "$@" > "$dir/out" 2>&1 < /dev/null
  local got=$?
  [ $got = 2 ] || { echo "exit $got instead of 2: $*"; return 1; }
  grep -qE -- "$pattern" "$dir/out"
}
mkfifo "$dir/pipe"
head -c 5000000 /dev/zero | tr '\0' '#' > "$dir/huge"
printf 'timeout: 1s\n---\ntimeout: 2s\n' > "$dir/two.yaml"
printf 'limits: {fields: 0, target_bytes: 0}\nfallback: /tmp\n' > "$dir/useless.yaml"
for way in "check" "proxy --config" "backend --script" "load http://127.0.0.1:1/ -n 1 --body-file" "sim replay"; do
  check "$way: a directory" refuses 'is a directory; give a regular file' $way /tmp
  check "$way: a device" refuses 'is a device; give a regular file' $way /dev/zero
  check "$way: a pipe" refuses 'is a pipe; give a regular file' $way "$dir/pipe"
  check "$way: nothing" refuses 'No such file or directory' $way "$dir/none"
done
check "a huge configuration" refuses 'is larger than 4 MiB' check "$dir/huge"
check "two documents" refuses 'two.yaml:3:1: this is a second document' check "$dir/two.yaml"
check "no fields" refuses 'useless.yaml:1:10: limits.fields is 0; it must be between 1 and 10000' check "$dir/useless.yaml"
check "no target" refuses 'useless.yaml:1:21: limits.target_bytes is 0; it must be between 16 and' check "$dir/useless.yaml"
check "a folder as fallback" refuses "useless.yaml:2:1: fallback: cannot read '/tmp': it is a directory" check "$dir/useless.yaml"
check "a folder as fallback, by flag" refuses "fallback: cannot read '/tmp': it is a directory" proxy --fallback /tmp
conclude
