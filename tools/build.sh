# shellcheck shell=sh
# For sourcing, from the repository's root: setting up, building and testing a
# preset. Each function ends the script with one line if it cannot do its work.

# preset_of ARCHITECTURE: the preset that builds for it. By Debian's name, as
# tools/setup.sh and tools/boards.txt have it, or by that of `uname -m`.
preset_of() {
  case $1 in
    amd64 | x86_64) echo x86-64 ;;
    arm64 | aarch64) echo aarch64 ;;
    armhf | armv7l | armv8l) echo armv7 ;;
    *)
      echo "batchsweep: no build for $1: expected amd64, arm64 or armhf" >&2
      return 1
      ;;
  esac
}

# architecture_of PRESET, by Debian's name.
architecture_of() {
  case $1 in
    x86-64 | x86-64-asan | x86-64-tsan) echo amd64 ;;
    aarch64) echo arm64 ;;
    armv7) echo armhf ;;
    *)
      echo "batchsweep: no preset $1: expected x86-64, x86-64-asan, x86-64-tsan, aarch64 or armv7" >&2
      return 1
      ;;
  esac
}

# The preset of this machine, which has to be one that things are built on.
host_preset() {
  host=$(dpkg --print-architecture 2>/dev/null || uname -m)
  case $host in
    amd64 | x86_64 | arm64 | aarch64) preset_of "$host" ;;
    *)
      echo "batchsweep: this machine is $host: expected x86-64 or 64-bit Arm to build on" >&2
      return 1
      ;;
  esac
}

# out_of ARGUMENTS: the folder of --out among those of `batchsweep run`, nothing
# without one.
out_of() {
  out=
  expect_out=
  for argument in "$@"; do
    [ -z "$expect_out" ] || { out=$argument && expect_out=; }
    case $argument in
      --out) expect_out=1 ;;
      --out=*) out=${argument#--out=} ;;
    esac
  done
  echo "$out"
}

# build_preset PRESET [CMake arguments]: its output is shown only if it fails,
# but for the progress, when someone watches.
build_preset() {
  preset=$1
  shift
  architecture=$(architecture_of "$preset") || exit 1
  tools/setup.sh "$architecture" || exit 1
  log=build/$preset.log
  if ! cmake --preset "$preset" "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "batchsweep: configuring failed; the whole output is in $log" >&2
    exit 1
  fi
  # The git revision alone is compiled in anew each time, in a second.
  if [ "$(ninja -C "build/$preset" -n 2>/dev/null | grep -c Building)" -gt 5 ]; then
    echo "building $preset (a few minutes the first time)"
  fi
  if [ -t 1 ]; then
    NINJA_STATUS='  [%f/%t] ' ninja -C "build/$preset" >"$log" 2>&1 &
    watch_build "$log" $!
  else
    ninja -C "build/$preset" >"$log" 2>&1
  fi || {
    grep -E -A 5 'error|FAILED' "$log" | head -n 40 >&2
    echo "batchsweep: building failed; the whole output is in $log" >&2
    exit 1
  }
}

# test_preset PRESET [arguments of ctest]: tests what was built, and says after
# them why some were skipped. Returns how they ended.
test_preset() {
  preset=$1
  shift
  report=$PWD/build/$preset/tests.xml
  rm -f "$report"
  code=0
  ctest --preset "$preset" --parallel "$(nproc)" --output-junit "$report" "$@" || code=$?
  [ ! -e "$report" ] || tests/cases.py skipped "$report"
  return "$code"
}

# bundle_preset PRESET FOLDER: builds what is copied to boards into FOLDER. One
# at a time, because a build folder is for one build at a time.
bundle_preset() {
  mkdir -p build
  exec 9>"build/$1.lock"
  flock 9
  build_preset "$1"
  if ! cmake --install "build/$1" --component bundle --prefix "$2" >"build/$1.log" 2>&1; then
    tail -n 10 "build/$1.log" >&2
    echo "batchsweep: bundling failed; the whole output is in build/$1.log" >&2
    exit 1
  fi
  exec 9>&-
}

# Shows the last step of a build on one line until it ends; returns how it did.
watch_build() {
  while kill -0 "$2" 2>/dev/null; do
    printf '\r\033[K%s' "$(tail -n 1 "$1" | cut -c 1-70)"
    sleep 0.5
  done
  printf '\r\033[K'
  wait "$2"
}
