#!/usr/bin/python3
"""Runs every model of the zoo with two threads and a busy sampler in a program built with ThreadSanitizer, whose
BATCHSWEEP_BUILD names the build.

Our code is instrumented throughout. XNNPACK, pthreadpool and the C++ library come from Debian without; what they do in
calls of the C library is left out by `ignore_noninstrumented_modules`, and how pthreadpool hands work over is told by
src/xnn/thread_pool.cc, so nothing else is suppressed.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ["BATCHSWEEP_BUILD"]).resolve() / "batchsweep"
# A child that has begun to race ends at once, which its parent tells as an error.
ENVIRONMENT = os.environ | {"TSAN_OPTIONS": "halt_on_error=1 ignore_noninstrumented_modules=1"}


class RacesTest(unittest.TestCase):
    def expect_none(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([PROGRAM, "run", "--data", "synthetic", "--train-limit", "64", "--val-limit", "16",
                                  "--batch-sizes", "8,32", "--threads", "2", "--sample-hz", "1000", "--out", folder,
                                  *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if "this process may use 1 of" in run.stderr:
            self.skipTest("there is one core")
        self.assertNotIn("ThreadSanitizer", run.stderr)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_no_model_of_the_zoo_races(self):
        models = subprocess.run([PROGRAM, "models"], env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
        names = [line.split()[0] for line in models.splitlines()[2:] if not line.startswith(" ")]
        self.assertGreater(len(names), 5)
        for name in names:
            with self.subTest(name):
                self.expect_none("--model", name, "--steps", "3")

    def test_no_optimizer_and_no_memory_races(self):
        for arguments in (["--optimizer", "sgd", "--momentum", "0.9", "--nesterov"], ["--optimizer", "adamw"],
                          ["--optimizer", "rmsprop"], ["--memory", "lean"], ["--soak", "0.1"]):
            with self.subTest(arguments):
                self.expect_none("--epochs", "2", *arguments)

    def test_the_ends_of_cells_do_not_race_with_the_sampler(self):
        self.expect_none("--epochs", "1", "--seeds", "15", "--processes", "2")


if __name__ == "__main__":
    unittest.main()
