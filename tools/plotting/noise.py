"""The gradient noise scale of a run, a line a batch size."""

from batchsweep_results import get
from plotting.curves import BAND, add_legend, draw_seeds, label_epochs, label_log, new_figure
from plotting.drawing import add_caption
from plotting.seeds import finished_seeds

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
        draw_seeds(ax, run, size, seeds)
    label_epochs(ax, run)
    ax.set_yscale("log")
    label_log(ax.yaxis)
    ax.set_ylabel("tr S / |G|² (examples), log scale")
    add_legend(ax, run)
    scope = SCOPES.get(get(run.info, "config", "noise_scale", kind=str), "")
    add_caption(fig, run, f"{scope} Batches well below it cost hardly more examples to a loss, well above it hardly "
                          "fewer steps. A guide: repeated runs scatter by a factor of two. No point where |G|² came "
                          "out at 0 or below." + BAND * (run.seeds > 1) + cost(run))
    return fig
