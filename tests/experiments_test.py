#!/usr/bin/python3
"""Tests tools/experiments on made-up results, and its shell script by running it for a few steps."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BATCHSWEEP_BUILD", REPOSITORY / "build/x86-64"))
sys.dont_write_bytecode = True
sys.path.insert(0, str(REPOSITORY / "tools" / "experiments"))
import steps_to_target  # noqa: E402
from made_run import MadeRun  # noqa: E402


class StepsToTargetTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def table_of(self, steps):
        """The lines for {batch size: the steps of each seed, None where one did not get there}."""
        made = MadeRun(sizes=tuple(steps), seeds=tuple(range(1, 1 + max(map(len, steps.values())))))
        for row in made.tables["summary"]:
            found = steps[row["batch_size"]][row["seed"] - 1]
            row["steps_to_target"] = "" if found is None else found
        made.write(self.folder)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(steps_to_target.main([str(self.folder)]), 0)
        return out.getvalue().splitlines()

    def test_the_fit_finds_what_made_the_numbers(self):
        least, noise = steps_to_target.fit({size: 50 * (1 + 300 / size) for size in (8, 32, 128, 512)})
        self.assertAlmostEqual(least, 50)
        self.assertAlmostEqual(noise, 300)

    def test_the_fit_of_what_was_published_is_the_published_one(self):
        fits = {name: steps_to_target.fit(column) for name, column in steps_to_target.PUBLISHED.items()}
        self.assertEqual({name: tuple(map(round, found)) for name, found in fits.items()},
                         {"PyTorch": (73, 259), "JAX": (41, 368)})

    def test_two_batch_sizes_have_no_fit(self):
        self.assertIsNone(steps_to_target.fit({8: 100, 32: 50, 2048: 10}))

    def test_a_batch_size_is_between_the_published_ones_or_a_factor_outside(self):
        self.assertEqual(steps_to_target.deviation(8, 2000), 1)
        self.assertAlmostEqual(steps_to_target.deviation(8, 995), 2)
        self.assertAlmostEqual(steps_to_target.deviation(2048, 180), 1.5)
        self.assertIsNone(steps_to_target.deviation(64, 100))

    def test_the_table_has_the_median_of_the_seeds_and_their_range(self):
        lines = self.table_of({8: [2000, 2400, 1000], 32: [980, 1280, 990]})
        self.assertRegex(lines[2], r"^ +8 +2000  \(1000 to 2400\) +2510 +1990  between$")
        self.assertRegex(lines[3], r"^ +32 +990  \(980 to 1280\) +640 +490  1\.55 times outside$")
        self.assertLessEqual(max(map(len, lines[:4])), 80)

    def test_seeds_that_did_not_get_there_count_as_the_slowest(self):
        lines = self.table_of({8: [2000, None, 2500], 32: [None, None, 500]})
        self.assertRegex(lines[2], r"^ +8 +2500 .*between, 1 did not get there$")
        self.assertRegex(lines[3], r"^ +32  not reached ")

    def test_a_folder_without_results_gets_one_line(self):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(steps_to_target.main([str(self.folder / "none")]), 1)
        self.assertRegex(said.getvalue(), r"\Asteps_to_target\.py: .*: no such folder: expected .*\n\Z")

    def test_the_program_stops_at_the_target_and_has_the_step(self):
        model = REPOSITORY / "tools/experiments/steps_to_target.json"
        subprocess.run([BUILD / "batchsweep", "run", "--model", model, "--data", "synthetic", "--train-limit", "64",
                        "--val-limit", "10", "--batch-sizes", "8", "--seeds", "1", "--steps", "40", "--val-every", "2",
                        "--target-loss", "1e6", "--stop-at-target", "--out", self.folder / "out"],
                       check=True, capture_output=True)
        results = steps_to_target.load(self.folder / "out")
        self.assertEqual(results.summary.steps_to_target.tolist(), [2])
        self.assertEqual(len(results.steps), 2)
        self.assertEqual(results.run["model"]["keras_name"], json.loads(model.read_text())["config"]["name"])


if __name__ == "__main__":
    unittest.main()
