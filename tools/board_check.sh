#!/bin/sh
# Checks in about a minute that this board computes right: kernels against naive
# twins in double precision, live weights, the loss curves of float64 training,
# a sweep, the board's limits, its sensors. Prints ok or FAIL for each, and the
# time of a step beside that of the board's model, tests/perf/boards.md.
#
#   ./board_check.sh [REPORT]     in a bundle
#   tools/board_check.sh [REPORT] in the repository, once it is built
#
# The report (board_check.txt if none is named) has all output; attach it to an
# issue. Exit code: 0 if all is well, 1 if anything fails.
set -eu
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
  exit 0
fi
here=$(dirname "$(readlink -f "$0")")
report=${1:-board_check.txt}

if [ -x "$here/bin/batchsweep_tests" ]; then
  export BATCHSWEEP_TEST_DATA="$here/test-data"
  program=$here/batchsweep
  tests=$here/batchsweep_tests
  boards=$here/boards.txt modelled=$here/boards.csv
else
  case $(uname -m) in
    x86_64) build=$here/../build/x86-64 ;;
    *) build=$here/../build/aarch64 ;;
  esac
  program=$build/batchsweep
  tests=$build/tests/batchsweep_tests
  boards=$here/boards.txt modelled=$here/../tests/perf/boards.csv
fi
if [ ! -x "$program" ] || [ ! -x "$tests" ]; then
  echo "board_check: no program in $here: expected an unpacked bundle, or a build; run tools/sweep.sh first" >&2
  exit 1
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

{
  echo "batchsweep board check, $(date -u '+%Y-%m-%d %H:%M UTC')"
  uname -a
  tr '\0' '\n' 2>/dev/null </proc/device-tree/model || true
} >"$report" || {
  echo "board_check: cannot write $report: expected a folder to write in; name a report elsewhere" >&2
  exit 1
}

failed=0
# check WHAT COMMAND...: its output goes to the report, its verdict to both.
check() {
  what=$1
  shift
  start=$(date +%s)
  printf '%-44s ' "$what"
  printf '\n== %s\n' "$what" >>"$report"
  if "$@" >"$work/output" 2>&1; then
    verdict=ok
  else
    verdict=FAIL
    failed=$((failed + 1))
  fi
  cat "$work/output" >>"$report"
  echo "$verdict  $(($(date +%s) - start)) s" | tee -a "$report"
}

check 'kernels against naive twins' "$tests" '[kernels]'
check 'live weights of every operator' "$tests" '[live_weights]'
check 'loss curves of float64 training' "$tests" '[curves]'
check 'a sweep of cnn' "$program" run --model cnn --data synthetic \
  --train-limit 640 --epochs 1 --seeds 1 --out "$work/results"

# So few steps take some seconds on the slowest board.
step_times() {
  for model in mlp cnn; do
    "$program" run --model $model --data synthetic --train-limit 2560 --val-limit 16 \
      --steps 20 --batch-sizes 8,32,128 --seeds 1 --sample-hz 0 --out "$work/$model" || return 1
  done
  said=$(cat /proc/device-tree/compatible /proc/device-tree/model 2>/dev/null | tr '\0' ' ')
  "$here/board_times.sh" "$boards" "$modelled" "$said" "mlp=$work/mlp" "cnn=$work/cnn" >"$work/times"
  cat "$work/times"
}
check 'the time of a step' step_times
check 'the limits of this board' "$program" roofline
check 'the board and its sensors' "$program" info

echo
cat "$work/output"
if [ -s "$work/times" ]; then
  echo
  cat "$work/times"
fi
echo
if [ "$failed" -gt 0 ]; then
  echo "FAILED: $failed of 7; the whole output is in $report"
  exit 1
fi
echo "all ok; the whole output is in $report"
