"""What pictures are drawn of, out of the folder of `batchsweep run --out`: Run, load(), load_tables()."""

import dataclasses

import batchsweep_results
import numpy as np
import pandas as pd
from batchsweep_results import KEYS, BadInput, get, has_rows, read_info

STEP_COLUMNS = KEYS + ["epoch", "step", "examples", "loss", "step_time_ns", "peak_rss_bytes", "flags"]
EPOCH_COLUMNS = KEYS + ["epoch", "train_accuracy", "val_loss", "val_accuracy"]
NOISE_COLUMNS = ["noise_scale", "noise_time_ns", "train_time_ns"]  # where there is the first
SUMMARY_COLUMNS = KEYS + ["test_accuracy"]
EVALUATION_COLUMNS = KEYS + ["step", "epoch", "train_time_ns", "train_energy_joules", "val_loss"]
# What axes call the losses of run.json; another one goes by its own name.
LOSSES = {"sparse_categorical_crossentropy": "cross-entropy", "categorical_crossentropy": "cross-entropy"}


@dataclasses.dataclass
class Run:
    info: dict
    steps: pd.DataFrame  # of the first process, as epochs: all have the same losses
    epochs: pd.DataFrame
    summary: pd.DataFrame  # no rows before the first batch size is finished
    evaluations: pd.DataFrame  # of the first process; no rows before the first

    def __post_init__(self):
        both = pd.concat([self.epochs[KEYS], self.steps[KEYS]])
        planned = get(self.info, "config", "batch_sizes", kind=list) or []
        self.batch_sizes = sorted({size for size in planned if type(size) is int} | set(both.batch_size))
        # Thread counts share their losses: draw each batch size's first.
        first = both.groupby("batch_size").threads.first()
        self.epochs, self.evaluations, steps = (table[table.threads == table.batch_size.map(first)]
                                                for table in (self.epochs, self.evaluations, self.steps))
        self.epochs, self.evaluations, self.steps = (table[table.process == table.process.min()]
                                                     for table in (self.epochs, self.evaluations, steps))
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


def read_table(path, columns, others=False):
    """These columns alone, or the `others` too, as NumPy has them: without nullable integers, and flags as texts."""
    return as_numpy(batchsweep_results.read_table(path, columns, others))


def as_numpy(table):
    plain = {"Int64": "float64", "boolean": "float64", "category": str}
    return table.astype({name: plain[str(dtype)] for name, dtype in table.dtypes.items() if str(dtype) in plain})


def noise_columns(path):
    """Those that an epochs.csv has; whoever reads it says what is wrong with one that cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            header = file.readline().rstrip("\n").split(",")
    except (OSError, UnicodeDecodeError):
        return []
    return NOISE_COLUMNS if set(NOISE_COLUMNS) <= set(header) else []


def load(folder):
    return Run(*load_tables(folder, EPOCH_COLUMNS + noise_columns(folder / "epochs.csv")),
               read_or_empty(folder / "evaluations.csv", EVALUATION_COLUMNS))


def load_tables(folder, epoch_columns=EPOCH_COLUMNS, summary_columns=SUMMARY_COLUMNS):
    """(run.json, steps, epochs, summary) as they stand; no rows of a summary before the first batch size is finished."""
    if not folder.is_dir():
        raise BadInput(folder, "no such folder", "the --out folder of `batchsweep run`",
                       "run the sweep first or correct the path")
    info = read_info(folder / "run.json")
    steps, epochs = (read_table(folder / name, columns)
                     for name, columns in (("steps.csv", STEP_COLUMNS), ("epochs.csv", epoch_columns)))
    for name, table in (("steps.csv", steps), ("epochs.csv", epochs)):
        if table.empty:
            raise BadInput(folder / name, "no rows", "at least one finished epoch",
                           "let the sweep run longer (`batchsweep run --resume` continues it)")
    return info, steps, epochs, read_or_empty(folder / "summary.csv", summary_columns, others=True)


def read_or_empty(path, columns, others=False):
    return read_table(path, columns, others) if has_rows(path) else pd.DataFrame(columns=columns)
