#!/bin/bash
# A body of 2 GiB in each direction through `quoll proxy`: arrives whole, while the proxy's memory stays flat.
# usage: bodies.sh QUOLL [MEBIBYTES]. Needs curl and python3 (its upstream: a source and a sink). Exit 1 when it fails.
set -euo pipefail
quoll=$1
mib=${2:-2048}
limit_kib=4096 # what the proxy's resident memory may grow by; a body that was kept would need $mib MiB

dir=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT

cat > "$dir/upstream.py" <<'PY'
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
block = b"q" * (1 << 20)
while True:
    s, _ = listener.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        got = s.recv(65536)
        if not got: break
        head += got
    head, _, rest = head.partition(b"\r\n\r\n")
    fields = dict(l.lower().split(b": ", 1) for l in head.split(b"\r\n")[1:])
    received, left = len(rest), int(fields.get(b"content-length", 0)) - len(rest)
    while left > 0:
        got = s.recv(1 << 20)
        if not got: break
        received, left = received + len(got), left - len(got)
    if head.startswith(b"GET"):
        mib = int(head.split(b" ")[1][1:])
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (mib << 20))
        for _ in range(mib): s.sendall(block)
    else:
        text = b"%d" % received
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
    s.close()
PY
python3 "$dir/upstream.py" > "$dir/port" &
pids+=($!)
until [ -s "$dir/port" ]; do sleep 0.05; done

# Ports that are free now; the proxy says so and exits 2 when somebody was faster.
for _ in 1 2 3 4 5; do
  listen=$(shuf -i 20000-29999 -n 1)
  "$quoll" proxy --listen "127.0.0.1:$listen" --admin "127.0.0.1:$((listen + 1))" --timeout 60s \
    --upstream "http://127.0.0.1:$(cat "$dir/port")" --log-level error &
  proxy=$!
  for _ in $(seq 100); do
    curl -sf -o /dev/null "http://127.0.0.1:$listen/health" && break 2
    kill -0 $proxy 2>/dev/null || break
    sleep 0.05
  done
done
pids+=("$proxy")
url="http://127.0.0.1:$listen"
memory() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$proxy/status"; }

# One mebibyte each way first, so that the buffers that every request needs exist.
curl -sf -o /dev/null "$url/1"
truncate -s 1M "$dir/body"
curl -sf -o /dev/null -T "$dir/body" "$url/up"
before=$(memory)

start=$(date +%s.%N)
down=$(curl -sf -o /dev/null -w '%{size_download}' "$url/$mib")
middle=$(date +%s.%N)
truncate -s "${mib}M" "$dir/body" # sparse: no disk is used
up=$(curl -sf -T "$dir/body" "$url/up")
end=$(date +%s.%N)
after=$(memory)

bytes=$((mib * 1024 * 1024))
echo "down $down bytes in $(echo "$middle - $start" | bc) s, up $up bytes in $(echo "$end - $middle" | bc) s"
echo "peak resident memory of the proxy: $before KiB before, $after KiB after"
[ "$down" = "$bytes" ] || { echo "FAILED: $bytes bytes were sent down"; exit 1; }
[ "$up" = "$bytes" ] || { echo "FAILED: $bytes bytes were sent up"; exit 1; }
[ $((after - before)) -le $limit_kib ] || { echo "FAILED: memory grew by more than $limit_kib KiB"; exit 1; }
