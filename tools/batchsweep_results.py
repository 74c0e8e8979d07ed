"""The results of `batchsweep run` as data frames: load(), and the one reader of its files that all tools share.

    import batchsweep_results
    results = batchsweep_results.load("results")
    steps = results.steps
    steps[steps["flags"] == ""].groupby("batch_size").step_time_ns.median()     # undisturbed
    results.run["cpu"]["model_name"]

`pip install tools/wheel` installs this module, from the checkout and without a network.

A column's dtype follows from its name, not from what is in it:

  int64     keys, counts and times that are in every row
  Int64     other whole numbers (_ns, _bytes, counts), pandas.NA where the cell is empty
  float64   measured values, NaN where the cell is empty
  boolean   throttled, pandas.NA where the board does not tell
  category  names (phase, flags); flags is "" in a row that has none
"""

import dataclasses
import io
import json
import pathlib
import warnings

import numpy as np
import pandas as pd

SCHEMA_VERSION = 6
KEYS = ["batch_size", "seed", "threads", "process"]
# Without these there is nothing to be said of a run; all other columns may be absent.
NEEDED = {"steps.csv": KEYS + ["epoch", "step", "examples", "loss", "start_unix_ns", "step_time_ns", "flags"],
          "epochs.csv": KEYS + ["epoch", "val_loss", "train_time_ns", "val_time_ns"],
          "evaluations.csv": KEYS + ["step", "epoch", "examples", "train_time_ns", "val_loss", "val_time_ns"],
          "summary.csv": KEYS, "counters.csv": KEYS + ["epoch", "step", "phase"]}
COUNTS = {*KEYS, "epoch", "step", "examples", "start_unix_ns", "step_time_ns"}  # never empty, never below 0
WHOLE = {"steps", "epochs", "best_epoch", "warmup_steps", "flagged_steps", "over_current_events", "steps_to_target",
         "cycles", "instructions", "cache_misses", "branch_misses"}
BOOLEANS = {"throttled"}
TEXTS = {"flags", "phase"}
# How the names of measured values end.
MEASURED = ("loss", "accuracy", "_celsius", "_hz", "_watts", "_joules", "_rate", "_per_second", "_fraction", "_share",
            "beta1", "beta2", "epsilon", "half_life_examples", "noise_trace", "noise_gradient_square", "noise_scale")
# All bits of a float, which pandas reads by default from 3.1 on and warns of being asked for.
EXACT = {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
# Fewer readings of power say too little about energy (the power rules of MLPerf Training).
ENOUGH_READINGS = 60


class BadInput(Exception):
    def __init__(self, path, what, expected, todo="pass the --out folder of `batchsweep run`"):
        super().__init__(f"{path}: {what}: expected {expected}; {todo}")


@dataclasses.dataclass
class Results:
    run: dict  # run.json
    steps: pd.DataFrame
    epochs: pd.DataFrame
    summary: pd.DataFrame  # no rows before the first cell is finished
    evaluations: pd.DataFrame | None  # None in a folder without evaluations.csv
    counters: pd.DataFrame | None  # None where the CPU has no counters that the system lets be read


def load(folder):
    """The Results in a folder, also of a run that goes on or was cut off; BadInput where they are none."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise BadInput(folder, "no such folder", "the --out folder of `batchsweep run`",
                       "run the sweep first or correct the path")
    run = read_info(folder / "run.json")
    steps, epochs = (read_table(folder / name, NEEDED[name]) for name in ("steps.csv", "epochs.csv"))
    summary, evaluations, counters = (read_table(folder / name, NEEDED[name]) if has_rows(folder / name) else None
                                      for name in ("summary.csv", "evaluations.csv", "counters.csv"))
    if summary is None:
        summary = pd.DataFrame({key: pd.Series(dtype="int64") for key in KEYS})
    return Results(run, steps, epochs, summary, evaluations, counters)


def energy(results):
    """The energy of each cell's training: a row a cell, with how many readings of power cover it, and
    train_energy_joules, NaN where these are fewer than ENOUGH_READINGS or do not cover all of it."""
    epochs = results.epochs
    if "train_energy_joules" not in epochs:
        epochs = epochs.assign(train_energy_joules=np.nan)
    covered = epochs.assign(seconds=epochs.train_time_ns.astype("float64") / 1e9)
    cells = covered.groupby(KEYS)
    found = cells.train_energy_joules.sum(min_count=1).where(cells.train_energy_joules.count() == cells.size())
    seconds = covered[covered.train_energy_joules.notna()].groupby(KEYS).seconds.sum()
    readings = (seconds.reindex(found.index, fill_value=0.0) * readings_per_second(results.run)).astype("int64")
    return pd.DataFrame({"power_readings": readings,
                         "train_energy_joules": found.where(readings >= ENOUGH_READINGS)}).reset_index()


def readings_per_second(run):
    """How often power was read; 0 where it was not, or where nothing says how often."""
    grade = get(run, "energy_grade", kind=str) or "none"
    path = ("energy_sample_hz",) if grade == "meter" else ("config", "sample_hz")
    return 0.0 if grade == "none" else float(get(run, *path, kind=(int, float)) or 0.0)


def get(info, *path, kind=object):
    """The value at a path of nested run.json keys, or None: every key may be absent."""
    for key in path:
        info = info.get(key) if isinstance(info, dict) else None
    return info if isinstance(info, kind) else None


def has_rows(path):
    return path.exists() and path.stat().st_size > 0


def read_info(path):
    return parse_info(read_bytes(path, "the JSON of `batchsweep run`"), path)


def parse_info(data, path):
    """run.json of its bytes."""
    try:
        info = json.loads(data.decode("utf-8"))
    except ValueError as error:
        raise BadInput(path, error, "the JSON of `batchsweep run`") from None
    version = get(info, "schema_version")
    if version != SCHEMA_VERSION:
        raise BadInput(path, f"schema_version is {json.dumps(version)}", SCHEMA_VERSION,
                       "use the tools of the batchsweep that wrote it")
    return info


def read_table(path, needed, others=True):
    """A table that has at least the needed columns, and those alone without `others`."""
    return parse_table(read_bytes(path, "a CSV file of `batchsweep run`"), path, needed, others)


def read_bytes(path, expected):
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(path, error.strerror, expected) from None


def parse_table(data, path, needed, others=True):
    """A table of its bytes: a header line and rows."""
    whole = data[:data.rfind(b"\n") + 1]  # the power went while a row behind it was being written
    try:
        present = whole.partition(b"\n")[0].decode("utf-8").strip().split(",")
        missing = [column for column in needed if column not in present]
        if missing:
            raise BadInput(path, f"no column {', '.join(missing)}", "a header line with " + ",".join(needed))
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of rows with more cells than the header
            table = pd.read_csv(io.BytesIO(whole), usecols=None if others else needed, index_col=False,
                                low_memory=False, dtype=dict.fromkeys(TEXTS & set(present), str), **EXACT)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise BadInput(path, " ".join(str(error).split()), "a CSV file of `batchsweep run`") from None
    return pd.DataFrame({name: typed(table[name], path) for name in table})


def dtype_of(name):
    if name in TEXTS:
        return "category"
    if name in COUNTS:
        return "int64"
    if name in BOOLEANS:
        return "boolean"
    return "Int64" if name in WHOLE or name.endswith(("_ns", "_bytes")) else "float64"


def typed(column, path):
    """A column as it was parsed, of the dtype that its name asks for."""
    name, dtype = column.name, dtype_of(column.name)
    if dtype == "category":
        return column.fillna("").astype(dtype)
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if dtype == "float64":
        if wrong.any() and not name.endswith(MEASURED):  # names, in a column that only another program knows
            return column.fillna("").astype("category")
        expected = "a number"
    else:
        wrong |= numbers.notna() & (~np.isfinite(numbers) | (numbers < 0) | (numbers % 1 != 0))
        wrong |= numbers.isna() & (name in COUNTS) | (numbers > 1) & (name in BOOLEANS)
        expected = "0 or 1" if name in BOOLEANS else "a whole number"
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        found = column.iloc[row]
        if isinstance(found, float):  # as a column with empty cells has whole numbers, too
            found = "" if np.isnan(found) else f"{found:.17g}"
        raise BadInput(path, f"line {row + 2}: {name} is '{found}'", expected, "mend or delete that line")
    return numbers.astype(dtype)
