"""The pictures of losses: by epoch, over seconds of training, over joules."""

import numpy as np
from plotting.seeds import finished_seeds, powered, seeds_along, updates
from plotting.words import target_loss

from reporting.curves import SEEDS, Axes, curves, draw, thinned
from reporting.numbers import Spread, plain
from reporting.picture import Picture
from reporting.scales import fitting, linear


def best(curve):
    row = curve.loc[curve.middle.idxmin()]
    return Spread(row.middle, row.low, row.high)


def by_epoch(recorded):
    found = curves(recorded.run.epochs, "val_loss",
                   lambda rows: finished_seeds(rows).pivot(index="epoch", columns="seed", values="val_loss").dropna())
    longest = max((curve.x.max() for curve in found.values()), default=1)
    return loss_picture(recorded, found, "Validation loss by epoch", "epoch",
                        linear([1, max(longest, 2)], margin=0.03), lambda x: f"epoch {x:.0f}",
                        "After the same passes over the data." + updates(recorded.run), whole=True)


def over_time(recorded):
    table = recorded.run.evaluations
    table = table.assign(seconds=table.train_time_ns / 1e9)
    found = curves(table, "val_loss", lambda rows: seeds_along(rows, "seconds"))
    points = [x for curve in found.values() for x in curve.x]
    scale = fitting(points, 30, include_zero=True, margin=0.03)
    return loss_picture(recorded, found, "Validation loss over training time", "seconds of training", scale,
                        lambda x: f"{plain(x)} s", "Over the time spent on training alone, validation left out: of two "
                        "lines, the lower one was ahead at that moment.")


def over_energy(recorded):
    """None where enough readings of power cover the training of no batch size."""
    found = curves(powered(recorded.run), "val_loss", lambda rows: seeds_along(rows, "train_energy_joules"))
    points = [x for curve in found.values() for x in curve.x]
    return loss_picture(recorded, found, "Validation loss over energy", "joules drawn while training",
                        linear(points, include_zero=True, margin=0.03), lambda x: f"{plain(x)} J",
                        "Over the energy drawn while training, validation left out.") if found else None


def loss_picture(recorded, found, title, x_title, x_scale, x_words, caption, whole=False):
    seeds = recorded.run.seeds
    axes = Axes(x_scale, x_title, x_words, loss_scale(found), f"validation loss ({recorded.run.loss})", "loss", whole,
                target_loss(recorded.info))
    rows = [[size, x_words(row.x), Spread(row.middle, row.low, row.high)]
            for size, curve in found.items() for row in curve.itertuples()]
    lowest = "; ".join(f"batch size {size} reaches {best(curve)}" for size, curve in found.items())
    return Picture(title, f"A line for each batch size. Lowest: {lowest}." if found else "No finite loss.",
                   lambda width: draw(recorded, found, axes, width), ["batch size", "at", axes.y_title],
                   thinned(rows) or [["none", "–", "no finite loss"]],
                   caption + (SEEDS.format(seeds=seeds) if seeds > 1 else ""),
                   [(recorded.look(size), f"{size}: lowest {best(curve)}") for size, curve in found.items()])


def loss_scale(found):
    """All medians; of bands what is near them. Logarithmic where a batch size blew up."""
    values = np.concatenate([curve.middle for curve in found.values()]) if found else np.array([])
    edges = [value for curve in found.values() for value in (*curve.low, *curve.high)
             if value <= 1.5 * values.max() and value >= values.min() / 2]
    if len(values) and values.max() > 20 * np.median(values) and values.min() > 0:
        return fitting(list(values), 1)
    return linear([*values, *edges])
