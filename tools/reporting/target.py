"""The pictures of the answer: how long each batch size takes to the target, and how much energy, with intervals."""

import math

from batchsweep_results import get

from reporting.charts import DIGIT, Look
from reporting.markup import join
from reporting.numbers import ENERGIES, TIMES, Spread, plain, unit_of
from reporting.picture import FULL, NARROW, WIDE, Picture
from reporting.rows import dot, rows_of
from reporting.scales import fitting

MEASURES = {"val_loss": "validation loss", "subset_loss": "loss on a subset of the training set",
            "val_accuracy": "validation accuracy"}
VERDICTS = {"least": "the least", "not_told": "cannot be told from the least", "more": "more than the least",
            "one_seed": "of one seed"}
REASONS = {"diverged": "diverged", "disturbed": "was disturbed", "not_reached": "did not reach it",
           "by_first_evaluation": "was there by its first evaluation", "too_few_seeds": "has too few seeds"}
NUMBER = (int, float)
NO_INTERVAL = "no interval"


def target_pictures(recorded):
    """One for time and one for energy, of each number of threads; none where run.json has no answer."""
    advice = get(recorded.info, "advice", kind=dict) or {}
    target = get(advice, "target", kind=dict) or {}
    value = get(target, "value", kind=NUMBER)
    if value is None:
        return []
    goal = f"{MEASURES.get(get(target, 'measure', kind=str), 'target')} {value:.4g}"
    found = []
    for answer in get(advice, "answers", kind=list) or []:
        for key, quantity, units, factor in (("time_to_target_seconds", "Time", TIMES, 1e9),
                                             ("energy_to_target_joules", "Energy", ENERGIES, 1.0)):
            figures = known_figures(answer, key, factor)
            if figures:
                found.append(target_picture(recorded, answer, figures, quantity, goal, units))
    return found


def known_figures(answer, key, factor):
    """[(batch size, value, low, high, verdict in words)], without an interval where there is none"""
    found = []
    for row in get(answer, key, kind=list) or []:
        size, value, low, high = (get(row, part, kind=NUMBER) for part in ("batch_size", "value", "low", "high"))
        if size is None or value is None or not 0 < value < math.inf:
            continue
        low, high = (low, high) if low and high and high < math.inf else (value, value)
        found.append((int(size), value * factor, low * factor, high * factor, verdict(row)))
    return found


def verdict(row):
    """"1.7 times the least (1.4 to 2.1)" """
    told = get(row, "verdict", kind=str) or ""
    if get(row, "at_most") is True:
        return "the least, or less: there by its first evaluation"
    ratio, low, high = (get(row, part, kind=NUMBER) for part in ("ratio", "ratio_low", "ratio_high"))
    if told != "more" or ratio is None:
        return VERDICTS.get(told, told)
    between = f" ({plain(low, 2)} to {plain(high, 2)})" if low is not None and high is not None else ""
    return f"{plain(ratio, 2)} times the least{between}"


def target_picture(recorded, answer, figures, quantity, goal, units):
    threads = get(answer, "threads", kind=int) or 1
    names = {figure: recorded.cell_name(figure[0], threads) for figure in figures}
    factor, unit = unit_of([value for figure in figures for value in figure[1:4]], units)
    scale = fitting([value / factor for figure in figures for value in figure[1:4]], 8, include_zero=True)

    # No more digits than the interval lets count.
    told = {figure: Spread(*figure[1:4]).words(unit, factor) for figure in figures}

    def draw(width):
        words = {figure: [told[figure][0], figure[4]][:1 + (width >= WIDE)] for figure in figures}
        room = 18 + DIGIT * max(len(", ".join(parts)) for parts in words.values())
        title = f"{quantity} ({unit}{', log scale' * scale.is_log})"
        rows = rows_of(width, list(names.values()), scale, title, room)
        parts = [rows.axes()]
        for figure, name in names.items():
            parts.append(dot(rows, name, look_of(recorded, figure[0]), [part / factor for part in figure[1:4]],
                             ", ".join(words[figure]),
                             f"batch size {name}: {told[figure][0]}\n{told[figure][1] or NO_INTERVAL}\n{figure[4]}"))
        return rows.height, join(parts)

    summary = "; ".join(f"batch size {name}: {told[figure][0]}, {figure[4]}" for figure, name in names.items())
    rows = [[name, told[figure][0], told[figure][1] or NO_INTERVAL, figure[4]] for figure, name in names.items()]
    caption = (f"Dot: mean of the seeds ({get(answer, 'seeds', kind=int) or 1}); line: its 95 % interval. Training "
               f"alone, validation left out.{left_out(recorded, answer, threads)}")
    return Picture(f"{quantity} to {goal}", summary + ".", draw, ["batch size", "mean", "95 % interval", "verdict"],
                   rows, caption, widths=(NARROW, WIDE, FULL))


def look_of(recorded, size):
    return recorded.look(size) if size in recorded.run.batch_sizes else Look(0)


def left_out(recorded, answer, threads):
    """A sentence for each batch size that is not compared."""
    told = ""
    for row in get(answer, "not_compared", kind=list) or []:
        reason, size = get(row, "reason", kind=str) or "", get(row, "batch_size")
        told += f" Not compared: {recorded.cell_name(size, threads)}, which {REASONS.get(reason, reason)}."
    return told
