// Where a sweep stands, on disk, so that `run --resume` goes on bit for bit.
//
// Folder layout, with a serial number N that grows with each checkpoint:
//   state-N.json           how far the sweep is, how much of each table counts,
//                          and the cells that can be gone on with; sealed, see
//                          record/sealed_json.h
//   tensors-M.safetensors  what one of these cells trained, M <= N: the weights
//                          under their own names, the optimizer's slots as
//                          "slot 0", "slot 1", the step times, and each step's
//                          flags as a number whose bits are the flags
// A state has the checksums of all files that it refers to, and is written
// after them. The last two states are kept with what they refer to: where the
// newer one proves damaged, the older one is gone on from.
#ifndef BATCHSWEEP_SWEEP_CHECKPOINT_H_
#define BATCHSWEEP_SWEEP_CHECKPOINT_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "graph/network.h"
#include "platform/error.h"
#include "sweep/sweep_position.h"

namespace batchsweep {

// Writes what the cell number `cell` trained, of which `state` tells the rest,
// to a file of the checkpoint that SavePosition() writes next, and enters it
// in `position`, instead of what was kept of that cell. The step history goes
// to the file alone: `state` comes back unchanged, without a copy of it.
Status KeepCell(const std::filesystem::path& folder, int64_t cell,
                CellState& state, Network& network, SweepPosition& position);

// Writes the position as the next checkpoint and removes what neither it nor
// the one before refers to. Makes the folder if it is not there.
Status SavePosition(const std::filesystem::path& folder,
                    SweepPosition& position);

// The checkpoints of a folder by their file's name, the newest first.
std::vector<std::filesystem::path> ListStates(
    const std::filesystem::path& folder);

// An error says that the file cannot be read or is not as it was written.
Result<SweepPosition> ReadState(const std::filesystem::path& path);

// The newest, as it is: for a process whose child just wrote it.
Result<SweepPosition> ReadNewestState(const std::filesystem::path& folder);

// An error names the first file of the checkpoint that is missing or is not as
// it was written.
Status CheckTensors(const std::filesystem::path& folder,
                    const SweepPosition& position);

// Fills the network's weights and optimizer slots, and the cell's step history,
// from what KeepCell() wrote.
Status LoadKeptCell(const std::filesystem::path& folder, const KeptCell& kept,
                    CellState& state, Network& network);

}  // namespace batchsweep

#endif  // BATCHSWEEP_SWEEP_CHECKPOINT_H_
