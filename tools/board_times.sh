#!/bin/sh
# Prints the measured time of a step beside the one that tests/perf/boards.md models.
#
#   board_times.sh BOARDS_TXT BOARDS_CSV SAID MODEL=RESULTS...
#
# SAID is what the board's device tree says of it, RESULTS a folder of
# `batchsweep run`. Where SAID fits no line of BOARDS_TXT, or BOARDS_CSV has not
# that board, what was measured is printed alone.
set -euf
boards=$1 modelled=$2 said=$3
shift 3

# board_of SAID: its name in the table of boards; nothing if it is not there.
board_of() {
  while read -r name _ _ _ _ pattern _; do
    case $name in '#'* | '') continue ;; esac
    if printf '%s\n' "$1" | grep -Eq "$pattern"; then
      echo "$name"
      return
    fi
  done <"$boards"
}

# model_us MODEL BATCH_SIZE: what is expected on this board; - if nothing is.
model_us() {
  while IFS=, read -r name model batch_size us; do
    if [ "$name,$model,$batch_size" = "$board,$1,$2" ]; then
      echo "$us"
      return
    fi
  done <"$modelled"
  echo -
}

# column NAME HEADER: which column of a table is called so, from 1.
column() {
  number=0
  IFS=,
  for each in $2; do
    number=$((number + 1))
    if [ "$each" = "$1" ]; then
      unset IFS
      echo "$number"
      return
    fi
  done
  unset IFS
  echo "board_times: no column $1: expected a summary.csv of this program" >&2
  return 1
}

# cell NUMBER ROW
cell() {
  cell=$1
  IFS=,
  # shellcheck disable=SC2086 # split at its commas
  set -- $2
  unset IFS
  shift $((cell - 1))
  echo "${1-}"
}

# print_times MODEL SUMMARY: a line for each batch size.
print_times() {
  {
    IFS= read -r header
    size_column=$(column batch_size "$header")
    time_column=$(column step_time_median_ns "$header")
    while IFS= read -r row; do
      size=$(cell "$size_column" "$row")
      ns=$(cell "$time_column" "$row")
      us=-
      if [ -n "$ns" ]; then us=$(((${ns%.*} + 500) / 1000)); fi
      expected=$(model_us "$1" "$size")
      ratio=-
      if [ "$expected" != - ] && [ "$us" != - ] && [ "$expected" -gt 0 ]; then
        ratio=$((us / expected)).$(printf '%02d' $((us * 100 / expected % 100)))
      fi
      if [ "$modelled_here" = yes ]; then
        printf '%-6s %5s %10s %10s %10s\n' "$1" "$size" "$us" "$expected" "$ratio"
      else
        printf '%-6s %5s %10s\n' "$1" "$size" "$us"
      fi
    done
  } <"$2"
}

board=$(board_of "$said")
modelled_here=no
if [ -n "$board" ] && grep -q "^$board," "$modelled"; then modelled_here=yes; fi
if [ "$modelled_here" = yes ]; then
  echo "us a step; the model's are computed for $board, not measured:"
  printf '%-6s %5s %10s %10s %10s\n' model batch measured modelled ratio
else
  echo "us a step; there is no model of ${board:-this machine}:"
  printf '%-6s %5s %10s\n' model batch measured
fi
for each in "$@"; do
  print_times "${each%%=*}" "${each#*=}/summary.csv"
done
