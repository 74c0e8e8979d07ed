"""The runs of several boards in one picture and one table."""

import collections
import csv
import dataclasses
import pathlib

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from plotting.drawing import COLORS, DASHES, MARKERS, problems, short, write_caption
from plotting.files import BadInput, Run, get

MIB = 1 << 20


@dataclasses.dataclass
class Board:
    name: str  # as in the legend
    folder: pathlib.Path
    run: Run


def name_boards(folders):
    """A folder's last name, where tools/deploy.sh puts the host; its path if another has that name."""
    resolved = [folder.resolve() for folder in folders]
    twice = [folder for folder, count in collections.Counter(resolved).items() if count > 1]
    if twice:
        raise BadInput(folders[resolved.index(twice[0])], "the same folder twice", "each board's folder once",
                       "name another board's results")
    last = collections.Counter(folder.name for folder in resolved)
    return [folder.name if last[folder.name] == 1 else str(folder) for folder in resolved]


def trained(run):
    """(model, data set); the data set by its last name, since folders lie elsewhere on each board."""
    data = get(run.info, "data", "name", kind=str)
    return get(run.info, "model", "name", kind=str), data and pathlib.PurePosixPath(data).name


def check_comparable(boards):
    first = trained(boards[0].run)
    for board in boards[1:]:
        found = trained(board.run)
        if found != first:
            raise BadInput(board.folder, f"trains {found[0]} on {found[1]}",
                           f"{first[0]} on {first[1]} as in {boards[0].folder}", "compare like with like")


def hardware(board):
    """"Raspberry Pi 5 Model B Rev 1.0, Cortex-A76, 1 thread", as far as it is known."""
    info, threads = board.run.info, board.run.threads
    parts = [get(info, "system", "board", kind=str), get(info, "cpu", "model_name", kind=str),
             "/".join(map(str, threads)) + (" thread" if threads == [1] else " threads")]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def differences(boards):
    """What may matter to a comparison and is not the same on all boards."""
    paths = [("program", "version"), ("program", "git_revision"), ("data", "train_examples"), ("config", "epochs"),
             ("config", "steps"), ("config", "seconds"), ("config", "optimizer"), ("config", "learning_rate"),
             ("config", "lr_rule"), ("config", "seeds"), ("config", "init"), ("config", "memory")]
    found = []
    for path in paths:
        values = [get(board.run.info, *path) for board in boards]
        if any(value != values[0] for value in values):
            found.append(f"{path[-1].replace('_', ' ')} ({', '.join(map(str, values))})")
    return [f"Not the same on all boards: {', '.join(found)}."] if found else []


def step_times(run):
    """{batch size: 5th percentile, median, 95th of the full-size steps, in ns}"""
    full = run.steps[run.steps.examples == run.steps.batch_size]
    return {size: np.percentile(rows.step_time_ns, [5, 50, 95]) for size, rows in full.groupby("batch_size")}


def throughput(run):
    """{batch size: examples per second of step time}"""
    sums = run.steps.groupby("batch_size")[["examples", "step_time_ns"]].sum()
    return (1e9 * sums.examples / sums.step_time_ns.clip(lower=1)).to_dict()


def peak_memory(run):
    """{batch size: peak RSS in bytes}; none where the board did not tell."""
    return run.steps.groupby("batch_size").peak_rss_bytes.max().dropna().to_dict()


def loss_over_time(run, size):
    """Seconds of training at each epoch's end, and the validation loss there; means of the seeds."""
    rows = run.steps[run.steps.batch_size == size]
    ends = rows.groupby(["seed", "epoch"]).step_time_ns.sum().groupby("seed").cumsum().rename("end_ns").reset_index()
    both = run.epochs[run.epochs.batch_size == size].merge(ends, on=["seed", "epoch"])
    mean = both[np.isfinite(both.val_loss)].groupby("epoch")[["end_ns", "val_loss"]].mean()
    return mean.end_ns / 1e9, mean.val_loss


def common_size(boards):
    """The batch size in the middle of those that all boards trained, or None."""
    common = sorted(set.intersection(*(set(board.run.epochs.batch_size) for board in boards)))
    return common[(len(common) - 1) // 2] if common else None


def boards_figure(boards):
    fig = Figure(figsize=(11, 8.2), dpi=150)
    axes = fig.subplots(2, 2)
    (times, rates), (losses, memory) = axes
    model, data = trained(boards[0].run)
    fig.suptitle(f"What training {model} on {data} costs, by board", weight="bold", y=0.985)
    compared = common_size(boards)
    for index, board in enumerate(boards):
        look = {"color": COLORS[index % len(COLORS)], "linestyle": DASHES[index % len(DASHES)],
                "marker": MARKERS[index % len(MARKERS)], "label": f"{board.name}  ({hardware(board)})",
                "linewidth": 1.8, "markersize": 5}
        quantiles = step_times(board.run)
        sizes = list(quantiles)
        low, middle, high = np.array(list(quantiles.values())).reshape(-1, 3).T / 1e3
        times.plot(sizes, middle, **look)
        times.fill_between(sizes, low, high, color=look["color"], alpha=0.15, linewidth=0)
        for ax, values, unit in ((rates, throughput(board.run), 1), (memory, peak_memory(board.run), MIB)):
            ax.plot(list(values), [value / unit for value in values.values()], **look)
        if compared is not None:
            losses.plot(*loss_over_time(board.run, compared), **look)

    for ax in (times, rates, memory):
        scale_by_size(ax, boards)
    for ax in (times, rates):
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_minor_formatter(NullFormatter())
    for ax in (times, rates, memory):
        ax.yaxis.set_major_formatter(FuncFormatter(short))
    times.set(title="Time of one step (line: median; band: 5th to 95th percentile)", ylabel="step time (µs, log scale)")
    rates.set(title="Throughput", ylabel="examples per second (log scale)")
    memory.set(title="Memory", ylabel="peak resident memory (MiB)")
    memory.set_ylim(0, 1.1 * memory.get_ylim()[1])
    losses.set(xlabel="training time (s, log scale)", ylabel="validation loss")
    if compared is None:
        losses.set_title("Validation loss")
        losses.text(0.5, 0.5, "no batch size in common", transform=losses.transAxes, ha="center")
    else:
        losses.set_title(f"Validation loss after each epoch, batch size {compared}")
        losses.set_xscale("log")
        losses.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        losses.xaxis.set_major_formatter(FuncFormatter(short))
        losses.xaxis.set_minor_formatter(NullFormatter())

    fig.legend(*times.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, 0.955),
               ncols=1 if len(boards) < 4 else 2, handlelength=4)
    write_caption(fig, [f"{board.name}: {sentence}" for board in boards for sentence in problems(board.run)]
                  + differences(boards),
                  ["Training time is the sum of step times: without validation, and without writing files."])
    legend_rows = len(boards) if len(boards) < 4 else -(-len(boards) // 2)
    left, bottom, width, height = fig.get_layout_engine().get()["rect"]
    fig.get_layout_engine().set(rect=(left, bottom, width, height - 0.01 - 0.027 * legend_rows), hspace=0.06)
    return fig


def scale_by_size(ax, boards):
    """Batch sizes in steps of two, each that was trained with a tick."""
    ax.set_xscale("log", base=2)
    sizes = sorted(set().union(*(board.run.batch_sizes for board in boards)))
    ax.xaxis.set_major_locator(FixedLocator(sizes))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:.0f}"))
    ax.set_xlabel("batch size")


def write_table(boards, path):
    """Each board's summary.csv as it stands, behind what the row belongs to."""
    columns = {}
    rows = []
    for board in boards:
        model, data = trained(board.run)
        about = {"board": board.name, "board_model": get(board.run.info, "system", "board", kind=str),
                 "cpu": get(board.run.info, "cpu", "model_name", kind=str), "model": model, "data": data}
        summary = board.folder / "summary.csv"
        if summary.exists():
            with open(summary, encoding="utf-8", newline="") as file:
                rows += [about | row for row in csv.DictReader(file)]
    for row in rows:
        columns |= dict.fromkeys(row)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
