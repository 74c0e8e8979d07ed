#!/usr/bin/python3
"""Draws a batchsweep run into RESULTS/loss_curves/:

  batchsize_comparison.png  validation loss per epoch, one line a batch size
  training_loss.png         training loss against steps and against seconds
  step_time.png             how long a step takes, and the examples per second
  accuracy.png              training and validation accuracy per epoch

A run that was interrupted or that diverged is drawn as far as it goes.
"""

import argparse
import dataclasses
import json
import pathlib
import sys
import textwrap

try:
    import matplotlib
    matplotlib.use("Agg")
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
except ImportError as error:
    sys.exit(f"plot.py: {error} in {sys.executable}: expected Debian's pandas and matplotlib; run "
             "`apt-get install python3-pandas python3-matplotlib` and use /usr/bin/python3")

SCHEMA_VERSION = 1
SMOOTH_EXAMPLES = 256  # the least a training loss is averaged over; more hides the first steep fall
KEYS = ["batch_size", "seed", "threads"]
STEP_COLUMNS = KEYS + ["step", "examples", "loss", "step_time_ns"]
EPOCH_COLUMNS = KEYS + ["epoch", "train_accuracy", "val_loss", "val_accuracy"]
SUMMARY_COLUMNS = KEYS + ["test_accuracy"]
COUNTS = set(KEYS) | {"step", "epoch", "examples", "step_time_ns"}  # never empty, never below 0

# Okabe and Ito's colours without the yellow, which is too pale for a line. The three lists differ
# in length, so that more than seven batch sizes still get lines of their own.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">"]
DASHES = ["-", (0, (6, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (2, 1))]
BAND = " Line: mean of the seeds; band: lowest to highest."
matplotlib.rcParams.update({
    "font.size": 10, "axes.titlesize": 11, "figure.titlesize": 13, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#E4E4E4", "axes.axisbelow": True,
    "legend.frameon": True, "legend.framealpha": 0.9, "legend.edgecolor": "none"})


class BadInput(Exception):
    def __init__(self, path, what, expected, todo="pass the --out folder of `batchsweep run`"):
        super().__init__(f"{path}: {what}: expected {expected}; {todo}")


@dataclasses.dataclass
class Run:
    info: dict
    steps: pd.DataFrame
    epochs: pd.DataFrame
    summary: pd.DataFrame  # no rows before the first batch size is finished

    def __post_init__(self):
        both = pd.concat([self.epochs[KEYS], self.steps[KEYS]])
        planned = get(self.info, "config", "batch_sizes", kind=list) or []
        self.batch_sizes = sorted({size for size in planned if type(size) is int} | set(both.batch_size))
        # Thread counts share their losses: draw each batch size's first.
        first = both.groupby("batch_size").threads.first()
        self.epochs, self.steps = (table[table.threads == table.batch_size.map(first)]
                                   for table in (self.epochs, self.steps))
        self.threads = sorted(set(first))
        self.seeds = both.seed.nunique()


def get(info, *path, kind=object):
    """The value at a path of nested run.json keys, or None: every key may be absent."""
    for key in path:
        info = info.get(key) if isinstance(info, dict) else None
    return info if isinstance(info, kind) else None


def read_info(path):
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise BadInput(path, what, "the JSON of `batchsweep run`") from None
    version = get(info, "schema_version")
    if version != SCHEMA_VERSION:
        raise BadInput(path, f"schema_version is {json.dumps(version)}", SCHEMA_VERSION,
                       "use the plot.py of the batchsweep that wrote it")
    return info


def read_table(path, columns):
    try:
        with open(path, "rb") as file:
            present = file.readline().decode("utf-8").strip().split(",")
            file.seek(max(0, file.seek(0, 2) - 1))
            torn = file.read(1) != b"\n"  # the power went while the last row was being written
        missing = [column for column in columns if column not in present]
        if missing:
            raise BadInput(path, f"no column {', '.join(missing)}", "a header line with " + ",".join(columns))
        table = pd.read_csv(path, usecols=columns, low_memory=False)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise BadInput(path, what, "a CSV file of `batchsweep run`") from None
    table = table[:-1] if torn else table
    for column in columns:
        numbers = pd.to_numeric(table[column], errors="coerce")
        wrong = numbers.isna() & table[column].notna()
        if column in COUNTS:
            wrong |= ~np.isfinite(numbers) | (numbers < 0)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise BadInput(path, f"line {row + 2}: {column} is '{table[column].iloc[row]}'", "a number",
                           "mend or delete that line")
        table = table.assign(**{column: numbers.astype("int64" if column in COUNTS else "float64")})
    return table


def load(folder):
    if not folder.is_dir():
        raise BadInput(folder, "no such folder", "the --out folder of `batchsweep run`",
                       "run the sweep first or correct the path")
    info = read_info(folder / "run.json")
    steps, epochs = (read_table(folder / name, columns)
                     for name, columns in (("steps.csv", STEP_COLUMNS), ("epochs.csv", EPOCH_COLUMNS)))
    for name, table in (("steps.csv", steps), ("epochs.csv", epochs)):
        if table.empty:
            raise BadInput(folder / name, "no rows", "at least one finished epoch",
                           "let the sweep run longer (`batchsweep run --resume` continues it)")
    path = folder / "summary.csv"
    summary = (read_table(path, SUMMARY_COLUMNS) if path.exists() and path.stat().st_size
               else pd.DataFrame(columns=SUMMARY_COLUMNS))
    return Run(info, steps, epochs, summary)


def describe(run):
    """The line about the model and the data, and the line about the machine."""
    model, data = get(run.info, "model", "name"), get(run.info, "data", "name")
    weights = get(run.info, "model", "parameters", kind=int)
    examples = get(run.info, "data", "train_examples", kind=int)
    rate = get(run.info, "config", "learning_rate", kind=(int, float))
    rule = get(run.info, "config", "lr_rule") or "none"
    what = [model and f"{model}" + (f" ({weights:,} weights)" if weights else ""),
            data and f"{data}" + (f" ({examples:,} training examples)" if examples else ""),
            get(run.info, "config", "optimizer"),
            rate and f"learning rate {rate:g}" + (f" ({rule} rule)" if rule != "none" else ""),
            run.seeds > 1 and f"{run.seeds} seeds"]
    where = [get(run.info, "cpu", "model_name"), get(run.info, "cpu", "isa"),
             "/".join(map(str, run.threads)) + (" thread" if run.threads == [1] else " threads"),
             get(run.info, "config", "precision")]
    return [" · ".join(str(part) for part in line if part) for line in (what, where)]


def find_divergence(run):
    """{batch size: where its losses stop being finite}"""
    found = {}
    for table, column, index in ((run.epochs, "val_loss", "epoch"), (run.steps, "loss", "step")):
        bad = table[~np.isfinite(table[column])]
        found |= {size: f"{index} {first:,}" for size, first in bad.groupby("batch_size")[index].min().items()}
    return found


def problems(run):
    """The sentences a reader must not miss."""
    status, planned = get(run.info, "status"), get(run.info, "config", "epochs", kind=int) or 0
    diverged = find_divergence(run)
    done = run.epochs.groupby("batch_size").epoch.max().to_dict()
    stopped = status in ("interrupted", "running")
    lacking = [f"batch size {size} has " + (f"{done[size]} of {planned} epochs" if size in done
                                            else "no finished epoch")
               for size in run.batch_sizes
               if size not in diverged and (size not in done or stopped and done[size] < planned)]
    sentences = []
    if lacking or stopped:
        word = "Still running, or interrupted" if status == "running" else "Run interrupted"
        sentences.append(word + (": " if lacking else "") + ", ".join(lacking) + ".")
    sentences += [f"Batch size {size} diverged: no finite loss from {where} on." for size, where in diverged.items()]
    warnings = [f"Warning: {warning}" for warning in get(run.info, "warnings", kind=list) or []]
    return sentences + warnings[:3] + ([f"… and {len(warnings) - 3} more in run.json"] if warnings[3:] else [])


def add_caption(fig, run, note):
    line_height = 0.155 / fig.get_figheight()  # of 8-point text
    y = 0.02
    for sentences, color in ((problems(run), "#B03A00"), (describe(run) + [note], "#555555")):
        lines = [line for sentence in sentences for line in textwrap.wrap(str(sentence), 136)]
        fig.text(0.015, y, "\n".join(lines), size=8, color=color, va="bottom", linespacing=1.25)
        y += line_height * len(lines)
    fig.set_layout_engine("constrained", rect=(0.005, y + 0.01, 0.985, 0.92 - y), wspace=0.06)


def short(x, _=None):
    return f"{x:.3g}" if x < 1000 else f"{x:,.0f}" if x < 10000 else f"{x / 1000:,.6g}k"


def new_figure(title, columns=1, **options):
    fig = Figure(figsize=(8, 5.2), dpi=150)
    fig.suptitle(title, weight="bold", y=0.975)
    return fig, fig.subplots(1, columns, **options)


def style(run, size):
    index = run.batch_sizes.index(size)
    return {"color": COLORS[index % len(COLORS)], "linestyle": DASHES[index % len(DASHES)],
            "marker": MARKERS[index % len(MARKERS)], "label": str(size)}


def draw_epochs(ax, run, column):
    """One line a batch size; returns {batch size: mean over the seeds, by epoch}."""
    curves = {}
    finite = run.epochs[np.isfinite(run.epochs[column])]
    for size, rows in finite.groupby("batch_size"):
        by_epoch = rows.groupby("epoch")[column]
        mean = curves[size] = by_epoch.mean()
        ax.plot(mean.index, mean, linewidth=2, markersize=6, **style(run, size))
        if rows.seed.nunique() > 1:
            ax.fill_between(mean.index, by_epoch.min(), by_epoch.max(), alpha=0.15, linewidth=0,
                            color=style(run, size)["color"])
    ax.set_xlabel("epoch")
    ax.set_xlim(0.6, max(run.epochs.epoch.max(), 2) + 0.4)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return curves


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


def comparison_figure(run):
    fig, ax = new_figure("Validation loss by batch size")
    curves = draw_epochs(ax, run, "val_loss")
    words = {}
    for size, curve in curves.items():
        best = curve.idxmin()
        words[size] = f"   lowest {curve[best]:.3f}, epoch {best}"
        ax.scatter([best], [curve[best]], s=170, facecolors="none", zorder=3, linewidths=1.5,
                   edgecolors=style(run, size)["color"])
    ax.set_ylabel("validation loss (cross-entropy)")
    values = pd.concat(curves.values()) if curves else pd.Series(dtype=float)
    if values.max() > 20 * values.median() and values.min() > 0:  # one blew up: keep the rest legible
        ax.set_yscale("log")
    add_legend(ax, run, words)
    add_caption(fig, run, "Ring: lowest loss." + BAND * (run.seeds > 1))
    return fig


def accuracy_figure(run):
    fig, axes = new_figure("Accuracy by batch size", 2, sharey=True)
    for ax, name, column in zip(axes, ("Training", "Validation"), ("train_accuracy", "val_accuracy")):
        draw_epochs(ax, run, column)
        ax.set_title(name)
        ax.set_ylabel(f"{name.lower()} accuracy (%)")
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.4g}"))
        ax.tick_params(labelleft=True)
    test = run.summary.groupby("batch_size").test_accuracy.mean().dropna()
    add_legend(axes[1], run, {size: f"   test {100 * value:.1f} %" for size, value in test.items()})
    add_caption(fig, run, "Training accuracy is the mean over an epoch, while the weights change; validation "
                          "accuracy is measured after it." + BAND * (run.seeds > 1))
    return fig


def running_mean(values, at_least):
    """The mean of the last tenth of the values so far (an even width on a log axis) or at_least."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    start = np.maximum(0, end - np.maximum(at_least, end // 10))
    return (total[end] - total[start]) / (end - start)


def training_curve(rows):
    """(step, seconds, loss) of one batch size, averaged over its seeds as far as all of them go."""
    rows = rows.assign(seconds=rows.groupby("seed").step_time_ns.cumsum() / 1e9)
    by_step = rows[np.isfinite(rows.loss)].groupby("step")
    curve = by_step[["seconds", "loss"]].mean()[by_step.size() == rows.seed.nunique()]
    return curve.index.to_numpy(), curve.seconds.to_numpy(), curve.loss.to_numpy()


def training_loss_figure(run):
    fig, axes = new_figure("Training loss by batch size", 2, sharey=True)
    means = []
    for size, rows in run.steps.groupby("batch_size"):
        step, seconds, loss = training_curve(rows)
        if not len(loss):
            continue
        keep = np.unique(np.geomspace(1, len(loss), 1000).astype(int) - 1)  # more would not be seen
        means.append(running_mean(loss, -(-SMOOTH_EXAMPLES // size))[keep])
        look = style(run, size)
        for ax, x in zip(axes, (step, seconds)):
            ax.plot(x[keep], loss[keep], color=look["color"], alpha=0.13, linewidth=0.6, zorder=1)
            ax.plot(x[keep], means[-1], linewidth=1.8, markevery=(len(keep) // 8, len(keep) // 5 + 1), **look)
    for ax, x in zip(axes, ("steps", "time (s)")):
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(short))
        ax.set(title=f"against {x.removesuffix(' (s)')}", xlabel=f"training {x}, log scale")
        ax.tick_params(labelleft=True)
    axes[0].set_ylabel("training loss (cross-entropy)")
    if means:  # the faint single steps may leave the frame
        low, high = np.min(np.concatenate(means)), np.max(np.concatenate(means))
        axes[0].set_ylim(low - 0.08 * (high - low) - 1e-9, high + 0.05 * (high - low) + 1e-9)
    add_legend(axes[1], run)
    add_caption(fig, run, f"Smoothed over the last tenth of the steps so far (at least {SMOOTH_EXAMPLES} examples); "
                          "faint: single steps. Time: sum of step times.")
    return fig


def step_time_figure(run):
    fig, (times, rates) = new_figure("Cost of a training step by batch size", 2, sharey=True)
    full = run.steps[run.steps.examples == run.steps.batch_size]  # not an epoch's smaller last batch
    cells = dict(list((run.steps if full.empty else full).groupby("batch_size")))
    colors = [style(run, size)["color"] for size in cells]
    places = range(len(cells))
    quantiles = np.array([np.percentile(rows.step_time_ns / 1e3, [5, 25, 50, 75, 95]) for rows in cells.values()])
    boxes = times.bxp([dict(zip(("whislo", "q1", "med", "q3", "whishi"), row)) for row in quantiles],
                      places, vert=False, showfliers=False, patch_artist=True, widths=0.4,
                      medianprops={"color": "black", "linewidth": 1.8})
    for place, row, box, color in zip(places, quantiles, boxes["boxes"], colors):
        box.set(facecolor=color, alpha=0.75)
        times.text(0.03, place - 0.27, f"median {short(row[2])} µs, p95 {short(row[4])} µs", va="bottom",
                   size=9, transform=times.get_yaxis_transform())
    scale = ""
    if quantiles.max() > 4 * quantiles.min() > 0:
        scale = ", log scale"
        times.set_xscale("log")
        times.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        times.xaxis.set_minor_formatter(NullFormatter())
    rate = [1e9 * rows.examples.sum() / max(rows.step_time_ns.sum(), 1) for rows in cells.values()]
    bars = rates.barh(places, rate, height=0.55, color=colors, alpha=0.85)
    rates.bar_label(bars, [f"{value:,.0f}" for value in rate], padding=3, size=9)
    rates.margins(x=0.25)
    for ax in (times, rates):
        ax.xaxis.set_major_formatter(FuncFormatter(short))
        ax.grid(axis="y", visible=False)
        ax.tick_params(left=False)
    times.set_yticks(places, list(map(str, cells)))
    times.set_ylim(len(cells) - 0.5, -0.65)
    times.set(title="Time of one step", xlabel=f"step time (µs{scale})", ylabel="batch size")
    rates.set(title="Throughput", xlabel="examples per second of training")
    slowest = max(rows.step_time_ns.max() for rows in cells.values()) / 1e3
    add_caption(fig, run, "Box: middle half of the full-size steps; whiskers: 5th to 95th percentile. "
                          f"Slowest step, not drawn: {slowest:,.0f} µs.")
    return fig


FIGURES = {"batchsize_comparison.png": comparison_figure, "training_loss.png": training_loss_figure,
           "step_time.png": step_time_figure, "accuracy.png": accuracy_figure}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: tools/plot.py results",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", metavar="RESULTS", help="folder written by `batchsweep run --out`")
    folder = pathlib.Path(parser.parse_args(arguments).results)
    try:
        run = load(folder)
        (folder / "loss_curves").mkdir(exist_ok=True)
        for name, draw in FIGURES.items():
            path = folder / "loss_curves" / name
            draw(run).savefig(path)
            print(path)
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
