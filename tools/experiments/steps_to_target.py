#!/usr/bin/python3
"""Shows the steps to a loss, batch size by batch size, beside those that were published, and fits both.

Published: Dive into Deep Learning, "Batch Size", the section "The CNN" (github.com/smolix/d2l-neu,
chapter_optimization/batch-size.md): a run each, by PyTorch and by JAX.

The fit is that of McCandlish et al. 2018 (arXiv 1812.06162), S(B) = S_min (1 + B_noise / B), with the least sum of
squared relative errors over the batch sizes up to 512: larger ones lie beyond what the square-root rule carries.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

try:
    import numpy as np
    import pandas as pd  # noqa: F401
except ImportError as error:
    sys.exit(f"steps_to_target.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

from batchsweep_results import BadInput, load

PUBLISHED = {"PyTorch": {8: 2510, 32: 640, 128: 220, 512: 110, 2048: 120},
             "JAX": {8: 1990, 32: 490, 128: 170, 512: 70, 2048: 60}}
LARGEST_FITTED = 512
FACTOR = 1.5  # that seeds and initialisers may make of it


def fit(steps):
    """(S_min, B_noise) of {batch size: steps}, or None of fewer than three batch sizes."""
    used = {size: count for size, count in steps.items() if size <= LARGEST_FITTED}
    if len(used) < 3:
        return None
    sizes, counts = np.array(list(used), float), np.array(list(used.values()), float)
    rows = np.column_stack([np.ones(len(sizes)), 1 / sizes]) / counts[:, None]
    least, slope = np.linalg.lstsq(rows, np.ones(len(sizes)), rcond=None)[0]
    return float(least), float(slope / least)


def deviation(size, steps):
    """By which factor it lies outside of what was published: 1 between the two, None where nothing was."""
    known = [column[size] for column in PUBLISHED.values() if size in column]
    return max(min(known) / steps, steps / max(known), 1.0) if known else None


def steps_of(summary):
    """{batch size: the steps of each seed that reached the target, and how many did not}"""
    if "steps_to_target" not in summary:
        summary = summary.assign(steps_to_target=float("nan"))
    return {int(size): (sorted(map(int, rows.steps_to_target.dropna())), int(rows.steps_to_target.isna().sum()))
            for size, rows in summary.groupby("batch_size")}


def median_of(found, missing):
    """The median over all seeds, those that did not get there being the last; None where it is one of these."""
    ranked = [*map(float, found), *[float("inf")] * missing]
    median = float(np.median(ranked)) if ranked else float("inf")
    return median if np.isfinite(median) else None


def row_of(size, found, missing):
    published = [f"{column.get(size, '-'):>8}" for column in PUBLISHED.values()]
    median = median_of(found, missing)
    if median is None:
        return f"{size:>5}  {'not reached':>9}  {'':15}" + "".join(published)
    spread = f"({found[0]} to {found[-1]})" if len(found) > 1 else ""
    outside = deviation(size, median)
    said = "" if outside is None else "between" if outside == 1 else f"{outside:.2f} times outside"
    missed = f", {missing} did not get there" if missing else ""
    return f"{size:>5}  {median:>9.0f}  {spread:15}" + "".join(published) + f"  {said}{missed}"


def table(steps):
    lines = ["batch      steps  (seeds)        " + "".join(f"{name:>8}" for name in PUBLISHED),
             "-----  ---------  ---------------" + " -------" * len(PUBLISHED)]
    lines += [row_of(size, *found) for size, found in steps.items()]
    medians = {size: median_of(*found) for size, found in steps.items()}
    fits = {"ours": fit({size: median for size, median in medians.items() if median})}
    fits |= {name: fit(column) for name, column in PUBLISHED.items()}
    told = [f"{name} S_min {found[0]:.0f}, B_noise {found[1]:.0f}" for name, found in fits.items() if found]
    return lines + ["", f"S(B) = S_min (1 + B_noise / B), up to batch {LARGEST_FITTED}: " + "; ".join(told)]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS", type=pathlib.Path,
                        help="folder that tools/experiments/steps_to_target.sh wrote")
    options = parser.parse_args(arguments)
    try:
        summary = load(options.results).summary
        if summary.empty:
            raise BadInput(options.results / "summary.csv", "no rows", "a finished batch size", "let it run longer")
    except BadInput as error:
        print(f"steps_to_target.py: {error}", file=sys.stderr)
        return 1
    print("\n".join(table(steps_of(summary))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
