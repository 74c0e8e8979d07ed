// Standard error is a file or a line to somewhere.
#include "platform/terminal.h"

namespace batchsweep {

bool StderrIsTerminal() { return false; }

int StderrColumns() { return 80; }

}  // namespace batchsweep
