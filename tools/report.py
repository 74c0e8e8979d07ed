#!/usr/bin/python3
"""Writes what a batchsweep run found as one page, RESULTS/report.html: the answer,
pictures, tables, warnings. It opens in any browser, without a network.

A run that goes on, was interrupted or diverged is told as far as it goes. Several
RESULTS, one a board and with one model on one data set, are compared first.
"""

import argparse
import pathlib
import sys

try:
    import numpy  # noqa: F401
    import pandas  # noqa: F401
except ImportError as error:
    sys.exit(f"report.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

from batchsweep_results import BadInput
from reporting.document import document


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: tools/report.py results\n"
                                            "         tools/report.py boards/pi@a boards/pi@b --out boards/report.html")
    parser.add_argument("results", metavar="RESULTS", nargs="+", type=pathlib.Path,
                        help="folder written by `batchsweep run --out`, or several, one a board")
    parser.add_argument("--out", metavar="FILE", type=pathlib.Path,
                        help="where to write it [RESULTS/report.html]; needed with several RESULTS")
    options = parser.parse_args(arguments)
    if len(options.results) > 1 and options.out is None:
        parser.error("several RESULTS need --out FILE")
    out = options.out or options.results[0] / "report.html"
    try:
        written = document(options.results, out.parent)
        out.write_bytes(written)
    except BadInput as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"report.py: {error.filename or out}: {error.strerror}: expected a file to write into; "
              "check its folder, its owner and the free space", file=sys.stderr)
        return 1
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
