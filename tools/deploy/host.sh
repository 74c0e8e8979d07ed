# shellcheck shell=bash
# For sourcing by tools/deploy.sh: what is done with one board. Each function
# takes the host as ssh knows it. $work is a folder for temporary files, with
# `arguments` of `batchsweep run`, one a line, `inputs/`, which they name,
# `bundle-PRESET/` and `going` until Ctrl-C. data_files lists the files of $data_folder that go to
# $data_target, if any.
# shellcheck disable=SC2154  # set there

# One connection a host, so that a password is asked for once.
ssh_options=(-o ControlMaster=auto -o "ControlPath=$work/%C" -o ControlPersist=yes
  -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3)
# shellcheck disable=SC2029  # expanded here on purpose
on_host() { ssh "${ssh_options[@]}" "$1" "$2"; }

# board HOST COMMAND [WORD...]: of tools/deploy/board.sh; plain words only.
board() { on_host "$1" "sh .batchsweep/board.sh ${*:2}"; }

# board_before HOST COMMAND: the same where the script is not there yet.
board_before() { on_host "$1" "sh -s $2" <tools/deploy/board.sh; }

disconnect() { ssh "${ssh_options[@]}" -O exit "$1" 2>/dev/null || true; }

# A name for files that belong to the host: user@board, with no slash or colon.
file_name() { printf '%s' "$1" | tr -c 'A-Za-z0-9@._-' _; }

# refuse HOST WHAT SAID TODO: the one line for a command there that failed; SAID
# is the file with what it said. The board's own line stands for itself.
refuse() {
  local own
  own=$(sed -n 's/^refused: //p' "$3" 2>/dev/null | head -n 1)
  [ -z "$own" ] || fail "$1: $own"
  if grep -q 'No space left' "$3" 2>/dev/null; then
    fail "$1: $2: no space left there; free some in the home folder's file system ($4)"
  fi
  local reason
  reason=$(tail -n 1 "$3" | tr -d '\r' | cut -c 1-200)
  fail "$1: $2: ${reason:-the connection was lost}; $4"
}

connect() {
  local said=$work/connect
  {
    board_before "$1" prepare &&
      on_host "$1" 'cd .batchsweep && cat >board.sh.new && mv -f board.sh.new board.sh' <tools/deploy/board.sh
  } 2>"$said" || refuse "$1" 'cannot log in and write to ~/.batchsweep' "$said" "try \`ssh $1\`"
}

# clean HOST: ends what runs there and removes what was put there.
clean() {
  local said=$work/connect left
  left=$(board_before "$1" clean 2>"$said") ||
    refuse "$1" 'cannot log in and remove ~/.batchsweep' "$said" "try \`ssh $1\`"
  echo "$1: $left"
}

# take HOST SECONDS: the sole right to change what is there, from what else waits
# for so long, until \`release\` or the end of this process.
take() {
  local name
  name=$work/$(file_name "$1").hold
  rm -f "$name"
  mkfifo "$name"
  board "$1" hold "$2" <"$name" >"$name.held" 2>"$name.said" &
  holder=$!
  exec {held}>"$name"
  until [ -s "$name.held" ]; do
    if ! kill -0 "$holder" 2>/dev/null; then
      exec {held}>&-
      refuse "$1" 'working in ~/.batchsweep' "$name.said" 'try again'
    fi
    sleep 0.05
  done
}

release() {
  exec {held}>&-
  wait "$holder" || true
}

# ask HOST: keeps what the board says of itself for the next two.
ask() {
  board "$1" facts >"$work/$(file_name "$1").facts" 2>/dev/null || fail "$1: the connection was lost; try again"
}

# preset_for_facts HOST: the preset whose bundle runs there. A 32-bit system
# often has a 64-bit kernel.
preset_for_facts() {
  local bits machine
  { read -r bits && read -r machine; } <"$work/$(file_name "$1").facts"
  case $bits-$machine in
    64-x86_64 | 64-aarch64 | 32-armv7l | 32-armv8l) preset_of "$machine" ;;
    32-aarch64) preset_of armhf ;;
    *) fail "$1: a $bits-bit system on $machine: expected x86-64, 64-bit Arm, or 32-bit Arm with NEON; there is no build for it" ;;
  esac
}

# board_in_facts HOST: what the board is by tools/boards.txt; nothing if it is
# not there.
board_in_facts() {
  local said name pattern what
  said=$(sed 1,2d "$work/$(file_name "$1").facts")
  while read -r name _ _ _ _ pattern what; do
    if [[ $name != '#'* && $said =~ $pattern ]]; then
      echo "$what ($name)"
      return
    fi
  done <tools/boards.txt
}

# copy HOST FOLDER TARGET, files of FOLDER on stdin: those that are not there yet.
copy() {
  local host=$1 folder=$2 target=$3 what here size
  what=$(basename "$target")
  here=$work/$(file_name "$host-$target")
  (cd "$folder" && tr '\n' '\0' | xargs -0r sha256sum) >"$here.manifest"
  board "$host" changed "$target" <"$here.manifest" >"$here.changed" 2>"$here.said" ||
    refuse "$host" "copying $what" "$here.said" 'try again'
  if [ ! -s "$here.changed" ]; then
    echo "$what: all there already"
    return
  fi
  size=$(cd "$folder" && tr '\n' '\0' <"$here.changed" | du -chL --apparent-size --files0-from=- | sed -n '$s/\t.*//p')
  echo "$what: copying $(wc -l <"$here.changed") files, ${size}B"
  tar -C "$folder" -chzf - -T "$here.changed" 2>/dev/null | board "$host" unpack "$target" 2>"$here.said" ||
    refuse "$host" "copying $what" "$here.said" "it takes ${size}B"
}

# follow HOST: shows the run there to its end, over lost connections.
follow() {
  local seen before failures=0
  seen=$work/$(file_name "$1").seen
  : >"$seen"
  while [ $failures -lt 5 ]; do
    before=$(wc -l <"$seen")
    if board "$1" follow "$before" 2>/dev/null | tee -a "$seen"; then
      return
    fi
    [ -e "$work/going" ] || exit 130
    [ "$(wc -l <"$seen")" -eq "$before" ] || failures=0
    [ $failures -gt 0 ] || echo 'lost the connection; the run goes on there, trying again'
    failures=$((failures + 1))
    sleep 2
  done
  fail "$1: no connection any more: the run goes on there; the same command shows the rest"
}

# The file in each folder of results that says that they were fetched.
fetched_mark=.fetched

# check_place HOST FOLDER: whether results can go to FOLDER: what is there now was
# fetched too, and nobody's else.
check_place() {
  if [ -L "$2" ] || { [ -e "$2" ] && [ ! -f "$2/$fetched_mark" ]; }; then
    fail "$1: $2 here was not fetched by deploy.sh: expected nothing of that name, or earlier results; move it elsewhere, or name another folder with --out"
  fi
}

# fetch HOST FOLDER: the results there into FOLDER, what is in it aside.
fetch() {
  local new base aside number=1
  check_place "$1" "$2"
  new=$(mktemp -d "$2.XXXXXX")
  chmod "$(printf '%o' $((0777 & ~$(umask))))" "$new"
  if ! board "$1" fetch 2>/dev/null | tar -C "$new" -xzf - 2>/dev/null; then
    rm -rf "$new"
    fail "$1: fetching the results failed: they are still there; the same command tries again"
  fi
  echo "by tools/deploy.sh, from $1" >"$new/$fetched_mark"
  if [ -e "$2" ]; then
    base=$2-$(date -r "$2" +%Y%m%d-%H%M%S)
    aside=$base
    while [ -e "$aside" ] || [ -L "$aside" ]; do
      number=$((number + 1))
      aside=$base.$number
    done
    mv -T "$2" "$aside"
    echo "moved the earlier results to $(basename "$aside")/"
  fi
  mv -nT "$new" "$2"
  [ ! -e "$new" ] || fail "$1: $2 has just been made here: expected no other deploy.sh; its results are in $new"
  board "$1" fetched || true
}

# run_on HOST PRESET RESULTS: all of it, from copying to fetching the results into
# the folder RESULTS. Returns the exit code of `batchsweep run`.
run_on() {
  local host=$1 preset=$2 results=$3 said state code
  said=$work/$(file_name "$host").state
  take "$host" 0
  state=$(board "$host" state <"$work/arguments" 2>"$said") ||
    refuse "$host" 'looking for a run there' "$said" 'try again'
  case $state in
    'running other')
      fail "$host: a run with other arguments goes on there: expected none; wait for it, or end it with --clean"
      ;;
    'running same') echo 'this run goes on there already' ;;
    'ended same') echo 'this run has ended there since' ;;
    'died same')
      echo 'this run was ended by the board; it is resumed'
      ship "$host" "$preset"
      start "$host" --resume
      ;;
    *)
      if [ "$state" != none ] && board "$host" recorded; then
        echo 'first the results of an earlier run with other arguments'
        fetch "$host" "$results"
      fi
      ship "$host" "$preset"
      start "$host"
      ;;
  esac
  release
  follow "$host"
  take "$host" 60
  code=$(board "$host" exit_code) ||
    fail "$host: the connection was lost: the results are still there; the same command fetches them"
  [ -n "$code" ] ||
    fail "$host: the run was killed there, for want of memory or disk space perhaps: expected it to end; the same command resumes it"
  # After an error there may be nothing; its one line was shown.
  if [ "$code" -ne 1 ] || board "$host" recorded; then
    fetch "$host" "$results"
  else
    board "$host" fetched
  fi
  release
  return "$code"
}

# ship HOST PRESET: what is not there yet.
ship() {
  local bundle=$work/bundle-$2
  (cd "$bundle" && find . -type f) | copy "$1" "$bundle" bundle
  if [ -n "$data_folder" ]; then
    data_files | copy "$1" "$data_folder" "$data_target"
  fi
  if [ -n "$(ls "$work/inputs")" ]; then
    (cd "$work/inputs" && find . -type f) | copy "$1" "$work/inputs" inputs
  fi
  check_program "$1" "$2"
}

start() {
  local said
  said=$work/$(file_name "$1").start
  board "$1" start "${@:2}" <"$work/arguments" 2>"$said" || refuse "$1" 'starting the run' "$said" 'try again'
}

# check_program HOST PRESET: whether the program starts there.
check_program() {
  local said code=0
  said=$work/$(file_name "$1").info
  # Its own shell, or ssh would not tell of a signal.
  on_host "$1" '.batchsweep/bundle/batchsweep info; exit $?' >"$said" 2>&1 || code=$?
  case $code in
    0) ;;
    132) fail "$1: the program has instructions that this CPU lacks: expected one of $2, with NEON if it is 32-bit Arm; there is no build for it" ;;
    *) refuse "$1" 'the program does not start there' "$said" "try \`ssh $1 .batchsweep/bundle/batchsweep info\`" ;;
  esac
}
