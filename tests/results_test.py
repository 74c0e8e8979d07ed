#!/usr/bin/python3
"""Tests tools/batchsweep_results.py, on made-up runs and on one of the program of BATCHSWEEP_BUILD, and that pip
installs it from the checkout."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import pandas as pd
from made_run import HEADERS, START_NS, MadeRun, rows_of

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("BATCHSWEEP_BUILD", REPOSITORY / "build/x86-64")).resolve() / "batchsweep"
sys.dont_write_bytecode = True
sys.path.insert(0, str(REPOSITORY / "tools"))
import batchsweep_results  # noqa: E402
from batchsweep_results import BadInput, energy, load  # noqa: E402


class ResultsTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name) / "results"

    def load(self, run):
        return load(run.write(self.folder))

    def dtypes(self, table):
        return {name: str(dtype) for name, dtype in table.dtypes.items()}

    def expect_refused(self, *parts):
        with self.assertRaises(BadInput) as caught:
            load(self.folder)
        message = str(caught.exception)
        self.assertEqual(message.count("\n"), 0, message)
        for part in (*parts, "expected", ";"):
            self.assertIn(part, message)

    # -- what is loaded

    def test_a_run_of_the_program_has_a_fitting_dtype_for_every_column(self):
        subprocess.run([PROGRAM, "run", "--data", "synthetic", "--train-limit", "200", "--batch-sizes", "8,32",
                        "--epochs", "2", "--seeds", "1", "--out", self.folder], check=True, capture_output=True)
        results = load(str(self.folder))
        for name in ("steps", "epochs", "evaluations", "summary"):
            table, rows = getattr(results, name), rows_of(self.folder / f"{name}.csv")
            self.assertEqual(list(table), list(rows[0]))
            for column, dtype in self.dtypes(table).items():
                with self.subTest(table=name, column=column):
                    # Whether its dtype is one by its name, and not for want of a better.
                    known = dtype != "float64" or column.endswith(batchsweep_results.MEASURED)
                    self.assertTrue(known, "expected in COUNTS, WHOLE, BOOLEANS, TEXTS or MEASURED")
                    for value, row in zip(table[column].astype(object), rows):
                        text = row[column]
                        if text or dtype == "category":
                            self.assertEqual(value, type(value)(text))
                        else:
                            self.assertTrue(pd.isna(value))
        self.assertEqual(results.run["status"], "complete")

    def test_dtypes_follow_from_names_whatever_is_in_the_columns(self):
        empty, full = (self.dtypes(self.load(MadeRun(sensors=sensors)).steps) for sensors in (False, True))
        self.assertEqual(empty, full)
        self.assertEqual({name: full[name] for name in ("batch_size", "start_unix_ns", "load_time_ns", "swap_bytes",
                                                        "loss", "cpu_freq_hz", "throttled", "flags")},
                         {"batch_size": "int64", "start_unix_ns": "int64", "load_time_ns": "Int64",
                          "swap_bytes": "Int64", "loss": "float64", "cpu_freq_hz": "float64", "throttled": "boolean",
                          "flags": "category"})

    def test_empty_cells_are_missing_and_never_zero(self):
        run = MadeRun(regression=True)
        run.tables["steps"][1]["swap_bytes"] = ""
        steps = self.load(run).steps
        for column in ("accuracy", "cpu_temp_celsius", "throttled", "power_watts"):
            self.assertTrue(steps[column].isna().all(), column)
        self.assertEqual(steps.swap_bytes.isna().to_list(), [False, True] + [False] * (len(steps) - 2))
        self.assertIs(steps.swap_bytes[1], pd.NA)
        self.assertEqual(steps["flags"].to_list()[:2], ["warmup", ""])

    def test_nanoseconds_since_1970_keep_all_their_digits(self):
        results = self.load(MadeRun())
        self.assertEqual(results.steps.start_unix_ns[0], START_NS)

    def test_losses_that_are_not_finite_are_loaded(self):
        run = MadeRun()
        run.tables["epochs"][0]["val_loss"], run.tables["epochs"][1]["val_loss"] = "nan", "inf"
        epochs = self.load(run).epochs
        self.assertTrue(pd.isna(epochs.val_loss[0]))
        self.assertEqual(epochs.val_loss[1], float("inf"))

    def test_a_run_that_was_cut_off_is_loaded_without_its_torn_row(self):
        MadeRun().cut_off(32, 1).write(self.folder)
        with open(self.folder / "steps.csv", "ab") as file:
            file.write(b"32,1,1,1,2,5,32,0.")
        results = load(self.folder)
        self.assertEqual(len(results.steps), 3 * 4 + 4)
        self.assertEqual(results.steps.step.iloc[-1], 4)
        self.assertEqual(list(results.summary.batch_size), [8])

    def test_before_the_first_epoch_the_tables_are_empty(self):
        run = MadeRun()
        for rows in run.tables.values():
            rows.clear()
        results = self.load(run)
        self.assertEqual([len(results.steps), len(results.epochs), len(results.summary)], [0, 0, 0])
        self.assertEqual(self.dtypes(results.steps)["start_unix_ns"], "int64")
        self.assertEqual(list(results.summary), HEADERS["summary"][:4])
        self.assertEqual(len(results.evaluations), 0)
        self.assertIsNone(results.counters)
        self.assertEqual(len(energy(results)), 0)

    def test_counters_are_loaded_where_there_are_some(self):
        run = MadeRun(sizes=(8,), epochs=1)
        run.tables["counters"] = [dict(batch_size=8, seed=1, threads=1, process=1, epoch=1, step=2, phase=phase,
                                       time_ns=7, cycles=cycles) for phase, cycles in (("load", 9), ("forward", ""))]
        counters = self.load(run).counters
        self.assertEqual(self.dtypes(counters)["phase"], "category")
        self.assertEqual(counters.cycles.to_list(), [9, pd.NA])

    def test_evaluations_are_loaded_where_there_are_some(self):
        evaluations = self.load(MadeRun(sizes=(8,), epochs=2, steps=4)).evaluations
        self.assertEqual(evaluations.step.to_list(), [4, 8])
        self.assertTrue(evaluations.subset_loss.isna().all())
        self.assertEqual({name: self.dtypes(evaluations)[name] for name in ("examples", "train_time_ns", "subset_loss")},
                         {"examples": "int64", "train_time_ns": "Int64", "subset_loss": "float64"})
        (self.folder / "evaluations.csv").unlink()
        self.assertIsNone(load(self.folder).evaluations)

    def test_columns_of_another_program_are_kept_and_its_lacking_ones_are_absent(self):
        run = MadeRun()
        HEADERS["steps"].insert(5, "fan_rpm")
        HEADERS["steps"].insert(5, "core_name")
        self.addCleanup(HEADERS["steps"].remove, "fan_rpm")
        self.addCleanup(HEADERS["steps"].remove, "core_name")
        run.tables["steps"][0] |= {"fan_rpm": 1200, "core_name": "A76"}
        steps = self.load(run).steps
        self.assertEqual((steps.fan_rpm[0], steps.core_name[0]), (1200, "A76"))
        self.assertEqual(self.dtypes(steps)["core_name"], "category")
        path = self.folder / "epochs.csv"
        path.write_text(path.read_text().replace("train_energy_joules", "other"))
        self.assertTrue(energy(load(self.folder)).train_energy_joules.isna().all())

    # -- energy

    def energies(self, run):
        """(readings, joules or None) of each cell"""
        table = energy(self.load(run))
        return [(row.power_readings, None if pd.isna(row.train_energy_joules) else row.train_energy_joules)
                for row in table.itertuples()]

    def test_energy_is_told_from_60_readings_of_power_on(self):
        # Ten steps of a tenth of a second are ten readings an epoch.
        enough, few = (MadeRun(sizes=(8,), epochs=epochs, steps=10, step_time_ns=10**8, sensors=True)
                       for epochs in (6, 5))
        ((readings, joules),) = self.energies(enough)
        self.assertEqual(readings, 60)
        self.assertAlmostEqual(joules, 30)
        self.assertEqual(self.energies(few), [(50, None)])

    def test_energy_is_not_told_of_a_part_of_the_training(self):
        run = MadeRun(sizes=(8,), epochs=10, steps=10, step_time_ns=10**8, sensors=True)
        run.tables["epochs"][0]["train_energy_joules"] = ""
        self.assertEqual(self.energies(run), [(90, None)])

    def test_readings_of_a_meter_are_counted_by_its_own_rate(self):
        run = MadeRun(sizes=(8,), epochs=10, steps=10, step_time_ns=10**8, sensors=True)
        run.info["energy_grade"] = "meter"
        self.assertEqual(self.energies(run), [(0, None)])
        run.info["energy_sample_hz"] = 5.9
        self.assertEqual(self.energies(run), [(59, None)])
        run.info["energy_sample_hz"] = 6.0
        self.assertEqual(self.energies(run)[0][0], 60)

    def test_a_board_without_a_sensor_has_no_energy(self):
        self.assertEqual(self.energies(MadeRun()), [(0, None), (0, None)])

    # -- bad input

    def test_a_run_of_another_schema_is_refused(self):
        for version in (5, 7, "6", None):
            run = MadeRun()
            run.info["schema_version"] = version
            run.write(self.folder)
            self.expect_refused("run.json", f"schema_version is {json.dumps(version)}", "expected 6")

    def test_what_is_no_folder_of_results_is_refused(self):
        self.expect_refused("results: no such folder")
        self.folder.mkdir()
        self.expect_refused("run.json: No such file")
        (self.folder / "run.json").write_bytes(b"\xff\xfe")
        self.expect_refused("run.json")
        MadeRun().write(self.folder)
        (self.folder / "epochs.csv").unlink()
        self.expect_refused("epochs.csv: No such file")

    def test_broken_tables_are_refused_with_the_line(self):
        for table, column, value, expected in [
                ("steps", "loss", "abc", "a number"), ("steps", "step_time_ns", "", "a whole number"),
                ("steps", "start_unix_ns", 1.5, "a whole number"), ("steps", "swap_bytes", -1, "a whole number"),
                ("steps", "throttled", 2, "0 or 1"), ("epochs", "batch_size", "inf", "a whole number"),
                ("summary", "total_time_ns", "1e3x", "a whole number")]:
            with self.subTest(column=column, value=value):
                run = MadeRun()
                run.tables[table][1][column] = value
                run.write(self.folder)
                self.expect_refused(f"{table}.csv", f"line 3: {column} is '{value}'", f"expected {expected}")

    def test_foreign_tables_are_refused(self):
        for content, what in ((b"\x89PNG\xff\xff\n", "epochs.csv"), (b"a,b\n1,2\n", "no column batch_size"),
                              (b"", "no column batch_size"), (b'"\n' * 5, "epochs.csv")):
            MadeRun().write(self.folder)
            (self.folder / "epochs.csv").write_bytes(content)
            self.expect_refused(what)
        MadeRun().write(self.folder)
        path = self.folder / "epochs.csv"
        header, row, *rest = path.read_text().splitlines()
        path.write_text("\n".join([header, row + ",1", *rest]) + "\n")
        self.expect_refused("epochs.csv")


class WheelTest(unittest.TestCase):
    def test_pip_installs_the_module_from_the_checkout_without_a_network(self):
        if not (importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv")):
            self.skipTest("no venv: `tools/setup.sh tests` installs python3-venv")
        with tempfile.TemporaryDirectory() as temporary:
            root = pathlib.Path(temporary)
            subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", root / "venv"], check=True)
            python = root / "venv/bin/python"
            installed = subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check",
                 REPOSITORY / "tools/wheel"], cwd=root, capture_output=True, text=True)
            self.assertEqual(installed.returncode, 0, installed.stderr)
            MadeRun().write(root / "results")
            said = subprocess.run(
                [python, "-c", "import batchsweep_results, importlib.metadata as about\n"
                 "print(batchsweep_results.__file__, about.version('batchsweep-results'), "
                 "len(batchsweep_results.load('results').steps))"], cwd=root, capture_output=True, text=True)
            self.assertEqual(said.stderr, "")
            file, version, rows = said.stdout.split()
            self.assertEqual(pathlib.Path(file).parts[:len(root.parts)], root.parts)
            self.assertIn(f"VERSION {version} ", (REPOSITORY / "CMakeLists.txt").read_text())
            self.assertEqual(rows, "24")


if __name__ == "__main__":
    unittest.main()
