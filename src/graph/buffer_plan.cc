#include "graph/buffer_plan.h"

#include <algorithm>
#include <limits>

namespace batchsweep {
namespace {

size_t Index(int value) { return static_cast<size_t>(value); }

// Says which layer writes each value, and which layers read it.
struct ValueEnds {
  explicit ValueEnds(const ValueGraph& graph)
      : writer(graph.values.size(), -1), readers(graph.values.size()) {
    for (size_t i = 0; i < graph.layers.size(); ++i) {
      for (const int input : graph.layers[i].inputs) {
        readers[Index(input)].push_back(i);
      }
      writer[Index(graph.layers[i].output)] = static_cast<int>(i);
    }
  }

  std::vector<int> writer;  // -1: the model's input
  std::vector<std::vector<size_t>> readers;
};

bool RunsInPlace(const ValueGraph& graph, const ValueEnds& ends,
                 const LayerUse& layer) {
  const size_t input = Index(layer.inputs[0]);
  const int writer = ends.writer[input];
  // The model's input stays as it was loaded, since nothing writes it anew
  // within a step.
  if (!layer.works_in_place || writer < 0) return false;
  // Another reader would find y where x was, and so would the way back of the
  // layer in front, if it reads what it wrote.
  return ends.readers[input].size() == 1 &&
         !graph.layers[Index(writer)].backward_reads_y;
}

BufferPlan AssignBuffers(const ValueGraph& graph, const ValueEnds& ends,
                         const StepMoments& moments) {
  BufferPlan plan;
  plan.buffer_of.assign(graph.values.size(), -1);
  // A gradient's life has no first moment yet: KeepFor() lowers it to that of
  // the first layer that writes it.
  const auto add = [&](int value, int first) {
    plan.buffer_of[Index(value)] = static_cast<int>(plan.buffers.size());
    plan.buffers.push_back(
        {.writer = ends.writer[Index(value)],
         .size = graph.values[Index(value)].size,
         .value = {.first = first},
         .grad = {.first = std::numeric_limits<int>::max()}});
  };
  add(0, StepMoments::kLoad);
  // Layers come in order of computation, so an input has its buffer already.
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    const LayerUse& layer = graph.layers[i];
    if (RunsInPlace(graph, ends, layer)) {
      plan.buffer_of[Index(layer.output)] =
          plan.buffer_of[Index(layer.inputs[0])];
    } else {
      add(layer.output, moments.Forward(i));
    }
  }
  return plan;
}

// Lengthens the lives of a buffer by what one of its values asks for.
void KeepFor(size_t value, const ValueGraph& graph, const ValueEnds& ends,
             const StepMoments& moments, Buffer& buffer) {
  buffer.needs_grad |= graph.values[value].needs_grad;
  const auto read_at = [&](int moment) {
    buffer.value.last = std::max(buffer.value.last, moment);
  };
  const auto grad_written_at = [&](int moment) {
    buffer.grad.first = std::min(buffer.grad.first, moment);
  };
  // On the way back readers come before the writer: they write the gradient,
  // and the writer is the last to read it.
  for (const size_t reader : ends.readers[value]) {
    read_at(graph.layers[reader].backward_reads_x ? moments.Backward(reader)
                                                  : moments.Forward(reader));
    grad_written_at(moments.Backward(reader));
  }
  if (value == Index(graph.output)) {
    read_at(moments.Loss());
    // The score leaves there what the gradient is made from, see graph/loss.h.
    grad_written_at(moments.Loss());
  }
  // The model's input has no layer in front that would read its gradient.
  if (ends.writer[value] < 0) return;
  const size_t writer = Index(ends.writer[value]);
  read_at(graph.layers[writer].backward_reads_y ? moments.Backward(writer)
                                                : moments.Forward(writer));
  buffer.grad.last = std::max(buffer.grad.last, moments.Backward(writer));
}

}  // namespace

BufferPlan ShareBuffers(const ValueGraph& graph) {
  const StepMoments moments{static_cast<int>(graph.layers.size())};
  const ValueEnds ends(graph);
  BufferPlan plan = AssignBuffers(graph, ends, moments);
  // A buffer lives as long as any of its values asks for: those that share it
  // hand it on from one layer in place to the next.
  for (size_t value = 0; value < graph.values.size(); ++value) {
    KeepFor(value, graph, ends, moments,
            plan.buffers[Index(plan.buffer_of[value])]);
  }
  return plan;
}

// The last reader finds in the gradient's memory what was there before, and so
// overwrites it; the others must add. A layer that reads one value twice, such
// as x + x, is two readers.
std::vector<std::vector<DxPlace>> PlaceInputGradients(const ValueGraph& graph) {
  std::vector<std::vector<DxPlace>> places(graph.layers.size());
  std::vector<bool> written(graph.values.size(), false);
  for (size_t i = graph.layers.size(); i-- > 0;) {
    for (const int input : graph.layers[i].inputs) {
      const size_t value = Index(input);
      if (!graph.values[value].needs_grad) {
        places[i].push_back(DxPlace::kNowhere);
        continue;
      }
      places[i].push_back(written[value] ? DxPlace::kBeside
                                         : DxPlace::kInPlace);
      written[value] = true;
    }
  }
  return places;
}

}  // namespace batchsweep
