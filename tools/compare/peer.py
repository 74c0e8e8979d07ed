"""What the peers of a comparison share: their job, and the report that they hand back.

A job is a JSON file: framework, model (Keras JSON), weights (safetensors), data (folder), examples, batch_size, steps,
warmup, threads, choices (by the names of frameworks.py), started_ns (CLOCK_MONOTONIC when the process was started),
report (where to write).
"""

import dataclasses
import json
import pathlib
import statistics

import numpy as np

import files
import keras_graph
from machine import now_ns


@dataclasses.dataclass
class Report:
    """A framework that does not show its single steps has no step times, and losses only as far as it shows them."""

    losses: list = dataclasses.field(default_factory=list)  # of each step from the first, before its update
    total_losses: list = dataclasses.field(default_factory=list)  # with what regularisers add
    step_times_ns: list = dataclasses.field(default_factory=list)  # behind the warm-up
    group_times_ns: list = dataclasses.field(default_factory=list)  # [time, steps] of those that were timed together
    timed_ns: int = 0  # all steps behind the warm-up
    timed_steps: int = 0
    startup_time_ns: int = 0  # from the process' start to its first step's end
    wall_time_ns: int = 0  # from the process' start to its end; filled in by who started it
    peak_rss_bytes: int = 0
    version: str = ""

    def mean_ns(self):
        return self.timed_ns / self.timed_steps

    def groups(self):
        """Of a framework that hides its steps: [time, steps] of each stretch that was timed as a whole."""
        return self.group_times_ns or [[self.timed_ns, self.timed_steps]]

    def observed_ns(self):
        """A step's time, as often as it was measured: of each step, or the mean of each stretch."""
        return self.step_times_ns or [time_ns / steps for time_ns, steps in self.groups()]

    def median_ns(self):
        return statistics.median(self.observed_ns())

    def grouped_like(self, other):
        """observed_ns(), had these steps been timed in stretches as long as another report's."""
        if other.step_times_ns:
            return self.step_times_ns
        found, first = [], 0
        for _, steps in other.groups():
            stretch = self.step_times_ns[first:first + steps]
            found += [statistics.mean(stretch)] if stretch else []
            first += steps
        return found


class Job:
    def __init__(self, path):
        self.__dict__.update(json.loads(pathlib.Path(path).read_text(encoding="utf-8")))
        self.graph = keras_graph.load(self.model)
        self.initial = files.read_safetensors(self.weights)

    def read_examples(self):
        """(uint8 images in the model's input shape, int64 labels)"""
        images, labels = (np.array(array) for array in files.read_training_set(self.data, self.examples))
        return images.reshape(len(images), *self.graph.input_shape), labels.astype(np.int64)

    def since_start_ns(self):
        return now_ns() - self.started_ns

    def run_steps(self, report, train, read_loss, prepare=lambda step: None):
        """Trains and times one step after another: train(rows), with the batch's slice of the examples, gives
        something of which read_loss makes (loss, loss with what regularisers add). Neither read_loss nor prepare, which
        is called before each step, counted from 0, is timed."""
        batches = self.examples // self.batch_size
        for step in range(self.steps):
            first = step % batches * self.batch_size
            rows = slice(first, first + self.batch_size)
            prepare(step)
            begin = now_ns()
            result = train(rows)
            end = now_ns()
            if step == 0:
                report.startup_time_ns = self.since_start_ns()
            if step >= self.warmup:
                report.step_times_ns.append(end - begin)
            loss, total = read_loss(result)
            report.losses.append(float(loss))
            report.total_losses.append(float(total))
        report.timed_ns, report.timed_steps = sum(report.step_times_ns), len(report.step_times_ns)

    def hand_back(self, report):
        report.peak_rss_bytes = read_peak_rss()
        pathlib.Path(self.report).write_text(json.dumps(dataclasses.asdict(report)), encoding="utf-8")


def read_peak_rss(pid="self"):
    """Of this process only: what wait4 tells counts the memory of the parent that it was forked from."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0
