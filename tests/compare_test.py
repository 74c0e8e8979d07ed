#!/usr/bin/python3
"""Tests tools/compare without any of the frameworks: batchsweep is a stand-in that writes what the real one would."""

import contextlib
import io
import json
import math
import pathlib
import re
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np
import pandas as pd

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools" / "compare"
ZOO = TOOLS.parent.parent / "src" / "model" / "zoo"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOOLS))
import compare  # noqa: E402
import files  # noqa: E402
import frameworks  # noqa: E402
import generate  # noqa: E402
import keras_graph  # noqa: E402
import machine  # noqa: E402
import peer  # noqa: E402
import summary  # noqa: E402
import tables  # noqa: E402

# Answers `models show mlp` and `run` of any number of steps, each slower than the one before.
STAND_IN = f"""#!{sys.executable}
import json, pathlib, sys
if sys.argv[1:] == ["models", "show", "mlp"]:
    print(pathlib.Path({str(ZOO / "mlp.json")!r}).read_text())
    sys.exit()
if sys.argv[1] != "run":
    sys.exit("unknown model 'nought'")
flags = dict(zip(sys.argv[2:], sys.argv[3:]))
out = pathlib.Path(flags["--out"])
out.mkdir()
rows = [f"{{step}},{{2.5 - 0.01 * step}},{{1000 * step}},4096" for step in range(1, int(flags["--steps"]) + 1)]
(out / "steps.csv").write_text("\\n".join(["step,loss,step_time_ns,peak_rss_bytes"] + rows) + "\\n")
(out / "run.json").write_text(json.dumps({{"program": {{"version": "9", "git_revision": "abc", "kernels_isa": "neon",
                                                       "xnnpack_version": "1"}}}}))
"""
CONDITIONS = {"model": "mlp", "parameters": 50890, "cpu": "Test CPU", "data": "fashion-mnist", "dropout": False,
              "check_steps": 8, "threads": 1, "rounds": 2, "steps": 5, "warmup": 1, "noise": [], "load_before": 0.25,
              "others_before": 0.0, "others_during": 0.01}


def report(times_us, losses=(2.0, 1.5, 1.0), **changes):
    times = [1000 * one for one in times_us]
    return peer.Report(**{"losses": list(losses), "step_times_ns": times, "timed_ns": sum(times),
                          "timed_steps": len(times), "startup_time_ns": 2_000_000_000,
                          "wall_time_ns": 4_500_000_000, "peak_rss_bytes": 3 << 20,
                          "version": "Test 1"} | changes)


def cells():
    """batchsweep and torch-eager at two batch sizes; keras-fit hides its steps; torch-compile is missing."""
    made = []
    for size in (8, 32):
        made += [summary.Cell("batchsweep", size, [report([10, 20, 60]), report([10, 20, 30])]),
                 summary.Cell("keras-fit", size, [report([], timed_ns=400_000, timed_steps=4, losses=[2.0])]),
                 summary.Cell("torch-eager", size, [report([30, 40, 50], losses=[2.0, 1.5, 1.0 + 1e-6])]),
                 summary.Cell("torch-compile", size, missing="it needs a C++ compiler; install g++")]
    return made


class SummaryTest(unittest.TestCase):
    def setUp(self):
        self.table = summary.summarise(cells(), 8)

    def row(self, framework):
        return self.table[(self.table.framework == framework) & (self.table.batch_size == 8)].iloc[0]

    def test_step_times_are_medians_over_the_steps_of_all_rounds(self):
        self.assertEqual(self.row("batchsweep").step_time_ns, 20_000)
        self.assertEqual(self.row("batchsweep").examples_per_second, 400_000)
        self.assertEqual(self.row("torch-eager").ratio, 2.0)

    def test_a_framework_that_hides_its_steps_is_set_against_the_mean(self):
        self.assertEqual(self.row("keras-fit").step_time_ns, 100_000)
        self.assertEqual(self.row("keras-fit").ratio, 4.0)  # of (30 + 20) / 2 us

    def test_the_printed_table_is_aligned_and_names_the_missing(self):
        lines = tables.format_table(self.table).splitlines()
        self.assertEqual(len(lines), 2 + 8)
        self.assertRegex(lines[2], r"^batchsweep +8 +20\.0 +400000 +3 +2\.00 +4\.50 +1\.00$")
        self.assertRegex(lines[5], r"^torch-compile +8 +missing$")
        self.assertEqual(lines[0].index("batch") + len("batch"), lines[6].index("32") + 2)

    def test_a_reason_is_told_once_and_with_its_batch_sizes_if_not_all(self):
        self.assertEqual(tables.missing_lines(self.table),
                         ["torch-compile is missing: it needs a C++ compiler; install g++"])
        some = cells()
        some[-1] = summary.Cell("torch-compile", 32, [report([50])])
        self.assertEqual(tables.missing_lines(summary.summarise(some, 8)),
                         ["torch-compile is missing at 8: it needs a C++ compiler; install g++"])

    def test_without_batchsweep_there_is_no_ratio(self):
        table = summary.summarise([summary.Cell("batchsweep", 8, missing="failed"),
                                   summary.Cell("torch-eager", 8, [report([30])])], 8)
        self.assertTrue(table.ratio.isna().all() and table.loss_deviation.isna().all())
        self.assertIn("torch-eager", tables.format_table(table))

    def test_files_have_all_rows_the_versions_and_no_empty_figures(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder) / "out"
            tables.write_results(folder, self.table, CONDITIONS)
            table = pd.read_csv(folder / "comparison.csv")
            text = (folder / "comparison.md").read_text(encoding="utf-8")
        self.assertEqual(len(table), 8)
        self.assertTrue((table.cpu == "Test CPU").all())
        self.assertEqual(set(table[table.missing.notna()].framework), {"torch-compile"})
        self.assertTrue(table[table.missing.notna()].step_time_ns.isna().all())
        self.assertTrue((table.others_during == 0.01).all())
        for part in ("| batchsweep | 8 | 20.0 | 400000 |", "| torch-compile | 8 | missing |", "Test 1",
                     "load 0.2 before", "torch-compile is missing: it needs", "2 rounds of 5 steps", tables.INCLUDED):
            self.assertIn(part, text)
        self.assertNotIn("nan", text.lower())


class DeviationTest(unittest.TestCase):
    def deviation(self, losses, reference=(2.0, 1.5, 1.0), steps=8, **changes):
        return summary.loss_deviation(report([1], losses, **changes), report([1], reference), steps)

    def test_it_is_the_largest_difference_in_the_checked_steps(self):
        self.assertAlmostEqual(self.deviation([2.0, 1.4, 1.2]), 0.2)
        self.assertAlmostEqual(self.deviation([2.0, 1.4, 1.2], steps=2), 0.1)

    def test_losses_with_the_regularisers_part_agree_too(self):
        self.assertEqual(self.deviation([2.0, 1.5], [2.1, 1.6], total_losses=[2.1, 1.6]), 0)

    def test_hidden_losses_have_none(self):
        self.assertIsNone(self.deviation([]))

    def test_a_difference_is_warned_of_but_not_with_dropout(self):
        some = cells()
        some[2] = summary.Cell("torch-eager", 8, [report([30], [2.0, 1.5, 1.002])])
        table = summary.summarise(some, 8)
        (warning,) = summary.warnings_of(table, CONDITIONS)
        self.assertIn("torch-eager at batch size 8: losses differ from batchsweep's by 2.0e-03", warning)
        (warning,) = summary.warnings_of(table, CONDITIONS | {"dropout": True})
        self.assertIn("dropout", warning)

    def test_a_loss_that_is_no_number_is_a_deviation(self):
        self.assertEqual(self.deviation([2.0, math.nan]), math.inf)
        some = cells()
        some[2] = summary.Cell("torch-eager", 8, [report([30], [2.0, math.nan])])
        (warning,) = summary.warnings_of(summary.summarise(some, 8), CONDITIONS)
        self.assertIn("torch-eager at batch size 8", warning)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.program = self.folder / "batchsweep"
        self.program.write_text(STAND_IN, encoding="utf-8")
        self.program.chmod(0o755)
        for where, name, value in ((frameworks, "ENVIRONMENTS", self.folder / "environments"),
                                   (frameworks, "SYSTEM_PYTHON", self.folder / "absent"),
                                   (machine, "LOOK_SECONDS", 0.02)):
            patch = mock.patch.object(where, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_main(self, *arguments):
        """(exit code, stdout, stderr)"""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
            code = compare.main(["--batchsweep", str(self.program), "--out", str(self.folder / "out"), "--data",
                                 "generated", "--steps", "12", "--warmup", "2", "--batch-sizes", "4", *arguments])
        return code, out.getvalue(), errors.getvalue()

    def test_without_peers_batchsweep_is_measured_and_the_others_are_missing(self):
        environments = self.folder / "environments"
        environments.mkdir()
        (environments / "torch.missing").write_text("pip: ERROR: no such version\n", encoding="utf-8")
        code, out, errors = self.run_main("--rounds", "2")
        self.assertEqual(code, 0, errors)
        self.assertRegex(out, r"batchsweep +4 +7\.5 ")  # steps 3 .. 12 take 3 .. 12 us
        self.assertIn("torch-eager is missing: pip: ERROR: no such version", out)
        self.assertIn("keras-fit is missing: keras is not installed; run tools/compare/setup.sh", out)
        # Every second round goes backwards.
        count = len(frameworks.DEFAULT)
        self.assertIn(f"[{count}/{2 * count}] round 1  batch 4  {frameworks.DEFAULT[-1]}: missing", errors)
        self.assertIn(f"[{2 * count}/{2 * count}] round 2  batch 4  batchsweep: 7.5 us/step", errors)
        self.assertTrue((self.folder / "out" / "comparison.md").exists())

    def test_a_peer_that_fails_is_missing_with_its_last_line(self):
        python = self.folder / "environments" / "torch" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\necho 'ImportError: libtorch' >&2\nexit 3\n", encoding="utf-8")
        python.chmod(0o755)
        code, out, _ = self.run_main("--frameworks", "batchsweep,torch-eager")
        self.assertEqual(code, 0)
        self.assertIn("torch-eager is missing: failed with exit code 3: ImportError: libtorch", out)

    def test_a_batchsweep_that_fails_ends_in_two(self):
        self.program.write_text(STAND_IN.replace('out.mkdir()', 'sys.exit("no memory")'), encoding="utf-8")
        code, out, _ = self.run_main()
        self.assertEqual(code, 2)
        self.assertIn("batchsweep is missing: failed with exit code 1: no memory", out)

    def test_bad_input_is_refused_in_one_line(self):
        labelled = self.folder / "labelled"
        files.write_data_set(labelled, np.zeros((20, 5, 5), np.uint8), np.zeros(20, np.uint8))
        for arguments, part in ((["--model", "nought"], "unknown model 'nought'"),
                                (["--model", str(self.folder / "absent.json")], "No such file"),
                                (["--data", str(self.folder)], "expected x_train.npy"),
                                (["--data", str(labelled)], "examples of (5, 5)"),
                                (["--batchsweep", str(self.folder / "absent")], "no such program")):
            with self.subTest(part=part):
                code, out, errors = self.run_main(*arguments)
                self.assertEqual((code, out, errors.count("\n")), (1, "", 1), errors)
                self.assertIn(part, errors)

    def test_flags_that_make_no_sense_are_refused(self):
        for arguments in (["--steps", "2"], ["--frameworks", "nought"], ["--threads", "4096"], ["--rounds", "0"]):
            with self.subTest(arguments=arguments), self.assertRaises(SystemExit) as end:
                self.run_main(*arguments)
            self.assertEqual(end.exception.code, 2)

    def test_help_has_examples(self):
        with self.assertRaises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
            compare.main(["--help"])
        self.assertIn("tools/compare/compare.py --model cnn", out.getvalue())


class InputsTest(unittest.TestCase):
    def test_the_hash_gives_its_known_values(self):
        # splitmix64 of the stream 0's first numbers, as its author's program prints for the seed 0.
        with np.errstate(over="ignore"):
            self.assertEqual(hex(int(generate.splitmix64(np.array([0], np.uint64))[0])), "0xe220a8397b1dcdaf")
        self.assertEqual(generate.value(0, np.array([0], np.uint64))[0], 0xE220A8 / 2**24)

    def test_examples_depend_on_their_number_alone(self):
        all_images, all_labels = generate.examples((2, 3), 4, 0, 9)
        images, labels = generate.examples((2, 3), 4, 6, 3)
        self.assertTrue((images == all_images[6:]).all())
        self.assertEqual(list(labels), [2, 3, 0])
        self.assertEqual(list(labels), list(all_labels[6:]))

    def test_weights_of_the_mlp(self):
        weights = generate.weights(keras_graph.load(ZOO / "mlp.json"))
        self.assertEqual({name: tensor.shape for name, tensor in weights.items()},
                         {"dense/kernel": (784, 64), "dense/bias": (64,), "dense_1/kernel": (64, 10),
                          "dense_1/bias": (10,)})
        limit = math.sqrt(6 / 848)
        self.assertTrue(0.99 * limit < abs(weights["dense/kernel"]).max() <= limit)
        self.assertFalse(weights["dense/bias"].any())

    def test_files_read_back_as_written(self):
        random = np.random.default_rng(1)
        for shape in ((40, 4, 6), (40, 4, 6, 2), (40, 7)):
            for labels in (random.integers(0, 10, 40).astype(np.uint8), None):
                with self.subTest(shape=shape, labels=labels is not None), tempfile.TemporaryDirectory() as folder:
                    images = random.integers(0, 256, shape).astype(np.uint8)
                    files.write_data_set(pathlib.Path(folder), images, labels)
                    read, read_labels = files.read_training_set(folder, 30)
                    self.assertTrue((read == images[:30]).all())
                    self.assertTrue((read_labels == (0 if labels is None else labels[:30])).all())
                    self.assertEqual(len(read_labels), 30)

    def test_safetensors_read_back_as_written(self):
        tensors = {"a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a/bias": np.ones(3, np.float32)}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "w.safetensors"
            files.write_safetensors(path, tensors)
            read = files.read_safetensors(path)
        self.assertEqual(list(read), list(tensors))
        self.assertTrue(all((read[name] == tensors[name]).all() for name in tensors))


def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name} | config}


class GraphTest(unittest.TestCase):
    def chain(self, *layers, shape=(7, 5, 3)):
        first = {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [None, *shape]}}
        return keras_graph.parse(json.dumps({"class_name": "Sequential", "config": {
            "name": "model", "layers": [first, *layers]}}))

    def test_shapes_and_weights_of_a_chain(self):
        graph = self.chain(
            layer("Conv2D", "conv", filters=4, kernel_size=[3, 3], strides=[2, 2], padding="same",
                  kernel_regularizer={"class_name": "L2", "config": {"l2": 0.5}}),
            layer("BatchNormalization", "norm", scale=False),
            layer("SeparableConv2D", "separable", filters=6, kernel_size=[3, 3], padding="valid", depth_multiplier=2),
            layer("Flatten", "flat"), layer("Dense", "dense", units=2, use_bias=False, activation="softmax"))
        self.assertEqual([one.shape for one in graph.layers], [(4, 3, 4), (4, 3, 4), (2, 1, 6), (12,), (2,)])
        self.assertEqual([(one.name, one.shape, one.fans) for one in graph.params()], [
            ("conv/kernel", (3, 3, 3, 4), (27, 36)), ("conv/bias", (4,), None), ("norm/beta", (4,), None),
            ("norm/moving_mean", (4,), None), ("norm/moving_variance", (4,), None),
            ("separable/depthwise_kernel", (3, 3, 4, 2), (36, 18)),
            ("separable/pointwise_kernel", (1, 1, 8, 6), (8, 6)), ("separable/bias", (6,), None),
            ("dense/kernel", (12, 2), (12, 2))])
        self.assertEqual([one.l2 for one in graph.params()][:2], [0.5, 0.0])
        self.assertEqual((graph.classes, graph.is_chain, graph.ends_in_softmax), (2, True, True))

    def test_a_functional_model_of_keras_2_and_of_keras_3(self):
        def inbound(version, *names):
            if version == 2:
                return [[[name, 0, 0, {}] for name in names]]
            tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in names]
            return [{"args": [tensors if len(names) > 1 else tensors[0]], "kwargs": {}}]

        for version in (2, 3):
            start = {"class_name": "InputLayer", "inbound_nodes": [],
                     "config": {"name": "in", "batch_input_shape": [None, 4]}}
            layers = [start, layer("Dense", "a", units=4) | {"inbound_nodes": inbound(version, "in")},
                      layer("Add", "sum") | {"inbound_nodes": inbound(version, "a", "in")},
                      layer("Concatenate", "both", axis=-1) | {"inbound_nodes": inbound(version, "sum", "a")}]
            graph = keras_graph.parse(json.dumps({"class_name": "Functional", "config": {
                "name": "m", "layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["both", 0, 0]]}}))
            self.assertEqual([one.inputs for one in graph.layers], [[""], ["a", ""], ["sum", "a"]])
            self.assertEqual((graph.output_shape, graph.is_chain), ((8,), False))

    def test_a_model_that_gives_its_inputs_shape_learns_its_input(self):
        graph = self.chain(layer("Dense", "a", units=2), layer("Dense", "b", units=6), shape=(6,))
        self.assertEqual((graph.loss, graph.classes), ("mse", None))

    def test_same_padding_puts_the_odd_zero_behind(self):
        self.assertEqual(keras_graph.same_padding(28, 3, 2), (0, 1))
        self.assertEqual(keras_graph.same_padding(28, 3, 1), (1, 1))

    def test_dropout_can_be_taken_out(self):
        graph = self.chain(layer("Flatten", "flat"), layer("Dropout", "drop", rate=0.5))
        self.assertTrue(graph.has_dropout)
        self.assertFalse(keras_graph.parse(keras_graph.without_dropout(graph.text)).has_dropout)

    def test_what_is_not_trained_is_refused_by_name(self):
        for one, part in ((layer("LSTM", "memory", units=2), "layer memory (LSTM): a layer that batchsweep does not"),
                          (layer("BatchNormalization", "norm", axis=1), "axis 1, expected the last"),
                          (layer("Dense", "dense", units=2), "layer dense (Dense)")):
            with self.subTest(part=part), self.assertRaisesRegex(keras_graph.ModelError, re.escape(part)):
                self.chain(one)
        for text in ("", "[]", "{}", '{"class_name": "Sequential", "config": {"name": "m", "layers": []}}'):
            with self.subTest(text=text), self.assertRaises(keras_graph.ModelError):
                keras_graph.parse(text)


if __name__ == "__main__":
    unittest.main()
