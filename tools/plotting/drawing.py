"""What all pictures of matplotlib have in common: its settings and the caption."""

import textwrap

import matplotlib

from plotting.words import describe, problems

matplotlib.rcParams.update({
    "font.size": 10, "axes.titlesize": 11, "figure.titlesize": 13, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "#E4E4E4", "axes.axisbelow": True,
    "legend.frameon": True, "legend.framealpha": 0.9, "legend.edgecolor": "none"})


def add_caption(fig, run, note):
    write_caption(fig, problems(run), describe(run) + [note])


def write_caption(fig, warnings, facts):
    """Sentences under the panels, which get the room that is left."""
    line_height = 0.155 / fig.get_figheight()  # of 8-point text
    y = 0.02
    for sentences, color in ((warnings, "#B03A00"), (facts, "#555555")):
        lines = [line for sentence in sentences for line in textwrap.wrap(str(sentence), 16 * int(fig.get_figwidth()))]
        fig.text(0.015, y, "\n".join(lines), size=8, color=color, va="bottom", linespacing=1.25)
        y += line_height * len(lines)
    fig.set_layout_engine("constrained", rect=(0.005, y + 0.01, 0.985, 0.92 - y), wspace=0.06)
