"""The report of one run or of several as a file's bytes: document()."""

from plotting.board_runs import check_folders, data_of, model_of, name_and_check

from reporting.boards import comparison
from reporting.markup import element
from reporting.page import page
from reporting.recorded import load
from reporting.run_report import about, answer, run_sections


def document(folders, here):
    """BadInput where a folder has no run, or where the runs are not to be compared. The file comes to lie in `here`."""
    check_folders(folders)
    runs = [load(folder) for folder in folders]
    name = model_of(runs[0].run).partition(" (")[0]
    heading = f"{name} on {data_of(runs[0].run)}"
    if len(runs) == 1:
        lines, parts = [about(runs[0])], [answer(runs[0]), *run_sections(runs[0], here)]
    else:
        boards = name_and_check(folders, [recorded.run for recorded in runs])
        lines, parts = [contents(boards)], [comparison(boards)]
        for index, (board, recorded) in enumerate(zip(boards, runs), 1):
            parts.append(element("article", element("h2", board.name, class_="board"), about(recorded),
                                 answer(recorded), *run_sections(recorded, here), id=f"board-{index}"))
    parts = [element("header", element("h1", f"Batch sizes for {heading}"), *lines), element("main", *parts), footer()]
    return page(f"batchsweep: {heading}", parts)


def contents(boards):
    """Links to the part of each board."""
    links = [element("li", element("a", board.name, href=f"#board-{index}")) for index, board in enumerate(boards, 1)]
    return element("nav", element("ul", *links, class_="files"), aria_label="boards")


def footer():
    return element("footer", "Written by tools/report.py of batchsweep from the files of the run; it needs no network.")
