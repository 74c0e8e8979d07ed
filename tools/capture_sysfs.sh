#!/bin/sh
# Copies what batchsweep reads of a board's state into a folder, so that tests
# can have it as their root. Run it on the board: a shell and busybox will do.
#
#   tools/capture_sysfs.sh OUT          of this board
#   tools/capture_sysfs.sh OUT ROOT     of a tree like it
#
# Host name, serial numbers and addresses stay behind. As root it gets the files
# that are for root alone, too; the ones that cannot be read are listed in
# OUT/unreadable. vcgencmd's answers go to OUT/vcgencmd.
set -eu

fail() {
  echo "capture_sysfs: $1" >&2
  exit 1
}

case ${1:-} in
  '' | -h | --help)
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    [ $# -gt 0 ] || exit 1
    exit 0
    ;;
esac
out=$1
root=${2:-/}
root=${root%/}
[ ! -e "$out" ] || fail "$out: is there already; name a folder that is not"
[ -d "$root/sys" ] || fail "$root/sys: no such folder: expected a root with /proc and /sys in it"
mkdir -p "$out" || fail "$out: cannot be made; name a folder that can"

# Paths below the root, as patterns, of one shell word each.
patterns='
proc/device-tree/model proc/device-tree/compatible
proc/meminfo proc/stat
proc/sys/kernel/perf_event_paranoid
proc/sys/kernel/sched_rt_runtime_us proc/sys/kernel/sched_rt_period_us
etc/nvpmodel.conf var/lib/nvpmodel/status
sys/class/dmi/id/product_name
sys/devices/system/cpu/possible
sys/devices/system/cpu/cpufreq/policy*/affected_cpus
sys/devices/system/cpu/cpufreq/policy*/scaling_*
sys/devices/system/cpu/cpufreq/policy*/cpuinfo_avg_freq
sys/devices/system/cpu/cpufreq/policy*/cpuinfo_m*_freq
sys/devices/system/cpu/cpu0/cpufreq/scaling_governor
sys/class/thermal/thermal_zone*/type sys/class/thermal/thermal_zone*/temp
sys/class/thermal/cooling_device*/type sys/class/thermal/cooling_device*/cur_state
sys/class/hwmon/hwmon*/name sys/class/hwmon/hwmon*/temp*_input
sys/class/hwmon/hwmon*/in0_lcrit_alarm sys/class/hwmon/hwmon*/oc*_event_cnt
sys/class/hwmon/hwmon*/oc*_throt_en
sys/devices/platform/soc*/soc*/get_throttled
sys/bus/i2c/drivers/ina3221/*-*/hwmon/hwmon*/in*_label
sys/bus/i2c/drivers/ina3221/*-*/hwmon/hwmon*/in*_input
sys/bus/i2c/drivers/ina3221/*-*/hwmon/hwmon*/curr*_input
sys/bus/i2c/drivers/ina3221x/*-*/iio:device*/rail_name_*
sys/bus/i2c/drivers/ina3221x/*-*/iio:device*/in_*_input
sys/class/powercap/intel-rapl:*/name sys/class/powercap/intel-rapl:*/energy_uj
sys/class/powercap/intel-rapl:*/max_energy_range_uj
sys/bus/event_source/devices/*/type'

cd "${root:-/}"
here=$OLDPWD
case $out in /*) ;; *) out=$here/$out ;; esac
count=0
for file in $patterns; do
  [ -f "$file" ] || continue
  mkdir -p "$out/$(dirname "$file")"
  if cat "$file" >"$out/$file" 2>/dev/null; then
    count=$((count + 1))
  else
    rm -f "$out/$file"
    echo "$file" >>"$out/unreadable"
  fi
done
# Devices: that they are there.
for node in dev/vcio dev/vcio_gencmd; do
  [ -e "$node" ] || continue
  mkdir -p "$out/dev"
  : >"$out/$node"
done

# The firmware is asked through the device itself, which cannot be copied.
if [ -z "$root" ] && command -v vcgencmd >/dev/null; then
  for command in get_throttled 'measure_clock arm' pmic_read_adc; do
    echo "$ vcgencmd $command"
    # shellcheck disable=SC2086  # words of a command
    vcgencmd $command 2>&1 || true
  done >"$out/vcgencmd"
fi
[ "$count" -gt 0 ] || fail "$root/: nothing to copy: expected at least one of the files that batchsweep reads"
echo "$count files in $out"
