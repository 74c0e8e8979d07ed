"""HTML and SVG as text. Whatever is not Markup is escaped, so that nothing that a file says can become markup."""

import html

VOID = {"meta", "br"}


class Markup(str):
    """Text that is markup already."""


def element(name, /, *children, **attributes):
    """An element; a name such as class_ or stroke_width stands for class or stroke-width, None leaves one out."""
    words = "".join(f' {key.rstrip("_").replace("_", "-")}="{html.escape(value_text(value))}"'
                    for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{words}>" + ("" if name in VOID else f"{join(children)}</{name}>"))


def value_text(value):
    """A number to a tenth, since a picture's units are pixels."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def join(children):
    """Children one behind the other; None is none."""
    return Markup("".join(text_of(child) for child in children if child is not None))


def text_of(child):
    return child if isinstance(child, Markup) else html.escape(str(child), quote=False)


def table(headers, rows, caption=None, class_=None):
    """A table whose first column names the rows. It scrolls by itself where it is too wide."""
    head = element("tr", *(element("th", header, scope="col") for header in headers))
    body = [element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:]))
            for row in rows]
    inner = element("table", element("caption", caption) if caption else None, element("thead", head),
                    element("tbody", *body), class_=class_)
    return element("div", inner, class_="scroll", tabindex=0, role="region", aria_label=caption or "table")
