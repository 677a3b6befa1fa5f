#!/bin/sh
# What did not run, a line each with its reason: skipped.sh JUNIT (as ctest --output-junit writes it).
#
# Exit 1 where CI is set (to anything but false) and one was skipped that should not be: ./dev test installs what its
# tests need. Three reasons are good anywhere: a test that runs only when asked for (its variable "is not set"), a thing
# that the machine does not permit, and a build that was told to be without the page.
set -eu
excuses='is not set|not permitted|QUOLL_WEB=OFF'
[ "${QUOLL_WEB:-AUTO}" != OFF ] || excuses="$excuses|^Dashboard\."

lines=$(awk '
  /<testcase / { name = $0; sub(/.*<testcase name="/, "", name); sub(/".*/, "", name); skipped = 0; reason = ""; next_is_it = 0 }
  /<skipped / { skipped = 1 }
  {
    text = $0
    sub(/.*<system-out>/, "", text)
    sub(/<\/system-out>.*/, "", text)
    # GoogleTest says it on the line below this one; a script on its last line.
    if (next_is_it) { reason = text; next_is_it = 0; known = 1 }
    else if (text ~ /: Skipped$/) next_is_it = 1
    else if (!known && text ~ /[a-z]/ && text !~ /^[ \t]*</) reason = text
  }
  /<\/testcase>/ { if (skipped) print name ": " reason; known = 0 }
' "$1" | sed -e 's/&lt;/</g' -e 's/&gt;/>/g' -e "s/&apos;/'/g" -e 's/&quot;/"/g' -e 's/&amp;/\&/g')
[ -n "$lines" ] || exit 0
echo
echo "$(echo "$lines" | wc -l) skipped:"
echo "$lines" | sed 's/^/  /'
[ "${CI:-false}" != false ] || exit 0
unexcused=$(echo "$lines" | grep -Ev "$excuses" || true)
[ -z "$unexcused" ] || { echo "CI: these must run, and did not:"; echo "$unexcused" | sed 's/^/  /'; exit 1; }
