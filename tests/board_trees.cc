#include "tests/board_trees.h"

#include <format>
#include <fstream>
#include <string>
#include <vector>

namespace batchsweep {
namespace {

using std::string_view_literals::operator""sv;

// `compatible` without its last zero byte, which ends each string of it.
void AddDeviceTree(Tree& tree, std::string_view model,
                   std::string_view compatible) {
  tree.Add("proc/device-tree/model", std::string(model) + '\0')
      .Add("proc/device-tree/compatible", std::string(compatible) + '\0');
}

// `cores` as "0 1 2 3", the first of which names the policy.
void AddPolicy(Tree& tree, std::string_view cores, std::string_view governor,
               int min_khz, int max_khz) {
  const std::string first(cores.substr(0, cores.find(' ')));
  for (const std::string& folder :
       {"sys/devices/system/cpu/cpufreq/policy" + first + "/",
        // On a board a link to the same folder.
        "sys/devices/system/cpu/cpu" + first + "/cpufreq/"}) {
    tree.Add(folder + "affected_cpus", std::string(cores) + "\n")
        .Add(folder + "scaling_governor", std::string(governor) + "\n")
        .Add(folder + "scaling_cur_freq", std::format("{}\n", max_khz))
        .Add(folder + "scaling_min_freq", std::format("{}\n", min_khz))
        .Add(folder + "scaling_max_freq", std::format("{}\n", max_khz));
  }
}

void AddMemory(Tree& tree, int64_t ram_kb, int64_t swap_kb,
               int64_t swap_free_kb) {
  tree.Add("proc/meminfo",
           std::format("MemTotal:       {:>8} kB\nMemFree:         1000 kB\n"
                       "MemAvailable:   {:>8} kB\nSwapCached:         0 kB\n"
                       "SwapTotal:      {:>8} kB\nSwapFree:       {:>8} kB\n",
                       ram_kb, ram_kb / 2, swap_kb, swap_free_kb));
}

void AddZone(Tree& tree, int index, std::string_view type, int milli_celsius) {
  const std::string folder =
      std::format("sys/class/thermal/thermal_zone{}/", index);
  tree.Add(folder + "type", std::string(type) + "\n")
      .Add(folder + "temp", std::format("{}\n", milli_celsius));
}

void AddCounters(Tree& tree, std::string_view unit, int paranoid) {
  tree.Add(std::format("sys/bus/event_source/devices/{}/type", unit), "10\n")
      .Add("proc/sys/kernel/perf_event_paranoid",
           std::format("{}\n", paranoid));
}

void AddPowerModes(Tree& tree, std::string_view status,
                   std::string_view config) {
  tree.Add("etc/nvpmodel.conf", config);
  if (!status.empty()) tree.Add("var/lib/nvpmodel/status", status);
}

void AddThrottleAlert(Tree& tree, int index, std::string_view type) {
  const std::string folder =
      std::format("sys/class/thermal/cooling_device{}/", index);
  tree.Add(folder + "type", std::string(type) + "\n")
      .Add(folder + "cur_state", "0\n");
}

void AddOverCurrent(Tree& tree) {
  const std::string folder = "sys/class/hwmon/hwmon5/";
  tree.Add(folder + "name", "soctherm_oc\n");
  for (int i = 1; i <= 3; ++i) {
    tree.Add(std::format("{}oc{}_event_cnt", folder, i),
             std::format("{}\n", 1000 * i))
        .Add(std::format("{}oc{}_throt_en", folder, i), "1\n");
  }
}

void AddPi(Tree& tree) {
  AddZone(tree, 0, "cpu-thermal", 48'312);
  // A device that answers on a board; here a file, of which requests fail.
  tree.Add("dev/vcio", "");
  tree.Add("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
      .Add("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
      .Add("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
      .Add("sys/class/hwmon/hwmon0/temp1_input", "48312\n");
}

}  // namespace

Tree& Tree::Add(const std::string& file, std::string_view text) {
  const auto path = folder_.path() / file;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return *this;
}

Tree& Tree::AddUnreadable(const std::string& file) {
  std::filesystem::remove_all(root() / file);
  std::filesystem::create_directories(root() / file);
  return *this;
}

void AddIna3221(Tree& tree, std::string_view device, std::string_view hwmon,
                const std::vector<Ina3221Channel>& channels) {
  const std::string folder =
      std::format("sys/bus/i2c/drivers/ina3221/{}/hwmon/{}/", device, hwmon);
  for (size_t i = 0; i < channels.size(); ++i) {
    const auto& [label, millivolts, milliamperes] = channels[i];
    tree.Add(std::format("{}in{}_label", folder, i + 1), label + "\n")
        .Add(std::format("{}in{}_input", folder, i + 1),
             std::format("{}\n", millivolts))
        .Add(std::format("{}curr{}_input", folder, i + 1),
             std::format("{}\n", milliamperes));
  }
  // As of an Orin Nano (4vy7.txt).
  tree.Add(folder + "in4_input", "5240\n")
      .Add(folder + "in5_input", "760\n")
      .Add(folder + "in6_input", "1560\n")
      .Add(folder + "in7_label", "sum of shunt voltages\n")
      .Add(folder + "in7_input", "7840\n")
      .Add(folder + "curr4_input", "1560\n")
      .Add("sys/bus/i2c/drivers/ina3221/uevent", "");
}

void MakePi3(Tree& tree) {
  AddDeviceTree(tree, "Raspberry Pi 3 Model B Plus Rev 1.3",
                "raspberrypi,3-model-b-plus\0brcm,bcm2837"sv);
  AddPolicy(tree, "0 1 2 3", "ondemand", 600'000, 1'400'000);
  AddMemory(tree, 931'000, 102'396, 51'196);
  AddPi(tree);
  tree.Add("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n");
  AddCounters(tree, "armv8_cortex_a53", 2);
}

void MakePi4(Tree& tree) {
  AddDeviceTree(tree, "Raspberry Pi 4 Model B Rev 1.4",
                "raspberrypi,4-model-b\0brcm,bcm2711"sv);
  AddPolicy(tree, "0 1 2 3", "ondemand", 600'000, 1'800'000);
  AddMemory(tree, 3'885'000, 102'396, 102'396);
  AddPi(tree);
  tree.Add("sys/devices/platform/soc/soc:firmware/get_throttled", "50000\n");
  AddCounters(tree, "armv8_cortex_a72", 2);
}

void MakePi5(Tree& tree) {
  AddDeviceTree(tree, "Raspberry Pi 5 Model B Rev 1.0",
                "raspberrypi,5-model-b\0brcm,bcm2712"sv);
  AddPolicy(tree, "0 1 2 3", "ondemand", 1'500'000, 2'400'000);
  AddMemory(tree, 8'256'000, 524'272, 524'272);
  AddPi(tree);
  AddCounters(tree, "armv8_cortex_a76", 3);
}

void MakeJetsonNano(Tree& tree) {
  AddDeviceTree(tree, "NVIDIA Jetson Nano Developer Kit",
                "nvidia,p3450-0000\0nvidia,jetson-nano\0nvidia,tegra210"sv);
  AddPolicy(tree, "0 1 2 3", "schedutil", 102'000, 1'479'000);
  AddMemory(tree, 4'059'000, 2'029'000, 1'900'000);
  AddZone(tree, 0, "AO-therm", 40'000);
  AddZone(tree, 1, "CPU-therm", 33'500);
  AddZone(tree, 4, "PMIC-Die", 100'000);
  const std::string folder = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/";
  const std::string names[] = {"POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"};
  for (int i = 0; i < 3; ++i) {
    tree.Add(std::format("{}rail_name_{}", folder, i), names[i] + "\n")
        .Add(std::format("{}in_power{}_input", folder, i), "1900\n");
  }
  AddPowerModes(tree, "",  // no mode was ever chosen
                "# A comment\n< POWER_MODEL ID=0 NAME=MAXN >\n"
                "< POWER_MODEL ID=1 NAME=5W >\n< PM_CONFIG DEFAULT=0 >\n");
  AddCounters(tree, "armv8_pmuv3", 2);
}

void MakeJetsonXavierNx(Tree& tree) {
  AddDeviceTree(tree, "NVIDIA Jetson Xavier NX Developer Kit",
                // 3YWp.txt
                "nvidia,p3449-0000+p3668-0000\0nvidia,p3449-0000+p3668-0001\0"
                "nvidia,p3509-0000+p3668-0000\0nvidia,p3509-0000+p3668-0001\0"
                "nvidia,tegra194"sv);
  AddPolicy(tree, "0 1", "schedutil", 115'200, 1'420'800);
  AddPolicy(tree, "2 3", "schedutil", 115'200, 1'420'800);
  AddPolicy(tree, "4 5", "performance", 1'420'800, 1'420'800);
  AddMemory(tree, 6'850'000, 3'425'000, 3'425'000);
  AddZone(tree, 0, "CPU-therm", 41'000);
  AddIna3221(tree, "7-0040", "hwmon3",
             {{"VDD_IN", 5072, 968},
              {"VDD_CPU_GPU_CV", 5072, 978},
              {"VDD_SOC", 5072, 988}});
  AddPowerModes(tree, "pmode:0012 fmode:quiet",
                "< POWER_MODEL ID=1 NAME=MODE_15W_4CORE >\n"
                "< POWER_MODEL ID=12 NAME=MODE_15W_6CORE >\n"
                "< PM_CONFIG DEFAULT=1 >\n");
  AddCounters(tree, "armv8_pmuv3", 2);
}

void MakeJetsonAgxXavier(Tree& tree) {
  AddDeviceTree(tree, "Jetson-AGX", "nvidia,p2972-0000\0nvidia,tegra194"sv);
  AddPolicy(tree, "0 1 2 3 4 5 6 7", "schedutil", 115'200, 2'265'600);
  AddMemory(tree, 31'918'000, 15'959'000, 15'959'000);
  AddZone(tree, 0, "CPU-therm", 39'000);
  AddIna3221(tree, "1-0040", "hwmon3",
             {{"GPU", 5072, 968}, {"CPU", 5072, 978}, {"SOC", 5072, 988}});
  AddIna3221(tree, "1-0041", "hwmon3",
             {{"CV", 5072, 968}, {"VDDRQ", 5072, 978}, {"SYS5V", 5072, 988}});
  AddCounters(tree, "armv8_pmuv3", 2);
}

void MakeJetsonOrinNano(Tree& tree) {
  // 4vy7.txt, whose chip's name is followed by that of its family.
  AddDeviceTree(tree, "NVIDIA Orin Nano Developer Kit",
                "nvidia,p3768-0000+p3767-0003\0nvidia,p3768-0000+p3767-0005\0"
                "nvidia,p3767-0003\0nvidia,p3767-0005\0nvidia,tegra234\0"
                "nvidia,tegra23x"sv);
  AddPolicy(tree, "0 1 2 3", "schedutil", 115'200, 1'510'400);
  AddPolicy(tree, "4 5", "schedutil", 115'200, 1'510'400);
  AddMemory(tree, 7'800'000, 3'900'000, 3'800'000);
  AddZone(tree, 0, "cpu-thermal", 47'500);
  AddZone(tree, 8, "tj-thermal", 48'900);
  tree.Add("sys/class/thermal/cooling_device0/type", "pwm-fan\n")
      .Add("sys/class/thermal/cooling_device0/cur_state", "3\n");
  AddThrottleAlert(tree, 2, "cpu-throttle-alert");
  AddThrottleAlert(tree, 3, "hot-surface-alert");
  AddOverCurrent(tree);
  // 4vy7.txt, lines 76 to 90; volts and amperes as lm-sensors rounds them.
  AddIna3221(tree, "1-0040", "hwmon3",
             {{"VDD_IN", 4900, 1050},
              {"VDD_CPU_GPU_CV", 4890, 152},
              {"VDD_SOC", 4900, 312}});
  AddPowerModes(tree, "pmode:0002",
                "< POWER_MODEL ID=0 NAME=15W >\n"
                "< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
                "< PM_CONFIG DEFAULT=1 >\n");
  AddCounters(tree, "armv8_cortex_a78", 2);
}

// 4ax9.txt: one of the first, whose name does not say what it is, with twelve
// cores and two power monitors (lines 162 to 192), the second of which has two
// channels that are not connected and two files that cannot be read.
void MakeJetsonAgxOrin(Tree& tree) {
  AddDeviceTree(
      tree, "NVIDIA Orin Jetson-Small Developer Kit",
      "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0nvidia,tegra23x"sv);
  AddPolicy(tree, "0 1 2 3", "schedutil", 115'200, 2'201'600);
  AddPolicy(tree, "4 5 6 7", "schedutil", 115'200, 2'201'600);
  AddPolicy(tree, "8 9 10 11", "schedutil", 115'200, 2'201'600);
  AddMemory(tree, 31'000'000, 15'500'000, 15'500'000);
  AddZone(tree, 0, "CPU-therm", 44'000);
  AddZone(tree, 2, "CV0-therm", 43'000);
  AddZone(tree, 7, "SOC2-therm", 44'500);
  AddIna3221(tree, "1-0041", "hwmon4",
             {{"NC", 0, 0}, {"VDDQ_VDD2_1V8AO", 5060, 140}, {"NC", 0, 0}});
  AddIna3221(tree, "1-0040", "hwmon3",
             {{"VDD_GPU_SOC", 19'980, 240},
              {"VDD_CPU_CV", 19'980, 80},
              {"VIN_SYS_5V0", 5060, 740}});
  const std::string drivers = "sys/bus/i2c/drivers/ina3221/";
  tree.AddUnreadable(drivers + "1-0041/hwmon/hwmon4/in7_input")
      .AddUnreadable(drivers + "1-0041/hwmon/hwmon4/curr4_input")
      // Not the sum of the three.
      .Add(drivers + "1-0040/hwmon/hwmon3/curr4_input", "360\n");
  AddCounters(tree, "armv8_cortex_a78", 2);
}

void MakeLaptop(Tree& tree) {
  tree.Add("sys/class/dmi/id/product_name", "Latitude 7440\n");
  for (int core = 0; core < 4; ++core) {
    AddPolicy(tree, std::format("{}", core), "powersave", 400'000, 4'700'000);
  }
  AddMemory(tree, 16'000'000, 0, 0);
  AddZone(tree, 2, "x86_pkg_temp", 55'000);
  const std::string rapl = "sys/class/powercap/intel-rapl:";
  tree.Add(rapl + "0/name", "package-0\n")
      .Add(rapl + "0/energy_uj", "123456789\n")
      .Add(rapl + "0/max_energy_range_uj", "262143328850\n")
      .Add(rapl + "0:0/name", "core\n")
      .Add(rapl + "0:0/energy_uj", "23456789\n")
      .Add(rapl + "1/name", "psys\n")
      .Add(rapl + "1/energy_uj", "323456789\n");
  AddCounters(tree, "cpu_core", 4);
}

}  // namespace batchsweep
