"""Runs the processes of a comparison, one after another, and keeps what they measured."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pandas as pd

import files
import generate
import machine
import peer
from frameworks import FRAMEWORKS, find_environment, why_missing
from summary import Cell, CompareError

HERE = pathlib.Path(__file__).resolve().parent
TRIAL_STEPS = 20  # behind the warm-up, to make a choice by
POLL_SECONDS = 0.001  # between readings of batchsweep's memory
# What some machines set for old builds of OpenBLAS that take the wrong kernels there. It makes new ones slower, so that
# pinned environments go without; the system's may need it.
OPENBLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Missing(Exception):
    """A framework that cannot run here: one line that says why."""


class Bench:
    """What is the same for all processes of a comparison, and how to start one."""

    def __init__(self, options, graph, model_path):
        self.options, self.graph, self.model_path = options, graph, model_path
        self.work = options.out.resolve() / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.cores = sorted(os.sched_getaffinity(0))[:options.threads]
        self.weights = self.work / "initial.safetensors"
        self.chosen = {}  # by framework and batch size
        files.write_safetensors(self.weights, generate.weights(graph))
        threads = str(options.threads)
        self.variables = os.environ | {name: threads for name in (
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

    def start(self, command, log, without):
        """(process, CLOCK_MONOTONIC before it was started)"""
        variables = {name: value for name, value in self.variables.items() if name not in without}
        started_ns = machine.now_ns()
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, env=variables,
                                   preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
        return process, started_ns

    def run(self, command, watch=None, without=()):
        """Runs to the end; (wall-clock time, what watch(pid) gave at most)."""
        path, most = self.work / "log.txt", 0
        with open(path, "wb") as log:
            process, started_ns = self.start(command, log, without)
            try:
                while watch and process.poll() is None:
                    most = max(most, watch(process.pid))
                    time.sleep(POLL_SECONDS)
                code = process.wait()
            except BaseException:
                process.kill()
                process.wait()
                raise
        wall_ns = machine.now_ns() - started_ns
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
        wall_ns, _ = self.run(command(options.steps))
        steps = pd.read_csv(out / "steps.csv", usecols=["loss", "step_time_ns", "peak_rss_bytes"])
        info = json.loads((out / "run.json").read_text(encoding="utf-8"))
        timed = steps.step_time_ns[options.warmup:]
        program = info["program"]
        return peer.Report(losses=list(steps.loss), step_times_ns=list(timed), timed_ns=int(timed.sum()),
                           timed_steps=len(timed), startup_time_ns=startup_ns, wall_time_ns=wall_ns,
                           peak_rss_bytes=max(peak, int(steps.peak_rss_bytes.max())),
                           version=f"batchsweep {program['version']} ({program['git_revision']}, "
                                   f"{program['kernels_isa']}, XNNPACK {program['xnnpack_version']})")

    def run_peer(self, framework, batch_size, data, examples, choices, steps):
        environment = find_environment(framework)
        report, job = self.work / "report.json", self.work / "job.json"
        report.unlink(missing_ok=True)
        values = {"framework": framework.name, "model": str(self.model_path), "weights": str(self.weights),
                  "data": str(data), "examples": examples, "batch_size": batch_size, "steps": steps,
                  "warmup": self.options.warmup, "threads": self.options.threads, "report": str(report),
                  "choices": choices}
        # The clock starts before the interpreter does.
        values["started_ns"] = machine.now_ns()
        job.write_text(json.dumps(values), encoding="utf-8")
        wall_ns, _ = self.run([environment.python, HERE / framework.script, job],
                              without=OPENBLAS_OVERRIDES if environment.is_pinned else ())
        return peer.Report(**json.loads(report.read_text(encoding="utf-8")) | {"wall_time_ns": wall_ns})

    def choose(self, framework, batch_size, data, examples):
        """The values of a framework's choices that are fastest at this batch size, found once."""
        def time_of(values):
            return self.run_peer(framework, batch_size, data, examples, values,
                                 self.options.warmup + TRIAL_STEPS).median_ns()

        key = framework.name, batch_size
        if key not in self.chosen:
            applying = [choice for choice in framework.choices if choice.applies(self.graph)]
            self.chosen[key] = choose_fastest(applying, time_of,
                                              {choice.name: choice.values[0] for choice in framework.choices})
        return self.chosen[key]

    def measure(self, cell, data, examples):
        """One round of a cell."""
        framework = FRAMEWORKS[cell.framework]
        if not framework.script:
            return self.run_batchsweep(cell.batch_size, data)
        choices = self.choose(FRAMEWORKS[framework.chooses_as or framework.name], cell.batch_size, data, examples)
        cell.environment = find_environment(framework).name
        cell.choices = {choice.name: choices[choice.name] for choice in framework.choices
                        if choice.applies(self.graph)}
        return self.run_peer(framework, cell.batch_size, data, examples, choices, self.options.steps)


def choose_fastest(choices, time_of, values):
    """values, with each choice's fastest way in the place of its first: one choice after another, by time_of(values).
    A way that is Missing is passed over, unless all of a choice are."""
    known = {}

    def measured(tried):
        key = json.dumps(tried)
        if key not in known:
            known[key] = time_of(tried)
        return known[key]

    for choice in choices:
        times, reason = {}, None
        for value in choice.values:
            try:
                times[value] = measured(values | {choice.name: value})
            except Missing as error:
                reason = error
        if not times:
            raise reason
        values = values | {choice.name: min(times, key=times.get)}
    return values


def read_rss(pid):
    try:
        return peer.read_peak_rss(pid)
    except (OSError, ValueError):  # it has just ended
        return 0


def compare(bench, images, labels):
    """Runs all, every second round backwards, so that a machine that grows slower or faster favours none; the cells
    in the order of --frameworks, for each batch size."""
    options = bench.options
    cells = {(size, name): Cell(name, size, missing=why_missing(FRAMEWORKS[name]))
             for size in options.batch_sizes for name in options.frameworks}
    total, done = options.rounds * len(cells), 0
    for turn in range(1, options.rounds + 1):
        for size in options.batch_sizes:
            data, examples = bench.prepare_data(images, labels, size)
            for name in options.frameworks[::1 if turn % 2 else -1]:
                cell, done = cells[size, name], done + 1
                if not cell.missing:
                    try:
                        cell.reports.append(bench.measure(cell, data, examples))
                    except Missing as error:
                        cell.missing = str(error)
                told = f"missing: {cell.missing}" if cell.missing else f"{cell.reports[-1].mean_ns() / 1e3:.1f} us/step"
                print(f"[{done}/{total}] round {turn}  batch {size}  {name}: {told}", file=sys.stderr, flush=True)
    return list(cells.values())
