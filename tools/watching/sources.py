"""Where a run's files are read while they grow: a folder here, or one on a board by ssh."""

import os
import pathlib
import platform
import subprocess

from batchsweep_results import BadInput

CHUNK_BYTES = 4 << 20  # of one read; more is fetched by further ones
BOARD_FOLDER = ".batchsweep/results"  # where tools/deploy.sh lets a run write

# The board's half: answers `FILE OFFSET` by the file's size, -1 if there is none, and its bytes from there on. They are
# as many as the size says even where the file was cut since: then zeros follow, which are no row. `alive PROCESS` is
# answered by 1 or 0. It needs what tools/deploy/board.sh needs, and takes next to nothing from the run.
SCRIPT = """echo batchsweep-watch
read -r folder
cd "$folder" 2>/dev/null || { echo absent; exit; }
uname -n
while read -r name offset; do
  if [ "$name" = alive ]; then
    if [ -d "/proc/$offset" ]; then echo 1; else echo 0; fi
    continue
  fi
  size=-1
  [ ! -f "$name" ] || size=$(stat -c %%s "$name" 2>/dev/null || wc -c <"$name")
  echo "$size"
  count=$((size - offset))
  [ "$count" -le %d ] || count=%d
  [ "$count" -le 0 ] || { tail -c +$((offset + 1)) "$name"; cat /dev/zero; } 2>/dev/null | head -c "$count"
done""" % (CHUNK_BYTES, CHUNK_BYTES)


class LocalFolder:
    def __init__(self, path):
        self.path, self.host = path, platform.node()

    def __str__(self):
        return str(self.path)

    def read(self, name, offset):
        """(size, bytes from the offset on, at most CHUNK_BYTES); a size of -1 where there is no such file."""
        try:
            with open(self.path / name, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(offset)
                return size, file.read(CHUNK_BYTES)
        except FileNotFoundError:
            return -1, b""
        except OSError as error:
            raise BadInput(self.path / name, error.strerror, "a file of `batchsweep run`") from None

    def is_alive(self, process):
        return pathlib.Path(f"/proc/{process}").is_dir()

    def close(self):
        pass


class BoardFolder:
    """A folder on another host, by one connection that lasts."""

    def __init__(self, host, folder):
        self.name = f"{host}:{folder}"
        # ssh itself would take a host that begins so for an option.
        if host.startswith("-"):
            raise BadInput(host, "begins with a dash", "a folder here, or a host as ssh knows it", "correct it")
        options = ["ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3"]
        command = ["ssh", *(word for option in options for word in ("-o", option)), host, f"exec sh -c '{SCRIPT}'"]
        try:
            self.ssh = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise BadInput("ssh", error.strerror, "OpenSSH", "run `apt-get install openssh-client`") from None
        while self.line() != "batchsweep-watch":  # a login there may say something first
            pass
        self.ask(folder)
        self.host = self.line()
        if self.host == "absent":
            raise BadInput(self.name, "no such folder there", "the --out folder of `batchsweep run`",
                           "name it as HOST:FOLDER, or start the run with tools/deploy.sh")

    def __str__(self):
        return self.name

    def read(self, name, offset):
        self.ask(f"{name} {offset}")
        size = int(self.line())
        count = max(0, min(size - offset, CHUNK_BYTES))
        data = self.ssh.stdout.read(count)
        if len(data) < count:
            self.fail()
        return size, data

    def is_alive(self, process):
        self.ask(f"alive {process}")
        return self.line() == "1"

    def ask(self, text):
        try:
            self.ssh.stdin.write(text.encode() + b"\n")
            self.ssh.stdin.flush()
        except OSError:
            self.fail()

    def line(self):
        line = self.ssh.stdout.readline()
        if not line.endswith(b"\n"):
            self.fail()
        return line.decode("utf-8", "replace").strip()

    def fail(self):
        said = self.ssh.stderr.read().decode("utf-8", "replace").split("\n")
        reason = "".join(char for char in ([line for line in said if line.strip()] or ["the connection was lost"])[-1]
                         if char.isprintable())
        raise BadInput(self.name, reason, "a folder here, or a host that `ssh` logs in to",
                       "correct it, or try again: a run there goes on")

    def close(self):
        self.ssh.kill()
        self.ssh.wait()
        for pipe in (self.ssh.stdin, self.ssh.stdout, self.ssh.stderr):
            try:
                pipe.close()
            except BrokenPipeError:  # of what was still to be sent
                pass


def source_of(text):
    """The folder that the command line names: RESULTS here, HOST or HOST:FOLDER by ssh."""
    host, colon, folder = text.partition(":")
    # A path is none of ssh's names, so it need not be tried.
    if pathlib.Path(text).exists() or "/" in host or not host:
        path = pathlib.Path(text)
        if not path.is_dir():
            raise BadInput(path, "no such folder", "the --out folder of `batchsweep run`, or HOST, or HOST:FOLDER",
                           "run the sweep first or correct the path")
        return LocalFolder(path)
    return BoardFolder(host, folder.removeprefix("~/") or "." if colon else BOARD_FOLDER)
