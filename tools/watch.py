#!/usr/bin/python3
"""Shows a running sweep in the terminal: how far each cell is, the curves of the
training loss, the time left, temperature, clock and power, and warnings.

It reads the files of the run while they grow (the rows of an epoch come at its
end) and ends when the run has, or with Ctrl-C, which leaves the run alone. Where
its output is no terminal it prints one picture. What it shows:

  RESULTS       a folder here, of `batchsweep run --out`
  HOST          what tools/deploy.sh lets run on a board, as ssh knows it
  HOST:FOLDER   another folder there
"""

import argparse
import shutil
import sys
import time

try:
    import numpy as np  # noqa: F401
    import pandas as pd  # noqa: F401
except ImportError as error:
    sys.exit(f"watch.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

from batchsweep_results import BadInput
from watching.frame import frame
from watching.progress import Watched
from watching.sources import source_of

CLEAR, HOME, TO_LINE_END, TO_END = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"


def picture(watched):
    width, height = shutil.get_terminal_size((80, 24))
    # A line in the last column or row would make some terminals scroll.
    return frame(watched, max(20, width - 1), max(4, height - 1))


def show(source, every_s):
    """Draws until the run ends."""
    watched = Watched(source)
    print(CLEAR, end="")
    while True:
        watched.update()
        print(HOME + "".join(line + TO_LINE_END + "\n" for line in picture(watched)) + TO_END, end="", flush=True)
        if watched.ended:
            return
        time.sleep(every_s)


def show_once(source):
    watched = Watched(source)
    watched.update()
    print("\n".join(picture(watched)))


def seconds(text):
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: expected 0.1 to 3600")
    return value


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: tools/watch.py results\n"
                                            "         tools/watch.py pi@raspberrypi\n"
                                            "         tools/watch.py pi@raspberrypi:sweeps/results")
    parser.add_argument("results", metavar="RESULTS|HOST", help="a folder, or a board by ssh")
    parser.add_argument("--every", metavar="SECONDS", type=seconds, default=2.0,
                        help="between two looks at the files (2); looking takes time from the run")
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="replace")
    source = None
    try:
        source = source_of(options.results)
        if sys.stdout.isatty():
            show(source, options.every)
        else:
            show_once(source)
    except BadInput as error:
        print(f"watch.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    finally:
        if source:
            source.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
