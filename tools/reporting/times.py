"""The pictures of step times: by phase, by phase and example, their distribution, against the machine's limit."""

import numpy as np
from plotting.files import disturbed

from reporting.charts import box, hit, label
from reporting.markup import join
from reporting.numbers import TIMES, Spread, measure, percent, plain, unit_of
from reporting.picture import FULL, NARROW, WIDE, Picture
from reporting.rows import BAR, mark, rows_of, stacked
from reporting.scales import Scale, fitting

PHASES = ["load", "forward", "backward", "update"]
QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]


def whole_batches(recorded):
    """{row's name: its steps on a whole batch after the warm-up}, without the disturbed where there are others"""
    found = {}
    for (size, threads), rows in recorded.timed.items():
        rows = rows[rows.examples == rows.examples.max()]
        calm = rows[~disturbed(rows)]
        found[recorded.cell_name(size, threads)] = (size, calm if len(calm) else rows)
    return found


def phase_means(recorded):
    """{row's name: (its batch size, {phase: mean ns})} of those that have all phases

    The middle half of the steps, by their time, is near their median, and unlike medians its phases add up.
    """
    found = {}
    for name, (size, rows) in whole_batches(recorded).items():
        first, third = rows.step_time_ns.quantile([0.25, 0.75])
        rows = rows[(first <= rows.step_time_ns) & (rows.step_time_ns <= third)]
        means = {phase: float(rows[f"{phase}_time_ns"].mean()) for phase in PHASES}
        if np.isfinite(list(means.values())).all():
            found[name] = (size, means)
    return found


def by_phase(recorded):
    means = {name: found for name, (_, found) in phase_means(recorded).items()}
    return phase_picture(means, "Time of a step, by phase", "per step",
                         "Means over the middle half of the steps on whole batches, by their time, without those that "
                         "something disturbed. Backward has the updates that are fused into it.")


def by_phase_and_example(recorded):
    means = {name: {phase: value / size for phase, value in found.items()}
             for name, (size, found) in phase_means(recorded).items()}
    return phase_picture(means, "Time per example, by phase", "per example",
                         "The same, divided by the batch size: where it stops falling, larger batches cost no less.")


def phase_picture(means, title, per, caption):
    if not means:
        return None
    totals = {name: sum(found.values()) for name, found in means.items()}
    factor, unit = unit_of(totals.values(), TIMES)
    scale = Scale(0, max(totals.values()) / factor or 1.0)

    def draw(width):
        rows = rows_of(width, list(means), scale, f"{unit} {per}", room=70)
        bars = [stacked(rows, name, phase_parts(name, found, factor, per), f"{plain(totals[name] / factor)} {unit}")
                for name, found in means.items()]
        return rows.height, join([rows.axes(), *bars])

    told = "; ".join(f"batch size {name}: {measure(total, TIMES)}" for name, total in totals.items())
    table = [[name, *(measure(value, TIMES) for value in found.values()), measure(totals[name], TIMES)]
             for name, found in means.items()]
    return Picture(title, f"Stacked bars of the phases, {per}. {told}.", draw, ["batch size", *PHASES, "in all"], table,
                   caption, [(f"p{index}", phase) for index, phase in enumerate(PHASES)])


def phase_parts(name, means, factor, per):
    total = max(sum(means.values()), 1e-9)
    return [(f"p{index}", value / factor,
             f"batch size {name}\n{phase}: {measure(value, TIMES)} {per}, {percent(value / total)}")
            for index, (phase, value) in enumerate(means.items())]


def distribution(recorded):
    cells = {recorded.cell_name(*key): (key[0], rows) for key, rows in recorded.timed.items()}
    quantiles = {name: rows.step_time_ns.quantile(QUANTILES).clip(lower=1) for name, (_, rows) in cells.items()}
    scale = fitting([100 * value / found[0.5] for found in quantiles.values() for value in found], 20)

    def draw(width):
        rows = rows_of(width, list(cells), scale, "% of the batch size's own median" + ", log scale" * scale.is_log, 74)
        parts = [rows.axes()]
        for name, y in rows.places().items():
            found = quantiles[name]
            parts += [box(rows.scale, 100 * found / found[0.5], y, BAR, recorded.look(cells[name][0])),
                      label(rows.inside.right + 8, y + 4, measure(found[0.5], TIMES), anchor="start", class_="value"),
                      hit(rows.scale(100), y, told(name, cells[name][1], found),
                          (rows.inside.left, y - BAR, rows.inside.width, 2 * BAR))]
        return rows.height, join(parts)

    slowest = max(rows.step_time_ns.max() for _, rows in cells.values())
    return Picture("How step times spread", "Boxes of step times. " + "; ".join(
        f"batch size {name}: median {measure(found[0.5], TIMES)}" for name, found in quantiles.items()) + ".", draw,
        ["batch size", *(f"{100 * q:.0f} %" for q in QUANTILES), "slowest", "disturbed"],
        [[name, *(measure(value, TIMES) for value in quantiles[name]), measure(rows.step_time_ns.max(), TIMES),
          percent(disturbed(rows).mean())] for name, (_, rows) in cells.items()],
        "Box: the middle half of the full-size steps after the warm-up, with the median, which stands on the right; "
        f"whiskers: 5th to 95th percentile. The slowest step, not drawn, took {measure(slowest, TIMES)}.",
        widths=(NARROW, WIDE, FULL))


def told(name, rows, quantiles):
    low, high = (measure(quantiles[q], TIMES) for q in (0.05, 0.95))
    lines = [f"batch size {name}: median {measure(quantiles[0.5], TIMES)}", f"5 to 95 %: {low} to {high}",
             f"{len(rows):,} steps, {percent(disturbed(rows).mean())} disturbed"]
    medians = rows.groupby(["seed", "process"]).step_time_ns.median()
    if len(medians) > 1:
        lines.append(f"medians of {len(medians)} processes: {measure(medians.min(), TIMES)} to "
                     f"{measure(medians.max(), TIMES)}")
    return "\n".join(lines)


def limits(recorded):
    """{row's name: its rows of summary.csv that have a limit}"""
    known = recorded.summary[recorded.summary.limit_fraction.notna()]
    return {recorded.cell_name(*key): rows for key, rows in known.groupby(["batch_size", "threads"])}


def against_limit(recorded):
    """None where no limit was found."""
    found = {name: (Spread.of(rows.limit_fraction), Spread.of(rows.limit_time_ns)) for name, rows in
             limits(recorded).items()}
    if not found:
        return None

    def draw(width):
        rows = rows_of(width, list(found), Scale(0, 100), "% of the speed that arithmetic and memory allow", room=60)
        bars = [stacked(rows, name, [("p1", 100 * share.middle, f"batch size {name}: {percent(share.middle)}\n"
                                      f"limit {measure(limit.middle, TIMES)} per step")],
                        percent(share.middle), rows.scale(100)) for name, (share, limit) in found.items()]
        return rows.height, join([rows.axes(), *bars, *(mark(rows, name, 100) for name in found)])

    return Picture("Against this machine's limit", "; ".join(
        f"batch size {name} reaches {percent(share.middle)}" for name, (share, _) in found.items()) + ".", draw,
        ["batch size", "reached", "limit per step"],
        [[name, percent(share.middle), measure(limit.middle, TIMES)] for name, (share, limit) in found.items()],
        "The limit is what this machine's measured arithmetic and memory rates allow for such a step, with nothing "
        "else to do; 100 % is not reached in practice.", widths=(NARROW, WIDE, FULL))
