#!/usr/bin/python3
"""Tries hostile values on every flag of every subcommand, as the program's own help lists them. BATCHSWEEP_BUILD names
the build whose program runs.

What each value should come to is worked out here a second time: a number is taken if it is written plainly and lies in
the range that help names. All else is refused in one line.
"""

import math
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("BATCHSWEEP_BUILD", REPOSITORY / "build/x86-64")).resolve() / "batchsweep"
COMMANDS = ("run", "plan", "kernels", "roofline", "overhead", "info")
PATIENCE_S = 60
HOSTILE = ["nan", "-nan", "inf", "-inf", "1e400", "-1e400", "1e-400", "-0", "-1", "0", "00", "010", "9223372036854775807",
           "9223372036854775808", "-9223372036854775809", "4000000000", "", " ", "8,,16", ",", "8,", ",8", "[8,,16]",
           "1e3", "0x10", "8 ", " 8", "+8", "8;16", "1,000", "1_000", "a" * 100_000, "9" * 100_000, "a\nb", "\x1b[31mred",
           "\x9b31m", b"\xff\xfe", "%s%n", "ж", "../" * 2000]
# These take any text that is not empty.
NAMES = {"--model", "--data", "--init", "--kernels", "--out"}


def flags():
    """(command, flag, what stands for its value, (low, high, low is too low, 0 is fine)) of each, as help has it."""
    for command in COMMANDS:
        text = subprocess.run([PROGRAM, "help", command], capture_output=True, text=True, check=True).stdout
        for entry in re.split(r"\n(?=  -)", text.split("\n\nExamples:")[0])[1:]:
            name, kind = re.match(r"  (?:-h,)?(--[a-z-]+) ?(N,N,\.\.\.|N|X|NAME)?(?:\s|$)", entry).groups()
            entry = re.sub(r"\s+", " ", entry)
            said = re.search(r"\((0 or )?(from|above) ([\d.,e+]+) (?:to|and up to) ([\d.,e+]+)\)", entry)
            number = (lambda text: float(text.replace(",", "")))
            yield command, name, kind, said and (number(said[3]), number(said[4]), said[2] == "above", bool(said[1]))


def is_taken(flag, kind, span, text):
    if flag in NAMES:
        return text != ""
    if kind == "NAME":
        return False  # a word of a list, none of which is hostile
    if kind == "N,N,..." and isinstance(text, str):
        return all(is_taken(flag, "N", span, part) for part in text.split(","))
    plain = r"-?(0|[1-9]\d*)" if kind == "N" else r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?"
    if not isinstance(text, str) or not re.fullmatch(plain, text, re.ASCII) or re.match("-0", text):
        return False
    value = int(text[:400]) if kind == "N" else float(text)
    low, high, above, or_zero = span
    if value in (math.inf, -math.inf) or value == 0 and re.match(r"[0.]*[1-9]", text):
        return False  # 1e400 and 1e-400 are no numbers of a double's
    return or_zero and value == 0 or value <= high and (value > low if above else value >= low)


class FlagsTest(unittest.TestCase):
    def start(self, arguments, **options):
        return subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def expect_one_line(self, process, about):
        out, error = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, out), (1, b""), (about, error[-300:]))
        self.assertEqual(error.count(b"\n"), 1, (about, error[:3000]))
        self.assertTrue(error.startswith(b"batchsweep: "), (about, error))
        self.assertLess(len(error), 9000, about)  # each of 2,000 bytes escaped
        self.assertFalse(re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", error), (about, error))
        return error.decode("utf-8")

    def test_each_flag_refuses_what_it_does_not_take_in_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            count = 0
            for command, flag, kind, span in flags():
                if kind is None:
                    continue
                self.assertTrue(kind == "NAME" or span, f"help names no range of {command} {flag}")
                for text in HOSTILE:
                    taken = is_taken(flag, kind, span, text)
                    other = [] if flag == "--model" else ["--model", "no-model"]
                    if command not in ("run", "plan", "kernels"):
                        other = []
                        if taken:
                            continue  # it would measure for a while
                    count += 1
                    error = self.expect_one_line(self.start([command, *other, flag, text], cwd=folder), (flag, text[:50]))
                    # Whoever takes it gets as far as the model, which there is not.
                    about = "--model" if taken else flag
                    self.assertIn(f"{about}{' no-model: no such' if taken and flag != '--model' else ''}", error,
                                  (command, flag, text[:50]))
                    if not taken and kind != "NAME":
                        self.assertIn("expected", error)
            self.assertGreater(count, 1000)
            self.assertEqual(os.listdir(folder), [])

    def test_a_flag_without_its_value_and_one_given_twice_are_refused(self):
        for command, flag, kind, _ in flags():
            if kind is None:
                for text in ("8", "false") if flag != "--help" else ():
                    self.assertIn(flag, self.expect_one_line(self.start([command, f"{flag}={text}"]), flag))
                continue
            self.assertIn(flag, self.expect_one_line(self.start([command, flag]), flag))
            if kind != "N,N,...":
                self.assertIn(flag, self.expect_one_line(self.start([command, flag, "1", flag, "1"]), flag))

    def test_words_that_are_no_flags_are_refused_and_shown_escaped(self):
        for words in (["r\nun"], ["\x1b[2J"], ["run", "--\x1b[2J"], ["run", "a\nb"], ["help", "\x1b"], ["models", "show", "\n"],
                      ["a" * 100_000], ["run", "--" + "a" * 100_000], ["run", b"--\xff=1"], ["models", "show", "a" * 100_000]):
            with self.subTest(words=[word[:20] for word in words]):
                self.expect_one_line(self.start(words), words[0][:20])

    def tiny(self, folder, *more):
        return ["run", "--data", "synthetic", "--train-limit", "64", "--val-limit", "16", "--batch-sizes", "8", "--seeds",
                "1", "--out", folder, *more]

    def test_a_folder_may_have_any_name_and_is_shown_escaped(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("new\nline", "\x1b[31mred", b"\xff\xfe", "学習 ж", "tab\there"):
                with self.subTest(name):
                    run = self.start(self.tiny(name, "--steps", "2"), cwd=folder)
                    out, error = run.communicate(timeout=PATIENCE_S)
                    self.assertEqual(run.returncode, 0, error)
                    self.assertFalse(re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", out + error), (out, error))
                    self.assertTrue(out.endswith(b"summary.csv\n"))
                    table, answer, figures = out.strip(b"\n").split(b"\n\n")
                    self.assertEqual(table.count(b"\n") + 1, 3 + 1)
                    self.assertTrue(answer.endswith(b"."), answer)
                    self.assertNotIn(b"\n", figures)
                    again = self.expect_one_line(self.start(self.tiny(name, "--steps", "2"), cwd=folder), name)
                    self.assertIn("holds a run already", again)
            self.expect_one_line(self.start(self.tiny("a" * 100_000), cwd=folder), "long")

    def test_a_model_may_have_any_name_and_is_shown_escaped(self):
        model = subprocess.run([PROGRAM, "models", "show", "mlp"], capture_output=True, text=True, check=True).stdout
        self.assertIn('"name": "dense_1"', model)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "mo\x1b[2Jdel\n.json")
            file.write_text(model)
            for arguments in (["plan", "--data", "synthetic", "--model", file],
                              self.tiny(pathlib.Path(folder, "out"), "--steps", "2", "--model", file)):
                done = self.start(arguments)
                out, error = done.communicate(timeout=PATIENCE_S)
                self.assertEqual(done.returncode, 0, error)
                self.assertFalse(re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", out + error), (out, error))
            file.write_text(model.replace('"name": "dense_1"', r'"name": "den\u001b[2Jse\n1"'))
            self.expect_one_line(self.start(["plan", "--data", "synthetic", "--model", file]), "layer")

    # Both ends of each flag's range, which are taken: they train, until they are interrupted, or are refused in one line
    # for a reason that is not their text.
    ENDS = [["--epochs", "1000000"], ["--steps", "1000000000000"], ["--seconds", "1000000000"], ["--seconds", "1e-300"],
            ["--soak", "1000000"], ["--soak", "1e-300", "--steps", "1"], ["--sample-hz", "1000", "--steps", "50"],
            ["--sample-hz", "0.001", "--steps", "50"], ["--seeds", "10000"], ["--seeds", "1000", "--processes", "1000"],
            ["--processes", "1000", "--epochs", "1"], ["--train-limit", "1000000000"],
            ["--val-limit", "1000000000", "--steps", "1"], ["--batch-sizes", "1000000"],
            ["--memory-limit", "1000000000", "--steps", "1"], ["--memory-limit", "1"], ["--threads", "1024"],
            ["--lr", "1e38", "--steps", "9"], ["--lr", "1e-45", "--steps", "9"],
            ["--optimizer", "sgd", "--momentum", "1", "--steps", "9"],
            ["--optimizer", "adamw", "--weight-decay", "1000000", "--steps", "9"], ["--target-accuracy", "1", "--steps", "9"],
            ["--pin", "65535"], ["--cool-to", "0"], ["--cool-to", "150", "--steps", "1"]]

    def test_the_ends_of_ranges_train_or_are_refused(self):
        for ends in self.ENDS:
            with self.subTest(ends), tempfile.TemporaryDirectory() as folder:
                # The last of two is not taken, so a flag of the ends takes the place of the tiny run's own.
                common = self.tiny(folder)
                for flag in ("--train-limit", "--val-limit", "--batch-sizes", "--seeds"):
                    if flag in ends:
                        at = common.index(flag)
                        del common[at:at + 2]
                run = self.start(common + ends)
                try:
                    run.wait(3)
                except subprocess.TimeoutExpired:
                    run.send_signal(signal.SIGINT)
                _, error = run.communicate(timeout=PATIENCE_S)
                self.assertIn(run.returncode, (0, 1, 2, 130), error[-500:])
                if run.returncode == 1:
                    self.assertEqual(error.count(b"\n"), 1, error)

    def test_a_rule_that_makes_a_learning_rate_no_number_is_refused(self):
        for flags_given, rate in ((["--lr", "1e38", "--lr-rule", "linear", "--batch-sizes", "8,1000"], "inf"),
                                  (["--lr", "1e-45", "--lr-rule", "linear", "--batch-sizes", "8"], " 0 of it")):
            error = self.expect_one_line(self.start(["run", "--data", "synthetic", *flags_given]), flags_given)
            self.assertIn("--lr", error)
            self.assertIn(rate, error)


if __name__ == "__main__":
    unittest.main()
