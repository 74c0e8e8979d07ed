#!/usr/bin/python3
"""Trains one model on batchsweep, Keras/TensorFlow and PyTorch and compares the cost of a step.

Every framework gets the same network (from Keras JSON), first weights, examples in the same order, batch size, Adam
(learning rate 1e-3, epsilon 1e-7) and cores, each in a process of its own, by turns, for --rounds rounds. The losses
of the first steps are compared too: frameworks that compute different things cannot be compared.

frameworks (--frameworks):
  batchsweep            `batchsweep run`
  keras-fit             model.fit on arrays
  torch-eager           a training loop with fused Adam
  torch-compile         the same with the forward, loss and backward compiled (needs a C++ compiler)
  keras-train_on_batch  a call for each step                              not among the default ones
  keras-fit-tuned       model.fit with XLA and many steps an execution    not among the default ones
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"compare.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

import files
import generate
import keras_graph
import peer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENTS = ROOT / "build" / "compare"
# Which environment of setup.sh, and which script, runs a framework.
PEERS = {"keras-fit": ("keras", "peer_keras.py"), "keras-train_on_batch": ("keras", "peer_keras.py"),
         "keras-fit-tuned": ("keras", "peer_keras.py"), "torch-eager": ("torch", "peer_torch.py"),
         "torch-compile": ("torch", "peer_torch.py")}
DEFAULT_FRAMEWORKS = ["batchsweep", "keras-fit", "torch-eager", "torch-compile"]
HIDES_STEPS = {"keras-fit", "keras-fit-tuned"}
TOLERANCE = 1e-3  # of a step's loss; float32 alone strays 1e-7 at first, up to 1e-3 by the fourth step
TRIAL_STEPS = 10  # to choose torch's memory format by
GENERATED_EXAMPLES = 8192  # the most that are made up; more steps go through them again
POLL_SECONDS = 0.001  # between readings of batchsweep's memory

INCLUDED = """\
A step's time is that of gathering the batch, forward, loss, backward and update.

- batchsweep: all of it, pixels gathered and scaled to float in each step; by its own clock (steps.csv).
- torch: all of it likewise; reading the loss is not timed. L2 regularisers are weight decay.
- keras-fit: the epoch of a call of fit over all steps behind the warm-up, from on_epoch_begin to on_epoch_end, divided
  by their number: a mean, set against batchsweep's mean. What fit does around its epochs is not timed. All pixels are
  made floats before, untimed; no metrics.
- keras-train_on_batch: a call for each step, which returns the loss; floats made before, untimed.
- Warm-up: the first steps of each run are trained but not timed, for everyone the same number; keras-fit makes them in
  a call of fit of its own, with a callback that reads the losses.
- Peak RSS: the kernel's VmHWM of the process, libraries and examples included.
- Start-up: from the process' start to the end of its first step, reading the examples (a plain file) included; of
  batchsweep, the whole of a one-step run with its validation, test and files. torch-compile keeps compiled code in
  --out between runs: its start-up is with that."""


class CompareError(Exception):
    """Ends the comparison with one line."""


class Missing(Exception):
    """A framework that cannot run here: one line that says why."""


@dataclasses.dataclass
class Cell:
    """All rounds of one framework at one batch size."""

    framework: str
    batch_size: int
    reports: list = dataclasses.field(default_factory=list)  # of peer.Report
    missing: str = ""

    @property
    def hides_steps(self):
        return self.framework in HIDES_STEPS

    def median_ns(self):
        """Over the steps of all rounds; over the rounds of a framework that hides its steps."""
        steps = [time_ns for report in self.reports for time_ns in report.step_times_ns]
        return statistics.median(steps) if steps else self.mean_ns()

    def mean_ns(self):
        """Of a round, the median of them."""
        return statistics.median(report.mean_ns() for report in self.reports)


def loss_deviation(report, reference, steps):
    """The largest difference from batchsweep's losses in the first steps, or None if they are not known."""
    found = []
    for losses in (report.losses, report.total_losses):  # one has the regularisers' part, batchsweep's may
        pairs = list(zip(losses, reference.losses))[:steps]
        if pairs:
            differences = [abs(theirs - ours) for theirs, ours in pairs]
            found.append(max(differences) if all(map(math.isfinite, differences)) else math.inf)
    return min(found, default=None)


def summarise(cells, check_steps):
    """One row a cell as a table: the columns of comparison.csv that hang on measurements."""
    references = {cell.batch_size: cell for cell in cells if cell.framework == "batchsweep" and not cell.missing}
    rows = []
    for cell in cells:
        row = {"framework": cell.framework, "batch_size": cell.batch_size, "missing": cell.missing}
        if not cell.missing:
            reference = references.get(cell.batch_size)
            time_ns = cell.median_ns()
            row |= {"version": cell.reports[0].version, "step_time_ns": round(time_ns),
                    "step_time_mean_ns": round(cell.mean_ns()),
                    "examples_per_second": round(cell.batch_size * 1e9 / time_ns),
                    "peak_rss_bytes": max(report.peak_rss_bytes for report in cell.reports),
                    "startup_time_ns": round(statistics.median(one.startup_time_ns for one in cell.reports))}
            if reference:
                base = reference.mean_ns() if cell.hides_steps else reference.median_ns()
                row["ratio"] = round(time_ns / base, 3)
                row["loss_deviation"] = loss_deviation(cell.reports[0], reference.reports[0], check_steps)
        rows.append(row)
    columns = ["framework", "version", "batch_size", "step_time_ns", "step_time_mean_ns", "examples_per_second",
               "peak_rss_bytes", "startup_time_ns", "ratio", "loss_deviation", "missing"]
    return pd.DataFrame(rows, columns=columns).sort_values("batch_size", kind="stable", ignore_index=True)


def warnings_of(table, conditions):
    """Sentences without which the figures mislead."""
    found = []
    for row in table.itertuples():
        if row.missing:
            continue
        if not pd.isna(row.loss_deviation) and row.loss_deviation > TOLERANCE and not conditions["dropout"]:
            found.append(f"{row.framework} at batch size {row.batch_size}: losses differ from batchsweep's by "
                         f"{row.loss_deviation:.1e} in the first {conditions['check_steps']} steps, more than "
                         f"{TOLERANCE:g}: not the same computation, or a model that magnifies rounding errors")
    if conditions["dropout"]:
        found.append("the model has dropout, whose random numbers differ: losses were not compared")
    return found


# -- tables

HEADINGS = ["framework", "batch", "us/step", "examples/s", "peak RSS MiB", "start-up s", "x batchsweep",
            "loss deviation"]


def cells_of(row):
    """A row of the summary as the words of the printed table."""
    if row.missing:
        return [row.framework, str(row.batch_size), "missing"] + [""] * (len(HEADINGS) - 3)
    us = row.step_time_ns / 1e3
    return [row.framework, str(row.batch_size), f"{us:.1f}" if us < 1000 else f"{us:.0f}",
            f"{row.examples_per_second:.0f}", f"{row.peak_rss_bytes / 2**20:.0f}", f"{row.startup_time_ns / 1e9:.2f}",
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


def describe(conditions):
    def count(key):
        number = conditions[f"{key}s"]
        return f"{number} {key}{'s' * (number != 1)}"

    return (f"{conditions['model']} ({conditions['parameters']} weights) on {conditions['data']}; {conditions['cpu']}, "
            f"{count('thread')}; {count('round')} of {count('step')}, the first {conditions['warmup']} not timed")


def format_markdown(table, conditions):
    lines = [f"# {conditions['model']}: batchsweep, Keras and PyTorch", "", describe(conditions) + ".", "",
             "| " + " | ".join(HEADINGS) + " |", "|---" + "|---:" * (len(HEADINGS) - 1) + "|"]
    lines += ["| " + " | ".join(cells_of(row)) + " |" for row in table.itertuples()]
    lines += ["", "us/step is the median; x batchsweep is how many times batchsweep's step it takes; the loss "
              f"deviation is the largest in the first {conditions['check_steps']} steps that the framework shows.", ""]
    versions = table.dropna(subset="version").groupby("version", sort=False).framework.unique()
    lines += [f"- {', '.join(names)}: {version}" for version, names in versions.items()]
    lines += [f"- {line}" for line in missing_lines(table)]
    lines += [f"- Warning: {line}" for line in warnings_of(table, conditions)]
    return "\n".join(lines + ["", INCLUDED, ""])


def write_results(folder, table, conditions):
    folder.mkdir(parents=True, exist_ok=True)
    known = {key: conditions[key] for key in ("model", "data", "cpu", "threads", "rounds", "steps", "warmup")}
    table.assign(**known).to_csv(folder / "comparison.csv", index=False, lineterminator="\n")
    (folder / "comparison.md").write_text(format_markdown(table, conditions), encoding="utf-8")


# -- running

class Bench:
    """What is the same for all processes of a comparison, and how to start one."""

    def __init__(self, options, graph, model_path):
        self.options, self.graph, self.model_path = options, graph, model_path
        self.work = options.out.resolve() / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.cores = sorted(os.sched_getaffinity(0))[:options.threads]
        self.weights = self.work / "initial.safetensors"
        self.channels_last = {}  # by batch size
        files.write_safetensors(self.weights, generate.weights(graph))
        threads = str(options.threads)
        self.environment = os.environ | {name: threads for name in (
            "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} | {
                "TORCHINDUCTOR_CACHE_DIR": str(self.work / "inductor"), "PYTHONDONTWRITEBYTECODE": "1"}

    def prepare_data(self, images, labels, batch_size):
        """The first steps * batch_size examples, in whole batches: batchsweep and the peers read the same files."""
        count = min(len(images), self.options.steps * batch_size) // batch_size * batch_size
        if not count:
            raise CompareError(f"{self.options.data} has {len(images)} examples, fewer than a batch of {batch_size}")
        folder = self.work / "data"
        files.write_data_set(folder, images[:count], None if self.graph.loss == "mse" else labels[:count])
        return folder, count

    def start(self, command, log):
        """(process, CLOCK_MONOTONIC before it was started)"""
        started_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, env=self.environment,
                                   preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
        return process, started_ns

    def run(self, command, watch=None):
        """Runs to the end; (wall-clock time, what watch(pid) gave at most)."""
        path, most = self.work / "log.txt", 0
        with open(path, "wb") as log:
            process, started_ns = self.start(command, log)
            try:
                while watch and process.poll() is None:
                    most = max(most, watch(process.pid))
                    time.sleep(POLL_SECONDS)
                code = process.wait()
            except BaseException:
                process.kill()
                process.wait()
                raise
        wall_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC) - started_ns
        if code:
            lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"]
            raise Missing(f"failed with exit code {code}: {lines[-1].strip()[:300]}")
        return wall_ns, most

    def run_batchsweep(self, batch_size, data):
        options = self.options
        out = self.work / "batchsweep"

        def command(steps):
            shutil.rmtree(out, ignore_errors=True)
            return [options.batchsweep, "run", "--model", self.model_path, "--data", data, "--batch-sizes", batch_size,
                    "--steps", steps, "--threads", options.threads, "--init", self.weights, "--no-shuffle",
                    "--val-from", "test", "--out", out]

        startup_ns, peak = self.run(command(1), watch=read_rss)
        self.run(command(options.steps))
        steps = pd.read_csv(out / "steps.csv", usecols=["loss", "step_time_ns", "peak_rss_bytes"])
        info = json.loads((out / "run.json").read_text(encoding="utf-8"))
        timed = steps.step_time_ns[options.warmup:]
        program = info["program"]
        return peer.Report(losses=list(steps.loss), step_times_ns=list(timed), timed_ns=int(timed.sum()),
                           timed_steps=len(timed), startup_time_ns=startup_ns,
                           peak_rss_bytes=max(peak, int(steps.peak_rss_bytes.max())),
                           version=f"batchsweep {program['version']} ({program['git_revision']}, "
                                   f"{program['kernels_isa']}, XNNPACK {program['xnnpack_version']})")

    def run_peer(self, framework, batch_size, data, examples, **changes):
        environment, script = PEERS[framework]
        report, job = self.work / "report.json", self.work / "job.json"
        report.unlink(missing_ok=True)
        values = {"framework": framework, "model": str(self.model_path), "weights": str(self.weights),
                  "data": str(data), "examples": examples, "batch_size": batch_size, "steps": self.options.steps,
                  "warmup": self.options.warmup, "threads": self.options.threads, "report": str(report),
                  "channels_last": self.channels_last.get(batch_size, False)} | changes
        # The clock starts before the interpreter does.
        values["started_ns"] = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        job.write_text(json.dumps(values), encoding="utf-8")
        self.run([python_of(environment), HERE / script, job])
        return peer.Report(**json.loads(report.read_text(encoding="utf-8")))

    def choose_memory_format(self, batch_size, data, examples):
        """Sets the one in which torch-eager is faster; images only."""
        if len(self.graph.input_shape) < 3 or batch_size in self.channels_last:
            return
        times = {}
        for channels_last in (False, True):
            report = self.run_peer("torch-eager", batch_size, data, examples, channels_last=channels_last,
                                   steps=self.options.warmup + TRIAL_STEPS)
            times[channels_last] = statistics.median(report.step_times_ns)
        self.channels_last[batch_size] = times[True] < times[False]

    def measure(self, framework, batch_size, data, examples):
        if framework == "batchsweep":
            return self.run_batchsweep(batch_size, data)
        if framework.startswith("torch"):
            self.choose_memory_format(batch_size, data, examples)
        return self.run_peer(framework, batch_size, data, examples)


def read_rss(pid):
    try:
        return peer.read_peak_rss(pid)
    except (OSError, ValueError):  # it has just ended
        return 0


def python_of(environment):
    return ENVIRONMENTS / environment / "bin" / "python"


def why_missing(framework):
    """The reason that a peer cannot be started, or ""."""
    environment, _ = PEERS[framework]
    if not python_of(environment).exists():
        reason = ENVIRONMENTS / f"{environment}.missing"
        told = reason.read_text(encoding="utf-8").strip() if reason.exists() else ""
        return told or f"{environment} is not installed; run tools/compare/setup.sh"
    compilers = [os.environ.get("CXX"), "g++", "clang++", "clang++-19"]
    if framework == "torch-compile" and not any(one and shutil.which(one) for one in compilers):
        return "it needs a C++ compiler; install g++"
    return ""


def use_compiler():
    """Names to torch-compile the compiler that there is, if it is not g++."""
    if "CXX" not in os.environ and not shutil.which("g++"):
        os.environ["CXX"] = shutil.which("clang++") or shutil.which("clang++-19") or "g++"


def compare(bench, images, labels):
    """Runs all; the cells in the order of --frameworks, for each batch size."""
    options = bench.options
    cells = {(size, name): Cell(name, size, missing=why_missing(name) if name in PEERS else "")
             for size in options.batch_sizes for name in options.frameworks}
    total, done = options.rounds * len(cells), 0
    for turn in range(1, options.rounds + 1):
        for size in options.batch_sizes:
            data, examples = bench.prepare_data(images, labels, size)
            for name in options.frameworks:
                cell, done = cells[size, name], done + 1
                if not cell.missing:
                    try:
                        cell.reports.append(bench.measure(name, size, data, examples))
                    except Missing as error:
                        cell.missing = str(error)
                told = f"missing: {cell.missing}" if cell.missing else f"{cell.reports[-1].mean_ns() / 1e3:.1f} us/step"
                print(f"[{done}/{total}] round {turn}  batch {size}  {name}: {told}", file=sys.stderr, flush=True)
    return list(cells.values())


def read_examples(options, graph):
    """(images, labels), of the model's input shape but for a last dimension of 1."""
    if options.data == "generated":
        count = min(GENERATED_EXAMPLES, options.steps * max(options.batch_sizes))
        images, labels = generate.examples(graph.input_shape, graph.classes, 0, max(count, *options.batch_sizes))
    else:
        folder = files.DEBIAN_FASHION_MNIST if options.data == "fashion-mnist" else options.data
        images, labels = files.read_training_set(folder, options.steps * max(options.batch_sizes))
    shape = images.shape[1:]
    if math.prod(shape) != math.prod(graph.input_shape):
        raise CompareError(f"{options.data} has examples of {shape}, the model {graph.name} takes {graph.input_shape}; "
                           "--data generated makes up examples of its shape")
    if shape[2:] == (1,):
        images = images.reshape(images.shape[:3])
    if graph.loss != "mse" and labels.max() >= graph.classes:
        raise CompareError(f"{options.data} has the label {labels.max()}, {graph.name} only {graph.classes} classes")
    return images, labels


def find_model(options):
    """A zoo model's JSON as the program has it, or a file."""
    if options.model.endswith(".json"):
        return pathlib.Path(options.model).resolve()
    done = subprocess.run([options.batchsweep, "models", "show", options.model], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise CompareError(f"--model {options.model}: {done.stderr.strip() or 'not a model of the zoo'}")
    path = options.out.resolve() / "work" / f"{options.model}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(done.stdout, encoding="utf-8")
    return path


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith(("model name", "Model")):
            return " ".join(line.split(":", 1)[1].split())
    return platform.machine()


def parse_options(arguments):
    preset = {"x86_64": "x86-64"}.get(platform.machine(), platform.machine())
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=f"""examples:
  tools/compare/compare.py                                 the mlp on Fashion-MNIST
  tools/compare/compare.py --model cnn --batch-sizes 32 --steps 100
  tools/compare/compare.py --model my_model.json --data generated --threads 2
  tools/compare/compare.py --frameworks batchsweep,torch-eager --rounds 5

Writes comparison.csv and comparison.md into --out. Exit code: 0 compared, 1 error, 2 compared, but
losses differ by more than {TOLERANCE:g} or batchsweep did not run.
""")
    numbers = lambda text: [int(word) for word in text.split(",")]  # noqa: E731
    parser.add_argument("--model", default="mlp", help="a model of batchsweep's zoo, or a Keras JSON file [mlp]")
    parser.add_argument("--data", default="fashion-mnist", help="fashion-mnist, a folder of NumPy, IDX or CIFAR-10 "
                        "files, or generated: made up, of the model's shape [fashion-mnist]")
    parser.add_argument("--batch-sizes", type=numbers, default=[8, 32, 128], metavar="LIST", help="[8,32,128]")
    parser.add_argument("--steps", type=int, default=400, help="of each run, warm-up included [400]")
    parser.add_argument("--warmup", type=int, default=20, help="steps that are not timed [20]")
    parser.add_argument("--check-steps", type=int, default=4, help="first steps whose losses are compared; float32 "
                        "strays further with each [4]")
    parser.add_argument("--rounds", type=int, default=3, help="[3]")
    parser.add_argument("--threads", type=int, default=1, help="and as many of this machine's cores [1]")
    parser.add_argument("--frameworks", type=lambda text: text.split(","), default=DEFAULT_FRAMEWORKS, metavar="LIST",
                        help=f"[{','.join(DEFAULT_FRAMEWORKS)}]")
    parser.add_argument("--batchsweep", type=pathlib.Path, default=ROOT / "build" / preset / "batchsweep",
                        metavar="FILE", help=f"the program [build/{preset}/batchsweep]")
    parser.add_argument("--out", type=pathlib.Path, default=ENVIRONMENTS / "results", help="[build/compare/results]")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.frameworks if name not in PEERS and name != "batchsweep"]
    if unknown:
        parser.error(f"--frameworks: no {', '.join(unknown)}; there are batchsweep, {', '.join(PEERS)}")
    if min(options.batch_sizes + [options.rounds, options.threads, options.warmup]) < 1:
        parser.error("batch sizes, rounds, threads and warm-up steps start from 1")
    if options.steps <= options.warmup:
        parser.error(f"--steps {options.steps}: expected more than the {options.warmup} of the warm-up")
    if options.threads > len(os.sched_getaffinity(0)):
        parser.error(f"--threads {options.threads}: this process may use {len(os.sched_getaffinity(0))}")
    return options


def run(options):
    if not options.batchsweep.exists():
        raise CompareError(f"{options.batchsweep}: no such program; run tools/sweep.sh, or name it by --batchsweep")
    model_path = find_model(options)
    graph = keras_graph.load(model_path)
    use_compiler()
    images, labels = read_examples(options, graph)
    bench = Bench(options, graph, model_path)
    table = summarise(compare(bench, np.asarray(images), np.asarray(labels)), options.check_steps)
    conditions = {"model": model_path.stem, "parameters": graph.parameter_count(), "cpu": cpu_name(),
                  "data": options.data, "dropout": graph.has_dropout, "check_steps": options.check_steps} | {
                      key: getattr(options, key) for key in ("threads", "rounds", "steps", "warmup")}
    write_results(options.out, table, conditions)
    print(describe(conditions), format_table(table), sep="\n\n")
    warnings = warnings_of(table, conditions)
    largest = table.loss_deviation[table.framework != "batchsweep"].max()
    told = [] if pd.isna(largest) else [f"largest deviation of a loss: {largest:.1e}"]
    print("", *told, *missing_lines(table), *(f"warning: {line}" for line in warnings),
          options.out / "comparison.md", sep="\n")
    ours_missing = (table.missing[table.framework == "batchsweep"] != "").any()
    differ = any("losses differ" in line for line in warnings)
    return 2 if ours_missing or differ else 0


def main(arguments=None):
    options = parse_options(arguments)
    try:
        return run(options)
    except (CompareError, keras_graph.ModelError, files.DataError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"compare.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
