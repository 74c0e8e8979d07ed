#!/bin/sh
# Sets up what is missing, builds, runs a sweep, draws its plots and writes its
# report, a page that opens in any browser: report.html.
#
#   tools/sweep.sh                           mlp on Fashion-MNIST: batch sizes
#                                            8, 32 and 128, 10 epochs each
#   tools/sweep.sh --batch-sizes 1,16,256    any arguments of `batchsweep run`
#
# Results go to results/ or to the folder of --out. A run that is already in
# results/ is moved aside first, never overwritten.
set -eu
caller=$PWD
cd "$(dirname "$0")/.."
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
  exit 0
fi

resume=
for argument in "$@"; do
  [ "$argument" != --resume ] || resume=1
done

. tools/build.sh
out=$(out_of "$@")
preset=$(host_preset)
build_preset "$preset"

# Without --out, results/ of the repository; paths are the caller's otherwise.
if [ -z "$out" ]; then
  out=$PWD/results
  set -- "$@" --out "$out"
  if [ -z "$resume" ] && [ -e "$out/run.json" ]; then
    aside=$out-$(date -r "$out/run.json" +%Y%m%d-%H%M%S)
    mv "$out" "$aside"
    echo "moved the earlier results to $(basename "$aside")/"
  fi
fi
root=$PWD
cd "$caller"
code=0
"$root/build/$preset/batchsweep" run "$@" || code=$?
# What an interrupted or diverged run recorded is drawn too.
case $code in
  0 | 2 | 130)
    echo
    "$root/tools/plot.py" "$out"
    "$root/tools/report.py" "$out"
    ;;
esac
exit "$code"
