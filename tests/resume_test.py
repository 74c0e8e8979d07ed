#!/usr/bin/python3
"""Tests that a run goes on to the same bits whatever ended it, or says in one line why not: power cuts and kills at each
operation on files, errors of each system call, flipped bits and lost ends of each file, and two writers at once.
BATCHSWEEP_BUILD names the build whose program runs, BATCHSWEEP_LONG how many times as much each test does (1).

A power cut is played rather than made: strace records what a whole sweep does to its folder, and the folder is put
together again as it may be found after the cut, for each moment of the sweep.
"""

import contextlib
import csv
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("BATCHSWEEP_BUILD", REPOSITORY / "build/x86-64")).resolve() / "batchsweep"
LONG = int(os.environ.get("BATCHSWEEP_LONG", "1"))
# What must not depend on how often a run was interrupted; times do.
TIMELESS = {
    "steps.csv": ("batch_size", "seed", "threads", "process", "epoch", "step", "examples", "loss", "accuracy"),
    "epochs.csv": ("batch_size", "seed", "threads", "process", "epoch", "steps", "train_loss", "val_loss"),
    "evaluations.csv": ("batch_size", "seed", "threads", "process", "step", "epoch", "examples", "val_loss",
                        "subset_loss"),
    "summary.csv": ("batch_size", "seed", "threads", "process", "epochs", "steps", "best_val_loss", "test_loss"),
}
SMALL = ["--data", "synthetic", "--train-limit", "40", "--val-limit", "8", "--batch-sizes", "8,20", "--seeds", "1",
         "--sample-hz", "0", "--val-every", "2", "--target-loss", "0.1", "--target-examples", "30"]
TWO_EPOCHS = [*SMALL, "--epochs", "2"]
CALLS = "openat,pwrite64,ftruncate,fsync,rename,unlink,unlinkat,mkdir"


def run(folder, *arguments, before=()):
    """The finished process, which must not have crashed and, if it refused, said so in one line."""
    process = subprocess.run([*before, PROGRAM, "run", *arguments, "--out", folder], capture_output=True, text=True,
                             timeout=120, check=False)
    assert process.returncode in (0, 1, 2, 130), f"exit code {process.returncode}: {process.stderr}"
    if process.returncode == 1:
        errors = [line for line in process.stderr.splitlines() if line.startswith("batchsweep: ")]
        assert len(errors) == 1 and process.stderr.endswith(errors[0] + "\n"), process.stderr
    return process


def contents(folder):
    """Of a results folder, what must not depend on what happened on the way."""
    found = {path.name: path.read_bytes() for path in (folder / "weights").iterdir()}
    for name, columns in TIMELESS.items():
        with open(folder / name, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert all(None not in row and None not in row.values() for row in rows), f"a torn row in {name}"
        found[name] = sorted(tuple(row[column] for column in columns) for row in rows)
    return found


def go_on(folder, *arguments):
    """What becomes of a folder that was left somehow: resumed where there is a run, begun anew where there is none."""
    begun = (folder / "run.json").exists()
    return run(folder, *arguments, *(["--resume"] if begun else []))


class Scratch(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder = self.scratch / "results"
        self.serial = 0

    def undisturbed(self, *arguments):
        folder = self.scratch / "undisturbed"
        self.assertEqual(run(folder, *arguments).returncode, 0)
        return contents(folder)

    def copy_of(self, folder):
        self.serial += 1
        copy = self.scratch / f"copy{self.serial}"
        shutil.copytree(folder, copy)
        return copy

    def interrupted(self, *arguments):
        """A folder whose run was interrupted within a cell."""
        folder = self.scratch / "interrupted"
        with subprocess.Popen([PROGRAM, "run", *arguments, "--out", folder], stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as process:
            wait_for_rows(folder, 2)
            process.send_signal(signal.SIGINT)
        self.assertEqual(process.returncode, 130)
        return folder


def wait_for_rows(folder, epochs):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if (folder / "epochs.csv").read_bytes().count(b"\n") > epochs:
                return
        time.sleep(0.002)
    raise AssertionError("no rows came")


class Disk:
    """Files as a program sees them, and what of them is sure to outlive a power cut."""

    class File:
        def __init__(self, now=b"", kept=b""):
            self.now, self.kept = bytearray(now), bytes(kept)

    def __init__(self, root):
        self.root = str(root)
        self.now, self.kept = {}, {}  # names within the root, to File, or None for a folder
        for path in sorted(root.rglob("*")) if root.exists() else []:
            bytes_ = path.read_bytes() if path.is_file() else None
            self.now[self.name(str(path))] = None if bytes_ is None else self.File(bytes_, bytes_)
        if root.exists():
            self.now[""] = None
        self.kept = dict(self.now)

    def name(self, path):
        """Absent for what is not in the root."""
        if path == self.root:
            return ""
        return path[len(self.root) + 1:] if path.startswith(self.root + "/") else None

    def make(self, path, flags):
        name = self.name(path)
        if name is None or "O_CREAT" not in flags:
            return False
        made = name not in self.now
        if made:
            self.now[name] = self.File()
        elif "O_TRUNC" in flags:
            self.now[name].now.clear()
        return made or "O_TRUNC" in flags

    def mkdir(self, path):
        name = self.name(path)
        if name is not None:
            self.now[name] = None
        return name is not None

    def write(self, path, text, offset):
        file = self.now.get(self.name(path))
        if file is not None:
            if len(file.now) < offset:
                file.now.extend(bytes(offset - len(file.now)))
            file.now[offset:offset + len(text)] = text
        return file is not None

    def truncate(self, path, size):
        file = self.now.get(self.name(path))
        if file is not None:
            del file.now[size:]
        return file is not None

    def sync(self, path):
        name = self.name(path)
        if name not in self.now and name is not None and name != "":
            return False
        if name is None:
            # The folder that holds the root: its name is sure from now on.
            if path == os.path.dirname(self.root) and "" in self.now:
                self.kept[""] = None
            return True
        if self.now[name] is not None:
            self.now[name].kept = bytes(self.now[name].now)
            return True
        inside = {other for other in {*self.now, *self.kept} if other != "" and os.path.dirname(other) == name}
        for other in inside:
            if other in self.now:
                self.kept[other] = self.now[other]
            else:
                self.kept.pop(other, None)
        return True

    def rename(self, old, new):
        old, new = self.name(old), self.name(new)
        if old is not None and new is not None:
            self.now[new] = self.now.pop(old)
        return old is not None

    def unlink(self, path):
        return self.now.pop(self.name(path), None) is not None

    def left(self, names, kept_contents):
        """What may be found after a cut, by name: bytes, or None for a folder. Names and contents may be those that are
        sure, or those last seen."""
        known = self.kept if names == "kept" else self.now
        found = {}
        for name in sorted(known):
            parents = {str(parent) for parent in pathlib.PurePath(name).parents} - {"."}
            if name != "" and ("" not in known or not parents <= known.keys()):
                continue  # in a folder that is not there
            file = known[name]
            found[name] = None if file is None else file.kept if kept_contents else bytes(file.now)
        return found


def build(folder, found):
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in found.items():
        if text is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(text)


def hex_text(text):
    return bytes.fromhex(text.replace("\\x", ""))


def operations(trace):
    """(call, arguments) of each call that succeeded, in order; arguments are paths and texts, as bytes, and words."""
    begun = {}
    for line in trace.splitlines():
        thread, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest.removesuffix("<unfinished ...>")
            continue
        rest = re.sub(r"^<\.\.\. \w+ resumed>", lambda _: begun.pop(thread, ""), rest)
        match = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", rest, re.DOTALL)
        if match and int(match[3]) >= 0:
            yield match[1], match[2]


def apply(disk, call, arguments):
    """Whether it changed anything, or what is sure of it."""
    def path_of(text):
        return hex_text(text).decode()

    quoted = re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)
    descriptor = re.match(r"\d+<((?:\\x[0-9a-f]{2})*)>", arguments)
    last = arguments.rpartition(", ")[2]
    match call:
        case "openat":
            return disk.make(path_of(quoted[0]), arguments)
        case "pwrite64":
            return disk.write(path_of(descriptor[1]), hex_text(quoted[0]), int(last))
        case "ftruncate":
            return disk.truncate(path_of(descriptor[1]), int(last))
        case "fsync":
            return disk.sync(path_of(descriptor[1]))
        case "rename":
            return disk.rename(path_of(quoted[0]), path_of(quoted[1]))
        case "mkdir":
            return disk.mkdir(path_of(quoted[0]))
        case "unlink":
            return disk.unlink(path_of(quoted[0]))
        case "unlinkat":
            return disk.unlink(path_of(re.search(r"<((?:\\x[0-9a-f]{2})*)>", arguments)[1]) + "/" + path_of(quoted[0]))
    raise AssertionError(f"a call that was not asked for: {call}")


def record(folder, *arguments):
    """The operations of a run on files."""
    if not shutil.which("strace"):
        raise unittest.SkipTest("strace is not installed")
    with tempfile.NamedTemporaryFile(mode="r", encoding="ascii") as trace:
        process = run(folder, *arguments,
                      before=["strace", "-f", "-qq", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}",
                              "-o", trace.name])
        if "ptrace" in process.stderr:
            raise unittest.SkipTest("strace may not trace here")
        assert process.returncode == 0, process.stderr
        return list(operations(trace.read()))


class PowerCuts(Scratch):
    def cut_everywhere(self, start, *arguments):
        """Plays a cut after each operation of a run that begins in the folder `start`; three ways of what is lost."""
        want = self.undisturbed(*arguments)
        if start is not None:
            shutil.copytree(start, self.folder)
        disk = Disk(self.folder)
        kept_folder = self.scratch / "cut"
        resumed = [*arguments, "--resume"] if start is not None else arguments
        calls = record(self.folder, *resumed)
        self.assertEqual(contents(self.folder), want)
        cuts = 0
        seen = []
        for call, words in calls:
            if not apply(disk, call, words):
                continue
            # A kill; a cut that takes all that is not sure; a cut that keeps names and takes contents.
            for names, kept_contents in (("now", False), ("kept", True), ("now", True)):
                found = disk.left(names, kept_contents)
                if found in seen[-6:]:
                    continue
                seen.append(found)
                build(kept_folder, found)
                where = f"after {call} number {cuts}, {names} names, kept contents: {kept_contents}"
                process = go_on(kept_folder, *arguments)
                self.assertEqual(process.returncode, 0, f"{where}: {process.stderr}")
                self.assertEqual(contents(kept_folder), want, where)
            cuts += 1
        # The parts of a small sweep: its start, two cells, its end.
        self.assertGreater(cuts, 60 if start is None else 30)
        print(f"{cuts} operations, {len(seen)} states of the disk")

    def test_a_cut_at_any_moment_of_a_sweep_loses_nothing(self):
        self.cut_everywhere(None, *TWO_EPOCHS)

    def test_a_cut_at_any_moment_of_a_resumed_sweep_loses_nothing(self):
        arguments = [*SMALL, "--epochs", "60"]
        self.cut_everywhere(self.interrupted(*arguments), *arguments)

    def test_a_cut_at_any_moment_of_more_epochs_loses_nothing(self):
        done = self.scratch / "done"
        self.assertEqual(run(done, *SMALL, "--epochs", "1").returncode, 0)
        self.cut_everywhere(done, *TWO_EPOCHS)


class Errors(Scratch):
    def inject(self, fault, *arguments):
        shutil.rmtree(self.folder, ignore_errors=True)
        return subprocess.run(
            ["strace", "-f", "-qq", "-e", f"trace={CALLS},write,flock,clone", "-e", f"inject={fault}", "-o",
             os.devnull, PROGRAM, "run", *arguments, "--out", self.folder],
            capture_output=True, text=True, timeout=120, check=False)

    def test_a_kill_at_any_call_of_the_start_leaves_no_dead_end(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        want = self.undisturbed(*TWO_EPOCHS)
        for number in range(1, 41):
            self.inject(f"{CALLS}:signal=SIGKILL:when={number}", *TWO_EPOCHS)
            process = go_on(self.folder, *TWO_EPOCHS)
            self.assertEqual(process.returncode, 0, f"call {number}: {process.stderr}")
            self.assertEqual(contents(self.folder), want, f"call {number}")

    def test_an_error_of_any_call_is_one_line_and_leaves_no_dead_end(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        want = self.undisturbed(*TWO_EPOCHS)
        failed = 0
        for call, error in (("pwrite64", "ENOSPC"), ("fsync", "EIO"), ("rename", "EIO"), ("ftruncate", "EIO"),
                            ("mkdir", "EACCES"), ("flock", "EAGAIN"), ("clone", "EAGAIN")):
            for number in range(1, 100):
                process = self.inject(f"{call}:error={error}:when={number}", *TWO_EPOCHS)
                where = f"{error} of {call} number {number}"
                if process.returncode == 0:
                    break  # it makes no such call
                failed += 1
                self.assertEqual(process.returncode, 1, f"{where}: {process.stderr}")
                self.assertEqual(process.stderr.count("batchsweep: "), 1, f"{where}: {process.stderr}")
                again = go_on(self.folder, *TWO_EPOCHS)
                self.assertEqual(again.returncode, 0, f"{where}: {again.stderr}")
                self.assertEqual(contents(self.folder), want, where)
        self.assertGreater(failed, 50)
        print(f"{failed} errors")

    def test_an_error_is_kept_in_run_json(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        process = self.inject("pwrite64:error=ENOSPC:when=12", *TWO_EPOCHS)
        self.assertEqual(process.returncode, 1)
        text = (self.folder / "run.json").read_text(encoding="utf-8")
        self.assertIn('"status": "failed"', text)
        self.assertIn("No space left on device", text)


class Damage(Scratch):
    def check_damage(self, source, file, damaged, want, what):
        """Damaged bytes are refused by the file's name, or the older checkpoint leads to the same bits and says so."""
        folder = self.copy_of(source)
        (folder / file).write_bytes(damaged)
        process = run(folder, *self.arguments, "--resume")
        where = f"{file}, {what}: {process.stderr}"
        if process.returncode == 1:
            self.assertIn(file.name, process.stderr, where)
            self.assertNotIn("Traceback", process.stderr)
        else:
            self.assertEqual(process.returncode, 0, where)
            self.assertEqual(contents(folder), want, where)
            # Not silently, unless what was damaged would have been cut off or is no longer needed.
            told = "warning: " in process.stderr or not self.counts(source, file)
            self.assertTrue(told, where)
        shutil.rmtree(folder)

    def counts(self, source, file):
        """Whether a resumed run relies on the file; the older checkpoint only stands by."""
        states = sorted((source / "checkpoint").glob("state-*.json"), key=lambda path: int(path.stem[6:]))
        newest = states[-1].read_text(encoding="utf-8")
        if file.name == "batchsweep.lock":
            return False
        if file.name.startswith("state-"):
            return (source / file) == states[-1]
        if file.name.startswith("tensors-"):
            return f'"tensors_serial": {int(file.stem[8:])},' in newest
        return True

    def damage_all(self, source, places):
        self.arguments = [*SMALL, "--epochs", "60"]
        want = self.undisturbed(*self.arguments)
        files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
        self.assertGreater(len(files), 6)
        chance = random.Random(1)
        done = 0
        for file in files:
            whole = (source / file).read_bytes()
            for _ in range(-(-places // len(files))):
                bit = chance.randrange(8 * len(whole))
                flipped = bytearray(whole)
                flipped[bit // 8] ^= 1 << bit % 8
                self.check_damage(source, file, bytes(flipped), want, f"bit {bit}")
                cut = chance.randrange(len(whole))
                self.check_damage(source, file, whole[:cut], want, f"{cut} bytes left")
                done += 2
        print(f"{done} damages of {len(files)} files")

    def test_damage_of_an_interrupted_run_is_never_taken_silently(self):
        self.damage_all(self.interrupted(*SMALL, "--epochs", "60"), 100 * LONG)

    def test_damage_of_a_finished_run_is_never_taken_silently(self):
        done = self.scratch / "done"
        self.assertEqual(run(done, *SMALL, "--epochs", "60").returncode, 0)
        self.damage_all(done, 100 * LONG)


class Kills(Scratch):
    def test_a_run_that_is_killed_at_random_goes_on_to_the_same_bits(self):
        arguments = [*SMALL, "--epochs", "300", "--seeds", "2"]
        want = self.undisturbed(*arguments)
        chance = random.Random(7)
        kills = 0
        while kills < 40 * LONG:
            shutil.rmtree(self.folder, ignore_errors=True)
            returncode, said = None, ""
            # A child that outlives its parent by a moment has the lock so long.
            while returncode != 0:
                self.assertTrue(returncode is None or "is writing to this folder" in said, said)
                begun = (self.folder / "run.json").exists()
                process = subprocess.Popen([PROGRAM, "run", *arguments, "--out", self.folder,
                                            *(["--resume"] if begun else [])], text=True,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
                try:
                    said = process.communicate(timeout=chance.uniform(0.0, 0.4))[1]
                    returncode = process.returncode
                except subprocess.TimeoutExpired:
                    kills += 1
                    self.kill(process, chance.choice(["parent", "child", "group", "interrupt"]))
                    said = process.communicate(timeout=60)[1]
                    # An interrupt before the program catches any ends it as it ends any other.
                    self.assertIn(process.returncode, (-signal.SIGKILL, -signal.SIGINT, 0, 1, 130), said)
                    returncode = None
            self.assertEqual(contents(self.folder), want)
        print(f"{kills} kills")

    @staticmethod
    def kill(process, whom):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            match whom:
                case "parent":
                    process.kill()
                case "interrupt":
                    process.send_signal(signal.SIGINT)
                case "group":
                    os.killpg(process.pid, signal.SIGKILL)
                case "child":
                    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
                    for child in children.split():
                        os.kill(int(child), signal.SIGKILL)


class TwoWriters(Scratch):
    def test_of_two_writers_one_is_refused_by_the_other_s_number(self):
        arguments = [*SMALL, "--epochs", "400"]
        want = self.undisturbed(*arguments)
        for _ in range(10 * LONG):
            folder = self.copy_of(self.interrupted(*arguments)) if self.serial % 2 else self.scratch / "new"
            more = ["--resume"] if folder.exists() else []
            both = [subprocess.Popen([PROGRAM, "run", *arguments, "--out", folder, *more], text=True,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
            said = [process.communicate(timeout=120)[1] for process in both]
            codes = [process.returncode for process in both]
            self.assertEqual(sorted(codes), [0, 1], said)
            refused = said[codes.index(1)]
            winner = both[codes.index(0)].pid
            self.assertTrue(f"process {winner} on host " in refused or "another process is writing" in refused or
                            "holds a run already" in refused, refused)
            self.assertEqual(contents(folder), want)
            self.serial += 1
            shutil.rmtree(folder)
            shutil.rmtree(self.scratch / "interrupted", ignore_errors=True)

    def test_the_lock_is_kept_from_round_to_round(self):
        arguments = [*SMALL, "--epochs", "100", "--processes", "4"]
        with subprocess.Popen([PROGRAM, "run", *arguments, "--out", self.folder], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            wait_for_rows(self.folder, 1)
            refused = 0
            while process.poll() is None:
                other = run(self.folder, *arguments, "--resume")
                if process.poll() is None:
                    self.assertEqual(other.returncode, 1)
                    refused += f"process {process.pid} on host" in other.stderr
        self.assertEqual(process.returncode, 0)
        self.assertGreater(refused, 2)


class OthersFiles(Scratch):
    def test_what_others_put_there_is_kept_and_named(self):
        for name in ("steps.csv", "summary.csv", "counters.csv", "weights", "checkpoint", "batchsweep.lock",
                     "model.json"):
            folder = self.scratch / f"with {name}"
            folder.mkdir()
            (folder / name).write_text("precious", encoding="ascii")
            process = run(folder, *TWO_EPOCHS)
            self.assertEqual(process.returncode, 1)
            self.assertIn(name, process.stderr)
            self.assertEqual((folder / name).read_text("ascii"), "precious")
            self.assertEqual([path.name for path in folder.iterdir() if path.name != "batchsweep.lock"],
                             [] if name == "batchsweep.lock" else [name])

    def test_results_that_lost_their_run_json_are_kept(self):
        self.assertEqual(run(self.folder, *TWO_EPOCHS).returncode, 0)
        (self.folder / "run.json").unlink()
        before = contents(self.folder)
        for more in ([], ["--resume"]):
            process = run(self.folder, *TWO_EPOCHS, *more)
            self.assertEqual(process.returncode, 1)
            self.assertIn("run.json", process.stderr)
        self.assertEqual(contents(self.folder), before)

    def test_links_are_not_followed(self):
        elsewhere = self.scratch / "elsewhere"
        elsewhere.mkdir()
        for name in ("weights", "checkpoint", "steps.csv", "run.json", "batchsweep.lock"):
            folder = self.scratch / f"linked {name}"
            folder.mkdir()
            (folder / name).symlink_to(elsewhere if "." not in name else elsewhere / "file")
            self.assertEqual(run(folder, *TWO_EPOCHS).returncode, 1)
            self.assertEqual(list(elsewhere.iterdir()), [])
        # Of a run under way too.
        source = self.interrupted(*SMALL, "--epochs", "2000")
        shutil.rmtree(source / "weights", ignore_errors=True)
        (source / "weights").symlink_to(elsewhere)
        process = run(source, *SMALL, "--epochs", "2000", "--resume")
        self.assertEqual(process.returncode, 1)
        self.assertIn("weights is a symbolic link", process.stderr)
        self.assertEqual(list(elsewhere.iterdir()), [])


class OtherRuns(Scratch):
    def refuse(self, folder, word, *arguments):
        process = run(folder, *arguments, "--resume")
        self.assertEqual(process.returncode, 1, process.stderr)
        self.assertIn(word, process.stderr)

    def test_other_data_models_weights_and_settings_are_refused(self):
        import numpy  # pylint: disable=import-outside-toplevel
        data = self.scratch / "data"
        data.mkdir()
        draw = numpy.random.default_rng(1)
        for part, size in (("train", 40), ("test", 10)):
            numpy.save(data / f"x_{part}.npy", draw.random((size, 4), dtype="float32"))
            numpy.save(data / f"y_{part}.npy", draw.integers(0, 3, size).astype("uint8"))
        model = self.scratch / "net.json"
        layer = {"class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "softmax",
                                                   "batch_input_shape": [None, 4]}}
        text = ('{"class_name": "Sequential", "config": {"name": "net", "layers": [' +
                str(layer).replace("'", '"').replace("None", "null") + "]}}")
        model.write_text(text, encoding="ascii")
        arguments = ["--data", data, "--model", model, "--batch-sizes", "8", "--epochs", "2"]
        self.assertEqual(run(self.folder, *arguments).returncode, 0)
        examples = (data / "x_train.npy").read_bytes()
        (data / "x_train.npy").write_bytes(examples[:-1] + bytes([examples[-1] ^ 1]))
        self.refuse(self.folder, "data crc32", *arguments)
        (data / "x_train.npy").write_bytes(examples)
        model.write_text(text + " ", encoding="ascii")
        self.refuse(self.folder, "model crc32", *arguments)
        model.write_text(text, encoding="ascii")
        self.refuse(self.folder, "config batch_sizes", *arguments[:4], "--batch-sizes", "4", "--epochs", "2")
        self.refuse(self.folder, "config epochs", *arguments[:-1], "1")
        self.assertEqual(run(self.folder, *arguments, "--resume").returncode, 0)

    def test_another_program_is_refused_and_gone_on_with_if_told_so(self):
        arguments = [*SMALL, "--epochs", "60"]
        want = self.undisturbed(*arguments)
        folder = self.interrupted(*arguments)
        path = folder / "run.json"
        text = path.read_text(encoding="utf-8")
        other = re.sub(r'"git_revision": "[^"]*"', '"git_revision": "elsewhere"', text)
        path.write_text(sealed(other), encoding="utf-8")
        self.refuse(folder, "git_revision was \"elsewhere\"", *arguments)
        process = run(folder, *arguments, "--resume-anyway")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertIn("resumed though program git_revision", process.stderr)
        self.assertEqual(contents(folder), want)
        self.assertIn("resumed_elsewhere", path.read_text(encoding="utf-8"))


def sealed(text):
    """A run.json with the checksum of what it has now."""
    import zlib  # pylint: disable=import-outside-toplevel
    head, rest = re.match(r'(\{\n  "crc32": ")[0-9a-f]{8}(?=",\n)', text), text[text.index('",\n') + 3:]
    return f'{head[1]}{zlib.crc32(rest.encode()):08x}",\n{rest}'


if __name__ == "__main__":
    unittest.main()
