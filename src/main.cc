#include <new>

#include "cli/cli.h"
#include "platform/memory.h"
#include "platform/terminal.h"

// What is planned is refused in time where it does not fit. Anything else, down
// to the text of a message, can still find no memory: that ends here, and takes
// none to say so.
int main(int argc, char** argv) {
  constexpr int kWaitMs = 1000;
  try {
    return batchsweep::RunCli(argc, argv);
  } catch (const std::bad_alloc&) {
    for (const char* part : {"batchsweep: ", batchsweep::kMemoryRanOut, "\n"}) {
      batchsweep::WriteToStderr(part, kWaitMs);
    }
    return 1;
  }
}
