#!/bin/sh
# Counts the steps to a training loss of 0.35 for batch sizes from 8 to 2048, and
# shows them beside those of Dive into Deep Learning, with the fit of
# S(B) = S_min (1 + B_noise / B).
#
#   tools/experiments/steps_to_target.sh                 5 seeds
#   tools/experiments/steps_to_target.sh --seeds 1       any arguments of `batchsweep run`
#   tools/experiments/steps_to_target.sh --resume        goes on with one that was stopped
#
# Results go to results-steps-to-target/ or to the folder of --out.
set -eu
caller=$PWD
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
  exit 0
fi

. tools/build.sh
out=$(out_of "$@")
preset=$(host_preset)
build_preset "$preset"

if [ -z "$out" ]; then
  out=$PWD/results-steps-to-target
  set -- --out "$out" "$@"
fi
root=$PWD
cd "$caller"
# The whole training file trains, as there, so the test file is what is left to
# validate on; 100 examples of it, since nothing is made of that here.
code=0
"$root/build/$preset/batchsweep" run \
  --model "$root/tools/experiments/steps_to_target.json" --data fashion-mnist \
  --val-from test --val-limit 100 --batch-sizes 8,32,128,512,2048 --seeds 5 \
  --optimizer adam --lr 0.004 --lr-rule sqrt --reference-batch 256 \
  --steps 8000 --val-every 10 --target-loss 0.35 --stop-at-target "$@" || code=$?
case $code in
  0 | 2 | 130)
    echo
    "$root/tools/experiments/steps_to_target.py" "$out"
    ;;
esac
exit "$code"
