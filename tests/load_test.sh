#!/bin/bash
# `quoll load` as a process: exit codes, forms of output, signals, and its counts against the access log of an nginx.
# usage: load_test.sh QUOLL. Exit 77 (skipped) where nginx is not installed.
set -u
quoll=$1
source "$(dirname "$(readlink -f "$0")")/claims.sh"
command -v nginx >/dev/null || { echo "nginx is missing: skipped"; exit 77; }

dir=$(mktemp -d)
nginx_pid=
cleanup() {
  [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$dir"
}
trap cleanup EXIT

# A port that is free now: nginx cannot be given port 0. Another one when somebody was faster.
for port in $(shuf -i 20000-29999 -n 20); do
  cat > "$dir/nginx.conf" <<EOF
worker_processes 1; pid $dir/nginx.pid; error_log $dir/error.log; daemon off;
events { worker_connections 4000; }
http { access_log $dir/access.log; keepalive_requests 50;
  client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
  server { listen 127.0.0.1:$port; location / { return 200 "hello\n"; } location /gone { return 404; } } }
EOF
  nginx -c "$dir/nginx.conf" -p "$dir" > "$dir/nginx.out" 2>&1 &
  nginx_pid=$!
  for _ in $(seq 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break 2
    kill -0 $nginx_pid 2>/dev/null || break
    sleep 0.1
  done
  nginx_pid=
done
[ -n "$nginx_pid" ] || { echo "nginx does not start:"; cat "$dir/nginx.out"; exit 1; }
url=http://127.0.0.1:$port

check "a run exits 0" exits 0 "$quoll" load $url/ -n 1000 -c 7 --json --hdr "$dir/hdr" --requests-log "$dir/log.csv"
check "--json is one line" test "$(wc -l < "$dir/out")" = 1
check "every request is counted" grep -q '"requests":1000,"responses":1000,"succeeded":1000' "$dir/out"
check "nginx logged the same number" test "$(grep -c 'GET / ' "$dir/access.log")" = 1000
check "the request log has a line for each" test "$(wc -l < "$dir/log.csv")" = 1001
check "--hdr ends at the 100th percentile of all" grep -qE '^ +[0-9.]+ 1\.0+ +1000$' "$dir/hdr"

check "no success exits 1" exits 1 "$quoll" load $url/gone -n 10 -c 2
check "the table shows the status" grep -q '404: 10 (100.00 %)' "$dir/out"
check "a refused port exits 1" exits 1 "$quoll" load http://127.0.0.1:1/ -n 4 -c 2 --quiet
check "and says why" grep -q 'connect: 4 (100.00 %)  first: connect to 127.0.0.1:1: Connection refused' "$dir/out"

check "bad usage exits 2" exits 2 "$quoll" load http://10.1.2.3/ -c 0
check "a remote target is refused" grep -q -- --allow-remote "$dir/err"
check "and so is the other fault" grep -q 'connections is 0' "$dir/err"
check "an unknown option exits 2" exits 2 "$quoll" load $url/ --nonsense
check "a bad duration exits 2" exits 2 "$quoll" load $url/ -d 5
check "an unwritable file exits 2" exits 2 "$quoll" load $url/ -n 1 --hdr /nowhere/at/all

"$quoll" load $url/ -d 60s --rate 200 --live-json > "$dir/live" &
client=$!
for _ in $(seq 100); do grep -q '"type":"tick"' "$dir/live" && break; sleep 0.1; done
kill -TERM $client
check "SIGTERM ends a run with 0" wait $client
check "with a result as the last line" grep -q '"type":"result".*"stopped":true' <(tail -1 "$dir/live")

"$quoll" load $url/ --idle 300 --live-json > "$dir/idle" &
client=$!
for _ in $(seq 100); do grep -q '"type":"idle"' "$dir/idle" && break; sleep 0.1; done
check "--idle says when all are open" grep -qx '{"type":"idle","open":300}' "$dir/idle"
kill -TERM $client
check "and ends with 0" wait $client
conclude
