#!/usr/bin/python3
"""Writes a batchsweep run in the formats of other tools.

  --tensorboard DIR   TensorBoard's event files, a run a cell (batch size, and
                      seed, threads and process where there are several): each
                      column of steps.csv as step/NAME, of epochs.csv as
                      epoch/NAME and of evaluations.csv as evaluation/NAME, with
                      the hyper-parameters; needs the package tensorboard in the
                      Python that runs this
  --mlperf FILE       lines as MLPerf Training logs them, ":::MLLOG {json}", a
                      namespace a cell; a log to read, not a submission

Energy is written for cells whose training at least 60 readings of power cover;
which are left out is said.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import pathlib
import sys

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"export.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

from batchsweep_results import ENOUGH_READINGS, KEYS, BadInput, energy, get, load

ENERGY = ["energy_joules", "train_energy_joules"]
PLACES = KEYS + ["epoch", "step", "start_unix_ns"]  # where a row belongs, no values


@dataclasses.dataclass
class Cell:
    name: str  # "batch_8-seed_1", no other cell's
    keys: dict
    steps: pd.DataFrame
    epochs: pd.DataFrame  # with end_unix_ns, when training ended, and examples_per_second
    evaluations: pd.DataFrame  # with begin_unix_ns and end_unix_ns
    learning_rate: float | None
    finished: bool
    joules: float | None  # of its training, where enough readings of power cover it


def cells_of(results):
    """The Cells in the order in which they were trained."""
    varied = [key for key in KEYS[1:] if results.steps[key].nunique() > 1]
    joules = {row[:len(KEYS)]: row for row in energy(results).itertuples(index=False)}
    summary = {row[:len(KEYS)]: row for row in results.summary.itertuples(index=False)}
    epochs = dict(list(results.epochs.groupby(KEYS)))
    evaluations = {} if results.evaluations is None else dict(list(results.evaluations.groupby(KEYS)))
    cells = []
    for key, steps in results.steps.groupby(KEYS, sort=False):
        keys = dict(zip(KEYS, map(int, key)))  # which JSON and TensorBoard know
        name = "-".join([f"batch_{keys['batch_size']}"] + [f"{each}_{keys[each]}" for each in varied])
        drawn = joules[key].train_energy_joules if key in joules else math.nan
        rate = getattr(summary.get(key), "learning_rate", math.nan)
        of_cell = with_ends(epochs.get(key, results.epochs[:0]), steps)
        cells.append(Cell(name, keys, steps, of_cell, evaluations_of(evaluations.get(key), of_cell, steps),
                          None if math.isnan(rate) else rate, key in summary, None if math.isnan(drawn) else drawn))
    return cells


def with_ends(epochs, steps):
    last = steps.groupby("epoch").agg(begin_unix_ns=("start_unix_ns", "first"), start_unix_ns=("start_unix_ns", "last"),
                                      step=("step", "last"), step_time_ns=("step_time_ns", "last"), examples=("examples", "sum"))
    found = epochs[epochs.epoch.isin(last.index)]
    last = last.loc[found.epoch].reset_index(drop=True)
    found = found.reset_index(drop=True)
    return found.assign(begin_unix_ns=last.begin_unix_ns, step=last.step, end_unix_ns=last.start_unix_ns + last.step_time_ns,
                        examples_per_second=1e9 * last["examples"] / found.train_time_ns.astype("float64"))


def evaluations_of(table, epochs, steps):
    """A cell's rows of evaluations.csv, or those of epochs in a run without them, as far as their steps are known."""
    table = epochs if table is None else table
    ends_ns = (steps.start_unix_ns + steps.step_time_ns).set_axis(steps["step"])
    table = table[table["step"].isin(ends_ns.index)]
    begin_ns = ends_ns.loc[table["step"]].to_numpy()
    return table.assign(begin_unix_ns=begin_ns, end_unix_ns=begin_ns + table.val_time_ns)


def say_what_is_left_out(results, cells):
    """A line for each reason why a cell has no energy."""
    if get(results.run, "energy_grade", kind=str) in (None, "none"):
        print("export.py: energy left out: the board has no sensor of power that could be read", file=sys.stderr)
        return
    readings = {row[:len(KEYS)]: row.power_readings for row in energy(results).itertuples(index=False)}
    few = [f"{cell.name} ({readings.get(tuple(cell.keys.values()), 0)})" for cell in cells if cell.joules is None]
    if few:
        print(f"export.py: energy left out where fewer than {ENOUGH_READINGS} readings of power cover the training, "
              f"or not all of it: {', '.join(few)}", file=sys.stderr)


def hyper_parameters(results, cell):
    """{name: value}, of what decides the losses of a cell."""
    known = {name: get(results.run, "config", name, kind=(str, int, float)) for name in
             ("optimizer", "learning_rate", "momentum", "weight_decay", "lr_rule", "loss")}
    if cell.learning_rate is not None:
        known["learning_rate"] = cell.learning_rate
    known["model"] = get(results.run, "model", "name", kind=str)
    return cell.keys | {name: value for name, value in known.items() if value is not None}


def values_of(table, cell):
    """{name: numbers, NaN where a cell is empty}, energy only where it is told of the cell."""
    columns = [name for name in table.select_dtypes(["number", "boolean"]) if name not in PLACES
               and not name.endswith("unix_ns") and (cell.joules is not None or name not in ENERGY)]
    return {name: table[name].astype("float64").to_numpy() for name in columns}


class TensorBoard:
    """What is needed of the package tensorboard."""

    def __init__(self):
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.plugins.hparams.summary_v2 import hparams_pb
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            raise BadInput("--tensorboard", f"{error} in {sys.executable}", "the package tensorboard",
                           "run `/usr/bin/python3 -m venv --system-site-packages tb && tb/bin/pip install tensorboard` "
                           "and use tb/bin/python") from None
        self.event, self.summary, self.hparams, self.writer = Event, Summary, hparams_pb, EventFileWriter

    def write(self, results, cell, folder):
        with contextlib.closing(self.writer(str(folder))) as writer:
            begin_s = cell.steps.start_unix_ns.iloc[0] / 1e9
            session = self.hparams(hyper_parameters(results, cell), start_time_secs=begin_s)
            writer.add_event(self.event(wall_time=begin_s, step=0, summary=session))
            ends_ns = cell.steps.start_unix_ns + cell.steps.step_time_ns
            self.add_rows(writer, "step", cell.steps["step"], ends_ns, values_of(cell.steps, cell))
            evaluated_ns = cell.evaluations.groupby("epoch").end_unix_ns.max()
            ends_ns = cell.epochs["epoch"].map(evaluated_ns).fillna(cell.epochs.end_unix_ns).astype("int64")
            self.add_rows(writer, "epoch", cell.epochs["epoch"], ends_ns, values_of(cell.epochs, cell))
            self.add_rows(writer, "evaluation", cell.evaluations["step"], cell.evaluations.end_unix_ns,
                          values_of(cell.evaluations, cell))

    def add_rows(self, writer, group, numbers, ends_ns, columns):
        tags = [f"{group}/{name}" for name in columns]
        rows = np.column_stack(list(columns.values()))
        for number, end_ns, row in zip(numbers.to_list(), ends_ns.to_list(), rows.tolist()):
            values = [self.summary.Value(tag=tag, simple_value=value) for tag, value in zip(tags, row)
                      if not math.isnan(value)]
            writer.add_event(self.event(wall_time=end_ns / 1e9, step=number, summary=self.summary(value=values)))


def write_tensorboard(results, cells, folder):
    board = TensorBoard()
    for cell in cells:
        if any((folder / cell.name).glob("*tfevents*")):
            raise BadInput(folder / cell.name, "has event files already", "a folder without, since TensorBoard shows "
                           "all of a folder as one run", "name another with --tensorboard")
    for cell in cells:
        board.write(results, cell, folder / cell.name)
        print(folder / cell.name)


def number(value):
    """As JSON has it, which knows no NaN."""
    return float(value) if pd.notna(value) and math.isfinite(value) else None


class Log:
    """MLPerf's lines of one cell, see mlperf_logging/mllog of github.com/mlcommons/logging."""

    def __init__(self, namespace):
        self.namespace, self.lines = namespace, []

    def add(self, event_type, unix_ns, key, value=None, **metadata):
        line = {"namespace": self.namespace, "time_ms": int(unix_ns) // 1_000_000, "event_type": event_type,
                "key": key, "value": value, "metadata": metadata}
        self.lines.append(f":::MLLOG {json.dumps(line)}\n")

    def point(self, unix_ns, key, value, **metadata):
        self.add("POINT_IN_TIME", unix_ns, key, value, **metadata)


def log_of(results, cell):
    log, begin_ns = Log(cell.name), cell.steps.start_unix_ns.iloc[0]
    known = hyper_parameters(results, cell)
    samples = {name: get(results.run, "data", examples, kind=int) for name, examples in
               (("train_samples", "train_examples"), ("eval_samples", "validation_examples"))}
    for key, value in {"global_batch_size": cell.keys["batch_size"], "seed": cell.keys["seed"],
                       "opt_name": known.get("optimizer"), "opt_base_learning_rate": known.get("learning_rate"),
                       "opt_weight_decay": known.get("weight_decay"), **samples}.items():
        if value is not None:
            log.point(begin_ns, key, value)
    log.add("INTERVAL_START", begin_ns, "run_start")
    for row in cell.epochs.itertuples():
        log_epoch(log, row, cell.evaluations[cell.evaluations.epoch == row.epoch])
    for row in cell.evaluations[~cell.evaluations.epoch.isin(cell.epochs.epoch)].itertuples():
        log_evaluation(log, row)
    end_ns = (cell.steps.start_unix_ns + cell.steps.step_time_ns).iloc[-1]
    end_ns = max([end_ns, *cell.evaluations.end_unix_ns])
    if cell.joules is not None:
        log.point(end_ns, "train_energy_joules", cell.joules, energy_grade=get(results.run, "energy_grade"))
    if cell.finished or get(results.run, "status") != "running":
        log.add("INTERVAL_END", end_ns, "run_stop", status="success" if succeeded(cell) else "aborted")
    return log.lines


def succeeded(cell):
    """Whether it was trained to its end and did not diverge."""
    return cell.finished and len(cell.epochs) > 0 and math.isfinite(cell.epochs.val_loss.iloc[-1])


def log_epoch(log, row, evaluations):
    place = {"epoch_num": row.epoch}
    log.add("INTERVAL_START", row.begin_unix_ns, "epoch_start", **place)
    within = evaluations.begin_unix_ns < row.end_unix_ns
    for evaluation in evaluations[within].itertuples():
        log_evaluation(log, evaluation)
    log.add("INTERVAL_END", row.end_unix_ns, "epoch_stop", **place)
    for evaluation in evaluations[~within].itertuples():
        log_evaluation(log, evaluation)
    stop_ns = max([row.end_unix_ns, *evaluations.end_unix_ns])
    log.point(stop_ns, "tracked_stats", {"throughput": number(row.examples_per_second),
                                         "train_loss": number(getattr(row, "train_loss", None))}, step=row.epoch)


def log_evaluation(log, row):
    place = {"epoch_num": row.epoch}
    log.add("INTERVAL_START", row.begin_unix_ns, "eval_start", **place)
    accuracy = number(getattr(row, "val_accuracy", None))
    if accuracy is not None:
        log.point(row.end_unix_ns, "eval_accuracy", accuracy, **place)
    log.point(row.end_unix_ns, "eval_loss", number(row.val_loss), **place)
    log.add("INTERVAL_END", row.end_unix_ns, "eval_stop", **place)


def write_mlperf(results, cells, path):
    if path.exists():
        raise BadInput(path, "is there already", "a file that is not", "name another with --mlperf")
    path.write_text("".join(line for cell in cells for line in log_of(results, cell)), encoding="utf-8")
    print(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: tools/export.py results --mlperf results.log\n"
                                            "         tb/bin/python tools/export.py boards/pi@a --tensorboard events")
    parser.add_argument("results", metavar="RESULTS", type=pathlib.Path,
                        help="folder written by `batchsweep run --out`")
    parser.add_argument("--tensorboard", metavar="DIR", type=pathlib.Path, help="for a folder of event files a cell")
    parser.add_argument("--mlperf", metavar="FILE", type=pathlib.Path, help="for the lines")
    options = parser.parse_args(arguments)
    if not (options.tensorboard or options.mlperf):
        parser.error("nothing to write: expected --tensorboard DIR or --mlperf FILE, or both")
    try:
        results = load(options.results)
        if results.steps.empty:
            raise BadInput(options.results / "steps.csv", "no rows", "at least one finished epoch",
                           "let the sweep run longer")
        cells = cells_of(results)
        if options.tensorboard:
            write_tensorboard(results, cells, options.tensorboard)
        if options.mlperf:
            write_mlperf(results, cells, options.mlperf)
        say_what_is_left_out(results, cells)
    except BadInput as error:
        print(f"export.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"export.py: {error.filename or options.results}: {error.strerror}: expected a place to write to; "
              "check its owner and the free space", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
