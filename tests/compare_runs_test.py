#!/usr/bin/python3
"""Tests tools/compare_runs.py on made-up runs, whose noise is like that of a machine: steps, slow stretches of them,
processes and whole runs differ."""

import contextlib
import csv
import io
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import pandas as pd

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools" / "compare_runs.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
import compare_runs  # noqa: E402
from batchsweep_results import SCHEMA_VERSION  # noqa: E402
from plotting import intervals  # noqa: E402

SIZES = (8, 32, 128)
# Relative standard deviations of single steps, of slow stretches, of processes and of runs. On a shared virtual
# machine processes of a second and runs some minutes apart were found to differ by 1 %.
SHARED = {"steps": 0.03, "stretches": 0.008, "processes": 0.01, "runs": 0.006}
QUIET = {"steps": 0.02, "stretches": 0.002, "processes": 0.004, "runs": 0.002}
STEP_HEADER = ["batch_size", "seed", "threads", "process", "epoch", "step", "examples", "loss", "step_time_ns",
               "peak_rss_bytes", "flags"]
EPOCH_HEADER = ["batch_size", "seed", "threads", "process", "epoch", "steps", "train_accuracy", "val_loss",
                "val_accuracy", "train_time_ns", "train_energy_joules"]
SUMMARY_HEADER = ["batch_size", "seed", "threads", "process", "peak_rss_bytes", "time_to_target_ns",
                  "train_energy_joules", "test_accuracy"]


def step_times(random, noise, run, steps, base_ns):
    """Of one process. A slow stretch lasts some 20 steps, or some 300."""
    logs = run + random.normal() * noise["processes"] + random.normal(size=steps) * noise["steps"]
    for length in (20, 300):
        knots = random.normal(size=steps // length + 2) * noise["stretches"] / 2**0.5
        logs += np.interp(np.arange(steps) / length, np.arange(len(knots)), knots)
    logs += np.where(random.random(steps) < 0.02, random.exponential(0.5, steps), 0)  # what comes in between
    return np.round(base_ns * np.exp(logs)).astype(int)


class Results:
    """The tables of one run; write() puts them into a folder."""

    def __init__(self, seed=1, sizes=SIZES, seeds=1, threads=(1,), processes=1, steps=400, factor=1.0, noise=None,
                 **columns):
        """`factor` is how many times slower it is. `columns` fill those of other tables by name, else empty."""
        noise, random = noise or SHARED, np.random.default_rng(seed)
        self.info = {
            "schema_version": SCHEMA_VERSION, "status": "complete",
            "program": {"git_revision": "abc", "compiler": "clang 19", "flags": "-O2"},
            "model": {"name": "mlp", "crc32": "11"}, "data": {"name": "synthetic", "crc32": "22"},
            "config": {"epochs": 4, "optimizer": "adam", "kernels": "fastest", "batch_sizes": list(sizes),
                       "threads": list(threads), "seeds": list(range(1, seeds + 1)), "processes": processes, "sample_hz": 10.0},
            "cpu": {"model_name": "Test CPU", "isa": "neon"},
            "system": {"host_name": "pi", "board": "Pi 5", "kernel": "Linux 6", "governor": "performance",
                       "clocking": [{"cores": 4, "governor": "performance", "min_freq_hz": 1, "max_freq_hz": 2}]},
            "energy_grade": "board rails",
            "kernels": [{"batch_size": size, "threads": thread, "layer": "dense", "direction": "forward",
                         "library": "own"} for size in sizes for thread in threads],
            "warnings": []}
        tables = {"steps": [], "epochs": [], "summary": []}
        run = random.normal() * noise["runs"]
        for process, size, of, thread in itertools.product(range(1, processes + 1), sizes, range(1, seeds + 1),
                                                           threads):
            cell = {"batch_size": size, "seed": of, "threads": thread, "process": process}
            number = np.arange(1, steps + 1)
            times = step_times(random, noise, run, steps, factor * 1000 * (10 + size) / thread)
            tables["steps"].append(pd.DataFrame(cell | {
                "epoch": (number - 1) * 4 // steps + 1, "step": number, "examples": size, "loss": 0.5,
                "step_time_ns": times, "flags": np.where(number <= steps // 20, "warmup", "")}))
            tables["epochs"].append(pd.DataFrame(cell | {
                "epoch": range(1, 5), "steps": steps // 4, "train_accuracy": 0.5, "val_loss": 0.5, "val_accuracy": 0.5,
                "train_time_ns": columns.get("train_time_ns", 10**10), "train_energy_joules":
                [self.made(columns, "train_energy_joules", cell) * random.normal(1, 0.01) for _ in range(4)]}))
            tables["summary"].append(pd.DataFrame([cell | {"test_accuracy": 0.5} | {
                name: self.made(columns, name, cell) for name in ("peak_rss_bytes", "time_to_target_ns")}]))
        self.steps, self.epochs, self.summary = (pd.concat(tables[name], ignore_index=True) for name in tables)

    @staticmethod
    def made(columns, name, cell):
        value = columns.get(name, np.nan)
        return value(cell) if callable(value) else value

    def side(self):
        """As load_sides() makes it, without files."""
        return compare_runs.Side("A", pathlib.Path("run"), self.info, compare_runs.Run.measured(self.steps),
                                 self.epochs, self.summary, 0.01)

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps(self.info), encoding="utf-8")
        for name, table, header in (("steps", self.steps, STEP_HEADER), ("epochs", self.epochs, EPOCH_HEADER),
                                    ("summary", self.summary, SUMMARY_HEADER)):
            table.reindex(columns=header).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        return self


def share(pairs, verdict, **options):
    """Of pairs of made-up runs, on how many a verdict on the step times of all rows holds. The second is slower by
    `factor`."""
    factor = options.pop("factor", 1.0)
    held = 0
    for pair in range(pairs):
        one, other = Results(2 * pair, **options), Results(2 * pair + 1, factor=factor, **options)
        rows = compare_runs.compare(one.side(), other.side())
        held += verdict([row["step_time"] for row in rows.values()])
    return held / pairs


def alarm(changes):
    return any(change.exceeds(0.03) for change in changes)


def any_shown(changes):
    return any(change.shown != "~" for change in changes)


def all_found(changes):
    return np.mean([change.exceeds(0.03) for change in changes])


class CompareRunsTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def run_main(self, *arguments):
        """(exit code, stdout, stderr) for the folders a and b."""
        with (contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()) as out,
              contextlib.redirect_stderr(io.StringIO()) as errors):
            try:
                code = compare_runs.main(["a", "b", *arguments])
            except SystemExit as end:  # argparse
                code = end.code
        return code, out.getvalue(), errors.getvalue()

    def compare(self, a, b, *arguments):
        a.write(self.folder / "a")
        b.write(self.folder / "b")
        return self.run_main(*arguments)

    def records(self, a, b, *arguments):
        """({batch size: row}, all) of --json"""
        _, out, errors = self.compare(a, b, "--json", *arguments)
        self.assertEqual(errors, "")
        report = json.loads(out)
        return {row["batch_size"]: row for row in report["rows"]}, report

    def expect_refusal(self, code, *parts, result):
        self.assertEqual((result[0], result[1], result[2].count("\n")), (code, "", 1), result)
        self.assertTrue(result[2].startswith("compare_runs.py: "), result)
        for part in (*parts, "expected", ";"):
            self.assertIn(part, result[2])

    # -- how sure it is

    def test_students_t_is_that_of_tables(self):
        for probability, freedom, expected in ((0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 9, 2.262),
                                               (0.995, 5, 4.032), (0.95, 30, 1.697), (0.975, 1000, 1.962)):
            self.assertAlmostEqual(intervals.student_t(probability, freedom), expected, delta=0.002 * expected)

    def test_of_200_pairs_of_equal_runs_at_most_five_percent_show_any_difference(self):  # let alone raise an alarm
        self.assertLessEqual(share(200, any_shown), 0.05)

    def test_of_200_pairs_of_equal_runs_of_three_processes_at_most_five_percent_show_any_difference(self):
        self.assertLessEqual(share(200, any_shown, processes=3, steps=120), 0.05)

    def test_on_a_noisier_machine_intervals_are_wider_and_alarms_as_rare(self):
        noise = {"steps": 0.08, "stretches": 0.04, "processes": 0.015, "runs": 0.01}
        self.assertLessEqual(share(200, alarm, noise=noise), 0.05)

    def test_a_step_slower_by_ten_percent_is_found_nine_times_of_ten(self):
        self.assertGreaterEqual(share(100, all_found, factor=1.10), 0.9)

    def test_of_five_processes_a_step_slower_by_seven_percent_is_found_nine_times_of_ten(self):
        self.assertGreaterEqual(share(60, all_found, factor=1.07, processes=5, steps=120), 0.9)

    def test_what_is_said_to_be_detectable_is_found_nine_times_of_ten(self):
        made = [compare_runs.compare(Results(seed, noise=QUIET).side(), Results(seed + 1, noise=QUIET).side())
                for seed in range(0, 20, 2)]
        detectable = np.median([row["step_time"].detectable(0.03) for rows in made for row in rows.values()])
        self.assertGreaterEqual(share(60, all_found, factor=1 + detectable, noise=QUIET), 0.9)
        self.assertLess(share(60, all_found, factor=1 + detectable / 3, noise=QUIET), 0.5)

    def test_more_steps_of_one_process_do_not_make_it_much_surer(self):
        widths = [np.mean([intervals.share_false_alarms([row["step_time"]])[0].half_width
                           for seed in range(0, 20, 2) for row in compare_runs.compare(
                               Results(seed, sizes=(8,), steps=steps).side(),
                               Results(seed + 1, sizes=(8,), steps=steps).side()).values()])
                  for steps in (400, 6400)]
        self.assertGreater(widths[1], 0.6 * widths[0])  # a fourth, were steps repetitions

    def test_a_process_counts_once_however_many_steps_it_has(self):
        first, second = Results(1, sizes=(8,), processes=3), Results(2, sizes=(8,), processes=3)
        row = compare_runs.compare(first.side(), second.side())[8,]["step_time"]
        for run in (first, second):
            run.steps = pd.concat([run.steps] * 4)
        again = compare_runs.compare(first.side(), second.side())[8,]["step_time"]
        self.assertAlmostEqual(again.half_width, row.half_width)

    def test_an_interval_is_that_of_students_t_over_the_processes(self):
        a, b = ([intervals.Process(value, 0.0, 0) for value in values] for values in ((1.0, 1.1, 1.2), (1.3, 1.4, 1.5)))
        change = intervals.change_of(a, b, 0.0)
        self.assertAlmostEqual(change.log_ratio, 0.3)
        half = 2.7764 * 0.1 * (2 / 3) ** 0.5  # of 4 degrees
        np.testing.assert_allclose(change.limits, (np.expm1(0.3 - half), np.expm1(0.3 + half)), rtol=1e-3)
        rows = intervals.share_false_alarms([change, change, intervals.Change()])
        self.assertEqual([row.rows for row in rows], [2, 2, 2])
        self.assertAlmostEqual(rows[0].half_width / half, 3.4954 / 2.7764, places=3)  # 97.5 %

    def test_one_step_alone_has_no_interval(self):
        a, b = Results(1, sizes=(8,)), Results(2, sizes=(8,), factor=2)
        for run in (a, b):
            run.steps = run.steps[:1]
        rows, _ = self.records(a, b)
        self.assertIsNone(rows[8]["step_time_change_low"])
        self.assertEqual(rows[8]["step_time_shown"], "~")
        code, out, _ = self.run_main()
        self.assertEqual(code, 0)
        self.assertIn("~ (no interval)", out)

    def test_the_same_runs_give_the_same_words(self):
        self.assertEqual(self.compare(Results(1), Results(2)), self.run_main())

    # -- what it says

    def test_equal_runs_pass_with_a_row_a_batch_size(self):
        code, out, errors = self.compare(Results(1, peak_rss_bytes=60 << 20), Results(2, peak_rss_bytes=61 << 20))
        self.assertEqual((code, errors), (0, ""))
        rows = [line.split() for line in out.splitlines() if "→" in line]
        self.assertEqual([row[0] for row in rows], ["8", "32", "128"])
        for row in rows:
            self.assertEqual((row[4], row[5]), ("µs", "~"))
        self.assertIn("60 → 61 MiB  ~ (", out)
        self.assertIn("No batch size is shown to be slower by more than 3 %.", out)
        self.assertIn("One process in A and B", out)
        self.assertNotIn("energy", out)

    def test_a_slower_run_ends_with_3_and_names_the_batch_sizes(self):
        b = Results(2)
        b.steps.loc[b.steps.batch_size == 32, "step_time_ns"] *= 2
        code, out, _ = self.compare(Results(1), b)
        self.assertEqual(code, 3)
        self.assertIn("B is slower by more than 3 % at batch 32.", out)
        rows, report = self.records(Results(1), b)
        self.assertTrue(report["slower"])
        self.assertEqual([rows[size]["step_time_shown"] for size in SIZES], ["~", "higher", "~"])
        self.assertAlmostEqual(rows[32]["step_time_change"], 1.0, delta=0.1)
        self.assertLess(rows[32]["step_time_change_low"], rows[32]["step_time_change"])
        self.assertGreater(rows[32]["step_time_change_high"], rows[32]["step_time_change"])
        a_row = Results(1).steps.query("batch_size == 32 and flags == ''").step_time_ns
        self.assertAlmostEqual(rows[32]["a_step_time_ns"], a_row.median(), delta=1)

    def test_a_faster_run_passes(self):
        code, out, _ = self.compare(Results(1), Results(2, factor=0.5))
        self.assertEqual(code, 0)
        self.assertIn("-50.", out)

    def test_a_slowdown_up_to_the_threshold_passes(self):
        a, b = Results(1), Results(2, factor=1.3)
        for threshold, expected in (("20%", 3), ("20", 3), ("50%", 0), ("0", 3)):
            self.assertEqual(self.compare(a, b, "--threshold", threshold)[0], expected, threshold)

    def test_what_cannot_be_seen_widens_intervals(self):
        a, b = Results(1, factor=1.0), Results(2, factor=1.15)
        self.assertEqual(self.compare(a, b)[0], 3)
        self.assertEqual(self.compare(a, b, "--unseen", "10%")[0], 0)
        # Of a lone process both parts: where its memory lies, and when it ran.
        alone = intervals.of_blocks(1.0, [1.0, 1.0, 1.0], 0.02)
        self.assertAlmostEqual(alone.variance, 0.0004)
        self.assertAlmostEqual(intervals.change_of([alone], [alone], 0.02).error, 0.04)
        several = [intervals.Process(0.0, 0.0, 0)] * 3
        self.assertAlmostEqual(intervals.change_of(several, several, 0.02).error, 0.02 * 2**0.5)

    def test_a_percentage_that_is_none_is_refused(self):
        for value in ("x", "-1", "nan", "inf", "1001", "%"):
            code, _, errors = self.compare(Results(1), Results(2), "--threshold", value)
            self.assertEqual(code, 2, value)
            self.assertIn("--threshold", errors)

    def test_csv_json_and_markdown_have_the_same_rows(self):
        a, b = Results(1, peak_rss_bytes=1e8), Results(2, peak_rss_bytes=2e8)
        rows, report = self.records(a, b)
        table = list(csv.DictReader(io.StringIO(self.run_main("--csv")[1])))
        self.assertEqual([int(row["batch_size"]) for row in table], list(rows))
        for row in table:
            self.assertEqual(list(row), list(rows[int(row["batch_size"])]))
            for name, value in rows[int(row["batch_size"])].items():
                if isinstance(value, float):
                    self.assertAlmostEqual(float(row[name]), value)
                else:
                    self.assertEqual(row[name], "" if value is None else str(value))
        self.assertEqual(rows[8]["peak_rss_shown"], "higher")
        self.assertNotIn("NaN", self.run_main("--json")[1])
        self.assertEqual((report["threshold"], report["slower"]), (0.03, False))
        markdown = [line for line in self.run_main("--markdown")[1].splitlines() if line.startswith("|")]
        self.assertEqual(len(markdown), 2 + len(SIZES))
        self.assertEqual(len({line.count("|") for line in markdown}), 1)
        self.assertEqual(self.run_main("--csv", "--json")[0], 2)

    def test_as_a_program_it_has_the_same_exit_codes(self):
        Results(1).write(self.folder / "a")
        Results(2, factor=2).write(self.folder / "b")
        for arguments, expected in ((["a", "b"], 3), (["b", "a"], 0), (["a", "c"], 1), (["--help"], 0)):
            done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False, cwd=self.folder)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (expected, int(expected == 1)), done.stderr)
        self.assertIn("Exit codes: 0", done.stdout)

    # -- memory, energy, time to target

    def test_memory_is_compared_and_decides_nothing(self):
        rows, report = self.records(Results(1, peak_rss_bytes=1e8), Results(2, peak_rss_bytes=1.5e8))
        self.assertEqual((rows[8]["peak_rss_shown"], report["slower"]), ("higher", False))
        self.assertAlmostEqual(rows[8]["a_peak_rss_bytes"], 1e8, delta=1)

    def test_empty_sensor_columns_leave_their_columns_empty(self):
        rows, _ = self.records(Results(1), Results(2, train_energy_joules=1.0, peak_rss_bytes=1e8))
        for name in ("peak_rss", "step_energy", "time_to_target"):
            self.assertEqual({rows[8][column] for column in rows[8] if name in column}, {None}, name)
        self.assertNotIn("peak", self.run_main()[1])

    def test_energy_is_that_of_a_step(self):
        rows, _ = self.records(Results(1, train_energy_joules=10.0), Results(2, train_energy_joules=20.0))
        self.assertAlmostEqual(rows[8]["a_step_energy_joules"], 0.1, delta=0.002)  # of 100 steps an epoch
        self.assertEqual(rows[8]["step_energy_shown"], "higher")
        self.assertIn(" mJ  +", self.run_main()[1])

    def test_energy_of_fewer_than_60_readings_has_no_interval(self):
        a, b = (Results(seed, train_energy_joules=10.0 * seed, train_time_ns=1.4e9) for seed in (1, 2))
        self.assertEqual(self.records(a, b)[0][8]["step_energy_shown"], "~")
        for run in (a, b):
            run.info["config"]["sample_hz"] = 20.0
        self.assertEqual(self.records(a, b)[0][8]["step_energy_shown"], "higher")
        for run in (a, b):
            run.info["config"]["sample_hz"] = 0.1
            run.info |= {"energy_grade": "meter", "energy_sample_hz": 20.0}
        self.assertEqual(self.records(a, b)[0][8]["step_energy_shown"], "higher")

    def test_energy_of_two_kinds_of_meters_is_not_compared(self):
        b = Results(2, train_energy_joules=20.0)
        b.info["energy_grade"] = "meter"
        rows, report = self.records(Results(1, train_energy_joules=10.0), b)
        self.assertIsNone(rows[8]["a_step_energy_joules"])
        self.assertIn("Energy is not compared: by board rails in A, by meter in B.", report["notes"])

    def test_time_to_target_is_compared_seed_by_seed(self):
        # A seed makes more of a difference than the runs.
        a = Results(1, seeds=4, time_to_target_ns=lambda cell: 1e9 * 2 ** cell["seed"])
        b = Results(2, seeds=4, time_to_target_ns=lambda cell: 1.2e9 * 2 ** cell["seed"])
        rows, _ = self.records(a, b)
        self.assertEqual(rows[8]["time_to_target_shown"], "higher")
        self.assertAlmostEqual(rows[8]["time_to_target_change"], 0.2)
        self.assertAlmostEqual(rows[8]["a_time_to_target_ns"], 1e9 * 2**2.5, delta=1)

    def test_time_to_target_of_one_seed_has_no_interval(self):
        a, b = (Results(seed, time_to_target_ns=1e9 * seed, processes=3) for seed in (1, 2))
        rows, _ = self.records(a, b)
        self.assertEqual((rows[8]["time_to_target_shown"], rows[8]["time_to_target_change_low"]), ("~", None))
        self.assertAlmostEqual(rows[8]["time_to_target_change"], 1.0)

    def test_seeds_that_did_not_reach_the_target_are_told_of(self):
        a = Results(1, seeds=3, time_to_target_ns=1e9)
        b = Results(2, seeds=3, time_to_target_ns=lambda cell: np.nan if cell["seed"] == 2 else 1e9)
        _, report = self.records(a, b)
        self.assertIn("B reached its target with 2 of 3 seeds at batch 32: compared are those that did in both runs.",
                      report["notes"])

    # -- what is not compared

    def changed(self, *path, value):
        results = Results(2)
        place = results.info
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        return results

    def test_runs_that_differ_in_more_than_what_is_varied_are_refused_by_name(self):
        for aspect, path, value, words in (
                ("model", ("model", "crc32"), "33", "crc32 (11 in A, 33 in B)"),
                ("data", ("data", "crc32"), "33", "crc32 (22 in A, 33 in B)"),
                ("program", ("program", "git_revision"), "def", "git_revision (abc in A, def in B)"),
                ("cpu", ("cpu", "isa"), "sve", "isa (neon in A, sve in B)"),
                ("board", ("system", "board"), "Pi 4", "board (Pi 5 in A, Pi 4 in B)"),
                ("host", ("system", "host_name"), "pi2", "host_name (pi in A, pi2 in B)"),
                ("system", ("system", "kernel"), "Linux 7", "kernel (Linux 6 in A, Linux 7 in B)"),
                ("governor", ("system", "governor"), "ondemand", "governor (performance in A, ondemand in B)"),
                ("clock", ("system", "clocking", 0, "max_freq_hz"), 3, "max_freq_hz (2 in A, 3 in B)"),
                ("kernels", ("kernels", 1, "library"), "xnnpack",
                 "dense forward at batch size 32, threads 1 (own in A, xnnpack in B)"),
                ("throttled", ("warnings",), [{"name": "throttled"}], "throttled (no in A, yes in B)"),
                ("optimizer", ("config", "optimizer"), "sgd", "optimizer (adam in A, sgd in B)"),
                ("epochs", ("config", "epochs"), None, "epochs (4 in A, none in B)"),
                ("a_new_one", ("config", "a_new_one"), 3, "a_new_one (none in A, 3 in B)")):
            with self.subTest(aspect=aspect):
                b = self.changed(*path, value=value)
                self.expect_refusal(4, words, f"--vary {aspect} ", result=self.compare(Results(1), b))
                code, out, errors = self.run_main("--vary", aspect)
                self.assertEqual((code, errors), (0, ""))
                self.assertIn(f"varied: {aspect}: {words}", out)

    def test_throttled_steps_make_a_run_a_throttled_one(self):
        b = Results(2)
        b.steps.loc[300, "flags"] = "load+throttled"
        self.expect_refusal(4, "throttled (no in A, yes in B)", result=self.compare(Results(1), b))

    def test_all_differences_are_named_and_may_be_varied_together(self):
        b = self.changed("program", "git_revision", value="def")
        b.info["program"]["flags"] = "-O3"
        b.info["config"]["optimizer"] = "sgd"
        result = self.compare(Results(1), b, "--vary", "program")
        self.expect_refusal(4, "optimizer (adam in A, sgd in B)", "--vary program,optimizer ", result=result)
        self.assertNotIn("revision", result[2])
        self.expect_refusal(4, "program: git_revision (abc in A, def in B) and 1 more", result=self.run_main())
        for arguments in (["--vary", "program,optimizer"], ["--vary", "program", "--vary", "optimizer"]):
            self.assertEqual(self.run_main(*arguments)[0], 0)

    def test_other_kernels_are_refused_with_the_way_to_the_same(self):
        b = self.changed("kernels", 0, "library", value="xnnpack")
        self.expect_refusal(4, "run B with --kernels a/run.json", result=self.compare(Results(1), b))

    def test_kernels_asked_for_by_file_are_the_same_if_the_same_compute(self):
        self.assertEqual(self.compare(Results(1), self.changed("config", "kernels", value="a/run.json"))[0], 0)

    def test_repetitions_and_names_of_files_may_differ(self):
        b = Results(2, sizes=(8, 16), seeds=2, processes=2)
        b.info["model"]["name"], b.info["data"]["name"] = "copy", "/other/folder"
        code, out, _ = self.compare(Results(1), b)
        self.assertEqual(code, 0)
        self.assertIn("Only in A: batch 32, 128.", out)
        self.assertIn("Only in B: batch 16.", out)
        a = Results(1)
        del a.info["model"]["crc32"], b.info["model"]["crc32"]  # nothing but the name is left
        self.expect_refusal(4, "model: name (mlp in A, copy in B)", result=self.compare(a, b))

    def test_a_name_that_nothing_goes_by_is_refused(self):
        code, out, errors = self.compare(Results(1), Results(2), "--vary", "program,speed")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("--vary speed: expected some of model, data, program", errors)

    def test_without_a_common_batch_size_there_is_nothing_to_compare(self):
        self.expect_refusal(4, "no batch size in common", "8/32/128",
                            result=self.compare(Results(1), Results(2, sizes=(4,))))

    # -- threads

    def test_threads_can_be_varied(self):
        a, b = Results(1), Results(2, threads=(2,))
        self.expect_refusal(4, "threads (1 in A, 2 in B)", result=self.compare(a, b))
        rows, report = self.records(a, b, "--vary", "threads")
        self.assertEqual(report["varied"], ["threads: threads (1 in A, 2 in B)"])
        self.assertEqual({row["step_time_shown"] for row in rows.values()}, {"lower"})

    def test_several_numbers_of_threads_have_rows_of_their_own(self):
        a, b = Results(1, sizes=(8, 16), threads=(1, 2)), Results(2, sizes=(8, 16), threads=(1, 2))
        b.steps.loc[(b.steps.threads == 2) & (b.steps.batch_size == 16), "step_time_ns"] *= 2
        code, out, _ = self.compare(a, b)
        self.assertEqual(code, 3)
        self.assertIn("B is slower by more than 3 % at batch 16 x 2 threads.", out)
        self.assertEqual(out.count("→"), 4)
        self.expect_refusal(1, "threads 1/2", result=self.run_main("--vary", "threads"))

    # -- runs that did not end well, and what is none

    def test_a_run_cut_off_in_the_middle_is_compared_as_far_as_it_goes(self):
        b = Results(2, peak_rss_bytes=1e8)
        b.info["status"] = "interrupted"
        b.steps = b.steps[:600]  # of 1,200
        b.epochs, b.summary = b.epochs[:6], b.summary[:1]
        rows, report = self.records(Results(1, peak_rss_bytes=1e8), b)
        self.assertEqual(list(rows), [8, 32])
        self.assertEqual([row["peak_rss_shown"] for row in rows.values()], ["~", None])
        self.assertIn("B is interrupted: compared as far as it goes.", report["notes"])
        path = self.folder / "b/steps.csv"
        path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
        (self.folder / "b/summary.csv").unlink()
        code, out, errors = self.run_main()
        self.assertEqual((code, errors, out.count("µs")), (0, "", 2))

    def test_warnings_of_a_run_are_told(self):
        self.assertIn("B has warnings: drift, load.", self.compare(Results(1), self.changed(
            "warnings", value=[{"name": "load", "message": "m"}, {"name": "drift"}, {"name": "load"}]))[1])

    def test_one_batch_size_and_one_seed_are_enough_and_have_the_false_alarms_for_themselves(self):
        a, b = Results(1), Results(2)
        among_three = self.records(a, b)[0][8]
        for run in (a, b):
            run.steps = run.steps[run.steps.batch_size == 8]
        alone = self.records(a, b)[0]
        self.assertEqual(list(alone), [8])
        self.assertEqual(alone[8]["step_time_change"], among_three["step_time_change"])
        self.assertLess(alone[8]["step_time_change_high"], among_three["step_time_change_high"])

    def test_every_key_of_run_json_but_the_version_may_be_absent_or_odd(self):
        for info in ({}, {"model": "mlp", "config": [], "system": {"clocking": [3]}, "kernels": ["x", None],
                          "warnings": ["none", {"name": 3}], "status": 3, "program": None}):
            a, b = Results(1), Results(2)
            a.info = b.info = {"schema_version": SCHEMA_VERSION} | info
            code, _, errors = self.compare(a, b)
            self.assertEqual((code, errors), (0, ""))

    def test_a_run_of_the_schema_before_is_refused(self):
        before = SCHEMA_VERSION - 1
        self.expect_refusal(1, "b/run.json", f"schema_version is {before}", "use the tools of the batchsweep that",
                            result=self.compare(Results(1), self.changed("schema_version", value=before)))

    def test_folders_and_files_that_are_no_run_are_refused(self):
        self.expect_refusal(1, "no such folder", result=self.run_main())
        for name, content in (("run.json", "[]"), ("run.json", "{"), ("steps.csv", ""), ("steps.csv", "a,b\n1,2\n"),
                              ("steps.csv", ",".join(STEP_HEADER) + "\n"), ("epochs.csv", "\0\n"),
                              ("summary.csv", "batch_size\n8\n")):
            with self.subTest(name=name, content=content):
                Results(1).write(self.folder / "a")
                Results(2).write(self.folder / "b")
                (self.folder / "b" / name).write_text(content, encoding="utf-8")
                self.expect_refusal(1, f"b/{name}", result=self.run_main())

    def test_a_run_is_not_compared_to_itself(self):
        Results(1).write(self.folder / "a")
        (self.folder / "b").symlink_to("a")
        self.expect_refusal(1, "the same folder twice", result=self.run_main())


if __name__ == "__main__":
    unittest.main()
