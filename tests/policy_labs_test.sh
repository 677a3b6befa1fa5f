#!/bin/bash
# `quoll lab timeouts` as a person runs it: the adaptive timeout follows the backend and notices a hang sooner than a
# fixed one. `quoll lab flood` needs a quiet machine for its figures; here only that it takes no nonsense.
# usage: policy_labs_test.sh QUOLL
set -u
quoll=$1
source "$(dirname "$(readlink -f "$0")")/claims.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

check 'the claims of the timeouts hold' exits 0 "$quoll" lab timeouts --quick --seed 3 --json result.json \
  --report report.html
check 'the result says so' grep -q '"ok":true' result.json
check "the result says what it ran on" grep -qE '"cores":[1-9].*"started_at":"2' result.json
check 'it is that of a real run' [ "$(grep -o '"good":[0-9]*' result.json | cut -d: -f2 | sort -n | tail -1)" -ge 400 ]
check 'the report is there' grep -q 'Quoll timeouts report' report.html
check 'the report needs nothing else' [ "$(grep -cE '(src|href)="?(https?:)?//' report.html)" = 0 ]
check 'an unknown option is bad usage' exits 2 "$quoll" lab flood --rate 5
conclude
