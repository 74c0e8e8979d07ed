// Values: an array that a dataset reads and nobody changes, in memory of its
// own or in a mapped file. Copies share it.
#ifndef BATCHSWEEP_DATA_VALUES_H_
#define BATCHSWEEP_DATA_VALUES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "platform/mapped_file.h"

namespace batchsweep {

template <class T>
class Values {
 public:
  Values() = default;
  // Takes the vector's memory. Implicit, since a vector is what most readers
  // make.
  Values(std::vector<T> values) {
    const auto owner =
        std::make_shared<const std::vector<T>>(std::move(values));
    values_ = *owner;
    owner_ = owner;
  }
  // REQUIRES: the file's bytes begin at a multiple of sizeof(T).
  explicit Values(const std::shared_ptr<const MappedFile>& file)
      : values_(reinterpret_cast<const T*>(file->bytes().data()),
                file->bytes().size() / sizeof(T)),
        owner_(file),
        file_(file.get()) {}

  const T* data() const { return values_.data(); }
  size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  const T& operator[](size_t index) const { return values_[index]; }
  const T& back() const { return values_.back(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  int64_t bytes() const { return static_cast<int64_t>(values_.size_bytes()); }

  // The file that they lie in; null if they lie in RAM.
  const MappedFile* mapped_file() const {
    return file_ != nullptr && file_->is_mapped() ? file_ : nullptr;
  }

  // A part of them, which shares their memory.
  Values Part(int64_t begin, int64_t count) const {
    Values part = *this;
    part.values_ =
        values_.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
    return part;
  }

  friend bool operator==(const Values& a, const Values& b) {
    return std::ranges::equal(a, b);
  }

 private:
  std::span<const T> values_;
  std::shared_ptr<const void> owner_;
  const MappedFile* file_ = nullptr;
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_VALUES_H_
