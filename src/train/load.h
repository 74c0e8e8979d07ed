// Examples of a dataset into a network.
#ifndef BATCHSWEEP_TRAIN_LOAD_H_
#define BATCHSWEEP_TRAIN_LOAD_H_

#include <cstdint>
#include <span>

#include "data/dataset.h"
#include "graph/network.h"
#include "kernels/kernels.h"
#include "xnn/thread_pool.h"

namespace batchsweep {

// Copies the inputs of `rows`, pixels scaled to 0 .. 1, into the network, and
// what its loss learns from: labels; or targets, made from labels as one-hot
// rows where the dataset has no targets, and from the inputs themselves where
// it has no labels either. REQUIRES: rows.size() == network.batch().
void LoadBatch(const Dataset& dataset, std::span<const uint32_t> rows,
               const Kernels& kernels, ThreadPool& pool, Network& network);

}  // namespace batchsweep

#endif  // BATCHSWEEP_TRAIN_LOAD_H_
