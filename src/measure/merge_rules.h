// How the readings that cover a step become one value of its row.
//
// A rule gets the value of each of these readings, and how many nanoseconds of
// the step it covers. Its result is absent if no reading has the value.
#ifndef BATCHSWEEP_MEASURE_MERGE_RULES_H_
#define BATCHSWEEP_MEASURE_MERGE_RULES_H_

#include <cstdint>
#include <optional>

namespace batchsweep {

template <class Value>
class Highest {
 public:
  void Add(const std::optional<Value>& value, int64_t /*shared_ns*/) {
    if (value && (!merged_ || *value > *merged_)) merged_ = value;
  }
  std::optional<Value> merged() const { return merged_; }

 private:
  std::optional<Value> merged_;
};

template <class Value>
class Lowest {
 public:
  void Add(const std::optional<Value>& value, int64_t /*shared_ns*/) {
    if (value && (!merged_ || *value < *merged_)) merged_ = value;
  }
  std::optional<Value> merged() const { return merged_; }

 private:
  std::optional<Value> merged_;
};

// True if any reading says so. Absent is not "no".
template <class Value>
class AnyTrue {
 public:
  void Add(std::optional<bool> value, int64_t /*shared_ns*/) {
    if (value) merged_ = merged_.value_or(false) || *value;
  }
  std::optional<bool> merged() const { return merged_; }

 private:
  std::optional<bool> merged_;
};

template <class Value>
class Latest {
 public:
  void Add(const std::optional<Value>& value, int64_t /*shared_ns*/) {
    merged_ = value;
  }
  std::optional<Value> merged() const { return merged_; }

 private:
  std::optional<Value> merged_;
};

// The mean over the step's time. Absent if any of its readings lacks the value:
// a mean over the rest would pass for that of the whole.
template <class Value>
class TimeMean {
 public:
  void Add(const std::optional<Value>& value, int64_t shared_ns) {
    complete_ = complete_ && value.has_value();
    sum_ += value.value_or(0.0) * static_cast<double>(shared_ns);
    time_ns_ += shared_ns;
  }
  std::optional<Value> merged() const {
    if (!complete_ || time_ns_ <= 0) return std::nullopt;
    return sum_ / static_cast<double>(time_ns_);
  }

 private:
  bool complete_ = true;
  double sum_ = 0.0;  // of values times nanoseconds
  int64_t time_ns_ = 0;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_MEASURE_MERGE_RULES_H_
