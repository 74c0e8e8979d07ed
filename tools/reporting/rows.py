"""Pictures with a row a batch size: stacked bars, boxes, a bar against a limit."""

import dataclasses

from reporting.charts import DIGIT, Area, bar, hit, label, x_axis
from reporting.markup import element, join
from reporting.scales import Scale

ROW = 40.0  # pixels
BAR = 20.0


@dataclasses.dataclass
class Rows:
    """The place of each row, by its name, and of values along it."""
    names: list[str]
    scale: Scale
    inside: Area
    title: str

    @property
    def height(self):
        return self.inside.bottom + 46

    def places(self):
        return {name: self.inside.top + ROW * (index + 0.5) for index, name in enumerate(self.names)}

    def axes(self, rows_title="batch size"):
        names = [label(self.inside.left - 8, y + 4, name, anchor="end", class_="value")
                 for name, y in self.places().items()]
        return join([label(4, self.inside.top - 8, rows_title, anchor="start", class_="title"),
                     x_axis(self.inside, self.scale, self.title), *names])


def rows_of(width, names, scale, title, room=14.0):
    """Rows in a picture of a width; `room` is what is kept free to the right, for words behind the bars."""
    left = 14.0 + DIGIT * max(max(map(len, names)), 3)
    inside = Area(left, 24.0, width - room, 24.0 + ROW * len(names))
    return Rows(names, scale.on(inside.left, inside.right), inside, title)


def stacked(rows, name, parts, words, end=None):
    """One bar of parts, [(class, value, text when pointed at)], with words behind its end."""
    y, x = rows.places()[name], rows.scale(0)
    found = []
    for class_, value, text in parts:
        right = x + rows.scale(value) - rows.scale(0)
        found += [bar(x, y - BAR / 2, right - x, BAR, class_),
                  hit((x + right) / 2, y, text, (x, y - BAR / 2, right - x, BAR))]
        x = right
    return join([*found, label(max(x, end or 0) + 6, y + 4, words, anchor="start", class_="value")])


def mark(rows, name, value):
    """A line across a row's bar, where a value is."""
    x, y = rows.scale(value), rows.places()[name]
    place = f"M{x:.1f} {y - BAR / 2 - 5:.1f}V{y + BAR / 2 + 5:.1f}"
    return join([element("path", d=place, class_="measured under"), element("path", d=place, class_="measured")])


def dot(rows, name, look, spread, words, text):
    """A value with its interval, (value, low, high); words at the row's end, and a text when pointed at."""
    (x, left, right), y = map(rows.scale, spread), rows.places()[name]
    whiskers = f"M{left:.1f} {y:.1f}H{right:.1f}M{left:.1f} {y - 5:.1f}v10M{right:.1f} {y - 5:.1f}v10"
    return join([element("path", d=whiskers, class_="whisker"), look.marker(x, y, 6.0),
                 label(rows.inside.right + 8, y + 4, words, anchor="start", class_="value"),
                 hit(x, y, text, (rows.inside.left, y - ROW / 2, rows.inside.width, ROW))])
