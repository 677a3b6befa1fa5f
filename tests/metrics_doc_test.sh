#!/bin/bash
# docs/telemetry.md and the binary say the same: every metric with its type and its labels, in both directions.
# usage: metrics_doc_test.sh QUOLL DOC. Exit 77 (skipped) where curl is not installed.
set -u
quoll=$1 doc=$2
command -v curl >/dev/null || { echo "curl is missing: skipped"; exit 77; }
dir=$(mktemp -d)
pids=
cleanup() {
  for pid in $pids; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$dir"
}
trap cleanup EXIT

# What is off by default, and exported only when it is on.
printf '%s\n' 'concurrency: 100' 'retries: 2' > "$dir/quoll.yaml"

# Ports that are free now; others when somebody was faster.
for base in $(shuf -i 20000-29990 -n 10); do
  "$quoll" backend --mode healthy --delay 1ms..2ms --listen 127.0.0.1:$base > "$dir/backend.log" 2>&1 & backend=$!
  "$quoll" proxy --config "$dir/quoll.yaml" --listen 127.0.0.1:$((base + 1)) --admin 127.0.0.1:$((base + 2)) --upstream http://127.0.0.1:$base \
    > "$dir/proxy.log" 2>&1 & proxy=$!
  pids="$backend $proxy"
  for _ in $(seq 50); do
    curl -sf -o /dev/null 127.0.0.1:$base/health && curl -sf -o /dev/null 127.0.0.1:$((base + 2))/health && break 2
    kill -0 $backend 2>/dev/null && kill -0 $proxy 2>/dev/null || break
    sleep 0.1
  done
  kill $pids 2>/dev/null
  pids=
done
[ -n "$pids" ] || { echo "the parts do not start:"; cat "$dir"/*.log; exit 1; }

# Families that appear when they are first needed.
curl -s -o /dev/null 127.0.0.1:$((base + 1))/api/data
(exec 3<>/dev/tcp/127.0.0.1/$base; printf 'nonsense\r\n\r\n' >&3; cat <&3 >/dev/null)

# name|type|labels, the labels sorted and apart by commas; le belongs to every histogram and is left out.
{ curl -s 127.0.0.1:$base/metrics; curl -s 127.0.0.1:$((base + 2))/metrics; } | awk '
  /^# TYPE / { type[$3] = $4; next }
  /^#/ { next }
  {
    name = $1; sub(/[{].*/, "", name)
    if (!(name in type)) sub(/_(bucket|sum|count)$/, "", name)
    if (name in seen || $0 !~ /[{]/) { if (!(name in seen)) seen[name] = ""; next }
    text = $0; sub(/^[^{]*[{]/, "", text); sub(/[}][^}]*$/, "", text)
    labels = ""
    while (match(text, /[a-zA-Z_]+="/)) {
      label = substr(text, RSTART, RLENGTH - 2)
      text = substr(text, RSTART + RLENGTH); sub(/^([^"\\]|\\.)*"/, "", text)
      if (label != "le") labels = labels (labels == "" ? "" : ",") label
    }
    seen[name] = labels
  }
  END { for (name in type) print name "|" type[name] "|" seen[name] }' | sort -u > "$dir/binary"

grep -E '^\| `[a-z_]+` \| (counter|gauge|histogram) \|' "$doc" | awk -F ' *[|] *' '
  { gsub(/`/, ""); gsub(/, +/, ",", $4); print $2 "|" $3 "|" $4 }' | sort -u > "$dir/doc"

if diff "$dir/doc" "$dir/binary" > "$dir/diff"; then
  echo "$(wc -l < "$dir/doc") metrics, all in step"
  exit 0
fi
echo "docs/telemetry.md (<) and the binary (>) differ, as name|type|labels:"
cat "$dir/diff"
exit 1
