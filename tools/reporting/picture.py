"""A picture of the report with all that belongs to it: title, description, legend, caption, the table behind it."""

import dataclasses
import itertools
from collections.abc import Callable

from reporting.charts import Look
from reporting.markup import Markup, element, join, table

# Pictures are drawn for these widths, in pixels; the page shows the one that fits, so that text keeps its size.
NARROW, WIDE, FULL = 330, 560, 1120
ids = itertools.count(1)


@dataclasses.dataclass
class Picture:
    title: str
    description: str  # what a reader who sees no picture should know
    draw: Callable[[int], tuple[float, Markup]]  # (height, content) at a width
    headers: list[str]
    rows: list[list]  # the values drawn
    caption: str | None = None
    legend: list[tuple[Look | str, str]] = dataclasses.field(default_factory=list)  # a look or a class of bars, text
    widths: tuple[int, ...] = (NARROW, WIDE)

    def figure(self):
        return element("figure", element("h3", self.title), legend(self.legend),
                       *(self.image(width) for width in self.widths),
                       element("figcaption", self.caption) if self.caption else None,
                       element("details", element("summary", "Values as a table"),
                               table(self.headers, self.rows, self.title)),
                       class_="picture full" if FULL in self.widths else "picture")

    def image(self, width):
        height, content = self.draw(width)
        title, description = f"title-{next(ids)}", f"desc-{next(ids)}"
        return element("svg", element("title", self.title, id=title), element("desc", self.description, id=description),
                       content, viewBox=f"0 0 {width} {height:.0f}", role="img", aria_labelledby=title,
                       aria_describedby=description, class_=f"chart w{width}")


def legend(entries):
    if not entries:
        return None
    return element("ul", *(element("li", swatch(look), text) for look, text in entries), class_="legend")


def swatch(look):
    """A piece of the line with its marker, or a square of a bar's colour."""
    if isinstance(look, Look):
        content = join([element("path", d="M1 7H33", class_=f"line {look.color}", stroke_dasharray=look.dashes),
                        look.marker(17, 7)])
        return element("svg", content, viewBox="0 0 34 14", class_="swatch", aria_hidden="true")
    return element("svg", element("rect", x=1, y=1, width=12, height=12, class_=look), viewBox="0 0 14 14",
                   class_="swatch square", aria_hidden="true")
