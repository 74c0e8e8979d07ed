"""The runs of several boards in one picture and one table."""

import collections
import csv
import dataclasses
import pathlib

import numpy as np
from batchsweep_results import KEYS, BadInput, get
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from plotting.drawing import COLORS, DASHES, MARKERS, problems, short, write_caption
from plotting.files import Run, load

MIB = 1 << 20
LEGEND_COLUMN = 60  # characters that fit half the picture's width
COMPARED = [("program", "version"), ("program", "git_revision"), ("program", "xnnpack_version"),
            ("data", "train_examples"), ("data", "validation_examples"), ("config", "epochs"), ("config", "steps"),
            ("config", "seconds"), ("config", "threads"), ("config", "seeds"), ("config", "optimizer"),
            ("config", "learning_rate"), ("config", "lr_rule"), ("config", "momentum"), ("config", "nesterov"),
            ("config", "weight_decay"), ("config", "loss"), ("config", "shuffle"), ("config", "init"),
            ("config", "memory"), ("config", "processes"), ("config", "order"), ("config", "soak_seconds")]


@dataclasses.dataclass
class Board:
    name: str  # as in the legend, no other board's
    folder: pathlib.Path
    run: Run


def load_boards(folders):
    """A Board of each folder; refuses those that are not to be compared."""
    resolved = [folder.resolve() for folder in folders]
    twice = [folder for folder, count in collections.Counter(resolved).items() if count > 1]
    if twice:
        raise BadInput(folders[resolved.index(twice[0])], "the same folder twice", "each board's folder once",
                       "name another board's results")
    runs = [load(folder) for folder in folders]
    boards = [Board(*board) for board in zip(name_boards(runs, resolved), folders, runs)]
    check_comparable(boards)
    return boards


def name_boards(runs, folders):
    """Board and host of each run, and its folder where these are unknown or not its alone."""
    known = [", ".join(filter(None, (get(run.info, "system", "board", kind=str),
                                     get(run.info, "system", "host_name", kind=str)))) for run in runs]
    for folder_names in ([folder.name for folder in folders], list(map(str, folders))):
        names = [", ".join(filter(None, (name, folder))) if not name or known.count(name) > 1 else name
                 for name, folder in zip(known, folder_names)]
        if len(set(names)) == len(names):
            break
    return names


def model_of(run):
    """"mlp (50,890 weights)", as far as it is known."""
    name = get(run.info, "model", "name", kind=str) or "a model"
    weights = get(run.info, "model", "parameters", kind=int)
    return name + (f" ({weights:,} weights)" if weights else "")


def data_of(run):
    """The data set by its last name, since folders lie elsewhere on each board."""
    return pathlib.PurePosixPath(get(run.info, "data", "name", kind=str) or "a data set").name


def trained(run):
    return f"{model_of(run)} on {data_of(run)}"


def check_comparable(boards):
    expected = trained(boards[0].run)
    for board in boards[1:]:
        found = trained(board.run)
        if found != expected:
            raise BadInput(board.folder, f"trains {found}", f"{expected} as in {boards[0].folder}",
                           "compare like with like")


def hardware(run):
    """"Cortex-A76, 1 thread", as far as it is known."""
    threads = "/".join(map(str, run.threads)) + (" thread" if run.threads == [1] else " threads")
    return ", ".join(filter(None, (get(run.info, "cpu", "model_name", kind=str), threads)))


def plain(value):
    """A value of run.json in words: "1/2" for the thread counts [1, 2]."""
    if isinstance(value, list):
        return "/".join(map(str, value))
    return "none" if value is None else str(value)


def differences(boards):
    """What may matter to a comparison and is not the same on all boards."""
    found = []
    for path in COMPARED:
        values = [plain(get(board.run.info, *path)) for board in boards]
        if len(set(values)) > 1:
            found.append(f"{path[-1].replace('_', ' ')} ({', '.join(values)})")
    return [f"Not the same on all boards, in the legend's order: {', '.join(found)}."] if found else []


def step_times(run):
    """{batch size: 5th percentile, median, 95th of the full-size steps, in ns}"""
    full = run.times[run.times.examples == run.times.batch_size]
    return {size: np.percentile(rows.step_time_ns, [5, 50, 95]) for size, rows in full.groupby("batch_size")}


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
    averaged = " Validation losses are means of the seeds." if any(board.run.seeds > 1 for board in boards) else ""
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
