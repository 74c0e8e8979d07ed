# shellcheck shell=sh
# For sourcing, from the repository's root: setting up and building a preset.

host_preset() {
  case $(dpkg --print-architecture 2>/dev/null || uname -m) in
    amd64) echo x86-64 ;;
    arm64) echo aarch64 ;;
    *)
      echo "batchsweep: builds on x86-64 and 64-bit Arm; this is neither" >&2
      exit 1
      ;;
  esac
}

preset_architecture() {
  case $1 in
    aarch64 | pi-zero-2w | pi3 | pi4 | pi5 | jetson-*) echo arm64 ;;
    armv7 | pi-32bit) echo armhf ;;
    *) echo amd64 ;;
  esac
}

# build_preset PRESET [CMake arguments]: its output is shown only if it fails,
# but for the progress, when someone watches.
build_preset() {
  preset=$1
  shift
  tools/setup.sh "$(preset_architecture "$preset")"
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

# bundle_preset PRESET: builds build/PRESET/batchsweep-PRESET.tar.gz.
bundle_preset() {
  build_preset "$1"
  if ! (cd "build/$1" && cpack) >"build/$1.log" 2>&1; then
    tail -n 10 "build/$1.log" >&2
    echo "batchsweep: bundling failed; the whole output is in build/$1.log" >&2
    exit 1
  fi
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
