"""The picture of memory: what was planned, by class, against what was measured."""

import numpy as np
from batchsweep_results import get

from reporting.markup import join
from reporting.numbers import SIZES, measure, unit_of
from reporting.picture import Picture
from reporting.rows import mark, rows_of, stacked
from reporting.scales import Scale

CLASSES = ["weights and optimizer", "other tensors", "data set", "program and records"]
# Floats that an optimizer keeps for a weight, with and without momentum.
SLOTS = {"adam": (2, 2), "adamw": (2, 2), "sgd": (0, 1), "rmsprop": (1, 2)}


def of_tensors(recorded):
    """The tensors alone, next to which a data set may be large; None where these are not known."""
    cells = {recorded.cell_name(*key): {kind: size for kind, size in planned(recorded.info, rows).items()
                                        if kind in CLASSES[:2]} for key, rows in with_steps(recorded)}
    cells = {name: (classes, np.nan) for name, classes in cells.items() if classes}
    return memory_picture("Memory of the tensors", cells, "Without data set, program and records: what grows with the "
                          "batch size. Other tensors are activations, gradients, packed weights and workspace, which "
                          "share their memory where they can.") if cells else None


def by_class(recorded):
    """None where neither a plan nor a measurement is known."""
    cells = {recorded.cell_name(*key): (planned(recorded.info, rows), known_max(rows.peak_rss_bytes))
             for key, rows in with_steps(recorded)}
    cells = {name: found for name, found in cells.items() if found[0] or np.isfinite(found[1])}
    return memory_picture("Memory, planned and measured", cells, "Bars: planned before training. Line and number: the "
                          "most that the process held in RAM.") if cells else None


def memory_picture(title, cells, caption):
    """Of {row's name: ({class: bytes}, measured bytes or NaN)}"""
    most = [np.nanmax([sum(classes.values()), measured]) for classes, measured in cells.values()]
    factor, unit = unit_of(most, SIZES)

    def draw(width):
        rows = rows_of(width, list(cells), Scale(0, max(most) / factor or 1.0), unit, room=84)
        parts = [rows.axes()]
        for (name, (classes, measured)), end in zip(cells.items(), most):
            parts.append(stacked(rows, name, [(f"p{CLASSES.index(kind)}", size / factor, f"batch size {name}\n{kind}: "
                                               f"{measure(size, SIZES)} planned") for kind, size in classes.items()],
                                 measure(measured if np.isfinite(measured) else end, SIZES), rows.scale(end / factor)))
            if np.isfinite(measured):
                parts.append(mark(rows, name, measured / factor))
        return rows.height, join(parts)

    used = [kind for kind in CLASSES if any(kind in classes for classes, _ in cells.values())]
    told = {name: f"batch size {name}: {measure(sum(classes.values()), SIZES)} planned"
            + (f", peak {measure(measured, SIZES)}" if np.isfinite(measured) else "")
            for name, (classes, measured) in cells.items()}
    rows = [[name, *(measure(classes.get(kind), SIZES) for kind in used), measure(sum(classes.values()), SIZES),
             measure(measured, SIZES)] for name, (classes, measured) in cells.items()]
    return Picture(title, f"Planned memory as stacked bars. {'; '.join(told.values())}.", draw,
                   ["batch size", *used, "planned in all", "measured peak"], rows, caption,
                   [(f"p{CLASSES.index(kind)}", kind) for kind in used])


def with_steps(recorded):
    """Of each batch size and number of threads the rows of summary.csv; those of steps.csv until it has any."""
    finished = dict(list(recorded.summary.groupby(["batch_size", "threads"])))
    return [(key, finished.get(key, rows)) for key, rows in recorded.steps.groupby(["batch_size", "threads"])]


def known_max(values):
    return float(values.max()) if values.notna().any() else np.nan


def planned(info, rows):
    """{class: bytes}, of the classes that are known; all of them add up to planned_rss_bytes."""
    arena, whole = (known_max(rows[name]) if name in rows else np.nan for name in ("arena_bytes", "planned_rss_bytes"))
    if not np.isfinite(arena):
        return {}
    lasting = min(lasting_bytes(info), arena)
    found = {CLASSES[0]: lasting, CLASSES[1]: arena - lasting,
             CLASSES[2]: float(get(info, "data", "resident_bytes", kind=int) or 0)}
    rest = whole - sum(found.values())
    if rest < 0:  # of a data set that is not all in RAM
        found[CLASSES[2]], rest = max(found[CLASSES[2]] + rest, 0.0), 0.0
    return {kind: size for kind, size in (found | {CLASSES[3]: rest}).items() if size > 0}


def lasting_bytes(info):
    """Of the weights and what the optimizer keeps for each, in 32-bit floats."""
    weights = get(info, "model", "parameters", kind=int) or 0
    slots = SLOTS.get(get(info, "config", "optimizer", kind=str), (0, 0))
    return 4.0 * weights * (1 + slots[bool(get(info, "config", "momentum", kind=(int, float)))])
