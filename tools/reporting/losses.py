"""The pictures of losses: by epoch, over seconds of training, over joules."""

import numpy as np
import pandas as pd
from batchsweep_results import get
from plotting.seeds import finished_seeds, powered, seeds_along, updates

from reporting.charts import area, band, hit, label, line, x_axis, y_axis
from reporting.markup import element, join
from reporting.numbers import Spread, plain
from reporting.picture import Picture
from reporting.scales import fitting, linear

SEEDS = " Line: median of {seeds} seeds; band: lowest to highest."


def spread_of(seeds):
    """The median, lowest and highest at each place, of a table with a column a seed."""
    return pd.DataFrame({"x": seeds.index.astype(float), "middle": seeds.median(axis=1).to_numpy(),
                         "low": seeds.min(axis=1).to_numpy(), "high": seeds.max(axis=1).to_numpy()})


def curves(table, seeds_of):
    """{batch size: its spread_of()}"""
    finite = table[np.isfinite(table.val_loss)]
    found = {size: spread_of(seeds_of(rows)) for size, rows in finite.groupby("batch_size")}
    return {size: curve for size, curve in found.items() if len(curve)}


def best(curve):
    row = curve.loc[curve.middle.idxmin()]
    return Spread(row.middle, row.low, row.high)


def by_epoch(recorded):
    found = curves(recorded.run.epochs,
                   lambda rows: finished_seeds(rows).pivot(index="epoch", columns="seed", values="val_loss").dropna())
    longest = max((curve.x.max() for curve in found.values()), default=1)
    return loss_picture(recorded, found, "Validation loss by epoch", "epoch",
                        lambda: linear([1, max(longest, 2)], margin=0.03), lambda x: f"epoch {x:.0f}",
                        "After the same passes over the data." + updates(recorded.run), whole=True)


def over_time(recorded):
    table = recorded.run.evaluations
    table = table.assign(seconds=table.train_time_ns / 1e9)
    found = curves(table, lambda rows: seeds_along(rows, "seconds"))
    points = [x for curve in found.values() for x in curve.x]
    scale = fitting(points, 30, include_zero=True, margin=0.03)
    return loss_picture(recorded, found, "Validation loss over training time", "seconds of training", lambda: scale,
                        lambda x: f"{plain(x)} s", "Over the time spent on training alone, validation left out: of two "
                        "lines, the lower one was ahead at that moment.")


def over_energy(recorded):
    """None where enough readings of power cover the training of no batch size."""
    found = curves(powered(recorded.run), lambda rows: seeds_along(rows, "train_energy_joules"))
    points = [x for curve in found.values() for x in curve.x]
    return loss_picture(recorded, found, "Validation loss over energy", "joules drawn while training",
                        lambda: linear(points, include_zero=True, margin=0.03), lambda x: f"{plain(x)} J",
                        "Over the energy drawn while training, validation left out.") if found else None


def loss_picture(recorded, found, title, x_title, x_scale, x_words, caption, whole=False):
    seeds = recorded.run.seeds
    rows = [[size, x_words(row.x), Spread(row.middle, row.low, row.high)]
            for size, curve in found.items() for row in curve.itertuples()]
    lowest = "; ".join(f"batch size {size} reaches {best(curve)}" for size, curve in found.items())
    return Picture(title, f"A line for each batch size. Lowest: {lowest}." if found else "No finite loss.",
                   lambda width: draw(recorded, found, width, x_scale(), x_title, x_words, whole),
                   ["batch size", "at", f"validation loss ({recorded.run.loss})"],
                   thinned(rows) or [["none", "–", "no finite loss"]],
                   caption + (SEEDS.format(seeds=seeds) if seeds > 1 else ""),
                   [(recorded.look(size), f"{size}: lowest {best(curve)}") for size, curve in found.items()])


def thinned(rows, most=400):
    return rows[::-(-len(rows) // most) or 1]


def draw(recorded, found, width, x, x_title, x_words, whole):
    height = 300 if width < 500 else 340
    y = loss_scale(found)
    inside = area(width, height, y)
    x, y = x.on(inside.left, inside.right), y.on(inside.bottom, inside.top)
    ticks = [value for value in x.ticks(9) if value == round(value)] if whole else None
    parts = [x_axis(inside, x, x_title + (", log scale" if x.is_log else ""), ticks),
             y_axis(inside, y, f"validation loss ({recorded.run.loss}{', log scale' if y.is_log else ''})")]
    parts.append(target_line(recorded, inside, y))
    if not found:
        parts.append(label((inside.left + inside.right) / 2, height / 2, "no finite loss", class_="value"))
    lines, hits = [], []
    for size, curve in found.items():
        look, xs = recorded.look(size), [x(value) for value in curve.x]
        parts.append(band(zip(xs, map(y, curve.low)), zip(xs, map(y, curve.high)), look))
        lines.append(line(zip(xs, map(y, curve.middle)), look, markers=True))
        hits += [hit(place, y(row.middle), f"batch size {size}\n{x_words(row.x)}\n"
                     f"loss {Spread(row.middle, row.low, row.high)}") for place, row in zip(xs, curve.itertuples())]
    return height, join(parts + lines + thinned(hits, 600))


def target_line(recorded, inside, y):
    """The loss that the answer is about, where run.json has one and the picture shows it."""
    target = get(recorded.info, "advice", "target", kind=dict) or {}
    value = get(target, "value", kind=(int, float))
    if get(target, "measure") != "val_loss" or value is None or not y.holds(value):
        return None
    return join([element("path", d=f"M{inside.left:.1f} {y(value):.1f}H{inside.right:.1f}", class_="target"),
                 label(inside.right, y(value) - 5, f"target {value:.4g}", anchor="end")])


def loss_scale(found):
    """All medians; of bands what is near them. Logarithmic where a batch size blew up."""
    values = np.concatenate([curve.middle for curve in found.values()]) if found else np.array([])
    edges = [value for curve in found.values() for value in (*curve.low, *curve.high)
             if value <= 1.5 * values.max() and value >= values.min() / 2]
    if len(values) and values.max() > 20 * np.median(values) and values.min() > 0:
        return fitting(list(values), 1)
    return linear([*values, *edges])
