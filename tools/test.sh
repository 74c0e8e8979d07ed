#!/bin/sh
# Sets up what is missing, builds, and runs every test of this machine's own
# architecture.
#
#   tools/test.sh [arguments of ctest]       tools/test.sh -R Adam
set -eu
cd "$(dirname "$0")/.."
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
  exit 0
fi
. tools/build.sh
build_preset "$(host_preset)"
ctest --preset "$(host_preset)" --parallel "$(nproc)" "$@"
