#!/bin/bash
# Settings on the command line: --set for each, the flags that are short for some, the configuration printed as a file,
# the JSON Schema.
# usage: settings_test.sh QUOLL SCHEMA
set -u
quoll=$1
schema=$2

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
check() { # CLAIM COMMAND...
  local claim=$1; shift
  "$@" && return
  echo "FAILED: $claim ($*)"
  failures=$((failures + 1))
}
prints() { # LINE ARGUMENT...: of quoll proxy --print-config
  local line=$1; shift
  "$quoll" proxy --print-config "$@" > "$dir/out" 2> "$dir/err" && grep -qxF -- "$line" "$dir/out" && return
  cat "$dir/err"; grep -n -- "${line%%:*}" "$dir/out"; return 1
}
refuses() { # WORDS ARGUMENT...
  local words=$1; shift
  "$quoll" "$@" > "$dir/out" 2> "$dir/err"
  local got=$?
  [ $got = 2 ] && grep -qF -- "$words" "$dir/err" && return
  echo "exit $got:"; cat "$dir/err"; return 1
}

check "a setting of a section" prints '  reset_timeout: 10s' --set breaker.reset_timeout=10s
check "a default that follows is shown as it is" prints '  reset_timeout_max: 10m' --set breaker.reset_timeout=10m
check "a setting without a flag" prints 'pool_size: 7' --set pool_size=7
check "a flag" prints '  reset_timeout: 3s' --reset-timeout 3s
check "a flag in percent" prints '  failure_rate_threshold: 0.25' --error-threshold 25
check "--set over a flag" prints '  reset_timeout: 4s' --set breaker.reset_timeout=4s --reset-timeout 3s
printf 'breaker: {reset_timeout: 2s, minimum_volume: 9}\nroutes: [{name: a, path: /a}]\n' > "$dir/a.yaml"
check "the file" prints '  minimum_volume: 9' --config "$dir/a.yaml"
check "and --set over it" prints '  reset_timeout: 4s' --config "$dir/a.yaml" --set breaker.reset_timeout=4s
check "for its routes too" prints '      reset_timeout: 4s' --config "$dir/a.yaml" --set breaker.reset_timeout=4s

"$quoll" proxy --print-config --config "$dir/a.yaml" --set retry.base=2s --set priority_header=X-P > "$dir/b.yaml"
check "what is printed is a file" "$quoll" check "$dir/b.yaml"
"$quoll" proxy --print-config --config "$dir/b.yaml" > "$dir/c.yaml"
check "that says the same" cmp "$dir/b.yaml" "$dir/c.yaml"

check "a misspelt name" refuses 'did you mean breaker.reset_timeout?' proxy --set breaker.reset_timout=1s
check "no value" refuses "--set: 'workers' must be NAME=VALUE" proxy --set workers
check "a bad value" refuses "--set: workers: 'x' is not a whole number" proxy --set workers=x
check "a value out of its range" refuses 'workers is 0; it must be between 1 and 256' proxy --set workers=0 --print-config
check "a contradiction" refuses 'retry.cap is 1s; it must be at least base' proxy --print-config --set retry.base=2s \
  --set retry.cap=1s
echo 'timeot: 1s' > "$dir/d.yaml"
check "a misspelt name in a file" refuses 'd.yaml:1:1: timeot: there is no such setting; did you mean timeout?' \
  check "$dir/d.yaml"

"$quoll" check --schema > "$dir/schema.json"
check "the JSON Schema is the committed one" cmp "$dir/schema.json" "$schema"
check "check without a file" refuses 'which FILE?' check

[ $failures = 0 ] || exit 1
echo "all claims hold"
