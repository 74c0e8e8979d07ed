// CHECK: a broken invariant of ours ends the program and says where. Always on.
// Bad input is never a CHECK; it is an Error (platform/error.h).
#ifndef BATCHSWEEP_UTIL_CHECK_H_
#define BATCHSWEEP_UTIL_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) [[unlikely]] {                                        \
      std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", __FILE__, __LINE__, \
                   #condition);                                             \
      std::abort();                                                         \
    }                                                                       \
  } while (false)

#endif  // BATCHSWEEP_UTIL_CHECK_H_
