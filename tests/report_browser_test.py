#!/usr/bin/python3
"""Tests the page of tools/report.py in a headless Chromium, on a phone's and a wide screen, in light and dark: nothing
is asked of a network, nothing is cut off, values show under the pointer and by the keyboard."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from made_run import MadeRun
from report_test import answer_with_target

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools/report.py"
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
PLACE = os.environ.get("BATCHSWEEP_SCREENSHOTS")  # a folder for pictures of what was tested, to look at
SIZES = {360: 780, 768: 1024, 1100: 800, 1440: 900}
# What sticks out of the page or of what should hold it. A table in a .scroll may be wider: that scrolls.
CUT_OFF = """
const width = document.documentElement.clientWidth, found = [];
if (document.documentElement.scrollWidth > width) found.push(`page ${document.documentElement.scrollWidth}`);
for (const element of document.querySelectorAll("body *")) {
  const box = element.getBoundingClientRect();
  if (!box.width || element.closest("caption, .scroll table, #tip")) continue;
  const chart = element.closest("svg");
  const holder = chart ? chart.getBoundingClientRect() : { left: 0, right: width };
  if (chart && element.tagName !== "text" && element !== chart) continue;
  const inside = element === chart ? { left: 0, right: width } : holder;
  if (box.left < inside.left - 1 || box.right > inside.right + 1) {
    found.push(`${element.tagName} "${element.textContent.trim().slice(0, 40)}" ${box.left}..${box.right}`);
  }
}
return found;"""
# Words of a picture that lie on each other.
COLLISIONS = """
const found = [];
for (const chart of document.querySelectorAll("svg.chart")) {
  if (!chart.getBoundingClientRect().width) continue;
  const words = [...chart.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
  words.forEach(([a, one], index) => {
    for (const [b, other] of words.slice(index + 1)) {
      if (one.left < other.right - 1 && other.left < one.right - 1 && one.top < other.bottom - 2 &&
          other.top < one.bottom - 2) found.push(`${chart.querySelector("title").textContent}: ${a} / ${b}`);
    }
  });
}
return found;"""
# Words of a picture that are drawn smaller than can be read well, in pixels.
TOO_SMALL = """
return [...document.querySelectorAll("svg.chart text")].filter((text) => text.getBoundingClientRect().width)
  .map((text) => [text.getScreenCTM().a * parseFloat(getComputedStyle(text).fontSize), text.textContent])
  .filter(([size]) => size < 10);"""
# The least contrast of text with what is behind it, by the formula of WCAG 2.
CONTRAST = """
const parse = (color) => color.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
const behind = (element) => {
  for (; element; element = element.parentElement) {
    const color = parse(getComputedStyle(element).backgroundColor);
    if (color.length < 4 || color[3]) return color;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll("p, li, th, td, h1, h2, h3, a, figcaption, summary, svg.chart text")]
  .filter((element) => element.getBoundingClientRect().width).map((element) => {
    const style = getComputedStyle(element);
    const one = light(parse(element.tagName === "text" ? style.fill : style.color)), other = light(behind(element));
    return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), element.textContent.slice(0, 40)];
  }).filter(([contrast]) => contrast < 4.5);"""


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(DRIVER), options=options)


def long_run():
    """With all that makes labels long: many batch sizes, sensors, disturbed steps, kernels, warnings, a limit."""
    run = MadeRun(sizes=(1, 2, 8, 32, 128, 512, 2048, 16384), seeds=(1, 2, 3), steps=30, sensors=True)
    run.headers["summary"] = run.headers["summary"] + ["limit_time_ns", "limit_fraction", "planned_rss_bytes"]
    for row in run.tables["summary"]:
        row.update(limit_time_ns=9_000_000, limit_fraction=0.9, planned_rss_bytes=4 << 20, peak_rss_bytes=3 << 20)
    for row in run.tables["steps"][100:140]:
        row["flags"] = "load+throttled"
    run.info["advice"] = {"sentences": ["32 reaches loss 0.36 in 0.79 s (0.71 to 0.90).", "8 needs less memory."],
                          **answer_with_target()}
    run.info["warnings"] = [{"name": "load", "message": "batch 8: others used more than a tenth of a core " * 3}]
    run.info["kernels"] = [{"batch_size": size, "threads": 1, "layer": "a_layer_of_a_long_name_" * 3, "library": "own",
                            "direction": "forward", "xnnpack_time_ns": 7610, "own_time_ns": 3184}
                           for size in run.info["config"]["batch_sizes"]]
    return run


@unittest.skipUnless(webdriver, "no selenium for this Python: apt-get install python3-selenium")
@unittest.skipUnless(BROWSER and DRIVER, "no Chromium with its driver: apt-get install chromium chromium-driver")
class ReportBrowserTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = start_browser()
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.top = pathlib.Path(temporary.name)

    def report(self, *runs):
        folders = [run.write(self.top / f"run-{index}") for index, run in enumerate(runs)]
        path = self.top / "report.html"
        subprocess.run([SCRIPT, *folders, "--out", path], check=True, capture_output=True)
        return path

    def show(self, path, width, theme="light"):
        command = self.browser.execute_cdp_cmd
        command("Emulation.setDeviceMetricsOverride",
                {"width": width, "height": SIZES[width], "deviceScaleFactor": 1, "mobile": width < 500})
        command("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
        self.browser.get(path.as_uri())

    def views(self, *runs):
        """Shows the page in each size and theme, one after the other, and says which it is."""
        path = self.report(*runs)
        for width in SIZES:
            for theme in ("light", "dark"):
                self.show(path, width, theme)
                yield f"{width}-{theme}"

    def asked_for(self):
        """The addresses that the page asked for since it was looked at last."""
        messages = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]

    def test_nothing_is_cut_off_and_no_words_lie_on_each_other(self):
        for runs in ((MadeRun(),), (long_run(),), (MadeRun(sizes=(8,), sensors=True), MadeRun(sizes=(8,)))):
            for view in self.views(*runs):
                for script in (CUT_OFF, COLLISIONS, TOO_SMALL):
                    self.assertEqual(self.browser.execute_script(script), [], view)
                if PLACE:
                    self.keep(view)

    def keep(self, view):
        size = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        self.browser.set_window_size(size["width"], size["height"])
        self.browser.save_screenshot(str(pathlib.Path(PLACE) / f"report-{view}.png"))

    def test_all_text_stands_out_from_its_background(self):
        for view in self.views(long_run()):
            self.assertEqual(self.browser.execute_script(CONTRAST), [], view)

    def test_the_page_asks_for_nothing_and_says_no_error(self):
        path = self.report(long_run())
        self.asked_for()
        self.browser.get_log("browser")
        for width in SIZES:
            self.show(path, width)
        self.assertEqual(set(self.asked_for()), {path.as_uri()})
        self.assertEqual(self.browser.get_log("browser"), [])

    def test_a_hostile_name_runs_nothing(self):
        run = MadeRun()
        name = "</title><script>document.title = 'x'</script><img src=x onerror=\"document.title = 'x'\">"
        run.info["model"]["name"] = name
        self.show(self.report(run), 1440)
        self.assertTrue(self.browser.title.startswith(f"batchsweep: {name}"))
        self.assertEqual(self.browser.find_elements(By.TAG_NAME, "img"), [])

    def charts(self):
        return [chart for chart in self.browser.find_elements(By.CSS_SELECTOR, "svg.chart") if chart.is_displayed()]

    def tip(self):
        return self.browser.find_element(By.ID, "tip").text

    def test_each_picture_shows_once_at_each_width(self):
        for view in self.views(MadeRun()):
            self.assertEqual(len(self.charts()), len(self.browser.find_elements(By.TAG_NAME, "figure")), view)

    def test_values_show_under_the_pointer(self):
        for width in SIZES:
            self.show(self.report(MadeRun()), width)
            chart = self.charts()[0]
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
            ActionChains(self.browser).move_to_element(chart).perform()
            self.assertRegex(self.tip(), r"batch size (8|32)\nepoch 2\nloss 0\.8")
            left, right = self.browser.execute_script(
                "const box = document.getElementById('tip').getBoundingClientRect(); return [box.left, box.right]")
            self.assertTrue(0 <= left < right <= width)
            ActionChains(self.browser).move_to_element(self.browser.find_element(By.TAG_NAME, "h1")).perform()
            self.assertEqual(self.tip(), "")

    def test_values_show_by_the_arrow_keys(self):
        self.show(self.report(MadeRun()), 1440)
        chart = self.charts()[0]
        self.browser.execute_script("arguments[0].focus()", chart)
        told = []
        for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.END, Keys.HOME, Keys.ESCAPE):
            ActionChains(self.browser).send_keys(key).perform()
            told.append(self.tip().replace("\n", ", "))
        self.assertEqual(told, ["batch size 8, epoch 1, loss 1.31", "batch size 8, epoch 2, loss 0.808",
                                "batch size 8, epoch 1, loss 1.31", "batch size 32, epoch 3, loss 0.665",
                                "batch size 8, epoch 1, loss 1.31", ""])


if __name__ == "__main__":
    unittest.main()
