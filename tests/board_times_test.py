"""tools/board_times.sh, on a summary and a model of its own."""

import pathlib
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SUMMARY = "batch_size,seed,limit_fraction,step_time_median_ns\n8,1,,1499600\n32,1,0.5,3000000.0\n128,1,,\n"
MODELLED = "board,model,batch_size,model_us\npi3,mlp,8,1000\npi3,mlp,128,5\npi4,mlp,32,7\n"


class BoardTimesTest(unittest.TestCase):
    def times(self, said, summary=SUMMARY):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "summary.csv").write_text(summary)
            (folder / "boards.csv").write_text(MODELLED)
            return subprocess.run([REPOSITORY / "tools/board_times.sh", REPOSITORY / "tools/boards.txt",
                                   folder / "boards.csv", said, f"mlp={folder}"],
                                  capture_output=True, text=True, check=False)

    def test_measured_times_stand_beside_the_boards_own_model(self):
        done = self.times("raspberrypi,3-model-b brcm,bcm2837 Raspberry Pi 3 Model B Rev 1.2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("computed for pi3, not measured", done.stdout)
        self.assertEqual([line.split() for line in done.stdout.splitlines()[1:]],
                         [["model", "batch", "measured", "modelled", "ratio"], ["mlp", "8", "1500", "1000", "1.50"],
                          ["mlp", "32", "3000", "-", "-"], ["mlp", "128", "-", "5", "-"]])

    def test_a_board_without_a_model_has_what_was_measured_alone(self):
        for said, name in (("nvidia,p3668 nvidia,tegra194", "jetson-xavier"), ("", "this machine")):
            done = self.times(said)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"there is no model of {name}:", done.stdout)
            self.assertEqual([line.split() for line in done.stdout.splitlines()[1:]],
                             [["model", "batch", "measured"], ["mlp", "8", "1500"], ["mlp", "32", "3000"],
                              ["mlp", "128", "-"]])

    def test_a_summary_without_the_times_is_refused_in_one_line(self):
        done = self.times("", "batch_size,seed\n8,1\n")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "board_times: no column step_time_median_ns: "
                                      "expected a summary.csv of this program\n")


if __name__ == "__main__":
    unittest.main()
