#include "cli/flag.h"

#include <CLI/CLI.hpp>
#include <format>
#include <utility>
#include <variant>
#include <vector>

#include "cli/text.h"

namespace batchsweep {
namespace {

// Of what somebody wrote, an error shows this much.
constexpr size_t kMostQuoted = 100;

}  // namespace

std::string SettingText(const SettingValue& value) {
  struct Text {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(bool) const { return ""; }
    std::string operator()(int64_t number) const {
      return std::format("{}", number);
    }
    std::string operator()(double number) const {
      return std::format("{}", number);
    }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const std::vector<int64_t>& numbers) const {
      std::string text;
      for (const int64_t number : numbers) {
        text += std::format("{}{}", text.empty() ? "" : ",", number);
      }
      return text;
    }
  };
  return std::visit(Text(), value);
}

void AddFlagWithValue(CLI::App& app, const Flag& flag, ValueOfFlag value,
                      Status& status) {
  std::string help = flag.help;
  if (!value.in_help.empty()) help += " (" + value.in_help + ")";
  if (!value.preset.empty()) help += " [" + value.preset + "]";
  const std::string type_name = value.name;
  const bool is_list = value.is_list;
  const auto read = [name = flag.name, value = std::move(value),
                     &status](const CLI::results_t& texts) {
    // A list's values may also be words of their own.
    const std::string text = CLI::detail::join(texts, ",");
    if (!value.read(text) && status) {
      status = Fail("{}: expected {}, found \"{}\"", name, value.expected,
                    Shortened(text, kMostQuoted));
    }
    return true;  // or CLI11 would tell of it in its own words
  };
  CLI::Option* const option = app.add_option(flag.name, read, help);
  option->type_name(type_name)->group(flag.group);
  constexpr int kMostWords = 1024;
  if (is_list) option->expected(1, kMostWords);
}

void AddSwitch(CLI::App& app, const Flag& flag, bool& value) {
  app.add_flag_callback(
         flag.name, [&value] { value = !value; }, flag.help)
      ->group(flag.group)
      // Or --no-shuffle=8 would be taken, and --no-shuffle=false do nothing.
      ->disable_flag_override();
}

}  // namespace batchsweep
