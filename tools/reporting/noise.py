"""The gradient noise scale, where --noise-scale recorded it: by epoch, and what measuring it cost."""

from plotting.seeds import finished_seeds

from reporting.curves import SEEDS, Axes, curves, draw, thinned
from reporting.numbers import Spread, percent
from reporting.picture import Picture
from reporting.scales import fitting, linear


def noise_picture(recorded):
    """None where it was not recorded."""
    epochs = recorded.run.epochs
    found = curves(epochs[epochs.noise_scale > 0], "noise_scale", lambda rows: finished_seeds(rows).pivot(
        index="epoch", columns="seed", values="noise_scale").dropna())
    if not found:
        return None
    values = [value for curve in found.values() for column in ("low", "middle", "high") for value in curve[column]]
    longest = max(curve.x.max() for curve in found.values())
    axes = Axes(linear([1, max(longest, 2)], margin=0.03), "epoch", lambda x: f"epoch {x:.0f}", fitting(values, 10),
                "gradient noise scale (examples)", "noise scale", whole=True)
    last = {size: curve.iloc[-1] for size, curve in found.items()}
    last = {size: str(Spread(row.middle, row.low, row.high)) for size, row in last.items()}
    rows = [[size, f"{row.x:.0f}", Spread(row.middle, row.low, row.high)] for size, curve in found.items()
            for row in curve.itertuples()]
    seeds = recorded.run.seeds
    return Picture("Gradient noise scale", "; ".join(f"batch size {size} ends at {text}" for size, text in last.items())
                   + ".", lambda width: draw(recorded, found, axes, width), ["batch size", "epoch", "noise scale"],
                   thinned(rows), "About the batch size from which on more examples a step save few steps; repeated "
                   "runs scatter by a factor of two, so it is a guide." + cost(epochs)
                   + (SEEDS.format(seeds=seeds) if seeds > 1 else ""),
                   [(recorded.look(size), f"{size}: {text} at last") for size, text in last.items()])


def cost(epochs):
    """The sentence of how long measuring took beside training."""
    known = epochs[epochs.noise_time_ns.notna()]
    if known.empty or not known.train_time_ns.sum():
        return ""
    shares = known.groupby("batch_size").noise_time_ns.sum() / known.groupby("batch_size").train_time_ns.sum()
    low, high = percent(shares.min()), percent(shares.max())
    return f" Measuring it took {low if low == high else f'{low} to {high}'} of the time of training, beside it."
