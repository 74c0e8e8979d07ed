#!/bin/sh
# Makes this machine ready to build: installs what is missing from Debian and
# unpacks the libraries of each target into build/sysroot. Quiet about what is
# already there; needs no network then.
#
#   tools/setup.sh [amd64] [arm64] [armhf]   the machine's own if none is named
#
# Prints nothing but what it does; every step can be repeated.
set -eu
cd "$(dirname "$0")/.."

suite=trixie
sysroot_packages=libxnnpack-dev,libcpuinfo-dev,libpthreadpool-dev,catch2,libcli11-dev,nlohmann-json3-dev,zlib1g-dev,libstdc++-14-dev,libc6-dev
log=build/setup.log

fail() {
  echo "setup: $1" >&2
  exit 1
}

# Runs a command with its output in the log; shows the log's end if it fails.
quietly() {
  "$@" >>"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    fail "'$1' failed; the whole output is in $log"
  }
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then quietly "$@"
  elif command -v sudo >/dev/null; then quietly sudo -- "$@"
  else fail "'$1' needs root; run this as root or install sudo"
  fi
}

for tool in dpkg-query apt-get; do
  command -v "$tool" >/dev/null || fail "no $tool: this needs Debian 12 or 13"
done
host=$(dpkg --print-architecture)
targets=${*:-$host}
mkdir -p build
: >"$log"

packages="clang-19 lld-19 libclang-rt-19-dev clang-format-19 cmake ninja-build
  git mmdebstrap shellcheck dataset-fashion-mnist python3-matplotlib python3-pandas"
for target in $targets; do
  case $target in
    amd64 | arm64 | armhf) ;;
    *) fail "no target '$target'; there are amd64, arm64 and armhf" ;;
  esac
  [ "$target" = "$host" ] || packages="$packages qemu-user"
done

missing=
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "setup: installing$missing (a minute or two)"
  as_root apt-get update
  # shellcheck disable=SC2086  # one word a package
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
fi

# The release alone, without its updates, from the mirror that this machine
# uses: everybody gets the same libraries, and a mirror that is being brought up
# to date does no harm. mmdebstrap's own choice where apt knows no such mirror.
# shellcheck disable=SC2016  # apt's own variable
site=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' 'Label: Debian' \
  'Component: main' 2>/dev/null | sort -u | head -n 1)
mirror=${site:+deb $site $suite main}

for target in $targets; do
  sysroot=build/sysroot/$target
  wanted="$suite $sysroot_packages"
  [ "$(cat "$sysroot.contents" 2>/dev/null || true)" = "$wanted" ] && [ -d "$sysroot" ] && continue
  echo "setup: unpacking Debian $suite's libraries for $target into $sysroot (some seconds)"
  rm -rf "$sysroot" "$sysroot.contents"
  mkdir -p build/sysroot
  # As root, because mmdebstrap as a user would leave files of other users.
  as_root mmdebstrap --variant=extract --architectures="$target" \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --include="$sysroot_packages" "$suite" "$sysroot" ${mirror:+"$mirror"}
  as_root chown -R "$(id -u):$(id -g)" "$sysroot"
  echo "$wanted" >"$sysroot.contents"
done
