#!/usr/bin/python3
"""Compares two batchsweep runs, batch size by batch size: is B slower than A?

A row has step time, peak memory, energy of a step and time to the target
accuracy, as far as both runs have them: the values of A and B, and by how much
B's is higher or lower with its 95 % interval; ~ where no difference is shown.

Runs that differ in more than what --vary names are not compared: model, data,
program (revision, compiler, flags), cpu, board, host, system, governor, clock
(its bounds), throttled (or not), kernels (who computes each product), and each
setting by its name in run.json (threads, optimizer, update ...). Numbers of
rows and repetitions may differ: batch_sizes, seeds and processes.

How sure it is: steps are no repetitions, since a machine's slow stretches
outlast many of them. A process (of --processes and of --seeds) counts once,
with the median of its steps after the warm-up; intervals are Student's t over
the processes, of logarithms. Of a run with one process, ten blocks of
consecutive steps (of energy: its epochs) stand for processes; their variance is
not divided by their number, since slow stretches come in all lengths. Two
things cannot be seen, and --unseen is the standard deviation of each: by how
much equal runs some minutes apart differ and, in a run with one process, by how
much processes do. Both were near 1 % on a shared virtual machine; a quiet board
may have less. Intervals of a column hold for all its rows together
(Bonferroni), so that the gate as a whole raises a false alarm in at most 5 % of
comparisons. Time to target is compared seed by seed, and needs two of them;
energy needs 60 readings of power in each run.

Exit codes: 0 no step time is shown to be slower by more than --threshold, 3 one
is, 4 not comparable, 1 an error, 2 a wrong flag. Memory, energy and time to
target decide nothing.
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import sys

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"compare_runs.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

from batchsweep_results import ENOUGH_READINGS, KEYS, BadInput, get, readings_per_second
from plotting.conditions import conditions, differences, warnings_of, words
from plotting.files import EPOCH_COLUMNS, Run, load_tables
from plotting.intervals import BLOCKS, Change, Process, change_of, change_of_pairs, of_blocks, share_false_alarms

COLUMNS = {"step_time": "ns", "peak_rss": "bytes", "step_energy": "joules", "time_to_target": "ns"}
UNITS = {"ns": [(1e9, "s"), (1e6, "ms"), (1e3, "µs")], "bytes": [(2**20, "MiB")],
         "joules": [(1, "J"), (1e-3, "mJ"), (1e-6, "µJ")]}


class NotComparable(Exception):
    """Says in a line what differs."""


@dataclasses.dataclass
class Side:
    """One of the two runs."""
    name: str
    folder: pathlib.Path
    info: dict
    steps: pd.DataFrame  # without the warm-up and the smaller last ones
    epochs: pd.DataFrame
    summary: pd.DataFrame
    unseen: float  # see of_blocks()
    by_threads: bool = False  # whether another number of threads is another row

    def cells(self, table):
        """{(batch size, threads): [(seed, rows) of each process]}"""
        found = collections.defaultdict(list)
        for (size, seed, threads, _), rows in table.groupby(KEYS):
            found[(size, threads) if self.by_threads else (size,)].append((seed, rows))
        return found

    def step_time(self):
        return {key: [of_blocks(np.median(times), [np.median(block) for block in np.array_split(times, BLOCKS)
                                                   if len(block)], self.unseen)
                      for times in (rows.step_time_ns.to_numpy() for _, rows in cells)]
                for key, cells in self.cells(self.steps).items()}

    def peak_rss(self):
        """It is planned, so that a lone process stands for all."""
        return {key: [Process(np.log(rows.peak_rss_bytes.iloc[0]), 0.0, 1) for _, rows in cells]
                for key, cells in self.cells(known(self.summary, "peak_rss_bytes")).items()}

    def step_energy(self):
        hz = readings_per_second(self.info)
        found = {}
        for key, cells in self.cells(known(self.epochs, "train_energy_joules")).items():
            readings = hz * sum(rows.train_time_ns.sum() for _, rows in cells) / 1e9
            processes = [of_blocks(rows.train_energy_joules.sum() / rows.steps.sum(),
                                   rows.train_energy_joules / rows.steps, self.unseen) for _, rows in cells]
            if readings < ENOUGH_READINGS:
                processes = [Process(np.mean([one.value for one in processes]), np.nan, 0)]
            found[key] = processes
        return found

    def time_to_target(self):
        """{key: {seed: the mean of its processes}}"""
        found = {}
        for key, cells in self.cells(known(self.summary, "time_to_target_ns")).items():
            times = pd.DataFrame([(seed, rows.time_to_target_ns.iloc[0]) for seed, rows in cells])
            found[key] = np.log(times[1]).groupby(times[0]).mean().to_dict()
        return found


def known(table, column):
    """The rows in which a column has a value."""
    values = table[column].astype(float)
    return table[np.isfinite(values) & (values > 0)]


def load_sides(folders, vary, unseen):
    sides = []
    for name, folder in zip("AB", folders):
        info, steps, epochs, summary = load_tables(
            folder, EPOCH_COLUMNS + ["steps", "train_time_ns", "train_energy_joules"],
            KEYS + ["peak_rss_bytes", "time_to_target_ns"])
        sides.append(Side(name, folder, info, Run.measured(steps), epochs, summary, unseen))
    several = [side for side in sides if side.steps.threads.nunique() > 1]
    if several and "threads" in vary:
        raise BadInput(several[0].folder, f"threads {words(sorted(set(several[0].steps.threads)))}",
                       "one number of them", "leave out --vary threads, or run the numbers one by one")
    return [dataclasses.replace(side, by_threads=bool(several)) for side in sides]


def check_comparable(a, b, vary):
    """Returns what was varied, in words."""
    found = differences(a, b)
    undeclared = {aspect: text for aspect, text in found.items() if aspect not in vary}
    if undeclared:
        text = "; ".join(text if text.startswith(f"{aspect} ") else f"{aspect}: {text}"
                         for aspect, text in undeclared.items())
        kernels = f"; for the same kernels run B with --kernels {a.folder}/run.json" * ("kernels" in undeclared)
        raise NotComparable(f"{a.folder} and {b.folder} differ in {text}: expected runs alike in all but what --vary "
                            f"names; add --vary {','.join([*vary, *undeclared])} to compare them all the same{kernels}")
    if not set(a.step_time()) & set(b.step_time()):
        raise NotComparable(f"{a.folder} and {b.folder} have no batch size in common: expected at least one of "
                            f"{words(sorted(set(a.steps.batch_size)))}; run B with --batch-sizes of A")
    return [f"{aspect}: {found.get(aspect, 'the same in both')}" for aspect in vary]


def compare(a, b):
    """{key: {column: Change}} of the rows that both runs have; columns without any value are left out."""
    table = collections.defaultdict(dict)
    for column in COLUMNS:
        if column == "step_energy" and get(a.info, "energy_grade") != get(b.info, "energy_grade"):
            continue  # what one meter draws is not what another one sees
        of_a, of_b = (getattr(side, column)() for side in (a, b))
        keys = sorted(of_a.keys() & of_b.keys() & (table.keys() or of_a.keys()))
        change = change_of_pairs if column == "time_to_target" else change_of
        for key, found in zip(keys, share_false_alarms([change(of_a[key], of_b[key], a.unseen) for key in keys])):
            table[key][column] = found
    return table


def notes(a, b, table):
    """What a reader must know beside the rows."""
    found = []
    for side in (a, b):
        if (status := get(side.info, "status", kind=str)) != "complete":
            found.append(f"{side.name} is {status or 'of unknown status'}: compared as far as it goes.")
        if names := warnings_of(side.info):
            found.append(f"{side.name} has warnings: {', '.join(names)}.")
        if alone := [title(key) for key in side.step_time() if key not in table]:
            found.append(f"Only in {side.name}: batch {', '.join(alone)}.")
        for key, row in table.items():
            seeds = len({seed for seed, _ in side.cells(side.summary).get(key, [])})
            reached = len(side.time_to_target().get(key, {}))
            if "time_to_target" in row and reached < seeds:
                found.append(f"{side.name} reached its target with {reached} of {seeds} seeds at batch {title(key)}: "
                             "compared are those that did in both runs.")
    if alone := [side.name for side in (a, b) if any(len(processes) < 2 for processes in side.step_time().values())]:
        found.append(f"One process in {' and '.join(alone)}: blocks of it stand for more; --processes 5 is surer.")
    grades = [get(side.info, "energy_grade") for side in (a, b)]
    if grades[0] != grades[1]:
        found.append(f"Energy is not compared: by {words(grades[0])} in A, by {words(grades[1])} in B.")
    return found


def verdict(table, threshold):
    """(rows that are slower, sentences)"""
    sure = {key: row["step_time"] for key, row in table.items() if row["step_time"].is_sure}
    slower = [key for key, change in sure.items() if change.exceeds(threshold)]
    found = [f"B is slower by more than {100 * threshold:g} % at batch {', '.join(map(title, slower))}." if slower else
             f"No batch size is shown to be slower by more than {100 * threshold:g} %."]
    if sure:
        found.append("A slower step is found 9 times of 10 from these on: " + ", ".join(
            f"batch {title(key)} {100 * change.detectable(threshold):.1f} %" for key, change in sure.items()) + ".")
    return slower, found


def title(key):
    """A row's name: the batch size, with the threads where these make rows."""
    return words(key[0]) + "".join(f" x {threads} threads" for threads in key[1:])


def in_words(column, change):
    """("15.8 → 16.4 µs", "+3.8 % (+2.1 to +5.4)")"""
    if not np.isfinite(change.a):
        return "", ""
    units = UNITS[COLUMNS[column]]
    size, unit = next((each for each in units if change.a >= each[0]), units[-1])
    values = f"{change.a / size:.4g} → {change.b / size:.4g} {unit}"
    if not change.is_sure:
        return values, "~ (no interval)"
    low, high = (f"{100 * limit:+.1f}" for limit in change.limits)
    shown = "~" if change.shown == "~" else f"{100 * change.relative:+.1f} %"
    return values, f"{shown} ({low} to {high})"


def lines_of(table, markdown):
    columns = [column for column in COLUMNS if any(column in row for row in table.values())]
    lines = [["batch"] + [word for column in columns for word in (column.replace("_", " "), "B against A")]]
    lines += [[title(key)] + [word for column in columns for word in in_words(column, row.get(column, Change()))]
              for key, row in table.items()]
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, ["-" * width for width in widths])
    rows = ["  ".join(word.rjust(width) for word, width in zip(line, widths)).rstrip() for line in lines]
    return ["| " + " | ".join(line) + " |" for line in lines] if markdown else rows


def records_of(table, threshold):
    """The rows as {column: value}, None where there is none."""
    found = []
    for key, row in table.items():
        record = dict(zip(("batch_size", "threads"), map(int, key)))
        for column, unit in COLUMNS.items():
            change = row.get(column, Change())
            low, high = change.limits
            values = {f"a_{column}_{unit}": change.a, f"b_{column}_{unit}": change.b,
                      f"{column}_change": change.relative, f"{column}_change_low": low, f"{column}_change_high": high}
            record |= {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
            record[f"{column}_shown"] = change.shown if np.isfinite(change.a) else None
        sure = row["step_time"].is_sure
        found.append(record | {"detectable_change": row["step_time"].detectable(threshold) if sure else None})
    return found


def report(a, b, varied, table, options):
    """Prints it; returns whether B is slower."""
    slower, sentences = verdict(table, options.threshold)
    sentences += notes(a, b, table)
    records = records_of(table, options.threshold)
    if options.json:
        print(json.dumps({"a": str(a.folder), "b": str(b.folder), "varied": varied, "threshold": options.threshold,
                          "slower": bool(slower), "rows": records, "notes": sentences}, indent=2, ensure_ascii=False))
    elif options.csv:
        pd.DataFrame(records).to_csv(sys.stdout, index=False, lineterminator="\n")
    else:
        point = "- " * options.markdown
        head = [f"{point}A  {a.folder}", f"{point}B  {b.folder}", *(f"{point}varied: {text}" for text in varied)]
        print(*head, "", *lines_of(table, options.markdown), "", *(point + text for text in sentences), sep="\n")
    return bool(slower)


def percent(text):
    if not 0 <= (number := float(text.removesuffix("%"))) <= 1000:
        raise ValueError
    return number / 100


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: tools/compare_runs.py before after --vary program\n"
                                            "         tools/compare_runs.py one two --vary threads --markdown")
    parser.add_argument("a", metavar="A", type=pathlib.Path, help="folder written by `batchsweep run --out`")
    parser.add_argument("b", metavar="B", type=pathlib.Path, help="another")
    parser.add_argument("--vary", metavar="NAMES", action="append", default=[],
                        help="what may differ, separated by commas")
    parser.add_argument("--threshold", metavar="PERCENT", type=percent, default="3%",
                        help="a slowdown up to this is let pass; %(default)s if not given")
    parser.add_argument("--unseen", metavar="PERCENT", type=percent, default="1%",
                        help="standard deviation of equal runs and of processes where it cannot be seen; %(default)s "
                             "if not given")
    form = parser.add_mutually_exclusive_group()
    for name in ("markdown", "csv", "json"):
        form.add_argument(f"--{name}", action="store_true", help=f"print {name} instead of a table for a terminal")
    options = parser.parse_args(arguments)
    vary = list(dict.fromkeys(name for names in options.vary for name in names.split(",") if name))
    try:
        if options.a.resolve() == options.b.resolve():
            raise BadInput(options.b, "the same folder twice", "two runs", "name another run")
        a, b = load_sides((options.a, options.b), vary, options.unseen)
        names = dict.fromkeys([*conditions(a), *conditions(b)])
        if unknown := [name for name in vary if name not in names]:
            parser.error(f"--vary {','.join(unknown)}: expected some of {', '.join(names)}")
        varied = check_comparable(a, b, vary)
        return 3 if report(a, b, varied, compare(a, b), options) else 0
    except (BadInput, NotComparable) as error:
        print(f"compare_runs.py: {error}", file=sys.stderr)
        return 4 if isinstance(error, NotComparable) else 1


if __name__ == "__main__":
    sys.exit(main())
