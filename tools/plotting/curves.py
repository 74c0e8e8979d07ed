"""Losses and accuracies of a run, a line a batch size: by epoch, by training time, by energy."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from batchsweep_results import get
from plotting.drawing import add_caption
from plotting.seeds import finished_seeds, powered, seeds_along, updates
from plotting.words import COLORS, DASHES, MARKERS, rounded, short, target_loss

BAND = " Line: median of the seeds; band: lowest to highest."


def new_figure(title, columns=1, **options):
    fig = Figure(figsize=(8, 5.2), dpi=150)
    fig.suptitle(title, weight="bold", y=0.975)
    return fig, fig.subplots(1, columns, **options)


def style(run, size):
    index = run.batch_sizes.index(size)
    return {"color": COLORS[index % len(COLORS)], "linestyle": DASHES[index % len(DASHES)],
            "marker": MARKERS[index % len(MARKERS)], "label": str(size)}


def draw_band(ax, run, size, x, low, high):
    ax.fill_between(x, low, high, alpha=0.15, linewidth=0, color=style(run, size)["color"])


def draw_seeds(ax, run, size, seeds, **options):
    """A batch size's line, out of a table with a place a row and a seed a column."""
    ax.plot(seeds.index, seeds.median(axis=1), linewidth=2, markersize=6, **style(run, size), **options)
    if len(seeds.columns) > 1:
        draw_band(ax, run, size, seeds.index, seeds.min(axis=1), seeds.max(axis=1))


def label_epochs(ax, run):
    ax.set_xlabel("epoch")
    ax.set_xlim(0.6, max(run.epochs.epoch.max(), 2) + 0.4)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def label_log(axis):
    """Numbers at 1, 2 and 5 of each power of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(short))
    axis.set_minor_formatter(NullFormatter())


def draw_epochs(ax, run, column):
    """One line a batch size; returns {batch size: the seeds' table, an epoch a row and a seed a column}."""
    found = {}
    finite = run.epochs[np.isfinite(run.epochs[column])]
    for size, rows in finite.groupby("batch_size"):
        found[size] = finished_seeds(rows).pivot(index="epoch", columns="seed", values=column)
        draw_seeds(ax, run, size, found[size])
    label_epochs(ax, run)
    return found


def add_legend(ax, run, words=None):
    """The legend; words: {batch size: what follows its number}."""
    lines = [line for line in ax.get_lines() if line.get_label().isdecimal()]
    if lines:
        width = max(len(line.get_label()) for line in lines)  # in figure spaces, as wide as a digit
        texts = [line.get_label().rjust(width, "\u2007") + (words or {}).get(int(line.get_label()), "")
                 for line in lines]
        ax.legend(lines, texts, title="batch size", handlelength=4, alignment="left")
    else:
        ax.text(0.5, 0.5, "no finite value", transform=ax.transAxes, ha="center")


def keep_legible(ax, values):
    """Where one loss blew up, a log scale keeps the others apart."""
    if len(values) and values.max() > 20 * np.median(values) and values.min() > 0:
        ax.set_yscale("log")


def comparison_figure(run):
    fig, ax = new_figure("Validation loss by batch size")
    found = draw_epochs(ax, run, "val_loss")
    words = {}
    for size, seeds in found.items():
        curve = seeds.median(axis=1)
        best = curve.idxmin()
        words[size] = f"   lowest {rounded(curve[best], seeds.loc[best])}, epoch {best}"
        ax.scatter([best], [curve[best]], s=170, facecolors="none", zorder=3, linewidths=1.5,
                   edgecolors=style(run, size)["color"])
    ax.set_ylabel(f"validation loss ({run.loss})")
    keep_legible(ax, np.concatenate([seeds.to_numpy().ravel() for seeds in found.values()] or [[]]))
    add_legend(ax, run, words)
    add_caption(fig, run, "Ring: lowest loss." + BAND * (run.seeds > 1) + updates(run))
    return fig


def accuracy_figure(run):
    fig, axes = new_figure("Accuracy by batch size", 2, sharey=True)
    for ax, name, column in zip(axes, ("Training", "Validation"), ("train_accuracy", "val_accuracy")):
        draw_epochs(ax, run, column)
        ax.set_title(name)
        ax.set_ylabel(f"{name.lower()} accuracy (%)")
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.4g}"))
        ax.tick_params(labelleft=True)
    tests = run.summary.dropna(subset="test_accuracy").groupby("batch_size").test_accuracy
    add_legend(axes[1], run, {size: f"   test {rounded(100 * values.median(), 100 * values, 1)} %"
                              for size, values in tests})
    add_caption(fig, run, "Training accuracy is the mean over an epoch, while the weights change; validation "
                          "accuracy is measured after it." + BAND * (run.seeds > 1))
    return fig


def draw_along(ax, run, evaluations, x):
    """One line a batch size; returns {batch size: its seeds_along()}."""
    found = {}
    for size, rows in evaluations[np.isfinite(evaluations.val_loss)].groupby("batch_size"):
        seeds = seeds_along(rows, x)
        if seeds.empty:
            continue
        found[size] = seeds
        draw_seeds(ax, run, size, seeds, markevery=max(1, len(seeds) // 8))
    ax.set_xscale("log")
    label_log(ax.xaxis)
    ax.set_ylabel(f"validation loss ({run.loss})")
    keep_legible(ax, np.concatenate([seeds.to_numpy().ravel() for seeds in found.values()] or [[]]))
    return found


def draw_target(ax, run):
    value = target_loss(run.info)
    if value is not None:
        ax.axhline(value, color="#555555", linewidth=1, linestyle=(0, (1, 2)), zorder=1)
        ax.annotate(f" target {value:.3g}", (0, value), xycoords=("axes fraction", "data"), ha="left", va="bottom",
                    size=9, color="#555555")


def over_figure(run, evaluations, x, title, label, note):
    fig, ax = new_figure(f"Validation loss over {title}, by batch size")
    draw_along(ax, run, evaluations, x)
    draw_target(ax, run)
    ax.set_xlabel(f"{label}, log scale")
    add_legend(ax, run)
    advice = " ".join(text for text in get(run.info, "advice", "sentences", kind=list) or [] if isinstance(text, str))
    add_caption(fig, run, note + BAND * (run.seeds > 1) + updates(run) + f" {advice}".rstrip())
    return fig


def over_time_figure(run):
    evaluations = run.evaluations.assign(seconds=run.evaluations.train_time_ns.astype("float64") / 1e9)
    return over_figure(run, evaluations, "seconds", "training time", "training time (s)",
                       "Time spent on training alone, validation left out.")


def over_energy_figure(run):
    source = get(run.info, "energy_source", kind=str)
    return over_figure(run, powered(run), "train_energy_joules", "energy", "energy of training (J)",
                       "Energy drawn while training, validation left out" + (f", by {source}." if source else "."))
