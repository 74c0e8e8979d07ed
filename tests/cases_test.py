#!/usr/bin/python3
"""Tests that cases.py calls nothing passed that ran nothing."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CASES = pathlib.Path(__file__).resolve().parent / "cases.py"
FILE = '''
import unittest

class FirstTest(unittest.TestCase):
    def test_passes(self):
        pass
    def test_fails(self):
        self.fail("no")
    def test_skips(self):
        self.skipTest("no such thing here")
    def helper(self):
        pass

@unittest.skipUnless(False, "nothing of it here")
class SecondTest(unittest.TestCase):
    def test_passes(self):
        pass
'''
REPORT = '''<testsuite>
<testcase name="ran"><system-out>fine</system-out></testcase>
<testcase name="of Python"><skipped/><system-out>test_x ... skipped 'no sshd'
OK (skipped=1)
skipped: no sshd
</system-out></testcase>
<testcase name="of Catch2"><skipped/><system-out>Filters: x

tests/x_test.cc:15: SKIPPED:
explicitly with message:
  there is one core

test cases: 1 | 1 skipped
</system-out></testcase>
<testcase name="silent"><skipped/></testcase>
</testsuite>
'''


class CasesTest(unittest.TestCase):

    def cases(self, command, *case, text=FILE):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "made_test.py"
            file.write_text(text)
            done = subprocess.run([sys.executable, "-B", CASES, command, file, *case], capture_output=True, text=True)
        return done.returncode, done.stdout

    def test_every_case_is_listed(self):
        self.assertEqual(self.cases("list"),
                         (0, "FirstTest.test_passes\nFirstTest.test_fails\nFirstTest.test_skips\nSecondTest.test_passes\n"))

    def test_a_case_passes_or_fails(self):
        self.assertEqual(self.cases("run", "FirstTest.test_passes")[0], 0)
        self.assertEqual(self.cases("run", "FirstTest.test_fails")[0], 1)

    def test_a_case_that_is_skipped_says_so_and_why(self):
        self.assertEqual(self.cases("run", "FirstTest.test_skips"), (77, "skipped: no such thing here\n"))
        self.assertEqual(self.cases("run", "SecondTest.test_passes"), (77, "skipped: nothing of it here\n"))

    def test_what_runs_nothing_fails(self):
        for case in ("FirstTest.test_none", "NoTest", "FirstTest.helper"):
            self.assertEqual(self.cases("run", case)[0], 1, case)
        empty = FILE + "\nclass ThirdTest(unittest.TestCase):\n    pass\n"
        self.assertEqual(self.cases("run", "ThirdTest", text=empty)[0], 1)

    def test_a_case_that_is_not_listed_fails_the_others(self):
        inherited = FILE + "\nclass ThirdTest(FirstTest):\n    pass\n"
        code, said = self.cases("run", "FirstTest.test_passes", text=inherited)
        self.assertEqual(code, 1)
        self.assertIn("ctest would never run made_test.ThirdTest.test_fails, ", said)

    def test_reasons_are_found_in_what_tests_print(self):
        self.assertEqual(self.cases("skipped", text=REPORT), (0, "skipped: of Python: no sshd\n"
                                                               "skipped: of Catch2: there is one core\n"
                                                               "skipped: silent: it does not say why\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
