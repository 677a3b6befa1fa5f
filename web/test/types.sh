#!/bin/sh
# tsc over the page's sources. usage: types.sh NODE WEB. Exit 77 (skipped) where web/node_modules is not installed.
[ -f "$2/node_modules/typescript/bin/tsc" ] || { echo "web/node_modules is not installed: skipped"; exit 77; }
cd "$2" && exec "$1" node_modules/typescript/bin/tsc --noEmit
