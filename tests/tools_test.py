#!/usr/bin/python3
"""Tests that every tool which reads results takes every kind of run, and says one line of what is none.

What each of them makes of a run is tested in its own file.
"""

import contextlib
import io
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(REPOSITORY / "tools"))
import compare_runs  # noqa: E402
import export  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import watch  # noqa: E402
from made_run import MadeRun, rows_of  # noqa: E402

# A tool's name, its main(), and its arguments for a folder of results and one to write into.
TOOLS = {"plot.py": (plot.main, lambda results, out: [results]),
         "plot.py of boards": (plot.main, lambda results, out: [results, out / "other", "--out", out / "boards"]),
         "compare_runs.py": (compare_runs.main, lambda results, out: [results, out / "other"]),
         "export.py": (export.main, lambda results, out: [results, "--mlperf", out / "run.log"]),
         "report.py": (report.main, lambda results, out: [results]),
         "watch.py": (watch.main, lambda results, out: [results])}


def without_columns(folder, *columns):
    """Leaves columns out of all tables, as a program without them writes these."""
    for path in folder.glob("*.csv"):
        rows = rows_of(path)
        kept = [name for name in rows[0] if name not in columns]
        path.write_text("".join(",".join(line) + "\n" for line in [kept, *([row[name] for name in kept] for row in rows)]))


def write_later_board(folder):
    """A run of another board, whose tables have a column more and some fewer."""
    MadeRun(sensors=True).write(folder)
    without_columns(folder, "cpu_freq_hz", "power_watts", "throttled", "swap_bytes", "total_time_ns")
    path = folder / "summary.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header + ",gpu_watts", *(row + ",1.5" for row in rows)]) + "\n")


RUNS = {"whole": lambda folder: MadeRun(seeds=(1, 2, 3)).write(folder),
        "cut off in the middle": lambda folder: MadeRun(seeds=(1, 2)).cut_off(32, 1).write(folder),
        "of one seed": lambda folder: MadeRun().write(folder),
        "of one batch size": lambda folder: MadeRun(sizes=(8,), seeds=(1, 2)).write(folder),
        "with sensors": lambda folder: MadeRun(sensors=True, seeds=(1, 2)).write(folder),
        "of a regression": lambda folder: MadeRun(regression=True).write(folder),
        "of another board": write_later_board}


class ToolsTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.results, self.out = self.folder / "results", self.folder / "out"
        self.out.mkdir()

    def run_tool(self, name):
        """(exit code, stdout, stderr); an exception fails the test."""
        main, arguments_of = TOOLS[name]
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            code = main(list(map(str, arguments_of(self.results, self.out))))
        return code, *(stream.buffer.getvalue().decode() for stream in streams)

    def remake(self, write):
        for folder in (self.results, self.out):
            shutil.rmtree(folder, ignore_errors=True)
        self.out.mkdir()
        write(self.results)
        MadeRun().write(self.out / "other")

    def expect_one_line(self, name, path):
        code, out, errors = self.run_tool(name)
        self.assertEqual((code, out, errors.count("\n")), (1, "", 1), f"{name}: {out}{errors}")
        self.assertRegex(errors, rf"\A{name.split()[0]}: .*{path}.*: expected .+; ")

    def test_every_tool_takes_every_kind_of_run(self):
        for kind, write in RUNS.items():
            for name in TOOLS:
                if (kind, name) == ("of a regression", "plot.py of boards"):
                    continue  # it draws one loss, the other run has another
                with self.subTest(run=kind, tool=name):
                    self.remake(write)
                    code, out, errors = self.run_tool(name)
                    # Runs that differ in what was not declared are no more comparable than they should be.
                    self.assertIn(code, (0, 4) if name == "compare_runs.py" else (0,), errors)
                    self.assertTrue(out or code == 4)
                    self.assertNotIn("Traceback", errors)
                    self.assertLessEqual(errors.count("\n"), 1, errors)

    def test_a_run_of_the_version_before_gets_one_line(self):
        for name in TOOLS:
            with self.subTest(tool=name):
                self.remake(RUNS["whole"])
                info = json.loads((self.results / "run.json").read_text())
                info["schema_version"] -= 1
                (self.results / "run.json").write_text(json.dumps(info))
                self.expect_one_line(name, "run.json")

    def test_files_of_others_get_one_line(self):
        for file, text in (("run.json", "[]"), ("run.json", "\x00\xff"), ("steps.csv", "a,b\n1,2\n"),
                           ("epochs.csv", "<html>\n<p>\n"), ("steps.csv", "")):
            for name in TOOLS:
                if (text, name) == ("", "watch.py"):
                    continue  # so it is in a run that has just begun
                with self.subTest(file=file, text=text, tool=name):
                    self.remake(RUNS["whole"])
                    (self.results / file).write_text(text)
                    self.expect_one_line(name, file)

    def test_a_folder_that_is_not_there_gets_one_line(self):
        for name in TOOLS:
            with self.subTest(tool=name):
                self.remake(RUNS["whole"])
                shutil.rmtree(self.results)
                self.expect_one_line(name, "results")


if __name__ == "__main__":
    unittest.main()
