#include "data/page_budget.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "platform/memory.h"

namespace batchsweep {
namespace {

// Rows of which nothing is known yet, and after which the first look comes:
// with large folios each may hold 2 MiB.
constexpr int64_t kFirstRows = 16;
// All looks are at half the budget, which leaves the other half to what one
// batch may add.
constexpr int64_t kRoomBytes = kPageBudgetBytes / 2;

// What this process holds of files, the program's own included. Where the
// system does not tell, pages are given back at each look.
int64_t HeldOfFiles() {
  const ProcessMemory memory = ReadProcessMemory();
  if (!memory.rss_bytes || !memory.rss_anon_bytes) return 0;
  return *memory.rss_bytes - *memory.rss_anon_bytes;
}

}  // namespace

DataMemory MemoryOf(const DataSource& source) {
  DataMemory memory;
  for (const Dataset* set : {&source.train, &source.held_back, &source.test}) {
    memory.resident_bytes += set->resident_bytes();
    memory.mapped_bytes += set->mapped_bytes();
    memory.most_mapped_resident_bytes +=
        std::min(set->mapped_bytes(), kPageBudgetBytes);
  }
  return memory;
}

PageBudget::PageBudget(const Dataset& dataset)
    : dataset_(dataset),
      keeps_pages_(dataset.mapped_bytes() <= kPageBudgetBytes),
      rows_to_look_(keeps_pages_ ? std::numeric_limits<int64_t>::max()
                                 : kFirstRows) {
  if (keeps_pages_) return;
  rows_read_ = kFirstRows;
  bytes_before_ = HeldOfFiles();
}

void PageBudget::Fill() const {
  if (!keeps_pages_) return;
  for (const MappedFile* file : dataset_.mapped_files()) {
    if (file != nullptr) file->TouchPages();
  }
}

Status PageBudget::Look() {
  if (keeps_pages_) {
    rows_to_look_ = std::numeric_limits<int64_t>::max();
    return {};
  }
  rows_read_ -= rows_to_look_;  // which were more than was planned
  const int64_t held = HeldOfFiles() - bytes_before_;
  if (held <= 0 || held >= kRoomBytes) return DropPages();
  const int64_t row_bytes = std::max<int64_t>(1, held / rows_read_);
  rows_to_look_ = std::max(kFirstRows, (kRoomBytes - held) / row_bytes);
  rows_read_ += rows_to_look_;
  return {};
}

Status PageBudget::DropPages() {
  for (const MappedFile* file : dataset_.mapped_files()) {
    if (file != nullptr) RETURN_IF_ERROR(file->DropPages());
  }
  bytes_before_ = HeldOfFiles();
  rows_to_look_ = rows_read_ = kFirstRows;
  return {};
}

Status PageBudget::Close() {
  if (!keeps_pages_) return DropPages();
  for (const MappedFile* file : dataset_.mapped_files()) {
    if (file != nullptr) RETURN_IF_ERROR(file->CheckLength());
  }
  return {};
}

}  // namespace batchsweep
