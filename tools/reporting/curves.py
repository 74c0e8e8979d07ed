"""Curves of the batch sizes: the median of the seeds as a line, their range as a band."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd

from reporting.charts import area, band, hit, label, line, x_axis, y_axis
from reporting.markup import element, join
from reporting.numbers import Spread
from reporting.scales import Scale

SEEDS = " Line: median of {seeds} seeds; band: lowest to highest."


@dataclasses.dataclass
class Axes:
    x: Scale
    x_title: str
    x_words: Callable[[float], str]
    y: Scale
    y_title: str
    name: str  # of a value, when pointed at
    whole: bool = False  # whether x has whole numbers alone
    target: float | None = None  # a value with a line of its own


def spread_of(seeds):
    """The median, lowest and highest at each place, of a table with a column a seed."""
    return pd.DataFrame({"x": seeds.index.astype(float), "middle": seeds.median(axis=1).to_numpy(),
                         "low": seeds.min(axis=1).to_numpy(), "high": seeds.max(axis=1).to_numpy()})


def curves(table, column, seeds_of):
    """{batch size: spread_of() of what seeds_of() makes of its rows}, of those that have finite values of the column"""
    finite = table[np.isfinite(table[column])]
    found = {size: spread_of(seeds_of(rows)) for size, rows in finite.groupby("batch_size")}
    return {size: curve for size, curve in found.items() if len(curve)}


def thinned(rows, most=400):
    return rows[::-(-len(rows) // most) or 1]


def draw(recorded, found, axes, width):
    """(height, content) of the curves"""
    height = 300 if width < 500 else 340
    inside = area(width, height, axes.y)
    x, y = axes.x.on(inside.left, inside.right), axes.y.on(inside.bottom, inside.top)
    ticks = [value for value in x.ticks(9) if value == round(value)] if axes.whole else None
    parts = [x_axis(inside, x, axes.x_title + ", log scale" * x.is_log, ticks),
             y_axis(inside, y, axes.y_title + ", log scale" * y.is_log), target_line(axes, inside, y)]
    if not found:
        words = f"no finite {axes.name}"
        parts.append(label((inside.left + inside.right) / 2, height / 2, words, class_="value"))
    lines, hits = [], []
    for size, curve in found.items():
        look, xs = recorded.look(size), list(map(x, curve.x))
        low, high = (map(y, values.clip(y.low, y.high)) for values in (curve.low, curve.high))
        parts.append(band(zip(xs, low), zip(xs, high), look))
        lines.append(line(zip(xs, map(y, curve.middle)), look, markers=True))
        hits += [hit(place, y(row.middle), f"batch size {size}\n{axes.x_words(row.x)}\n"
                     f"{axes.name} {Spread(row.middle, row.low, row.high)}")
                 for place, row in zip(xs, curve.itertuples())]
    return height, join(parts + lines + thinned(hits, 600))


def target_line(axes, inside, y):
    if axes.target is None or not y.holds(axes.target):
        return None
    place = y(axes.target)
    return join([element("path", d=f"M{inside.left:.1f} {place:.1f}H{inside.right:.1f}", class_="target"),
                 label(inside.left + 4, place - 5, f"target {axes.target:.4g}", anchor="start", class_="label halo")])
