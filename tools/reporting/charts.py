"""The parts of which pictures are drawn, as inline SVG: axes, lines, bands, bars, boxes, and places to point at.

Colours are classes, so that the page's style sheet sets them for light and dark; dashes and markers tell
lines apart in grey.
"""

import dataclasses

from plotting.words import COLORS, DASHES, MARKERS

from reporting.markup import element, join
from reporting.numbers import tick, ticks

DIGIT = 6.7  # pixels of a character of 12-pixel text, about
LINE = 2.0
SHAPES = {"o": "M-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z", "s": "M-{r} -{r}h{d}v{d}h-{d}z",
          "^": "M0 -{r}L{r} {r}H-{r}z", "v": "M0 {r}L{r} -{r}H-{r}z", "D": "M0 -{r}L{r} 0L0 {r}L-{r} 0z",
          "<": "M-{r} 0L{r} -{r}V{r}z", ">": "M{r} 0L-{r} -{r}V{r}z",
          "P": "M-{r} -{h}h{h}v-{h}h{r}v{h}h{h}v{r}h-{h}v{h}h-{r}v-{h}h-{h}z",
          "X": "M-{r} -{r}L0 -{h}L{r} -{r}L{h} 0L{r} {r}L0 {h}L-{r} {r}L-{h} 0z"}


@dataclasses.dataclass(frozen=True)
class Look:
    """How the line of a batch size or of a board looks: by its place in the list of them."""
    index: int

    @property
    def color(self):
        return f"c{self.index % len(COLORS)}"

    @property
    def dashes(self):
        dash = DASHES[self.index % len(DASHES)]
        return None if dash == "-" else " ".join(f"{LINE * length:g}" for length in dash[1])

    def marker(self, x, y, radius=4.0):
        sizes = {"r": f"{radius:g}", "d": f"{2 * radius:g}", "h": f"{radius / 2:g}"}
        path = SHAPES[MARKERS[self.index % len(MARKERS)]].format(**sizes)
        return element("path", d=path, transform=f"translate({x:.1f} {y:.1f})", class_=f"marker {self.color}")


@dataclasses.dataclass(frozen=True)
class Area:
    """The inside of a pair of axes, in pixels."""
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self):
        return self.right - self.left


def area(width, height, y_scale, top=26.0, below=44.0, right=14.0):
    """What is left of a picture beside the words at its axes, of which y_scale has those on the left."""
    longest = max(map(len, words_of(y_scale, y_ticks(y_scale, height - top - below))))
    return Area(12.0 + DIGIT * longest, top, width - right, height - below)


def label(x, y, *text, anchor="middle", class_="label"):
    return element("text", *text, x=float(x), y=float(y), text_anchor=anchor, class_=class_)


def x_axis(area, scale, title, values=None):
    """Ticks under the area, and what they are beneath; `values` are ticks that are given."""
    values = scale.ticks(most_ticks(area.width, scale)) if values is None else values
    parts = [element("path", d=f"M{area.left:.1f} {area.bottom:.1f}H{area.right:.1f}", class_="axis")]
    for value, word in zip(values, words_of(scale, values)):
        x = scale(value)
        parts += [element("path", d=f"M{x:.1f} {area.top:.1f}V{area.bottom:.1f}", class_="grid"),
                  label(x, area.bottom + 19, word)]
    return join(parts + [label((area.left + area.right) / 2, area.bottom + 37, title, class_="title")])


def words_of(scale, values):
    return list(map(tick, values)) if scale.is_log else ticks(values)


def most_ticks(width, scale):
    longest = max(map(len, words_of(scale, scale.ticks(6))))
    return int(max(2, min(9, width / (DIGIT * (longest + 3)))))


def y_axis(area, scale, title, values=None):
    """Ticks left of the area, and what they are above it."""
    values = y_ticks(scale, area.bottom - area.top) if values is None else values
    parts = [label(4, area.top - 12, title, anchor="start", class_="title")]
    for value, word in zip(values, words_of(scale, values)):
        y = scale(value)
        parts += [element("path", d=f"M{area.left:.1f} {y:.1f}H{area.right:.1f}", class_="grid"),
                  label(area.left - 6, y + 4, word, anchor="end")]
    return join(parts)


def y_ticks(scale, height):
    return scale.ticks(int(max(2, height / 36)))


def path(points):
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def line(points, look, markers=False, class_="line"):
    """Through the points, in pixels; with a marker at each, or at a few of many."""
    points = list(points)
    if not points:
        return None
    marked = points if markers else []
    return join([element("path", d=path(points), class_=f"{class_} {look.color}", stroke_dasharray=look.dashes),
                 *(look.marker(x, y) for x, y in marked[::-(-len(marked) // 12) or 1])])


def band(lows, highs, look):
    """Between two lines of points, from left to right."""
    lows, highs = list(lows), list(highs)
    if len(lows) < 2:
        return None
    return element("path", d=path(lows + highs[::-1]) + "z", class_=f"band {look.color}")


def bar(x, y, width, height, class_):
    return element("rect", x=float(x), y=float(y), width=float(max(width, 0)), height=float(height), class_=class_)


def box(scale, quantiles, y, height, look):
    """Middle half as a box, median as a line in it, whiskers to the outermost of five quantiles."""
    low, first, middle, third, high = map(scale, quantiles)
    top, bottom = y - height / 2, y + height / 2
    whiskers = (f"M{low:.1f} {y:.1f}H{first:.1f}M{third:.1f} {y:.1f}H{high:.1f}"
                f"M{low:.1f} {y - 5:.1f}v10M{high:.1f} {y - 5:.1f}v10")
    return join([element("path", d=whiskers, class_="whisker"),
                 bar(first, top, max(third - first, 1.0), height, f"box {look.color}"),
                 element("path", d=f"M{middle:.1f} {top:.1f}V{bottom:.1f}", class_="median")])


def hit(x, y, text, reach=None):
    """A place that tells values when pointed at: a spot, or what `reach` says, (left, top, width, height)."""
    title = element("title", text)
    data = {"data_x": float(x), "data_y": float(y), "class_": "hit"}
    if reach is None:
        return element("circle", title, cx=float(x), cy=float(y), r=9, **data)
    left, top, width, height = map(float, reach)
    return element("rect", title, x=left, y=top, width=max(width, 0.1), height=height, **data)
