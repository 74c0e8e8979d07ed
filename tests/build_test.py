#!/usr/bin/python3
"""Tests that the table of boards, the presets, the scripts that build and the guides agree with each other."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
TABLE = REPOSITORY / "tools/boards.txt"
BOARDS = [line.split(None, 6) for line in TABLE.read_text().splitlines() if not line.startswith("#")]
PRESETS = json.loads((REPOSITORY / "CMakePresets.json").read_text())


def shell(command):
    return subprocess.run(["sh", "-c", f"set -eu; . tools/build.sh; {command}"], cwd=REPOSITORY, capture_output=True,
                          text=True)


class BoardsTest(unittest.TestCase):

    def test_each_line_has_all_columns(self):
        self.assertGreaterEqual(len(BOARDS), 8)
        for board in BOARDS:
            with self.subTest(board=board):
                name, _, midr, arm64, armhf, pattern, _ = board
                self.assertRegex(name, r"\A[a-z][a-z0-9-]*\Z")
                self.assertRegex(midr, r"\A0x[0-9a-f]{8}\Z")
                self.assertNotEqual((arm64, armhf), ("-", "-"))
                re.compile(pattern)
        names = [board[0] for board in BOARDS]
        self.assertEqual(len(names), len(set(names)))

    def test_each_core_is_one_that_the_program_names(self):
        source = (REPOSITORY / "platform/linux/cpu_names.cc").read_text()
        for board in BOARDS:
            self.assertIn(f'"{board[1]}"', source, board)

    def test_guides_name_boards_of_the_table(self):
        names = {board[0] for board in BOARDS}
        for guide in ("README.md", "tools/deploy/README.md"):
            text = (REPOSITORY / guide).read_text()
            # As a name in code stands: not pi@host, not a file.
            said = set(re.findall(r"(?<![\w@/.-])(?:pi\d\w*|pi-\w[\w-]*|jetson-\w+)(?![\w@/-])", text))
            self.assertLessEqual(said, names, guide)


class PresetsTest(unittest.TestCase):

    def test_scripts_know_every_preset_and_no_other(self):
        for preset in PRESETS["configurePresets"]:
            if not preset.get("hidden"):
                self.assertEqual(shell(f"architecture_of {preset['name']}").returncode, 0, preset["name"])
        for unknown in ("pi5", "x86", "''", "base"):
            said = shell(f"architecture_of {unknown}")
            self.assertEqual((said.returncode, said.stdout), (1, ""))
            self.assertRegex(said.stderr, r"\Abatchsweep: no preset .*: expected x86-64, x86-64-asan, x86-64-tsan, aarch64 or armv7\n\Z")

    def test_every_preset_can_be_built_and_tested_and_its_bundle_made(self):
        names = [preset["name"] for preset in PRESETS["configurePresets"] if not preset.get("hidden")]
        self.assertEqual(names, ["x86-64", "x86-64-asan", "x86-64-tsan", "aarch64", "armv7"])
        for kind in ("buildPresets", "testPresets", "workflowPresets"):
            self.assertEqual([each["name"] for each in PRESETS[kind] if not each.get("hidden")], names, kind)

    def test_building_an_unknown_preset_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            for command in ("build_preset pi9", f"bundle_preset pi9 {folder}/bundle"):
                said = shell(f"{command}; echo went on")
                self.assertEqual((said.returncode, said.stdout), (1, ""))
                self.assertIn("no preset pi9: expected x86-64, ", said.stderr)

    def test_architectures_have_a_preset_by_either_name(self):
        for names, preset in ((("amd64", "x86_64"), "x86-64"), (("arm64", "aarch64"), "aarch64"),
                              (("armhf", "armv7l", "armv8l"), "armv7")):
            for name in names:
                self.assertEqual(shell(f"preset_of {name}").stdout, f"{preset}\n")
        said = shell("preset_of riscv64")
        self.assertEqual((said.returncode, said.stderr),
                         (1, "batchsweep: no build for riscv64: expected amd64, arm64 or armhf\n"))

    def test_set_up_refuses_what_it_does_not_know(self):
        said = subprocess.run([REPOSITORY / "tools/setup.sh", "pi5"], capture_output=True, text=True)
        self.assertEqual((said.returncode, said.stdout), (1, ""))
        self.assertEqual(said.stderr, "setup: no target 'pi5': expected amd64, arm64, armhf, tests or checks\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
