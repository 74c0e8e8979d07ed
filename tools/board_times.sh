#!/bin/sh
# Prints the measured time of a step beside the one that tests/perf/boards.md models.
#
#   board_times.sh BOARDS_TXT BOARDS_CSV SAID MODEL=RESULTS...
#
# SAID is what the board's device tree says of it, RESULTS a folder of
# `batchsweep run`. Where SAID fits no line of BOARDS_TXT, or BOARDS_CSV has not
# that board, what was measured is printed alone.
set -euf
boards=$1 modelled=$2
export SAID="$3"
shift 3

# awk takes an argument MODEL=NAME for what its variable is from there on.
for each in "$@"; do
  set -- "$@" "model=${each%%=*}" "${each#*=}/summary.csv"
  shift
done
exec awk -F, '
  # The first line of the table of boards that fits names the board.
  FILENAME == ARGV[1] {
    split($0, column, " ")
    if (board == "" && $0 !~ /^(#|$)/ && ENVIRON["SAID"] ~ column[6]) board = column[1]
    next
  }
  FILENAME == ARGV[2] {
    if (board != "" && $1 == board) expected[$2, $3] = $4
    next
  }
  # A summary begins with its header.
  FNR == 1 {
    split("", column)
    for (i = 1; i <= NF; ++i) column[$i] = i
    for (i = split("batch_size step_time_median_ns", names, " "); i > 0; --i) {
      if (names[i] in column) continue
      print "board_times: no column " names[i] ": expected a summary.csv of this program" >"/dev/stderr"
      exit 1
    }
    if (begun++) next
    for (any in expected) is_modelled = 1
    if (is_modelled) {
      print "us a step; the model\047s are computed for " board ", not measured:"
      printf "%-6s %5s %10s %10s %10s\n", "model", "batch", "measured", "modelled", "ratio"
    } else {
      print "us a step; there is no model of " (board == "" ? "this machine" : board) ":"
      printf "%-6s %5s %10s\n", "model", "batch", "measured"
    }
    next
  }
  {
    size = $column["batch_size"]
    ns = $column["step_time_median_ns"]
    us = ns == "" ? "-" : int((ns + 500) / 1000)
    if (!is_modelled) {
      printf "%-6s %5s %10s\n", model, size, us
      next
    }
    ours = ((model, size) in expected) ? expected[model, size] : "-"
    ratio = (us != "-" && ours > 0) ? sprintf("%.2f", int(us * 100 / ours) / 100) : "-"
    printf "%-6s %5s %10s %10s %10s\n", model, size, us, ours, ratio
  }' "$boards" "$modelled" "$@"
