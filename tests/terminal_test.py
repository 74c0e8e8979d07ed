#!/usr/bin/python3
"""Tests that a run survives whom it talks to: terminals that close or stop, pipes that nobody reads, full disks and
streams that were never open. BATCHSWEEP_BUILD names the build whose program runs.

What a run comes to is compared with that of an undisturbed one: the weights by all their bits, the tables by the
columns that do not depend on time.
"""

import contextlib
import csv
import fcntl
import os
import pathlib
import pty
import signal
import subprocess
import tempfile
import termios
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("BATCHSWEEP_BUILD", REPOSITORY / "build/x86-64")).resolve() / "batchsweep"
TIMELESS = {"batch_size", "threads", "seed", "process", "epoch", "step", "examples", "loss", "accuracy", "train_loss",
            "train_accuracy", "val_loss", "val_accuracy", "steps", "best_val_loss", "final_val_loss", "test_loss"}
# A second of training, give or take: it does not end before it is disturbed.
LONG = ["--epochs", "150"]
SHORT = ["--epochs", "3"]
PATIENCE_S = 120


def contents(folder):
    """Of a results folder, what must not depend on what happened on the way."""
    found = {path.name: path.read_bytes() for path in (folder / "weights").iterdir()}
    for name in ("steps.csv", "epochs.csv", "summary.csv"):
        with open(folder / name, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found[name] = [{key: value for key, value in row.items() if key in TIMELESS} for row in rows]
        assert all(None not in row and None not in row.values() for row in rows), f"a torn row in {name}"
    return found


def arguments(folder, length, *more):
    return [str(PROGRAM), "run", "--data", "synthetic", "--train-limit", "1000", "--val-limit", "100",
            "--batch-sizes", "8,32", "--seeds", "1", "--out", str(folder), *length, *more]


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def has_rows(folder):
    file = folder / "steps.csv"
    return file.exists() and file.stat().st_size > 20_000


class Terminal:
    """A terminal, and a program that it belongs to, as its own session's leader unless it is `somebody_elses`."""

    def __init__(self, command, somebody_elses=False, prepare=lambda: None):
        self.master, slave = pty.openpty()

        def start():
            os.setsid()
            if not somebody_elses:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            prepare()

        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, preexec_fn=start,
                                        env=os.environ | {"TERM": "xterm"})
        os.close(slave)

    def close(self):
        if self.master is not None:
            os.close(self.master)
        self.master = None

    def read_until_end(self):
        with contextlib.suppress(OSError):
            while os.read(self.master, 1 << 16):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class SweepTest(unittest.TestCase):
    def setUp(self):
        # Whoever runs the tests by nohup has it ignored, and programs started from here would, too.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.out = self.scratch / "results"

    def undisturbed(self, length):
        folder = self.scratch / "undisturbed"
        subprocess.run(arguments(folder, length), capture_output=True, check=True, timeout=PATIENCE_S)
        return contents(folder)

    def shell(self, redirection, length, *more):
        """Exit code of a run as a shell starts it."""
        command = " ".join(arguments(self.out, length, *more))
        return subprocess.run(["sh", "-c", f"exec {command} {redirection}"], check=False, timeout=PATIENCE_S,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def expect_same_after_resuming(self, length):
        self.assertTrue(has_rows(self.out))
        summary = self.out / "summary.csv"
        self.assertLess(len(summary.read_text().splitlines()), 3, "it was over before it was disturbed")
        subprocess.run(arguments(self.out, length, "--resume"), capture_output=True, check=True, timeout=PATIENCE_S)
        self.assertEqual(contents(self.out), self.undisturbed(length))


class StreamsTest(SweepTest):
    def test_a_run_is_not_disturbed_by_streams_that_take_nothing(self):
        expected = self.undisturbed(SHORT)
        for redirection in ("2>/dev/full", ">/dev/full", ">/dev/full 2>&1", "2>&-", ">&-", ">&- 2>&-",
                            "<&- >&- 2>&-", "<&-"):
            with self.subTest(redirection):
                self.out = self.scratch / f"results {redirection}".replace("/", "-").replace(" ", "_").translate(
                    str.maketrans("<>&", "ioa"))
                self.assertEqual(self.shell(redirection, SHORT), 0)
                # Nothing that was meant for a stream stands in a file that got its number.
                self.assertEqual(contents(self.out), expected)
                for file in ("run.json", "steps.csv", "epochs.csv", "summary.csv"):
                    self.assertNotIn("/step", (self.out / file).read_text())

    def test_a_run_goes_on_when_nobody_reads_what_it_says(self):
        expected = self.undisturbed(SHORT)
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(arguments(self.out, SHORT), stdout=writing, stderr=writing, check=False,
                              timeout=PATIENCE_S)
        os.close(writing)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(contents(self.out), expected)

    def test_a_run_goes_on_behind_head(self):
        expected = self.undisturbed(SHORT)
        command = " ".join(arguments(self.out, SHORT))
        script = f"({command} 2>&1; echo $? >{self.scratch}/code) | head -1"
        done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, timeout=PATIENCE_S)
        self.assertEqual(done.stdout.count(b"\n"), 1)
        self.assertEqual((self.scratch / "code").read_text(), "0\n")
        self.assertEqual(contents(self.out), expected)

    def test_output_that_is_all_a_command_is_for_must_be_written(self):
        commands = [["plan", "--data", "synthetic"], ["info"], ["info", "--json"], ["models"], ["models", "show", "mlp"],
                    ["version"], ["--version"], ["help"], ["--help"], ["help", "run"], ["run", "--help"], ["roofline"],
                    arguments(self.out, SHORT, "--json")[1:]]
        for command in commands:
            for redirection in (">/dev/full", ">&-", "| true"):
                with self.subTest(command=command, redirection=redirection):
                    # The shell's own pipe is read by nobody once `true` has ended.
                    wait = "sleep 0.2; " if redirection.startswith("|") else ""
                    script = (f"({wait}{PROGRAM} {' '.join(command)} 2>{self.scratch}/err {redirection[:2] * (not wait)}"
                              f"{redirection[2:] * (not wait)}; echo $? >{self.scratch}/code) {redirection * bool(wait)}")
                    subprocess.run(["sh", "-c", script], check=True, timeout=PATIENCE_S)
                    error = (self.scratch / "err").read_text()
                    self.assertEqual((self.scratch / "code").read_text(), "1\n", error)
                    lines = [line for line in error.splitlines() if line.startswith("batchsweep: ")]
                    self.assertEqual(len(lines), 1, error)
                    self.assertIn("cannot write to standard output: ", lines[0])
                    if command[0] == "run":
                        self.assertTrue((self.out / "summary.csv").exists() or "--help" in command)
                        subprocess.run(["rm", "-rf", self.out], check=True)
                    else:
                        self.assertEqual(error.count("\n"), 1)

    def test_an_error_is_one_line_and_1_whatever_becomes_of_it(self):
        for redirection in ("", "2>/dev/full", "2>&-", ">&-", ">/dev/full"):
            with self.subTest(redirection):
                self.assertEqual(self.shell(redirection, ["--epochs", "0"]), 1)


class TerminalTest(SweepTest):
    def test_a_terminal_that_closes_stops_a_run_that_can_be_gone_on_with(self):
        with Terminal(arguments(self.out, LONG)) as terminal:
            wait_until(lambda: has_rows(self.out))
            terminal.close()
            self.assertEqual(terminal.process.wait(PATIENCE_S), 130)
        self.expect_same_after_resuming(LONG)

    def test_a_second_hangup_does_not_end_what_the_first_one_stops(self):
        with Terminal(arguments(self.out, LONG)) as terminal:
            wait_until(lambda: has_rows(self.out))
            for _ in range(20):
                terminal.process.send_signal(signal.SIGHUP)
            self.assertEqual(terminal.process.wait(PATIENCE_S), 130)
        self.expect_same_after_resuming(LONG)

    def test_a_terminal_of_another_session_that_closes_is_no_reason_to_stop(self):
        with Terminal(arguments(self.out, LONG), somebody_elses=True) as terminal:
            wait_until(lambda: has_rows(self.out))
            terminal.close()
            self.assertEqual(terminal.process.wait(PATIENCE_S), 0)
        self.assertEqual(contents(self.out), self.undisturbed(LONG))

    def test_nohup_outlives_its_terminal(self):
        os.mkdir(self.scratch / "cwd")
        for command in (["nohup"], []):
            self.out = self.scratch / f"results{len(command)}"
            with self.subTest(command):
                prepare = (lambda: os.chdir(self.scratch / "cwd")) if command else (
                    lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
                with Terminal(command + arguments(self.out, LONG), prepare=prepare) as terminal:
                    wait_until(lambda: has_rows(self.out))
                    terminal.process.send_signal(signal.SIGHUP)
                    terminal.close()
                    self.assertEqual(terminal.process.wait(PATIENCE_S), 0)
                self.assertEqual(contents(self.out), self.undisturbed(LONG))
                subprocess.run(["rm", "-rf", self.scratch / "undisturbed"], check=True)

    def test_an_interrupt_stops_a_background_job_of_a_script(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.out = self.scratch / f"results{number}"
            with self.subTest(number):
                job = subprocess.Popen(arguments(self.out, LONG), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
                wait_until(lambda: has_rows(self.out))
                job.send_signal(number)
                self.assertEqual(job.wait(PATIENCE_S), 130)
                self.expect_same_after_resuming(LONG)
                subprocess.run(["rm", "-rf", self.scratch / "undisturbed"], check=True)

    def test_a_terminal_that_takes_no_text_does_not_hold_up_a_run(self):
        for stopped in (False, True):
            self.out = self.scratch / f"results{stopped}"
            with self.subTest(stopped=stopped), Terminal(arguments(self.out, LONG)) as terminal:
                # It is not read; there is room for 64 KiB or less, and for nothing at all if it is stopped.
                if stopped:
                    os.write(terminal.master, b"\x13")  # Ctrl-S
                wait_until(lambda: (self.out / "summary.csv").exists()
                           and len((self.out / "summary.csv").read_text().splitlines()) == 3)
                # Standard output is waited for: it is what the run was for.
                os.write(terminal.master, b"\x11")  # Ctrl-Q
                terminal.read_until_end()
                self.assertEqual(terminal.process.wait(PATIENCE_S), 0)

    def test_an_interrupt_between_rounds_is_not_lost(self):
        rounds = ["--epochs", "1", "--processes", "40"]
        for number in range(6):
            self.out = self.scratch / f"results{number}"
            with self.subTest(number=number):
                run = subprocess.Popen(arguments(self.out, rounds), stderr=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL)
                wait_until(lambda: (self.out / "summary.csv").exists()
                           and len((self.out / "summary.csv").read_text().splitlines()) > 2 + number)
                time.sleep(0.003 * number)
                run.send_signal(signal.SIGINT)
                self.assertEqual(run.wait(PATIENCE_S), 130)
                self.assertLess(len((self.out / "summary.csv").read_text().splitlines()), 30)


if __name__ == "__main__":
    unittest.main()
