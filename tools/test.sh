#!/bin/sh
# Sets up what is missing, what the tests alone need included, builds, and runs
# every test of this machine's own architecture.
#
#   tools/test.sh [arguments of ctest]       tools/test.sh -R Adam
set -eu
cd "$(dirname "$0")/.."
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
  exit 0
fi
. tools/build.sh
preset=$(host_preset)
tools/setup.sh "$(architecture_of "$preset")" tests
build_preset "$preset"
test_preset "$preset" "$@"
