#!/usr/bin/python3
"""Tests what tools/watch.py draws of made-up runs."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from made_run import HEADERS, MadeRun, train_loss

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools/watch.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
from watching import progress  # noqa: E402
from watching.frame import duration, frame  # noqa: E402
from watching.progress import Watched  # noqa: E402
from watching.sources import LocalFolder  # noqa: E402


def running(run):
    run.info["status"] = "running"
    return run


class WatchTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name) / "results"

    def watch(self, run=None):
        if run:
            run.write(self.folder)
        watched = Watched(LocalFolder(self.folder))
        watched.update()
        return watched

    def frame(self, run, width=79, height=23):
        lines = frame(self.watch(run), width, height)
        self.assertLessEqual(len(lines), height)
        self.assertLessEqual(max(map(len, lines)), width)
        return lines

    def cell_rows(self, lines):
        return [line for line in lines if re.match("[ >] . batch", line)]

    def run_script(self, *arguments):
        done = subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def expect_error(self, *parts):
        code, out, errors = self.run_script(self.folder)
        self.assertEqual((code, out, errors.count("\n")), (1, "", 1), errors)
        self.assertTrue(errors.startswith("watch.py: "), errors)
        for part in (*parts, "expected", ";"):
            self.assertIn(part, errors)

    # -- what is drawn

    def test_without_a_terminal_it_prints_one_picture_and_ends(self):
        for run, state in ((MadeRun(), "complete; 2 of 2 cells done"),
                           (running(MadeRun().cut_off(32, 1)), "running, about ")):
            run.write(self.folder)
            code, out, errors = self.run_script(self.folder)
            self.assertEqual((code, errors), (0, ""))
            self.assertIn(state, out.splitlines()[1])
            self.assertNotIn("\x1b", out)
            self.assertLessEqual(len(out.splitlines()), 24)

    def test_a_cell_has_its_progress_loss_and_step_time(self):
        lines = self.frame(running(MadeRun().cut_off(32, 2)))
        self.assertEqual(lines[0], f"{self.folder}: mlp on fashion-mnist, adam, Raspberry Pi 5"[:79])
        self.assertEqual(self.cell_rows(lines), [
            "  o batch 8  [####################] 100%  epoch 3   val 0.6413   10 ms/step",
            "> x batch 32 [#############.......]  67%  epoch 2   val 0.832    10 ms/step"])

    def test_the_losses_of_each_batch_size_are_drawn_as_a_curve(self):
        lines = self.frame(MadeRun(sizes=(8, 900), epochs=5))
        top = lines.index("training loss")
        plot = [line.partition("|")[2] for line in lines[top + 1:] if "|" in line]
        self.assertRegex(lines[top + 1], r"^ +3\.0 *|")
        self.assertEqual(lines[top + len(plot) + 2].split(), ["0", "5", "epochs"])
        for mark in "ox":
            rows = [row for column in zip(*(line.ljust(79) for line in plot)) for row, char in enumerate(column)
                    if char == mark]
            self.assertEqual(rows, sorted(rows))  # the loss falls
            self.assertGreaterEqual(len(rows), 12)
        self.assertEqual(plot[0][:12].strip()[0], "x")  # begins higher by 0.9

    def test_losses_of_many_magnitudes_are_drawn_on_a_log_scale(self):
        run = MadeRun(sizes=(8,))
        for row in run.tables["steps"]:
            row["loss"] = 10.0 ** -row["step"]
        lines = self.frame(run)
        self.assertIn("training loss, log scale", lines)
        self.assertEqual(sum("o" in line.partition("|")[2] for line in lines), 12)

    def test_curves_are_means_of_pieces_of_the_epochs(self):
        cell = self.watch(MadeRun(sizes=(8,), epochs=2, steps=40)).cells[(8, 1, 1, 1)]
        curve = cell.curve()
        self.assertEqual(len(curve), 40)
        self.assertEqual(curve[0], (0.025, (train_loss(8, 1) + train_loss(8, 2)) / 2))

    def test_sensors_are_shown_where_the_board_has_them(self):
        self.assertIn("peak RSS 3.0 MiB", self.frame(MadeRun()))
        run = MadeRun(sensors=True)
        run.tables["steps"][0]["cpu_temp_celsius"] = 80.25
        self.assertIn("cpu 61.5 C (highest 80.2), 1.80 GHz, 5.00 W, peak RSS 3.0 MiB", self.frame(run))
        run.tables["steps"][-1] |= {"throttled": 1, "flags": "throttled+load"}
        lines = self.frame(run)
        self.assertIn("cpu 61.5 C (highest 80.2), 1.80 GHz, THROTTLED, 5.00 W, peak RSS 3.0 MiB", lines)
        self.assertIn("disturbed steps of the last epoch: throttled 1, load 1", lines)
        run = MadeRun(sensors=True)
        run.tables["steps"][0]["cpu_temp_celsius"] = 70.0
        text = run.text("steps")
        (self.folder / "steps.csv").write_text(text[:text.index("\n8,1,1,1,2") + 1])
        watched = self.watch()
        (self.folder / "steps.csv").write_text(text)  # whose further rows are cooler
        watched.update()
        self.assertEqual((watched.hottest_celsius, watched.sensors["cpu_temp_celsius"]), (70.0, 61.5))

    def test_warnings_are_wrapped_and_the_rest_is_counted(self):
        run = MadeRun()
        run.info["warnings"] = [{"name": "a", "message": "x" * 30 + " " + "y" * 60}, {"name": "b", "message": "short"}]
        self.assertEqual(self.frame(run)[-3:], ["warning: " + "x" * 30, "  " + "y" * 60, "warning: short"])
        run.info["warnings"] *= 3
        self.assertEqual(self.frame(run)[-2:], ["warning: short", "warning: 4 more in run.json"])

    def test_one_cell_is_enough_and_many_share_lines(self):
        self.assertEqual(len(self.cell_rows(self.frame(MadeRun(sizes=(8,))))), 1)
        rows = self.cell_rows(self.frame(MadeRun(seeds=(1, 2), processes=2)))
        self.assertEqual(len(rows), 8)
        self.assertIn("batch 32 seed 2 process 2", rows[-1])
        many = running(MadeRun(seeds=range(1, 11)))
        many.tables["summary"] = many.tables["summary"][:5]
        many.tables["epochs"] = many.tables["epochs"][:15]
        rows = self.cell_rows(self.frame(many))
        self.assertEqual([row[4:40] for row in rows],
                         ["batch 8  [##########..........]  50%", "batch 32 [....................]   0%"])
        lines = self.frame(MadeRun(sizes=range(1, 41), epochs=1))
        self.assertRegex("\n".join(lines), r"\n  and \d+ more batch sizes\n")
        self.assertIn("batch 40", self.cell_rows(lines)[-1])  # the one that was trained last

    def test_a_small_terminal_gets_what_has_room(self):
        for width, height in ((20, 4), (40, 8), (79, 12), (200, 60)):
            self.frame(MadeRun(sensors=True), width, height)

    def test_a_regression_and_a_run_that_diverged_are_drawn(self):
        self.assertIn("val 0.6413", self.cell_rows(self.frame(MadeRun(regression=True)))[0])
        run = MadeRun(sizes=(8,))
        for row in run.tables["steps"] + run.tables["epochs"]:
            row |= {name: "nan" for name in ("loss", "val_loss", "train_loss") if name in row}
        run.info |= {"status": "diverged", "error": "loss of step 1 is nan"}
        lines = self.frame(run)
        self.assertIn("diverged (loss of step 1 is nan); 1 of 1 cells done", lines)
        self.assertIn("val diverged", self.cell_rows(lines)[0])
        self.assertIn("training loss: no finished epoch yet", lines)

    def test_nothing_in_the_files_is_a_command_to_the_terminal(self):
        run = MadeRun()
        run.info["model"]["name"] = "a\x1b[2Jb"
        run.info["warnings"] = [{"name": "a", "message": "c\x07d"}]
        text = "\n".join(self.frame(run, width=200))
        self.assertIn("a?[2Jb", text)
        self.assertIn("c?d", text)

    # -- how far it is

    def test_before_the_first_epoch_nothing_is_known(self):
        run = running(MadeRun())
        for rows in run.tables.values():
            rows.clear()
        lines = self.frame(run)
        self.assertEqual(lines[1], "running, time left not known yet; 0 of 2 cells done")
        self.assertEqual([row[4:40] for row in self.cell_rows(lines)],
                         [f"batch {size} [....................]   0%" for size in ("8 ", "32")])
        for name in ("steps", "epochs"):
            (self.folder / f"{name}.csv").unlink()
        self.assertEqual(frame(self.watch(), 79, 23), lines)
        run.info["config"] |= {"seeds": [1, 2], "processes": 3}
        self.assertRegex(self.frame(run)[1], "0 of 12 cells done")

    def test_the_time_left_is_that_of_the_cells_that_are_not_done(self):
        # An epoch takes 41 ms here, and a cell 123 ms.
        for run, seconds in ((MadeRun(), 0), (MadeRun().cut_off(32, 1), 0.082),
                             (MadeRun(sizes=(8, 16, 32)).cut_off(16, 2), 0.041 + 0.123)):
            with mock.patch.object(progress.time, "monotonic", return_value=5.0):
                self.assertAlmostEqual(self.watch(running(run)).seconds_left(), seconds)
        with mock.patch.object(progress.time, "monotonic", return_value=5.0) as clock:
            watched = self.watch()
            clock.return_value = 5.1
            self.assertAlmostEqual(watched.seconds_left(), 0.064)
        self.assertEqual([duration(seconds) for seconds in (0, 98.5, 100, 5939, 8000)],
                         ["1 s", "99 s", "2 min", "99 min", "2 h 14 min"])

    def test_a_run_of_steps_or_of_seconds_is_measured_by_these(self):
        for setting, fraction in (({"epochs": None, "steps": 16}, 0.25), ({"epochs": None, "seconds": 0.08}, 0.5),
                                  ({"epochs": 40, "steps": 6}, 4 / 6), ({"epochs": None}, 0.0)):
            run = MadeRun().cut_off(32, 1)
            run.info["config"] |= setting
            watched = self.watch(run)
            self.assertAlmostEqual(watched.cells[(32, 1, 1, 1)].fraction(watched.info["config"]), fraction)

    # -- files of others

    def test_boards_have_different_columns(self):
        HEADERS["steps"].insert(4, "fan_rpm")
        self.addCleanup(HEADERS["steps"].remove, "fan_rpm")
        run = MadeRun(sensors=True).write(self.folder)
        text = (run / "steps.csv").read_text()
        (run / "steps.csv").write_text(text.replace("cpu_temp_celsius", "other").replace("peak_rss_bytes", "another"))
        self.assertIn("1.80 GHz, 5.00 W", frame(self.watch(), 79, 23))

    def test_foreign_and_broken_files_get_one_line(self):
        self.expect_error("results: no such folder")
        self.folder.mkdir()
        self.expect_error("run.json: no such file")
        run = MadeRun()
        run.info["schema_version"] = 4
        run.write(self.folder)
        self.expect_error("schema_version is 4")
        (self.folder / "run.json").write_bytes(b"\x89PNG\0")
        self.expect_error("run.json")
        run = MadeRun()
        run.tables["steps"][2]["step_time_ns"] = "fast"
        run.write(self.folder)
        self.expect_error("steps.csv: line 4: step_time_ns is 'fast'")
        MadeRun().write(self.folder)
        (self.folder / "epochs.csv").write_text("a,b\n1,2\n")
        self.expect_error("epochs.csv: no column batch_size")
        (self.folder / "run.json").write_text(json.dumps([5]))
        self.expect_error("schema_version is null")


if __name__ == "__main__":
    unittest.main()
