#include "record/cell.h"

#include <format>

namespace batchsweep {

std::string CellName(const CellKey& cell) {
  std::string name = std::format("batch {}", cell.batch_size);
  if (cell.threads > 1) name += std::format(", {} threads", cell.threads);
  if (cell.seed > 1) name += std::format(", seed {}", cell.seed);
  if (cell.process > 1) name += std::format(", process {}", cell.process);
  return name;
}

}  // namespace batchsweep
