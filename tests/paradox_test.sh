#!/bin/bash
# `quoll lab paradox` as a person runs it, with Quoll alone: the event loop is blocked for 600 ms every 1 to 2 s, and the
# backend answers in 100 to 300 ms against 500 ms. By arrival no verdict may be wrong; by timer some must be.
# usage: paradox_test.sh QUOLL
set -u
quoll=$1
source "$(dirname "$(readlink -f "$0")")/claims.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
# The first NAME of CALLER's summary.
number() { grep -o "\"caller\":\"$1\",\"title\".*" result.json | grep -o "\"$2\":[0-9]*" | head -1 | cut -d: -f2; }

check 'Quoll by arrival is right about every call' exits 0 \
  "$quoll" lab paradox --callers quoll,quoll-timer --pressures loop600 --backends wide --duration 4s --seed 3 \
  --json result.json --report report.html
check 'the result says what it ran on' grep -qE '"cores":[1-9].*"seed":3,' result.json
check 'the verdicts are those of a real run' [ "$(number quoll in_time)" -ge 200 ]
check 'by arrival no answer in time is called late' [ "$(number quoll false_timeouts)" = 0 ]
check 'by arrival no late answer is passed on' [ "$(number quoll missed_timeouts)" = 0 ]
check 'by timer answers in time are called late' [ "$(number quoll-timer false_timeouts)" -gt 0 ]
check 'the report is there' grep -q 'Quoll paradox report' report.html
check 'the report needs nothing else' [ "$(grep -cE '(src|href)="?(https?:)?//' report.html)" = 0 ]

check 'a caller that is not installed is skipped visibly' exits 0 \
  "$quoll" lab paradox --callers node --pressures none --backends steady --duration 1s --peers "$dir/none" --report ''
check 'and what installs it is named' grep -q 'skipped:.*./dev bench paradox installs it' out
check 'an unknown caller is bad usage' exits 2 "$quoll" lab paradox --callers envoy
check 'a plan without a cell is bad usage' exits 2 "$quoll" lab paradox --callers nginx --pressures loop100
conclude
