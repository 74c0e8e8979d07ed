#!/usr/bin/python3
"""Tests the page that tools/report.py writes of made-up runs."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from made_run import MadeRun
from report_page import Page

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools/report.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
from reporting.markup import element  # noqa: E402
from reporting.numbers import Spread, measure, plain, ticks  # noqa: E402
from reporting.scales import Scale, linear, logarithmic  # noqa: E402


class Reports(unittest.TestCase):
    """Runs in a temporary folder, and reports of them."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.top = pathlib.Path(temporary.name)
        self.folder = self.top / "results"

    def run_script(self, *arguments):
        done = subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def report(self, run, *others, out=None):
        """The page of a run, or of several; checked for what holds of all pages."""
        folders = [made.write(self.top / name) for made, name in zip((run, *others), ("results", "b", "c"))]
        out = out or (self.top / "all.html" if others else None)
        done = self.run_script(*folders, *(("--out", out) if out else ()))
        path = out or self.folder / "report.html"
        self.assertEqual(done, (0, f"{path}\n", ""))
        page = Page(path)
        self.check(page)
        return page

    def check(self, page):
        self.assertEqual(page.twice(), [])
        self.assertNotIn("nan", re.sub(r"<(style|script)>.*?</\1>", "", page.source, flags=re.DOTALL).lower().split())
        for node in page.root.all():
            for name, value in node.attributes.items():
                self.assertFalse(name in ("src", "style", "srcset") or name.startswith("on"), f"{node.name} {name}")
                self.assertNotRegex(value or "", "NaN|nan|inf|None", f"{node.name} {name}")
                if name == "href" and value.startswith("#"):
                    self.assertIn(value[1:], [other["id"] for other in page.root.all()])
                elif name == "href":
                    self.assertRegex(value, r"^\./[\w./@%-]+$")
                    self.assertTrue((page.folder / value).exists(), value)
        self.assertEqual(len(list(page.root.all("script"))), 1)
        for figure in page.root.all("figure"):
            self.check_figure(figure)

    def check_figure(self, figure):
        charts = list(figure.all("svg", "chart"))
        self.assertGreaterEqual(len(charts), 2)
        for chart in charts:
            self.assertEqual(chart["role"], "img")
            for name, told in (("title", "aria-labelledby"), ("desc", "aria-describedby")):
                child = chart.first(name)
                self.assertTrue(child.text())
                self.assertEqual(child["id"], chart[told])
            self.assertTrue(all(hit.first("title").text() for hit in chart.all(class_="hit")))
        self.assertTrue(figure.first("details").first("table").first("tbody").first("th") is not None, figure.text())

    def expect_error(self, *parts, arguments=None):
        code, out, errors = self.run_script(*(arguments or [self.folder]))
        self.assertEqual((code, out, errors.count("\n")), (1, "", 1), errors)
        self.assertTrue(errors.startswith("report.py: "), errors)
        for part in (*parts, "expected", ";"):
            self.assertIn(part, errors)


class ReportTest(Reports):
    def test_the_answer_comes_first_in_the_words_of_the_run(self):
        run = MadeRun(seeds=(1, 2, 3))
        run.info["advice"] = {"sentences": ["32 reaches loss 0.36 in 0.79 s.", "8 needs the least memory."]}
        page = self.report(run)
        self.assertEqual(page.sections()[0], "The answer")
        self.assertEqual([node.text() for node in page.section("The answer").all("p")], run.info["advice"]["sentences"])

    def test_a_run_without_an_answer_says_so(self):
        for advice in (None, {}, {"sentences": []}, {"sentences": "text"}, {"sentences": [1]}, []):
            run = MadeRun()
            run.info["advice"] = advice
            self.assertIn("does not tell yet", self.report(run).section("The answer").text())

    def test_losses_are_medians_with_the_range_of_the_seeds(self):
        run = MadeRun(sizes=(8,), seeds=(1, 2, 3), epochs=2)
        for row, loss in zip(run.tables["epochs"], (0.5, 0.4, 0.9, 0.41, 0.6, 0.45)):
            row["val_loss"] = loss
        figure = self.report(run).figure("Validation loss by epoch")
        rows = [row.text() for row in figure.first("tbody").all("tr")]
        self.assertEqual(rows, ["8 epoch 1 0.6 (0.5 to 0.9)", "8 epoch 2 0.41 (0.40 to 0.45)"])
        self.assertIn("median of 3 seeds", figure.first("figcaption").text())
        self.assertEqual(len(list(figure.first("svg", "chart").all("path", "band"))), 1)

    def test_one_seed_has_no_band_and_no_word_of_seeds(self):
        figure = self.report(MadeRun()).figure("Validation loss by epoch")
        self.assertNotIn("seed", figure.text())
        self.assertEqual(len(list(figure.first("svg", "chart").all("path", "line"))), 2)

    def test_time_is_what_training_took_so_far(self):
        figure = self.report(MadeRun(sizes=(8,), epochs=2)).figure("Validation loss over training time")
        self.assertEqual([row.all("td").__next__().text() for row in figure.first("tbody").all("tr")],
                         ["0.0400 s", "0.0800 s"])

    def test_a_run_that_was_cut_off_is_told_as_far_as_it_goes(self):
        page = self.report(MadeRun().cut_off(32, 1))
        self.assertIn("Run interrupted: batch size 32 has 1 of 3 epochs.", page.section("The answer").text())
        rows = [row.text() for row in page.figure("Validation loss by epoch").first("tbody").all("tr")]
        self.assertEqual(sum(row.startswith("32 ") for row in rows), 1)

    def test_a_run_without_a_finished_batch_size_has_no_summary(self):
        self.assertIn("there is no summary", self.report(MadeRun().cut_off(8, 1)).section("Summary").text())

    def test_one_batch_size_and_regression_and_sensors_are_reported(self):
        for run in (MadeRun(sizes=(8,)), MadeRun(regression=True), MadeRun(sensors=True), MadeRun(processes=3)):
            self.report(run)

    def test_a_run_whose_losses_are_not_finite_is_reported(self):
        run = MadeRun()
        for name, column in (("epochs", "val_loss"), ("steps", "loss")):
            for row in run.tables[name]:
                row[column] = "nan"
        page = self.report(run)
        self.assertIn("Batch size 8 diverged", page.section("The answer").text())

    def test_columns_that_a_board_lacks_may_be_absent(self):
        run = MadeRun()
        for name, rows in run.tables.items():
            needed = {"batch_size", "seed", "threads", "process", "epoch", "step", "examples", "loss", "start_unix_ns",
                      "step_time_ns", "flags", "val_loss", "train_time_ns", "val_time_ns"}
            run.headers[name] = [column for column in run.headers[name] if column in needed]
        run.info = {"schema_version": run.info["schema_version"]}
        self.report(run)

    def test_phases_are_means_of_undisturbed_steps_and_add_up(self):
        run = MadeRun(sizes=(8,), steps=10, epochs=1)
        for row in run.tables["steps"][5:]:
            row.update(flags="load", load_time_ns=1000)
        page = self.report(run)
        rows = [row.text() for row in page.figure("Time of a step, by phase").first("tbody").all("tr")]
        self.assertEqual(rows, ["8 1.00 ns 2.00 ns 3.00 ns 4.00 ns 10.0 ns"])
        chart = page.figure("Time per example, by phase").first("svg", "chart")
        self.assertEqual(len([bar for bar in chart.all("rect") if bar.classes()[0] in ("p0", "p1", "p2", "p3")]), 4)

    def test_boxes_have_quantiles_of_all_steps_after_the_warm_up(self):
        run = MadeRun(sizes=(8,), steps=102, epochs=1)
        for row in run.tables["steps"]:
            row["step_time_ns"] = 1000 + 10 * (row["step"] - 2)
        run.tables["steps"][0]["step_time_ns"] = 10**9
        (row,) = self.report(run).figure("How step times spread").first("tbody").all("tr")
        self.assertEqual(row.text(), "8 1.05 µs 1.25 µs 1.50 µs 1.75 µs 1.95 µs 2.00 µs 0 %")

    def test_the_timeline_shades_what_was_disturbed_and_says_by_what(self):
        run = MadeRun(steps=40, sensors=True)
        for row in run.tables["steps"][50:60]:
            row["flags"] = "load+throttled"
        figure = self.report(run).figure("Timeline of the run")
        chart = figure.first("svg", "chart")
        (shade,) = chart.all(class_="shade")
        self.assertIn("others used the CPU, the board slowed itself down", chart.first("desc").text())
        self.assertIn("CPU temperature (°C)", chart.text())
        self.assertIn("CPU clock (GHz)", chart.text())
        first = next(hit for hit in chart.all(class_="hit") if "disturbed" in hit.text())
        self.assertAlmostEqual(float(shade["x"]), float(first["x"]), delta=0.2)

    def test_disturbed_stretches_between_which_nothing_was_trained_are_one(self):
        run = MadeRun(sizes=(8,), steps=40, epochs=5)
        for row in run.tables["steps"]:
            row["start_unix_ns"] += 50_000_000 * row["epoch"]
            row["flags"] = "load" if row["epoch"] in (2, 3, 4) else ""
        chart = self.report(run).figure("Timeline of the run").first("svg", "chart")
        self.assertEqual(len(list(chart.all(class_="shade"))), 1)

    def test_spikes_leave_room_for_all_else_on_the_timeline(self):
        run = MadeRun(sizes=(8,), steps=400)
        run.tables["steps"][800]["step_time_ns"] = 10**10
        figure = self.report(run).figure("Timeline of the run")
        self.assertIn("Spikes are cut off", figure.first("figcaption").text())
        self.assertIn("step time (ms)", figure.first("svg", "chart").text())

    def test_the_timeline_of_a_calm_run_without_sensors_says_so(self):
        figure = self.report(MadeRun()).figure("Timeline of the run")
        self.assertEqual(list(figure.first("svg", "chart").all(class_="shade")), [])
        self.assertIn("neither temperature nor clock", figure.first("figcaption").text())

    def test_the_pause_before_a_resume_is_cut_short(self):
        run = MadeRun()
        for row in run.tables["steps"][12:]:
            row["start_unix_ns"] += 10**14
        figure = self.report(run).figure("Timeline of the run")
        self.assertIn("Pauses are cut short", figure.first("figcaption").text())
        self.assertLess(float(list(figure.first("tbody").all("tr"))[-1].first("th").text().split()[0]), 3)

    def test_memory_is_told_by_class_and_as_measured(self):
        run = MadeRun(sizes=(8,))
        run.headers["summary"] = run.headers["summary"] + ["planned_rss_bytes"]
        run.info["model"]["parameters"] = 1 << 18
        run.info["data"]["resident_bytes"] = 8 << 20
        run.tables["summary"][0].update(arena_bytes=4 << 20, planned_rss_bytes=16 << 20, peak_rss_bytes=15 << 20)
        page = self.report(run)
        self.assertEqual([row.text() for row in page.figure("Memory, planned and measured").first("tbody").all("tr")],
                         ["8 3.00 MiB 1.00 MiB 8.00 MiB 4.00 MiB 16.0 MiB 15.0 MiB"])
        self.assertEqual([row.text() for row in page.figure("Memory of the tensors").first("tbody").all("tr")],
                         ["8 3.00 MiB 1.00 MiB 4.00 MiB –"])

    def test_the_noise_scale_is_drawn_where_it_was_recorded_with_its_cost(self):
        run = MadeRun(sizes=(8,), seeds=(1, 2, 3), epochs=2)
        self.assertIsNone(self.report(run).figure("Gradient noise scale"))
        for row in run.tables["epochs"]:
            row.update(noise_scale=100 * row["seed"] * row["epoch"], noise_time_ns=row["train_time_ns"] // 20)
        figure = self.report(run).figure("Gradient noise scale")
        self.assertEqual([row.text() for row in figure.first("tbody").all("tr")],
                         ["8 1 200 (100 to 300)", "8 2 400 (200 to 600)"])
        self.assertIn("took 5.0 % of the time of training", figure.first("figcaption").text())

    def test_a_seed_that_blew_up_stays_within_the_picture(self):
        run = MadeRun(sizes=(8,), seeds=(1, 2, 3))
        for row in run.tables["epochs"][:3]:
            row["val_loss"] = 1e9
        chart = self.report(run).figure("Validation loss by epoch").first("svg", "chart")
        (band,) = chart.all("path", "band")
        height = float(chart["viewbox"].split()[3])
        self.assertTrue(all(0 <= float(y) <= height for y in re.findall(r" (-?[\d.]+)", band["d"])), band["d"])

    def test_the_limit_is_told_where_there_is_one(self):
        run = MadeRun(sizes=(8,))
        self.assertIsNone(self.report(run).figure("Against this machine's limit"))
        run.headers["summary"] = run.headers["summary"] + ["limit_time_ns", "limit_fraction"]
        run.tables["summary"][0].update(limit_time_ns=5_000_000, limit_fraction=0.5)
        (row,) = self.report(run).figure("Against this machine's limit").first("tbody").all("tr")
        self.assertEqual(row.text(), "8 50.0 % 5.00 ms")

    def test_kernels_are_told_with_the_times_of_all_candidates(self):
        run = MadeRun()
        run.info["kernels"] = [{"batch_size": size, "threads": 1, "layer": "dense", "direction": "forward",
                                "library": library, "xnnpack_time_ns": 7610, "own_time_ns": 3184}
                               for size, library in ((8, "own"), (32, "xnnpack"))]
        section = self.report(run).section("Memory, limit and kernels")
        self.assertIn("Of 2 products of layers and batch sizes, 1 by our own kernels, 1 by XNNPACK", section.text())
        (row,) = section.first("table", "kernels").first("tbody").all("tr")
        self.assertEqual(row.text(), "dense, forward ours 3.18 µs XNNPACK 7.61 µs XNNPACK 7.61 µs ours 3.18 µs")

    def test_energy_is_drawn_only_where_enough_readings_cover_it(self):
        page = self.report(MadeRun(sensors=True))
        self.assertIsNone(page.figure("Validation loss over energy"))
        self.assertIn("60 readings", page.section("Energy").text())
        page = self.report(MadeRun(sensors=True, steps=300))
        (first, *_) = page.figure("Validation loss over energy").first("tbody").all("tr")
        self.assertEqual(first.text(), "8 15.0 J 1.31")
        self.assertIn("45.0 J", page.section("Summary").text())
        self.assertIn("No energy", self.report(MadeRun()).section("Energy").text())

    def test_the_environment_has_all_that_the_run_says_in_fitting_units(self):
        run = MadeRun()
        run.info["system"] |= {"clocking": [{"min_freq_hz": 600e6, "max_freq_hz": 1.8e9, "governor": "ondemand"}]}
        run.info["ram_bytes"] = 8 << 30
        text = self.report(run).section("Environment").text()
        for words in ("batchsweep run", "8.00 GiB", "min freq hz 600 MHz, max freq hz 1.80 GHz, governor ondemand",
                      "Raspberry Pi 5", "fashion-mnist", "sample hz 10.0 Hz"):
            self.assertIn(words, text)

    def test_boards_are_compared_before_each_is_told_of(self):
        a, b = MadeRun(seeds=(1, 2)), MadeRun(sizes=(8, 32, 128), step_time_ns=20_000_000, sensors=True)
        b.info["system"] |= {"board": "Jetson", "host_name": "orin"}
        b.info["data"] = a.info["data"]
        a.headers["steps"] = [column for column in a.headers["steps"] if not column.endswith("_bytes")]
        page = self.report(a, b)
        names = ["Raspberry Pi 5, pi", "Jetson, orin"]
        self.assertEqual(page.sections()[:3], ["The boards side by side", names[0], "The answer"])
        self.assertEqual([link.text() for link in page.root.first("nav").all("a")], names)
        self.assertEqual([row.text() for row in page.figure("Time of a step").first("tbody").all("tr")],
                         ["8 10.0 ms 20.0 ms", "32 10.0 ms 20.0 ms", "128 – 20.0 ms"])
        self.assertIn("seeds (1/2, 1)", page.section("The boards side by side").first("p").text())
        self.assertEqual([row.text() for row in page.figure("Memory").first("tbody").all("tr")][0], "8 – 3.00 MiB")
        (line, *_) = page.figure("Validation loss over time, batch size 8").first("tbody").all("tr")
        self.assertEqual(line.text(), "Raspberry Pi 5, pi 0.0400 s 1.31")
        text = page.section("The boards side by side").text()
        self.assertIn("8 Jetson, orin 20.0 ms 2.00 400 3.00 MiB", text)

    def test_runs_that_are_not_alike_and_one_run_twice_are_refused(self):
        MadeRun().write(self.folder)
        self.expect_error("the same folder twice", arguments=[self.folder, self.folder, "--out", self.top / "x.html"])
        other = MadeRun()
        other.info["model"]["name"] = "cnn"
        other.write(self.top / "b")
        self.expect_error("trains cnn", arguments=[self.folder, self.top / "b", "--out", self.top / "x.html"])

    def test_pictures_of_long_runs_stay_small(self):
        page = self.report(MadeRun(steps=3000, epochs=5, seeds=(1, 2)))
        self.assertLess(len(page.source), 1_000_000)
        for chart in page.root.all("svg", "chart"):
            self.assertLess(len(list(chart.all())), 3000)

    def test_the_answer_is_drawn_with_intervals_and_verdicts(self):
        run = MadeRun(seeds=(1, 2, 3))
        run.info["advice"] = {"sentences": ["8."], **answer_with_target(loss=0.72)}
        page = self.report(run)
        figure = page.figure("Time to validation loss 0.72")
        self.assertEqual([row.text() for row in figure.first("tbody").all("tr")],
                         ["8 0.79 s 0.71 to 0.90 the least",
                          "32 1.3 s 1.1 to 1.6 1.7 times the least (1.4 to 2.1)"])
        self.assertIn("Not compared: 128, which did not reach it.", figure.first("figcaption").text())
        self.assertIsNone(page.figure("Energy to validation loss 0.72"))
        self.assertIn("target 0.72", page.figure("Validation loss by epoch").first("svg", "chart").text())

    def test_an_answer_of_another_shape_is_told_without_its_picture(self):
        for answers in (None, 1, [1], [{}], [{"time_to_target_seconds": [None, {}, {"batch_size": 8, "value": "x"}]}]):
            run = MadeRun()
            target = {"measure": "val_loss", "value": 9}
            run.info["advice"] = {"sentences": ["8."], "target": target, "answers": answers}
            self.assertEqual(list(self.report(run).section("The answer").all("figure")), [])

    def test_what_files_say_is_never_markup(self):
        run = MadeRun()
        hostile = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\ud800&amp;"
        fill(run.info, hostile)
        run.info["warnings"] = [{"name": hostile, "message": hostile}]
        run.info["advice"] = {"sentences": [hostile]}
        page = self.report(run)
        self.assertEqual(list(page.root.all("img")), [])
        self.assertIn("<script>alert(1)</script>", page.section("The answer").text())

    def test_nothing_is_asked_of_a_network(self):
        page = self.report(MadeRun())
        self.assertNotRegex(page.source, r"https?:|//|@import|url\(".replace("//|", ""))
        policy = next(node["content"] for node in page.root.all("meta") if node["http-equiv"])
        self.assertTrue(policy.startswith("default-src 'none'; style-src 'sha256-"), policy)

    def test_files_are_linked_from_where_the_report_is(self):
        page = self.report(MadeRun())
        self.assertEqual([node["href"] for node in page.root.all("a")],
                         ["./summary.csv", "./epochs.csv", "./evaluations.csv", "./steps.csv", "./run.json"])
        page = self.report(MadeRun(), out=self.top / "elsewhere.html")
        self.assertIn("./results/steps.csv", [node["href"] for node in page.root.all("a")])

    def test_the_same_run_gives_the_same_page(self):
        self.assertEqual(self.report(MadeRun()).source, self.report(MadeRun()).source)

    def test_warnings_are_told_in_words(self):
        run = MadeRun()
        run.info["warnings"] = [{"name": "load", "message": "others used the CPU"}]
        self.assertIn("others used the CPU", self.report(run).section("Warnings").text())

    def test_other_files_are_refused_in_one_line(self):
        self.expect_error("no such folder")
        self.folder.mkdir()
        self.expect_error("run.json")
        run = MadeRun()
        run.info["schema_version"] = 4
        run.write(self.folder)
        self.expect_error("schema_version is 4")
        MadeRun().write(self.folder)
        (self.folder / "steps.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        self.expect_error("steps.csv", "no column batch_size")
        (self.folder / "run.json").write_bytes(b"\xff\x00")
        self.expect_error("run.json")
        self.assertFalse((self.folder / "report.html").exists())

    def test_a_run_without_a_finished_epoch_is_refused(self):
        run = MadeRun()
        run.tables["epochs"].clear()
        run.write(self.folder)
        self.expect_error("epochs.csv", "no rows")

    def test_a_place_that_cannot_be_written_to_is_told(self):
        MadeRun().write(self.folder)
        self.expect_error("No such file", arguments=[self.folder, "--out", self.top / "none/report.html"])

    def test_several_runs_need_a_file(self):
        code, _, errors = self.run_script("a", "b")
        self.assertEqual(code, 2)
        self.assertIn("several RESULTS need --out FILE", errors)


def answer_with_target(loss=0.36):
    """What run.json has beside the sentences."""
    rows = [{"batch_size": 8, "value": 0.79, "low": 0.71, "high": 0.9, "verdict": "least", "ratio": 1.0},
            {"batch_size": 32, "value": 1.3, "low": 1.1, "high": 1.6, "verdict": "more", "ratio": 1.7, "ratio_low": 1.4,
             "ratio_high": 2.1}]
    return {"target": {"measure": "val_loss", "value": loss, "given": False},
            "answers": [{"threads": 1, "seeds": 3, "time_to_target_seconds": rows, "energy_to_target_joules": [],
                         "not_compared": [{"batch_size": 128, "reason": "not_reached"}]}]}


def fill(value, text):
    """Puts the text in place of every other text of run.json."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, item in items:
        if isinstance(item, (dict, list)):
            fill(item, text)
        elif isinstance(item, str):
            value[key] = text


class NumbersTest(unittest.TestCase):
    def test_numbers_have_the_digits_that_their_spread_leaves(self):
        for middle, low, high, words in ((0.34567, 0.33, 0.39, ("0.35", "0.33 to 0.39")),
                                         (0.34567, 0.3401, 0.3512, ("0.346", "0.340 to 0.351")),
                                         (12345.6, 12000, 13000, ("12,346", "12,000 to 13,000")),
                                         (0.5, 0.5, 0.5, ("0.500", "")), (float("nan"),) * 3 + (("–", ""),)):
            self.assertEqual(Spread(middle, low, high).words(), words)

    def test_units_fit_the_value(self):
        times = [(1e9, "s"), (1e3, "µs"), (1.0, "ns")]
        self.assertEqual([measure(value, times) for value in (1.5e9, 13_570, 12, None)],
                         ["1.50 s", "13.6 µs", "12.0 ns", "–"])

    def test_plain_numbers_have_no_exponent(self):
        self.assertEqual([plain(value) for value in (591_716, 0.000123, 0, 1.0, 1e20, float("inf"))],
                         ["592,000", "0.000123", "0", "1.00", "1e+20", "–"])

    def test_ticks_are_round_and_in_range(self):
        self.assertEqual(linear([0.0, 1.0]).ticks(6), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
        self.assertEqual(ticks([0.35, 0.375, 0.4]), ["0.350", "0.375", "0.400"])
        self.assertEqual(logarithmic([10, 2000]).ticks(9), [10, 20, 50, 100, 200, 500, 1000, 2000])
        for low, high in ((0, 1e-9), (-5, 5), (1e12, 1e12 + 1), (3, 4)):
            for most in range(2, 10):
                found = linear([low, high]).ticks(most)
                self.assertTrue(1 <= len(found) <= most, found)

    def test_scales_hold_what_they_are_made_for(self):
        for scale in (linear([1, 5]), linear([3]), linear([]), logarithmic([1, 1000]), logarithmic([2])):
            self.assertLess(scale.low, scale.high)
        self.assertAlmostEqual(Scale(1, 100, 0, 200, is_log=True)(10), 100)
        self.assertAlmostEqual(Scale(0, 10, 100, 0)(5), 50)

    def test_markup_is_escaped_unless_it_is_markup(self):
        self.assertEqual(element("p", "<b>", element("i", "&"), title='"<'),
                         '<p title="&quot;&lt;">&lt;b&gt;<i>&amp;</i></p>')


if __name__ == "__main__":
    unittest.main()
