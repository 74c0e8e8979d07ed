// 32-bit targets: a window far behind the first 2 GiB of a file opens all the
// same.
#define _FILE_OFFSET_BITS 64

#include "platform/mapped_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "platform/posix/descriptor.h"
#include "platform/posix/lost_pages.h"

namespace batchsweep {
namespace {

namespace fs = std::filesystem;
using posix::ErrnoFailure;

// What the handler of SIGBUS knows of a mapping. A handler may not allocate or
// take a lock, so all of it lies ready, and addresses are set last.
struct Guard {
  std::atomic<uintptr_t> begin = 0;  // 0: free
  std::atomic<uintptr_t> end = 0;
  std::array<char, 1024> line = {};
  size_t line_bytes = 0;
};
static_assert(std::atomic<uintptr_t>::is_always_lock_free);

// A run has at most eight: inputs and what is learnt of two parts of the
// training set and of the test set, and those are half of them again.
std::array<Guard, 32> guards;
constexpr std::string_view kProgram = "batchsweep: ";
std::atomic<int> report_to = -1;  // a descriptor; -1: standard error
struct sigaction earlier_action;

void EndIfFileShrank(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const Guard& guard : guards) {
    if (address < guard.begin || address >= guard.end) continue;
    std::string_view line(guard.line.data(), guard.line_bytes);
    const int descriptor = report_to;
    if (descriptor >= 0) {
      line.remove_prefix(kProgram.size());
      line.remove_suffix(1);  // the end of the line
    }
    // Whether anybody can read it or not, this is the end.
    [[maybe_unused]] const ssize_t written = ::write(
        descriptor >= 0 ? descriptor : STDERR_FILENO, line.data(), line.size());
    ::_exit(1);
  }
  // It is none of ours: what stood there before gets it when the instruction is
  // tried again.
  ::sigaction(signal, &earlier_action, nullptr);
}

void CatchBusErrors() {
  static const bool caught = [] {
    struct sigaction action = {};
    action.sa_sigaction = EndIfFileShrank;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    return ::sigaction(SIGBUS, &action, &earlier_action) == 0;
  }();
  (void)caught;
}

std::string ShrankMessage(const fs::path& path) {
  std::string name = path.string();
  // One line, whatever is in a file's name.
  std::ranges::replace_if(
      name, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return name +
         ": it became shorter while it was read; restore it, then go on with "
         "--resume";
}

Guard* Protect(const fs::path& path, const void* begin, size_t bytes) {
  const auto guard = std::ranges::find_if(
      guards, [](const Guard& each) { return each.begin == 0; });
  if (guard == guards.end()) return nullptr;
  std::string line = std::string(kProgram) + ShrankMessage(path);
  line.resize(std::min(line.size(), guard->line.size() - 1));
  line += '\n';
  guard->line_bytes = line.size();
  std::memcpy(guard->line.data(), line.data(), guard->line_bytes);
  guard->end = reinterpret_cast<uintptr_t>(begin) + bytes;
  guard->begin = reinterpret_cast<uintptr_t>(begin);
  CatchBusErrors();
  return &*guard;
}

}  // namespace

void ReportLostPagesTo(int descriptor) { report_to = descriptor; }

struct MappedFile::Mapping {
  fs::path path;
  int64_t end = 0;  // of the window in the file
  int fd = -1;
  void* pages = MAP_FAILED;
  size_t page_bytes = 0;  // of all pages
  Guard* guard = nullptr;
  std::span<const std::byte> window;

  ~Mapping() {
    if (guard != nullptr) guard->begin = guard->end = 0;
    if (pages != MAP_FAILED) ::munmap(pages, page_bytes);
    if (fd >= 0) ::close(fd);
  }

  Status CheckLength() const {
    struct stat info;
    if (::fstat(fd, &info) != 0) return ErrnoFailure("read", path);
    if (info.st_size >= end) return {};
    return std::unexpected(Error{ShrankMessage(path)});
  }
};

Result<std::shared_ptr<const MappedFile>> MappedFile::Map(const fs::path& path,
                                                          int64_t offset,
                                                          int64_t size_bytes) {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const int64_t first = offset / page * page;
  auto mapping = std::make_unique<Mapping>();
  mapping->path = path;
  mapping->end = offset + size_bytes;
  mapping->fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (mapping->fd < 0) return ErrnoFailure("read", path);
  RETURN_IF_ERROR(mapping->CheckLength());
  if (!std::in_range<ptrdiff_t>(mapping->end - first)) errno = ENOMEM;
  if (std::in_range<ptrdiff_t>(mapping->end - first)) {
    mapping->page_bytes = static_cast<size_t>(mapping->end - first);
    // Shared, so that it counts against no limit on the process's own data.
    mapping->pages = ::mmap(nullptr, mapping->page_bytes, PROT_READ, MAP_SHARED,
                            mapping->fd, static_cast<off_t>(first));
  }
  if (mapping->pages == MAP_FAILED) {
    auto failure = ErrnoFailure("map", path);
    failure.error().message += std::format(
        "; the {} bytes from {} on find no room: use fewer "
        "examples, see --train-limit",
        size_bytes, offset);
    return failure;
  }
  mapping->guard = Protect(path, mapping->pages, mapping->page_bytes);
  if (mapping->guard == nullptr) {
    return Fail("cannot map {}: {} files are mapped already", path.string(),
                guards.size());
  }
  mapping->window = {
      static_cast<const std::byte*>(mapping->pages) + (offset - first),
      static_cast<size_t>(size_bytes)};
  return std::shared_ptr<const MappedFile>(new MappedFile(std::move(mapping)));
}

MappedFile::MappedFile(std::unique_ptr<Mapping> mapping)
    : mapping_(std::move(mapping)), bytes_(mapping_->window) {}

MappedFile::~MappedFile() = default;

bool MappedFile::is_mapped() const { return true; }

Status MappedFile::CheckLength() const { return mapping_->CheckLength(); }

Status MappedFile::DropPages() const {
  // The pages themselves stay in the cache (posix_fadvise could empty it): the
  // next epoch wants them, and the system takes them whenever it needs room.
  ::madvise(mapping_->pages, mapping_->page_bytes, MADV_DONTNEED);
  return mapping_->CheckLength();
}

void MappedFile::TouchPages() const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  for (size_t i = 0; i < bytes_.size(); i += page) {
    // volatile: a value that nobody uses would not be read.
    (void)*static_cast<const volatile std::byte*>(&bytes_[i]);
  }
  (void)*static_cast<const volatile std::byte*>(&bytes_.back());
}

}  // namespace batchsweep
