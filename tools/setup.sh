#!/bin/sh
# Makes this machine ready to build: installs what is missing from Debian and
# unpacks the libraries of each target into build/sysroot. Quiet about what is
# already there; needs no network then.
#
#   tools/setup.sh [amd64] [arm64] [armhf]   the machine's own if none is named
#   tools/setup.sh amd64 tests               and what the tests of bundles, of
#                                            tools/deploy.sh, of the kernels'
#                                            machine code, of wheels and of reports
#                                            in a browser need besides
#   tools/setup.sh amd64 checks              and what .ci/run looks at sources with
#
# Prints nothing but what it does; every step can be repeated.
set -eu
cd "$(dirname "$0")/.."

# Debian 13, by its name and by the name that mirrors keep apart from it, and
# what follows it. Mirrors hold back parts of a release for days while they are
# brought up to date; then the next is tried. The name of XNNPACK's library
# keeps its version the same in all of them.
suites='trixie stable forky'
sysroot_packages=libxnnpack0.20241108,libxnnpack-dev,libcpuinfo-dev,libpthreadpool-dev,catch2,libcli11-dev,nlohmann-json3-dev,zlib1g-dev,libstdc++-14-dev,libc6-dev
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
targets=
more_packages=
for_tests=
for argument in "$@"; do
  case $argument in
    amd64 | arm64 | armhf) targets="$targets $argument" ;;
    tests)
      for_tests=yes
      more_packages="$more_packages llvm-19 proot strace python3-seccomp openssh-server openssh-client procps python3-venv
        chromium chromium-driver python3-selenium"
      ;;
    checks) more_packages="$more_packages clang-format-19 clang-tidy-19 shellcheck" ;;
    *) fail "no target '$argument': expected amd64, arm64, armhf, tests or checks" ;;
  esac
done
targets=${targets:-$host}
mkdir -p build
: >"$log"

packages="clang-19 lld-19 libclang-rt-19-dev ccache cmake ninja-build git
  mmdebstrap dataset-fashion-mnist python3-matplotlib python3-pandas $more_packages"
for target in $targets; do
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
  # The tests start an sshd of their own; nobody asked for one that stays.
  case $missing in
    *openssh-server*) if [ -d /run/systemd/system ]; then as_root systemctl disable --now ssh; fi ;;
  esac
fi

# shellcheck disable=SC2016  # apt's own variable
site=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' 'Label: Debian' \
  'Component: main' 2>/dev/null | sort -u | head -n 1)

# unpack SUITE TARGET FOLDER PACKAGES: the release alone, without its updates,
# from the mirror that this machine uses; mmdebstrap's own choice where apt knows
# none. A frozen but signed index is as good as a fresh one here.
unpack() {
  # As root, because mmdebstrap as a user would leave files of other users.
  as_root rm -rf "$3"
  as_root mmdebstrap --variant=extract --architectures="$2" \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --include="$4" "$1" "$3" ${site:+"deb $site $1 main"}
  as_root chown -R "$(id -u):$(id -g)" "$3"
}

for target in $targets; do
  sysroot=build/sysroot/$target
  wanted="$suites $sysroot_packages"
  [ "$(cat "$sysroot.contents" 2>/dev/null || true)" = "$wanted" ] && [ -d "$sysroot" ] && continue
  rm -f "$sysroot.contents"
  mkdir -p build/sysroot
  unpacked=
  for suite in $suites; do
    echo "setup: unpacking the libraries of Debian's $suite for $target into $sysroot (some seconds)"
    # In a subshell, which a failure ends.
    if (unpack "$suite" "$target" "$sysroot" "$sysroot_packages") 2>build/unpack.log; then
      unpacked=yes
      break
    fi
    echo "setup: the mirror's $suite for $target is not usable now"
  done
  if [ -z "$unpacked" ]; then
    cat build/unpack.log >&2
    fail "no release of Debian has the libraries for $target; try again later"
  fi
  echo "$wanted" >"$sysroot.contents"
done

# make_root NAME SUITE TARGET PACKAGES: a root file system for the bundle's tests.
make_root() {
  root=build/roots/$1-$3
  [ ! -e "$root.done" ] || return 0
  echo "setup: unpacking a root file system with $1 for $3 into $root (some seconds)"
  unpack "$2" "$3" "$root" "$4"
  touch "$root.done"
}
if [ -n "$for_tests" ]; then
  mkdir -p build/roots
  for target in $targets; do
    make_root busybox bookworm "$target" busybox-static
    make_root debian-11 bullseye "$target" dash,coreutils
    make_root debian-12 bookworm "$target" dash,coreutils
  done
fi
