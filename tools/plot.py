#!/usr/bin/python3
"""Draws a batchsweep run into RESULTS/loss_curves/:

  batchsize_comparison.png  validation loss per epoch, one line a batch size
  loss_over_time.png        validation loss over training time
  loss_over_energy.png      and over the energy it drew, where power was read
  training_loss.png         training loss against steps and against seconds
  step_time.png             how long a step takes, and the examples per second
  noise_scale.png           the gradient noise scale per epoch, where it was measured
  accuracy.png              training and validation accuracy per epoch, where the
                            loss tells classes apart

and the runs of several boards, with one model on one data set, into FOLDER/:

  boards.png                step time, examples per second, validation loss and
                            memory, one line a board
  boards.csv                the rows of their summary.csv, with board and host

A run that was interrupted or that diverged is drawn as far as it goes.
"""

import argparse
import pathlib
import sys
from inspect import signature

try:
    import matplotlib
    matplotlib.use("Agg")
    import numpy as np
    import pandas as pd  # noqa: F401
    from matplotlib.axes import Axes
    from matplotlib.ticker import FuncFormatter
except ImportError as error:
    sys.exit(f"plot.py: {error} in {sys.executable}: expected Debian's pandas and matplotlib; run "
             "`apt-get install python3-pandas python3-matplotlib` and use /usr/bin/python3")

from batchsweep_results import BadInput
from plotting.board_runs import load_boards
from plotting.boards import boards_figure, write_table
from plotting.curves import (BAND, accuracy_figure, add_legend, comparison_figure, draw_band, label_log, new_figure,
                             over_energy_figure, over_time_figure, style)
from plotting.drawing import add_caption
from plotting.files import disturbed, load
from plotting.noise import has_noise, noise_figure
from plotting.seeds import powered
from plotting.words import short

SMOOTH_EXAMPLES = 256  # the least a training loss is averaged over; more hides the first steep fall
# Of boxes: matplotlib 3.10 has the first of these words, those before it only the second, and 3.11 warns of it.
LYING = {"orientation": "horizontal"} if "orientation" in signature(Axes.bxp).parameters else {"vert": False}


def running_mean(values, at_least):
    """Of each column: the mean of the last tenth of the values so far (an even width on a log axis) or at_least."""
    total = np.vstack([np.zeros(values.shape[1:]), np.cumsum(values, axis=0)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(0, end - np.maximum(at_least, end // 10))
    return (total[end] - total[start]) / (end - start)[:, None]


def training_curves(rows):
    """(steps, seconds, losses) of one batch size as far as all of its seeds go: a column of losses a seed, seconds by
    the median of the seeds."""
    rows = rows.assign(seconds=rows.groupby("seed").step_time_ns.cumsum() / 1e9)
    wide = rows[np.isfinite(rows.loss)].pivot(index="step", columns="seed", values=["seconds", "loss"]).dropna()
    if not len(wide):  # not one step that all have
        return [], [], []
    return wide.index.to_numpy(), wide["seconds"].median(axis=1).to_numpy(), wide["loss"].to_numpy()


def draw_training_loss(axes, run, size, rows):
    """Against steps and against seconds; returns the smoothed losses."""
    steps, seconds, losses = training_curves(rows)
    if not len(losses):
        return np.empty((0, 1))
    keep = np.unique(np.geomspace(1, len(losses), 1000).astype(int) - 1)  # more would not be seen
    smooth = running_mean(losses, -(-SMOOTH_EXAMPLES // size))[keep]
    look = style(run, size)
    for ax, x in zip(axes, (steps[keep], seconds[keep])):
        ax.plot(x, losses[keep, 0], color=look["color"], alpha=0.13, linewidth=0.6, zorder=1)
        ax.plot(x, np.median(smooth, axis=1), linewidth=1.8, markevery=(len(keep) // 8, len(keep) // 5 + 1), **look)
        if smooth.shape[1] > 1:
            draw_band(ax, run, size, x, smooth.min(axis=1), smooth.max(axis=1))
    return smooth


def training_loss_figure(run):
    fig, axes = new_figure("Training loss by batch size", 2, sharey=True)
    drawn = [draw_training_loss(axes, run, size, rows).ravel() for size, rows in run.steps.groupby("batch_size")]
    for ax, x in zip(axes, ("steps", "time (s)")):
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(short))
        ax.set(title=f"against {x.removesuffix(' (s)')}", xlabel=f"training {x}, log scale")
        ax.tick_params(labelleft=True)
    axes[0].set_ylabel(f"training loss ({run.loss})")
    if len(values := np.concatenate(drawn)):  # the faint single steps may leave the frame
        low, high = np.min(values), np.max(values)
        axes[0].set_ylim(low - 0.08 * (high - low) - 1e-9, high + 0.05 * (high - low) + 1e-9)
    add_legend(axes[1], run)
    add_caption(fig, run, f"Smoothed over the last tenth of the steps so far (at least {SMOOTH_EXAMPLES} examples); "
                          "faint: single steps" + (" of one seed." if run.seeds > 1 else ".") +
                          " Time: sum of step times." + BAND * (run.seeds > 1))
    return fig


def time_details(rows):
    """What else there is to say of a batch size's step times: the spread of its processes, what disturbed it."""
    details = []
    medians = rows.groupby("process").step_time_ns.median() / 1e3
    if len(medians) > 1:
        details.append(f"{len(medians)} processes: {short(medians.min())} to {short(medians.max())} µs")
    flagged = disturbed(rows)
    if flagged.any():
        clean = rows[~flagged].step_time_ns
        details.append(f"{100 * flagged.mean():.3g} % flagged"
                       + (f", without them {short(clean.median() / 1e3)} µs" if len(clean) else ""))
    return "; ".join(details)


def step_time_figure(run):
    fig, (times, rates) = new_figure("Cost of a training step by batch size", 2, sharey=True)
    cells = dict(list(run.times.groupby("batch_size")))
    colors = [style(run, size)["color"] for size in cells]
    places = range(len(cells))
    quantiles = np.array([np.percentile(rows.step_time_ns / 1e3, [5, 25, 50, 75, 95]) for rows in cells.values()])
    boxes = times.bxp([dict(zip(("whislo", "q1", "med", "q3", "whishi"), row)) for row in quantiles],
                      places, showfliers=False, patch_artist=True, widths=0.4,
                      medianprops={"color": "black", "linewidth": 1.8}, **LYING)
    for place, row, box, color in zip(places, quantiles, boxes["boxes"], colors):
        box.set(facecolor=color, alpha=0.75)
        times.text(0.03, place - 0.27, f"median {short(row[2])} µs, p95 {short(row[4])} µs", va="bottom",
                   size=9, transform=times.get_yaxis_transform())
    for place, rows in zip(places, cells.values()):
        if details := time_details(rows):
            times.text(0.03, place + 0.27, details, va="top", size=8, color="#555555",
                       transform=times.get_yaxis_transform())
        medians = rows.groupby("process").step_time_ns.median() / 1e3
        if len(medians) > 1:
            times.scatter(medians, [place] * len(medians), marker="|", s=260, color="black", linewidths=0.8, zorder=4)
    scale = ""
    if quantiles.max() > 4 * quantiles.min() > 0:
        scale = ", log scale"
        times.set_xscale("log")
        label_log(times.xaxis)
    bars = rates.barh(places, list(run.rates().values()), height=0.55, color=colors, alpha=0.85)
    rates.bar_label(bars, [f"{rate:,.0f}" for rate in run.rates().values()], padding=3, size=9)
    rates.margins(x=0.25)
    for ax in (times, rates):
        ax.xaxis.set_major_formatter(FuncFormatter(short))
        ax.grid(axis="y", visible=False)
        ax.tick_params(left=False)
    times.set_yticks(places, list(map(str, cells)))
    times.set_ylim(len(cells) - 0.5, -0.65)
    times.set(title="Time of one step", xlabel=f"step time (µs{scale})", ylabel="batch size")
    rates.set(title="Throughput", xlabel="examples per second, by the median step")
    slowest = max(rows.step_time_ns.max() for rows in cells.values()) / 1e3
    processes = " Thin lines: medians of the processes." if run.times.process.nunique() > 1 else ""
    add_caption(fig, run, "Box: middle half of the full-size steps after the warm-up; whiskers: 5th to 95th "
                          f"percentile.{processes} Slowest step, not drawn: {slowest:,.0f} µs.")
    return fig


FIGURES = {"batchsize_comparison.png": comparison_figure, "loss_over_time.png": over_time_figure,
           "loss_over_energy.png": over_energy_figure, "training_loss.png": training_loss_figure,
           "step_time.png": step_time_figure, "noise_scale.png": noise_figure, "accuracy.png": accuracy_figure}


def has_any(run, draw):
    """Whether a run has what a picture shows."""
    return {accuracy_figure: run.has_accuracy, over_time_figure: not run.evaluations.empty,
            over_energy_figure: not powered(run).empty, noise_figure: has_noise(run)}.get(draw, True)


def draw_run(folder):
    run = load(folder)
    (folder / "loss_curves").mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        if not has_any(run, draw):
            continue
        path = folder / "loss_curves" / name
        draw(run).savefig(path)
        print(path)


def draw_boards(folders, out):
    boards = load_boards(folders)
    out.mkdir(parents=True, exist_ok=True)
    boards_figure(boards).savefig(out / "boards.png")
    print(out / "boards.png")
    write_table(boards, out / "boards.csv")
    print(out / "boards.csv")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: tools/plot.py results\n"
                                            "         tools/plot.py boards/pi@a boards/pi@b --out boards")
    parser.add_argument("results", metavar="RESULTS", nargs="+", type=pathlib.Path,
                        help="folder written by `batchsweep run --out`, or several, one a board")
    parser.add_argument("--out", metavar="FOLDER", type=pathlib.Path, help="for the pictures of several boards")
    options = parser.parse_args(arguments)
    if (len(options.results) > 1) != (options.out is not None):
        parser.error("--out FOLDER goes with several RESULTS, and several with --out")
    folder = options.out or options.results[0]
    try:
        if options.out:
            draw_boards(options.results, options.out)
        else:
            draw_run(folder)
    except BadInput as error:
        print(f"plot.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"plot.py: {error.filename or folder}: {error.strerror}: expected a folder to write into; "
              "check its owner and the free space", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
