"""The HTML page: one file with its style and script, which asks nothing of a network."""

import base64
import hashlib
import pathlib

from reporting.markup import Markup, element, join

HERE = pathlib.Path(__file__).resolve().parent


def page(title, parts):
    """The file's bytes. The browser is told to load nothing at all, and to run no script but ours."""
    style, script = (Markup((HERE / name).read_text(encoding="utf-8")) for name in ("report.css", "report.js"))
    policy = f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; base-uri 'none'"
    head = element("head", element("meta", charset="utf-8"),
                   element("meta", http_equiv="Content-Security-Policy", content=policy),
                   element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                   element("meta", name="color-scheme", content="light dark"),
                   element("title", title), element("style", style))
    body = element("body", *parts, element("script", script))
    text = "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"
    return text.encode("utf-8", "replace")  # half of a surrogate pair, in a name


def digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def section(title, *content, level=2, class_=None):
    """Nothing where there is no content."""
    content = [part for part in content if part]
    return element("section", element(f"h{level}", title), *content, class_=class_) if content else None


def pictures(*found):
    """Side by side where there is room; those that are None left out."""
    figures = [picture.figure() for picture in found if picture]
    return element("div", *figures, class_="pictures") if figures else None


def sentences(texts, class_=None):
    return join(element("p", text, class_=class_) for text in texts)
