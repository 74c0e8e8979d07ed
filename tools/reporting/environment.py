"""What a run was made with and by: the kernels chosen, the environment, energy's source, as tables and sentences."""

import collections

from batchsweep_results import get
from plotting.conditions import words

from reporting.markup import element, join, table
from reporting.numbers import CLOCKS, SIZES, TIMES, measure

GROUPS = ["program", "model", "data", "config", "cpu", "system", "clock", "overhead"]
UNITS = {"_ns": TIMES, "_bytes": SIZES, "_hz": CLOCKS}
LIBRARIES = {"own": "ours", "xnnpack": "XNNPACK"}


def environment_section(recorded):
    """All that run.json says of the run's surroundings, a table a group."""
    info = recorded.info
    lines = [(name, get(info, name)) for name in ("command", "started_utc", "finished_utc", "status", "ram_bytes",
                                                  "page_bytes", "frequency_source", "energy_grade", "energy_source")]
    tables = [group_table("run", lines)]
    tables += [group_table(group, (get(info, group, kind=dict) or {}).items()) for group in GROUPS]
    tables = [found for found in tables if found]
    title = "All that run.json says of program, model, data, settings and machine"
    return element("details", element("summary", title), *tables) if tables else None


def group_table(group, lines):
    rows = [[name.replace("_", " "), told(name, value)] for name, value in lines if value not in (None, "", [])]
    return join([element("h3", group), table(["what", "value"], rows, group, "words")]) if rows else None


def told(name, value):
    """In the unit that its name ends with."""
    units = next((units for ending, units in UNITS.items() if name.endswith(ending)), None)
    if units and isinstance(value, (int, float)) and not isinstance(value, bool):
        return measure(value, units)
    if isinstance(value, dict):
        known = {key.replace("_", " "): told(key, part) for key, part in value.items() if part is not None}
        return ", ".join(f"{key} {text}" for key, text in known.items())
    if isinstance(value, (list, tuple)):
        between = "; " if any(isinstance(part, dict) for part in value) else ", "
        return between.join(told(name, part) for part in value)
    return words(value)


def kernels_section(recorded):
    """Who computes each product, and how long each candidate took; None where run.json has no choices."""
    choices = [row for row in get(recorded.info, "kernels", kind=list) or [] if isinstance(row, dict)]
    if not choices:
        return None
    cells = list(dict.fromkeys((get(row, "batch_size"), get(row, "threads")) for row in choices))
    products = collections.defaultdict(dict)
    for row in choices:
        name = f"{words(get(row, 'layer'))}, {words(get(row, 'direction'))}"
        products[name][get(row, "batch_size"), get(row, "threads")] = choice(row)
    rows = [[name] + [found.get(cell, "–") for cell in cells] for name, found in products.items()]
    counts = collections.Counter(LIBRARIES.get(get(row, "library"), words(get(row, "library"))) for row in choices)
    ours = ", ".join(f"{count} by {name.replace('ours', 'our own kernels')}" for name, count in counts.items())
    title = "The products of each layer, by who computes them"
    return join([element("p", f"Of {len(choices)} products of layers and batch sizes, {ours}: whichever was faster "
                              "here, where both were tried."),
                 element("details", element("summary", title),
                         table(["product"] + [recorded.cell_name(*cell) for cell in cells], rows, title, "kernels"))])


def choice(row):
    """"ours 3.18 µs", and below what the other took."""
    chosen = get(row, "library", kind=str) or "?"
    times = {name: get(row, f"{name}_time_ns", kind=(int, float)) for name in LIBRARIES}
    text = " ".join([LIBRARIES.get(chosen, chosen)] + ([measure(times[chosen], TIMES)] if times.get(chosen) else []))
    others = [f"{LIBRARIES[name]} {measure(value, TIMES)}" for name, value in times.items() if name != chosen and value]
    return join([text, *(element("small", other) for other in others)])


def energy_note(recorded):
    """The sentence of where energy comes from, or of why there is none."""
    grade = get(recorded.info, "energy_grade", kind=str) or "none"
    source = get(recorded.info, "energy_source", kind=str)
    if grade == "none":
        return ("No energy: this machine has no sensor of power that the program could read. A meter at the plug can "
                "be added by tools/merge_power.py.")
    told = f"Power: {grade}" + (f", {source}." if source else ".")
    if recorded.energy.train_energy_joules.isna().all():
        told += " No batch size trained long enough for 60 readings of it, so none has a figure of energy."
    return told
