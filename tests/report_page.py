"""A page that tools/report.py wrote, read by a parser of HTML: Page."""

import collections
import html.parser

VOID = {"meta", "br"}


class Node:
    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent, self.children, self.own = name, attributes, parent, [], []

    def __getitem__(self, attribute):
        return self.attributes.get(attribute)

    def classes(self):
        return (self["class"] or "").split()

    def all(self, name=None, class_=None):
        for child in self.children:
            if (name is None or child.name == name) and (class_ is None or class_ in child.classes()):
                yield child
            yield from child.all(name, class_)

    def first(self, name=None, class_=None):
        return next(self.all(name, class_), None)

    def text(self):
        return " ".join("".join(part if isinstance(part, str) else f" {part.text()} " for part in self.own).split())


class Page(html.parser.HTMLParser):
    """Refuses what is not closed in its order."""

    def __init__(self, path):
        super().__init__()
        self.folder = path.parent
        self.source = path.read_text(encoding="utf-8")
        self.root = self.node = Node("", {}, None)
        self.feed(self.source)
        self.close()
        if self.node is not self.root:
            raise ValueError(f"<{self.node.name}> is not closed")

    def handle_starttag(self, name, attributes):
        node = Node(name, dict(attributes), self.node)
        self.node.children.append(node)
        self.node.own.append(node)
        if name not in VOID:
            self.node = node

    def handle_endtag(self, name):
        if name != self.node.name:
            raise ValueError(f"</{name}> where <{self.node.name}> is open, line {self.getpos()[0]}")
        self.node = self.node.parent

    def handle_data(self, data):
        self.node.own.append(data)

    def twice(self):
        """The ids that several elements have."""
        ids = collections.Counter(node["id"] for node in self.root.all() if node["id"])
        return [name for name, count in ids.items() if count > 1]

    def section(self, heading):
        """The section under a heading, or None."""
        return next((node.parent for node in self.root.all("h2") if node.text() == heading), None)

    def sections(self):
        return [node.text() for node in self.root.all("h2")]

    def figure(self, title):
        return next((node for node in self.root.all("figure") if node.first("h3").text() == title), None)
