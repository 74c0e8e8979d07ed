"""The gradient noise scale of a run, a line a batch size."""

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from batchsweep_results import get
from plotting.curves import BAND, add_legend, draw_band, new_figure, style
from plotting.drawing import add_caption
from plotting.seeds import finished_seeds
from plotting.words import short

SCOPES = {"dense": "Of the parameters of dense layers alone.", "all": "Of all parameters."}


def has_noise(run):
    """Whether any epoch has a ratio above 0, which a log scale can show."""
    return "noise_scale" in run.epochs and bool((run.epochs.noise_scale > 0).any())


def cost(run):
    """The sentence of what measuring took, beside training."""
    share = run.epochs.noise_time_ns.sum() / max(run.epochs.train_time_ns.sum(), 1)
    return f" Measuring took {100 * share:.2g} % on top of training; it is in no step's time."


def noise_figure(run):
    fig, ax = new_figure("Gradient noise scale by batch size")
    for size, rows in run.epochs.groupby("batch_size"):
        seeds = finished_seeds(rows).pivot(index="epoch", columns="seed", values="noise_scale")
        seeds = seeds.where(seeds > 0).dropna(how="all")
        if seeds.empty:
            continue
        ax.plot(seeds.index, seeds.median(axis=1), linewidth=2, markersize=6, **style(run, size))
        if len(seeds.columns) > 1:
            draw_band(ax, run, size, seeds.index, seeds.min(axis=1), seeds.max(axis=1))
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(short))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epoch", ylabel="tr S / |G|² (examples), log scale", xlim=(0.6, max(run.epochs.epoch.max(), 2) + 0.4))
    add_legend(ax, run)
    scope = SCOPES.get(get(run.info, "config", "noise_scale", kind=str), "")
    add_caption(fig, run, f"{scope} Batches well below it cost hardly more examples to a loss, well above it hardly "
                          "fewer steps. A guide: repeated runs scatter by a factor of two. No point where |G|² came "
                          "out at 0 or below." + BAND * (run.seeds > 1) + cost(run))
    return fig
