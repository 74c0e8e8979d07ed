"""How batch sizes look, and what is said of a run in words: the same in the pictures and in the report."""

import numpy as np

from batchsweep_results import get

# Okabe and Ito's colours without the yellow, which is too pale for a line. The three lists differ
# in length, so that more than seven batch sizes still get lines of their own.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">"]
DASHES = ["-", (0, (6, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (2, 1))]
# Names of warnings after which times say little.
DOUBTFUL = ["debug_build", "diverged", "throttled", "slow_clock", "swap", "major_fault", "load", "drift", "spread"]


def describe(run):
    """The line about the model and the data, and the line about the machine."""
    model, data = get(run.info, "model", "name"), get(run.info, "data", "name")
    weights = get(run.info, "model", "parameters", kind=int)
    examples = get(run.info, "data", "train_examples", kind=int)
    rate = get(run.info, "config", "learning_rate", kind=(int, float))
    what = [model and f"{model}" + (f" ({weights:,} weights)" if weights else ""),
            data and f"{data}" + (f" ({examples:,} training examples)" if examples else ""),
            get(run.info, "config", "optimizer"),
            rate and f"learning rate {rate:g}", *rules(run),
            run.seeds > 1 and f"{run.seeds} seeds"]
    where = [get(run.info, "cpu", "model_name"), get(run.info, "cpu", "isa"),
             "/".join(map(str, run.threads)) + (" thread" if run.threads == [1] else " threads"),
             get(run.info, "config", "precision")]
    return [" · ".join(str(part) for part in line if part) for line in (what, where)]


def rules(run):
    """What makes the optimizer differ between batch sizes, and the settings that each was trained with."""
    named = [f"{rule} rule for {what}" for key, what in (("lr_rule", "the learning rate"), ("adam_rule", "Adam"))
             if (rule := get(run.info, "config", key, kind=str) or "none") != "none"]
    if get(run.info, "config", "lr_find", kind=bool):
        named.append("learning rates found by range tests")
    elif named:
        named[-1] += f" from {get(run.info, 'config', 'reference_batch', kind=int) or 32}"
    cells = run.summary.groupby("batch_size").first()
    used = {name: [f"{value:.6g}" for value in cells[name]] for name in ("learning_rate", "beta1", "beta2")
            if named and name in cells and cells[name].notna().all() and cells[name].nunique() > 1}
    each = ", ".join(f"{name.replace('_', ' ')} {'/'.join(values)}" for name, values in used.items())
    return [" and ".join(named) + (f": {each} at {'/'.join(map(str, cells.index))}" if each else "")]


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
    warnings = [f"Warning: {message}" for message in warnings_of(run.info)]
    return sentences + warnings[:3] + ([f"… and {len(warnings) - 3} more in run.json"] if warnings[3:] else [])


def warnings_of(info):
    """The messages of run.json's warnings, those first that cast the most doubt."""
    found = [(get(warning, "name", kind=str), get(warning, "message", kind=str))
             for warning in get(info, "warnings", kind=list) or []]
    known = [(DOUBTFUL.index(name) if name in DOUBTFUL else len(DOUBTFUL), message)
             for name, message in found if message]
    return [message for _, message in sorted(known, key=lambda pair: pair[0])]


def short(x, _=None):
    return f"{x:.3g}" if x < 1000 else f"{x:,.0f}" if x < 10000 else f"{x / 1000:,.6g}k"


def rounded(value, spread, decimals=3):
    """A value in digits: no more than the spread, of the seeds, lets count, and no more than so many decimals."""
    half = (np.max(spread) - np.min(spread)) / 2
    if half > 0:
        decimals = min(decimals, max(0, -int(np.floor(np.log10(half)))))
    return f"{value:.{decimals}f}"


def target_loss(info):
    """The validation loss that the answer is about, or None where run.json has none."""
    target = get(info, "advice", "target", kind=dict) or {}
    return get(target, "value", kind=(int, float)) if get(target, "measure") == "val_loss" else None
