#!/bin/bash
# `quoll sim` as a process: exit codes, forms of output, the same seed twice, a report that draws itself.
# usage: sim_test.sh QUOLL
set -u
quoll=$1
source "$(dirname "$(readlink -f "$0")")/claims.sh"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
is_json() { ! command -v python3 >/dev/null || python3 -m json.tool "$1" > /dev/null; }

short=(--set course.before=5s --set course.trouble=5s --set course.after=10s)
check "--list exits 0" exits 0 "$quoll" sim --list
scenarios=$(grep -E '^[a-z-]+$' "$dir/out")
check "--list names seven scenarios" test "$(wc -w <<< "$scenarios")" = 7
for scenario in $scenarios; do
  check "$scenario runs" exits 0 "$quoll" sim "$scenario" "${short[@]}" --seed 11 --json "$dir/$scenario.json"
  check "$scenario prints seed and hash" grep -qE 'seed 11, hash [0-9a-f]{16}, ' "$dir/out"
  check "$scenario repeats itself" exits 0 "$quoll" sim "$scenario" "${short[@]}" --seed 11 --json -
  check "$scenario gives the same result twice" cmp -s "$dir/out" "$dir/$scenario.json"
  check "$scenario writes JSON" is_json "$dir/out"
  check "another seed" exits 0 "$quoll" sim "$scenario" "${short[@]}" --seed 12 --json -
  check "$scenario differs with another seed" test "$(cat "$dir/out")" != "$(cat "$dir/$scenario.json")"
done

check "no scenario exits 2" exits 2 "$quoll" sim
check "an unknown one exits 2" exits 2 "$quoll" sim outrage
check "and lists those that exist" grep -q 'there are: outage, slow, retry-storm,' "$dir/err"
check "an unknown key exits 2" exits 2 "$quoll" sim outage --set breaker.windows=5s
check "and lists those that exist" grep -q 'there are: client.rate,.* breaker.window,' "$dir/err"
check "a bad value exits 2" exits 2 "$quoll" sim outage --set breaker.window=1us
check "and says what would be right" grep -q 'breaker.window is 1us; it must be between 10ms and 1h' "$dir/err"
check "a bad seed exits 2" exits 2 "$quoll" sim outage --seed abc
check "an unwritable report exits 2" exits 2 "$quoll" sim stall "${short[@]}" --report /nowhere/at.html

for pair in leak_permit:outage:permits end_twice:outage:accounting lose_request:outage:accounting \
            overspend_budget:retry-storm:budget extra_trial:outage:trials turn_back:outage:time; do
  IFS=: read -r fault scenario name <<< "$pair"
  check "$fault exits 1" exits 1 "$quoll" sim "$scenario" --inject "$fault" --seed 3
  check "$fault is found by the check of $name" \
    grep -qE "invariant broken at [0-9.]+ s, event [0-9]+ \(.*\), seed 3: $name: " "$dir/err"
done

check "a report is written" exits 0 "$quoll" sim outage "${short[@]}" --report "$dir/report.html"
chromium=$(command -v chromium || command -v chromium-browser)
if [ -n "$chromium" ]; then
  HOME=$dir timeout 50 "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --dump-dom "file://$dir/report.html" > "$dir/dom" 2> /dev/null
  check "the report's script runs to its end" grep -q '<summary>Every setting</summary>' "$dir/dom"
  check "and draws charts" test "$(grep -o '<svg' "$dir/dom" | wc -l)" -ge 10
else
  echo "chromium is missing: the report is not drawn"
fi

{
  echo time_s,latency_ms,outcome
  for i in $(seq 0 999); do
    if [ "$i" -ge 300 ] && [ "$i" -lt 600 ]; then echo "$((i / 20)).$((i % 20 * 5 + 100))0,1000,timeout"
    else echo "$((i / 20)).$((i % 20 * 5 + 100))0,40,success"; fi
  done
} > "$dir/trace.csv"
check "a trace is replayed" exits 0 "$quoll" sim replay "$dir/trace.csv" --set quick:breaker.window=2s \
  --set slow:breaker.window=20s --json "$dir/replay.json"
check "for both variants" grep -qE '^quick ' "$dir/out"
check "the breaker would have opened" grep -q 'opened: ' "$dir/out"
check "its JSON is valid" is_json "$dir/replay.json"
sed -i '5s/success/fine/' "$dir/trace.csv"
check "a bad trace exits 2" exits 2 "$quoll" sim replay "$dir/trace.csv"
check "and names file, line and column" grep -qE "trace.csv:5:[0-9]+: 'fine' is no outcome; it must be success" "$dir/err"
check "a trace that is not there exits 2" exits 2 "$quoll" sim replay "$dir/nothing"
conclude
