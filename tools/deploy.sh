#!/usr/bin/env bash
# Builds for a board, ships the bundle there by ssh, runs the sweep on the board
# and draws its plots and writes its report here.
#
#   tools/deploy.sh pi@raspberrypi
#   tools/deploy.sh pi@raspberrypi --model cnn --batch-sizes 1,8,32 --epochs 3
#   tools/deploy.sh pi@a pi@b jetson@c           side by side, and plotted together
#   tools/deploy.sh pi@raspberrypi --clean       ends what runs there, removes all
#
#   --data DATA       fashion-mnist (carried there), synthetic, or a folder of
#                     data here, which is carried there too
#   --out FOLDER      for the results, FOLDER/HOST each; boards/ of the repository
#                     if not given
#   --clean           removes what was put there: ~/.batchsweep, and nothing that
#                     is somebody else's
# All other arguments are those of `batchsweep run`.
#
# A run goes on on the board when the connection is lost; the same command then
# shows the rest of it and fetches the results. A run that the board itself ended
# (no power, no memory) is resumed by it. The exit code is that of `batchsweep
# run`, the highest where there are several boards.
set -euo pipefail
caller=$PWD
cd "$(dirname "$0")/.."

work=
# Quiet once Ctrl-C has ended the connections, which makes everything fail.
fail() {
  [ -n "$work" ] && [ ! -e "$work/going" ] || echo "deploy: $1" >&2
  exit 1
}
from_caller() { case $1 in /*) echo "$1" ;; *) echo "$caller/$1" ;; esac; }

command -v ssh >/dev/null || fail 'no ssh here: expected OpenSSH; run apt-get install openssh-client'
for argument; do
  # They name files on the board, whose lists have a line for each.
  case $argument in *[\\[:cntrl:]]*) fail "$(printf %q "$argument"): has a line break, control character or backslash: expected none" ;; esac
done
hosts=()
data=fashion-mnist
out=$PWD/boards
clean=
run_arguments=()
while [ $# -gt 0 ] && [[ $1 != -* ]]; do
  hosts+=("$1")
  shift
done
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help)
      sed -n '2,/^set /s/^# \{0,1\}//p' tools/deploy.sh
      exit 0
      ;;
    --clean) clean=yes ;;
    --resume) fail '--resume: the same command resumes by itself; leave it out' ;;
    --data=* | --out=* | --model=* | --init=*)
      set -- "${1%%=*}" "${1#*=}" "${@:2}"
      continue
      ;;
    --data | --out | --model | --init)
      [ $# -gt 1 ] || fail "$1: expected a value after it"
      case $1 in
        --data) data=$2 ;;
        --out) out=$(from_caller "$2") ;;
        *) run_arguments+=("$1" "$2") ;;
      esac
      shift
      ;;
    *) run_arguments+=("$1") ;;
  esac
  shift
done
[ ${#hosts[@]} -gt 0 ] || fail 'no host: expected one or more first, like pi@raspberrypi; see --help'
twice=$(printf '%s\n' "${hosts[@]}" | sort | uniq -d | head -n 1)
[ -z "$twice" ] || fail "$twice is named twice: expected each board once"

work=$(mktemp -d)
: >"$work/going"
. tools/build.sh
. tools/deploy/host.sh

# shellcheck disable=SC2317  # called by the trap
leave() {
  rm -f "$work/going"
  for host in "${hosts[@]}"; do disconnect "$host"; done
  rm -rf "$work"
}
trap leave EXIT
trap 'echo; echo "deploy: what runs on a board goes on there; the same command shows the rest, --clean ends it" >&2; exit 130' INT TERM

if [ -n "$clean" ]; then
  for host in "${hosts[@]}"; do clean "$host"; done
  exit 0
fi

# The data: only the files that the program reads from a folder.
data_folder=
data_target=
case $data in
  synthetic) ;;
  fashion-mnist) data_folder=/usr/share/datasets/fashion-mnist ;;
  *) data_folder=$(from_caller "$data") ;;
esac
data_files() {
  (cd "$data_folder" && find . -maxdepth 1 ! -name '*[\\[:cntrl:]]*' \( -name '*.npy' -o -name '*-ubyte' -o -name '*-ubyte.gz' \
    -o -name '*.bin' -o -name '*.bin.gz' \))
}
if [ -n "$data_folder" ]; then
  hint='name a folder of IDX, CIFAR or .npy files, or synthetic'
  [ "$data" != fashion-mnist ] || hint='tools/setup.sh installs it'
  [ -d "$data_folder" ] || fail "--data $data: no folder $data_folder: expected the data set in it; $hint"
  [ -n "$(data_files)" ] || fail "--data $data: no data in $data_folder: expected IDX, CIFAR or .npy files; $hint"
  data_target=data/$(file_name "$(basename "$data_folder")")
fi

# Models and weights that are files here are carried too.
mkdir "$work/inputs"
for ((i = 0; i + 1 < ${#run_arguments[@]}; i++)); do
  case ${run_arguments[i]} in
    --model | --init)
      file=$(from_caller "${run_arguments[i + 1]}")
      [ -f "$file" ] || continue
      name=$(basename "$file")
      [ ! -e "$work/inputs/$name" ] || cmp -s "$file" "$work/inputs/$name" ||
        fail "$file: another file of that name is carried too: expected two names; rename one"
      cp "$file" "$work/inputs/$name"
      run_arguments[i + 1]=inputs/$name
      ;;
  esac
done
printf '%s\n' ${run_arguments[@]+"${run_arguments[@]}"} --data "${data_target:-synthetic}" >"$work/arguments"

results_of() { echo "$out/$(file_name "$1")"; }
for host in "${hosts[@]}"; do check_place "$host" "$(results_of "$host")"; done

declare -A preset_for
for host in "${hosts[@]}"; do
  connect "$host"
  ask "$host"
  preset_for[$host]=$(preset_for_facts "$host")
  what=$(board_in_facts "$host")
  echo "$host: ${what:+$what, }bundle ${preset_for[$host]}"
done
for preset in $(printf '%s\n' "${preset_for[@]}" | sort -u); do
  bundle_preset "$preset" "$work/bundle-$preset"
done

# Side by side, each in a process of its own; lines say whose they are if there
# are several.
width=$(printf '%s\n' "${hosts[@]}" | wc -L)
label() {
  while IFS= read -r line; do
    [ ${#hosts[@]} -eq 1 ] || printf '%-*s  ' "$width" "$1"
    printf '%s\n' "$line"
  done
}
mkdir -p "$out"
running=()
for host in "${hosts[@]}"; do
  (run_on "$host" "${preset_for[$host]}" "$(results_of "$host")" | label "$host") &
  running+=($!)
done

worst=0
drawn=()
for ((i = 0; i < ${#hosts[@]}; i++)); do
  code=0
  wait "${running[i]}" || code=$?
  [ "$code" -le "$worst" ] || worst=$code
  case $code in
    0 | 2 | 130) drawn+=("$(results_of "${hosts[i]}")") ;;
  esac
done
for results in ${drawn[@]+"${drawn[@]}"}; do
  tools/plot.py "$results"
  tools/report.py "$results"
done
if [ ${#drawn[@]} -ge 2 ]; then
  tools/plot.py "${drawn[@]}" --out "$out"
  tools/report.py "${drawn[@]}" --out "$out/report.html"
fi
exit "$worst"
