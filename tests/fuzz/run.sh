#!/usr/bin/env bash
# Fuzzes the readers of files, flags and sensors, as many at a time as there are
# cores.
#
#   tests/fuzz/run.sh                              all, 10 s each
#   tests/fuzz/run.sh -max_total_time=600 gzip     ten minutes of one
#   tests/fuzz/run.sh -runs=1000000                a million inputs each
#
# Arguments that begin with - are libFuzzer's, others are targets. An input that
# crashes, hangs or takes too much memory is kept in build/fuzz/, and the exit
# code is 1. The program is that of the preset x86-64-asan; BATCHSWEEP_FUZZER
# names another.
set -euo pipefail
cd "$(dirname "$0")/../.."

fuzzer=${BATCHSWEEP_FUZZER:-build/x86-64-asan/tests/fuzz/batchsweep_fuzz}
[ -x "$fuzzer" ] || {
  echo "fuzz: no $fuzzer: expected it to be built; run cmake --preset x86-64-asan, then cmake --build --preset x86-64-asan" >&2
  exit 1
}
options=()
targets=()
for argument; do
  case $argument in
    -*) options+=("$argument") ;;
    *) targets+=("$argument") ;;
  esac
done
[ ${#options[@]} -gt 0 ] || options=(-max_total_time=10)
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/seeds)

# Inputs are written and read millions of times: in memory where that can be.
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p build/fuzz
export TMPDIR=$work work fuzzer
# As the real heap does.
export ASAN_OPTIONS=allocator_may_return_null=1

# What is found on the way is kept for this run alone.
fuzz_one() {
  local target=$1 log=build/fuzz/$1.log
  mkdir "$work/$target"
  if "$fuzzer" "$target" "$work/$target" "tests/fuzz/seeds/$target" -timeout=20 -rss_limit_mb=1024 \
    -print_final_stats=1 "-artifact_prefix=build/fuzz/$target-" "${@:2}" >"$log" 2>&1; then
    sed -n 's/^stat::[a-z_]*: *//p' "$log" | { read -r runs && read -r rate && echo "$target: $runs inputs, $rate/s"; }
  else
    grep -E -m 3 'SUMMARY|ERROR|CHECK failed' "$log" >&2 || tail -n 3 "$log" >&2
    echo "fuzz: $target: found an input that its reader should refuse or take: $(sed -n 's/.*Test unit written to //p' "$log"); the whole output is in $log" >&2
    return 1
  fi
}
export -f fuzz_one
printf '%s\0' "${targets[@]}" | xargs -0 -P "$(nproc)" -I '{}' bash -c 'fuzz_one "$@" || exit 1' - '{}' "${options[@]}"
