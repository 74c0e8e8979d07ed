"""The timeline of the run: step times, with disturbed stretches shaded, and temperature and clock under them."""

import dataclasses

import numpy as np
import pandas as pd
from batchsweep_results import KEYS
from plotting.files import disturbed

from reporting.charts import Area, band, bar, hit, line, path, x_axis, y_axis
from reporting.markup import element, join
from reporting.numbers import CLOCKS, TIMES, measure, percent, plain, unit_of
from reporting.picture import FULL, NARROW, WIDE, Picture
from reporting.scales import fitting, linear

STRETCHES = 220  # that the run is cut into; more would not be seen
SHADED = 0.05  # the share of disturbed steps from which on a stretch is shaded
SPIKE = 3.0  # times the median of nearly all stretches, from which on a step time is cut off
PAUSE = 0.05  # of the whole run's time: longer pauses, such as before a resume, are cut short
CAUSES = {"throttled": "the board slowed itself down", "slow_clock": "the clock was below 95 % of its highest",
          "swap": "memory was swapped out", "major_fault": "pages were read from disk",
          "load": "others used the CPU"}
NAMES = {"cpu_temp_celsius": "CPU temperature (°C)", "cpu_freq_hz": "CPU clock"}


def seconds_of(steps):
    """(seconds since the start at which each step began, whether pauses were cut short), of steps in their order"""
    begin = steps.start_unix_ns.to_numpy().astype("int64")
    begin = (begin - begin[0]) / 1e9
    end = np.maximum.accumulate(begin + steps.step_time_ns.to_numpy() / 1e9)
    gaps = np.concatenate([[0.0], begin[1:] - end[:-1]])
    longest = max(PAUSE * steps.step_time_ns.sum() / 1e9, 1.0)
    return begin - np.cumsum(np.where(gaps > longest, gaps - longest, 0.0)), bool((gaps > longest).any())


def stretches_of(recorded):
    """(a row a stretch of a cell, whether pauses were cut short)"""
    steps = recorded.steps.sort_values("start_unix_ns", kind="stable")
    seconds, cut = seconds_of(steps)
    steps = steps.assign(begin=seconds, disturbed=disturbed(steps))
    steps["end"] = steps.begin + steps.step_time_ns / 1e9
    steps["stretch"] = (steps.begin / max(steps.end.max(), 1e-9) * STRETCHES).astype(int)
    groups = steps.groupby(["stretch", *KEYS], sort=False)
    times = groups.step_time_ns
    found = pd.DataFrame({"begin": groups.begin.min(), "end": groups.end.max(), "middle": times.median(),
                          "low": times.quantile(0.05), "high": times.quantile(0.95),
                          "disturbed": groups.disturbed.mean(),
                          "cpu_temp_celsius": groups.cpu_temp_celsius.max(), "cpu_freq_hz": groups.cpu_freq_hz.mean()})
    causes = steps[steps.disturbed].groupby(["stretch", *KEYS])["flags"].agg(
        lambda flags: "+".join(sorted({flag for text in flags.unique() for flag in text.split("+")})))
    return found.assign(flags=causes.reindex(found.index).fillna("")).reset_index(), cut


def why(flags):
    return ", ".join(CAUSES.get(flag, flag.replace("_", " ")) for flag in flags.split("+")
                     if flag not in ("", "warmup", "part_batch"))


def disturbances(stretches):
    """[(begin, end, why)] of the shaded stretches; those of one cause that follow each other are one, as validations
    between them are no steps"""
    found, last = [], None
    for row in stretches[stretches.disturbed > SHADED].itertuples():
        cause, begin = why(row.flags), row.begin
        if last == row.Index - 1 and found[-1][2] == cause:
            begin = found.pop()[0]
        found.append((begin, row.end, cause))
        last = row.Index
    return found


@dataclasses.dataclass
class Timeline:
    recorded: object
    stretches: pd.DataFrame
    shaded: list

    def sensors(self):
        return [name for name in NAMES if self.stretches[name].notna().any()]

    def draw(self, width):
        left, right, top = 62.0, width - 14.0, 30.0
        step_area = Area(left, top, right, top + (190.0 if width < 500 else 220.0))
        x = linear([0.0, self.stretches.end.max()], include_zero=True, margin=0.005).on(left, right)
        panels, bottom = [self.step_panel(step_area, x)], step_area.bottom
        for name in self.sensors():
            area = Area(left, bottom + 44, right, bottom + 104)
            panels.append(self.sensor_panel(name, area, x))
            bottom = area.bottom
        shade = [bar(x(begin), top, max(x(end) - x(begin), 1.5), bottom - top, "shade")
                 for begin, end, _ in self.shaded]
        axis = x_axis(Area(left, top, right, bottom), x, "seconds since the run began")
        return bottom + 46, join([axis, *shade, *panels, *self.hits(Area(left, top, right, bottom), x)])

    @property
    def top(self):
        """The step time at which the axis ends: lone spikes would leave no room for all else."""
        return min(self.stretches.high.max(), SPIKE * self.stretches.middle.quantile(0.97))

    def step_panel(self, area, x):
        values = self.stretches[["low", "middle", "high"]].clip(upper=self.top).to_numpy().ravel()
        factor, unit = unit_of(values, TIMES)
        y = fitting(list(values / factor), 4).on(area.bottom, area.top)
        parts = [y_axis(area, y, f"step time ({unit}{', log scale' if y.is_log else ''})")]
        cells = (self.stretches[KEYS].diff() != 0).any(axis=1).cumsum()  # a cell that was resumed counts twice
        for _, rows in self.stretches.groupby(cells):
            look, xs = self.recorded.look(rows.batch_size.iloc[0]), list(map(x, (rows.begin + rows.end) / 2))
            low, middle, high = (list(map(y, rows[name].clip(upper=self.top) / factor))
                                 for name in ("low", "middle", "high"))
            parts += [band(zip(xs, low), zip(xs, high), look), line(zip(xs, middle), look, class_="thin"),
                      look.marker(xs[len(xs) // 2], middle[len(xs) // 2])]
        return join(parts)

    def sensor_panel(self, name, area, x):
        factor, title = 1.0, NAMES[name]
        if name == "cpu_freq_hz":
            factor, unit = unit_of(self.stretches[name], CLOCKS)
            title += f" ({unit})"
        known = self.stretches[self.stretches[name].notna()]
        y = linear(list(known[name] / factor), margin=0.15).on(area.bottom, area.top)
        points = zip(map(x, (known.begin + known.end) / 2), map(y, known[name] / factor))
        return join([y_axis(area, y, title, y.ticks(3)), element("path", d=path(points), class_="sensor")])

    def hits(self, area, x):
        for row in self.stretches.itertuples():
            middle = x((row.begin + row.end) / 2)
            yield hit(middle, area.top + 4, self.told(row), (x(row.begin), area.top, x(row.end) - x(row.begin),
                                                              area.bottom - area.top))

    def told(self, row):
        lines = [f"{plain(row.begin)} to {plain(row.end)} s", f"batch size {row.batch_size}, seed {row.seed}",
                 f"step {measure(row.middle, TIMES)}, 5 to 95 %: "
                 f"{measure(row.low, TIMES)} to {measure(row.high, TIMES)}"]
        if np.isfinite(row.cpu_temp_celsius):
            lines.append(f"{plain(row.cpu_temp_celsius)} °C")
        if np.isfinite(row.cpu_freq_hz):
            lines.append(measure(row.cpu_freq_hz, CLOCKS))
        if row.disturbed:
            lines.append(f"{percent(row.disturbed)} of steps disturbed: {why(row.flags)}")
        return "\n".join(lines)


def timeline(recorded):
    stretches, cut = stretches_of(recorded)
    shaded = disturbances(stretches)
    drawn = Timeline(recorded, stretches, shaded)
    sensors = [NAMES[name].partition(" (")[0] for name in drawn.sensors()]
    told = [f"{plain(end - begin, 2)} s from {plain(begin)} s on: {cause}" for begin, end, cause in shaded]
    caption = ("Line: median of a short stretch of steps; band: 5th to 95th percentile."
               + (f" Shaded: more than {100 * SHADED:g} % of the steps disturbed." if shaded else
                  " No stretch of it was disturbed.")
               + ("" if sensors else " This machine tells neither temperature nor clock.")
               + (" Pauses are cut short." if cut else "")
               + (" Spikes are cut off at the top." if drawn.top < stretches.high.max() else ""))
    rows = [[f"{row.begin:.3g} s", row.batch_size, row.seed, measure(row.middle, TIMES), percent(row.disturbed),
             why(row.flags) or "–", *(plain(row.cpu_temp_celsius) + " °C",) * ("CPU temperature" in sensors),
             *(measure(row.cpu_freq_hz, CLOCKS),) * ("CPU clock" in sensors)] for row in stretches.itertuples()]
    return Picture("Timeline of the run", "Step times from the start of the run to its end. " + (
        f"Disturbed: {'; '.join(told[:20])}." if told else "Nothing disturbed it."), drawn.draw,
        ["from", "batch size", "seed", "median step", "disturbed", "by what", *sensors], rows, caption,
        [(recorded.look(size), f"batch size {size}") for size in recorded.sizes]
        + ([("shade", "disturbed")] if shaded else []), (NARROW, WIDE, FULL))
