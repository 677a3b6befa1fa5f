#!/bin/sh
# check.sh PROGRAM SOURCE: the program ends with 0 and prints what the comment at the top of its source says.
set -eu
sed -n '/^\/\/ Prints:/,/^[^/]/s/^\/\/   //p' "$2" >"$1.expected"
[ -s "$1.expected" ] || { echo "$2 does not say what it prints" >&2; exit 1; }
"$1" >"$1.printed"
diff -u "$1.expected" "$1.printed"
