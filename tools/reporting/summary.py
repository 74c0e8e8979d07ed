"""The summary table: a column a batch size, medians over its seeds and processes with their range."""

from reporting.markup import element, join, table
from reporting.numbers import SIZES, TIMES, Spread, percent, plain


def exact(spread):
    return f"{spread.middle:.6g}", ""


# What a row is called, of which column of summary.csv, and how a Spread is told: (middle, range).
ROWS = [("lowest validation loss", "best_val_loss", Spread.words),
        ("test loss", "test_loss", Spread.words),
        ("test accuracy", "test_accuracy", lambda spread: spread.words("%", 0.01)),
        ("step time", "step_time_median_ns", lambda spread: spread.measured(TIMES)),
        ("examples per second", "examples_per_second", lambda spread: (plain(spread.middle), "")),
        ("of this machine's limit", "limit_fraction", lambda spread: (percent(spread.middle), "")),
        ("peak memory", "peak_rss_bytes", lambda spread: spread.measured(SIZES)),
        ("energy of training", "train_energy_joules", lambda spread: spread.words("J")),
        ("learning rate", "learning_rate", exact),
        ("beta1", "beta1", exact),
        ("beta2", "beta2", exact),
        ("half-life, examples", "half_life_examples", lambda spread: (plain(spread.middle, 4), "")),
        ("updates", "steps", lambda spread: (f"{spread.middle:,.0f}", "")),
        ("updates to the target", "steps_to_target", lambda spread: (f"{spread.middle:,.0f}", "")),
        ("time to the target", "time_to_target_ns", lambda spread: spread.measured(TIMES)),
        ("total time", "total_time_ns", lambda spread: spread.measured(TIMES))]


def summary_section(recorded):
    """The table, or a line where no batch size is finished yet."""
    summary = recorded.summary.drop(columns="train_energy_joules").merge(recorded.energy, how="left")
    if summary.empty:
        return element("p", "No batch size is finished yet: there is no summary.")
    cells = list(summary.groupby(["batch_size", "threads"]))
    rows = [[title] + [value(words(Spread.of(rows[name]))) for _, rows in cells]
            for title, name, words in ROWS if name in summary and summary[name].notna().any()]
    note = "Medians over seeds and processes; below, the lowest and the highest." if len(summary) > len(cells) else None
    return join([element("p", note, class_="note") if note else None,
                 table(["batch size"] + [recorded.cell_name(*key) for key, _ in cells], rows, "Summary by batch size",
                       "summary")])


def value(words):
    middle, between = words
    return join([middle, element("small", between) if between else None])
