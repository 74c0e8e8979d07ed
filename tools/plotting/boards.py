"""The runs of several boards in one picture and one table."""

import csv

import numpy as np
from batchsweep_results import KEYS, get
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from plotting.board_runs import (common_size, data_of, differences, hardware, loss_over_time, peak_memory, step_times,
                                 trained)
from plotting.drawing import write_caption
from plotting.words import COLORS, DASHES, MARKERS, problems, short

MIB = 1 << 20
LEGEND_COLUMN = 60  # characters that fit half the picture's width


def line_style(index, board):
    return {"color": COLORS[index % len(COLORS)], "linestyle": DASHES[index % len(DASHES)],
            "marker": MARKERS[index % len(MARKERS)], "label": f"{board.name}  ({hardware(board.run)})",
            "linewidth": 1.8, "markersize": 5}


def draw_times(ax, boards):
    for index, board in enumerate(boards):
        look = line_style(index, board)
        quantiles = step_times(board.run)
        low, middle, high = np.array(list(quantiles.values())).reshape(-1, 3).T / 1e3
        ax.plot(list(quantiles), middle, **look)
        ax.fill_between(list(quantiles), low, high, color=look["color"], alpha=0.15, linewidth=0)
        ax.vlines(list(quantiles), low, high, color=look["color"], alpha=0.5, linewidth=1)  # a lone size has no band
    ax.set(title="Time of one step (line: median; band: 5th to 95th percentile)", ylabel="step time (µs, log scale)")
    scale_by_size(ax, boards)
    scale_by_log(ax, ax.yaxis)


def draw_rates(ax, boards):
    for index, board in enumerate(boards):
        rates = board.run.rates()
        ax.plot(list(rates), list(rates.values()), **line_style(index, board))
    ax.set(title="Throughput, by the median step", ylabel="examples per second (log scale)")
    scale_by_size(ax, boards)
    scale_by_log(ax, ax.yaxis)


def draw_memory(ax, boards):
    for index, board in enumerate(boards):
        peaks = peak_memory(board.run)
        ax.plot(list(peaks), [peak / MIB for peak in peaks.values()], **line_style(index, board))
    ax.set(title="Memory", ylabel="peak resident memory (MiB)")
    ax.set_ylim(0, 1.1 * ax.get_ylim()[1])
    scale_by_size(ax, boards)


def draw_losses(ax, boards):
    losses = {board.run.loss for board in boards}
    kind = losses.pop() if len(losses) == 1 else "not the same"
    ylabel = f"validation loss ({kind})"
    ax.set(title="Validation loss", xlabel="training time (s, log scale)", ylabel=ylabel)
    compared = common_size(boards)
    if compared is None:
        ax.text(0.5, 0.5, "no batch size in common", transform=ax.transAxes, ha="center")
        return
    for index, board in enumerate(boards):
        ax.plot(*loss_over_time(board.run, compared), **line_style(index, board))
    ax.set_title(f"Validation loss after each epoch, batch size {compared}")
    scale_by_log(ax, ax.xaxis)
    values = np.concatenate([line.get_ydata() for line in ax.get_lines()])
    if len(values) and values.max() > 100 * values.min() > 0:  # one blew up: keep the rest legible
        scale_by_log(ax, ax.yaxis)
        ax.set_ylabel(ylabel.replace(")", ", log scale)"))


def add_legend(fig, handles, labels):
    """The boards under the title; returns the height of their rows in inches."""
    columns = 2 if len(labels) > 3 and max(map(len, labels)) <= LEGEND_COLUMN else 1
    fig.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 1 - 0.37 / fig.get_figheight()),
               ncols=columns, handlelength=4)
    return 0.22 * -(-len(labels) // columns)


def boards_figure(boards):
    fig = Figure(figsize=(11, 7.6 + 0.22 * len(boards)), dpi=150)
    (times, rates), (losses, memory) = fig.subplots(2, 2)
    first = boards[0].run
    fig.suptitle(f"What training {get(first.info, 'model', 'name', kind=str) or 'a model'} on {data_of(first)} costs, "
                 "by board", weight="bold", y=1 - 0.12 / fig.get_figheight())
    for ax, draw in ((times, draw_times), (rates, draw_rates), (losses, draw_losses), (memory, draw_memory)):
        draw(ax, boards)
    legend_height = add_legend(fig, *times.get_legend_handles_labels())
    averaged = " Validation losses are medians of the seeds." if any(board.run.seeds > 1 for board in boards) else ""
    write_caption(fig, [f"{board.name}: {sentence}" for board in boards for sentence in problems(board.run)]
                  + differences(boards),
                  [f"{trained(first)}. Training time is the sum of step times: without validation, and without "
                   f"writing files.{averaged}"])
    left, bottom, width, _ = fig.get_layout_engine().get()["rect"]
    top = 1 - (0.55 + legend_height) / fig.get_figheight()
    fig.get_layout_engine().set(rect=(left, bottom, width, top - bottom), hspace=0.06)
    return fig


def scale_by_log(ax, axis):
    """Ticks at the powers of ten, and at their double and fivefold where there is room."""
    (ax.set_xscale if axis is ax.xaxis else ax.set_yscale)("log")
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 3000 * low else (1,)))
    axis.set_major_formatter(FuncFormatter(short))
    axis.set_minor_formatter(NullFormatter())


def scale_by_size(ax, boards):
    """Batch sizes in steps of two, each that was trained with a tick."""
    ax.set_xscale("log", base=2)
    sizes = sorted(set().union(*(board.run.batch_sizes for board in boards)))
    ax.xaxis.set_major_locator(FixedLocator(sizes))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:.0f}"))
    ax.set_xlabel("batch size")


def table_rows(board):
    """The rows of summary.csv as they stand, and one of keys alone for each batch size that is not finished."""
    rows = []
    path = board.folder / "summary.csv"
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))[:len(board.run.summary)]  # which has no torn last row
    started = board.run.steps[KEYS].drop_duplicates().astype(str).to_dict("records")
    finished = [{key: row[key] for key in KEYS} for row in rows]
    return rows + [keys for keys in started if keys not in finished]


def write_table(boards, path):
    """Each board's rows, behind what they belong to."""
    rows = []
    for board in boards:
        info = board.run.info
        about = {"board": board.name, "board_model": get(info, "system", "board", kind=str),
                 "host_name": get(info, "system", "host_name", kind=str),
                 "cpu": get(info, "cpu", "model_name", kind=str), "model": get(info, "model", "name", kind=str),
                 "data": data_of(board.run)}
        rows += [about | row for row in table_rows(board)]
    columns = dict.fromkeys(column for row in rows for column in row)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
