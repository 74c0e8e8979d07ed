"""What a Keras JSON file says, as plain data: layers in order, what each reads, shapes and weights.

Shapes are those of one example and in Keras' order: (H, W, C), (H, W) or (C). Covers the layers that batchsweep
trains, Sequential and functional models, as Keras 2 and 3 write them.
"""

import dataclasses
import json
import math
import pathlib

# Layers that keep the shape and have no weights.
ELEMENTWISE = {"Activation", "ReLU", "LeakyReLU", "Softmax", "Dropout", "Rescaling"}


class ModelError(Exception):
    """One line: which layer of which file, what was found, what was expected."""


@dataclasses.dataclass
class Param:
    name: str  # LAYER/kernel, as in the safetensors files
    shape: tuple
    fans: tuple = None  # (fan_in, fan_out) of a kernel by Keras' rule; None for all else
    first: float = 0.0  # the first value of what is not a kernel
    l2: float = 0.0
    trainable: bool = True


@dataclasses.dataclass
class Layer:
    name: str
    kind: str  # Keras' class name
    config: dict
    inputs: list  # names of layers; "" is the model's input
    shape: tuple = ()  # of the output
    params: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Graph:
    name: str
    input_shape: tuple
    layers: list  # each behind those it reads; the last one's output is the model's
    text: str  # the JSON

    def params(self):
        return [param for layer in self.layers for param in layer.params]

    def parameter_count(self):
        return sum(math.prod(param.shape) for param in self.params())

    @property
    def output_shape(self):
        return self.layers[-1].shape

    @property
    def loss(self):
        """Mean squared error where the input is what is learnt, or else sparse categorical cross-entropy."""
        return "mse" if self.output_shape == self.input_shape else "sparse_categorical_crossentropy"

    @property
    def ends_in_softmax(self):
        return self.layers[-1].kind == "Softmax" or activation_of(self.layers[-1]) == "softmax"

    @property
    def classes(self):
        return None if self.loss == "mse" else self.output_shape[-1]

    @property
    def has_dropout(self):
        return any(layer.kind == "Dropout" and layer.config["rate"] > 0 for layer in self.layers)

    @property
    def is_chain(self):
        names = [""] + [layer.name for layer in self.layers]
        return all(layer.inputs == [before] for layer, before in zip(self.layers, names))

    def readers(self, name):
        return [layer for layer in self.layers if name in layer.inputs]


def activation_of(layer):
    """The name of the activation in a layer's config; Keras writes a string or a serialised object."""
    found = layer.config.get("activation")
    if isinstance(found, dict):
        found = found.get("config") if isinstance(found.get("config"), str) else found.get("class_name")
    return found or "linear"


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def same_padding(size, window, stride, dilation=1):
    """(before, after) by Keras' rule: ceil(size / stride) outputs, the odd zero behind."""
    total = max(0, (math.ceil(size / stride) - 1) * stride + (window - 1) * dilation + 1 - size)
    return total // 2, total - total // 2


def window_size(size, window, stride, padding, dilation=1):
    if padding == "same":
        return math.ceil(size / stride)
    return (size - (window - 1) * dilation - 1) // stride + 1


def load(path):
    path = pathlib.Path(path)
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}: expected a Keras JSON file") from None


def parse(text, origin="model"):
    try:
        model = json.loads(text)
        kind, config = model["class_name"], model["config"]
        entries = config if isinstance(config, list) else config["layers"]  # Keras 1 had a list
        name = "model" if isinstance(config, list) else config["name"]
        layers, input_shape = read_chain(entries) if kind == "Sequential" else read_functional(config)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{origin}: not a Keras model's JSON ({type(error).__name__}: {error}); "
                         "expected what model.to_json() writes") from None
    if not layers or not input_shape:
        raise ModelError(f"{origin}: expected an input shape and a layer; build the model before model.to_json()")
    shapes = {"": input_shape}
    for layer in layers:
        try:
            describe(layer, [shapes[source] for source in layer.inputs])
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise ModelError(f"{origin}: layer {layer.name} ({layer.kind}): {error}") from None
        shapes[layer.name] = layer.shape
    return Graph(name, input_shape, layers, text)


def without_dropout(text):
    """The model's JSON with every Dropout's rate 0, so that its losses do not hang on anyone's random numbers."""
    model = json.loads(text)
    config = model["config"]
    for entry in config if isinstance(config, list) else config["layers"]:
        if entry["class_name"] == "Dropout":
            entry["config"]["rate"] = 0.0
    return json.dumps(model)


def shape_of_input(config):
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    return tuple(shape[1:]) if shape else None


def read_chain(entries):
    layers, input_shape, before = [], None, ""
    for entry in entries:
        config = entry["config"]
        input_shape = input_shape or shape_of_input(config)
        if entry["class_name"] == "InputLayer":
            continue
        layers.append(Layer(config["name"], entry["class_name"], config, [before]))
        before = config["name"]
    return layers, input_shape


def find_sources(value):
    """The names of the layers in a Keras 3 argument or a Keras 2 inbound node."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"][0]]
        return [name for item in value.values() for name in find_sources(item)]
    if isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
            return [value[0]]
        return [name for item in value for name in find_sources(item)]
    return []


def read_functional(config):
    waiting, done, layers = [], set(), []
    outputs = find_sources(config["output_layers"])
    inputs = find_sources(config["input_layers"])
    if len(outputs) != 1 or len(inputs) != 1:
        raise ValueError(f"{len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
    for entry in config["layers"]:
        if entry["class_name"] == "InputLayer":
            input_shape = shape_of_input(entry["config"])
            done.add(entry["config"]["name"])
            continue
        if len(entry["inbound_nodes"]) != 1:
            raise ValueError(f"layer {entry['config']['name']} is used {len(entry['inbound_nodes'])} times, not once")
        sources = ["" if name in inputs else name for name in find_sources(entry["inbound_nodes"])]
        waiting.append(Layer(entry["config"]["name"], entry["class_name"], entry["config"], sources))
    done.add("")
    while waiting:  # in the file's order, but behind what is read
        ready = [layer for layer in waiting if done.issuperset(layer.inputs)]
        if not ready:
            raise ValueError(f"layer {waiting[0].name} reads what no layer gives")
        layers.append(ready[0])
        done.add(ready[0].name)
        waiting.remove(ready[0])
    if layers and layers[-1].name != outputs[0]:
        raise ValueError(f"the output is {outputs[0]}, expected the last layer, {layers[-1].name}")
    return layers, input_shape


def l2_of(config, key):
    regularizer = config.get(key)
    if not regularizer:
        return 0.0
    inner = regularizer["config"]
    if inner.get("l1"):
        raise ValueError(f"{key} with l1, expected l2 only")
    return float(inner.get("l2", 0.0))


def kernel(layer, name, shape, regularizer="kernel_regularizer"):
    receptive = math.prod(shape[:-2])
    return Param(f"{layer.name}/{name}", shape, fans=(receptive * shape[-2], receptive * shape[-1]),
                 l2=l2_of(layer.config, regularizer))


def bias(layer, size):
    return [Param(f"{layer.name}/bias", (size,))] if layer.config.get("use_bias", True) else []


def describe(layer, inputs):
    """Fills in the shape and the weights of a layer that reads tensors of these shapes."""
    config, shape = layer.config, inputs[0]
    kind = layer.kind
    if config.get("data_format") not in (None, "channels_last"):
        raise ValueError("data_format channels_first, expected channels_last")
    if kind in ELEMENTWISE:
        layer.shape = shape
    elif kind == "Flatten":
        layer.shape = (math.prod(shape),)
    elif kind == "Reshape":
        target = tuple(config["target_shape"])
        known = -math.prod(target) if -1 in target else 1
        layer.shape = tuple(math.prod(shape) // known if size == -1 else size for size in target)
    elif kind == "Dense":
        (size,) = shape
        layer.shape = (config["units"],)
        layer.params = [kernel(layer, "kernel", (size, config["units"]))] + bias(layer, config["units"])
    elif kind in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D"):
        describe_convolution(layer, shape)
    elif kind in ("MaxPooling2D", "AveragePooling2D"):
        height, width, channels = shape
        pool = pair(config["pool_size"])
        strides = pair(config.get("strides") or pool)
        layer.shape = tuple(window_size(size, k, s, config["padding"])
                            for size, k, s in zip((height, width), pool, strides)) + (channels,)
    elif kind == "GlobalAveragePooling2D":
        layer.shape = (1, 1, shape[2]) if config.get("keepdims") else (shape[2],)
    elif kind == "ZeroPadding2D":
        (top, bottom), (left, right) = zero_padding(layer)
        layer.shape = (shape[0] + top + bottom, shape[1] + left + right, shape[2])
    elif kind == "BatchNormalization":
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) else axis
        if axis not in (-1, len(shape)):
            raise ValueError(f"axis {axis}, expected the last")
        layer.shape, size = shape, (shape[-1],)
        layer.params = [Param(f"{layer.name}/{name}", size, first=first, trainable=trainable)
                        for name, first, trainable, wanted in (
                            ("gamma", 1.0, True, config.get("scale", True)),
                            ("beta", 0.0, True, config.get("center", True)),
                            ("moving_mean", 0.0, False, True), ("moving_variance", 1.0, False, True)) if wanted]
    elif kind == "Add":
        if set(inputs) != {shape}:
            raise ValueError(f"inputs of {inputs}, expected one shape")
        layer.shape = shape
    elif kind == "Concatenate":
        if config.get("axis", -1) not in (-1, len(shape)):
            raise ValueError(f"axis {config['axis']}, expected the last")
        layer.shape = shape[:-1] + (sum(one[-1] for one in inputs),)
    else:
        raise ValueError("a layer that batchsweep does not train")


def describe_convolution(layer, shape):
    config = layer.config
    height, width, channels = shape
    window, strides = pair(config["kernel_size"]), pair(config.get("strides", 1))
    dilation = pair(config.get("dilation_rate", 1))
    if config.get("groups", 1) != 1:
        raise ValueError(f"{config['groups']} groups, expected 1")
    multiplier = config.get("depth_multiplier", 1)
    if layer.kind == "Conv2D":
        outputs = config["filters"]
        layer.params = [kernel(layer, "kernel", window + (channels, outputs))]
    elif layer.kind == "DepthwiseConv2D":
        outputs = channels * multiplier
        layer.params = [kernel(layer, "kernel", window + (channels, multiplier), "depthwise_regularizer")]
    else:
        outputs = config["filters"]
        layer.params = [kernel(layer, "depthwise_kernel", window + (channels, multiplier), "depthwise_regularizer"),
                        kernel(layer, "pointwise_kernel", (1, 1, channels * multiplier, outputs),
                               "pointwise_regularizer")]
    layer.params += bias(layer, outputs)
    layer.shape = tuple(window_size(size, k, s, config["padding"], d)
                        for size, k, s, d in zip((height, width), window, strides, dilation)) + (outputs,)


def zero_padding(layer):
    padding = layer.config["padding"]
    if isinstance(padding, int):
        return (padding, padding), (padding, padding)
    return tuple(pair(side) for side in padding)
