"""Made-up runs for tests of the host's tools: the files of `batchsweep run`, with all their columns."""

import csv
import itertools
import json

SCHEMA_VERSION = 6
CELL = ["batch_size", "seed", "threads", "process"]
HEADERS = {
    "steps": CELL + ("epoch,step,examples,loss,accuracy,start_unix_ns,step_time_ns,load_time_ns,forward_time_ns,"
                     "backward_time_ns,update_time_ns,arena_bytes,rss_bytes,peak_rss_bytes,swap_bytes,cpu_temp_celsius,"
                     "cpu_freq_hz,throttled,power_watts,energy_joules,flags").split(","),
    "epochs": CELL + ("epoch,steps,train_loss,train_accuracy,val_loss,val_accuracy,train_time_ns,val_time_ns,"
                      "train_energy_joules,noise_trace,noise_gradient_square,noise_scale,noise_time_ns").split(","),
    "evaluations": CELL + ("step,epoch,examples,train_time_ns,train_energy_joules,val_loss,val_accuracy,"
                           "subset_loss,val_time_ns").split(","),
    "summary": CELL + ("learning_rate,epochs,steps,best_val_loss,final_val_loss,final_val_accuracy,test_loss,"
                       "test_accuracy,step_time_median_ns,examples_per_second,arena_bytes,peak_rss_bytes,swap_bytes,"
                       "train_energy_joules,steps_to_target,time_to_target_ns,total_time_ns").split(","),
    "counters": CELL + "epoch,step,phase,time_ns,cycles,instructions,cache_misses,branch_misses".split(",")}
START_NS = 1_795_612_290_480_550_129  # more digits than a float has
SENSORS = {"cpu_temp_celsius": 61.5, "cpu_freq_hz": 1.8e9, "throttled": 0, "power_watts": 5.0}


def train_loss(size, step):
    return 2.3 / (1 + 0.1 * step) + size / 1000


def val_loss(size, epoch):
    return 0.3 + size / 1000 + 1 / epoch


class MadeRun:
    """The rows of each table as dicts, and run.json; write() puts them into a folder."""

    def __init__(self, sizes=(8, 32), seeds=(1,), processes=1, epochs=3, steps=4, step_time_ns=10_000_000,
                 sensors=False, regression=False):
        self.sensors, self.regression, self.epochs, self.steps = sensors, regression, epochs, steps
        self.step_time_ns, self.now_ns = step_time_ns, START_NS
        self.info = {
            "schema_version": SCHEMA_VERSION, "status": "complete", "command": "batchsweep run",
            "started_utc": "2026-11-25T13:11:30Z", "model": {"name": "mlp", "parameters": 50890},
            "data": {"name": "fashion-mnist", "train_examples": 4 * max(sizes), "validation_examples": 20},
            "config": {"batch_sizes": list(sizes), "threads": [1], "seeds": list(seeds), "processes": processes,
                       "epochs": epochs, "steps": None, "seconds": None, "optimizer": "adam", "learning_rate": 0.001,
                       "weight_decay": 0.0, "sample_hz": 10.0,
                       "loss": "mean_squared_error" if regression else "sparse_categorical_crossentropy"},
            "cpu": {"model_name": "Test CPU", "isa": "neon"}, "system": {"host_name": "pi", "board": "Raspberry Pi 5"},
            "energy_grade": "board rails" if sensors else "none", "warnings": []}
        self.tables, self.headers = {name: [] for name in HEADERS}, dict(HEADERS)  # a board may lack columns
        for process, size, seed in itertools.product(range(1, processes + 1), sizes, seeds):
            self.add_cell(dict(batch_size=size, seed=seed, threads=1, process=process))

    def add_cell(self, cell):
        size, joules = cell["batch_size"], 5.0 * self.step_time_ns / 1e9 if self.sensors else ""
        for epoch in range(1, self.epochs + 1):
            for number in range(1, self.steps + 1):
                step = (epoch - 1) * self.steps + number
                self.tables["steps"].append(cell | dict(
                    epoch=epoch, step=step, examples=size, loss=train_loss(size, step),
                    accuracy="" if self.regression else 0.5, start_unix_ns=self.now_ns,
                    step_time_ns=self.step_time_ns, load_time_ns=1, forward_time_ns=2, backward_time_ns=3,
                    update_time_ns=4, arena_bytes=1000, rss_bytes=2 << 20, peak_rss_bytes=3 << 20, swap_bytes=0,
                    energy_joules=joules, flags="warmup" if step == 1 else "") | (SENSORS if self.sensors else {}))
                self.now_ns += self.step_time_ns
            time_ns = self.steps * self.step_time_ns
            self.tables["epochs"].append(cell | dict(
                epoch=epoch, steps=self.steps, train_loss=train_loss(size, epoch * self.steps),
                train_accuracy="" if self.regression else 0.5, val_loss=val_loss(size, epoch),
                val_accuracy="" if self.regression else 0.6, train_time_ns=time_ns, val_time_ns=1_000_000,
                train_energy_joules=5.0 * time_ns / 1e9 if self.sensors else ""))
            self.tables["evaluations"].append(cell | dict(
                step=epoch * self.steps, epoch=epoch, examples=epoch * self.steps * size,
                train_time_ns=epoch * time_ns, train_energy_joules=5.0 * epoch * time_ns / 1e9 if self.sensors else "",
                val_loss=val_loss(size, epoch), val_accuracy="" if self.regression else 0.6,
                val_time_ns=1_000_000))
            self.now_ns += 1_000_000
        self.tables["summary"].append(cell | dict(
            learning_rate=0.001, epochs=self.epochs, steps=self.epochs * self.steps, test_loss=0.5,
            test_accuracy="" if self.regression else 0.7, step_time_median_ns=self.step_time_ns, arena_bytes=1000,
            examples_per_second=size * 1e9 / self.step_time_ns,
            total_time_ns=self.epochs * (self.steps * self.step_time_ns + 1_000_000)))

    def cut_off(self, size, epochs):
        """As it is when it ends in the cell of a batch size, behind so many epochs of it."""
        sizes = self.info["config"]["batch_sizes"]
        later = sizes[sizes.index(size) + 1:]
        for rows in self.tables.values():
            rows[:] = [row for row in rows if row["batch_size"] not in later
                       and (row["batch_size"] != size or "epoch" in row and row["epoch"] <= epochs)]
        self.info["status"] = "interrupted"
        return self

    def text(self, name):
        """Of a table, as the program writes it."""
        header = self.headers[name]
        lines = [header] + [[row.get(column, "") for column in header] for row in self.tables[name]]
        return "".join(",".join(map(str, line)) + "\n" for line in lines)

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps(self.info), encoding="utf-8")
        for name, rows in self.tables.items():
            if rows or name in ("steps", "epochs", "evaluations"):
                (folder / f"{name}.csv").write_text(self.text(name), encoding="utf-8")
        return folder


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
