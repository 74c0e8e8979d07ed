// Where a process reports that a mapped file became shorter, see
// platform/mapped_file.h.
#ifndef BATCHSWEEP_PLATFORM_POSIX_LOST_PAGES_H_
#define BATCHSWEEP_PLATFORM_POSIX_LOST_PAGES_H_

namespace batchsweep {

// From now on this process writes the bare message to that descriptor, for its
// parent to report, instead of a line to standard error.
void ReportLostPagesTo(int descriptor);

}  // namespace batchsweep

#endif  // BATCHSWEEP_PLATFORM_POSIX_LOST_PAGES_H_
