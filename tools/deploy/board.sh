#!/bin/sh
# The board's half of tools/deploy.sh, which puts it into ~/batchsweep/board.sh.
# Needs a POSIX shell, sha256sum and tar: busybox will do. All it makes stays in
# its own folder:
#   bundle/ data/ inputs/   what was copied
#   arguments               of the run that goes on or ended last, one a line
#   pid boot                of that run; the boot, because numbers come again
#   log exit_code           what it printed; how it ended, there only then
#   results/                what it recorded
#   fetched                 there once the results were
set -eu
cd "$(dirname "$0")"
export LC_ALL=C # what sha256sum and tar say is read

boot_id() { cat /proc/sys/kernel/random/boot_id; }

alive() {
  [ -e pid ] && [ "$(cat boot)" = "$(boot_id)" ] && kill -0 "$(cat pid)" 2>/dev/null
}

# One line each: bits, machine, and the device tree's compatible and model.
facts() {
  getconf LONG_BIT 2>/dev/null || case $(uname -m) in *64*) echo 64 ;; *) echo 32 ;; esac
  uname -m
  for name in compatible model; do
    tr '\0' ' ' 2>/dev/null </proc/device-tree/$name || true
    echo
  done
}

# changed FOLDER, its files' sha256 sums on stdin: prints those that are not
# there as they should be, and removes what is not listed.
changed() {
  mkdir -p "$1"
  manifest=$PWD/manifest
  cat >"$manifest"
  sed 's/^[^ ]*  //' "$manifest" >listed
  (cd "$1" && find . -type f) | while IFS= read -r file; do
    grep -qxF -e "$file" listed || rm -f "$1/$file"
  done
  (cd "$1" && sha256sum -c "$manifest" 2>/dev/null) | sed -n 's/: FAILED.*//p'
}

# unpack FOLDER: a tar archive on stdin. Without its times, which a board
# without a clock takes for the future.
unpack() { tar -C "$1" -xzmf -; }

# state, wanted arguments on stdin: none, running, ended or died, and same or
# other by its arguments. A run that was fetched is none any more.
state() {
  cat >wanted
  whose=other
  if cmp -s wanted arguments; then whose=same; fi
  if [ ! -e pid ] || [ -e fetched ]; then echo none
  elif [ -e exit_code ]; then echo "ended $whose"
  elif alive; then echo "running $whose"
  else echo "died $whose"
  fi
}

# start [--resume], arguments on stdin. The run does not end with the connection.
start() {
  cat >arguments
  rm -f exit_code fetched pid
  [ $# -gt 0 ] || rm -rf results
  boot_id >boot
  setsid sh ./board.sh go "$@" </dev/null >log 2>&1 &
  while [ ! -s pid ]; do sleep 0.1 2>/dev/null || sleep 1; done
}

go() {
  echo $$ >pid
  while IFS= read -r argument; do set -- "$@" "$argument"; done <arguments
  code=0
  bundle/batchsweep run "$@" --out results || code=$?
  echo $code >exit_code.new
  mv exit_code.new exit_code
}

# follow LINES: what the run prints after so many lines, until it ends. Reading
# with the shell alone takes next to nothing from the run.
follow() {
  exec 3<log
  skip=$1
  while :; do
    ended=
    if [ -e exit_code ] || ! alive; then ended=yes; fi
    while IFS= read -r line <&3; do
      if [ "$skip" -gt 0 ]; then skip=$((skip - 1)); else printf '%s\n' "$line"; fi
    done
    [ -z "$ended" ] || break
    sleep 1
  done
}

# Nothing where the run did not live to tell.
exit_code() { cat exit_code 2>/dev/null || true; }

recorded() { [ -e results/run.json ]; }

# The results without what only --resume needs. busybox's tar has no --exclude.
fetch() {
  cd results
  for name in *; do
    [ "$name" = checkpoint ] || set -- "$@" "$name"
  done
  tar -czf - "$@"
}

fetched() { : >fetched; }

stop() {
  if alive; then
    kill -TERM "-$(cat pid)"
    while alive; do sleep 1; done
  fi
}

"$@"
