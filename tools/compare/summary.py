"""What the runs of a comparison amount to: cells of measurements, and a table of them."""

import dataclasses
import math
import statistics

import pandas as pd

TOLERANCE = 1e-3  # of a step's loss; float32 alone strays 1e-7 at first, up to 1e-3 by the fourth step
COLUMNS = ["framework", "version", "environment", "choices", "batch_size", "step_time_ns", "step_time_mean_ns",
           "examples_per_second", "peak_rss_bytes", "startup_time_ns", "wall_time_ns", "ratio", "loss_deviation",
           "missing"]


class CompareError(Exception):
    """Ends the comparison with one line."""


@dataclasses.dataclass
class Cell:
    """All rounds of one framework at one batch size."""

    framework: str
    batch_size: int
    reports: list = dataclasses.field(default_factory=list)  # of peer.Report
    missing: str = ""
    environment: str = ""  # whose Python ran it
    choices: dict = dataclasses.field(default_factory=dict)  # what trials found to be fastest, by name

    def median_ns(self):
        """Over the steps of all rounds, or over the stretches that a framework times as a whole."""
        return statistics.median(time_ns for report in self.reports for time_ns in report.observed_ns())

    def median_like_ns(self, other):
        """The same, had these steps been timed in stretches as long as another cell's: what a framework that hides its
        steps is set against, since a mean of many is not a median."""
        return statistics.median(time_ns for report in self.reports
                                 for time_ns in report.grouped_like(other.reports[0]))

    def mean_ns(self):
        """Of a round, the median of them."""
        return statistics.median(report.mean_ns() for report in self.reports)

    def median_of(self, name):
        """Of a time of a round, over the rounds."""
        return round(statistics.median(getattr(report, name) for report in self.reports))


def loss_deviation(report, reference, steps):
    """The largest difference from batchsweep's losses in the first steps, or None if they are not known."""
    found = []
    for losses in (report.losses, report.total_losses):  # one has the regularisers' part, batchsweep's may
        pairs = list(zip(losses, reference.losses))[:steps]
        if pairs:
            differences = [abs(theirs - ours) for theirs, ours in pairs]
            found.append(max(differences) if all(map(math.isfinite, differences)) else math.inf)
    return min(found, default=None)


def summarise(cells, check_steps):
    """One row a cell as a table: the columns of comparison.csv that hang on measurements."""
    references = {cell.batch_size: cell for cell in cells if cell.framework == "batchsweep" and not cell.missing}
    rows = []
    for cell in cells:
        row = {"framework": cell.framework, "batch_size": cell.batch_size, "missing": cell.missing}
        if not cell.missing:
            reference = references.get(cell.batch_size)
            time_ns = cell.median_ns()
            row |= {"version": cell.reports[0].version, "environment": cell.environment,
                    "choices": " ".join(f"{name}={value}" for name, value in cell.choices.items()),
                    "step_time_ns": round(time_ns),
                    "step_time_mean_ns": round(cell.mean_ns()),
                    "examples_per_second": round(cell.batch_size * 1e9 / time_ns),
                    "peak_rss_bytes": max(report.peak_rss_bytes for report in cell.reports),
                    "startup_time_ns": cell.median_of("startup_time_ns"),
                    "wall_time_ns": cell.median_of("wall_time_ns")}
            if reference:
                row["ratio"] = round(time_ns / reference.median_like_ns(cell), 3)
                row["loss_deviation"] = loss_deviation(cell.reports[0], reference.reports[0], check_steps)
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("batch_size", kind="stable", ignore_index=True)


def warnings_of(table, conditions):
    """Sentences without which the figures mislead."""
    found = list(conditions["noise"])
    for row in table.itertuples():
        if row.missing:
            continue
        if not pd.isna(row.loss_deviation) and row.loss_deviation > TOLERANCE and not conditions["dropout"]:
            found.append(f"{row.framework} at batch size {row.batch_size}: losses differ from batchsweep's by "
                         f"{row.loss_deviation:.1e} in the first {conditions['check_steps']} steps, more than "
                         f"{TOLERANCE:g}: not the same computation, or a model that magnifies rounding errors")
    if conditions["dropout"]:
        found.append("the model has dropout, whose random numbers differ: losses were not compared")
    return found
