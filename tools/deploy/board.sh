#!/bin/sh
# The board's half of tools/deploy.sh, which puts it into ~/.batchsweep/board.sh.
# Needs a POSIX shell, sha256sum and tar: busybox will do. All it makes stays in
# that folder:
#   .deployed               the mark of a folder that this script made, and the
#                           list of all it put there, a path a line, folders
#                           with a slash at the end
#   bundle/ data/ inputs/   what was copied
#   arguments               of the run that goes on or ended last, one a line
#   pid boot                of that run; boot tells it from later ones of that number
#   log exit_code           what it printed; how it ended, there only then
#   results/ sums           what it recorded; the sums of that once it ended
#   fetched                 there once the results were
#   lock                    there while one tools/deploy.sh changes any of this
# Only what is on the list is ever replaced or removed, and nothing is reached
# through a link, which this script never makes.
set -eu
export LC_ALL=C # what sha256sum and tar say is read

mark='# tools/deploy.sh of batchsweep made this folder, and in it what is listed here'
state_files='.deployed
.deployed.new
arguments
board.sh
board.sh.new
boot
exit_code
exit_code.new
fetched
gone
listed
lock
log
manifest
ours
pid
sums
wanted'

# refuse PATH WHAT: the line that tools/deploy.sh shows in the place of its own.
refuse() {
  printf 'refused: ~/.batchsweep%s there %s\n' "$1" "$2" | tr -d '\000-\011\013-\037\177' >&2
  exit 3
}

# enter: into the folder, if it is one that this script made.
enter() {
  cd
  if [ -L .batchsweep ]; then found='a link'
  elif [ ! -d .batchsweep ]; then found='no folder'
  elif [ -L .batchsweep/.deployed ] || [ ! -f .batchsweep/.deployed ] ||
    [ "$(head -n 1 .batchsweep/.deployed)" != "$mark" ]; then found='a folder that deploy.sh did not make'
  else
    cd .batchsweep
    return
  fi
  refuse '' "is $found: expected nothing of that name, or the folder of an earlier deploy.sh; move it elsewhere"
}

# prepare: makes the folder where there is none. The mark comes first, so that the
# folder can be told whatever happens next.
prepare() {
  cd
  if [ ! -e .batchsweep ] && [ ! -L .batchsweep ]; then
    mkdir .batchsweep
    {
      echo "$mark"
      echo "$state_files"
    } >.batchsweep/.deployed.new
    mv .batchsweep/.deployed.new .batchsweep/.deployed
  fi
  enter
  echo "$state_files" | claim
  echo "$state_files" | check
}

# on_a_link PATH: whether PATH, or a folder on the way to it, is a link.
on_a_link() {
  way=${1%/}
  while [ ! -L "$way" ]; do
    case $way in
      */*) way=${way%/*} ;;
      *) return 1 ;;
    esac
  done
}

there() { [ -e "${1%/}" ] || [ -L "${1%/}" ]; }

# with_folders, paths on stdin: adds the folders that they are in; those come first.
with_folders() {
  sed -n ':up
p
s,[^/]*/*$,,
/./b up' | sort -u
}

# claim, paths on stdin: puts on the list what is about to be made. Ends with a
# line where one of them is there already, made by somebody else.
claim() {
  claims=$(cat)
  fresh=$(printf '%s\n' "$claims" | grep -vxF -f .deployed) || return 0
  printf '%s\n' "$fresh" | while IFS= read -r path; do
    if there "$path"; then
      refuse "/$path" 'was not put there by deploy.sh: expected nothing of that name; move it elsewhere'
    fi
  done
  {
    cat .deployed
    printf '%s\n' "$fresh"
  } >.deployed.new
  mv -f .deployed.new .deployed
}

# check, paths on stdin: ends with a line where one of them is not of the kind that
# was put there, so that writing to it would reach something else.
check() {
  while IFS= read -r path; do
    kind='file'
    [ "${path%/}" = "$path" ] || kind='folder'
    if on_a_link "$path"; then found='a link'
    elif [ -d "${path%/}" ] && [ "$kind" = 'file' ]; then found='a folder'
    elif [ -e "${path%/}" ] && [ ! -d "${path%/}" ] && [ "$kind" = 'folder' ]; then found='a file'
    else continue
    fi
    refuse "/$path" "is $found: expected the $kind that deploy.sh put there; move it elsewhere"
  done
}

# discard, paths on stdin: removes them, folders only when empty, and takes what is
# gone off the list.
discard() {
  sort -r | while IFS= read -r path; do
    if on_a_link "$path"; then continue; fi
    case $path in
      */) rmdir "$path" 2>/dev/null || true ;;
      *) [ ! -f "$path" ] || rm -f "$path" ;;
    esac
    there "$path" || printf '%s\n' "$path"
  done >gone
  [ -s gone ] || return 0
  grep -vxF -f gone .deployed >.deployed.new
  mv -f .deployed.new .deployed
}

# identity PROCESS: the boot and the process's start, because numbers come again.
identity() { echo "$(cat /proc/sys/kernel/random/boot_id) $(cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null)"; }

alive() { [ -e pid ] && [ "$(cat boot)" = "$(identity "$(cat pid)")" ]; }

# take_lock SECONDS: so that one deploy at a time changes things. Waits for so
# long; the lock of a process that is no more is nobody's.
take_lock() {
  waited=0
  # The shell creates a file only if there is none.
  until (set -C && echo "$$ $(identity $$)" >lock) 2>/dev/null; do
    [ -e .deployed ] || refuse '' 'was removed meanwhile: expected one deploy.sh at a time; try again'
    holder=
    { read -r holder since <lock || true; } 2>/dev/null
    if [ -z "$holder" ] && [ "$waited" -gt 2 ]; then # none is just being taken, then
      rm -f lock
    elif [ -n "$holder" ] && [ "$since" != "$(identity "$holder")" ]; then
      rm -f lock
    fi
    [ "$waited" -lt "$1" ] || [ ! -s lock ] ||
      refuse '' "is in use by another deploy.sh (process $holder): expected one at a time; try again when it has ended"
    [ "$waited" -lt 60 ] || refuse /lock 'cannot be written: expected free space; free some in the home folder'
    waited=$((waited + 1))
    sleep 1
  done
  trap 'rm -f lock' EXIT
  trap 'exit 1' HUP INT TERM
}

# hold SECONDS: keeps the lock until stdin ends, with the connection at the latest.
hold() {
  take_lock "$1"
  echo held
  cat >/dev/null
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
# there as they should be, and removes what was put there and is not among them.
changed() {
  cat >manifest
  sed "s,^[^ ]*  \.,$1," manifest | with_folders >listed
  { grep "^$1/." .deployed || true; } | { grep -vxF -f listed || true; } | discard
  claim <listed
  check <listed
  mkdir -p "$1"
  manifest=$PWD/manifest
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
  [ $# -gt 0 ] || drop_results
  echo results/ | claim
  echo results/ | check
  cat >arguments
  rm -f exit_code fetched pid sums
  setsid sh ./board.sh go "$@" </dev/null >log 2>&1 &
  while [ ! -s pid ]; do sleep 0.1 2>/dev/null || sleep 1; done
}

go() {
  trap : TERM # lives on until the program has saved its state
  identity $$ >boot
  echo $$ >pid
  while IFS= read -r argument; do set -- "$@" "$argument"; done <arguments
  code=0
  bundle/batchsweep run "$@" --out results || code=$?
  run_files | while IFS= read -r file; do sha256sum "$file"; done >sums
  echo $code >exit_code.new
  mv exit_code.new exit_code
}

# run_files: what is in results/ by the names that the program gives.
run_files() {
  find results -type f 2>/dev/null | grep -E -e '^results/(weights|checkpoint)[^/]*/.' \
    -e '^results/((steps|epochs|evaluations|summary|counters)\.csv|(run|model)\.json)(\.tmp)?$' \
    -e '^results/(batchsweep\.lock|\.write-probe)$' || true
}

# recorded_files: what the run recorded. Once it has ended, by the sums too: what
# was changed since is somebody's.
recorded_files() {
  if [ -s sums ]; then
    sha256sum -c sums 2>/dev/null | sed -n 's/: OK$//p'
  else
    run_files
  fi
}

# drop_results: makes room for the next run's.
drop_results() {
  grep -qxF results/ .deployed || return 0 # whatever is there, claim sees it
  {
    printf '%s\n' results/ results/weights/ results/checkpoint/
    recorded_files
  } | with_folders >ours
  other=$(find results ! -type d 2>/dev/null | grep -vxF -f ours | head -n 1) || true
  if [ -z "$other" ]; then
    discard <ours
    other=results
    there results || return 0
  fi
  refuse "/$other" 'was not recorded by the last run: expected only what was in results/; move it elsewhere'
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

recorded() { [ ! -L results ] && [ -e results/run.json ]; }

# The results without what only --resume needs. busybox's tar has no --exclude.
fetch() {
  cd results
  for name in *; do
    case $name in
      checkpoint* | batchsweep.lock) ;;
      *) set -- "$@" "$name" ;;
    esac
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

# clean: ends what runs and removes what is on the list. Says what it left.
clean() {
  cd
  there .batchsweep || {
    echo 'there was no ~/.batchsweep'
    return
  }
  enter
  echo "$state_files" | claim
  echo "$state_files" | check
  take_lock 0
  stop
  if grep -qxF results/ .deployed; then
    {
      printf '%s\n' results/ results/weights/ results/checkpoint/
      recorded_files
    } | with_folders | discard
  fi
  echo "$state_files" >listed
  sed 1d .deployed | { grep -vxF -f listed || true; } | discard
  trap - EXIT
  # The mark is the last to go, so that a clean that is cut off can be repeated.
  echo "$state_files" | while IFS= read -r name; do [ "$name" = .deployed ] || rm -f "$name"; done
  left=$(find . ! -name . ! -name .deployed | head -n 1)
  if [ -z "$left" ]; then
    rm .deployed
    cd
    rmdir .batchsweep
    echo 'removed ~/.batchsweep'
  else
    echo "removed all that deploy.sh put into ~/.batchsweep, and left what it did not, like ${left#./}"
  fi
}

case $1 in
  prepare | clean) ;;
  *) enter ;;
esac
"$@"
