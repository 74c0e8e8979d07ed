#!/usr/bin/python3
"""Checks a bundle where boards are: file systems without our libraries.

  BATCHSWEEP_BUILD=build/x86-64 bundle_test.py [unittest's arguments]

The build folder has the bundle in it, which `cpack` makes there.
The root file systems come from `tools/setup.sh ... tests`; what needs one is
skipped where there is none. Programs of another architecture run under qemu.
"""

import errno
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

try:
    import seccomp
except ImportError:
    seccomp = None

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ["BATCHSWEEP_BUILD"]).resolve()
MOST_BYTES = 15 * 2**20
# By the loader's name: what `uname -m` says, Debian's name, and the emulator.
ARCHITECTURES = {"ld-linux-x86-64.so.2": ("x86_64", "amd64", "qemu-x86_64"),
                 "ld-linux-aarch64.so.1": ("aarch64", "arm64", "qemu-aarch64"),
                 "ld-linux-armhf.so.3": ("armv7l", "armhf", "qemu-arm")}
# As somebody who owns nothing there.
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
SWEEP = ("run --data synthetic --train-limit 64 --val-limit 16 --epochs 1 --seeds 1 "
         "--batch-sizes 8 --out /tmp/results").split()


def refuse_statx():
    """proot 5.1 leaves statx, by which 32-bit programs look at files, to the file system outside of its root.
    Where it is missing, qemu takes another."""
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.ALLOW)  # proot calls number -1 for "skip this"
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "statx")
    rules.load()


class BundleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.archive = BUILD / f"batchsweep-{BUILD.name}.tar.gz"
        if not cls.archive.exists():
            raise AssertionError(f"no {cls.archive}: run cpack in {BUILD}")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        # Others may look into it, so that "nobody" can run what is there.
        os.chmod(cls.folder.name, 0o755)
        with tarfile.open(cls.archive) as archive:
            archive.extractall(cls.folder.name)
        cls.bundle = pathlib.Path(cls.folder.name) / f"batchsweep-{BUILD.name}"
        cls.loader = next(cls.bundle.glob("lib/ld-linux*")).name
        machine, cls.debian, cls.emulator = ARCHITECTURES[cls.loader]
        cls.foreign = machine != platform.machine()

    def test_is_small_and_has_one_folder(self):
        self.assertLess(self.archive.stat().st_size, MOST_BYTES)
        self.assertEqual([path.name for path in pathlib.Path(self.folder.name).iterdir()],
                         [self.bundle.name])

    def test_an_install_keeps_to_its_folders(self):
        prefix = self.new_root()
        done = subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        names = {str(path.relative_to(prefix)) for top in prefix.iterdir() for path in (top, *top.iterdir())}
        self.assertEqual(names, {"bin", "bin/batchsweep", "lib", "lib/batchsweep", "share", "share/batchsweep"})
        self.assertEqual({path.name for path in (prefix / "share/batchsweep").iterdir()}, {"licences", "models"})
        self.assertEqual([path.name for path in prefix.rglob("*tests*")], [])
        link = self.new_root() / "batchsweep"
        link.symlink_to(prefix / "bin/batchsweep")
        self.assertTrue(link.exists())
        if not self.foreign:
            listed = subprocess.run([link, "models"], capture_output=True, text=True, check=True, cwd="/").stdout
            self.assertIn("resnet8", listed)

    def test_names_no_folder_of_the_build_machine(self):
        wanted = str(REPOSITORY).encode()
        for path in self.bundle.rglob("*"):
            if path.is_file():
                self.assertNotIn(wanted, path.read_bytes(), path)

    def test_has_the_licence_of_each_library(self):
        licences = {path.name for path in (self.bundle / "licences").iterdir()}
        owners = {"libc": "libc6", "libm": "libc6", "ld-linux": "libc6", "libgcc_s": "gcc-14-base",
                  "libstdc++": "gcc-14-base", "libz": "zlib1g", "libcpuinfo": "libcpuinfo0",
                  "libpthreadpool": "libpthreadpool0", "libXNNPACK": "libxnnpack0.20241108"}
        for library in (self.bundle / "lib").iterdir():
            name = re.match(r"ld-linux|[^.]*", library.name)[0]
            self.assertIn(owners[name], licences)
        # The texts that those of the libraries refer to.
        self.assertLessEqual({"Apache-2.0", "GPL-3", "LGPL-2.1", "batchsweep"}, licences)

    def test_the_loader_lists_nothing_from_outside(self):
        emulator = [self.emulator] if self.foreign else []
        for program in ("batchsweep", "batchsweep_tests"):
            listed = subprocess.run(
                emulator + [self.bundle / "lib" / self.loader, "--inhibit-cache", "--library-path",
                            self.bundle / "lib", "--list", self.bundle / "bin" / program],
                capture_output=True, text=True, check=True).stdout
            paths = re.findall(r"=> (\S+)", listed)
            self.assertGreater(len(paths), 7, listed)
            for path in paths:
                self.assertTrue(path.startswith(str(self.bundle)), listed)

    def test_opens_no_library_from_outside(self):
        arguments = ["models"]
        if self.foreign:
            # The launcher is a shell's; the emulator shows what it starts.
            command = [self.emulator, "-strace", self.bundle / "lib" / self.loader, "--inhibit-cache",
                       "--library-path", self.bundle / "lib", self.bundle / "bin" / "batchsweep", *arguments]
        else:
            if not shutil.which("strace"):
                self.skipTest("no strace: tools/setup.sh amd64 tests installs it")
            command = ["strace", "-f", "-e", "trace=open,openat,execve", self.bundle / "batchsweep", *arguments]
        traced = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stderr
        if not self.foreign:  # from where the launcher hands over
            traced = traced[traced.index(f'execve("{self.bundle}/lib/'):]
        opened = re.findall(r'open(?:at)?\([^"]*"([^"]*\.so[^"]*)"[^\n]*= (?!-)\d', traced)
        self.assertGreater(len(opened), 7, traced)
        for path in opened:
            self.assertTrue(path.startswith(str(self.bundle)), path)

    def test_checks_the_board_and_fails_where_a_check_does(self):
        if self.foreign:
            self.skipTest("takes minutes under emulation")
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.txt"
            check = [self.bundle / "board_check.sh", report]
            passed = subprocess.run(check, capture_output=True, text=True)
            self.assertEqual(passed.returncode, 0, passed.stdout + passed.stderr)
            self.assertEqual(passed.stdout.count(" ok "), 7)
            self.assertRegex(passed.stdout, r"us a step; [^\n]*\n(?:.*\n){3,6}cnn +128 +\d+")
            # A curve that training does not follow.
            curve = self.bundle / "test-data/curves/lenet5_b8.csv"
            kept = curve.read_text()
            self.addCleanup(curve.write_text, kept)
            curve.write_text(kept.replace(",2.", ",3."))
            failed = subprocess.run(check, capture_output=True, text=True)
            self.assertEqual(failed.returncode, 1)
            self.assertRegex(failed.stdout, r"loss curves of float64 training +FAIL")
            self.assertIn("lenet5 by Adam, step 1", report.read_text())

    def test_runs_with_nothing_but_busybox(self):
        source = self.root("busybox")
        root = self.new_root()
        (root / "bin").mkdir()
        busybox = next(path for path in (source / "bin/busybox", source / "usr/bin/busybox") if path.exists())
        shutil.copy(busybox, root / "bin")
        for name in ("sh", "dirname", "readlink", "cat", "mktemp", "date", "uname", "tr", "tee", "rm"):
            (root / "bin" / name).symlink_to("busybox")
        self.check_runs_in(root)
        checked = self.start(root, "/batchsweep/board_check.sh", "--help")
        self.assertIn("board_check.sh [REPORT]", checked.stdout + checked.stderr)

    def test_runs_in_debian_11(self):
        self.check_runs_in_debian("debian-11")

    def test_runs_in_debian_12(self):
        self.check_runs_in_debian("debian-12")

    def check_runs_in_debian(self, name):
        root = self.new_root()
        shutil.copytree(self.root(name), root, symlinks=True, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("dev", "proc", "doc", "locale", "info", "apt"))
        if not (root / "bin/sh").exists():
            (root / "bin/sh").symlink_to("dash")
        self.check_runs_in(root)

    def root(self, name):
        if not shutil.which("proot") or seccomp is None:
            self.skipTest("no proot or seccomp: `tools/setup.sh ARCHITECTURE tests` installs them")
        folder = REPOSITORY / "build/roots" / f"{name}-{self.debian}"
        if not folder.exists():
            self.skipTest(f"no {folder}: `tools/setup.sh {self.debian} tests` makes it")
        return folder

    def new_root(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        os.chmod(root, 0o755)
        return root

    def check_runs_in(self, root):
        """As any user, from any folder, by a link, with the bundle read-only."""
        for name in ("proc", "sys", "dev", "tmp"):
            (root / name).mkdir(exist_ok=True)
        os.chmod(root / "tmp", 0o1777)
        shutil.copytree(self.bundle, root / "batchsweep")
        subprocess.run(["chmod", "-R", "a-w", root / "batchsweep"], check=True)
        self.addCleanup(subprocess.run, ["chmod", "-R", "u+w", root / "batchsweep"])
        (root / "tmp/linked").symlink_to("/batchsweep/batchsweep")

        swept = self.start(root, "/tmp/linked", *SWEEP)
        self.assertEqual(swept.returncode, 0, swept.stderr)
        self.assertRegex(swept.stdout, r"\n +8 ")
        rows = (root / "tmp/results/steps.csv").read_text().splitlines()
        self.assertEqual(len(rows), 9)

        refused = self.start(root, "/batchsweep/batchsweep", *SWEEP)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("/tmp/results", refused.stderr)

    def start(self, root, program, *arguments):
        command = ["proot", "-r", root, "-b", "/proc", "-b", "/sys", "-b", "/dev", "-w", "/tmp"]
        if self.foreign:
            command[1:1] = ["-q", self.emulator]
        if os.geteuid() == 0:
            command[:0] = NOBODY
        return subprocess.run(command + [program, *arguments], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"},
                              preexec_fn=refuse_statx if self.debian == "armhf" else None)


if __name__ == "__main__":
    unittest.main(verbosity=2)
