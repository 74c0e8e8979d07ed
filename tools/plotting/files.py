"""Reading the folder of `batchsweep run --out`: Run, load()."""

import dataclasses
import json

import numpy as np
import pandas as pd

SCHEMA_VERSION = 5
KEYS = ["batch_size", "seed", "threads", "process"]
STEP_COLUMNS = KEYS + ["epoch", "step", "examples", "loss", "step_time_ns", "peak_rss_bytes", "flags"]
EPOCH_COLUMNS = KEYS + ["epoch", "train_accuracy", "val_loss", "val_accuracy"]
SUMMARY_COLUMNS = KEYS + ["test_accuracy"]
COUNTS = set(KEYS) | {"step", "epoch", "examples", "step_time_ns"}  # never empty, never below 0
TEXTS = {"flags"}


# What axes call the losses of run.json; another one goes by its own name.
LOSSES = {"sparse_categorical_crossentropy": "cross-entropy", "categorical_crossentropy": "cross-entropy"}


class BadInput(Exception):
    def __init__(self, path, what, expected, todo="pass the --out folder of `batchsweep run`"):
        super().__init__(f"{path}: {what}: expected {expected}; {todo}")


@dataclasses.dataclass
class Run:
    info: dict
    steps: pd.DataFrame  # of the first process, as epochs: all have the same losses
    epochs: pd.DataFrame
    summary: pd.DataFrame  # no rows before the first batch size is finished

    def __post_init__(self):
        both = pd.concat([self.epochs[KEYS], self.steps[KEYS]])
        planned = get(self.info, "config", "batch_sizes", kind=list) or []
        self.batch_sizes = sorted({size for size in planned if type(size) is int} | set(both.batch_size))
        # Thread counts share their losses: draw each batch size's first.
        first = both.groupby("batch_size").threads.first()
        self.epochs, steps = (table[table.threads == table.batch_size.map(first)]
                              for table in (self.epochs, self.steps))
        self.epochs, self.steps = (table[table.process == table.process.min()] for table in (self.epochs, steps))
        self.times = self.measured(steps)
        self.threads = sorted(set(first))
        self.seeds = both.seed.nunique()
        name = get(self.info, "config", "loss", kind=str) or "loss"
        self.loss = LOSSES.get(name, name.replace("_", " "))

    @property
    def has_accuracy(self):
        """Whether its loss tells classes apart: a regression has no accuracy where it has a loss."""
        sound = self.epochs[np.isfinite(self.epochs.val_loss)]
        return sound.empty or bool(sound.val_accuracy.notna().any())

    def rates(self):
        """{batch size: examples per second}, of a whole batch in the median step, as in summary.csv"""
        cells = self.times.groupby("batch_size")
        return (1e9 * cells.examples.max() / cells.step_time_ns.median().clip(lower=1)).to_dict()

    @staticmethod
    def measured(steps):
        """The steps of all processes that count for times, as in summary.csv; all of a batch size that has no other."""
        aside = steps["flags"].str.contains("warmup|part_batch")
        some = steps[~aside].batch_size.unique()
        return steps[~aside | ~steps.batch_size.isin(some)]


def disturbed(steps):
    """Which steps something came in between of."""
    return ~steps["flags"].isin(["", "warmup", "part_batch", "warmup+part_batch"])


def get(info, *path, kind=object):
    """The value at a path of nested run.json keys, or None: every key may be absent."""
    for key in path:
        info = info.get(key) if isinstance(info, dict) else None
    return info if isinstance(info, kind) else None


def read_info(path):
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise BadInput(path, what, "the JSON of `batchsweep run`") from None
    version = get(info, "schema_version")
    if version != SCHEMA_VERSION:
        raise BadInput(path, f"schema_version is {json.dumps(version)}", SCHEMA_VERSION,
                       "use the plot.py of the batchsweep that wrote it")
    return info


def read_table(path, columns):
    try:
        with open(path, "rb") as file:
            present = file.readline().decode("utf-8").strip().split(",")
            file.seek(max(0, file.seek(0, 2) - 1))
            torn = file.read(1) != b"\n"  # the power went while the last row was being written
        missing = [column for column in columns if column not in present]
        if missing:
            raise BadInput(path, f"no column {', '.join(missing)}", "a header line with " + ",".join(columns))
        table = pd.read_csv(path, usecols=columns, low_memory=False, dtype=dict.fromkeys(TEXTS & set(columns), str))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise BadInput(path, what, "a CSV file of `batchsweep run`") from None
    table = table[:-1] if torn else table
    for column in columns:
        if column in TEXTS:
            table = table.assign(**{column: table[column].fillna("")})
            continue
        numbers = pd.to_numeric(table[column], errors="coerce")
        wrong = numbers.isna() & table[column].notna()
        if column in COUNTS:
            wrong |= ~np.isfinite(numbers) | (numbers < 0)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise BadInput(path, f"line {row + 2}: {column} is '{table[column].iloc[row]}'", "a number",
                           "mend or delete that line")
        table = table.assign(**{column: numbers.astype("int64" if column in COUNTS else "float64")})
    return table


def load(folder):
    if not folder.is_dir():
        raise BadInput(folder, "no such folder", "the --out folder of `batchsweep run`",
                       "run the sweep first or correct the path")
    info = read_info(folder / "run.json")
    steps, epochs = (read_table(folder / name, columns)
                     for name, columns in (("steps.csv", STEP_COLUMNS), ("epochs.csv", EPOCH_COLUMNS)))
    for name, table in (("steps.csv", steps), ("epochs.csv", epochs)):
        if table.empty:
            raise BadInput(folder / name, "no rows", "at least one finished epoch",
                           "let the sweep run longer (`batchsweep run --resume` continues it)")
    path = folder / "summary.csv"
    summary = (read_table(path, SUMMARY_COLUMNS) if path.exists() and path.stat().st_size
               else pd.DataFrame(columns=SUMMARY_COLUMNS))
    return Run(info, steps, epochs, summary)
