#include "record/earlier_run.h"

#include <format>
#include <string>
#include <string_view>
#include <utility>

#include "platform/file.h"
#include "record/sealed_json.h"

namespace batchsweep {
namespace {

Result<Json> ReadRunJson(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const Json json = ParseJson(text);
  // First of all, since other versions are written in another way.
  if (const Json found =
          json.is_object() ? json.value("schema_version", Json()) : Json();
      json.is_object() && found != kSchemaVersion) {
    return Fail(
        "{}: has schema version {}, expected schema version {}; go on with the "
        "batchsweep that began this run or name another folder with --out",
        path.string(), found.dump(), kSchemaVersion);
  }
  if (auto sealed = ReadSealed(text)) return *std::move(sealed);
  return Fail(
      "{}: is not as it was written, some bytes of it changed; put it back or "
      "name another folder with --out",
      path.string());
}

// The value at a path of keys; null if there is none.
Json At(const Json& json, std::string_view part, std::string_view key) {
  const auto object = json.find(part);
  if (object == json.end() || !object->is_object()) return {};
  return object->value(std::string(key), Json());
}

bool HasMoreEpochs(std::string_view part, std::string_view key, const Json& was,
                   const Json& now) {
  return part == "config" && key == "epochs" && was.is_number_integer() &&
         now.is_number_integer() && was.get<int64_t>() < now.get<int64_t>();
}

// What decides a run's figures beside its settings.
struct MachinePart {
  const char* part;
  const char* key;
  const char* consequence;
};
constexpr const char* kOtherBits =
    "losses may differ in their last bits, and times are another program's";
constexpr const char* kOtherTimes =
    "times are another machine's, and losses may differ in their last bits";
constexpr MachinePart kMachineParts[] = {
    {"program", "version", kOtherBits},
    {"program", "git_revision", kOtherBits},
    {"program", "architecture", kOtherBits},
    {"program", "xnnpack_version", kOtherBits},
    {"program", "kernels_isa", kOtherBits},
    {"cpu", "model_name", kOtherTimes},
    {"cpu", "isa", kOtherTimes},
    {"cpu", "features", kOtherTimes}};

Status CheckMachine(const std::filesystem::path& path, const Json& earlier,
                    const Json& now, OtherMachine other_machine,
                    std::vector<Warning>& differences) {
  for (const MachinePart& machine : kMachineParts) {
    const Json was = At(earlier, machine.part, machine.key);
    const Json is = At(now, machine.part, machine.key);
    if (was == is) continue;
    const std::string difference =
        std::format("{} {} was {}, now it is {}: {}", machine.part, machine.key,
                    was.dump(), is.dump(), machine.consequence);
    switch (other_machine) {
      case OtherMachine::kRefuse:
        return Fail(
            "{}: cannot resume: {}; --resume-anyway goes on all the same",
            path.string(), difference);
      case OtherMachine::kGoOn:
        differences.push_back(
            {"resumed_elsewhere", "resumed though " + difference});
    }
  }
  return {};
}

}  // namespace

Status CheckRunInfo(const std::filesystem::path& path) {
  RETURN_IF_ERROR(ReadRunJson(path));
  return {};
}

Result<std::vector<KernelRecord>> ReadKernels(
    const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const Json json, ReadRunJson(path));
  std::vector<KernelRecord> kernels;
  if (FromJson(json.value("kernels", Json()), kernels)) return kernels;
  return Fail("{}: expected the kernels of a run; name the run.json of one",
              path.string());
}

Result<EarlierRun> AdoptEarlierRun(const std::filesystem::path& path,
                                   OtherMachine other_machine, RunInfo& info) {
  ASSIGN_OR_RETURN(const Json earlier, ReadRunJson(path));
  // As it would be read back: odd bytes are replaced in it too.
  const Json now = Json::parse(RunInfoText(info));
  EarlierRun found;
  for (const char* part : {"model", "data", "config"}) {
    for (const auto& [key, value] : now[part].items()) {
      const Json was = At(earlier, part, key);
      if (was == value) continue;
      if (HasMoreEpochs(part, key, was, value)) {
        found.more_epochs = true;
        continue;
      }
      return Fail(
          "{}: cannot resume: {} {} was {}, now it is {}; repeat the earlier "
          "command with --resume or name another folder with --out",
          path.string(), part, key, was.dump(), value.dump());
    }
  }
  std::vector<Warning> warnings;
  if (!FromJson(earlier.value("command", Json()), info.command) ||
      !FromJson(earlier.value("started_utc", Json()), info.started_utc) ||
      !FromJson(earlier.value("warnings", Json()), warnings)) {
    return Fail(
        "{}: expected the command, started_utc and warnings of a run; name "
        "another folder with --out",
        path.string());
  }
  for (const Warning& warning : warnings) info.AddWarning(warning);
  RETURN_IF_ERROR(
      CheckMachine(path, earlier, now, other_machine, found.differences));
  return found;
}

}  // namespace batchsweep
