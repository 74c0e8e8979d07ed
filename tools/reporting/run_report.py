"""What is said of one run, in its order: the answer, pictures, table, environment, warnings, files."""

import pathlib
import urllib.parse

from batchsweep_results import get
from plotting.words import describe, problems, warnings_of

from reporting import losses, memory, times
from reporting.environment import energy_note, environment_section, kernels_section
from reporting.markup import element, join
from reporting.noise import noise_picture
from reporting.page import pictures, section, sentences
from reporting.summary import summary_section
from reporting.target import target_pictures
from reporting.timeline import timeline

NO_ANSWER = "This run does not tell yet which batch size to use: it ended too early, or it has no answer recorded."
FILES = ["summary.csv", "epochs.csv", "evaluations.csv", "steps.csv", "counters.csv"]


def answer(recorded):
    told = get(recorded.info, "advice", "sentences", kind=list) or []
    told = [sentence for sentence in told if isinstance(sentence, str)]
    unsound = [sentence for sentence in problems(recorded.run) if not sentence.startswith(("Warning:", "…"))]
    return element("section", element("h2", "The answer"), sentences(told or [NO_ANSWER]),
                   sentences(unsound, "problem"), pictures(*target_pictures(recorded)), class_="answer")


def run_sections(recorded, here):
    """What follows the answer; `here` is the folder of the report, from which files are linked."""
    return [section("What each batch size learns", pictures(losses.by_epoch(recorded), losses.over_time(recorded),
                                                           noise_picture(recorded))),
            section("What a step costs", pictures(times.by_phase(recorded), times.by_phase_and_example(recorded),
                                                  times.distribution(recorded))),
            section("When it ran", pictures(timeline(recorded))),
            section("Memory, limit and kernels", pictures(memory.by_class(recorded), memory.of_tensors(recorded),
                                                            times.against_limit(recorded)), kernels_section(recorded)),
            section("Energy", element("p", energy_note(recorded)), pictures(losses.over_energy(recorded))),
            section("Summary", summary_section(recorded)),
            section("Environment", environment_section(recorded), class_="screen"),
            section("Warnings", warning_list(recorded)),
            section("Files", file_list(recorded, here))]


def about(recorded):
    return join(element("p", line, class_="about") for line in describe(recorded.run) if line)


def warning_list(recorded):
    found = warnings_of(recorded.info)
    return element("ul", *(element("li", text) for text in found), class_="warnings") if found else None


def file_list(recorded, here):
    tables = sorted((path.name for path in recorded.folder.glob("*.csv")), key=lambda name: (*FILES, name).index(name))
    links = [element("li", element("a", name, href=address(recorded.folder / name, here)))
             for name in (*tables, "run.json", "model.json") if (recorded.folder / name).exists()]
    return element("ul", *links, class_="files")


def address(path, here):
    """How the report's links lead to a file: from its folder, or from the root where they have none in common."""
    path, here = path.resolve(), here.resolve()
    common = [one for one, other in zip(path.parts, here.parts) if one == other]
    up = [".."] * (len(here.parts) - len(common))
    relative = pathlib.PurePosixPath(*up, *path.parts[len(common):])
    return urllib.parse.quote("./" + str(relative))
