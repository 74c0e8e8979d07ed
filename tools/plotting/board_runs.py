"""The runs of several boards, and what of them is compared: the same in the picture and in the report."""

import collections
import dataclasses
import pathlib

import numpy as np
from batchsweep_results import BadInput, get

from plotting.files import Run, load

COMPARED = [("program", "version"), ("program", "git_revision"), ("program", "xnnpack_version"),
            ("data", "train_examples"), ("data", "validation_examples"), ("config", "epochs"), ("config", "steps"),
            ("config", "seconds"), ("config", "threads"), ("config", "seeds"), ("config", "optimizer"),
            ("config", "learning_rate"), ("config", "lr_rule"), ("config", "adam_rule"),
            ("config", "reference_batch"), ("config", "momentum"), ("config", "nesterov"),
            ("config", "weight_decay"), ("config", "loss"), ("config", "shuffle"), ("config", "init"),
            ("config", "memory"), ("config", "processes"), ("config", "order"), ("config", "soak_seconds")]


@dataclasses.dataclass
class Board:
    name: str  # as in the legend, no other board's
    folder: pathlib.Path
    run: Run


def load_boards(folders):
    """A Board of each folder; refuses those that are not to be compared."""
    check_folders(folders)
    return name_and_check(folders, [load(folder) for folder in folders])


def check_folders(folders):
    """BadInput where one of them is there twice."""
    resolved = [folder.resolve() for folder in folders]
    twice = [folder for folder, count in collections.Counter(resolved).items() if count > 1]
    if twice:
        raise BadInput(folders[resolved.index(twice[0])], "the same folder twice", "each board's folder once",
                       "name another board's results")


def name_and_check(folders, runs):
    """The Boards; BadInput where they do not train the same."""
    names = name_boards(runs, [folder.resolve() for folder in folders])
    boards = [Board(*board) for board in zip(names, folders, runs)]
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
    """Seconds of training at each epoch's end, and the validation loss there; medians of the seeds."""
    rows = run.steps[run.steps.batch_size == size]
    ends = rows.groupby(["seed", "epoch"]).step_time_ns.sum().groupby("seed").cumsum().rename("end_ns").reset_index()
    both = run.epochs[run.epochs.batch_size == size].merge(ends, on=["seed", "epoch"])
    median = both[np.isfinite(both.val_loss)].groupby("epoch")[["end_ns", "val_loss"]].median()
    return median.end_ns / 1e9, median.val_loss


def common_size(boards):
    """The batch size in the middle of those that all boards trained, or None."""
    common = sorted(set.intersection(*(set(board.run.epochs.batch_size) for board in boards)))
    return common[(len(common) - 1) // 2] if common else None
