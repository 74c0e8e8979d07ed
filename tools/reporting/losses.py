"""The pictures of losses: by epoch, over seconds of training, over joules."""

import numpy as np

from reporting.charts import area, band, hit, label, line, x_axis, y_axis
from reporting.markup import join
from reporting.numbers import Spread, plain
from reporting.picture import Picture
from reporting.scales import fitting, linear

SEEDS = " Line: median of {seeds} seeds; band: lowest to highest."


def curves(table, x):
    """{batch size: median, lowest and highest loss and the median of x, a row an evaluation that all seeds reached}"""
    found = {}
    table = table[np.isfinite(table.val_loss) & np.isfinite(table[x])]
    for size, rows in table.groupby("batch_size"):
        by_step = rows.groupby("step")
        curve = by_step.val_loss.agg(middle="median", low="min", high="max")
        curve["x"] = by_step[x].median()
        # A seed that was cut off would shift the median where it ends.
        found[size] = curve[by_step.seed.nunique() == rows.seed.nunique()].reset_index()
    return {size: curve for size, curve in found.items() if len(curve)}


def best(curve):
    row = curve.loc[curve.middle.idxmin()]
    return Spread(row.middle, row.low, row.high)


def by_epoch(recorded):
    found = curves(recorded.epoch_ends, "epoch")
    longest = max((curve.x.max() for curve in found.values()), default=1)
    return loss_picture(recorded, found, "Validation loss by epoch", "epoch",
                        lambda: linear([1, max(longest, 2)], margin=0.03), lambda x: f"epoch {x:.0f}",
                        "Each line is one batch size after the same passes over the data: smaller batches made more "
                        "updates by then.", whole=True)


def over_time(recorded):
    found = curves(recorded.evaluations, "seconds")
    ends = [curve.x.max() for curve in found.values()]
    points = [x for curve in found.values() for x in curve.x]
    spread = ends and max(ends) > 8 * min(ends)
    return loss_picture(recorded, found, "Validation loss over training time", "seconds of training",
                        lambda: fitting(points, 8) if spread else linear(points, include_zero=True, margin=0.03),
                        lambda x: f"{plain(x)} s",
                        "The same losses over the time that training took, validation left out: of two lines, the "
                        "lower one was ahead at that moment.")


def over_energy(recorded):
    found = curves(recorded.evaluations, "train_energy_joules")
    points = [x for curve in found.values() for x in curve.x]
    return loss_picture(recorded, found, "Validation loss over energy", "joules drawn while training",
                        lambda: linear(points, include_zero=True, margin=0.03), lambda x: f"{plain(x)} J",
                        "The same losses over the energy that training drew.") if found else None


def loss_picture(recorded, found, title, x_title, x_scale, x_words, caption, whole=False):
    seeds = recorded.evaluations.seed.nunique()
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


def loss_scale(found):
    """All medians; of bands what is near them. Logarithmic where a batch size blew up."""
    values = np.concatenate([curve.middle for curve in found.values()]) if found else np.array([])
    edges = [value for curve in found.values() for value in (*curve.low, *curve.high)
             if value <= 1.5 * values.max() and value >= values.min() / 2]
    if len(values) and values.max() > 20 * np.median(values) and values.min() > 0:
        return fitting(list(values), 1)
    return linear([*values, *edges])
