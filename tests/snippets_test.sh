#!/bin/sh
# Every ```cpp block of the README and the documentation compiles as it stands: snippets_test.sh SOURCE WORK CXX DEFINITION...
# Each is a file of its own. At the top of it are the block's own #include lines and nothing else of Quoll's; its other
# lines are the body of a function, among what a reader fills in (snippets/reader.h), whose names are all global. So a
# block that leaves out an include, a using or a namespace does not compile.
set -eu
source=$1 work=$2 cxx=$3
shift 3
rm -rf "$work"
mkdir -p "$work"
cd "$source"

awk -v work="$work" '
  FNR == 1 { count = 0 }
  /^```cpp$/ {
    inside = 1; ++count; includes = body = net = ""; result = "Anything"
    name = FILENAME; gsub(/[^A-Za-z0-9]/, "_", name)
    next
  }
  /^```/ && inside {
    inside = 0
    print includes net "#include \"reader.h\"\n" result " snippet() {\n" body "}" > (work "/" name "_" count ".cc")
    next
  }
  inside && /^#include/ {
    includes = includes $0 "\n"; body = body "\n"
    if (/quoll\/net/) net = "#define READER_USES_NET\n"
    next
  }
  inside {
    if (body !~ /#line/) body = body "#line " FNR " \"" FILENAME "\"\n"
    if (/co_await|co_return/) result = "quoll::net::Task<Anything>"
    body = body $0 "\n"
  }
' README.md docs/library.md docs/policies/*.md

count=$(find "$work" -name '*.cc' | wc -l)
[ "$count" -ge 15 ] || { echo "snippets: only $count found; has the layout changed?" >&2; exit 1; }

includes="-Itests/snippets"
for module in base core net; do includes="$includes -I$module/include"; done
# shellcheck disable=SC2086
find "$work" -name '*.cc' | sort | xargs -P 2 -n 1 "$cxx" -std=c++20 -fsyntax-only -w "$@" $includes
echo "snippets: $count compile"
