"""A run as lines of plain text: frame()."""

import math
import textwrap

from batchsweep_results import get

MARKS = "ox+*#@%&=~"  # of the batch sizes' curves, in their order
BAR = 20
PLOT_ROWS = 5  # a plot of fewer shows nothing
WARNING_LINES = 4
LOG_RATIO = 50  # of the highest loss to the lowest, from which on a linear axis shows nothing
LABEL = 9  # columns of the numbers beside the plot


def frame(watched, width, height):
    """At most `height` lines of at most `width` columns."""
    config = get(watched.info, "config") or {}
    sizes = sorted({key[0] for key in watched.cells})
    marks = {size: MARKS[index % len(MARKS)] for index, size in enumerate(sizes)}
    head = [title(watched), state(watched)]
    foot = sensor_lines(watched) + warning_lines(watched, width)
    cells = cell_lines(watched, config, marks, max(1, height - len(head) - len(foot) - 2 - PLOT_ROWS - 2))
    room = height - len(head) - len(cells) - len(foot) - 1
    body = plot_lines(curves(watched), marks, width, room) if room >= PLOT_ROWS + 2 else []
    lines = head + cells + [""] * bool(body) + body + foot
    return [plain(line)[:width].rstrip() for line in lines[:height]]


def plain(text):
    """Without what a terminal would take for a command."""
    return "".join(char if char.isprintable() else "?" for char in text)


def title(watched):
    model, data = get(watched.info, "model", "name"), get(watched.info, "data", "name")
    parts = [f"{model} on {data}" if model and data else None, get(watched.info, "config", "optimizer"),
             get(watched.info, "system", "board") or get(watched.info, "cpu", "model_name")]
    return f"{watched.source}: " + ", ".join(str(part) for part in parts if part)


def state(watched):
    status = get(watched.info, "status", kind=str) or "unknown"
    done = sum(cell.summary is not None for cell in watched.cells.values())
    cells = f"{done} of {len(watched.cells)} cells done"
    if watched.killed:
        return f"killed, its process is gone; the same command with --resume goes on; {cells}"
    if status != "running":
        reason = get(watched.info, "error", kind=str)
        return f"{status}{f' ({reason})' if reason else ''}; {cells}"
    left = watched.seconds_left()
    return f"running, {'time left not known yet' if left is None else f'about {duration(left)} left'}; {cells}"


def duration(seconds):
    """"42 s", "3 min", "2 h 05 min"; up, since a forecast of 0 would be wrong each time it is shown."""
    seconds = math.floor(seconds) + 1
    minutes = -(-seconds // 60)
    if seconds < 100:
        return f"{seconds} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def cell_lines(watched, config, marks, room):
    """A line a cell, or where there is no room for these a line a batch size."""
    groups = [(cell_name(watched, key), [key]) for key in watched.cells]
    if len(groups) > room:
        groups = [(f"batch {size}", [key for key in watched.cells if key[0] == size]) for size in marks]
    lines = [(name, keys, cell_line(watched, config, keys)) for name, keys in groups]
    wide = max((len(name) for name, _, _ in lines), default=0)
    texts = [f"{'>' if watched.current in keys and not watched.ended else ' '} {marks[keys[0][0]]} "
             f"{name:<{wide}} {text}" for name, keys, text in lines]
    if len(texts) <= room:
        return texts
    # Those around the one that trains are the ones to be seen.
    at = next((i for i, (_, keys, _) in enumerate(lines) if watched.current in keys), 0)
    begin = min(max(0, at - room // 2), len(texts) - room + 1)
    return texts[begin:begin + room - 1] + [f"  and {len(texts) - room + 1} more batch sizes"]


def cell_name(watched, key):
    """"batch 8 seed 2", with what is not the same for all cells."""
    names = ("batch", "seed", "threads", "process")
    varied = [len({other[i] for other in watched.cells}) > 1 for i in range(len(names))]
    return " ".join(f"{names[i]} {key[i]}" for i in range(len(names)) if i == 0 or varied[i])


def cell_line(watched, config, keys):
    cells = [watched.cells[key] for key in keys]
    fraction = sum(cell.fraction(config) for cell in cells) / len(cells)
    filled = int(fraction * BAR)
    text = f"[{'#' * filled}{'.' * (BAR - filled)}] {100 * fraction:3.0f}%"
    shown = watched.cells[watched.current] if watched.current in keys else \
        next((cell for cell in reversed(cells) if cell.epochs), cells[0])
    if shown.epochs:
        epoch, row = max(shown.epochs.items())
        text += f"  epoch {epoch:<3} val {loss_of(row.get('val_loss'))}"
    if shown.step_time_ns:
        text += f"  {short_time(shown.step_time_ns)}/step"
    return text


def loss_of(value):
    return f"{value:<7.4g}" if value is not None and math.isfinite(value) else "diverged"


def short_time(ns):
    for factor, unit in ((1e9, "s"), (1e6, "ms")):
        if ns >= factor:
            return f"{ns / factor:.3g} {unit}"
    return f"{ns / 1e3:.3g} us"


def curves(watched):
    """{batch size: [(epochs passed, training loss)]}, of its cell that trains or trained last."""
    found = {}
    for key, cell in [*watched.cells.items(), (watched.current, watched.cells.get(watched.current))]:
        points = [(x, y) for x, y in (cell.curve() if cell else []) if math.isfinite(y)]
        if points:
            found[key[0]] = points
    return found


def plot_lines(lines, marks, width, rows):
    """The curves in `rows` lines, the last two an axis and its numbers."""
    points = [point for line in lines.values() for point in line]
    if not points:
        return ["training loss: no finished epoch yet"]
    columns, height = max(10, width - LABEL - 2), rows - 3
    low, high = min(y for _, y in points), max(y for _, y in points)
    end = max(math.ceil(x) for x, _ in points)
    high = high if high > low else low + (abs(low) or 1.0)
    log = low > 0 and high / low > LOG_RATIO
    scaled = math.log if log else float
    grid = [[" "] * columns for _ in range(height)]
    for size, line in lines.items():
        for column in range(columns):
            inside = [y for x, y in line if int(x / end * columns) == column]
            if inside:
                y = sum(inside) / len(inside)
                depth = (scaled(high) - scaled(y)) / (scaled(high) - scaled(low))
                grid[round(depth * (height - 1))][column] = marks[size]
    labels = {0: f"{high:.4g}", height - 1: f"{low:.4g}"}
    drawn = [f"{labels.get(i, ''):>{LABEL}} |" + "".join(row) for i, row in enumerate(grid)]
    last = f"{end} epoch{'s' * (end != 1)}"
    return (["training loss" + ", log scale" * log] + drawn + [" " * LABEL + " +" + "-" * columns,
            " " * LABEL + "  0" + last.rjust(columns - 1)])


def sensor_lines(watched):
    seen, parts = watched.sensors, []
    if "cpu_temp_celsius" in seen:
        parts.append(f"cpu {seen['cpu_temp_celsius']:.1f} C (highest {watched.hottest_celsius:.1f})")
    if "cpu_freq_hz" in seen:
        parts.append(f"{seen['cpu_freq_hz'] / 1e9:.2f} GHz")
    if seen.get("throttled"):
        parts.append("THROTTLED")
    if "power_watts" in seen:
        parts.append(f"{seen['power_watts']:.2f} W")
    if "peak_rss_bytes" in seen:
        parts.append(f"peak RSS {seen['peak_rss_bytes'] / (1 << 20):.1f} MiB")
    lines = [", ".join(parts)] if parts else []
    disturbed = [f"{flag} {count:,}" for flag, count in watched.flags.items() if flag not in ("warmup", "part_batch")]
    return lines + [f"disturbed steps of the last epoch: {', '.join(disturbed)}"] * bool(disturbed)


def warning_lines(watched, width):
    messages = [get(warning, "message", kind=str) for warning in get(watched.info, "warnings", kind=list) or []]
    lines = []
    for number, message in enumerate(filter(None, messages)):
        wrapped = textwrap.wrap(f"warning: {plain(message)}", width, subsequent_indent="  ")
        if len(lines) + len(wrapped) > WARNING_LINES:
            return lines + [f"warning: {len(messages) - number} more in run.json"]
        lines += wrapped
    return lines
