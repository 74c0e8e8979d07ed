#!/usr/bin/env python3
"""Writes the models of src/model/zoo, all but the two first ones.

Needs Keras 3, which neither the build nor the program does: the files are
committed. Each is what model.to_json() gives, without what Keras assumes
anyhow, and is loaded again to see that nothing is missing.

resnet8, ds-cnn, mobilenet-v1-025 and autoencoder have the layers of MLPerf
Tiny's reference models (github.com/mlcommons/tiny, benchmark/training). There
a DepthwiseConv2D is given a kernel_initializer and a kernel_regularizer, which
Keras 2 passes over, so here it has neither.
"""

import json
import pathlib

import keras
from keras import layers

ZOO = pathlib.Path(__file__).resolve().parent.parent / "src" / "model" / "zoo"

# Keys that say nothing to a reader, and values that every layer has.
NOISE = {"registered_name", "build_config", "compile_config", "dtype", "ragged",
         "sparse", "optional", "trainable", "synchronized", "renorm",
         "renorm_momentum", "seed"}
DEFAULTS = {"data_format": "channels_last", "groups": 1, "use_bias": True,
            "dilation_rate": [1, 1], "kernel_initializer": "glorot_uniform",
            "depthwise_initializer": "glorot_uniform",
            "bias_initializer": "zeros", "beta_initializer": "zeros",
            "gamma_initializer": "ones", "moving_mean_initializer": "zeros",
            "moving_variance_initializer": "ones", "axis": -1, "center": True,
            "scale": True, "keepdims": False}


def conv_options(**options):
    return dict(padding="same", kernel_regularizer=keras.regularizers.L2(1e-4),
                **options)


def normalised(layer):
    return [layer, layers.BatchNormalization()]


def with_relu(layer):
    return [*normalised(layer), layers.Activation("relu")]


def apply(some_layers, x):
    for layer in some_layers:
        x = layer(x)
    return x


def cnn():
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ], name="cnn")


def lenet5():
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(6, 5, padding="same", activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(120, activation="tanh"),
        layers.Dense(84, activation="tanh"),
        layers.Dense(10, activation="softmax"),
    ], name="lenet5")


def resnet8():
    options = conv_options(kernel_initializer="he_normal")
    inputs = keras.Input((32, 32, 3))
    x = apply(with_relu(layers.Conv2D(16, 3, **options)), inputs)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        first = layers.Conv2D(filters, 3, strides=strides, **options)
        second = layers.Conv2D(filters, 3, **options)
        y = apply([*with_relu(first), *normalised(second)], x)
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides=strides, **options)(x)
        x = layers.Activation("relu")(layers.Add()([x, y]))
    outputs = apply([
        layers.AveragePooling2D(8),
        layers.Flatten(),
        layers.Dense(10, activation="softmax", kernel_initializer="he_normal"),
    ], x)
    return keras.Model(inputs, outputs, name="resnet8")


def ds_cnn():
    model = [keras.Input((49, 10, 1)),
             *with_relu(layers.Conv2D(64, (10, 4), strides=2,
                                      **conv_options())),
             layers.Dropout(0.2)]
    for _ in range(4):
        model += with_relu(layers.DepthwiseConv2D(3, padding="same"))
        model += with_relu(layers.Conv2D(64, 1, **conv_options()))
    model += [layers.Dropout(0.4),
              layers.AveragePooling2D((24, 5)),
              layers.Flatten(),
              layers.Dense(12, activation="softmax")]
    return keras.Sequential(model, name="ds-cnn")


def mobilenet_v1_025():
    options = conv_options(kernel_initializer="he_normal")
    model = [keras.Input((96, 96, 3)),
             *with_relu(layers.Conv2D(8, 3, strides=2, **options))]
    for filters, strides in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1),
                             (128, 2), (128, 1), (128, 1), (128, 1), (128, 1),
                             (128, 1), (256, 2), (256, 1)):
        model += with_relu(layers.DepthwiseConv2D(3, strides=strides,
                                                  padding="same"))
        model += with_relu(layers.Conv2D(filters, 1, **options))
    model += [layers.AveragePooling2D(3),
              layers.Flatten(),
              layers.Dense(2, activation="softmax",
                           kernel_initializer="he_normal")]
    return keras.Sequential(model, name="mobilenet-v1-025")


def autoencoder():
    model = [keras.Input((640,))]
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        model += with_relu(layers.Dense(units))
    model += [layers.Dense(640)]
    return keras.Sequential(model, name="autoencoder")


def plain(value):
    """`value` without noise; an initialiser without options as its name."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("module") == "keras.initializers":
        return {"GlorotUniform": "glorot_uniform", "HeNormal": "he_normal",
                "Zeros": "zeros", "Ones": "ones"}[value["class_name"]]
    if value.get("class_name") == "__keras_tensor__":
        return value
    kept = {}
    for key, item in value.items():
        item = plain(item)
        if item is None or key in NOISE or DEFAULTS.get(key) == item:
            continue
        kept[key] = item
    return kept


def dump(value, indent=""):
    """JSON of two spaces; what fits a line stands on one."""
    line = json.dumps(value)
    if len(indent) + len(line) <= 80 or not isinstance(value, (dict, list)):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {dump(item, inner)}"
                 for key, item in value.items()]
    else:
        parts = [dump(item, inner) for item in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return (first + "\n" + ",\n".join(inner + part for part in parts) + "\n" +
            indent + last)


def main():
    for make in (cnn, lenet5, resnet8, ds_cnn, mobilenet_v1_025, autoencoder):
        keras.backend.clear_session()  # default names begin anew
        model = make()
        text = dump(plain(json.loads(model.to_json()))) + "\n"
        loaded = keras.models.model_from_json(text)
        assert loaded.count_params() == model.count_params()
        assert ([w.path for w in loaded.weights] ==
                [w.path for w in model.weights])
        (ZOO / f"{model.name}.json").write_text(text, encoding="utf-8")
        print(model.name, model.count_params())


if __name__ == "__main__":
    main()
