"""A keras_graph.Graph as an ONNX model of its forward pass, from 8-bit images in NCHW to logits.

Only Flatten and Reshape put the channels last, since the weights behind them are in Keras' order. Has what the zoo's
models have; ONNX Runtime's training module makes the loss and the gradients.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import keras_graph

OPSET, IR_VERSION = 17, 8  # what ONNX Runtime 1.19 trains
OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
BATCH_NORM_MOMENTUM, BATCH_NORM_EPSILON = 0.99, 1e-3  # Keras' defaults


def is_image(shape):
    return len(shape) == 3


class Builder:
    """After build(): what is trained, the running statistics, and the names of the graph's outputs."""

    def __init__(self, graph, initial, batch_size):
        self.graph, self.initial, self.batch_size = graph, initial, batch_size
        self.nodes, self.initializers, self.trainable, self.statistics = [], [], [], []
        self.logits, self.images, self.regularisation = "", "", ""  # the last is of what regularisers add, if they do
        self.shapes = {"": graph.input_shape} | {layer.name: layer.shape for layer in graph.layers}  # Keras'

    def add(self, operator, *inputs, outputs=1, **attributes):
        names = [f"value_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=f"node_{len(self.nodes)}",
                                           **attributes))
        return names[0]

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def weight(self, layer, name, to_onnx=np.asarray, kept=None):
        full = f"{layer.name}/{name}"
        (self.trainable if kept is None else kept).append(full)
        return self.constant(full, to_onnx(self.initial[full]))

    def bias(self, layer):
        return [self.weight(layer, "bias")] if layer.config.get("use_bias", True) else []

    def build(self):
        shape = self.graph.input_shape
        shape = [self.batch_size, *((shape[2], *shape[:2]) if is_image(shape) else shape)]
        value = self.add("Cast", "images", to=TensorProto.FLOAT)
        self.images = self.add("Div", value, self.constant("scale", np.float32(255)))
        values = {"": self.images}
        for layer in self.graph.layers:
            values[layer.name] = self.layer(layer, [values[name] for name in layer.inputs])
        self.logits = values[self.graph.layers[-1].name]
        outputs = [(self.logits, [self.batch_size, *self.graph.output_shape])]
        self.regularisation = self.add_regularisation()
        outputs += [(self.regularisation, [])] if self.regularisation else []
        graph = helper.make_graph(
            self.nodes, self.graph.name, [helper.make_tensor_value_info("images", TensorProto.UINT8, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
            self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model

    def add_regularisation(self):
        """The value that Keras adds to the loss, "" without regularisers."""
        total = ""
        for index, param in enumerate(param for param in self.graph.params() if param.l2):
            squares = self.add("ReduceSum", self.add("Mul", param.name, param.name), keepdims=0)
            term = self.add("Mul", squares, self.constant(f"l2_{index}", np.float32(param.l2)))
            total = self.add("Add", total, term) if total else term
        return total

    def layer(self, layer, inputs):
        kind, value, shape = layer.kind, inputs[0], self.shapes[layer.inputs[0]]
        if kind in ("Flatten", "Reshape") and len(layer.shape) == 1:
            nhwc = self.add("Transpose", value, perm=[0, 2, 3, 1]) if is_image(shape) else value
            return self.add("Flatten", nhwc, axis=1)
        if kind == "Dense":
            return self.finish(layer, self.add("Gemm", value, self.weight(layer, "kernel"), *self.bias(layer)))
        if kind in ("Conv2D", "DepthwiseConv2D"):
            return self.finish(layer, self.convolution(layer, value, shape))
        if kind in ("MaxPooling2D", "AveragePooling2D"):
            return self.pooling(layer, value, shape)
        if kind == "GlobalAveragePooling2D" and not layer.config.get("keepdims"):
            return self.add("Flatten", self.add("GlobalAveragePool", value), axis=1)
        if kind == "BatchNormalization":
            return self.batch_norm(layer, value)
        if kind == "Dropout":
            rate = self.constant(f"{layer.name}/rate", np.float32(layer.config["rate"]))
            training = self.constant(f"{layer.name}/training", np.bool_(True))
            return self.add("Dropout", value, rate, training, outputs=2)  # its gradient reads the mask
        if kind == "Add" and len(inputs) == 2:
            return self.add("Add", *inputs)
        if kind in ("Activation", "ReLU"):
            return self.finish(layer, value)
        raise keras_graph.ModelError(f"layer {layer.name} ({kind}): not exported to ONNX")

    def finish(self, layer, value):
        """The activation."""
        name = "relu" if layer.kind == "ReLU" else keras_graph.activation_of(layer)
        is_last = layer is self.graph.layers[-1]
        if name == "linear" or (name == "softmax" and is_last):
            return value  # the loss has the softmax in it
        if name not in OPERATORS or (layer.kind == "ReLU" and layer.config.get("max_value")):
            raise keras_graph.ModelError(f"layer {layer.name}: activation {name} is not exported to ONNX")
        return self.add(OPERATORS[name], value)

    def convolution(self, layer, value, shape):
        config = layer.config
        window, strides = keras_graph.pair(config["kernel_size"]), keras_graph.pair(config.get("strides", 1))
        dilation = keras_graph.pair(config.get("dilation_rate", 1))
        if layer.kind == "Conv2D":
            groups, kernel = 1, self.weight(layer, "kernel", lambda k: k.transpose(3, 2, 0, 1))
        else:  # (KH, KW, C, M) to (C M, 1, KH, KW)
            groups = shape[2]
            kernel = self.weight(layer, "kernel", lambda k: k.transpose(2, 3, 0, 1).reshape(-1, 1, *window))
        return self.add("Conv", value, kernel, *self.bias(layer), kernel_shape=window, strides=strides, group=groups,
                        dilations=dilation, pads=pads(layer, shape, window, strides, dilation))

    def pooling(self, layer, value, shape):
        window = keras_graph.pair(layer.config["pool_size"])
        strides = keras_graph.pair(layer.config.get("strides") or window)
        operator = "MaxPool" if layer.kind == "MaxPooling2D" else "AveragePool"
        return self.add(operator, value, kernel_shape=window, strides=strides, pads=pads(layer, shape, window, strides))

    def batch_norm(self, layer, value):
        config = layer.config
        size = layer.shape[-1]
        gamma, beta = (self.weight(layer, name) if config.get(flag, True) else
                       self.constant(f"{layer.name}/{name}", np.full(size, first, np.float32))
                       for name, flag, first in (("gamma", "scale", 1), ("beta", "center", 0)))
        mean, variance = (self.weight(layer, name, kept=self.statistics)
                          for name in ("moving_mean", "moving_variance"))
        return self.add("BatchNormalization", value, gamma, beta, mean, variance, outputs=3, training_mode=1,
                        momentum=config.get("momentum", BATCH_NORM_MOMENTUM),
                        epsilon=config.get("epsilon", BATCH_NORM_EPSILON))


def pads(layer, shape, window, strides, dilation=(1, 1)):
    """All that is before, then all that is behind."""
    if layer.config["padding"] != "same":
        return [0, 0, 0, 0]
    pairs = [keras_graph.same_padding(*one) for one in zip(shape, window, strides, dilation)]
    return [before for before, _ in pairs] + [behind for _, behind in pairs]
