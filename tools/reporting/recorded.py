"""What a report tells of one run: Recorded, load(). Every column that a board may lack is there, empty."""

import dataclasses
import pathlib

import batchsweep_results
import numpy as np
import pandas as pd
from batchsweep_results import KEYS, BadInput
from plotting.files import EVALUATION_COLUMNS, Run, as_numpy

from reporting.charts import Look

STEP_COLUMNS = ["accuracy", "load_time_ns", "forward_time_ns", "backward_time_ns", "update_time_ns", "peak_rss_bytes",
                "cpu_temp_celsius", "cpu_freq_hz", "power_watts", "energy_joules"]
EPOCH_COLUMNS = ["train_accuracy", "val_accuracy", "train_energy_joules", "noise_scale", "noise_time_ns"]
SUMMARY_COLUMNS = ["learning_rate", "epochs", "steps", "best_val_loss", "final_val_loss", "final_val_accuracy",
                   "test_loss", "test_accuracy", "step_time_median_ns", "examples_per_second", "flagged_steps",
                   "limit_time_ns", "limit_fraction", "xnnpack_share", "arena_bytes", "planned_rss_bytes",
                   "peak_rss_bytes", "train_energy_joules", "total_time_ns"]


@dataclasses.dataclass
class Recorded:
    folder: pathlib.Path
    run: Run  # whose evaluations are those after epochs where no others are recorded
    steps: pd.DataFrame  # of all threads and processes; so are the others
    epochs: pd.DataFrame
    summary: pd.DataFrame
    energy: pd.DataFrame  # of batchsweep_results.energy()

    @property
    def info(self):
        return self.run.info

    def look(self, size):
        return Look(self.run.batch_sizes.index(size))

    @property
    def sizes(self):
        """The batch sizes that have rows."""
        return sorted(set(self.run.steps.batch_size) | set(self.run.epochs.batch_size))

    @property
    def timed(self):
        """{(batch size, threads): the steps that count for times}"""
        measured = [Run.measured(rows) for _, rows in self.steps.groupby("threads")]
        return dict(list(pd.concat(measured).groupby(["batch_size", "threads"])))

    def cell_name(self, size, threads):
        several = self.steps.threads.nunique() > 1
        return f"{size}, {threads} thread{'s' * (threads > 1)}" if several else str(size)


def load(folder):
    """BadInput where there is nothing to report of."""
    results = batchsweep_results.load(folder)
    for name in ("steps", "epochs"):
        if getattr(results, name).empty:
            raise BadInput(pathlib.Path(folder) / f"{name}.csv", "no rows", "at least one finished epoch",
                           "let the sweep run longer (`batchsweep run --resume` continues it)")
    steps = with_columns(results.steps, STEP_COLUMNS)
    epochs = with_columns(results.epochs, EPOCH_COLUMNS)
    summary = with_columns(results.summary, SUMMARY_COLUMNS)
    evaluations = getattr(results, "evaluations", None)
    if evaluations is None or evaluations.empty:
        evaluations = of_epochs(epochs)
    run = Run(results.run, steps, epochs, summary, with_columns(evaluations, EVALUATION_COLUMNS))
    return Recorded(pathlib.Path(folder), run, steps, epochs, summary, batchsweep_results.energy(results))


def with_columns(table, columns):
    """A table as NumPy has it, with those of the columns that it lacks, empty."""
    lacking = {column: np.nan for column in columns if column not in table}
    return as_numpy(table).assign(**lacking)


def of_epochs(epochs):
    """Their validations, as rows of evaluations.csv; with the number of the epoch as step."""
    cells = epochs.groupby(KEYS)
    energy = cells.train_energy_joules.transform(lambda values: values.cumsum(skipna=False))
    return epochs.assign(train_time_ns=cells.train_time_ns.cumsum(), step=epochs.epoch, train_energy_joules=energy)
