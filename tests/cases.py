#!/usr/bin/python3
"""Gives each test case of a Python file an entry of its own in ctest.

  cases.py list FILE          prints its cases, Class.test_name, one a line
  cases.py run FILE CASE      runs one of them
  cases.py skipped REPORT     says why tests were skipped, from ctest's --output-junit

`run` ends with 0 if the case passed, with 77 if it was skipped, whose reason is
printed, and with 1 otherwise: also where there is no such case, and where the
file has one that `list` does not find.
"""

import ast
import importlib.util
import pathlib
import sys
import unittest
import xml.etree.ElementTree

SKIPPED = 77


def cases_in(file):
    """By the text alone: when tests are listed, what they import need not be installed."""
    return [f"{group.name}.{case.name}" for group in ast.parse(file.read_text()).body if isinstance(group, ast.ClassDef)
            for case in group.body if isinstance(case, ast.FunctionDef) and case.name.startswith("test")]


def load(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ids_of(suite):
    for test in suite:
        yield from ids_of(test) if isinstance(test, unittest.TestSuite) else [test.id()]


def run(file, case):
    module = load(file)
    loader = unittest.defaultTestLoader
    unlisted = set(ids_of(loader.loadTestsFromModule(module))) - {f"{file.stem}.{each}" for each in cases_in(file)}
    if unlisted:
        print(f"{file}: ctest would never run {', '.join(sorted(unlisted))}: expected each case in its own class")
        return 1
    if case not in cases_in(file):
        print(f"{file}: no case {case}: expected one that `list` prints")
        return 1
    result = unittest.TextTestRunner(verbosity=2).run(loader.loadTestsFromName(case, module))
    if not result.wasSuccessful():
        return 1
    for _, reason in result.skipped:
        print(f"skipped: {reason}")
    return SKIPPED if result.skipped else 0


def reason_in(output):
    """As `run`, tests/on_board.sh or Catch2 gives it."""
    lines = [line.strip() for line in (output or "").splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if line.startswith("skipped: "):
            return line.removeprefix("skipped: ")
        if line.endswith(": SKIPPED:"):  # by Catch2: "explicitly with message:" and the reason follow
            return "".join(lines[number + 2:number + 3])
    return "it does not say why"


def print_skipped(report):
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            print(f"skipped: {case.get('name')}: {reason_in(case.findtext('system-out'))}")
    return 0


def main(command, file, *case):
    if command == "list":
        print("\n".join(cases_in(pathlib.Path(file))))
        return 0
    return run(pathlib.Path(file), *case) if command == "run" else print_skipped(file)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
