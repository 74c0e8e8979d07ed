#!/usr/bin/python3
"""Tests what tools/watch.py reads: files while they grow, in a terminal, and on boards, which are an ssh that runs
commands here and an ssh server on loopback."""

import fcntl
import os
import pathlib
import platform
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from unittest import mock

import deploy_test
from made_run import MadeRun, train_loss

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools/watch.py"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPT.parent))
from batchsweep_results import BadInput  # noqa: E402
from watching import progress  # noqa: E402
from watching.frame import frame  # noqa: E402
from watching.progress import Watched  # noqa: E402
from watching.sources import LocalFolder  # noqa: E402

PATIENCE_S = 60


def running(run):
    run.info["status"] = "running"
    return run


class Terminal:
    """watch.py in a terminal of 80 columns and 24 rows."""

    def __init__(self, *arguments):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execv(SCRIPT, [str(SCRIPT), *map(str, arguments)])
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.text = ""

    def wait_for(self, pattern):
        """Until the last picture has that."""
        end = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.picture()):
            assert time.monotonic() < end and self.read(), f"no {pattern} in {self.text}"

    def read(self):
        """Whether it says more before it ends."""
        if select.select([self.master], [], [], 1)[0]:
            try:
                self.text += os.read(self.master, 1 << 16).decode()
            except OSError:  # it ended
                return False
        return True

    def picture(self):
        return self.text.rpartition("\x1b[H")[2].replace("\x1b[K", "")

    def end(self):
        """Its exit code."""
        end = time.monotonic() + PATIENCE_S
        while self.read():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class WatchSourcesTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.folder = self.root / "results"

    def watched(self, run=None):
        if run:
            run.write(self.folder)
        watched = Watched(LocalFolder(self.folder))
        watched.update()
        return watched

    # -- files that grow

    def test_only_what_is_new_is_read_and_a_torn_row_is_no_error(self):
        whole = running(MadeRun())
        text = whole.text("steps")
        half = running(MadeRun().cut_off(32, 1))
        half.write(self.folder)
        cut = len(text) // 2
        (self.folder / "steps.csv").write_text(text[:cut])
        self.assertNotEqual(text[cut - 1], "\n")
        watched = self.watched()
        whole.write(self.folder)
        with mock.patch.object(watched.source, "read", side_effect=watched.source.read) as read:
            watched.update()
        self.assertEqual([call.args[1] for call in read.call_args_list if call.args[0] == "steps.csv"],
                         [cut, len(text)])
        for key, cell in self.watched().cells.items():
            self.assertEqual(sum(len(pieces) for pieces in watched.cells[key].pieces.values()), 12)
            self.assertEqual(watched.cells[key].epochs, cell.epochs)
            self.assertIsNotNone(watched.cells[key].summary)

    def test_another_run_in_the_folder_takes_the_place_of_the_one_before(self):
        longer = running(MadeRun(epochs=5))
        watched = self.watched(longer)
        for started in ("2026-11-25T13:11:30Z", "2026-11-25T14:00:00Z"):  # by its shorter files, and by its start
            other = running(MadeRun(sizes=(8, 32), epochs=2))
            other.info["started_utc"] = started
            other.write(self.folder)
            watched.update()
            self.assertEqual([len(cell.epochs) for cell in watched.cells.values()], [2, 2])
            longer.write(self.folder)
            watched.update()
            self.assertEqual([len(cell.epochs) for cell in watched.cells.values()], [5, 5])

    def test_a_run_json_that_is_just_being_replaced_is_read_again(self):
        watched = self.watched(running(MadeRun()))
        MadeRun().write(self.folder)
        read, torn = watched.source.read, [b"{", b"", b""]
        watched.source.read = lambda name, offset: (5, torn.pop(0)) if name == "run.json" and len(torn) > 2 \
            else read(name, offset)
        watched.update()
        self.assertTrue(watched.ended)

    def test_of_a_long_file_the_end_alone_is_read(self):
        MadeRun(sizes=(8,), epochs=40).write(self.folder)
        with mock.patch.object(progress, "FIRST_READ_BYTES", 5000):
            watched = self.watched()
            cell = watched.cells[(8, 1, 1, 1)]
            self.assertEqual(max(cell.pieces), 40)
            self.assertLess(len(cell.pieces), 20)
            curve = cell.curve()
            self.assertEqual(curve[0], (0.5, train_loss(8, 4)))  # of epochs.csv
            self.assertEqual(curve[-1], (39.875, train_loss(8, 160)))
            with open(self.folder / "steps.csv", "a") as file:
                file.write("8,x\n")
            with self.assertRaisesRegex(BadInput, r"steps.csv \(lines from byte \d+ on\): line \d+: seed is 'x'"):
                self.watched()

    def test_a_run_whose_process_is_gone_was_killed(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        for process, host, state in ((gone.pid, platform.node(), "killed"), (os.getpid(), platform.node(), "running"),
                                     (gone.pid, "elsewhere", "running")):
            run = running(MadeRun().cut_off(32, 1))
            run.write(self.folder)
            (self.folder / "batchsweep.lock").write_text(f"batchsweep: process {process} on host {host}\n")
            watched = self.watched()
            self.assertEqual(watched.ended, state == "killed")
            self.assertTrue(frame(watched, 79, 23)[1].startswith(state))
        run.info["status"] = "complete"
        self.assertTrue(frame(self.watched(run), 79, 23)[1].startswith("complete"))

    # -- in a terminal

    def test_pictures_follow_the_run_and_end_with_it(self):
        running(MadeRun().cut_off(32, 1)).write(self.folder)
        terminal = Terminal(self.folder, "--every", "0.1")
        terminal.wait_for(r"running, about 1 s left(.|\n)*> x batch 32 \[######\.+\]  33%")
        running(MadeRun().cut_off(32, 2)).write(self.folder)
        terminal.wait_for(r"running(.|\n)*batch 32 \[#{13}\.+\]  67%")
        self.assertLess(terminal.picture().count("\n"), 24)
        MadeRun().write(self.folder)
        self.assertEqual(terminal.end(), 0)
        self.assertRegex(terminal.picture(), r"complete; 2 of 2 cells done(.|\n)*100%(.|\n)*100%")

    def test_ctrl_c_ends_it_cleanly(self):
        running(MadeRun().cut_off(32, 1)).write(self.folder)
        terminal = Terminal(self.folder, "--every", "60")
        terminal.wait_for("1 of 2 cells done")
        os.write(terminal.master, b"\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn("Traceback", terminal.text)

    # -- over ssh

    def with_ssh(self, script):
        """The environment in which that is ssh; what it is called with goes to self.root/calls."""
        folder = self.root / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "ssh").write_text(f"#!/bin/sh\necho \"$@\" >>{self.root}/calls\n{script}\n")
        (folder / "ssh").chmod(0o755)
        return dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", HOME=str(self.root))

    def here(self, shell="sh", before=""):
        """An ssh that logs in to self.root."""
        return self.with_ssh(f'{before}\ncd {self.root}\nfor command; do :; done\nexec {shell} -c "$command"')

    def watch(self, environment, *arguments):
        done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr

    def expect_error(self, environment, name, *parts):
        code, out, errors = self.watch(environment, name)
        self.assertEqual((code, out, errors.count("\n")), (1, "", 1), errors)
        self.assertTrue(errors.startswith("watch.py: "), errors)
        for part in (*parts, "expected", ";"):
            self.assertIn(part, errors)

    def test_a_board_is_shown_as_a_folder_here_is(self):
        MadeRun(sensors=True).write(self.folder)
        (self.root / ".batchsweep").mkdir()
        shutil.copytree(self.folder, self.root / ".batchsweep/results")
        shutil.copytree(self.folder, self.root / "it's here")
        _, here, _ = self.watch(os.environ, self.folder)
        shells = [["sh"], ["bash"]] + [["busybox", "sh"]] * bool(shutil.which("busybox"))
        for shell in shells:
            environment = self.here(" ".join(shell), before="echo welcome; echo hello >&2")
            for name, folder in (("pi@board", ".batchsweep/results"), ("board:results", "results"),
                                 ("board:~/it's here", "it's here"), (f"b:{self.folder}", str(self.folder))):
                code, out, errors = self.watch(environment, name)
                self.assertEqual((code, errors), (0, ""))
                self.assertEqual(out.splitlines()[1:], here.splitlines()[1:])
                self.assertTrue(out.startswith(f"{name.partition(':')[0]}:{folder}"[:79]), out)
        self.assertEqual(len((self.root / "calls").read_text().splitlines()), len(shells) * 4 * self.lines_of_a_call())

    def lines_of_a_call(self):
        text = (self.root / "calls").read_text()
        return len(text.splitlines()) // text.count("ConnectTimeout")

    def test_a_board_is_followed_by_one_connection(self):
        running(MadeRun().cut_off(32, 1)).write(self.folder)
        environment = self.here()
        master, slave = pty.openpty()
        watch = subprocess.Popen([SCRIPT, "board:results", "--every", "0.1"], env=environment, stdout=slave, text=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        seen = ""
        while "33%" not in seen:
            seen += os.read(master, 1 << 16).decode()
        MadeRun().write(self.folder)
        self.assertEqual(watch.wait(PATIENCE_S), 0)
        self.assertIn("complete; 2 of 2 cells done", os.read(master, 1 << 16).decode())
        self.assertEqual((self.root / "calls").read_text().count("ConnectTimeout"), 1)

    def test_a_file_that_is_cut_while_it_is_read_is_read_again(self):
        MadeRun().write(self.folder)
        environment = self.here()
        # The third that is asked for, a table, is told to be longer than it is.
        (self.root / "bin/stat").write_text(
            f"#!/bin/sh\nsize=$({shutil.which('stat')} \"$@\")\necho x >>{self.root}/asked\n"
            f"[ $(wc -l <{self.root}/asked) -ne 3 ] || size=$((size + 9))\necho $size\n")
        (self.root / "bin/stat").chmod(0o755)
        code, out, errors = self.watch(environment, "board:results")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("complete; 2 of 2 cells done", out)

    def test_what_is_wrong_with_a_board_gets_one_line(self):
        self.expect_error(self.with_ssh("echo 'ssh: Could not resolve hostname x' >&2; exit 255"), "board",
                          "board:.batchsweep/results: ssh: Could not resolve hostname x")
        self.expect_error(self.with_ssh("exit 255"), "board", "the connection was lost")
        self.expect_error(self.with_ssh("echo batchsweep-watch; echo here; read a; read b"), "board:x",
                          "board:x: the connection was lost")
        self.expect_error(self.here(), "board:absent", "board:absent: no such folder there")
        self.folder.mkdir()
        self.expect_error(self.here(), "board:results", "board:results/run.json: no such file")
        self.expect_error(os.environ, "absent/folder", "absent/folder: no such folder")
        self.expect_error(dict(os.environ, PATH="/nowhere"), "board", "ssh: No such file")

    def test_a_process_that_is_gone_on_the_board_was_killed(self):
        running(MadeRun().cut_off(32, 1)).write(self.folder)
        gone = subprocess.Popen(["true"])
        gone.wait()
        for process, state in ((gone.pid, "killed"), (os.getpid(), "running")):
            (self.folder / "batchsweep.lock").write_text(f"batchsweep: process {process} on host {platform.node()}\n")
            self.assertRegex(self.watch(self.here(), "board:results")[1], f"\n{state}")

    @unittest.skipUnless(deploy_test.SSHD, "no sshd: `tools/setup.sh tests` installs openssh-server")
    def test_a_board_is_reached_through_a_real_ssh_server(self):
        deploy_test.key(self.root / "login")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        board = deploy_test.Board(self.root, "pi.board")
        self.addCleanup(board.close)
        options = {"IdentityFile": self.root / "login", "IdentitiesOnly": "yes", "BatchMode": "yes",
                   "UserKnownHostsFile": self.root / "known", "StrictHostKeyChecking": "accept-new",
                   "LogLevel": "ERROR", "Hostname": "127.0.0.1", "Port": board.port}
        words = " ".join(f"-o {name}={value}" for name, value in options.items())
        environment = self.with_ssh(f'exec {shutil.which("ssh")} {words} "$@"')
        MadeRun().write(board.home / ".batchsweep/results")
        code, out, errors = self.watch(environment, "pi.board")
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("complete; 2 of 2 cells done", out)


if __name__ == "__main__":
    unittest.main()
