"""How far a run is, from its files as they grow: Watched."""

import collections
import itertools
import re
import time

import numpy as np
import pandas as pd
from batchsweep_results import KEYS, NEEDED, BadInput, get, parse_info, parse_table

# Of a longer steps.csv the end alone is read; the curves of what is before it are made of epochs.csv.
FIRST_READ_BYTES = 8 << 20
PIECES = 20  # points of an epoch's curve
SENSORS = ["peak_rss_bytes", "cpu_temp_celsius", "cpu_freq_hz", "throttled", "power_watts"]


class Replaced(BadInput):
    """Another run writes to the folder now, or this one was resumed from earlier on."""

    def __init__(self, path):
        super().__init__(path, "shorter than it was", "a file that grows", "try again")


class Tail:
    """The rows of a table that were not read before."""

    def __init__(self, source, name):
        self.source, self.name, self.begin, self.offset = source, name, 0, 0
        self.header, self.torn = None, b""

    def new_rows(self):
        """A data frame, or None where there are none."""
        data = self.torn + b"".join(self.chunks())
        whole = data[:data.rfind(b"\n") + 1]
        self.torn = data[len(whole):]
        if self.header is None and whole:
            header, _, whole = whole.partition(b"\n")
            self.header = header + b"\n"
            if self.begin:  # it was read from the middle of a row on
                whole = whole.partition(b"\n")[2]
        if not whole:
            return None
        where = f"{self.source}/{self.name}" + (f" (lines from byte {self.begin} on)" if self.begin else "")
        return parse_table(self.header + whole, where, NEEDED[self.name])

    def chunks(self):
        """What the file has grown by; of a long one that was not read yet, the header line and the end."""
        while True:
            size, data = self.source.read(self.name, self.offset)
            if 0 <= size < self.offset:
                raise Replaced(f"{self.source}/{self.name}")
            if not data:
                return
            if self.offset == 0 and size > FIRST_READ_BYTES:
                self.begin = self.offset = size - FIRST_READ_BYTES
                yield data.partition(b"\n")[0] + b"\n"
                continue
            self.offset += len(data)
            yield data


class CellProgress:
    def __init__(self):
        self.epochs = {}  # {epoch: its row}
        self.pieces = {}  # {epoch: mean training losses of its pieces}
        self.step_time_ns = None  # median of the last epoch that was read
        self.summary = None

    def curve(self):
        """[(epochs passed, training loss)]"""
        points = []
        for epoch, row in sorted(self.epochs.items()):
            losses = self.pieces.get(epoch) or [row.get("train_loss", np.nan)]
            points += [(epoch - 1 + (i + 0.5) / len(losses), loss) for i, loss in enumerate(losses)]
        return points

    def steps(self):
        return sum(row.get("steps", 0) for row in self.epochs.values())

    def seconds(self, *columns):
        return sum(row[column] for row in self.epochs.values() for column in columns) / 1e9

    def fraction(self, config):
        """Of its training, by what it was told to do: epochs, steps or seconds, the first that is reached."""
        if self.summary is not None:
            return 1.0
        done = {"epochs": len(self.epochs), "steps": self.steps(), "seconds": self.seconds("train_time_ns")}
        planned = {name: get(config, name, kind=(int, float)) for name in done}
        return max([min(done[name] / planned[name], 1.0) for name in done if planned[name]], default=0.0)


class Watched:
    def __init__(self, source):
        self.source = source
        self.info = self.read_info()
        self.reset()

    def reset(self):
        self.tails = {name: Tail(self.source, name) for name in ("steps.csv", "epochs.csv", "summary.csv")}
        self.cells = {key: CellProgress() for key in self.planned()}
        self.current = None  # the key of the cell whose rows came last
        self.sensors, self.hottest_celsius, self.flags = {}, None, collections.Counter()
        self.grown_s = time.monotonic()
        self.killed = False

    def planned(self):
        """The keys of all cells, in the order of a sweep that is not shuffled."""
        config = get(self.info, "config") or {}
        sizes, threads, seeds = (get(config, name, kind=list) or [] for name in ("batch_sizes", "threads", "seeds"))
        processes = get(config, "processes", kind=int) or 1
        return [(size, seed, threads, process) for process, seed, threads, size in
                itertools.product(range(1, processes + 1), seeds, threads, sizes)]

    def read_info(self):
        for attempt in (1, 2):  # it is replaced now and then, between asking for its size and reading it
            size, data = self.source.read("run.json", 0)
            if size < 0:
                raise BadInput(f"{self.source}/run.json", "no such file", "the --out folder of `batchsweep run`",
                               "start the run first or correct the path")
            try:
                return parse_info(data, f"{self.source}/run.json")
            except BadInput:
                if attempt == 2:
                    raise

    def update(self):
        """Reads what is new."""
        alive = self.is_alive()  # before run.json, which may say in between that the run ended
        info = self.read_info()
        if get(info, "started_utc") != get(self.info, "started_utc"):
            self.info = info
            self.reset()
        self.info, self.killed = info, alive is False and get(info, "status") == "running"
        try:
            self.read_tables()
        except BadInput:  # it was replaced: what was read before does not go with what is there now
            self.reset()
            self.read_tables()

    def is_alive(self):
        """Whether the process that writes is there; None where nothing tells."""
        size, data = self.source.read("batchsweep.lock", 0)
        holder = re.match(rb"batchsweep: process (\d+) on host (\S+)", data) if size > 0 else None
        if not holder or holder[2].decode("utf-8", "replace") != self.source.host:
            return None
        return self.source.is_alive(int(holder[1]))

    def read_tables(self):
        # epochs.csv first: rows of steps are there before the row of their epoch.
        for name, take in (("epochs.csv", self.take_epochs), ("steps.csv", self.take_steps),
                           ("summary.csv", self.take_summary)):
            rows = self.tails[name].new_rows()
            if rows is not None and len(rows):
                self.grown_s = time.monotonic()
                take(rows)

    def cell(self, row):
        key = tuple(int(row[name]) for name in KEYS)
        return key, self.cells.setdefault(key, CellProgress())

    def take_epochs(self, rows):
        for row in known_values(rows):
            self.current, cell = self.cell(row)
            cell.epochs[row["epoch"]] = row

    def take_steps(self, rows):
        for (*_, epoch), steps in rows.groupby([*KEYS, "epoch"], sort=False):
            self.current, cell = self.cell(steps.iloc[0])
            pieces = [float(part.mean()) for part in np.array_split(steps.loss.to_numpy(), PIECES) if len(part)]
            cell.pieces[epoch] = cell.pieces.get(epoch, []) + pieces
            cell.step_time_ns = float(steps.step_time_ns.median())
            self.flags = collections.Counter(flag for flags in steps["flags"] for flag in flags.split("+") if flag)
        last = rows.iloc[-1]
        self.sensors = {name: float(last[name]) for name in SENSORS if name in rows and pd.notna(last[name])}
        if "cpu_temp_celsius" in rows and rows.cpu_temp_celsius.notna().any():
            hottest = float(rows.cpu_temp_celsius.max())
            self.hottest_celsius = max(hottest, self.hottest_celsius or hottest)

    def take_summary(self, rows):
        for row in known_values(rows):
            _, cell = self.cell(row)
            cell.summary = row

    @property
    def ended(self):
        return self.killed or get(self.info, "status") != "running"

    def seconds_left(self):
        """A forecast, or None where nothing is known yet."""
        config = get(self.info, "config") or {}
        whole, left = {}, {}
        for key, cell in self.cells.items():
            done = cell.fraction(config)
            spent_s = cell.seconds("train_time_ns", "val_time_ns")
            if cell.summary is not None:
                whole[key], left[key] = cell.summary.get("total_time_ns", spent_s * 1e9) / 1e9, 0.0
            elif done > 0:
                whole[key], left[key] = spent_s / done, spent_s / done * (1 - done)
        if not whole:
            return None
        for key in self.cells.keys() - whole.keys():
            # Another batch size may take another time, so those of the same tell more.
            same = [seconds for other, seconds in whole.items() if (other[0], other[2]) == (key[0], key[2])]
            left[key] = float(np.mean(same or list(whole.values())))
        return max(0.0, sum(left.values()) - (time.monotonic() - self.grown_s))


def known_values(rows):
    """Each row as a dict without its empty cells."""
    return [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows.to_dict("records")]
