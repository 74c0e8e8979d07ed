#!/usr/bin/python3
"""Tests tools/plot.py on a small recorded-like run of three batch sizes, made afresh for each test."""

import contextlib
import csv
import io
import itertools
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools" / "plot.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
import plot  # noqa: E402
from plotting.words import rounded  # noqa: E402

NAMES = ["batchsize_comparison.png", "loss_over_time.png", "training_loss.png", "step_time.png", "accuracy.png"]
STEP_HEADER = ("batch_size,seed,threads,process,epoch,step,examples,loss,accuracy,start_unix_ns,step_time_ns,"
               "load_time_ns,forward_time_ns,backward_time_ns,update_time_ns,arena_bytes,rss_bytes,peak_rss_bytes,"
               "swap_bytes,cpu_temp_celsius,cpu_freq_hz,throttled,power_watts,energy_joules,flags").split(",")
EPOCH_HEADER = ("batch_size,seed,threads,process,epoch,steps,train_loss,train_accuracy,val_loss,val_accuracy,"
                "train_time_ns,val_time_ns,train_energy_joules,noise_scale,noise_time_ns").split(",")
EVALUATION_HEADER = ("batch_size,seed,threads,process,step,epoch,examples,train_time_ns,train_energy_joules,val_loss,"
                     "val_accuracy,subset_loss").split(",")
SUMMARY_HEADER = ("batch_size,seed,threads,process,learning_rate,beta1,beta2,epochs,steps,best_val_loss,best_epoch,final_val_loss,"
                  "final_val_accuracy,test_loss,test_accuracy,step_time_median_ns,step_time_p95_ns,"
                  "examples_per_second,arena_bytes,peak_rss_bytes,total_time_ns").split(",")
EXAMPLES = 60  # of which the last step of batch size 8 gets 4, of 16 gets 12


def val_loss(size, seed, epoch):
    return 0.3 + 0.01 * seed + size / 100 + 1 / epoch + (0.9 if (size, epoch) == (8, 4) else 0)


def train_time_ns(size, seed, epoch):
    return epoch * (1_000_000_000 // size + 10_000_000 * (seed - 1))


def step_time_ns(size, step):
    return 10_000_000 if step == 2 else 1000 * (40 + 3 * size + step % 5)


class Results:
    """The files of one run as Python values; write() puts them into a folder."""

    def __init__(self, sizes=(8, 16, 60), seeds=(1,), threads=(1,), epochs=4, processes=1):
        self.info = {
            "schema_version": 6, "status": "complete", "command": "batchsweep run",
            "model": {"name": "mlp", "parameters": 50890},
            "data": {"name": "fashion-mnist", "train_examples": EXAMPLES, "validation_examples": 20},
            "config": {"batch_sizes": list(sizes), "epochs": epochs, "optimizer": "adam", "learning_rate": 0.001,
                       "lr_rule": "none", "seeds": list(seeds), "loss": "sparse_categorical_crossentropy", "threads": threads[0], "precision": "f32"},
            "cpu": {"model_name": "Test CPU", "isa": "neon"}, "warnings": []}
        self.steps, self.epochs, self.summary, self.evaluations = [], [], [], []
        for process, size, seed, thread in itertools.product(range(1, processes + 1), sizes, seeds, threads):
            cell = dict(batch_size=size, seed=seed, threads=thread, process=process)
            per_epoch = math.ceil(EXAMPLES / size)
            for step in range(1, epochs * per_epoch + 1):
                last = step % per_epoch == 0
                self.steps.append(cell | dict(
                    epoch=(step - 1) // per_epoch + 1, step=step,
                    examples=EXAMPLES - (per_epoch - 1) * size if last else size,
                    loss=2.3 / (1 + 0.1 * step) + 0.1 * (step % 3),
                    step_time_ns=process * step_time_ns(size, step) // thread,
                    flags="+".join(["warmup"] * (step == 1) + ["part_batch"] * (last and EXAMPLES % size > 0))))
            for epoch in range(1, epochs + 1):
                self.epochs.append(cell | dict(
                    epoch=epoch, steps=per_epoch, train_accuracy=0.9 - 0.2 / epoch,
                    val_loss=val_loss(size, seed, epoch) + (5 if thread != threads[0] else 0),
                    val_accuracy=0.8 - 0.1 / epoch))
                self.evaluations.append(cell | dict(
                    step=epoch * per_epoch, epoch=epoch, examples=epoch * EXAMPLES,
                    train_time_ns=train_time_ns(size, seed, epoch), val_loss=self.epochs[-1]["val_loss"]))
            self.summary.append(cell | dict(epochs=epochs, test_accuracy=0.7 + size / 1000))

    def write(self, folder):
        folder.mkdir(exist_ok=True)
        (folder / "run.json").write_text(json.dumps(self.info), encoding="utf-8")
        for name, header, rows in (("steps.csv", STEP_HEADER, self.steps), ("epochs.csv", EPOCH_HEADER, self.epochs),
                                   ("summary.csv", SUMMARY_HEADER, self.summary),
                                   ("evaluations.csv", EVALUATION_HEADER, self.evaluations)):
            with open(folder / name, "w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


def words(fig):
    """All free text of a figure: the title and the caption, on one line."""
    return " ".join(" ".join(text.get_text() for text in fig.texts).split())


def batch_lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


class PlotTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name) / "results"

    def load(self, results):
        results.write(self.folder)
        return plot.load(self.folder)

    def run_main(self, *arguments):
        """(exit code, stdout, stderr) of plot.py in this process; an exception fails the test."""
        with (contextlib.chdir(self.folder.parent), contextlib.redirect_stdout(io.StringIO()) as out,
              contextlib.redirect_stderr(io.StringIO()) as errors):
            code = plot.main(arguments or ["results"])
        return code, out.getvalue(), errors.getvalue()

    def run_script(self, *arguments):
        done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False,
                              cwd=self.folder.parent)
        return done.returncode, done.stdout, done.stderr

    def expect_success(self, code, out, errors):
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(out.splitlines(), [f"results/loss_curves/{name}" for name in NAMES])

    def expect_pictures(self):
        self.expect_success(*self.run_main())
        for name in NAMES:
            path = self.folder / "loss_curves" / name
            self.assertEqual(path.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
            pixels = matplotlib.image.imread(path)[:, :, :3]
            self.assertGreaterEqual(pixels.shape[1], 1000)
            self.assertGreaterEqual(pixels.shape[0], 600)
            self.assertGreater(pixels.var(), 0.005, f"{name} is blank")
            self.assertTrue((pixels[:3] == 1).all() and (pixels[:, -3:] == 1).all(), f"{name} is cut off")

    def expect_error(self, *parts, arguments=(), run=None):
        code, out, errors = (run or self.run_main)(*(arguments or ["results"]))
        self.assertEqual((code, out, errors.count("\n")), (1, "", 1), errors)
        self.assertTrue(errors.startswith("plot.py: "), errors)
        for part in (*parts, "expected", ";"):
            self.assertIn(part, errors)

    # -- a whole run

    def test_a_complete_run_gives_five_pictures(self):
        Results().write(self.folder)
        self.expect_pictures()

    def test_help_gives_an_example(self):
        code, out, _ = self.run_script("--help")
        self.assertEqual(code, 0)
        self.assertIn("example: tools/plot.py results", out)

    def test_as_a_program_it_prints_the_files_or_one_line_on_stderr(self):
        Results().write(self.folder)
        self.expect_success(*self.run_script("results"))
        self.expect_error("absent", "no such folder", arguments=["absent"], run=self.run_script)

    # -- the comparison

    def test_the_comparison_has_one_line_a_batch_size_with_the_data_of_epochs_csv(self):
        fig = plot.comparison_figure(self.load(Results()))
        (ax,) = fig.axes
        lines = batch_lines(ax)
        self.assertEqual(list(lines), ["8", "16", "60"])
        for label, line in lines.items():
            self.assertEqual(list(line.get_xdata()), [1, 2, 3, 4])
            np.testing.assert_allclose(line.get_ydata(), [val_loss(int(label), 1, epoch) for epoch in (1, 2, 3, 4)],
                                       rtol=1e-14)
        for look in ("color", "marker", "linestyle"):
            self.assertEqual(len({str(plot.style(plot.load(self.folder), size)[look]) for size in (8, 16, 60)}), 3)

    def test_the_comparison_is_labelled(self):
        fig = plot.comparison_figure(self.load(Results()))
        (ax,) = fig.axes
        self.assertEqual(ax.get_xlabel(), "epoch")
        self.assertEqual(ax.get_ylabel(), "validation loss (cross-entropy)")
        self.assertEqual(ax.get_yscale(), "linear")
        self.assertIn("Validation loss by batch size", words(fig))
        self.assertEqual(ax.get_legend().get_title().get_text(), "batch size")
        self.assertEqual([text.get_text().replace("\u2007", "") for text in ax.get_legend().get_texts()],
                         ["8   lowest 0.723, epoch 3", "16   lowest 0.720, epoch 4", "60   lowest 1.160, epoch 4"])
        ticks = [tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
        self.assertEqual(ticks, [1, 2, 3, 4])

    def test_every_loss_is_called_by_its_name(self):
        for name, words_of_it in (("categorical_crossentropy", "cross-entropy"),
                                  ("mean_squared_error", "mean squared error"), ("a_new_one", "a new one")):
            results = Results()
            results.info["config"]["loss"] = name
            run = self.load(results)
            self.assertEqual(plot.comparison_figure(run).axes[0].get_ylabel(), f"validation loss ({words_of_it})")
            self.assertEqual(plot.training_loss_figure(run).axes[0].get_ylabel(), f"training loss ({words_of_it})")

    def test_a_regression_has_no_picture_of_accuracies(self):
        results = Results()
        for row in results.epochs:
            row["train_accuracy"] = row["val_accuracy"] = ""
        for row in results.summary:
            row["test_accuracy"] = ""
        results.write(self.folder)
        code, out, errors = self.run_main()
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(out.splitlines(), [f"results/loss_curves/{name}" for name in NAMES[:-1]])
        self.assertFalse((self.folder / "loss_curves/accuracy.png").exists())

    def test_no_word_of_matplotlib_is_one_that_it_will_drop(self):
        Results(processes=2).write(self.folder)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.expect_success(*self.run_main())

    def test_the_rings_mark_the_lowest_losses(self):
        (ax,) = plot.comparison_figure(self.load(Results())).axes
        rings = [tuple(ring.get_offsets()[0]) for ring in ax.collections]
        self.assertEqual(rings, [(3, val_loss(8, 1, 3)), (4, val_loss(16, 1, 4)), (4, val_loss(60, 1, 4))])

    def test_the_caption_says_what_a_rule_made_of_each_batch_size(self):
        results = Results(sizes=(8, 32))
        self.assertNotIn("rule", words(plot.comparison_figure(self.load(results))))
        results.info["config"] |= {"adam_rule": "sde", "reference_batch": 32}
        for row in results.summary:
            small = row["batch_size"] == 8
            row |= {"learning_rate": 0.0005 if small else 0.001, "beta1": 0.975 if small else 0.9,
                    "beta2": 0.99975 if small else 0.999}
        self.assertIn("sde rule for Adam from 32: learning rate 0.0005/0.001, beta1 0.975/0.9, beta2 0.99975/0.999 at "
                      "8/32", words(plot.comparison_figure(self.load(results))))
        results.info["config"] |= {"adam_rule": "half-life", "lr_rule": "sqrt"}
        results.summary = []  # none is finished
        self.assertIn("sqrt rule for the learning rate and half-life rule for Adam from 32 Test CPU",
                      words(plot.comparison_figure(self.load(results))))

    def test_seeds_become_a_median_line_in_a_band(self):
        fig = plot.comparison_figure(self.load(Results(sizes=(8,), seeds=(1, 2, 6))))
        (ax,) = fig.axes
        np.testing.assert_allclose(batch_lines(ax)["8"].get_ydata(), [val_loss(8, 2, epoch) for epoch in (1, 2, 3, 4)])
        corners = ax.collections[0].get_paths()[0].vertices
        for seed in (1, 6):
            for epoch in (1, 2, 3, 4):
                self.assertLess(np.abs(corners - [epoch, val_loss(8, seed, epoch)]).sum(1).min(), 1e-9)
        self.assertIn("3 seeds", words(fig))
        self.assertIn("median of the seeds; band: lowest to highest", words(fig))

    def test_a_seed_that_did_not_go_as_far_as_the_others_is_not_in_the_median(self):
        results = Results(sizes=(8,), seeds=(1, 2))
        results.epochs = [row for row in results.epochs if row["seed"] == 1 or row["epoch"] < 3]
        (ax,) = plot.comparison_figure(self.load(results)).axes
        self.assertEqual(list(batch_lines(ax)["8"].get_ydata()), [val_loss(8, 1, epoch) for epoch in (1, 2, 3, 4)])

    def test_the_caption_has_the_updates_of_each_batch_size(self):
        said = words(plot.comparison_figure(self.load(Results(sizes=(8, 60), seeds=(1, 2)))))
        self.assertIn("Updates: 32 at batch size 8, 4 at batch size 60.", said)

    def test_the_lowest_loss_has_no_more_digits_than_its_seeds_share(self):
        results = Results(sizes=(8,), seeds=(1, 9))  # 0.08 apart
        (ax,) = plot.comparison_figure(self.load(results)).axes
        self.assertIn("lowest 0.76, epoch 3", ax.get_legend().get_texts()[0].get_text())
        self.assertEqual(rounded(0.4, [0.4, 0.4]), "0.400")
        self.assertEqual(rounded(1234.4, [1000.0, 2000.0]), "1234")

    # -- over time and energy

    def test_losses_of_one_seed_lie_at_its_training_times(self):
        (ax,) = plot.over_time_figure(self.load(Results(sizes=(8, 60)))).axes
        for size in (8, 60):
            line = batch_lines(ax)[str(size)]
            np.testing.assert_allclose(line.get_xdata(), [train_time_ns(size, 1, epoch) / 1e9 for epoch in (1, 2, 3, 4)])
            np.testing.assert_allclose(line.get_ydata(), [val_loss(size, 1, epoch) for epoch in (1, 2, 3, 4)])
        self.assertEqual(ax.get_xscale(), "log")

    def test_seeds_of_other_speeds_meet_where_all_of_them_have_a_loss(self):
        results = Results(sizes=(8,), seeds=(1, 2, 3), epochs=2)
        for row in results.evaluations:
            row["train_time_ns"] = 10**9 * row["epoch"] * (1 + row["seed"])  # 2, 4; 3, 6; 4, 8 s
            row["val_loss"] = 3.0 - row["epoch"]
        fig = plot.over_time_figure(self.load(results))
        (ax,) = fig.axes
        line = batch_lines(ax)["8"]  # from the first of the slowest to the last of the fastest, here the same
        np.testing.assert_allclose(line.get_xdata(), [4.0])
        np.testing.assert_allclose(line.get_ydata(), [3 - 4 / 3])  # of 1, 1 2/3 and 2
        self.assertIn("median of the seeds", words(fig))

    def test_the_loss_of_the_answer_is_a_line(self):
        results = Results()
        results.info["advice"] = {"sentences": ["8 is fastest."], "target": {"measure": "val_loss", "value": 0.7}}
        fig = plot.over_time_figure(self.load(results))
        self.assertIn("target 0.7", fig.axes[0].texts[0].get_text())
        self.assertIn("8 is fastest.", words(fig))
        results.info["advice"] = {"sentences": "none", "target": 5}
        self.assertEqual(list(plot.over_time_figure(self.load(results)).axes[0].texts), [])

    def test_a_noise_scale_is_drawn_where_it_is_known(self):
        results = Results(sizes=(8, 60), seeds=(1, 2, 3))
        results.info["config"]["noise_scale"] = "dense"
        for row in results.epochs:
            known = row["batch_size"] == 8 and row["epoch"] != 2
            row |= {"train_time_ns": 1000, "noise_time_ns": 50,
                    "noise_scale": 10.0 * row["seed"] * row["epoch"] if known else ""}
        results.write(self.folder)
        _, out, _ = self.run_main()
        self.assertIn("noise_scale.png", out)
        fig = plot.noise_figure(plot.load(self.folder))
        lines = batch_lines(fig.axes[0])
        self.assertEqual(list(lines), ["8"])
        np.testing.assert_allclose(lines["8"].get_xdata(), [1, 3, 4])
        np.testing.assert_allclose(lines["8"].get_ydata(), [20.0, 60.0, 80.0])
        self.assertEqual(fig.axes[0].get_yscale(), "log")
        self.assertEqual(len(fig.axes[0].collections), 1)  # the range of the seeds
        for text in ("dense layers alone", "factor of two", "took 5 %", "at 0 or below", "lowest to highest"):
            self.assertIn(text, words(fig))

    def test_without_a_noise_scale_there_is_no_picture_of_it(self):
        Results().write(self.folder)
        _, out, _ = self.run_main()
        self.assertNotIn("noise_scale.png", out)

    def test_energy_is_drawn_of_cells_with_60_readings_of_it(self):
        results = Results(sizes=(8, 60))
        results.info |= {"energy_grade": "board rails", "energy_source": "ina3221"}
        results.info["config"]["sample_hz"] = 10.0
        for row in results.evaluations:
            row["train_time_ns"] = row["epoch"] * (1_500_000_000 if row["batch_size"] == 8 else 1_400_000_000)
            row["train_energy_joules"] = 5.0 * row["epoch"]
        results.write(self.folder)
        _, out, _ = self.run_main()
        self.assertIn("loss_over_energy.png", out)
        fig = plot.over_energy_figure(plot.load(self.folder))
        lines = batch_lines(fig.axes[0])
        self.assertEqual(list(lines), ["8"])  # of 6.0 s, not of 5.6 s
        np.testing.assert_allclose(lines["8"].get_xdata(), [5.0, 10.0, 15.0, 20.0])
        self.assertIn("by ina3221", words(fig))

    def test_a_run_without_power_has_no_picture_over_energy(self):
        self.assertTrue(plot.powered(self.load(Results())).empty)

    def test_of_several_thread_counts_the_first_is_drawn(self):
        run = self.load(Results(threads=(2, 1)))
        (ax,) = plot.comparison_figure(run).axes
        self.assertEqual(list(batch_lines(ax)["16"].get_ydata()), [val_loss(16, 1, epoch) for epoch in (1, 2, 3, 4)])
        self.assertIn("2 threads", words(plot.step_time_figure(run)))

    def test_colours_stay_with_the_batch_size_when_another_is_missing(self):
        color = batch_lines(plot.comparison_figure(self.load(Results())).axes[0])["60"].get_color()
        results = Results()
        results.epochs = [row for row in results.epochs if row["batch_size"] != 16]
        self.assertEqual(batch_lines(plot.comparison_figure(self.load(results)).axes[0])["60"].get_color(), color)

    def test_many_batch_sizes_have_lines_of_their_own(self):
        run = self.load(Results(sizes=tuple(range(2, 22)), epochs=1))
        looks = [plot.style(run, size) for size in run.batch_sizes]
        self.assertEqual(len({(look["color"], look["marker"], str(look["linestyle"])) for look in looks}), 20)

    def test_one_huge_loss_does_not_hide_the_others(self):
        results = Results()
        results.epochs[-1]["val_loss"] = 1e6
        self.assertEqual(plot.comparison_figure(self.load(results)).axes[0].get_yscale(), "log")

    # -- the other figures

    def test_training_loss_is_drawn_against_steps_and_seconds(self):
        by_step, by_second = plot.training_loss_figure(self.load(Results())).axes
        self.assertEqual((by_step.get_xlabel(), by_second.get_xlabel()),
                         ("training steps, log scale", "training time (s), log scale"))
        self.assertEqual(by_step.get_xscale(), "log")
        self.assertEqual(by_second.get_legend().get_title().get_text(), "batch size")
        line = batch_lines(by_step)["60"]
        losses = [2.3 / (1 + 0.1 * step) + 0.1 * (step % 3) for step in (1, 2, 3, 4)]
        self.assertEqual(list(line.get_xdata()), [1, 2, 3, 4])
        np.testing.assert_allclose(line.get_ydata(), np.cumsum(losses) / [1, 2, 3, 4])  # 256 examples are 5 steps
        np.testing.assert_allclose(batch_lines(by_second)["60"].get_xdata(),
                                   np.cumsum([step_time_ns(60, step) for step in (1, 2, 3, 4)]) / 1e9)

    def test_the_running_mean_covers_a_tenth_of_the_steps(self):
        values = np.sin(np.arange(100.0))
        smooth = plot.running_mean(np.column_stack([values, -values]), 4)
        np.testing.assert_allclose(smooth[:, 0], -smooth[:, 1])
        smooth = smooth[:, 0]
        self.assertAlmostEqual(smooth[0], values[0])
        self.assertAlmostEqual(smooth[1], values[:2].mean())
        self.assertAlmostEqual(smooth[20], values[17:21].mean())
        self.assertAlmostEqual(smooth[99], values[90:].mean())

    def test_training_loss_over_seeds_goes_as_far_as_all_of_them(self):
        results = Results(sizes=(60,), seeds=(1, 2))
        results.steps = [row for row in results.steps if (row["seed"], row["step"]) != (2, 4)]
        by_step, by_second = plot.training_loss_figure(self.load(results)).axes
        self.assertEqual(list(batch_lines(by_step)["60"].get_xdata()), [1, 2, 3])
        np.testing.assert_allclose(batch_lines(by_second)["60"].get_xdata(),
                                   np.cumsum([step_time_ns(60, step) for step in (1, 2, 3)]) / 1e9)

    def test_training_loss_of_seeds_has_their_median_in_a_band(self):
        results = Results(sizes=(60,), seeds=(1, 2, 3))
        for row in results.steps:
            row["loss"] = 2.0 ** row["seed"]
        fig = plot.training_loss_figure(self.load(results))
        np.testing.assert_allclose(batch_lines(fig.axes[0])["60"].get_ydata(), [4.0] * 4)
        band = fig.axes[0].collections[0].get_paths()[0].vertices[:, 1]
        self.assertEqual((band.min(), band.max()), (2.0, 8.0))
        self.assertIn("single steps of one seed", words(fig))

    def test_step_times_have_median_p95_and_throughput(self):
        fig = plot.step_time_figure(self.load(Results(sizes=(8, 9))))
        times, rates = fig.axes
        full = [step_time_ns(8, step) / 1e3 for step in range(2, 33) if step % 8]
        self.assertEqual(times.texts[0].get_text(),
                         f"median {np.median(full):.3g} µs, p95 {np.percentile(full, 95):.3g} µs")
        self.assertLess(times.get_xlim()[1], 1000)  # the 10 ms step does not stretch the axis
        self.assertIn("Slowest step, not drawn: 10,000 µs", words(fig))
        self.assertEqual([label.get_text() for label in times.get_yticklabels()], ["8", "9"])
        self.assertAlmostEqual(rates.patches[0].get_width(), 8e6 / np.median(full))
        self.assertEqual((times.get_xlabel(), rates.get_xlabel(), times.get_ylabel()),
                         ("step time (µs)", "examples per second, by the median step", "batch size"))

    def test_batches_larger_than_the_data_still_have_step_times(self):
        results = Results(sizes=(8,))
        results.steps = [row | {"batch_size": 512} for row in results.steps]
        self.assertEqual(len(plot.step_time_figure(self.load(results)).axes[1].patches), 1)

    def test_of_several_processes_losses_are_drawn_once_and_times_all(self):
        run = self.load(Results(processes=3))
        once = self.load(Results())
        for draw in (plot.comparison_figure, plot.training_loss_figure):
            for ax, other in zip(draw(run).axes, draw(once).axes):
                for label, line in batch_lines(other).items():
                    self.assertEqual(list(line.get_ydata()), list(batch_lines(ax)[label].get_ydata()))
        fig = plot.step_time_figure(run)
        texts = [text.get_text() for text in fig.axes[0].texts]
        self.assertIn("3 processes: 66 to 198 µs", texts)  # of batch size 8, each the process' number times 66
        self.assertIn("median 132 µs", " ".join(texts))
        self.assertIn("Thin lines: medians of the processes.", words(fig))
        self.assertNotIn("processes", words(plot.step_time_figure(once)))

    def test_flagged_steps_are_told_with_the_median_without_them(self):
        results = Results(sizes=(8,))
        for row in results.steps[8:16]:  # an epoch of eight steps
            row["flags"] = "+".join(filter(None, [row["flags"], "throttled"]))
            row["step_time_ns"] *= 10
        (_, details) = [text.get_text() for text in plot.step_time_figure(self.load(results)).axes[0].texts]
        # 27 of 32 steps count: without the first and the last, smaller ones; 7 of them are flagged.
        self.assertEqual(details, "25.9 % flagged, without them 66 µs")
        for row in results.steps:
            row["flags"] = "load"
        (_, details) = [text.get_text() for text in plot.step_time_figure(self.load(results)).axes[0].texts]
        self.assertEqual(details, "100 % flagged")

    def test_the_warm_up_is_no_step_time(self):
        results = Results(sizes=(8,))
        results.steps[0]["step_time_ns"] = 90_000_000
        fig = plot.step_time_figure(self.load(results))
        self.assertIn("Slowest step, not drawn: 10,000 µs.", words(fig))
        for row in results.steps:  # where there is nothing else it is drawn all the same
            row["flags"] = "warmup"
        self.assertIn("Slowest step, not drawn: 90,000 µs.", words(plot.step_time_figure(self.load(results))))

    def test_accuracy_is_drawn_in_percent_with_the_test_result(self):
        training, validation = plot.accuracy_figure(self.load(Results())).axes
        self.assertEqual(list(batch_lines(training)["8"].get_ydata()), [0.9 - 0.2 / epoch for epoch in (1, 2, 3, 4)])
        self.assertEqual(list(batch_lines(validation)["8"].get_ydata()), [0.8 - 0.1 / epoch for epoch in (1, 2, 3, 4)])
        self.assertEqual(validation.get_ylabel(), "validation accuracy (%)")
        self.assertEqual(validation.yaxis.get_major_formatter()(0.875, None), "87.5")
        self.assertIn("16   test 71.6 %", [text.get_text() for text in validation.get_legend().get_texts()])

    # -- the caption

    def test_the_caption_says_what_was_measured(self):
        results = Results()
        results.info["warnings"] = [{"name": name, "message": f"it is {name}"}
                                    for name in ("governor", "few_steps", "spread", "throttled", "swap")]
        run = self.load(results)
        for draw in plot.FIGURES.values():
            caption = words(draw(run))
            for part in ("mlp (50,890 weights)", "fashion-mnist (60 training examples)", "adam", "learning rate 0.001",
                         "Test CPU · neon · 1 thread · f32", "Warning: it is throttled Warning: it is swap Warning: it is spread",
                         "and 2 more in run.json"):
                self.assertIn(part, caption)
            self.assertNotIn("nterrupted", caption)
            self.assertNotIn("diverged", caption)

    def test_every_key_of_run_json_but_the_version_may_be_absent_or_odd(self):
        results = Results()
        results.info = {"schema_version": 6}
        results.write(self.folder)
        self.expect_pictures()
        results.info |= {"model": "mlp", "data": None, "config": {"batch_sizes": [8, "x", None], "learning_rate": "x", "epochs": "?"},
                         "cpu": [], "warnings": ["none", {"name": 3}], "status": 3}
        results.write(self.folder)
        self.expect_pictures()

    # -- runs that did not end well

    def interrupted(self):
        results = Results()
        results.info["status"] = "interrupted"
        for table in ("steps", "epochs", "summary"):
            setattr(results, table, [row for row in getattr(results, table) if row["batch_size"] == 8 or
                                     row["batch_size"] == 16 and row.get("epoch", 9) <= 2])
        return results

    def test_an_interrupted_run_is_drawn_as_far_as_it_went(self):
        fig = plot.comparison_figure(self.load(self.interrupted()))
        self.assertEqual({label: len(line.get_xdata()) for label, line in batch_lines(fig.axes[0]).items()},
                         {"8": 4, "16": 2})
        self.assertIn("Run interrupted: batch size 16 has 2 of 4 epochs, batch size 60 has no finished epoch.",
                      words(fig))
        self.expect_pictures()

    def test_title_pictures_and_caption_keep_clear_of_each_other(self):
        results = self.interrupted()
        results.info["warnings"] = [{"name": "spread", "message": "a long word " * 30}]
        run = self.load(results)
        for name, draw in plot.FIGURES.items():
            fig = draw(run)
            fig.canvas = FigureCanvasAgg(fig)
            fig.canvas.draw()
            panels = Bbox.union([ax.get_tightbbox(fig.canvas.get_renderer()) for ax in fig.axes])
            boxes = [panels] + [text.get_window_extent() for text in fig.texts]
            self.assertGreaterEqual(len(boxes), 4)
            for index, box in enumerate(boxes):
                self.assertTrue(fig.bbox.containsx(box.x0) and fig.bbox.containsx(box.x1), name)
                self.assertEqual(box.count_overlaps(boxes[:index]), 0, name)

    def test_a_missing_batch_size_is_told_whatever_the_status(self):
        results = self.interrupted()
        results.info["status"] = "complete"
        self.assertIn("Run interrupted: batch size 60 has no finished epoch.",
                      words(plot.accuracy_figure(self.load(results))))

    def test_a_run_without_summary_is_drawn(self):
        self.interrupted().write(self.folder)
        (self.folder / "summary.csv").unlink()
        self.expect_pictures()
        for text in ("", ",".join(SUMMARY_HEADER) + "\n"):
            (self.folder / "summary.csv").write_text(text, encoding="utf-8")
            self.expect_pictures()

    def test_a_row_that_was_cut_off_is_left_out(self):
        Results().write(self.folder)
        for name in ("steps.csv", "epochs.csv"):
            path = self.folder / name
            path.write_text(path.read_text(encoding="utf-8").rstrip("\n")[:-14], encoding="utf-8")
        run = plot.load(self.folder)
        self.assertEqual((len(run.epochs), len(run.steps)), (11, 4 * (8 + 4 + 1) - 1))
        self.expect_pictures()

    def test_a_diverged_run_is_drawn_up_to_its_last_finite_loss(self):
        results = Results()
        results.info["status"] = "diverged"
        for row in results.epochs:
            if row["batch_size"] == 16 and row["epoch"] >= 3:
                row["val_loss"] = "inf" if row["epoch"] == 3 else "nan"
        for row in results.steps:
            if row["batch_size"] == 16 and row["step"] >= 10:
                row["loss"] = "nan" if row["step"] % 2 else "-inf"
        run = self.load(results)
        fig = plot.comparison_figure(run)
        self.assertEqual(list(batch_lines(fig.axes[0])["16"].get_xdata()), [1, 2])
        self.assertIn("Batch size 16 diverged: no finite loss from step 10 on.", words(fig))
        self.assertNotIn("nterrupted", words(fig))
        self.assertEqual(max(batch_lines(plot.training_loss_figure(run).axes[0])["16"].get_xdata()), 9)
        self.expect_pictures()

    def test_a_batch_size_that_diverged_in_its_first_epoch_was_not_interrupted(self):
        results = Results()
        results.epochs = [row for row in results.epochs if row["batch_size"] != 16]
        for row in results.steps:
            if row["batch_size"] == 16:
                row["loss"] = "nan"
        caption = words(plot.comparison_figure(self.load(results)))
        self.assertIn("Batch size 16 diverged: no finite loss from step 1 on.", caption)
        self.assertNotIn("nterrupted", caption)

    def test_a_run_without_any_finite_loss_is_drawn(self):
        results = Results(sizes=(8,), epochs=1)
        for row in results.epochs:
            row |= {"val_loss": "nan", "train_accuracy": "nan", "val_accuracy": "nan"}
        for row in results.steps:
            row["loss"] = "nan"
        fig = plot.comparison_figure(self.load(results))
        self.assertEqual(fig.axes[0].texts[0].get_text(), "no finite value")
        self.expect_pictures()

    # -- bad input

    def test_a_missing_folder_is_refused(self):
        self.expect_error("absent", "no such folder", arguments=["absent"])

    def test_a_missing_file_is_refused(self):
        for name in ("run.json", "steps.csv", "epochs.csv"):
            with self.subTest(name=name):
                Results().write(self.folder)
                (self.folder / name).unlink()
                self.expect_error(f"results/{name}", "No such file")

    def test_an_empty_table_is_refused(self):
        for name, header in (("steps.csv", STEP_HEADER), ("epochs.csv", EPOCH_HEADER)):
            for text in ("", ",".join(header) + "\n"):
                with self.subTest(name=name, text=text):
                    Results().write(self.folder)
                    (self.folder / name).write_text(text, encoding="utf-8")
                    self.expect_error(f"results/{name}")

    def test_an_unknown_schema_version_is_refused(self):
        for version in (2, "3", None):
            with self.subTest(version=version):
                results = Results()
                results.info["schema_version"] = version
                results.write(self.folder)
                self.expect_error("run.json", f"schema_version is {json.dumps(version)}", "expected 6")

    def test_a_run_json_that_is_not_json_is_refused(self):
        for content in (b"{\n", b"[]", b"\xff\xfe"):
            with self.subTest(content=content):
                Results().write(self.folder)
                (self.folder / "run.json").write_bytes(content)
                self.expect_error("run.json")

    def test_a_missing_column_is_refused(self):
        for name, column in (("steps.csv", "step_time_ns"), ("epochs.csv", "val_loss"), ("summary.csv", "test_accuracy")):
            with self.subTest(name=name):
                Results().write(self.folder)
                path = self.folder / name
                path.write_text(path.read_text(encoding="utf-8").replace(column, "other", 1), encoding="utf-8")
                self.expect_error(name, f"no column {column}")

    def test_a_value_that_is_no_number_is_refused_with_its_line(self):
        for table, column, value in (("steps", "loss", "abc"), ("steps", "step_time_ns", ""), ("epochs", "epoch", "inf"),
                                     ("steps", "batch_size", -8), ("epochs", "val_accuracy", "x")):
            with self.subTest(column=column):
                results = Results()
                getattr(results, table)[2][column] = value
                results.write(self.folder)
                self.expect_error(f"{table}.csv", "line 4", column)

    def test_a_file_that_is_no_table_is_refused(self):
        for content in (b"\x89PNG\xff\xff\n", b"batch_size\n1\n", b'"\n' * 5,
                        ",".join(EPOCH_HEADER).encode() + b'\n8,"1\n'):
            with self.subTest(content=content):
                Results().write(self.folder)
                (self.folder / "epochs.csv").write_bytes(content)
                self.expect_error("epochs.csv")

    def test_a_folder_that_cannot_be_written_is_refused(self):
        Results().write(self.folder)
        (self.folder / "loss_curves").write_text("in the way", encoding="utf-8")
        self.expect_error("loss_curves")

    # --- several boards

    def write_boards(self, **boards):
        """One folder a board, named by it; returns the folders."""
        folders = []
        for name, results in boards.items():
            folders.append(self.folder / name)
            self.folder.mkdir(exist_ok=True)
            results.write(folders[-1])
        return folders

    def plot_boards(self, folders):
        """(exit code, stdout, stderr)"""
        return self.run_main(*map(str, folders), "--out", str(self.folder / "all"))

    def boards_figure(self, folders):
        return plot.boards_figure(plot.load_boards(folders))

    def table(self):
        with open(self.folder / "all/boards.csv", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_boards_have_a_line_each_in_every_panel(self):
        slow = Results(sizes=(8, 16, 30))
        slow.info["system"] = {"board": "Raspberry Pi 5", "host_name": "pi-a"}
        for row in slow.steps:
            row["step_time_ns"] *= 10
            row["peak_rss_bytes"] = row["batch_size"] << 20
        fig = self.boards_figure(self.write_boards(pi=slow, pc=Results()))
        times, rates, losses, memory = fig.axes
        labels = ["Raspberry Pi 5, pi-a  (Test CPU, 1 thread)", "pc  (Test CPU, 1 thread)"]
        self.assertEqual([text.get_text() for text in fig.legends[0].get_texts()], labels)
        for ax in (times, rates, losses, memory):
            self.assertEqual(list(batch_lines(ax)), labels)
        # Of the full-size steps: the median is that of 40 to 44 plus 3 a size, in microseconds.
        pi, pc = (batch_lines(times)[label] for label in labels)
        self.assertEqual((list(pi.get_xdata()), list(pc.get_xdata())), ([8, 16, 30], [8, 16, 60]))
        self.assertEqual(pc.get_ydata()[0] * 10, pi.get_ydata()[0])
        full = [step_time_ns(8, step) / 1e3 for step in range(2, 33) if step % 8]
        self.assertEqual(pc.get_ydata()[0], float(np.median(full)))
        self.assertEqual(list(batch_lines(memory)[labels[0]].get_ydata()), [8, 16, 30])
        self.assertEqual(len(batch_lines(memory)[labels[1]].get_xdata()), 0)  # it did not tell
        # Sizes 8 and 16 are common; seconds are those of all steps up to each epoch's end.
        self.assertIn("batch size 8", losses.get_title())
        line = batch_lines(losses)[labels[1]]
        np.testing.assert_allclose(line.get_ydata(), [val_loss(8, 1, epoch) for epoch in range(1, 5)])
        self.assertAlmostEqual(line.get_xdata()[1], sum(step_time_ns(8, step) for step in range(1, 17)) / 1e9)
        self.assertAlmostEqual(batch_lines(rates)[labels[1]].get_ydata()[0], 8e6 / np.median(full))
        self.assertEqual(losses.get_ylabel(), "validation loss (cross-entropy)")

    def names(self, *known, folders=None):
        """The boards' names, of (board, host) each."""
        folders = folders or [self.folder / f"run{index}" for index in range(len(known))]
        for folder, (board, host) in zip(folders, known):
            folder.parent.mkdir(parents=True, exist_ok=True)
            results = Results(sizes=(8,), epochs=1)
            results.info["system"] = {"board": board, "host_name": host}
            results.write(folder)
        return [board.name for board in plot.load_boards(folders)]

    def test_boards_are_named_by_board_and_host_and_folders_where_these_are_not_enough(self):
        self.assertEqual(self.names(("Pi 5", "a"), ("Pi 5", "b"), (None, "c"), ("Pi 4", None), (None, None)),
                         ["Pi 5, a", "Pi 5, b", "c", "Pi 4", "run4"])
        self.assertEqual(self.names(("Pi 5", "a"), ("Pi 5", "a"), ("Pi 4", "a")),
                         ["Pi 5, a, run0", "Pi 5, a, run1", "Pi 4, a"])
        folders = [self.folder / name / "results" for name in ("one", "two")]
        self.assertEqual(self.names(("Pi 5", "a"), ("Pi 5", "a"), folders=folders),
                         [f"Pi 5, a, {folder.resolve()}" for folder in folders])

    def test_five_boards_have_looks_of_their_own_and_a_legend_above_the_panels(self):
        boards = {}
        for index in range(5):
            results = boards[f"run{index}"] = Results(sizes=(1, 4, 8, 15, 20, 30, 60), epochs=1)
            results.info["system"] = {"board": "NVIDIA Jetson Orin Nano Developer Kit", "host_name": f"jetson-{index}"}
        fig = self.boards_figure(self.write_boards(**boards))
        FigureCanvasAgg(fig).draw()
        for ax in fig.axes:
            self.assertEqual(len({(line.get_color(), line.get_marker()) for line in batch_lines(ax).values()}), 5)
        legend = fig.legends[0].get_window_extent()
        self.assertTrue(0 <= legend.x0 and legend.x1 <= fig.bbox.x1, legend)
        self.assertLess(max(ax.get_tightbbox().y1 for ax in fig.axes), legend.y0)
        self.assertLess(legend.y1, fig._suptitle.get_window_extent().y0)
        self.assertEqual([tick.get_text() for tick in fig.axes[0].get_xticklabels()],
                         ["1", "4", "8", "15", "20", "30", "60"])

    def test_the_table_of_boards_has_their_summaries(self):
        one = Results(sizes=(8,))
        one.info["system"] = {"board": "Raspberry Pi 5", "host_name": "pi-a"}
        code, out, errors = self.plot_boards(self.write_boards(one=one, two=Results(sizes=(8, 16))))
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(out.splitlines(), [str(self.folder / "all" / name) for name in ("boards.png", "boards.csv")])
        self.assertEqual((self.folder / "all/boards.png").read_bytes()[:4], b"\x89PNG")
        about = {"cpu": "Test CPU", "model": "mlp", "data": "fashion-mnist"}
        pi = {"board": "Raspberry Pi 5, pi-a", "board_model": "Raspberry Pi 5", "host_name": "pi-a"} | about
        pc = {"board": "two", "board_model": "", "host_name": ""} | about
        rows = []
        for folder, board in (("one", pi), ("two", pc)):
            with open(self.folder / folder / "summary.csv", encoding="utf-8") as file:
                rows += [board | row for row in csv.DictReader(file)]
        self.assertEqual(self.table(), rows)
        self.assertEqual((len(rows), list(rows[0])), (3, list(pi) + SUMMARY_HEADER))

    def test_the_table_of_boards_has_empty_cells_for_what_is_not_finished(self):
        stopped, last = Results(sizes=(8, 16)), Results(sizes=(8, 16))
        stopped.summary = []
        folders = self.write_boards(stopped=stopped, last=last)
        path = folders[1] / "summary.csv"
        path.write_text(path.read_text(encoding="utf-8").rstrip("\n")[:-9], encoding="utf-8")  # cut off
        self.assertEqual(self.plot_boards(folders)[0], 0)
        self.assertEqual([(row["board"], row["batch_size"], row["seed"], row["threads"], row["test_accuracy"])
                          for row in self.table()],
                         [("stopped", "8", "1", "1", ""), ("stopped", "16", "1", "1", ""),
                          ("last", "8", "1", "1", "0.708"), ("last", "16", "1", "1", "")])

    def test_an_interrupted_board_is_drawn_and_said_to_be(self):
        stopped = Results()
        stopped.info["status"] = "interrupted"
        stopped.epochs = [row for row in stopped.epochs if row["batch_size"] == 8]
        stopped.steps = [row for row in stopped.steps if row["batch_size"] == 8]
        stopped.summary = []
        fig = self.boards_figure(self.write_boards(stopped=stopped, other=Results()))
        self.assertIn("stopped: Run interrupted: batch size 16 has no finished epoch", words(fig))
        self.assertEqual([list(line.get_xdata()) for line in fig.axes[0].get_lines()], [[8], [8, 16, 60]])
        bars = [bar for bar in fig.axes[0].collections if isinstance(bar, matplotlib.collections.LineCollection)]
        full = [step_time_ns(8, step) / 1e3 for step in range(2, 33) if step % 8]
        np.testing.assert_allclose(bars[0].get_segments()[0][:, 1], np.percentile(full, [5, 95]))

    def test_a_diverged_board_is_drawn_up_to_its_last_finite_loss(self):
        diverged = Results(sizes=(8,))
        for row in diverged.epochs[2:]:
            row["val_loss"] = "nan"
        fig = self.boards_figure(self.write_boards(diverged=diverged, other=Results(sizes=(8,))))
        self.assertEqual([len(line.get_xdata()) for line in fig.axes[2].get_lines()], [2, 4])
        self.assertIn("diverged: Batch size 8 diverged: no finite loss from epoch 3 on.", words(fig))

    def test_a_board_whose_losses_blew_up_leaves_the_others_legible(self):
        high = Results(sizes=(8,))
        for row in high.epochs:
            row["val_loss"] *= 1e5
        folders = self.write_boards(high=high, other=Results(sizes=(8,)))
        losses = self.boards_figure(folders).axes[2]
        self.assertEqual(losses.get_yscale(), "log")
        self.assertLess(len(losses.get_yticks()), 12)
        self.assertEqual(self.boards_figure(self.write_boards(a=Results(), b=Results())).axes[2].get_yscale(), "linear")

    def test_what_differs_between_boards_and_their_warnings_are_in_the_caption(self):
        one, two = Results(), Results()
        one.info["program"], two.info["program"] = {"version": "0.1.0"}, {"version": "0.2.0"}
        one.info["config"] |= {"threads": [1, 2], "epochs": None}
        two.info["config"] |= {"threads": [4], "optimizer": "sgd", "seeds": [1, 2, 3]}
        two.info["warnings"] = [{"name": "governor", "message": "the governor is powersave"}]
        caption = words(self.boards_figure(self.write_boards(one=one, two=two)))
        self.assertIn("Not the same on all boards, in the legend's order: version (0.1.0, 0.2.0), epochs (none, 4), "
                      "threads (1/2, 4), seeds (1, 1/2/3), optimizer (adam, sgd).", caption)
        self.assertIn("two: Warning: the governor is powersave", caption)
        self.assertNotIn("Not the same", words(self.boards_figure(self.write_boards(one=Results(), two=Results()))))

    def test_boards_without_a_batch_size_in_common_are_drawn(self):
        fig = self.boards_figure(self.write_boards(a=Results(sizes=(8,)), b=Results(sizes=(16,))))
        self.assertEqual([text.get_text() for text in fig.axes[2].texts], ["no batch size in common"])

    def test_boards_that_cannot_be_compared_are_refused(self):
        other = Results()
        other.info["model"]["name"] = "cnn"
        bigger = Results()
        bigger.info["model"]["parameters"] = 90
        elsewhere = Results()
        elsewhere.info["data"]["name"] = "cifar-10"
        one, two, three, four = self.write_boards(one=Results(), two=other, three=bigger, four=elsewhere)
        expected = f"expected mlp (50,890 weights) on fashion-mnist as in {one}; compare like with like\n"
        for folders, message in [
                ((one, two), f"plot.py: {two}: trains cnn (50,890 weights) on fashion-mnist: {expected}"),
                ((one, three), f"plot.py: {three}: trains mlp (90 weights) on fashion-mnist: {expected}"),
                ((one, four), f"plot.py: {four}: trains mlp (50,890 weights) on cifar-10: {expected}"),
                ((one, one), f"plot.py: {one}: the same folder twice: expected each board's folder once; "
                             "name another board's results\n"),
                ((one, self.folder / "none"), f"plot.py: {self.folder / 'none'}: no such folder: expected the --out "
                                              "folder of `batchsweep run`; run the sweep first or correct the path\n")]:
            self.assertEqual(self.plot_boards(folders), (1, "", message))
        self.assertFalse((self.folder / "all").exists())
        # A data set that was carried to the board lies in another folder there.
        carried = Results()
        carried.info["data"]["name"] = "data/fashion-mnist"
        self.assertEqual(self.plot_boards(self.write_boards(one=Results(), carried=carried))[0], 0)

    def test_out_goes_with_several_boards(self):
        for arguments in (["a", "b"], ["a", "--out", "c"]):
            done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--out FOLDER goes with several RESULTS", done.stderr)


if __name__ == "__main__":
    unittest.main()
