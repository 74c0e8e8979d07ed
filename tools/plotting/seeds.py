"""The losses of a batch size's seeds side by side: by epoch, along time, along energy."""

import numpy as np
import pandas as pd
from batchsweep_results import ENOUGH_READINGS, readings_per_second

POINTS = 400  # of a line; more would not be seen


def finished_seeds(rows):
    """Those of a batch size that went as far as any of its seeds: with one that did not, a median would jump there."""
    return rows[rows.groupby("seed").epoch.transform("max") == rows.epoch.max()]


def seeds_along(rows, x):
    """The validation losses of a batch size along `x`, a column that grows while it trains: a place a row, a seed a
    column. Seeds are looked at in places of their own, between which they go straight, so only where all have some."""
    curves = [(seed, one.sort_values(x)) for seed, one in finished_seeds(rows).groupby("seed")]
    begin, end = max(one[x].iloc[0] for _, one in curves), min(one[x].iloc[-1] for _, one in curves)
    places = np.unique(np.concatenate([one[x].to_numpy() for _, one in curves]))
    places = places[(begin <= places) & (places <= end)]
    if len(places) > POINTS:
        places = places[np.unique(np.geomspace(1, len(places), POINTS).astype(int) - 1)]
    return pd.DataFrame({seed: np.interp(places, one[x], one.val_loss) for seed, one in curves}, index=places)


def powered(run):
    """The evaluations of cells all of whose training enough readings of power cover."""
    if run.evaluations.empty:
        return run.evaluations
    cells = run.evaluations.groupby(["batch_size", "seed"])
    known = cells.train_energy_joules.transform(lambda joules: joules.notna().all())
    seconds = cells.train_time_ns.transform("max") / 1e9
    return run.evaluations[known & (seconds * readings_per_second(run.info) >= ENOUGH_READINGS)]


def updates(run):
    """The sentence of how many updates of the weights each batch size got, the most of its seeds."""
    counts = run.steps.groupby("batch_size").step.max()
    told = ", ".join(f"{counts.get(size, 0):,} at batch size {size}" for size in run.batch_sizes)
    return f" Updates: {told}."
