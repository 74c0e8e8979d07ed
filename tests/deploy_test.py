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
SHORT = ["--data", "synthetic", "--train-limit", "256", "--batch-sizes", "8,32", "--epochs", "2"]


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
        folder = self.home / "batchsweep"
        if (folder / "pid").exists() and not (folder / "exit_code").exists():
            subprocess.run(["pkill", "-KILL", "-s", (folder / "pid").read_text().strip()])
        self.cut(listen=False)
        self.log.close()


def check_one_line(case, error, pattern):
    """All errors are one line, that says where, what, and what to do."""
    case.assertRegex(error, r"\Adeploy: " + pattern + r"[^\n]*\n\Z")


class WithoutABoardTest(unittest.TestCase):

    def test_bad_command_lines(self):
        for arguments, pattern in [
                ([], "no host: expected"), (["a", "a"], "a is named twice"),
                (["a", "--data"], "--data: expected a value"),
                (["a", "--resume"], "--resume: the same command resumes")]:
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

    def check_results(self, name, batch_sizes=(8, 32), steps=(64, 16)):
        results = self.out / name
        with open(results / "summary.csv") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([int(row["batch_size"]) for row in rows], list(batch_sizes))
        if steps:
            self.assertEqual([int(row["steps"]) for row in rows], list(steps))
        self.assertEqual(json.loads((results / "run.json").read_text())["status"], "complete")
        self.assertTrue((results / "loss_curves/batchsize_comparison.png").exists())
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
        self.assertEqual(sorted(path.name for path in board.home.iterdir()), ["batchsweep", "bin"])

        before = {path: path.stat().st_ino for path in (board.home / "batchsweep/bundle").rglob("*")}
        second = self.deploy("me@pi.board", *SHORT)
        self.assertIn("bundle: all there already", second.stdout)
        self.assertNotIn("copying", second.stdout)
        self.assertEqual(
            before, {path: path.stat().st_ino for path in (board.home / "batchsweep/bundle").rglob("*")})
        self.check_results("me@pi.board")
        kept = [path for path in self.out.iterdir() if re.fullmatch(r"me@pi\.board-\d{8}-\d{6}", path.name)]
        self.assertEqual(len(kept), 1)

        # What differs is copied, and only that; what does not belong goes.
        (board.home / "batchsweep/bundle/README").write_text("another\n")
        (board.home / "batchsweep/bundle/stray").write_text("not in the bundle\n")
        third = self.deploy("me@pi.board", *SHORT)
        self.assertRegex(third.stdout, r"bundle: copying 1 files")
        self.assertIn("for " + PRESET, (board.home / "batchsweep/bundle/README").read_text())
        self.assertFalse((board.home / "batchsweep/bundle/stray").exists())

        cleaned = self.deploy("me@pi.board", "--clean")
        self.assertIn("me@pi.board: removed ~/batchsweep", cleaned.stdout)
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
        model = self.folder / "my model.json"
        shutil.copy(REPOSITORY / "src/model/zoo/mlp.json", model)
        data = self.folder / "my data"
        shutil.copytree("/usr/share/datasets/fashion-mnist", data)
        (data / "notes.txt").write_text("not data")

        self.deploy("me@pi.board", "--data", data, "--model", model, f"--init={weights}",
                    "--train-limit", "256", "--batch-sizes", "8,32", "--epochs", "2")
        results = self.check_results("me@pi.board")
        with open(results / "epochs.csv") as file:
            self.assertGreater(float(next(csv.DictReader(file))["train_accuracy"]), 0)
        carried = {path.name for path in (board.home / "batchsweep/data/my_data").iterdir()}
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
        self.assertFalse((board.home / "batchsweep").exists())

    # --- lost connections

    def start_long_run(self, *arguments, seconds=4):
        """Returns once its first line is shown here; it lasts `seconds` a batch size and seed."""
        self.shown = self.folder / "shown"
        with open(self.shown, "w") as shown:
            running = subprocess.Popen(
                self.command("me@pi.board", "--data", "synthetic", "--batch-sizes", "8,32",
                             "--train-limit", "2000", "--seconds", str(seconds), *arguments),
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
        pid = (board.home / "batchsweep/pid").read_text()
        board.cut()
        code, out, err = self.end(running)
        self.assertEqual((code, err), (0, ""), out)
        self.assertIn("lost the connection; the run goes on there", out)
        self.assertEqual((board.home / "batchsweep/pid").read_text(), pid)
        self.check_results("me@pi.board", steps=None)
        lines = [line for line in out.splitlines() if re.match(r"\[\d/2\] batch", line)]
        self.assertEqual(len(lines), len(set(lines)), "a line was shown twice")

    def test_the_same_command_re_attaches(self):
        board = self.board()
        running = self.start_long_run()
        pid = (board.home / "batchsweep/pid").read_text()
        board.cut(listen=False)
        code, out, err = self.end(running)
        self.assertEqual(code, 1, out)
        check_one_line(self, err, r"me@pi\.board: no connection any more: the run goes on there")
        # By now the run has ended there, and waits.
        board.start()
        self.wait_for(board.home / "batchsweep/exit_code")
        again = self.start_long_run()
        code, out, err = self.end(again)
        self.assertEqual((code, err), (0, ""), out)
        self.assertIn("this run has ended there since", out)
        self.assertEqual((board.home / "batchsweep/pid").read_text(), pid)
        self.check_results("me@pi.board", steps=None)

    def test_ctrl_c_leaves_the_run_to_go_on(self):
        board = self.board()
        running = self.start_long_run("--seeds", "2")
        # It waits, however slow the commands are that find it there.
        session = (board.home / "batchsweep/pid").read_text().strip()
        subprocess.run(["pkill", "-STOP", "-s", session], check=True)
        running.send_signal(signal.SIGINT)
        code, out, err = self.end(running)
        self.assertEqual(code, 130, out)
        check_one_line(self, err, "what runs on a board goes on there; the same command shows the rest")
        self.assertFalse((board.home / "batchsweep/exit_code").exists())

        other = self.deploy("me@pi.board", *SHORT, code=1)
        check_one_line(self, other.stderr, "me@pi.board: a run with other arguments goes on there")

        again = self.start_long_run("--seeds", "2")
        self.assertIn("this run goes on there already", self.shown.read_text())
        subprocess.run(["pkill", "-CONT", "-s", session], check=True)
        code, out, err = self.end(again)
        self.assertEqual((code, err), (0, ""), out)
        self.check_results("me@pi.board", batch_sizes=(8, 32, 8, 32), steps=None)

    def test_a_run_that_was_killed_is_resumed(self):
        board = self.board()
        running = self.start_long_run()
        session = (board.home / "batchsweep/pid").read_text().strip()
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
        pid = int((board.home / "batchsweep/pid").read_text())
        self.deploy("me@pi.board", "--clean")
        self.assertNotEqual(self.end(running)[0], 0)
        self.assertFalse((board.home / "batchsweep").exists())
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

    # --- several boards

    def test_two_boards_side_by_side(self):
        self.board("a.board")
        self.board("b.board")
        done = self.deploy("me@a.board", "me@b.board", *SHORT)
        for name in ("me@a.board", "me@b.board"):
            self.check_results(name)
            self.assertRegex(done.stdout, rf"(?m)^{name}  \[1/2\] batch 8 +epoch 1")
        self.assertTrue((self.out / "boards.png").exists())
        with open(self.out / "boards.csv") as file:
            boards = {row["board"] for row in csv.DictReader(file)}
        self.assertEqual(len(boards), 2)

    def test_one_board_of_two_fails(self):
        self.board("a.board")
        broken = self.board("b.board")
        (broken.home / "batchsweep").mkdir()
        (broken.home / "batchsweep/bundle").write_text("a file in the way")
        done = self.deploy("me@a.board", "me@b.board", *SHORT, code=1)
        check_one_line(self, done.stderr, r"me@b\.board: copying bundle: ")
        self.check_results("me@a.board")


if __name__ == "__main__":
    unittest.main(verbosity=2)
