// The models that come with the program: Keras JSON files of src/model/zoo,
// embedded when it is built. tools/make_zoo.py makes all but the first two.
//
//   mlp, mlp-wide, cnn, lenet5   28 x 28 images of 10 classes
//
// and MLPerf Tiny's reference models
//   resnet8            32 x 32 images of 10 classes
//   ds-cnn             spectrograms of 12 spoken words
//   mobilenet-v1-025   96 x 96 images with or without a person
//   autoencoder        spectra of a machine, which it gives back
#ifndef BATCHSWEEP_MODEL_ZOO_H_
#define BATCHSWEEP_MODEL_ZOO_H_

#include <optional>
#include <span>
#include <string_view>

namespace batchsweep {

struct ZooModel {
  std::string_view name;
  std::string_view json;
};

std::span<const ZooModel> ZooModels();

// Absent if there is no model of that name.
std::optional<ZooModel> FindZooModel(std::string_view name);

}  // namespace batchsweep

#endif  // BATCHSWEEP_MODEL_ZOO_H_
