#!/bin/bash
# `quoll lab` as a person runs it: the whole experiment with the real parts, its result and its report, and that no way
# to end it leaves a process behind.
# usage: lab_test.sh QUOLL
set -u
quoll=$1
source "$(dirname "$(readlink -f "$0")")/claims.sh"
dir=$(mktemp -d)
lab=
cleanup() {
  [ -z "$lab" ] || kill -9 "$lab" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir" || exit 1
running() { # whether a process runs, not counting one that only waits to be collected
  local state
  state=$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) && [ "$state" != Z ]
}
children_of() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
has_children() { [ "$(children_of "$1" | wc -w)" -ge "$2" ]; }
none_running() { local pid; for pid in "$@"; do ! running "$pid" || return 1; done; }

"$quoll" lab --quick --no-live --json --seed 7 --report report.html > result.json 2> log
code=$?
check "the whole experiment succeeds" [ $code = 0 ]
[ $code = 0 ] || cat log
check "the result is one line of JSON" [ "$(wc -l < result.json)" = 1 ]
check "the result is good" grep -q '"ok":true' result.json
check "six phases came to their end" [ "$(grep -o '"complete":true' result.json | wc -l)" = 6 ]
check "every comparison was equal" grep -q 'PASS  and in each phase by itself: 6 of 6' log
check "the report is a page" grep -q '^<!doctype html>' report.html
check "the report carries the result" grep -q '"experiment":"lab"' report.html

for how in INT TERM KILL; do
  "$quoll" lab --quick --no-live --report '' > log 2>&1 &
  lab=$!
  check "backend, proxy and load start" within 20 has_children $lab 3
  children=$(children_of $lab)
  kill -$how $lab
  wait $lab 2>/dev/null
  code=$?
  lab=
  if [ $how != KILL ]; then check "SIG$how ends it as interrupted" [ $code = 130 ]; fi
  # shellcheck disable=SC2086
  check "SIG$how leaves no process behind" within 5 none_running $children
done

# Somebody else may hold 3001 already; then this backend ends with 2, and the claim is the same.
"$quoll" backend --listen 127.0.0.1:3001 > backend.log 2>&1 &
lab=$!
answers() { (exec 3<> /dev/tcp/127.0.0.1/3001) 2>/dev/null; }
check "something listens on 3001" within 10 answers
"$quoll" lab --quick --no-live --ports default --report '' > log 2>&1
check "--ports default refuses a port that is in use" [ $? = 2 ]
check "and names it" grep -q 'is in use' log
kill $lab 2>/dev/null
wait $lab 2>/dev/null
lab=
conclude
