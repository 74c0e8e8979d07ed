#!/usr/bin/python3
"""Tests tools/merge_power.py on runs of a few steps whose energy is known."""

import contextlib
import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools" / "merge_power.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
import merge_power  # noqa: E402

START_S = 1_795_456_770
STEP_HEADER = ("batch_size,seed,threads,process,epoch,step,examples,loss,start_unix_ns,step_time_ns,power_watts,"
               "energy_joules,flags").split(",")
EPOCH_HEADER = "batch_size,seed,threads,process,epoch,val_loss,train_time_ns,train_energy_joules".split(",")
EVALUATION_HEADER = "batch_size,seed,threads,process,step,epoch,train_time_ns,train_energy_joules,val_loss".split(",")
SUMMARY_HEADER = ("batch_size,seed,threads,process,test_loss,train_energy_joules,steps_to_target,"
                  "energy_to_target_joules").split(",")


class MergePowerTest(unittest.TestCase):
    """Two epochs of two steps: at 1.0, 1.6, 3.0 and 3.6 s, each 0.4 s long."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.results, self.out = self.root / "results", self.root / "results-metered"
        self.results.mkdir()
        cell = ["8", "1", "1", "1"]
        steps = [cell + [str(epoch), str(step), "8", "0.1234567", str(START_S * 10**9 + int(at * 10**9) + 123),
                         str(4 * 10**8), "", "", flags]
                 for epoch, step, at, flags in ((1, 1, 1.0, "warmup"), (1, 2, 1.6, ""), (2, 3, 3.0, ""), (2, 4, 3.6, "load"))]
        self.write("steps.csv", STEP_HEADER, steps)
        self.write("epochs.csv", EPOCH_HEADER, [cell + [epoch, "0.30000000000000004", "1000000000", ""] for epoch in "12"])
        self.evaluate(2, 4)
        self.write("summary.csv", SUMMARY_HEADER, [cell + ["0.5", "", "2", ""]])
        self.info = {"schema_version": 6, "status": "complete", "energy_grade": "none", "warnings": [], "board": "Ä"}
        self.write_info()
        (self.results / "checkpoint").mkdir()
        (self.results / "weights").mkdir()
        (self.results / "weights" / "w").write_bytes(b"\0\1")

    def evaluate(self, *steps):
        self.write("evaluations.csv", EVALUATION_HEADER,
                   [["8", "1", "1", "1", str(step), "1" if step < 3 else "2", "1", "", "0.3"] for step in steps])

    def write(self, name, header, rows):
        with open(self.results / name, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([header, *rows])

    def write_info(self):
        (self.results / "run.json").write_text(json.dumps(self.info), encoding="utf-8")

    def meter(self, samples, header="time,watts"):
        path = self.root / "meter.csv"
        path.write_text("\n".join([header] + [f"{time},{watts}" for time, watts in samples]) + "\n", encoding="utf-8")
        return path

    def constant(self, watts=5.0, seconds=6):
        return self.meter([(START_S + tenth / 10, watts) for tenth in range(10 * seconds)])

    def run_main(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
            code = merge_power.main([str(argument) for argument in arguments])
        return code, out.getvalue(), errors.getvalue()

    def merge(self, meter, *arguments):
        code, out, errors = self.run_main(self.results, meter, *arguments)
        self.assertEqual(code, 0, errors)
        self.errors, self.printed = errors, out
        return (self.rows(self.out / name) for name in ("steps.csv", "epochs.csv", "summary.csv"))

    def rows(self, path):
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def expect_floats(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for value, want in zip(found, expected):
            if want is None:
                self.assertEqual(value, "")
            else:
                self.assertAlmostEqual(float(value), want, places=5)

    def expect_error(self, *parts, meter=None, arguments=()):
        code, out, errors = self.run_main(self.results, meter or self.constant(), *arguments)
        self.assertEqual((code, out, errors.count("\n")), (1, "", 1), errors)
        for part in (*parts, "merge_power.py: ", "expected", ";"):
            self.assertIn(part, errors)

    # -- integrals

    def test_a_constant_power_is_that_of_every_step(self):
        steps, epochs, summary = self.merge(self.constant(5.0))
        self.expect_floats([row["power_watts"] for row in steps], [5.0] * 4)
        steps = self.rows(self.out / "steps.csv")
        self.expect_floats([row["energy_joules"] for row in steps], [2.0] * 4)
        # From 1.0 to 2.0 s and from 3.0 to 4.0: what lies between two steps counts.
        self.expect_floats([row["train_energy_joules"] for row in epochs], [5.0, 5.0])
        self.expect_floats([row["train_energy_joules"] for row in summary], [10.0])
        self.assertEqual(self.errors, "")
        self.assertIn("5.000 W", self.printed)
        self.assertIn("250 mJ", self.printed)  # an example's
        self.assertEqual([merge_power.in_joules(x) for x in (1.81e-7, 0.25, 0.9999, 12.345, 12345.6)],
                         ["0.181 µJ", "250 mJ", "1 J", "12.3 J", "12,346 J"])

    def test_a_ramp_is_integrated_between_samples(self):
        # 10 W more each second, sampled each second only: watts = 10 t.
        steps, epochs, _ = self.merge(self.meter([(START_S + second, 10 * second) for second in range(6)]))
        steps = list(steps)
        self.expect_floats([row["power_watts"] for row in steps], [12.0, 18.0, 32.0, 38.0])
        self.expect_floats([row["energy_joules"] for row in steps], [4.8, 7.2, 12.8, 15.2])
        self.expect_floats([row["train_energy_joules"] for row in epochs], [15.0, 35.0])

    def test_a_step_across_many_samples_takes_them_all(self):
        # A spike of 100 ms within the second step, of 10 W above 1 W: a triangle of 1 J.
        samples = [(START_S + tenth / 10, 11 if tenth == 18 else 1) for tenth in range(60)]
        steps, _, _ = self.merge(self.meter(samples))
        self.expect_floats([row["energy_joules"] for row in steps], [0.4, 1.4, 0.4, 0.4])

    def test_a_pause_before_a_run_was_resumed_is_none_of_its_energy(self):
        rows = self.rows(self.results / "steps.csv")
        for row in rows[3:]:  # the last step is made twenty minutes later
            row["start_unix_ns"] = str(int(row["start_unix_ns"]) + 1200 * 10**9)
        self.write("steps.csv", STEP_HEADER, [list(row.values()) for row in rows])
        _, epochs, summary = self.merge(self.constant(5.0, seconds=1300))
        self.expect_floats([row["train_energy_joules"] for row in epochs], [5.0, 4.0])
        self.expect_floats([row["train_energy_joules"] for row in summary], [9.0])

    def test_an_evaluation_within_an_epoch_is_none_of_its_energy(self):
        self.evaluate(2, 3, 4)
        self.write("summary.csv", SUMMARY_HEADER, [["8", "1", "1", "1", "0.5", "", "3", ""]])
        _, epochs, summary = self.merge(self.constant(5.0))
        # From 3.0 to 3.4 s and from 3.6 to 4.0.
        self.expect_floats([row["train_energy_joules"] for row in epochs], [5.0, 4.0])
        self.expect_floats([row["train_energy_joules"] for row in self.rows(self.out / "evaluations.csv")], [5.0, 7.0, 9.0])
        self.expect_floats([row["energy_to_target_joules"] for row in summary], [7.0])

    def test_the_energy_to_the_target_ends_with_its_epoch(self):
        _, _, summary = self.merge(self.meter([(START_S + second, 10 * second) for second in range(6)]))
        self.expect_floats([row["energy_to_target_joules"] for row in summary], [15.0])

    def test_without_a_target_there_is_no_energy_to_it(self):
        self.write("summary.csv", SUMMARY_HEADER, [["8", "1", "1", "1", "0.5", "", "", ""]])
        _, _, summary = self.merge(self.constant())
        self.expect_floats([row["energy_to_target_joules"] for row in summary], [None])

    def test_times_may_be_iso_or_milliseconds_and_shifted(self):
        iso = merge_power.utc(START_S).replace(" ", "T")
        for header, samples, offset in (
                ("timestamp, power_W", [(f"{iso[:-2]}{30 + second:02}.000Z", 3) for second in range(6)], 0),
                ("unix_ms,power", [((START_S + second) * 1000, 3) for second in range(6)], 0),
                ("unix_ns,power_watts", [((START_S + second) * 10**9, 3) for second in range(6)], 0),
                ("time,watts", [(START_S + second - 3600, 3) for second in range(6)], 3600)):
            with self.subTest(header=header):
                out = self.root / header
                code, _, errors = self.run_main(self.results, self.meter(samples, header), "--offset", offset, "--out", out)
                self.assertEqual((code, errors), (0, ""))
                self.expect_floats([row["power_watts"] for row in self.rows(out / "steps.csv")], [3.0] * 4)

    # -- what is not covered

    def test_steps_before_after_and_within_a_gap_have_empty_cells(self):
        samples = [(START_S + tenth / 10, 5) for tenth in [*range(11, 25), *range(38, 60)]]
        steps, epochs, summary = self.merge(self.meter(samples))
        self.expect_floats([row["power_watts"] for row in steps], [None, 5.0, None, None])
        self.expect_floats([row["train_energy_joules"] for row in epochs], [None, None])
        self.expect_floats([row["train_energy_joules"] for row in summary], [None])
        self.assertEqual(self.errors, "warning: the meter has no samples for 3 of 4 steps\n")
        self.assertEqual(json.loads((self.out / "run.json").read_text())["warnings"],
                         [{"name": "meter_gap", "message": "the meter has no samples for 3 of 4 steps"}])

    def test_slow_samples_are_no_gap(self):
        steps, _, _ = self.merge(self.meter([(START_S - 30, 5), (START_S, 5), (START_S + 30, 5)]))
        self.expect_floats([row["power_watts"] for row in steps], [5.0] * 4)

    # -- the copy

    def test_all_other_cells_and_files_stay_as_they_were(self):
        before = {name: self.rows(self.results / name) for name in ("steps.csv", "epochs.csv", "summary.csv")}
        texts = {path: path.read_bytes() for path in self.results.rglob("*") if path.is_file()}
        self.merge(self.constant())
        for name, rows in before.items():
            changed = {"power_watts", "energy_joules", "train_energy_joules", "energy_to_target_joules"}
            for old, new in zip(rows, self.rows(self.out / name)):
                self.assertEqual({key: value for key, value in old.items() if key not in changed},
                                 {key: value for key, value in new.items() if key not in changed})
        self.assertEqual(texts, {path: path.read_bytes() for path in self.results.rglob("*") if path.is_file()})
        self.assertEqual((self.out / "weights" / "w").read_bytes(), b"\0\1")
        self.assertFalse((self.out / "checkpoint").exists())
        info = json.loads((self.out / "run.json").read_text(encoding="utf-8"))
        self.assertAlmostEqual(info.pop("energy_sample_hz"), 10, places=3)
        self.assertEqual(info, self.info | {"energy_grade": "meter", "energy_source": "meter.csv"})

    def test_the_table_aligns(self):
        self.merge(self.constant())
        lines = self.printed.splitlines()
        self.assertEqual(len({len(line) for line in lines[:3]}), 1)
        self.assertEqual(lines[-1], str(self.out))

    # -- bad input

    def test_bad_meters_are_refused_in_one_line(self):
        good = [(START_S + second, 5) for second in range(6)]
        for samples, header, parts in (
                (good, "when,watts", ["no column of times", "unix_s"]),
                (good, "time,volts", ["no column of watts"]),
                (good[:1], "time,watts", ["1 samples", "two or more"]),
                (good[:2] + [("soon", 5)], "time,watts", ["line 4", "'soon'"]),
                (good[:2] + [(START_S + 3, "x")], "time,watts", ["line 4", "'x'"]),
                (good[:2] + [(START_S + 3, -1)], "time,watts", ["line 4", "below 0"]),
                (good[:2] + [(START_S, 1)], "time,watts", ["line 4", "not after the one before"]),
                ([(START_S + 9000, 5), (START_S + 9001, 5)], "time,watts",
                 ["the run was from 2026-11-23 17:59:31 to 2026-11-23 17:59:34 UTC", "--offset"])):
            with self.subTest(parts=parts):
                self.expect_error(*parts, meter=self.meter(samples, header))
                self.assertFalse(self.out.exists())

    def test_files_that_are_none_are_refused(self):
        self.expect_error("No such file", meter=self.root / "none.csv")
        empty = self.root / "empty.csv"
        empty.write_bytes(b"")
        self.expect_error("empty.csv", meter=empty)
        empty.write_bytes(b"\xff\xfe\x00\n\x01")
        self.expect_error("empty.csv", meter=empty)

    def test_runs_that_cannot_be_merged_are_refused(self):
        self.info["status"] = "running"
        self.write_info()
        self.expect_error("run.json", "not finished")
        self.info |= {"status": "complete", "schema_version": 1}
        self.write_info()
        self.expect_error("schema_version is 1")
        self.info["schema_version"] = 6
        self.write_info()
        self.write("steps.csv", STEP_HEADER, [])
        self.expect_error("steps.csv", "no rows")
        self.write("steps.csv", STEP_HEADER, [["8"]])
        self.expect_error("line 2 has 1 cells")
        self.write("steps.csv", [name for name in STEP_HEADER if name != "start_unix_ns"], [])
        self.expect_error("no column start_unix_ns")
        (self.results / "steps.csv").unlink()
        self.expect_error("steps.csv", "No such file")

    def test_a_folder_that_is_there_is_not_overwritten(self):
        self.merge(self.constant())
        self.expect_error("results-metered", "is there already", "--out")

    def test_as_a_program_it_has_help_and_one_line_on_stderr(self):
        done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True)
        self.assertIn("example: tools/merge_power.py results meter.csv", done.stdout)
        done = subprocess.run([SCRIPT, "none", "none.csv"], capture_output=True, text=True, cwd=self.root, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "merge_power.py: none: no such folder: expected the --out folder of "
                                      "`batchsweep run`; correct the path\n")


if __name__ == "__main__":
    unittest.main()
