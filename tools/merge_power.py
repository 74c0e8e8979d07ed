#!/usr/bin/python3
"""Merges what an external meter recorded into a copy of a batchsweep run.

The meter's CSV has a header line, a column of times (time, timestamp, unix_s,
unix_ms or unix_ns: Unix time, or ISO 8601 in UTC) and one of watts (watts, power_watts,
power_w or power). Between two samples the power is taken to go straight from
one to the other. In the copy

  steps.csv    power_watts and energy_joules are those of each step,
  epochs.csv   train_energy_joules is what was drawn from an epoch's first step
               to the end of its last, without evaluations and without pauses in
               which the run stood,
  evaluations.csv, summary.csv
               train_energy_joules and energy_to_target_joules are sums of these,
  run.json     energy_grade is "meter", energy_source the meter's file,
               energy_sample_hz how often it measured.

All else stays as it was. Where the meter has no samples for more than a second
and ten of its usual intervals, cells are empty.
"""

import argparse
import csv
import dataclasses
import datetime
import json
import pathlib
import shutil
import sys

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"merge_power.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

from batchsweep_results import KEYS, BadInput, get, read_info

TIME_COLUMNS = {"time": 1.0, "timestamp": 1.0, "unix_s": 1.0, "unix_ms": 1e-3, "unix_ns": 1e-9}  # in seconds
WATT_COLUMNS = ["watts", "power_watts", "power_w", "power"]
GAP_SECONDS, GAP_INTERVALS = 1.0, 10.0
PAUSE_SECONDS = 10.0  # between two steps of an epoch: it was interrupted, and resumed later


@dataclasses.dataclass
class Meter:
    """Samples in seconds since `origin`, a whole second, so that nanoseconds keep their digits."""
    seconds: np.ndarray
    watts: np.ndarray
    origin: int

    def __post_init__(self):
        steps = np.diff(self.seconds)
        interval = float(np.median(steps))
        self.sample_hz = 1 / interval
        limit = max(GAP_SECONDS, GAP_INTERVALS * interval)
        self.joules = np.concatenate([[0.0], np.cumsum(steps * (self.watts[1:] + self.watts[:-1]) / 2)])
        self.gaps = np.concatenate([[0], np.cumsum(steps > limit)])  # before each sample

    def energy(self, begin, end):
        """Joules between moments, NaN where there are no samples around or a gap is in between."""
        return np.where(self.covers(begin, end), self.joules_until(end) - self.joules_until(begin), np.nan)

    def joules_until(self, moment):
        """The integral of the power, which is a parabola between two samples."""
        i = np.clip(np.searchsorted(self.seconds, moment, side="right") - 1, 0, len(self.seconds) - 2)
        since = moment - self.seconds[i]
        slope = (self.watts[i + 1] - self.watts[i]) / (self.seconds[i + 1] - self.seconds[i])
        return self.joules[i] + since * (self.watts[i] + slope * since / 2)

    def covers(self, begin, end):
        first = np.searchsorted(self.seconds, begin, side="right") - 1
        last = np.searchsorted(self.seconds, end, side="left")
        inside = (first >= 0) & (last < len(self.seconds))
        return inside & (self.gaps[np.clip(last, 0, len(self.gaps) - 1)] == self.gaps[np.clip(first, 0, None)])


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def unix_seconds(column, scale, path):
    """(whole seconds of the first time, seconds since then) of a column of numbers or of ISO 8601."""
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().any():
        times = numbers * scale
    else:
        parsed = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601" if pd.__version__ >= "2" else None)
        times = (parsed - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    bad = ~np.isfinite(times.to_numpy(dtype=float))
    if bad.any():
        row = int(bad.argmax())
        raise BadInput(path, f"line {row + 2}: the time is '{column.iloc[row]}'", "Unix time or ISO 8601 in UTC",
                       "mend or delete that line")
    origin = int(np.floor(times.iloc[0]))
    return origin, (times - origin).to_numpy(dtype=float)


def column_of(table, names, what, path):
    by_name = {str(name).strip().lower(): name for name in table.columns}
    for name in names:
        if name in by_name:
            return name, table[by_name[name]]
    raise BadInput(path, f"no column of {what}", f"a header line with one of {', '.join(names)}",
                   "rename the meter's column")


def read_meter(path, offset):
    try:
        table = pd.read_csv(path, skipinitialspace=True, dtype=str)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise BadInput(path, what, "a CSV file of times and watts", "name the meter's file") from None
    name, times = column_of(table, TIME_COLUMNS, "times", path)
    _, power = column_of(table, WATT_COLUMNS, "watts", path)
    if len(table) < 2:
        raise BadInput(path, f"{len(table)} samples", "two or more", "record for as long as the run takes")
    origin, seconds = unix_seconds(times, TIME_COLUMNS[name], path)
    watts = pd.to_numeric(power, errors="coerce").to_numpy(dtype=float)
    for wrong, what in ((~np.isfinite(watts), "no number"), (watts < 0, "below 0")):
        if wrong.any():
            row = int(wrong.argmax())
            raise BadInput(path, f"line {row + 2}: the power, '{power.iloc[row]}', is {what}", "watts",
                           "mend or delete that line")
    back = np.diff(seconds) <= 0
    if back.any():
        raise BadInput(path, f"line {int(back.argmax()) + 3}: its time is not after the one before",
                       "samples in the order of time", "sort them, each time once")
    return Meter(seconds + offset, watts, origin)


def read_rows(path, columns):
    """The header and the rows of a table as texts."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "no header line"
        raise BadInput(path, what, "a table of `batchsweep run`") from None
    missing = [column for column in columns if column not in header]
    if missing:
        raise BadInput(path, f"no column {', '.join(missing)}", "a table of `batchsweep run`")
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise BadInput(path, f"line {number} has {len(row)} cells", len(header), "delete that line")
    return header, rows


def write_rows(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def whole(path, header, rows, column):
    """A column of whole numbers; nanoseconds since 1970 do not fit a float."""
    index = header.index(column)
    try:
        return np.array([row[index] for row in rows]).astype(np.int64)
    except ValueError:
        raise BadInput(path, f"a {column} that is no whole number", "a table as `batchsweep run` wrote it") from None


def text(number):
    return "" if np.isnan(number) else repr(float(number))


def in_joules(number):
    """0.000181 as "181 µJ"."""
    for factor, unit in ((1e6, "µJ"), (1e3, "mJ")):
        if number * factor < 999.5:
            return f"{number * factor:.3g} {unit}"
    return f"{number:,.3g} J" if number < 999.5 else f"{number:,.0f} J"


class Merged:
    """The tables of a run with the meter's power in them."""

    def __init__(self, folder, meter):
        self.folder, self.meter = folder, meter
        self.steps_path = folder / "steps.csv"
        self.header, self.rows = read_rows(self.steps_path, [*KEYS, "epoch", "start_unix_ns", "step_time_ns",
                                                             "power_watts", "energy_joules"])
        if not self.rows:
            raise BadInput(self.steps_path, "no rows", "at least one step", "let the sweep run longer")
        start_ns = self.step_column("start_unix_ns") - meter.origin * 1_000_000_000
        time_ns = self.step_column("step_time_ns")
        self.begin, self.end = start_ns / 1e9, (start_ns + time_ns) / 1e9
        self.check_overlap()
        self.joules = meter.energy(self.begin, self.end)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.watts = self.joules / (self.end - self.begin)
        self.merge_steps()
        self.merge_epochs()
        self.merge_summary()

    def step_column(self, name):
        return whole(self.steps_path, self.header, self.rows, name)

    def check_overlap(self):
        first, last = self.meter.seconds[[0, -1]] + self.meter.origin
        begin, end = self.begin.min() + self.meter.origin, self.end.max() + self.meter.origin
        if first > end or last < begin:
            raise BadInput(self.steps_path, f"the run was from {utc(begin)} to {utc(end)} UTC and the meter's samples "
                           f"from {utc(first)} to {utc(last)}", "samples of the time of the run",
                           "shift them with --offset SECONDS if a clock was wrong")

    def merge_steps(self):
        watts, joules = self.header.index("power_watts"), self.header.index("energy_joules")
        for row, power, energy in zip(self.rows, self.watts, self.joules):
            row[watts], row[joules] = text(power), text(energy)

    def merge_epochs(self):
        """The energy of an epoch or of the training up to an evaluation is the sum of stretches of steps with neither
        a pause nor an evaluation in between."""
        keys = KEYS + ["epoch", "step"]
        evaluations, epochs = self.folder / "evaluations.csv", self.folder / "epochs.csv"
        self.evaluation_header, self.evaluation_rows = read_rows(evaluations, [*KEYS, "step", "train_energy_joules"])
        self.epoch_header, self.epoch_rows = read_rows(epochs, [*KEYS, "epoch", "train_energy_joules"])
        frame = pd.DataFrame({key: self.step_column(key) for key in keys} | {"begin": self.begin, "end": self.end})
        evaluated = set(zip(*(whole(evaluations, self.evaluation_header, self.evaluation_rows, key)
                              for key in KEYS + ["step"])))
        behind_one = [(*key, step - 1) in evaluated for *key, step in zip(*(frame[key] for key in KEYS + ["step"]))]
        pause = frame.begin - frame.groupby(keys[:-1]).end.shift() > PAUSE_SECONDS
        frame["part"] = (pause | behind_one).cumsum()
        spans = frame.groupby([*keys[:-1], "part"]).agg(begin=("begin", "min"), end=("end", "max"), step=("step", "max"))
        spans["joules"] = self.meter.energy(spans.begin.to_numpy(), spans.end.to_numpy())
        spans = spans.reset_index().sort_values([*KEYS, "step"])
        of_epoch = self.fill(self.epoch_header, self.epoch_rows, "epoch", spans, lambda of, at: of == at)
        self.until = self.fill(self.evaluation_header, self.evaluation_rows, "step", spans, lambda of, at: of <= at)
        self.of_cell = {}
        for key, joules in of_epoch.items():
            self.of_cell[key[:-1]] = self.of_cell.get(key[:-1], 0.0) + joules

    def fill(self, header, rows, name, spans, counts):
        """The column train_energy_joules of rows: the sum of those spans of the cell whose column `name` counts. Returns
        it by cell and that column."""
        of_cell = {cell: (group[name].to_numpy(), group.joules.to_numpy()) for cell, group in spans.groupby(KEYS)}
        found = {}
        for row in rows:
            *cell, at = (int(row[header.index(column)]) for column in [*KEYS, name])
            of, joules = of_cell.get(tuple(cell), (np.array([]), np.array([])))
            counted = counts(of, at)
            found[(*cell, at)] = joules[counted].sum() if counted.any() else np.nan
            row[header.index("train_energy_joules")] = text(found[(*cell, at)])
        return found

    def merge_summary(self):
        path = self.folder / "summary.csv"
        self.summary_header, self.summary_rows = read_rows(
            path, [*KEYS, "train_energy_joules", "steps_to_target", "energy_to_target_joules"])
        at = self.summary_header.index
        for row in self.summary_rows:
            cell = tuple(int(row[at(name)]) for name in KEYS)
            row[at("train_energy_joules")] = text(self.of_cell.get(cell, np.nan))
            if row[at("steps_to_target")]:
                joules = self.until.get((*cell, int(row[at("steps_to_target")])), np.nan)
                row[at("energy_to_target_joules")] = text(joules)

    def uncovered(self):
        return int(np.isnan(self.joules).sum())

    def write(self, out):
        write_rows(out / "steps.csv", self.header, self.rows)
        write_rows(out / "epochs.csv", self.epoch_header, self.epoch_rows)
        write_rows(out / "evaluations.csv", self.evaluation_header, self.evaluation_rows)
        write_rows(out / "summary.csv", self.summary_header, self.summary_rows)

    def table(self):
        """Lines of what each batch size drew."""
        sizes, examples = self.step_column("batch_size"), self.step_column("examples")
        lines = [["batch", "mean power", "a step", "an example", "training"]]
        at = self.summary_header.index
        for size in sorted(set(sizes)):
            known = (sizes == size) & ~np.isnan(self.joules)
            cells = [row for row in self.summary_rows if int(row[at("batch_size")]) == size]
            training = [float(row[at("train_energy_joules")] or "nan") for row in cells]
            joules, seconds = self.joules[known].sum(), (self.end - self.begin)[known].sum()
            lines.append([str(size)] + ([f"{joules / seconds:.3f} W", in_joules(joules / known.sum()),
                                         in_joules(joules / examples[known].sum())] if known.any() else ["-"] * 3)
                         + [in_joules(np.mean(training)) if training and np.isfinite(training).all() else "-"])
        widths = [max(map(len, column)) for column in zip(*lines)]
        lines.insert(1, ["-" * width for width in widths])
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines)


def read_finished_info(path):
    info = read_info(path)
    if info.get("status") == "running":
        raise BadInput(path, "the run is not finished", "one that ended",
                       "wait for it, or end it with Ctrl-C, which keeps what is recorded")
    return info


def merge(folder, meter_path, out, offset):
    info = read_finished_info(folder / "run.json")
    merged = Merged(folder, read_meter(meter_path, offset))
    info |= {"energy_grade": "meter", "energy_source": meter_path.name, "energy_sample_hz": merged.meter.sample_hz}
    if merged.uncovered():
        message = f"the meter has no samples for {merged.uncovered():,} of {len(merged.rows):,} steps"
        info["warnings"] = (get(info, "warnings", kind=list) or []) + [{"name": "meter_gap", "message": message}]
        print(f"warning: {message}", file=sys.stderr)
    shutil.copytree(folder, out, ignore=lambda where, _: ["checkpoint"] if pathlib.Path(where) == folder else [])
    merged.write(out)
    (out / "run.json").write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(merged.table(), "", out, sep="\n")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: tools/merge_power.py results meter.csv\n"
                                            "         tools/merge_power.py boards/pi@a meter.csv --offset -3600")
    parser.add_argument("results", metavar="RESULTS", type=pathlib.Path, help="folder written by `batchsweep run --out`")
    parser.add_argument("meter", metavar="METER.csv", type=pathlib.Path, help="the meter's times and watts")
    parser.add_argument("--out", metavar="FOLDER", type=pathlib.Path,
                        help="for the copy; RESULTS-metered if not given")
    parser.add_argument("--offset", metavar="SECONDS", type=float, default=0.0,
                        help="to add to the meter's times, if a clock was wrong")
    options = parser.parse_args(arguments)
    out = options.out or options.results.with_name(options.results.resolve().name + "-metered")
    try:
        if not options.results.is_dir():
            raise BadInput(options.results, "no such folder", "the --out folder of `batchsweep run`", "correct the path")
        if out.exists():
            raise BadInput(out, "is there already", "a folder that is not", "name another with --out")
        merge(options.results, options.meter, out, options.offset)
    except BadInput as error:
        print(f"merge_power.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"merge_power.py: {error.filename or out}: {error.strerror}: expected a folder to write into; "
              "check its owner and the free space", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
