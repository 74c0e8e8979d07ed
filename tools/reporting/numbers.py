"""Numbers for people: no more digits than they are sure to, and units that fit."""

import dataclasses
import math

import numpy as np


def plain(value, digits=3):
    """So many digits, without an exponent up to a billion: "0.346", "13.6", "591,716"."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    value = float(f"{value:.{digits - 1}e}")
    places = digits - 1 - math.floor(math.log10(abs(value)))
    if abs(value) < 1e-4 or abs(value) >= 1e12:
        return f"{value:.{digits}g}"
    return f"{value:,.{max(places, 0)}f}"


def tick(value):
    """At an axis: as short as it can be said."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def ticks(values):
    """All of a linear axis with the same places: ["0.350", "0.375", "0.400"]."""
    places = max((len(tick(value).partition(".")[2]) for value in values), default=0)
    return [tick(value) if abs(value) >= 1000 or "e" in tick(value) else f"{value:.{places}f}" for value in values]


def unit_of(values, units):
    """The (factor, name) in which the largest value is at least 1, or the last; units go from large to small."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return next((unit for unit in units if largest >= unit[0]), units[-1])


TIMES = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")]
SIZES = [(2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B")]
ENERGIES = [(1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ")]
CLOCKS = [(1e9, "GHz"), (1e6, "MHz"), (1.0, "Hz")]


def measure(value, units, digits=3):
    """"13.6 µs"; a dash where there is no value."""
    if value is None or not math.isfinite(value):
        return "–"
    factor, name = unit_of([value], units)
    return f"{plain(value / factor, digits)} {name}"


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of repetitions with their lowest and highest; NaN where nothing was measured."""
    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        known = values[np.isfinite(values)]
        return cls(*(float(value) for value in (known.median(), known.min(), known.max())))

    def words(self, unit="", factor=1.0, digits=3):
        """("0.346", "0.333 to 0.365"): to the digits that the spread leaves meaning; no range without a spread."""
        middle, low, high = (value / factor for value in (self.middle, self.low, self.high))
        unit = unit and f" {unit}"
        if not math.isfinite(middle):
            return "–", ""
        if not high > low:
            return plain(middle, digits) + unit, ""
        width = math.floor(math.log10(high - low))
        places = -width + ((high - low) / 10.0**width < 3)  # two digits of a spread that begins with 1 or 2
        places = min(max(places, 0), max(digits - 1 - math.floor(math.log10(max(abs(low), abs(high)))), 0))
        middle, low, high = (f"{value:,.{places}f}" for value in (middle, low, high))
        return middle + unit, f"{low} to {high}" if low != high else ""

    def measured(self, units):
        """The same in the unit that fits."""
        factor, name = unit_of([self.middle], units)
        return self.words(name, factor)

    def __str__(self):
        middle, between = self.words()
        return f"{middle} ({between})" if between else middle


def percent(share):
    return "–" if share is None or not math.isfinite(share) else f"{plain(100 * share, 2 if share < 0.1 else 3)} %"
