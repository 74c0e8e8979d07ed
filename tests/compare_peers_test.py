#!/usr/bin/python3
"""Tests how tools/compare runs its peers: fakes of them, which need no framework, and the one that is NumPy alone."""

import contextlib
import io
import json
import math
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools" / "compare"
ZOO = TOOLS.parent.parent / "src" / "model" / "zoo"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOOLS))
import bench  # noqa: E402
import compare  # noqa: E402
import frameworks  # noqa: E402
import generate  # noqa: E402
import keras_graph  # noqa: E402
import machine  # noqa: E402
import peer  # noqa: E402
import peer_jax  # noqa: E402
import peer_numpy  # noqa: E402
import summary  # noqa: E402

# Writes the losses that the peers' stand-in has too.
BATCHSWEEP = f"""#!{sys.executable}
import json, pathlib, sys
flags = dict(zip(sys.argv[2:], sys.argv[3:]))
out = pathlib.Path(flags["--out"])
out.mkdir()
rows = [f"{{step}},2.5,{{1000 * step}},4096" for step in range(1, int(flags["--steps"]) + 1)]
(out / "steps.csv").write_text("\\n".join(["step,loss,step_time_ns,peak_rss_bytes"] + rows) + "\\n")
(out / "run.json").write_text(json.dumps({{"program": {{"version": "9", "git_revision": "abc", "kernels_isa": "neon",
                                                       "xnnpack_version": "1"}}}}))
"""
# A Python that runs no script, but reports on the job at once: 30 us a step, less with Adam's variant `foreach`; it has
# no variant `fused`. Keeps its jobs in jobs.txt beside it.
PYTHON = f"""#!{sys.executable}
import json, os, pathlib, sys
job = json.loads(pathlib.Path(sys.argv[2]).read_text())
job["variables"] = {{name: value for name, value in os.environ.items() if "OPENBLAS" in name}}
with open(pathlib.Path(__file__).parent / "jobs.txt", "a") as jobs:
    print(json.dumps(job), file=jobs)
if job["choices"].get("adam") == "fused":
    sys.exit("RuntimeError: fused: no such variant")
us = 20 if job["choices"].get("adam") == "foreach" else 30
count = job["steps"] - job["warmup"]
pathlib.Path(job["report"]).write_text(json.dumps({{
    "losses": [2.5] * job["steps"], "step_times_ns": [1000 * us] * count, "timed_ns": 1000 * us * count,
    "timed_steps": count, "startup_time_ns": 1, "peak_rss_bytes": 1 << 20, "version": "Fake 1"}}))
"""


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class RunTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.environments = self.folder / "environments"
        self.python = self.environments / "torch" / "bin" / "python"
        write_program(self.folder / "batchsweep", BATCHSWEEP)
        for where, name, value in ((frameworks, "ENVIRONMENTS", self.environments),
                                   (frameworks, "SYSTEM_PYTHON", self.folder / "absent"),
                                   (machine, "LOOK_SECONDS", 0.02)):
            self.enter(mock.patch.object(where, name, value))
        self.enter(mock.patch.dict("os.environ", {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_L2_SIZE": "512"}))
        frameworks.has_module.cache_clear()

    def enter(self, patch):
        patch.start()
        self.addCleanup(patch.stop)

    def run_main(self, *arguments):
        """(exit code, stdout, stderr) of a comparison of the mlp at batch size 4."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
            code = compare.main(["--batchsweep", str(self.folder / "batchsweep"), "--out", str(self.folder / "out"),
                                 "--data", "generated", "--model", str(ZOO / "mlp.json"), "--steps", "12", "--warmup",
                                 "2", "--batch-sizes", "4", *arguments])
        return code, out.getvalue(), errors.getvalue()

    def jobs(self, python=None):
        return [json.loads(line) for line in ((python or self.python).parent / "jobs.txt").read_text().splitlines()]

    def test_the_fastest_way_is_chosen_in_trials_before_the_first_round(self):
        write_program(self.python, PYTHON)
        code, out, errors = self.run_main("--frameworks", "batchsweep,torch-eager", "--rounds", "2")
        self.assertEqual(code, 0, errors)
        trials = [job["choices"]["adam"] for job in self.jobs()]
        self.assertEqual(trials, ["fused", "foreach", "default", "foreach", "foreach"])
        self.assertEqual([job["steps"] for job in self.jobs()], [22, 22, 22, 12, 12])
        self.assertRegex(out, r"torch-eager: Fake 1, in .*environments/torch; fastest with adam=foreach\n")
        self.assertRegex(out, r"torch-eager +4 +20\.0 ")

    def test_a_way_that_fails_does_not_spoil_the_trials_of_the_other_choices(self):
        write_program(self.python, PYTHON)
        code, out, errors = self.run_main("--frameworks", "batchsweep,torch-eager", "--rounds", "1", "--model",
                                          str(ZOO / "cnn.json"))
        self.assertEqual(code, 0, errors)
        self.assertIn("fastest with adam=foreach channels_last=False", out)
        self.assertEqual([job["choices"]["channels_last"] for job in self.jobs()], [False, False, False, True, False])

    def test_a_peer_none_of_whose_ways_work_is_missing_with_the_reason(self):
        write_program(self.python, PYTHON.replace('== "fused"', "!= 1"))
        _, out, _ = self.run_main("--frameworks", "batchsweep,torch-eager")
        self.assertIn("torch-eager is missing: failed with exit code 1: RuntimeError: fused: no such variant", out)

    def test_the_wall_clock_time_is_of_the_whole_process(self):
        write_program(self.python, PYTHON.replace("import json", "import time; time.sleep(0.2)\nimport json"))
        self.run_main("--frameworks", "batchsweep,torch-eager", "--rounds", "1")
        text = (self.folder / "out" / "comparison.csv").read_text(encoding="utf-8").splitlines()
        row = dict(zip(text[0].split(","), text[2].split(",")))
        self.assertEqual(row["framework"], "torch-eager")
        self.assertGreaterEqual(int(row["wall_time_ns"]), 200_000_000)

    def test_a_pinned_environment_runs_without_what_is_set_for_old_libraries(self):
        write_program(self.python, PYTHON)
        self.run_main("--frameworks", "batchsweep,torch-eager", "--rounds", "1")
        self.assertEqual(self.jobs()[0]["variables"], {"OPENBLAS_NUM_THREADS": "1"})

    def test_the_systems_python_serves_where_no_environment_was_made(self):
        system = self.folder / "usr" / "bin" / "python3"
        write_program(system, PYTHON.replace("import json", 'import sys\nif sys.argv[1] == "-c": '
                                             'sys.exit(sys.argv[3] != "torch")\nimport json', 1))
        with mock.patch.object(frameworks, "SYSTEM_PYTHON", system):
            code, out, errors = self.run_main("--frameworks", "batchsweep,torch-eager,jax-scan", "--rounds", "1")
        self.assertEqual(code, 0, errors)
        self.assertIn(f"torch-eager: Fake 1, in the system's {system}; fastest", out)
        self.assertIn("jax-scan is missing: jax is not installed", out)
        # Its libraries may be the old ones that need the override.
        self.assertEqual(self.jobs(system)[0]["variables"]["OPENBLAS_CORETYPE"], "Haswell")

    def test_an_environment_of_setup_goes_before_the_systems_python(self):
        write_program(self.python, PYTHON)
        with mock.patch.object(frameworks, "SYSTEM_PYTHON", pathlib.Path(sys.executable)):
            found = frameworks.find_environment(frameworks.FRAMEWORKS["torch-eager"])
        self.assertEqual((found.python, found.is_pinned), (self.python, True))

    def test_a_machine_that_is_not_quiet_is_told_in_every_output(self):
        with mock.patch.object(machine, "look_around", lambda: machine.Quiet(0.5, 0.75)):
            code, out, errors = self.run_main("--frameworks", "batchsweep")
        self.assertEqual(code, 0)
        told = "the machine was not quiet before the comparison: others used 0.75 of a core, the load was 0.5"
        for text in (out, errors, (self.folder / "out" / "comparison.md").read_text(encoding="utf-8")):
            self.assertIn(told, text)
        self.assertIn(",0.5,0.75,", (self.folder / "out" / "comparison.csv").read_text(encoding="utf-8"))

    def test_numpy_trains_to_losses_that_are_compared(self):
        """With the system's NumPy, as on a board; the stand-in's losses are others, which must be seen."""
        with mock.patch.object(frameworks, "SYSTEM_PYTHON", pathlib.Path(sys.executable)):
            code, out, errors = self.run_main("--frameworks", "batchsweep,numpy", "--rounds", "1")
        self.assertEqual(code, 2, errors)
        self.assertRegex(out, r"numpy: NumPy [\d.]+ \(.*\), in the system's")
        self.assertIn("numpy at batch size 4: losses differ", out)
        report = json.loads((self.folder / "out" / "work" / "report.json").read_text(encoding="utf-8"))
        self.assertEqual((len(report["losses"]), report["timed_steps"]), (12, 10))
        self.assertTrue(all(map(math.isfinite, report["losses"])))


class ListTest(unittest.TestCase):
    def test_every_entry_has_its_script_its_pins_and_choices_that_exist(self):
        for framework in list(frameworks.FRAMEWORKS.values())[1:]:
            with self.subTest(framework=framework.name):
                self.assertTrue((TOOLS / framework.script).exists())
                pins = (TOOLS / f"requirements-{framework.environment}.txt").read_text(encoding="utf-8").splitlines()
                self.assertEqual(sum(line.startswith("#: import ") for line in pins), 1)
                for line in pins:
                    self.assertRegex(line, r"^(#.*|[A-Za-z0-9_-]+==[0-9.]+)$")
                self.assertIn(framework.chooses_as or framework.name, frameworks.FRAMEWORKS)

    def test_a_choice_is_made_only_where_the_model_has_something_to_choose(self):
        graphs = {name: keras_graph.load(ZOO / f"{name}.json") for name in ("mlp", "cnn", "lenet5")}
        applying = {(choice.name, name) for choice in frameworks.JAX_CHOICES + frameworks.TORCH_CHOICES
                    for name, graph in graphs.items() if choice.applies(graph)}
        self.assertEqual(applying, {(choice, name) for choice in ("convolution", "pooling", "channels_last")
                                    for name in ("cnn", "lenet5")} | {("adam", name) for name in graphs})


class ChooseTest(unittest.TestCase):
    CHOICES = (frameworks.Choice("a", (1, 2)), frameworks.Choice("b", ("x", "y", "z")))

    def test_one_choice_after_another_and_nothing_twice(self):
        seen = []

        def time_of(values):
            seen.append(tuple(values.values()))
            return {1: 20, 2: 10}[values["a"]] + {"x": 5, "y": 7, "z": 3}[values["b"]]

        self.assertEqual(bench.choose_fastest(self.CHOICES, time_of, {"a": 1, "b": "x"}), {"a": 2, "b": "z"})
        self.assertEqual(seen, [(1, "x"), (2, "x"), (2, "y"), (2, "z")])

    def test_what_does_not_apply_keeps_its_first_value(self):
        self.assertEqual(bench.choose_fastest((), None, {"a": 1, "b": "x"}), {"a": 1, "b": "x"})


class GroupsTest(unittest.TestCase):
    """Steps that are timed fifty at a time are set against batchsweep's, fifty at a time."""

    def test_the_reference_is_grouped_as_the_other_is(self):
        ours = peer.Report(step_times_ns=[10, 20, 60, 10, 20, 30, 100], timed_ns=250, timed_steps=7)
        theirs = peer.Report(group_times_ns=[[90, 3], [120, 3], [50, 1]], timed_ns=260, timed_steps=7)
        self.assertEqual(ours.grouped_like(theirs), [30, 20, 100])
        self.assertEqual(theirs.observed_ns(), [30, 40, 50])
        cells = [summary.Cell("batchsweep", 8, [ours]), summary.Cell("jax-scan", 8, [theirs])]
        table = summary.summarise(cells, 4)
        self.assertEqual(table.ratio[1], round(40 / 30, 3))

    def test_a_report_without_stretches_is_one(self):
        self.assertEqual(peer.Report(timed_ns=100, timed_steps=4).observed_ns(), [25])


class DispatchTest(unittest.TestCase):
    """jax-scan's loop over dispatches, with a trainer that only counts."""

    def dispatches(self, steps, warmup):
        calls = []

        class Losses(list):
            def __getitem__(self, part):
                return np.array(list(self))[part]

        class Trainer:
            state = images = labels = None
            jax = mock.Mock()

            def loop(self, state, images, labels, first, count):
                calls.append((first, count))
                return state, Losses((float(first + index), 0.5) for index in range(peer_jax.STEPS_PER_DISPATCH))

        job = mock.Mock(steps=steps, warmup=warmup)
        job.since_start_ns.return_value = 7
        report = peer.Report()
        peer_jax.run_dispatches(job, Trainer(), report, mock.Mock(int32=int))
        return calls, report

    def test_steps_behind_the_warm_up_go_fifty_at_a_time(self):
        calls, report = self.dispatches(140, 20)
        self.assertEqual(calls, [(0, 1), (1, 19), (20, 50), (70, 50), (120, 20)])
        self.assertEqual([steps for _, steps in report.group_times_ns], [50, 50, 20])
        self.assertEqual((report.timed_steps, report.startup_time_ns), (120, 7))
        self.assertEqual(report.losses, [float(step) for step in range(140)])
        self.assertEqual(report.total_losses[3], 3.5)

    def test_a_long_warm_up_is_several_dispatches(self):
        calls, report = self.dispatches(62, 60)
        self.assertEqual(calls, [(0, 1), (1, 50), (51, 9), (60, 2)])
        self.assertEqual(report.timed_steps, 2)


class MachineTest(unittest.TestCase):
    def usage(self, clock, line, own=0.0):
        with tempfile.TemporaryDirectory() as root, mock.patch.object(machine, "now_ns", lambda: int(clock * 1e9)):
            (pathlib.Path(root) / "proc").mkdir()
            (pathlib.Path(root) / "proc" / "stat").write_text(f"{line}\ncpu0 1 1 1 1\n", encoding="ascii")
            found = machine.read_usage(root)
        found.own = own
        return found

    def test_what_others_used_is_all_but_idle_waiting_and_our_own(self):
        with mock.patch("os.sysconf", lambda name: 100):
            before = self.usage(10, "cpu  100 0 50 1000 30 0 0 5 70 0")
            # 4 s of user, system, interrupts and what the hypervisor took; 3 s of it our own; guests are users already.
            after = self.usage(14, "cpu  300 20 150 1300 90 20 10 55 900 0", own=3.0)
        self.assertAlmostEqual(after.others_since(before), (2.0 + 0.2 + 1.0 + 0.2 + 0.1 + 0.5 - 3.0) / 4)

    def test_a_quiet_machine_is_not_warned_of(self):
        self.assertEqual(machine.Quiet(1.1, 0.02, 0.05).warnings(), [])

    def test_load_and_others_before_and_during_are_each_warned_of(self):
        self.assertEqual(len(machine.Quiet(2.5, 0.0, 0.0).warnings()), 1)
        self.assertEqual(len(machine.Quiet(0.0, 0.5, 0.0).warnings()), 1)
        (warning,) = machine.Quiet(0.0, 0.0, 0.4).warnings()
        self.assertIn("others used 0.40 of a core on average", warning)

    def test_the_clock_is_the_monotonic_one(self):
        with mock.patch("time.clock_gettime_ns", lambda clock: ("clock", clock)):
            import time
            self.assertEqual(machine.now_ns(), ("clock", time.CLOCK_MONOTONIC))


class NumpyTest(unittest.TestCase):
    def setUp(self):
        self.graph = keras_graph.parse(json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": [
            {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, 3, 2]}},
            {"class_name": "Flatten", "config": {"name": "flat"}},
            {"class_name": "Dense", "config": {"name": "a", "units": 5, "activation": "relu"}},
            {"class_name": "Dense", "config": {"name": "b", "units": 4, "use_bias": False}},
            {"class_name": "Dense", "config": {"name": "c", "units": 3, "activation": "softmax"}}]}}))
        self.initial = generate.weights(self.graph)
        random = np.random.default_rng(1)
        self.x, self.labels = random.random((7, 6)), random.integers(0, 3, 7)
        self.network = peer_numpy.Network(self.graph, self.initial, 7, np.float64)
        self.network.parameters += 0.1 * random.standard_normal(self.network.parameters.shape)  # biases too

    def loss(self):
        return self.network.compute_gradients(self.x.copy(), self.labels)

    def test_gradients_are_those_of_finite_differences(self):
        self.loss()
        gradients, h = self.network.gradients.copy(), 1e-6
        for index in range(len(gradients)):
            old = self.network.parameters[index]
            losses = []
            for value in (old + h, old - h):
                self.network.parameters[index] = value
                losses.append(self.loss())
            self.network.parameters[index] = old
            self.assertAlmostEqual(gradients[index], (losses[0] - losses[1]) / (2 * h), places=7)

    def test_the_update_is_keras_adam_over_several_blocks(self):
        w, m, v = self.network.parameters.copy(), 0.0, 0.0
        with mock.patch.object(peer_numpy, "ADAM_BLOCK", 7):
            self.network.scratch = np.empty(7)
            for t in (1, 2, 3):
                self.loss()
                g = self.network.gradients.copy()
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
                w -= 1e-3 * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * m / (np.sqrt(v) + 1e-7)
                self.network.update()
                np.testing.assert_allclose(self.network.parameters, w, rtol=1e-12)

    def test_a_model_with_anything_else_is_refused_by_the_layers_name(self):
        for name, part in (("cnn", "layer conv2d .*Conv2D"), ("resnet8", "layer "), ("autoencoder", "layer ")):
            with self.subTest(name=name), self.assertRaisesRegex(keras_graph.ModelError, part):
                peer_numpy.dense_layers(keras_graph.load(ZOO / f"{name}.json"))

    def test_the_library_behind_the_products_is_named(self):
        with tempfile.NamedTemporaryFile("w", suffix="maps") as maps:
            maps.write("7f00-7f01 r-xp 00000000 00:00 1 /usr/lib/libm.so.6\n")
            maps.flush()
            self.assertEqual(peer_numpy.blas_name(maps.name), "no BLAS found")


if __name__ == "__main__":
    unittest.main()
