"""Several runs side by side: step time, throughput, loss over time and memory, a line a board."""

import numpy as np
from plotting.board_runs import common_size, differences, hardware, loss_over_time, peak_memory, step_times

from reporting.charts import Look, area, band, hit, label, line, x_axis, y_axis
from reporting.markup import join, table
from reporting.numbers import SIZES, TIMES, measure, plain, unit_of
from reporting.page import pictures, section, sentences
from reporting.picture import Picture
from reporting.scales import Scale, fitting, linear, logarithmic


def comparison(boards):
    """The section that stands before those of the single runs."""
    return section("The boards side by side", sentences(differences(boards), "problem"),
                   pictures(step_time_picture(boards), rate_picture(boards), loss_picture(boards),
                            memory_picture(boards)), board_table(boards))


def legend(boards):
    return [(Look(index), f"{board.name} ({hardware(board.run)})") for index, board in enumerate(boards)]


def step_time_picture(boards):
    values = [{size: (middle, low, high) for size, (low, middle, high) in step_times(board.run).items()}
              for board in boards]
    return by_size("Time of a step", boards, values, "step time", TIMES,
                   "Line: median; band: 5th to 95th percentile of the full-size steps after the warm-up.")


def rate_picture(boards):
    values = [{size: (rate,) * 3 for size, rate in board.run.rates().items()} for board in boards]
    return by_size("Throughput", boards, values, "examples per second", [(1.0, "")], "By the median step.")


def memory_picture(boards):
    values = [{size: (peak,) * 3 for size, peak in peak_memory(board.run).items()} for board in boards]
    return by_size("Memory", boards, values, "peak resident memory", SIZES,
                   "The most that the process held in RAM.") if any(values) else None


def by_size(title, boards, values, quantity, units, caption):
    """Of {batch size: (middle, low, high)} of each board."""
    flat = [value for found in values for spread in found.values() for value in spread]
    factor, unit = unit_of(flat, units)
    sizes = sorted({size for found in values for size in found})
    y_scale = fitting([value / factor for value in flat], 8, include_zero=True)
    x_scale = size_scale(sizes)

    def draw(width):
        height = 280.0
        inside = area(width, height, y_scale)
        x, y = x_scale.on(inside.left + 8, inside.right - 8), y_scale.on(inside.bottom, inside.top)
        words = f"{quantity}{f' ({unit})' if unit else ''}{', log scale' * y.is_log}"
        parts = [size_axis(inside, x, sizes), y_axis(inside, y, words)]
        hits = []
        for index, (board, found) in enumerate(zip(boards, values)):
            xs = list(map(x, found))
            middle, low, high = ([y(spread[part] / factor) for spread in found.values()] for part in range(3))
            parts += [band(zip(xs, low), zip(xs, high), Look(index)), line(zip(xs, middle), Look(index), markers=True)]
            hits += [hit(place, y(spread[0] / factor), f"{board.name}\nbatch size {size}: {told(spread, units)}")
                     for place, (size, spread) in zip(xs, found.items())]
        return height, join(parts + hits)

    rows = [[size, *(told(found[size], units) if size in found else "–" for found in values)] for size in sizes]
    best = "; ".join(f"{board.name}: {told(found[size], units)} at batch size {size}"
                     for board, found in zip(boards, values) for size in list(found)[:1])
    return Picture(title, f"A line for each board, by batch size. {best}.", draw,
                   ["batch size", *(board.name for board in boards)], rows, caption, legend(boards))


def told(spread, units):
    middle, low, high = (measure(value, units).strip() for value in spread)
    return middle if low == high else f"{middle} ({low} to {high})"


def size_scale(sizes):
    """Batch sizes in steps of two."""
    return logarithmic(sizes, margin=0.02) if len(sizes) > 1 else Scale(sizes[0] / 2, sizes[0] * 2, is_log=True)


def size_axis(inside, x, sizes):
    """A tick at each batch size, as far as there is room."""
    most = max(2, int(inside.width / 44))
    return x_axis(inside, x, "batch size", sizes[::-(-len(sizes) // most)])


def loss_picture(boards):
    size = common_size(boards)
    if size is None:
        return None
    curves = [[np.asarray(part, dtype=float) for part in loss_over_time(board.run, size)] for board in boards]
    x_scale = fitting([value for seconds, _ in curves for value in seconds], 8, include_zero=True)
    losses = [value for _, loss in curves for value in loss]
    y_scale = fitting(losses, 100) if losses else linear([])

    def draw(width):
        height = 280.0
        inside = area(width, height, y_scale)
        x, y = x_scale.on(inside.left, inside.right), y_scale.on(inside.bottom, inside.top)
        parts = [x_axis(inside, x, "seconds of training" + ", log scale" * x.is_log),
                 y_axis(inside, y, f"validation loss ({boards[0].run.loss})")]
        if not losses:
            parts.append(label((inside.left + inside.right) / 2, height / 2, "no finite loss", class_="value"))
        hits = []
        for index, (board, (seconds, loss)) in enumerate(zip(boards, curves)):
            points = list(zip(map(x, seconds), map(y, loss)))
            parts.append(line(points, Look(index), markers=True))
            hits += [hit(*point, f"{board.name}\n{plain(at)} s: loss {plain(value)}")
                     for point, at, value in zip(points, seconds, loss)]
        return height, join(parts + hits[::-(-len(hits) // 600) or 1])

    rows = [[board.name, f"{plain(at)} s", plain(value)] for board, (seconds, loss) in zip(boards, curves)
            for at, value in zip(seconds, loss)]
    return Picture(f"Validation loss over time, batch size {size}", "A line for each board. " + "; ".join(
        f"{board.name} ends at {plain(loss[-1]) if len(loss) else 'no finite loss'}"
        for board, (_, loss) in zip(boards, curves)) + ".", draw, ["board", "at", "validation loss"],
        rows or [["none", "–", "no finite loss"]], "After each epoch, medians of the seeds. Time of training is the "
        "sum of step times: without validation, and without writing files.", legend(boards))


def board_table(boards):
    """A row a batch size and board; each step time beside that of the first board that has the batch size."""
    sizes = sorted({size for board in boards for size in step_times(board.run)})
    times = [step_times(board.run) for board in boards]
    rows = []
    for size in sizes:
        first = next(found[size][1] for found in times if size in found)
        for board, found in zip(boards, times):
            if size in found:
                rows.append([str(size), board.name, measure(found[size][1], TIMES), plain(found[size][1] / first),
                             plain(board.run.rates()[size]), measure(peak_memory(board.run).get(size), SIZES)])
    return table(["batch size", "board", "step time", "times the first", "examples/s", "peak memory"], rows,
                 "Boards by batch size", "words")
