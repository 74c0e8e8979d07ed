// The Raspberry Pi firmware's mailbox: what it knows of the board and the
// kernel's files do not tell, or not truly.
//
// A request is a buffer of 32-bit words that the answer overwrites: its size in
// bytes, 0 (then kAnswered), and a tag: its number, the bytes of room for its
// values, 0 (then the answer's bytes and bit 31), the values; a 0 ends it.
// Written from the kernel's driver (drivers/char/broadcom/vcio.c) and the
// firmware's wiki. The texts that commands answer are those recorded on boards;
// the buffers themselves have not been recorded on one.
#ifndef BATCHSWEEP_PLATFORM_LINUX_MAILBOX_H_
#define BATCHSWEEP_PLATFORM_LINUX_MAILBOX_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace batchsweep {

class Mailbox {
 public:
  // Hands a request to the firmware; false if that failed. Empty where there is
  // no way to.
  using Transfer = std::function<bool(std::span<uint32_t> words)>;

  // By /dev/vcio, which takes every tag, and /dev/vcio_gencmd, which newer
  // kernels have for commands alone, as far as they can be opened.
  static Mailbox Open(const std::filesystem::path& root);

  // Tests give their own firmware.
  Mailbox(Transfer tags, Transfer commands)
      : tags_(std::move(tags)), commands_(std::move(commands)) {}

  // Bits 0 to 3: under-voltage, frequency capped, throttled, soft temperature
  // limit, now; bits 16 to 19: the same since the start. They are left as they
  // are.
  std::optional<uint32_t> ThrottleWord() const;

  // Of the CPU, counted by the firmware for 1 ms, which is what this takes.
  std::optional<double> CpuFrequencyHz() const;

  // Sum of voltage times current over the rails of a Raspberry Pi 5's power
  // chip that have both. Absent where the firmware does not know the command
  // for it, which older ones say by a text.
  std::optional<double> RailsWatts() const;

 private:
  // The last word of the answer to a tag with these values.
  std::optional<uint32_t> Ask(uint32_t tag,
                              std::span<const uint32_t> values) const;
  // What vcgencmd prints, but with zero bytes between lines where the firmware
  // puts them. Absent if the firmware does not know the command.
  std::optional<std::string> Command(std::string_view command) const;

  Transfer tags_;
  Transfer commands_;
};

// Of the lines of `vcgencmd pmic_read_adc`, "  VDD_CORE_A current(7)=0.56A" and
// "  VDD_CORE_V volt(15)=0.77V", which the mailbox separates by zero bytes and
// vcgencmd by newlines. A rail may be exactly 0; EXT5V and BATT are voltages
// alone and no part of the sum. Absent if no rail has both.
std::optional<double> SumOfRails(std::string_view text);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_LINUX_MAILBOX_H_
