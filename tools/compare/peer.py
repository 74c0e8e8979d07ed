"""What the peers of a comparison share: their job, and the report that they hand back.

A job is a JSON file: framework, model (Keras JSON), weights (safetensors), data (folder), examples, batch_size, steps,
warmup, threads, started_ns (CLOCK_MONOTONIC when the process was started), report (where to write).
"""

import dataclasses
import json
import pathlib
import time

import numpy as np

import files
import keras_graph


@dataclasses.dataclass
class Report:
    """A list without values is a framework that does not show its single steps."""

    losses: list = dataclasses.field(default_factory=list)  # of each step from the first, before its update
    total_losses: list = dataclasses.field(default_factory=list)  # with what regularisers add
    step_times_ns: list = dataclasses.field(default_factory=list)  # behind the warm-up
    timed_ns: int = 0  # all steps behind the warm-up
    timed_steps: int = 0
    startup_time_ns: int = 0  # from the process' start to its first step's end
    peak_rss_bytes: int = 0
    version: str = ""

    def mean_ns(self):
        return self.timed_ns / self.timed_steps


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
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) - self.started_ns

    def hand_back(self, report):
        report.peak_rss_bytes = read_peak_rss()
        pathlib.Path(self.report).write_text(json.dumps(dataclasses.asdict(report)), encoding="utf-8")


def read_peak_rss(pid="self"):
    """Of this process only: what wait4 tells counts the memory of the parent that it was forked from."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0
