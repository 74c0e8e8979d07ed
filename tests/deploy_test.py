#!/usr/bin/python3
"""Tests of tools/deploy.sh against real ssh servers on loopback: each board is an
sshd with a port, keys and a home folder of its own."""

import csv
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = REPOSITORY / "tools/deploy.sh"
GUIDE = REPOSITORY / "tools/deploy/README.md"
PRESET = {"x86_64": "x86-64"}.get(platform.machine(), platform.machine())  # that runs on loopback
SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
SHORT = ["--data", "synthetic", "--train-limit", "256", "--batch-sizes", "8,32", "--seeds", "1",
         "--epochs", "2"]


def key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class Board:
    """A loopback host. `wrap` is a command that sshd is started by, `path` where its programs are, behind
    ~/bin."""

    def __init__(self, folder, name, wrap=(), path="$PATH"):
        self.name = name
        self.home = folder / name
        (self.home / "bin").mkdir(parents=True)
        self.config = folder / f"{name}.sshd"
        self.wrap = list(wrap)
        self.log = open(folder / f"{name}.log", "a")
        host_key = key(folder / f"{name}.host_key")
        # Another test may take the port before this sshd does.
        for _ in range(5):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            self.config.write_text(f"""
Port {self.port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {folder}/login.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
ForceCommand cd {self.home} && HOME={self.home} PATH={self.home}/bin:{path} exec sh -c "$SSH_ORIGINAL_COMMAND"
""")
            if self.start():
                return
        raise AssertionError(f"no sshd for {self.name}: {pathlib.Path(self.log.name).read_text()}")

    def start(self):
        """Whether it listens."""
        self.server = subprocess.Popen(self.wrap + [SSHD, "-D", "-e", "-f", self.config],
                                       stderr=self.log)
        for _ in range(200):
            if self.server.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def cut(self, listen=True):
        """Ends all connections; what was started by setsid lives on."""
        children = subprocess.run(["pgrep", "-P", str(self.server.pid)], capture_output=True, text=True)
        if not listen:
            self.server.kill()
            self.server.wait()
        for child in children.stdout.split():
            subprocess.run(["kill", "-KILL", child], capture_output=True)

    def close(self):
        folder = self.home / ".batchsweep"
        if (folder / "pid").exists() and not (folder / "exit_code").exists():
            subprocess.run(["pkill", "-KILL", "-s", (folder / "pid").read_text().strip()])
        self.cut(listen=False)
        self.log.close()


def check_one_line(case, error, pattern):
    """All errors are one line, that says where, what, and what to do."""
    case.assertRegex(error, r"\Adeploy: " + pattern + r"[^\n]*\n\Z")


def everything_in(folder):
    """What is in it: each name with its kind, its time, and what is in the file or where the link leads."""
    found = {}
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        held = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (seen.st_mode, seen.st_mtime_ns, held)
    return found


class WithoutABoardTest(unittest.TestCase):

    def test_bad_command_lines(self):
        for arguments, pattern in [
                ([], "no host: expected"), (["a", "a"], "a is named twice"),
                (["a", "--data"], "--data: expected a value"),
                (["a", "--resume"], "--resume: the same command resumes"),
                (["a", "--model", "my\nmodel.json"], r"[^\n]*my\\nmodel\.json'?: has a line break")]:
            done = subprocess.run([DEPLOY, *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            check_one_line(self, done.stderr, pattern)
        helped = subprocess.run([DEPLOY, "--help"], capture_output=True, text=True)
        self.assertEqual(helped.returncode, 0)
        self.assertIn("tools/deploy.sh pi@raspberrypi\n", helped.stdout)

    def told(self, *facts):
        """The preset and the board by what a board says of itself."""
        with tempfile.TemporaryDirectory() as work:
            (pathlib.Path(work) / "me@x.facts").write_text("\n".join(facts) + "\n")
            found = subprocess.run(
                ["bash", "-c", 'fail() { echo "$1"; exit 1; }; . tools/build.sh; . tools/deploy/host.sh\n'
                 "preset_for_facts me@x; board_in_facts me@x"],
                env=dict(os.environ, work=work), cwd=REPOSITORY, capture_output=True, text=True)
        self.assertEqual(found.stderr, "")
        return found.stdout.splitlines()

    def test_boards_are_told_by_their_device_tree(self):
        for compatible, model, name in [
                ("raspberrypi,2-model-b brcm,bcm2836", "Raspberry Pi 2 Model B Rev 1.1", "pi2"),
                ("raspberrypi,model-zero-2-w brcm,bcm2837", "Raspberry Pi Zero 2 W Rev 1.0", "pi-zero-2w"),
                ("", "Raspberry Pi 3 Model B Plus Rev 1.3", "pi3"),
                ("", "Raspberry Pi Compute Module 4 Rev 1.1", "pi4"),
                ("raspberrypi,400 brcm,bcm2711", "Raspberry Pi 400 Rev 1.0", "pi4"),
                ("", "Raspberry Pi 5 Model B Rev 1.0", "pi5"), ("", "Raspberry Pi 500 Rev 1.0", "pi5"),
                ("nvidia,p3450-0000 nvidia,tegra210", "NVIDIA Jetson Nano Developer Kit", "jetson-nano"),
                ("nvidia,tegra194", "NVIDIA Jetson Xavier NX Developer Kit", "jetson-xavier"),
                ("nvidia,tegra234", "NVIDIA Jetson Orin Nano Developer Kit", "jetson-orin")]:
            preset, board = self.told("64", "aarch64", compatible, model)
            self.assertEqual(preset, "aarch64")
            self.assertTrue(board.endswith(f" ({name})"), board)
        for compatible, model in [("", ""), ("rockchip,rk3588", "Radxa ROCK 5B"), ("", "Orange Pi 3 LTS")]:
            self.assertEqual(self.told("64", "aarch64", compatible, model), ["aarch64"])

    def test_the_bundle_goes_by_the_system_not_by_the_kernel(self):
        for bits, machine, preset in [("64", "x86_64", "x86-64"), ("64", "aarch64", "aarch64"),
                                      ("32", "aarch64", "armv7"), ("32", "armv7l", "armv7"),
                                      ("32", "armv8l", "armv7")]:
            self.assertEqual(self.told(bits, machine, "", ""), [preset])
        for bits, machine in [("32", "armv6l"), ("64", "riscv64"), ("32", "x86_64")]:
            self.assertRegex(self.told(bits, machine, "", "")[0], f"me@x: a {bits}-bit system on {machine}: expected")


@unittest.skipUnless(SSHD, "no sshd: `tools/setup.sh tests` installs openssh-server")
class DeployTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        key(self.folder / "login")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.ssh_config = self.folder / "ssh_config"
        self.ssh_config.write_text(f"""
HostName 127.0.0.1
IdentityFile {self.folder}/login
IdentitiesOnly yes
BatchMode yes
UserKnownHostsFile {self.folder}/known_hosts
StrictHostKeyChecking accept-new
LogLevel ERROR
""")
        self.out = self.folder / "out"
        # In the place of ssh: this configuration, and the user who runs the test.
        (self.folder / "bin").mkdir()
        ssh = self.folder / "bin/ssh"
        ssh.write_text(f"""#!/bin/bash
arguments=()
for argument; do
  case $argument in *@*.board | pi@raspberrypi | nvidia@jetson) argument=${{argument#*@}} ;; esac
  arguments+=("$argument")
done
exec {shutil.which('ssh')} -F {self.ssh_config} "${{arguments[@]}}"
""")
        ssh.chmod(0o755)

    def board(self, name="pi.board", **options):
        board = Board(self.folder, name, **options)
        self.addCleanup(board.close)
        with open(self.ssh_config, "r+") as config:
            rest = config.read()
            config.seek(0)
            config.write(f"Host {name}\nPort {board.port}\nHost *\n" + rest)
        return board

    def command(self, *arguments):
        return [DEPLOY, *arguments, "--out", self.out]

    def environment(self):
        return dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}")

    def deploy(self, *arguments, code=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True,
                              env=self.environment(), timeout=300, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def prepare(self, name="pi.board"):
        """Makes the board's folder, with nothing but the script in it yet."""
        for command in ("sh -s prepare", "cat >.batchsweep/board.sh"):
            with open(REPOSITORY / "tools/deploy/board.sh") as script:
                subprocess.run([self.folder / "bin/ssh", name, command], stdin=script, check=True)

    def check_results(self, name, batch_sizes=(8, 32), steps=(64, 16)):
        results = self.out / name
        with open(results / "summary.csv") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([int(row["batch_size"]) for row in rows], list(batch_sizes))
        if steps:
            self.assertEqual([int(row["steps"]) for row in rows], list(steps))
        self.assertEqual(json.loads((results / "run.json").read_text())["status"], "complete")
        self.assertTrue((results / "loss_curves/batchsize_comparison.png").exists())
        self.assertTrue((results / "report.html").exists())
        self.assertFalse((results / "checkpoint").exists())
        return results

    def wait_for(self, path, seconds=60):
        for _ in range(seconds * 10):
            if path.exists():
                return
            time.sleep(0.1)
        self.fail(f"no {path} after {seconds} s")

    # --- what is copied

    def test_second_run_copies_nothing(self):
        board = self.board()
        first = self.deploy("me@pi.board", *SHORT)
        self.assertRegex(first.stdout, r"(?m)^me@pi\.board: (.*, )?bundle " + PRESET + "$")
        self.assertRegex(first.stdout, r"bundle: copying \d+ files, \d")
        self.assertRegex(first.stdout, r"\[1/2\] batch 8 +epoch 1")
        self.check_results("me@pi.board")
        # Nothing but one folder is left there.
        self.assertEqual(sorted(path.name for path in board.home.iterdir()), [".batchsweep", "bin"])

        before = {path: path.stat().st_ino for path in (board.home / ".batchsweep/bundle").rglob("*")}
        second = self.deploy("me@pi.board", *SHORT)
        self.assertIn("bundle: all there already", second.stdout)
        self.assertNotIn("copying", second.stdout)
        self.assertEqual(
            before, {path: path.stat().st_ino for path in (board.home / ".batchsweep/bundle").rglob("*")})
        self.check_results("me@pi.board")
        kept = [path for path in self.out.iterdir() if re.fullmatch(r"me@pi\.board-\d{8}-\d{6}", path.name)]
        self.assertEqual(len(kept), 1)

        # What differs is copied, and only that; what was copied and is not in the bundle any more goes.
        (board.home / ".batchsweep/bundle/README").write_text("another\n")
        (board.home / ".batchsweep/bundle/earlier").write_text("of an earlier bundle\n")
        with open(board.home / ".batchsweep/.deployed", "a") as listed:
            listed.write("bundle/earlier\n")
        third = self.deploy("me@pi.board", *SHORT)
        self.assertRegex(third.stdout, r"bundle: copying 1 files")
        self.assertIn("for " + PRESET, (board.home / ".batchsweep/bundle/README").read_text())
        self.assertFalse((board.home / ".batchsweep/bundle/earlier").exists())

        cleaned = self.deploy("me@pi.board", "--clean")
        self.assertIn("me@pi.board: removed ~/.batchsweep", cleaned.stdout)
        self.assertEqual([path.name for path in board.home.iterdir()], ["bin"])

    def test_the_commands_of_the_guide(self):
        self.board("raspberrypi")
        self.board("jetson")
        commands = re.findall(r"(?m)^tools/deploy\.sh (\w+@\w+) +#", GUIDE.read_text())[:2]
        self.assertEqual(commands, ["pi@raspberrypi", "nvidia@jetson"])
        for host in commands:
            done = self.deploy(host)
            self.assertRegex(done.stdout, r"fashion-mnist: copying 4 files, \d+MB")
            with open(self.out / host / "summary.csv") as file:
                for row in csv.DictReader(file):
                    self.assertGreater(float(row["test_accuracy"]), 0.8)

    def test_data_models_and_weights_are_carried(self):
        board = self.board()
        self.deploy("me@pi.board", *SHORT)
        weights = next((self.out / "me@pi.board/weights").iterdir())
        model = self.folder / "it's my \"model\" $HOME.json"
        shutil.copy(REPOSITORY / "src/model/zoo/mlp.json", model)
        data = self.folder / "my data"
        shutil.copytree("/usr/share/datasets/fashion-mnist", data)
        (data / "notes.txt").write_text("not data")

        self.deploy("me@pi.board", "--data", data, "--model", model, f"--init={weights}",
                    "--train-limit", "256", "--batch-sizes", "8,32", "--epochs", "2", "--seeds", "1")
        results = self.check_results("me@pi.board")
        with open(results / "epochs.csv") as file:
            self.assertGreater(float(next(csv.DictReader(file))["train_accuracy"]), 0)
        carried = {path.name for path in (board.home / ".batchsweep/data/my_data").iterdir()}
        self.assertEqual(len(carried), 4)
        self.assertNotIn("notes.txt", carried)

    def test_a_board_with_nothing_but_busybox(self):
        debian = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True).stdout.strip()
        roots = REPOSITORY / f"build/roots/busybox-{debian}"
        found = [path for path in (roots / "bin/busybox", roots / "usr/bin/busybox") if path.exists()]
        if not found:
            self.skipTest(f"no {roots}: `tools/setup.sh {debian} tests` makes it")
        board = self.board(path="")
        applets = subprocess.run([found[0], "--list"], capture_output=True, text=True, check=True)
        for applet in applets.stdout.split():
            (board.home / "bin" / applet).symlink_to(found[0])
        first = self.deploy("me@pi.board", *SHORT)
        self.assertIn("bundle: copying", first.stdout)
        self.check_results("me@pi.board")
        self.assertIn("bundle: all there already", self.deploy("me@pi.board", *SHORT).stdout)
        running = self.start_long_run(seconds=60)
        self.deploy("me@pi.board", "--clean")
        self.assertNotEqual(self.end(running)[0], 0)
        self.assertFalse((board.home / ".batchsweep").exists())

    # --- lost connections

    def start_long_run(self, seeds=1, seconds=4):
        """Returns once its first line is shown here; it lasts `seconds` a batch size and seed."""
        self.shown = self.folder / "shown"
        with open(self.shown, "w") as shown:
            running = subprocess.Popen(
                self.command("me@pi.board", "--data", "synthetic", "--batch-sizes", "8,32",
                             "--train-limit", "2000", "--seeds", str(seeds), "--seconds", str(seconds)),
                stdout=shown, stderr=subprocess.PIPE, text=True, env=self.environment())
        for _ in range(1200):
            if "] batch 8 " in self.shown.read_text() or running.poll() is not None:
                break
            time.sleep(0.1)
        return running

    def end(self, running):
        """Returns the exit code and what was printed."""
        error = running.communicate(timeout=120)[1]
        return running.returncode, self.shown.read_text(), error

    def test_connection_cut_in_the_middle(self):
        board = self.board()
        running = self.start_long_run()
        pid = (board.home / ".batchsweep/pid").read_text()
        board.cut()
        code, out, err = self.end(running)
        self.assertEqual((code, err), (0, ""), out)
        self.assertIn("lost the connection; the run goes on there", out)
        self.assertEqual((board.home / ".batchsweep/pid").read_text(), pid)
        self.check_results("me@pi.board", steps=None)
        lines = [line for line in out.splitlines() if re.match(r"\[\d/2\] batch", line)]
        self.assertEqual(len(lines), len(set(lines)), "a line was shown twice")

    def test_the_same_command_re_attaches(self):
        board = self.board()
        running = self.start_long_run()
        pid = (board.home / ".batchsweep/pid").read_text()
        board.cut(listen=False)
        code, out, err = self.end(running)
        self.assertEqual(code, 1, out)
        check_one_line(self, err, r"me@pi\.board: no connection any more: the run goes on there")
        # By now the run has ended there, and waits.
        board.start()
        self.wait_for(board.home / ".batchsweep/exit_code")
        again = self.start_long_run()
        code, out, err = self.end(again)
        self.assertEqual((code, err), (0, ""), out)
        self.assertIn("this run has ended there since", out)
        self.assertEqual((board.home / ".batchsweep/pid").read_text(), pid)
        self.check_results("me@pi.board", steps=None)

    def test_ctrl_c_leaves_the_run_to_go_on(self):
        board = self.board()
        running = self.start_long_run(seeds=2)
        # It waits, however slow the commands are that find it there.
        session = (board.home / ".batchsweep/pid").read_text().strip()
        subprocess.run(["pkill", "-STOP", "-s", session], check=True)
        running.send_signal(signal.SIGINT)
        code, out, err = self.end(running)
        self.assertEqual(code, 130, out)
        check_one_line(self, err, "what runs on a board goes on there; the same command shows the rest")
        self.assertFalse((board.home / ".batchsweep/exit_code").exists())

        other = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, other.stderr, "me@pi.board: a run with other arguments goes on there")

        again = self.start_long_run(seeds=2)
        self.assertIn("this run goes on there already", self.shown.read_text())
        subprocess.run(["pkill", "-CONT", "-s", session], check=True)
        code, out, err = self.end(again)
        self.assertEqual((code, err), (0, ""), out)
        self.check_results("me@pi.board", batch_sizes=(8, 32, 8, 32), steps=None)

    def test_a_run_that_was_killed_is_resumed(self):
        board = self.board()
        running = self.start_long_run()
        session = (board.home / ".batchsweep/pid").read_text().strip()
        subprocess.run(["pkill", "-KILL", "-s", session], check=True)
        code, out, err = self.end(running)
        self.assertEqual(code, 1, out)
        check_one_line(self, err, r"me@pi\.board: the run was killed there")
        again = self.start_long_run()
        code, out, err = self.end(again)
        self.assertEqual((code, err), (0, ""), out)
        self.assertIn("it is resumed", out)
        self.check_results("me@pi.board", steps=None)

    def test_clean_ends_what_runs(self):
        board = self.board()
        running = self.start_long_run(seconds=60)
        pid = int((board.home / ".batchsweep/pid").read_text())
        self.deploy("me@pi.board", "--clean")
        self.assertNotEqual(self.end(running)[0], 0)
        self.assertFalse((board.home / ".batchsweep").exists())
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    # --- what goes wrong

    def test_full_disk(self):
        home = self.folder / "pi.board"
        home.mkdir()
        wrap = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=3m full "$0" && exec "$@"', home]
        if subprocess.run(wrap + ["true"], capture_output=True).returncode != 0:
            self.skipTest("no small file system can be mounted here, which takes root")
        home.rmdir()
        self.board(wrap=wrap)
        done = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, done.stderr, r"me@pi\.board: copying bundle: no space left there")

    def test_a_board_that_there_is_no_build_for(self):
        board = self.board()
        uname = board.home / "bin/uname"
        uname.write_text("#!/bin/sh\necho armv6l\n")
        uname.chmod(0o755)
        done = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, done.stderr, r"me@pi\.board: a 64-bit system on armv6l: expected")

    def test_missing_data_set(self):
        self.board()
        done = self.deploy("me@pi.board", "--data", self.folder / "none", code=1)
        check_one_line(self, done.stderr, rf"--data {self.folder}/none: no folder {self.folder}/none: expected")
        empty = self.folder / "empty"
        empty.mkdir()
        done = self.deploy("me@pi.board", "--data", empty, code=1)
        check_one_line(self, done.stderr, rf"--data {empty}: no data in {empty}: expected")

    def test_errors_of_the_run_itself(self):
        self.board()
        done = self.deploy("me@pi.board", *SHORT, "--model", "nonesuch", code=1)
        self.assertEqual(len(done.stderr), 0)
        self.assertRegex(done.stdout, r"nonesuch[^\n]*\n\Z")

    def test_no_connection(self):
        board = self.board()
        board.cut(listen=False)
        done = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, done.stderr, r"me@pi\.board: cannot log in .*Connection refused.*try `ssh me@pi\.board`")
        board.start()

    # --- what is somebody else's

    def check_untouched(self, board, pattern):
        """A run and --clean are refused, and change nothing that was on the board."""
        before = everything_in(board.home)
        for arguments in (SHORT, ["--clean"]):
            done = self.deploy("me@pi.board", *arguments, code=1)
            check_one_line(self, done.stderr, r"me@pi\.board: " + pattern)
            self.assertEqual(everything_in(board.home), before)

    def test_a_folder_of_that_name_that_it_did_not_make_is_left_as_it_is(self):
        board = self.board()
        place = board.home / ".batchsweep"
        subprocess.run(["git", "init", "-q", place], check=True)
        (place / "results").mkdir()
        (place / "results/steps.csv").write_text("theirs\n")
        (place / "board.sh").write_text("theirs\n")
        what = r"~/\.batchsweep there is a folder that deploy\.sh did not make: expected nothing of that name.*; move"
        self.check_untouched(board, what)
        # A mark that is empty, another's, or a folder or link is none.
        (place / ".deployed").write_text("")
        self.check_untouched(board, what)
        (place / ".deployed").write_text("deployed\n")
        self.check_untouched(board, what)
        (place / ".deployed").unlink()
        (place / ".deployed").mkdir()
        self.check_untouched(board, what)

    def test_a_forged_mark_makes_nothing_its_own(self):
        board = self.board()
        self.prepare()
        mark = (board.home / ".batchsweep/.deployed").read_text().splitlines()[0]
        shutil.rmtree(board.home / ".batchsweep")
        (board.home / ".batchsweep/results").mkdir(parents=True)
        (board.home / ".batchsweep/results/steps.csv").write_text("theirs\n")
        (board.home / ".batchsweep/.deployed").write_text(mark + "\n")
        self.check_untouched(board, r"~/\.batchsweep/\.deployed there was not put there by deploy\.sh")

    def test_a_link_or_a_file_in_the_folder_s_place_is_left_as_it_is(self):
        board = self.board()
        place = board.home / ".batchsweep"
        place.write_text("theirs\n")
        self.check_untouched(board, r"~/\.batchsweep there is no folder: expected")
        place.unlink()
        place.symlink_to("nowhere")
        self.check_untouched(board, r"~/\.batchsweep there is a link: expected")
        place.unlink()
        # Even where it leads to a folder that was made by it once.
        self.prepare()
        place.rename(board.home / "moved")
        (board.home / "moved/theirs").write_text("theirs\n")
        place.symlink_to("moved")
        self.check_untouched(board, r"~/\.batchsweep there is a link: expected")

    def test_what_an_older_version_put_at_batchsweep_is_left_as_it_is(self):
        board = self.board()
        shutil.copytree(REPOSITORY / "tools", board.home / "batchsweep/tools")
        (board.home / "batchsweep/results").mkdir()
        (board.home / "batchsweep/results/run.json").write_text("{}")
        before = everything_in(board.home / "batchsweep")
        self.deploy("me@pi.board", *SHORT)
        self.assertEqual(everything_in(board.home / "batchsweep"), before)
        self.deploy("me@pi.board", "--clean")
        self.assertEqual(everything_in(board.home / "batchsweep"), before)

    def test_files_that_others_put_into_the_folder_stay(self):
        board = self.board()
        place = board.home / ".batchsweep"
        self.deploy("me@pi.board", *SHORT)
        theirs = ["notes", "my results/steps.csv", "bundle/lib/notes", "data/mine.npy", "weights/a", "checkpoint/a"]
        for name in theirs:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text("theirs\n")
        before = {name: seen for name, seen in everything_in(place).items() if name in theirs}
        self.assertEqual(len(before), len(theirs))

        def check():
            now = everything_in(place)
            self.assertEqual({name: now.get(name) for name in theirs}, before)

        self.deploy("me@pi.board", *SHORT)
        check()
        cleaned = self.deploy("me@pi.board", "--clean")
        self.assertRegex(cleaned.stdout, r"removed all that deploy\.sh put into ~/\.batchsweep, and left what it did not, like ")
        check()
        self.assertEqual({name for name in everything_in(place) if not (place / name).is_dir()},
                         {*theirs, ".deployed"})
        # It works there again.
        self.deploy("me@pi.board", *SHORT)
        check()

    def test_results_that_the_run_did_not_record_are_kept(self):
        board = self.board()
        results = board.home / ".batchsweep/results"
        self.deploy("me@pi.board", *SHORT)
        for name, text in [("notes.txt", "theirs\n"), ("summary.csv", "changed by somebody\n")]:
            (results / name).write_text(text)
            before = everything_in(results)
            done = self.deploy("me@pi.board", *SHORT, code=1)
            check_one_line(self, done.stderr, rf"me@pi\.board: ~/\.batchsweep/results/{name} there was not recorded by "
                           "the last run: expected .*; move it elsewhere")
            self.assertEqual(everything_in(results), before)
            if name == "notes.txt":
                (results / name).unlink()
        self.deploy("me@pi.board", "--clean")
        self.assertEqual(list(everything_in(results)), ["summary.csv"])
        self.assertEqual((results / "summary.csv").read_text(), "changed by somebody\n")

    def test_nothing_is_reached_through_links(self):
        board = self.board()
        place = board.home / ".batchsweep"
        self.deploy("me@pi.board", *SHORT)
        # As with a stick for results, and with a library of one's own.
        stick = board.home / "stick"
        stick.mkdir()
        for name in ("results", "bundle"):
            (place / name).rename(stick / name)
            (place / name).symlink_to(stick / name)
        (place / "log").unlink()
        (stick / "log").write_text("theirs\n")
        (place / "log").symlink_to(stick / "log")
        before = everything_in(stick)
        done = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, done.stderr, r"me@pi\.board: ~/\.batchsweep/log there is a link: expected the file")
        (place / "log").unlink()
        done = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, done.stderr, r"me@pi\.board: ~/\.batchsweep/bundle/ there is a link: expected the folder")
        cleaned = self.deploy("me@pi.board", "--clean")
        self.assertIn("left what it did not, like ", cleaned.stdout)
        self.assertEqual(everything_in(stick), before)
        self.assertTrue((place / "results").is_symlink() and (place / "bundle").is_symlink())

    def test_results_here_that_were_not_fetched_are_left_as_they_are(self):
        self.board()
        theirs = self.out / "me@pi.board"
        theirs.mkdir(parents=True)
        (theirs / "run.json").write_text("theirs\n")
        before = everything_in(self.out)
        done = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, done.stderr, rf"me@pi\.board: {theirs} here was not fetched by deploy\.sh: expected .* --out")
        self.assertEqual(everything_in(self.out), before)

    def test_two_deploys_at_once_do_not_mix(self):
        board = self.board()
        self.prepare()
        hold = subprocess.Popen([self.folder / "bin/ssh", "pi.board", "sh .batchsweep/board.sh hold 0"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.assertEqual(hold.stdout.readline(), "held\n")
        before = everything_in(board.home / ".batchsweep")
        for arguments in (SHORT, ["--clean"]):
            done = self.deploy("me@pi.board", *arguments, code=1)
            check_one_line(self, done.stderr, r"me@pi\.board: ~/\.batchsweep there is in use by another deploy\.sh \(process \d+\)")
            self.assertEqual(set(everything_in(board.home / ".batchsweep")), set(before))
        hold.stdin.close()
        hold.wait()
        hold.stdout.close()
        # A lock whose holder is no more is nobody's.
        (board.home / ".batchsweep/lock").write_text("1 0 0\n")
        self.deploy("me@pi.board", *SHORT)

    # --- several boards

    def test_two_boards_side_by_side(self):
        self.board("a.board")
        self.board("b.board")
        done = self.deploy("me@a.board", "me@b.board", *SHORT)
        for name in ("me@a.board", "me@b.board"):
            self.check_results(name)
            self.assertRegex(done.stdout, rf"(?m)^{name}  \[1/2\] batch 8 +epoch 1")
        self.assertTrue((self.out / "boards.png").exists())
        self.assertIn("The boards side by side", (self.out / "report.html").read_text(encoding="utf-8"))
        with open(self.out / "boards.csv") as file:
            boards = {row["board"] for row in csv.DictReader(file)}
        self.assertEqual(len(boards), 2)

    def test_one_board_of_two_fails(self):
        self.board("a.board")
        broken = self.board("b.board")
        self.prepare("b.board")
        (broken.home / ".batchsweep/bundle").write_text("a file in the way")
        done = self.deploy("me@a.board", "me@b.board", *SHORT, code=1)
        check_one_line(self, done.stderr, r"me@b\.board: ~/\.batchsweep/bundle/ there was not put there by deploy\.sh")
        self.check_results("me@a.board")


if __name__ == "__main__":
    unittest.main(verbosity=2)
