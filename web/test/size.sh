#!/bin/sh
# The page's weight on the wire, compressed. usage: size.sh DIST. Exit 77 (skipped) where it was not built.
[ -f "$1/app.js" ] || { echo "the page was not built: skipped"; exit 77; }
total=0
for file in "$1"/*; do total=$((total + $(gzip -9 -c "$file" | wc -c))); done
echo "$total bytes gzipped, at most 153600"
[ "$total" -le 153600 ]
