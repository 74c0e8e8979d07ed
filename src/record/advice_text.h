// An answer in whole sentences.
#ifndef BATCHSWEEP_RECORD_ADVICE_TEXT_H_
#define BATCHSWEEP_RECORD_ADVICE_TEXT_H_

#include <string>
#include <vector>

namespace batchsweep {

struct Advice;

// Two or three, from the other members of `advice`: how fast to the target, at
// which energy where that is known, what memory and examples cost; then what
// was left out. Each is one line that ends with a full stop.
std::vector<std::string> AdviceSentences(const Advice& advice);

}  // namespace batchsweep

#endif  // BATCHSWEEP_RECORD_ADVICE_TEXT_H_
