"""The report of one run or of several as a file's bytes: document()."""

from plotting.board_runs import data_of, model_of

from reporting.markup import element
from reporting.page import page
from reporting.recorded import load
from reporting.run_report import about, run_sections


def document(folders, here):
    """BadInput where a folder has no run, or where the runs are not to be compared. The file comes to lie in `here`."""
    runs = [load(folder) for folder in folders]
    heading = f"{model_of(runs[0].run)} on {data_of(runs[0].run)}"
    (recorded,) = runs
    parts = [element("header", element("h1", f"Batch sizes for {heading}"), about(recorded)),
             element("main", *run_sections(recorded, here)), footer(runs)]
    return page(f"batchsweep: {heading}", parts)


def footer(runs):
    return element("footer", "Written by tools/report.py of batchsweep from the files of the run; it needs no network.")
