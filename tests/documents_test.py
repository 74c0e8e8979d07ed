#!/usr/bin/python3
"""Tests that the pages of the repository say what is there. BATCHSWEEP_BUILD names the
build whose program writes the tables."""

import csv
import fnmatch
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BATCHSWEEP_BUILD", REPOSITORY / "build/x86-64"))
PAGES = [path for path in REPOSITORY.rglob("*.md") if not {"build", ".git"} & set(path.relative_to(REPOSITORY).parts)]


def section(page, heading):
    """The text of a page between a heading and the next of its level."""
    level = heading.split()[0]
    return re.split(rf"^{level} ", page.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def names_in_first_column(text):
    """The `names` in the first cells of the tables of a text, in their order."""
    rows = re.findall(r"^\| (`[^|]*) \|", text, flags=re.M)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


class DocumentsTest(unittest.TestCase):
    def test_links_lead_to_files(self):
        self.assertGreater(len(PAGES), 4)
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
                if not re.match(r"[a-z]+:", target):
                    self.assertTrue((page.parent / target).exists(), f"{page}: {target}")

    def test_the_first_page_is_short(self):
        self.assertLessEqual(len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()), 200)

    def test_folders_and_files_that_pages_name_are_there(self):
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            for name in re.findall(r"`((?:platform|src|tests|tools|toolchains)/[\w./-]*)", text):
                self.assertTrue((REPOSITORY / name).exists(), f"{page}: {name}")

    def test_every_column_of_the_tables_is_told_of_and_no_other(self):
        page = (REPOSITORY / "src/record/README.md").read_text(encoding="utf-8")
        cell = [name for name in names_in_first_column(page.split("\n## ")[0]) if "." not in name and "/" not in name]
        self.assertEqual(cell, ["batch_size", "seed", "threads", "process"])
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([BUILD / "batchsweep", "run", "--data", "synthetic", "--train-limit", "40", "--batch-sizes",
                            "8", "--epochs", "1", "--seeds", "1", "--out", out], check=True, capture_output=True)
            for table in ("steps.csv", "epochs.csv", "summary.csv"):
                with open(pathlib.Path(out) / table, encoding="utf-8", newline="") as file:
                    header = next(csv.reader(file))
                told = cell + names_in_first_column(section(page, f"## {table}"))
                self.assertEqual(sorted(told), sorted(header), table)
            files = set(names_in_first_column(page.split("\n\nThe four columns")[0]))
            for path in pathlib.Path(out).iterdir():
                self.assertIn(path.name + "/" * path.is_dir(), files)

    def test_every_step_flag_is_told_of_and_known_to_the_pictures(self):
        header = (REPOSITORY / "src/measure/step_flags.h").read_text(encoding="utf-8")
        flags = re.findall(r'return "(\w+)";', header)
        self.assertGreater(len(flags), 5)
        page = (REPOSITORY / "src/record/README.md").read_text(encoding="utf-8")
        words = (REPOSITORY / "tools/plotting/words.py").read_text(encoding="utf-8")
        doubtful = re.findall(r'"(\w+)"', re.search(r"^DOUBTFUL = \[(.*?)\]", words, re.DOTALL | re.MULTILINE)[1])
        for flag in flags:
            self.assertIn(f"`{flag}`", section(page, "## Whether to believe it"), flag)
            if flag not in ("warmup", "part_batch"):  # which are of the step's own kind
                self.assertIn(flag, doubtful)

    def test_each_data_format_is_carried_to_boards(self):
        source = (REPOSITORY / "src/data/source.cc").read_text(encoding="utf-8")
        table = re.search(r"kFormats\[\] = \{(.*?)\n\};", source, re.DOTALL)[1]
        # The first files that each format needs, as its row names them to people.
        rows = re.findall(r'\{"\w+",\s*"([^}]*?)",\s*Is', table)
        self.assertEqual(len(rows), table.count("{"))
        deploy = (REPOSITORY / "tools/deploy.sh").read_text(encoding="utf-8")
        patterns = re.findall(r"-name '(\*[^']*)'", section_of_function(deploy, "data_files"))
        for row in rows:
            name = row.split()[0]
            self.assertTrue(any(fnmatch.fnmatch(name, pattern) for pattern in patterns), f"{name}: {patterns}")


def section_of_function(script, name):
    return re.search(rf"^{name}\(\) \{{(.*?)^\}}", script, re.DOTALL | re.MULTILINE)[1]


if __name__ == "__main__":
    unittest.main()
