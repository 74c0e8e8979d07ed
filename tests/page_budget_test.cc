#include "data/page_budget.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "platform/mapped_file.h"
#include "platform/memory.h"
#include "tests/temp_dir.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMebibyte = 1024 * 1024;

// Rows of bytes that lie in a file, all zeros.
class MappedRows {
 public:
  MappedRows(int64_t rows, int64_t row_bytes)
      : path_(dir_.Write("rows", "")),
        dataset_{.example_shape = {{row_bytes}}} {
    fs::resize_file(path_, static_cast<uintmax_t>(rows * row_bytes));
    auto file = MappedFile::Map(path_, 0, rows * row_bytes);
    REQUIRE(file);
    dataset_.images = Values<uint8_t>(*std::move(file));
  }

  const fs::path& path() const { return path_; }
  const Dataset& dataset() const { return dataset_; }
  void Touch(int64_t row) const {
    const int64_t size = dataset_.example_shape.elements();
    for (int64_t i = 0; i < size; i += 512) {
      const volatile uint8_t& byte =
          dataset_.images[static_cast<size_t>(row * size + i)];
      (void)byte;
    }
  }

 private:
  TempDir dir_;
  fs::path path_;
  Dataset dataset_;
};

int64_t Rss() { return ReadProcessMemory().rss_bytes.value(); }

// The most that a pass over all rows, in an order that jumps, holds.
int64_t MostHeld(const MappedRows& rows, PageBudget& pages) {
  const int64_t before = Rss();
  int64_t most = 0;
  const int64_t count = rows.dataset().size();
  for (int64_t i = 0; i < count; ++i) {
    rows.Touch(i * 7919 % count);
    if (i % 10 == 0) most = std::max(most, Rss() - before);
    REQUIRE(pages.HaveRead(1));
  }
  return most;
}

TEST_CASE("a pass over a large mapped dataset holds no more than the budget",
          "[page_budget]") {
  for (const int64_t row_bytes : {20'000, 300'000}) {
    INFO(row_bytes);
    const MappedRows rows(3 * kPageBudgetBytes / row_bytes, row_bytes);
    // Its pages are in the system's cache, whence whole neighbourhoods come.
    (*MappedFile::Map(rows.path(), 0, rows.dataset().mapped_bytes()))
        ->TouchPages();
    PageBudget pages(rows.dataset());
    pages.Fill();
    CHECK(MostHeld(rows, pages) < kPageBudgetBytes + 8 * kMebibyte);
    const int64_t before = Rss();
    REQUIRE(pages.Close());
    CHECK(Rss() <= before);
  }
}

TEST_CASE("a mapped dataset that fits the budget keeps its pages",
          "[page_budget]") {
  const MappedRows rows(1000, 64 * 1024);
  const int64_t before = Rss();
  PageBudget pages(rows.dataset());
  pages.Fill();
  CHECK(Rss() - before > 60 * kMebibyte);
  MostHeld(rows, pages);
  REQUIRE(pages.Close());
  CHECK(Rss() - before > 60 * kMebibyte);
}

TEST_CASE("an epoch over a mapped file that shrank ends with an error",
          "[page_budget]") {
  const MappedRows rows(100, 1000);
  PageBudget pages(rows.dataset());
  CHECK(pages.Close());
  fs::resize_file(rows.path(), 99'999);
  CHECK(!pages.Close());
}

TEST_CASE("memory tells what is mapped from what is copied", "[page_budget]") {
  const MappedRows rows(100, 1000);
  DataSource source{.train = rows.dataset(), .test = rows.dataset()};
  source.train.labels = std::vector<uint8_t>(100);
  const DataMemory memory = MemoryOf(source);
  CHECK(memory.resident_bytes == 100);
  CHECK(memory.mapped_bytes == 200'000);
  CHECK(memory.most_mapped_resident_bytes == 200'000);
  const MappedRows large(1000, 1'000'000);
  source.train = large.dataset();
  CHECK(MemoryOf(source).mapped_bytes == 1'000'100'000);
  CHECK(MemoryOf(source).most_mapped_resident_bytes ==
        kPageBudgetBytes + 100'000);
}

TEST_CASE("a dataset in RAM has no pages to give back", "[page_budget]") {
  const Dataset dataset{.example_shape = {{3}},
                        .images = std::vector<uint8_t>(30)};
  PageBudget pages(dataset);
  pages.Fill();
  for (int i = 0; i < 100; ++i) CHECK(pages.HaveRead(1'000'000'000));
  CHECK(pages.Close());
}

}  // namespace
}  // namespace batchsweep
