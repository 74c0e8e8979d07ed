// PageBudget: how much of a mapped dataset is in RAM at a time.
//
// A page that was read stays with the process until the system wants it back,
// so that an epoch would leave the whole file in its RSS. Once the pages take
// the budget all are given back; rows read later find them in the system's
// cache, at about a microsecond each. How much a row holds differs: its own
// pages and the 64 KiB around each that Linux maps along, or since Linux 6.16
// the whole large folio, 2 MiB. So what the process holds is looked at,
// seldom, between steps. A dataset that fits into the budget keeps its pages,
// and its steps cost what they cost with a copy in RAM.
#ifndef BATCHSWEEP_DATA_PAGE_BUDGET_H_
#define BATCHSWEEP_DATA_PAGE_BUDGET_H_

#include <cstdint>

#include "data/dataset.h"
#include "platform/error.h"

namespace batchsweep {

// Of each dataset, in bytes. More means fewer rows that have to look for their
// pages, and less RAM for others on a board of 512 MiB.
inline constexpr int64_t kPageBudgetBytes = int64_t{128} * 1024 * 1024;

// Where the bytes of a source's datasets are.
struct DataMemory {
  int64_t resident_bytes = 0;  // copied into RAM
  int64_t mapped_bytes = 0;    // in their files
  // Of the mapped ones, what is in RAM at most. The system can take it back at
  // any time, so it counts against no limit.
  int64_t most_mapped_resident_bytes = 0;
};
DataMemory MemoryOf(const DataSource& source);

class PageBudget {
 public:
  // The dataset outlives it.
  explicit PageBudget(const Dataset& dataset);

  // Reads all pages of a dataset that keeps them, so that no step has to.
  void Fill() const;
  // To be told between steps, of so many rows that were read. An error if a
  // file has become shorter, here and below.
  Status HaveRead(int64_t rows) {
    rows_to_look_ -= rows;
    return rows_to_look_ > 0 ? Status() : Look();
  }
  // To be called behind an epoch.
  Status Close();

 private:
  Status Look();
  Status DropPages();

  const Dataset& dataset_;
  const bool keeps_pages_;
  int64_t rows_to_look_;   // that may be read before what is held is looked at
  int64_t rows_read_ = 0;  // until then, since pages were given back
  int64_t bytes_before_ = 0;  // held of files then
};

}  // namespace batchsweep

#endif  // BATCHSWEEP_DATA_PAGE_BUDGET_H_
