#include "graph/buffer_plan.h"

#include <catch2/catch_test_macros.hpp>

namespace batchsweep {
namespace {

// A layer that reads x on the way back, as a dense one does.
LayerUse Reads(std::vector<int> inputs, int output) {
  return {.inputs = std::move(inputs), .output = output};
}

// A layer that needs y alone on the way back, and no memory for it.
LayerUse InPlace(int input, int output) {
  return {.inputs = {input},
          .output = output,
          .backward_reads_x = false,
          .backward_reads_y = true,
          .works_in_place = true};
}

ValueGraph Graph(std::vector<LayerUse> layers) {
  ValueGraph graph;
  graph.values.push_back({.size = 8});
  for (const LayerUse& layer : layers) {
    graph.values.push_back({.size = 4, .needs_grad = true});
    graph.output = layer.output;
  }
  graph.layers = std::move(layers);
  return graph;
}

void CheckLife(const Lifetime& life, int first, int last) {
  CHECK(life.first == first);
  CHECK(life.last == last);
}

TEST_CASE("the moments of a step come in the order of its phases", "[plan]") {
  const StepMoments moments{.layers = 3};
  const std::vector<int> order = {
      StepMoments::kLoad,  moments.Forward(0),  moments.Forward(1),
      moments.Forward(2),  moments.Loss(),      moments.Backward(2),
      moments.Backward(1), moments.Backward(0), moments.Update()};
  for (size_t i = 0; i < order.size(); ++i) {
    CHECK(order[i] == static_cast<int>(i));
  }
}

TEST_CASE("a value is kept until it was read last, its gradient until then",
          "[plan]") {
  ValueGraph graph = Graph({Reads({0}, 1), Reads({1}, 2)});
  const StepMoments moments{.layers = 2};
  const BufferPlan plan = ShareBuffers(graph);
  CHECK(plan.buffer_of == std::vector<int>{0, 1, 2});
  CHECK(plan.buffers[0].writer == -1);
  CHECK(plan.buffers[0].size == 8);
  CHECK(!plan.buffers[0].needs_grad);
  CHECK(plan.buffers[1].writer == 0);
  CHECK(plan.buffers[1].size == 4);
  CHECK(plan.buffers[1].needs_grad);
  CheckLife(plan.buffers[0].value, StepMoments::kLoad, moments.Backward(0));
  CheckLife(plan.buffers[1].value, moments.Forward(0), moments.Backward(1));
  CheckLife(plan.buffers[1].grad, moments.Backward(1), moments.Backward(0));
  // Only the loss reads the output.
  CheckLife(plan.buffers[2].value, moments.Forward(1), moments.Loss());
  CheckLife(plan.buffers[2].grad, moments.Loss(), moments.Backward(1));

  // A layer that does not need x on the way back lets go of it at once.
  graph.layers[1].backward_reads_x = false;
  CheckLife(ShareBuffers(graph).buffers[1].value, moments.Forward(0),
            moments.Forward(1));
  // Unless the layer that wrote it needs it as y.
  graph.layers[0].backward_reads_y = true;
  CheckLife(ShareBuffers(graph).buffers[1].value, moments.Forward(0),
            moments.Backward(0));
}

TEST_CASE("a layer works in place where nobody else needs its input",
          "[plan]") {
  ValueGraph graph = Graph({Reads({0}, 1), InPlace(1, 2), Reads({2}, 3)});
  const StepMoments moments{.layers = 3};
  const BufferPlan plan = ShareBuffers(graph);
  CHECK(plan.buffer_of == std::vector<int>{0, 1, 1, 2});
  // One life, of both values: from layer 0's output to layer 1's reading of y.
  CHECK(plan.buffers[1].writer == 0);
  CheckLife(plan.buffers[1].value, moments.Forward(0), moments.Backward(1));
  CheckLife(plan.buffers[1].grad, moments.Backward(2), moments.Backward(0));

  SECTION("but not over a y that the way back reads") {
    graph.layers[0].backward_reads_y = true;
    CHECK(ShareBuffers(graph).buffer_of == std::vector<int>{0, 1, 2, 3});
  }
  SECTION("but not over what another layer reads too") {
    graph.layers[2].inputs = {2, 1};
    CHECK(ShareBuffers(graph).buffer_of == std::vector<int>{0, 1, 2, 3});
  }
  SECTION("but not over what was loaded") {
    const BufferPlan first = ShareBuffers(Graph({InPlace(0, 1)}));
    CHECK(first.buffer_of == std::vector<int>{0, 1});
  }
}

TEST_CASE("a value with two readers lives for the later, its gradient too",
          "[plan]") {
  // The block of a residual network: 3 = 1 + f(1).
  ValueGraph graph =
      Graph({Reads({0}, 1), Reads({1}, 2), Reads({1, 2}, 3), Reads({3}, 4)});
  graph.layers[2].backward_reads_x = false;
  const StepMoments moments{.layers = 4};
  const BufferPlan plan = ShareBuffers(graph);
  CheckLife(plan.buffers[1].value, moments.Forward(0), moments.Backward(1));
  // Layer 2 reads it last and so writes its gradient first.
  CheckLife(plan.buffers[1].grad, moments.Backward(2), moments.Backward(0));
  const auto places = PlaceInputGradients(graph);
  CHECK(places[0] == std::vector{DxPlace::kNowhere});
  CHECK(places[1] == std::vector{DxPlace::kBeside});
  CHECK(places[2] == std::vector{DxPlace::kInPlace, DxPlace::kInPlace});
  CHECK(places[3] == std::vector{DxPlace::kInPlace});
}

TEST_CASE("a layer that reads a value twice adds its second share", "[plan]") {
  const ValueGraph graph = Graph({Reads({0}, 1), Reads({1, 1}, 2)});
  CHECK(PlaceInputGradients(graph)[1] ==
        std::vector{DxPlace::kInPlace, DxPlace::kBeside});
}

TEST_CASE("nothing has a gradient in front of the first layer that trains",
          "[plan]") {
  ValueGraph graph = Graph({Reads({0}, 1), Reads({1}, 2), Reads({2}, 3)});
  graph.values[1].needs_grad = false;
  const BufferPlan plan = ShareBuffers(graph);
  CHECK(!plan.buffers[1].needs_grad);
  CHECK(plan.buffers[2].needs_grad);
  const auto places = PlaceInputGradients(graph);
  CHECK(places[1] == std::vector{DxPlace::kNowhere});
  CHECK(places[2] == std::vector{DxPlace::kInPlace});
}

}  // namespace
}  // namespace batchsweep
