#!/bin/bash
# `quoll status` as a process, of a proxy with several circuits: the table, one circuit, JSON, exit codes.
# usage: status_test.sh QUOLL. Exit 77 (skipped) where curl is not installed.
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

# Five circuits, of which nothing listens for `dead`. Ports that are free now; others when somebody was faster.
for base in $(shuf -i 20000-29990 -n 10); do
  cat > "$dir/quoll.yaml" <<EOF
listen: 127.0.0.1:$((base + 1))
admin: 127.0.0.1:$((base + 2))
upstream: http://127.0.0.1:$base
routes:
  - {name: orders, path: /orders}
  - {name: dead, path: /dead, upstream: "http://127.0.0.1:1", breaker: {minimum_volume: 3, reset_timeout: 5m}}
  - {name: shop, host: shop.example, concurrency: gradient2}
  - {name: learned, path: /learned, timeout: adaptive}
EOF
  "$quoll" backend --mode healthy --delay 1ms..2ms --listen 127.0.0.1:$base > "$dir/backend.log" 2>&1 & backend=$!
  "$quoll" proxy --config "$dir/quoll.yaml" > "$dir/proxy.log" 2>&1 & proxy=$!
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
for _ in 1 2 3 4; do
  curl -s -o /dev/null 127.0.0.1:$((base + 1))/orders
  curl -s -o /dev/null 127.0.0.1:$((base + 1))/dead
  curl -s -o /dev/null -H 'Host: shop.example' 127.0.0.1:$((base + 1))/
done
status() { "$quoll" status --admin 127.0.0.1:$((base + 2)) "$@"; }

check "several are a table" exits 0 status
check "which begins with how many are in which state" grep -qx '5 circuits: 1 open, 4 closed' <(head -1 "$dir/out")
check "then the heading" grep -q '^circuit  state ' <(sed -n 2p "$dir/out")
check "then the one in trouble, with the call it refused" \
  grep -qE '^dead +open +[0-9.]+ +0 +- +1 +- +/dead -> http://127.0.0.1:1$' <(sed -n 3p "$dir/out")
check "a route's calls are its own" says '^orders +closed +[0-9.]+ +4 +0\.0% +0 +[0-9.]+ +/orders -> '
check "a host is shown" says '^shop .* shop\.example/ -> '
check "the default route too" says '^default .* everything else -> '
check "--all exits 0" exits 0 status --all
check "and hides none" test "$(grep -c -- ' -> ' "$dir/out")" = 6
check "--circuit prints one" exits 0 status --circuit dead
check "with its state" says '^dead  open  for '
check "and why" says 'opened: 3 of 3 calls failed'
check "and no time that nobody measured" says 'upstream time: no answer in the window'
check "no other" test "$(grep -c orders "$dir/out")" = 0
check "a concurrency limit is shown" exits 0 status --circuit shop
check "with its algorithm" says 'calls under way: 0 of at most [0-9]+, gradient2'
check "a timeout that is learned is shown" exits 0 status --circuit learned
check "as such" says 'timeout: [0-9.]+ ms, adaptive'
check "--json exits 0" exits 0 status --json
check "and is the proxy's own" says '"states": \{"closed": 4, "open": 1\}'
check "--json of one exits 0" exits 0 status --circuit orders --json
check "and has its transitions" says '"transitions"'

check "an unknown circuit exits 2" exits 2 status --circuit nobody
check "and those that there are are named" complains "'nobody': no such circuit; there are 'default', 'orders', 'dead'"
check "an unknown circuit exits 2 with --json" exits 2 status --circuit nobody --json
check "what is no name exits 2" exits 2 status --circuit 'a/b?c#'
check "and is quoted" complains "'a/b\?c#' is not a circuit's name"
check "an empty name exits 2" exits 2 status --circuit ''
check "an unknown option exits 2" exits 2 status --nonsense
check "an address without a port exits 2" exits 2 "$quoll" status --admin localhost
check "and the option is named" complains '--admin: .*the port is missing'
check "somebody else's port exits 1" exits 1 "$quoll" status --admin 127.0.0.1:$base
check "and says so" complains 'is not a Quoll proxy'
check "also with --json" exits 1 "$quoll" status --admin 127.0.0.1:$base --json
check "no proxy exits 1" exits 1 "$quoll" status --admin 127.0.0.1:1
check "and asks for one" complains 'Connection refused; is a proxy running with that --admin address'
conclude
