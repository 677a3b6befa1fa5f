#!/bin/sh
# Every ```cpp block of the README and the documentation compiles: snippets_test.sh SOURCE WORK CXX DEFINITION...
# Each is put into a function of its own, its #include lines above it, among the names of snippets/prelude.h.
set -eu
source=$1 work=$2 cxx=$3
shift 3
mkdir -p "$work"
cd "$source"
pages="README.md docs/library.md docs/policies/*.md"

# shellcheck disable=SC2086
awk '
  FNR == 1 { count = 0 }
  /^```cpp$/ {
    inside = 1; ++count; ++all; body = ""; result = "Anything"
    name = FILENAME; gsub(/[^A-Za-z0-9]/, "_", name)
    next
  }
  /^```/ && inside {
    inside = 0
    text = text result " snippet_" name "_" count "() {\n" body "}\n"
    next
  }
  inside && /^#include/ { print; body = body "\n"; next }
  inside {
    if (body !~ /#line/) body = body "#line " FNR " \"" FILENAME "\"\n"
    if (/co_await|co_return/) result = "net::Task<Anything>"
    body = body $0 "\n"
  }
  END { print "#include \"prelude.h\"\n" text; print all > "/dev/stderr" }
' $pages >"$work/snippets.cc" 2>"$work/count"
[ "$(cat "$work/count")" -ge 15 ] || { echo "snippets: only $(cat "$work/count") found; has the layout changed?" >&2; exit 1; }

includes="-Itests/snippets"
for module in base core net; do includes="$includes -I$module/include"; done
# shellcheck disable=SC2086
"$cxx" -std=c++20 -fsyntax-only -w "$@" $includes "$work/snippets.cc"
echo "snippets: $(cat "$work/count") compile"
