"""How much a quantity differs between two runs, and how sure that is: change_of().

Values are compared by their logarithms, since noise and slowdowns are factors.
"""

import dataclasses
import functools

import numpy as np

BLOCKS = 10  # of a lone process' steps; more see shorter stretches, fewer leave the spread itself unsure
FALSE_ALARMS = 0.05  # of all rows of a column together
NINE_OF_TEN = 1.2816  # standard errors between a limit and what passes it 9 times of 10


@dataclasses.dataclass
class Process:
    """The logarithm of what it measured, and how its like would differ from that as far as it can tell alone."""
    value: float
    variance: float
    freedom: int  # degrees, of the variance; 0: it cannot tell


@dataclasses.dataclass
class Change:
    """From a to b, geometric means over the processes, NaN where there is none."""
    a: float = np.nan
    b: float = np.nan
    log_ratio: float = np.nan
    error: float = np.nan  # standard, of log_ratio; NaN without repetitions
    freedom: float = 1.0
    rows: int = 1  # of the column, which share the false alarms (Bonferroni)

    @property
    def is_sure(self):
        return bool(np.isfinite(self.error))

    @property
    def half_width(self):
        return student_t(1 - FALSE_ALARMS / 2 / self.rows, self.freedom) * self.error

    @property
    def relative(self):
        return float(self.b / self.a - 1)

    @property
    def limits(self):
        return tuple(float(np.expm1(self.log_ratio + sign * self.half_width)) for sign in (-1, 1))

    @property
    def shown(self):
        low, high = self.limits
        return "higher" if low > 0 else "lower" if high < 0 else "~"

    def exceeds(self, threshold):
        return self.shown == "higher" and self.relative > threshold

    def detectable(self, threshold):
        """The true change that exceeds() finds 9 times of 10."""
        return float(np.expm1(max(self.half_width, np.log1p(threshold)) + NINE_OF_TEN * self.error))


@functools.cache
def student_t(probability, freedom):
    """A quantile above 0. t is sqrt(freedom) tan(x), where the density of x goes with cos(x)^(freedom - 1)."""
    x = np.linspace(0, np.pi / 2, 100_001)[:-1]
    density = np.cos(x) ** (freedom - 1)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])  # by the trapezoidal rule
    return float(np.sqrt(freedom) * np.tan(np.interp(2 * probability - 1, mass / mass[-1], x)))


def of_blocks(value, blocks, unseen):
    """A process told from stretches of it. Their variance stands for its own, undivided: a machine's slow stretches
    come in all lengths, and medians of a second scatter as those of a hundredth do. Where a process' memory comes to
    lie shows in none of them: `unseen` is the relative standard deviation that this makes."""
    logs = np.log(np.maximum(blocks, 1e-12))
    known = len(logs) > 1
    return Process(np.log(max(value, 1e-12)), np.var(logs, ddof=1) + unseen**2 if known else np.nan,
                   len(logs) - 1 if known else 0)


def spread(processes):
    """(variance from process to process, its degrees of freedom)"""
    if len(processes) > 1:
        return np.var([process.value for process in processes], ddof=1), len(processes) - 1
    return processes[0].variance, processes[0].freedom


def with_unseen(unseen, means, log_ratio, variance, freedom):
    """The variance that was found and what is unseen of both runs, with Satterthwaite's degrees of freedom of the
    sum. `unseen` is the relative standard deviation of equal runs that no run can know of by itself."""
    total = variance + 2 * unseen**2
    freedom = min(freedom * (total / variance) ** 2, 1000.0) if variance > 1e-12 else 1000.0
    return Change(*np.exp(means), log_ratio, float(np.sqrt(total)), float(freedom))


def change_of(a, b, unseen):
    """Between two lists of processes, by the pooled spread of both."""
    means = [np.mean([process.value for process in side]) for side in (a, b)]
    (variance_a, freedom_a), (variance_b, freedom_b) = spread(a), spread(b)
    if not freedom_a or not freedom_b:
        return Change(*np.exp(means))
    pooled = (freedom_a * variance_a + freedom_b * variance_b) / (freedom_a + freedom_b)
    return with_unseen(unseen, means, means[1] - means[0], pooled * (1 / len(a) + 1 / len(b)), freedom_a + freedom_b)


def change_of_pairs(a, b, unseen):
    """Between {seed: logarithm}s, over the seeds of both: how a seed fares is not the change between runs."""
    both = sorted(a.keys() & b.keys())
    if not both:
        return Change()
    means = [np.mean([side[seed] for seed in both]) for side in (a, b)]
    if len(both) < 2:
        return Change(*np.exp(means))
    ratios = [b[seed] - a[seed] for seed in both]
    return with_unseen(unseen, means, np.mean(ratios), np.var(ratios, ddof=1) / len(both), len(both) - 1)


def share_false_alarms(changes):
    """Among the rows of a column that can give any."""
    rows = max(sum(change.is_sure for change in changes), 1)
    return [dataclasses.replace(change, rows=rows) for change in changes]
