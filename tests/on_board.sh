#!/bin/sh
# Runs tests under qemu as on a board: QEMU_CPU has the board's instructions, and
# /proc/cpuinfo, in a mount namespace of its own, the name of the board's core, by
# which XNNPACK chooses its kernels.
#
#   on_board.sh CORE MIDR EMULATOR PROGRAM TESTS SPECIFICATION
#
# CORE is what `batchsweep info` has to call it. Exit code: that of TESTS, or 77,
# with the reason, where this machine cannot do it.
set -eu
core=$1 midr=$2 emulator=$3 program=$4 tests=$5 specification=$6

skip() {
  echo "skipped: $1"
  exit 77
}

if [ "$(id -u)" -eq 0 ]; then namespace='unshare -m'; else namespace='unshare -rm'; fi
$namespace true 2>/dev/null || skip 'no mount namespace can be made here: expected root or user namespaces'
# The words of `unshare` are to be parted.
# shellcheck disable=SC2086
[ -n "${BATCHSWEEP_IN_NAMESPACE:-}" ] || BATCHSWEEP_IN_NAMESPACE=yes exec $namespace "$0" "$@"

# The fields of the main ID register as Linux prints them. Its 32-bit kernels call
# all cores version 7; qemu's 32-bit models have no instructions of version 8.
case $emulator in *aarch64*) architecture=8 ;; *) architecture=7 ;; esac
cpuinfo=$(mktemp)
trap 'rm -f "$cpuinfo"' EXIT
processor=0
while [ $processor -lt "$(nproc --all)" ]; do
  printf 'processor\t: %d\n' $processor
  printf 'Features\t: fp asimd half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32\n'
  printf 'CPU implementer\t: 0x%02x\n' $((midr >> 24))
  printf 'CPU architecture: %d\n' $architecture
  printf 'CPU variant\t: 0x%x\n' $((midr >> 20 & 0xf))
  printf 'CPU part\t: 0x%03x\n' $((midr >> 4 & 0xfff))
  printf 'CPU revision\t: %d\n\n' $((midr & 0xf))
  processor=$((processor + 1))
done >"$cpuinfo"
mount --bind "$cpuinfo" /proc/cpuinfo

said=$("$emulator" "$program" info)
case $said in
  *"$core"*) ;;
  *) skip "$emulator shows another /proc/cpuinfo than this machine's: expected $core in what \`batchsweep info\` says" ;;
esac
"$emulator" "$tests" --colour-mode none "$specification"
