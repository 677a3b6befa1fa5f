#!/bin/sh
# One of the package's test files: run.sh NAME. Exit 77 (skipped) where Node or the built package is not there.
set -eu
cd "$(dirname "$0")/.."
command -v node >/dev/null || { echo "node is not installed: skipped"; exit 77; }
[ -f build/Release/quoll.node ] && [ -d node_modules/opossum ] || {
  echo "the Node package is not built; ./dev node build does it: skipped"
  exit 77
}
exec node --expose-gc --test "test/$1.test.js"
