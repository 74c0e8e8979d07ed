#!/usr/bin/python3
"""Tests tools/export.py on made-up runs: MLPerf's lines, and TensorBoard's files by a package that takes down what it
is told, and by the real one where that is installed."""

import contextlib
import importlib.util
import io
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

from made_run import HEADERS, START_NS, MadeRun, train_loss, val_loss

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools/export.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
import export  # noqa: E402


class Made:
    """In the place of a protocol buffer."""

    def __init__(self, **fields):
        self.__dict__ |= fields


def recorder(events):
    """The modules of the package tensorboard, as far as they are used; events: {folder: [event]}."""

    class Writer:
        def __init__(self, folder):
            self.events = events.setdefault(pathlib.Path(folder).name, [])

        def add_event(self, event):
            self.events.append(event)

        def close(self):
            self.events.append("closed")

    contents = {"compat.proto.event_pb2": {"Event": Made},
                "compat.proto.summary_pb2": {"Summary": type("Summary", (Made,), {"Value": Made})},
                "plugins.hparams.summary_v2": {"hparams_pb": lambda hparams, start_time_secs: hparams},
                "summary.writer.event_file_writer": {"EventFileWriter": Writer}}
    modules = {"tensorboard": types.ModuleType("tensorboard")}
    for name, members in contents.items():
        for end in range(1, name.count(".") + 2):
            path = "tensorboard." + ".".join(name.split(".")[:end])
            modules.setdefault(path, types.ModuleType(path))
        modules[f"tensorboard.{name}"].__dict__.update(members)
    return modules


class ExportTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.results, self.log, self.events = (self.root / name for name in ("results", "run.log", "events"))

    def run_main(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
            code = export.main([str(argument) for argument in (self.results, *arguments)])
        return code, out.getvalue(), errors.getvalue()

    def mlperf(self, run):
        """{namespace: its lines}; self.said is what was said besides."""
        run.write(self.results)
        self.log.unlink(missing_ok=True)
        code, out, self.said = self.run_main("--mlperf", self.log)
        self.assertEqual((code, out), (0, f"{self.log}\n"), self.said)
        spaces = {}
        for line in self.log.read_text().splitlines():
            self.assertTrue(line.startswith(":::MLLOG {"), line)
            parsed = json.loads(line.removeprefix(":::MLLOG "), parse_constant=self.fail)  # of NaN, which is no JSON
            self.assertEqual(list(parsed), ["namespace", "time_ms", "event_type", "key", "value", "metadata"])
            spaces.setdefault(parsed.pop("namespace"), []).append(parsed)
        return spaces

    def tensorboard(self, run):
        """{folder: [event]}"""
        run.write(self.results)
        events = {}
        with mock.patch.dict(sys.modules, recorder(events)):
            code, out, self.said = self.run_main("--tensorboard", self.events)
        self.assertEqual(code, 0, self.said)
        self.assertEqual(out.splitlines(), [str(self.events / name) for name in events])
        return events

    def scalars(self, events):
        """{tag: [(step, value)]}"""
        found = {}
        for event in events[1:-1]:
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
        return found

    def expect_error(self, code, out, errors, *parts):
        self.assertEqual((code, out, errors.count("\n")), (1, "", 1), errors)
        self.assertTrue(errors.startswith("export.py: "), errors)
        for part in (*parts, "expected", ";"):
            self.assertIn(part, errors)

    # -- MLPerf's lines

    def test_a_cell_is_logged_from_its_first_step_to_its_last_validation(self):
        spaces = self.mlperf(MadeRun(epochs=2))
        self.assertEqual(list(spaces), ["batch_8", "batch_32"])
        lines = spaces["batch_32"]
        epoch = ["epoch_start", "epoch_stop", "eval_start", "eval_accuracy", "eval_loss", "eval_stop", "tracked_stats"]
        self.assertEqual([line["key"] for line in lines],
                         ["global_batch_size", "seed", "opt_name", "opt_base_learning_rate", "opt_weight_decay",
                          "train_samples", "eval_samples", "run_start"] + 2 * epoch + ["run_stop"])
        values = {line["key"]: line["value"] for line in lines}
        self.assertEqual((values["global_batch_size"], values["seed"], values["opt_name"], values["eval_samples"]),
                         (32, 1, "adam", 20))
        self.assertEqual(values["opt_base_learning_rate"], 0.001)
        self.assertEqual((values["eval_accuracy"], values["eval_loss"]), (0.6, val_loss(32, 2)))
        self.assertEqual(values["tracked_stats"], {"throughput": 3200, "train_loss": train_loss(32, 8)})
        begin = START_NS // 10**6 + 2 * 41  # behind two epochs of batch size 8, of 40 ms and 1 ms of validation
        self.assertEqual([line["time_ms"] - begin for line in lines[7:]],
                         [0, 0, 40, 40, 41, 41, 41, 41, 41, 81, 81, 82, 82, 82, 82, 82])
        self.assertEqual([line["metadata"] for line in lines[8:15]], 6 * [{"epoch_num": 1}] + [{"step": 1}])
        self.assertEqual({line["key"]: line["event_type"] for line in lines if line["event_type"] != "POINT_IN_TIME"},
                         {f"{name}_{end}": f"INTERVAL_{kind}" for name in ("run", "epoch", "eval")
                          for end, kind in (("start", "START"), ("stop", "END"))})
        self.assertEqual(lines[-1]["metadata"], {"status": "success"})

    def test_evaluations_within_epochs_are_logged_where_they_were(self):
        run = MadeRun(sizes=(8,), epochs=2)
        rows = run.tables["evaluations"]
        rows.insert(1, rows[0] | dict(step=6, epoch=2, val_loss=1.25, val_time_ns=500_000))
        lines = self.mlperf(run)["batch_8"]
        second = [line["key"] for line in lines if line["metadata"].get("epoch_num") == 2]
        one = ["eval_start", "eval_accuracy", "eval_loss", "eval_stop"]
        self.assertEqual(second, ["epoch_start", *one, "epoch_stop", *one])
        self.assertEqual([line["value"] for line in lines if line["key"] == "eval_loss"],
                         [val_loss(8, 1), 1.25, val_loss(8, 2)])
        self.assertEqual([line["time_ms"] - START_NS // 10**6 for line in lines if line["key"] == "eval_start"],
                         [40, 61, 81])
        scalars = self.scalars(self.tensorboard(run)["batch_8"])
        self.assertEqual(scalars["evaluation/val_loss"], [(4, val_loss(8, 1)), (6, 1.25), (8, val_loss(8, 2))])
        # Those of an epoch that was cut off, too, and without the table those at ends of epochs.
        run.tables["epochs"].pop()
        self.assertEqual([line["key"] for line in self.mlperf(run)["batch_8"]].count("eval_start"), 3)
        del run.tables["evaluations"]
        (self.results / "evaluations.csv").unlink()
        self.assertEqual([line["key"] for line in self.mlperf(run)["batch_8"]].count("eval_start"), 1)

    def test_a_cell_that_was_cut_off_is_aborted_and_one_that_goes_on_has_no_end(self):
        run = MadeRun().cut_off(32, 1)
        self.assertEqual([lines[-1]["metadata"] for lines in self.mlperf(run).values()],
                         [{"status": "success"}, {"status": "aborted"}])
        run.info["status"] = "running"
        self.assertEqual([lines[-1]["key"] for lines in self.mlperf(run).values()], ["run_stop", "tracked_stats"])

    def test_a_cell_that_diverged_is_aborted_with_a_loss_of_null(self):
        run = MadeRun(sizes=(8,))
        run.tables["epochs"][-1]["val_loss"] = run.tables["evaluations"][-1]["val_loss"] = "nan"
        lines = self.mlperf(run)["batch_8"]
        self.assertEqual([line["value"] for line in lines if line["key"] == "eval_loss"][-1], None)
        self.assertEqual(lines[-1]["metadata"], {"status": "aborted"})

    def test_a_regression_has_losses_alone(self):
        keys = {line["key"] for line in self.mlperf(MadeRun(regression=True))["batch_8"]}
        self.assertIn("eval_loss", keys)
        self.assertNotIn("eval_accuracy", keys)

    def test_what_run_json_does_not_tell_is_not_logged(self):
        run = MadeRun(sizes=(8,))
        run.tables["summary"].clear()
        for part in ("config", "data", "model"):
            del run.info[part]
        keys = [line["key"] for line in self.mlperf(run)["batch_8"]]
        self.assertEqual(keys[:3], ["global_batch_size", "seed", "run_start"])

    def test_cells_are_named_by_what_differs(self):
        self.assertEqual(list(self.mlperf(MadeRun(sizes=(8,), seeds=(1, 2), processes=2))),
                         [f"batch_8-seed_{seed}-process_{process}" for process in (1, 2) for seed in (1, 2)])

    def test_energy_is_logged_where_60_readings_cover_it_and_else_it_is_said_to_be_left_out(self):
        def energies(run):
            return [line["value"] for line in self.mlperf(run)["batch_8"] if line["key"] == "train_energy_joules"]

        options = {"sizes": (8,), "steps": 10, "step_time_ns": 10**8, "sensors": True}
        (joules,) = energies(MadeRun(epochs=6, **options))
        self.assertAlmostEqual(joules, 30)
        self.assertEqual(self.said, "")
        self.assertEqual(energies(MadeRun(epochs=5, **options)), [])
        self.assertRegex(self.said, r"\Aexport.py: energy left out where fewer than 60 readings .*: batch_8 \(50\)\n\Z")
        self.assertEqual(energies(MadeRun()), [])
        self.assertRegex(self.said, r"\Aexport.py: energy left out: the board has no sensor of power [^\n]*\n\Z")

    # -- TensorBoard

    def test_tensorboard_gets_the_columns_of_steps_and_epochs_as_scalars(self):
        events = self.tensorboard(MadeRun(sizes=(8,), epochs=2))["batch_8"]
        self.assertEqual(events[-1], "closed")
        scalars = self.scalars(events)
        self.assertEqual(scalars["step/loss"], [(step, train_loss(8, step)) for step in range(1, 9)])
        self.assertEqual(scalars["epoch/val_loss"], [(epoch, val_loss(8, epoch)) for epoch in (1, 2)])
        self.assertEqual(scalars["epoch/examples_per_second"], [(1, 800.0), (2, 800.0)])
        self.assertEqual(scalars["step/step_time_ns"][0], (1, 1e7))
        self.assertAlmostEqual(events[1].wall_time, (START_NS + 10**7) / 1e9, places=6)  # the first step's end
        self.assertAlmostEqual(events[9].wall_time, (START_NS + 41 * 10**6) / 1e9, places=6)
        for tag in scalars:
            self.assertNotRegex(tag, "unix|flags|batch_size|seed|/epoch|/step$")
        self.assertEqual(events[0].summary, {
            "batch_size": 8, "seed": 1, "threads": 1, "process": 1, "optimizer": "adam", "learning_rate": 0.001,
            "weight_decay": 0.0, "loss": "sparse_categorical_crossentropy", "model": "mlp"})

    def test_what_the_board_does_not_tell_is_no_scalar(self):
        empty = self.scalars(self.tensorboard(MadeRun(sizes=(8,)))["batch_8"])
        full = self.scalars(self.tensorboard(MadeRun(sizes=(8,), sensors=True))["batch_8"])
        sensors = {"step/cpu_temp_celsius", "step/cpu_freq_hz", "step/throttled", "step/power_watts"}
        self.assertEqual(set(full) - set(empty), sensors)  # of 12 steps of 10 ms there are too few readings for energy
        self.assertEqual(full["step/throttled"][0], (1, 0.0))
        run = MadeRun(sizes=(8,), epochs=6, steps=10, step_time_ns=10**8, sensors=True)
        self.assertEqual(set(self.scalars(self.tensorboard(run)["batch_8"])) - set(full),
                         {"step/energy_joules", "epoch/train_energy_joules", "evaluation/train_energy_joules"})

    def test_single_empty_cells_are_left_out(self):
        run = MadeRun(sizes=(8,))
        run.tables["steps"][1]["swap_bytes"] = ""
        self.assertEqual([step for step, _ in self.scalars(self.tensorboard(run)["batch_8"])["step/swap_bytes"]],
                         [1] + list(range(3, 13)))

    def test_a_column_that_another_board_has_is_a_scalar_there(self):
        HEADERS["steps"].append("fan_rpm")
        self.addCleanup(HEADERS["steps"].remove, "fan_rpm")
        run = MadeRun(sizes=(8,))
        run.tables["steps"][2]["fan_rpm"] = 1200
        self.assertEqual(self.scalars(self.tensorboard(run)["batch_8"])["step/fan_rpm"], [(3, 1200.0)])

    def test_event_files_that_are_there_are_not_mixed_with_others(self):
        MadeRun().write(self.results)
        (self.events / "batch_32").mkdir(parents=True)
        (self.events / "batch_32/events.out.tfevents.1").touch()
        with mock.patch.dict(sys.modules, recorder({})):
            self.expect_error(*self.run_main("--tensorboard", self.events), "batch_32: has event files already")

    def test_without_the_package_one_line_says_what_to_install(self):
        MadeRun().write(self.results)
        with mock.patch.dict(sys.modules, dict.fromkeys(recorder({}))):
            self.expect_error(*self.run_main("--tensorboard", self.events, "--mlperf", self.log), "--tensorboard",
                              "pip install tensorboard")
        self.assertFalse(self.log.exists() or self.events.exists())

    @unittest.skipUnless(importlib.util.find_spec("tensorboard"), "no package tensorboard in the Python of the tests")
    def test_the_files_are_read_by_tensorboard_itself(self):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        MadeRun(sizes=(8,)).write(self.results)
        self.assertEqual(self.run_main("--tensorboard", self.events)[0], 0)
        reader = EventAccumulator(str(self.events / "batch_8"), size_guidance={"scalars": 0})
        reader.Reload()
        losses = reader.Scalars("step/loss")
        self.assertEqual([event.step for event in losses], list(range(1, 13)))
        self.assertTrue(all(math.isclose(event.value, train_loss(8, event.step), rel_tol=1e-6) for event in losses))
        self.assertIn("_hparams_/session_start_info", reader.summary_metadata)

    # -- bad input

    def test_bad_input_gets_one_line(self):
        self.expect_error(*self.run_main("--mlperf", self.log), "results: no such folder")
        run = MadeRun()
        run.info["schema_version"] = 4
        run.write(self.results)
        self.expect_error(*self.run_main("--mlperf", self.log), "schema_version is 4")
        (self.results / "run.json").write_bytes(b"\x89PNG")
        self.expect_error(*self.run_main("--mlperf", self.log), "run.json")
        run = MadeRun()
        run.tables["steps"].clear()
        run.write(self.results)
        self.expect_error(*self.run_main("--mlperf", self.log), "steps.csv: no rows")
        MadeRun().write(self.results)
        self.expect_error(*self.run_main("--mlperf", self.results / "steps.csv"), "steps.csv: is there already")
        self.expect_error(*self.run_main("--mlperf", self.root / "absent/file"), "absent/file: No such file")

    def test_as_a_program_it_says_how_it_is_used(self):
        helped = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True)
        self.assertIn("example: tools/export.py results --mlperf", helped.stdout)
        done = subprocess.run([SCRIPT, "results"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--tensorboard DIR or --mlperf FILE", done.stderr)


if __name__ == "__main__":
    unittest.main()
