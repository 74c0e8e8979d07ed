"""From values to pixels, with ticks at round values: linear(), logarithmic(), Scale."""

import dataclasses
import math


@dataclasses.dataclass
class Scale:
    low: float
    high: float
    start: float = 0.0  # the pixels of low and high
    end: float = 1.0
    is_log: bool = False

    def __call__(self, value):
        value, low, high = (map(math.log, (max(value, self.low / 1e6), self.low, self.high)) if self.is_log
                            else (value, self.low, self.high))
        place = self.start + (value - low) / (high - low) * (self.end - self.start)
        return min(max(place, min(self.start, self.end) - 1e4), max(self.start, self.end) + 1e4)

    def on(self, start, end):
        return dataclasses.replace(self, start=start, end=end)

    def holds(self, value):
        return self.low <= value <= self.high

    def ticks(self, most):
        """At most so many round values between low and high."""
        found = log_ticks(self.low, self.high, most) if self.is_log else []
        return found if len(found) > 1 else linear_ticks(self.low, self.high, most)


def linear(values, include_zero=False, margin=0.06):
    """A scale that holds all values, with some room around them."""
    low, high = (min(values), max(values)) if len(values) else (0.0, 1.0)
    if include_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = margin * (high - low) or abs(high) * 0.1 or 1.0
    return Scale(low if include_zero and low == 0 else low - room, high + room)


def logarithmic(values, margin=0.06):
    positive = [value for value in values if value > 0]
    if not positive:
        return linear(values)
    low, high = min(positive), max(positive)
    room = max((high / low) ** margin, 1.1)
    return Scale(low / room, high * room, is_log=True)


def fitting(values, ratio, **options):
    """Logarithmic where the lowest is above 0 and the highest more than `ratio` times that, else linear(**options)."""
    spread = len(values) and min(values) > 0 and max(values) > ratio * min(values)
    return logarithmic(values) if spread else linear(values, **options)


def linear_ticks(low, high, most):
    span = high - low
    if not 0 < span < math.inf:
        return [low]
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10, 20) if span / (factor * step) <= most)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low, high, most):
    """Powers of ten with their doubles and fivefolds, as far as there is room."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [factor * 10.0**power for power in powers for factor in factors]
        found = [value for value in found if low <= value <= high]
        if len(found) <= most:
            return found
    return found[::-(-len(found) // most)]
