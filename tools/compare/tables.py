"""The table of a comparison, for a terminal and as comparison.md, and comparison.csv."""

import pandas as pd

from summary import warnings_of

INCLUDED = """\
A step's time is that of gathering the batch, forward, loss, backward and update. Everyone's clock is CLOCK_MONOTONIC.

- batchsweep: all of it, pixels gathered and scaled to float in each step; by its own clock (steps.csv).
- torch: all of it likewise; reading the loss is not timed. L2 regularisers are weight decay.
- jax-scan, jax-step: all of it likewise, from 8-bit pixels that lie in JAX's memory. jax-scan shows no single steps: a
  time is the mean of the up to fifty steps of a dispatch, set against means of as many of batchsweep's.
- numpy, onnxruntime: all of it likewise.
- keras-fit: the epoch of a call of fit over all steps behind the warm-up, from on_epoch_begin to on_epoch_end, divided
  by their number: a mean, set against batchsweep's mean. What fit does around its epochs is not timed. All pixels are
  made floats before, untimed; no metrics.
- keras-train_on_batch: a call for each step, which returns the loss; floats made before, untimed.
- Choices: what a framework can do in several ways is done in the fastest, which short trials before its first round
  find for each batch size.
- Warm-up: the first steps of each run are trained but not timed, for everyone the same number; keras-fit makes them in
  a call of fit of its own, with a callback that reads the losses.
- Peak RSS: the kernel's VmHWM of the process, libraries and examples included.
- Start-up: from the process' start to the end of its first step, reading the examples (a plain file) included; of
  batchsweep, the whole of a one-step run with its validation, test and files. torch-compile keeps compiled code in
  --out between runs: its start-up is with that.
- Wall: all of a process that trains all steps, from its start to its end: interpreter, imports, compilation, reading
  the examples, warm-up, reading losses; of batchsweep, validation, test and files."""

HEADINGS = ["framework", "batch", "us/step", "examples/s", "peak RSS MiB", "start-up s", "wall s",
            "x batchsweep", "loss deviation"]


def cells_of(row):
    """A row of the summary as the words of the printed table."""
    if row.missing:
        return [row.framework, str(row.batch_size), "missing"] + [""] * (len(HEADINGS) - 3)
    us = row.step_time_ns / 1e3
    return [row.framework, str(row.batch_size), f"{us:.1f}" if us < 1000 else f"{us:.0f}",
            f"{row.examples_per_second:.0f}", f"{row.peak_rss_bytes / 2**20:.0f}", f"{row.startup_time_ns / 1e9:.2f}",
            f"{row.wall_time_ns / 1e9:.2f}",
            "" if pd.isna(row.ratio) else f"{row.ratio:.2f}",
            "" if pd.isna(row.loss_deviation) or row.framework == "batchsweep" else f"{row.loss_deviation:.1e}"]


def format_table(table):
    rows = [HEADINGS] + [cells_of(row) for row in table.itertuples()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(word.ljust(width) if place == 0 else word.rjust(width)
                               for place, (word, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def missing_lines(table):
    """One line a reason, with the batch sizes it holds for."""
    reasons = table[table.missing != ""].groupby(["framework", "missing"], sort=False).batch_size.agg(list)
    sizes = table.batch_size.nunique()
    return [f"{framework} is missing" + ("" if len(where) == sizes else f" at {', '.join(map(str, where))}") +
            f": {reason}" for (framework, reason), where in reasons.items()]


def places(rows):
    """" at 8, 32": where of a framework's batch sizes something holds; nothing if everywhere."""
    return lambda part: "" if len(part) == len(rows) else f" at {', '.join(map(str, part))}"


def framework_lines(table):
    """One line a framework: its version, whose Python ran it, and which of its ways were the fastest where."""
    lines = []
    for framework, rows in table.dropna(subset="version").groupby("framework", sort=False):
        place = f", in {rows.environment.iloc[0]}" if rows.environment.iloc[0] else ""
        chosen = rows[rows.choices != ""].groupby("choices", sort=False).batch_size.agg(list)
        where = places(rows)
        ways = "; ".join(f"{choices}{where(part)}" for choices, part in chosen.items())
        lines.append(f"{framework}: {rows.version.iloc[0]}{place}" + (f"; fastest with {ways}" if ways else ""))
    return lines


def describe(conditions):
    def count(key):
        number = conditions[f"{key}s"]
        return f"{number} {key}{'s' * (number != 1)}"

    return (f"{conditions['model']} ({conditions['parameters']} weights) on {conditions['data']}; {conditions['cpu']}, "
            f"{count('thread')}; {count('round')} of {count('step')}, the first {conditions['warmup']} not timed; load "
            f"{conditions['load_before']:.1f} before, others used {conditions['others_before']:.2f} of a core before "
            f"and {conditions['others_during']:.2f} during it")


def format_markdown(table, conditions):
    lines = [f"# {conditions['model']}: batchsweep and other frameworks", "", describe(conditions) + ".", "",
             "| " + " | ".join(HEADINGS) + " |", "|---" + "|---:" * (len(HEADINGS) - 1) + "|"]
    lines += ["| " + " | ".join(cells_of(row)) + " |" for row in table.itertuples()]
    lines += ["", "us/step is the median; x batchsweep is how many times batchsweep's step it takes; the loss "
              f"deviation is the largest in the first {conditions['check_steps']} steps that the framework shows.", ""]
    lines += [f"- **Warning:** {line}" for line in warnings_of(table, conditions)]
    lines += [f"- {line}" for line in framework_lines(table) + missing_lines(table)]
    return "\n".join(lines + ["", INCLUDED, ""])


def write_results(folder, table, conditions):
    folder.mkdir(parents=True, exist_ok=True)
    known = {key: conditions[key] for key in ("model", "data", "cpu", "threads", "rounds", "steps", "warmup",
                                              "load_before", "others_before", "others_during")}
    table.assign(**known).to_csv(folder / "comparison.csv", index=False, lineterminator="\n")
    (folder / "comparison.md").write_text(format_markdown(table, conditions), encoding="utf-8")
