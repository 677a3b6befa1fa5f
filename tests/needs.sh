#!/bin/sh
# Runs a test that needs programs which may not be here: needs.sh "PROGRAM..." COMMAND ARG...
# They are looked for when the test runs. What CMake found when it configured, or did not find, may be out of date.
# Exit 77 (skipped) where one is missing; else what COMMAND exits with.
for program in $1; do
  command -v "$program" >/dev/null || { echo "$program is not installed: skipped"; exit 77; }
done
shift
exec "$@"
