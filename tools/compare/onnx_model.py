"""A keras_graph.Graph as an ONNX model of its forward pass, from 8-bit images in NCHW to logits.

Only Flatten and Reshape put the channels last, since the weights behind them are in Keras' order. For chains without
normalisation; ONNX Runtime's training module makes the loss and the gradients.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import keras_graph

OPSET, IR_VERSION = 17, 8  # what ONNX Runtime 1.19 trains
OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}


class Builder:
    def __init__(self, graph, initial, batch_size):
        self.graph, self.initial, self.batch_size = graph, initial, batch_size
        self.nodes, self.initializers, self.trainable = [], [], []
        self.shape = graph.input_shape  # Keras', of the value that is last

    def add(self, operator, *inputs, **attributes):
        name = f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=f"node_{len(self.nodes)}",
                                           **attributes))
        return name

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, layer, name, to_onnx=np.asarray):
        full = f"{layer.name}/{name}"
        self.trainable.append(full)
        return self.constant(full, to_onnx(self.initial[full]))

    def bias(self, layer):
        return [self.weight(layer, "bias")] if layer.config.get("use_bias", True) else []

    def build(self):
        is_image = len(self.shape) == 3
        shape = [self.batch_size, *((self.shape[2], *self.shape[:2]) if is_image else self.shape)]
        value = self.add("Cast", "images", to=TensorProto.FLOAT)
        value = self.add("Div", value, self.constant("scale", np.float32(255)))
        for layer in self.graph.layers:
            value = self.layer(layer, value)
            self.shape = layer.shape
        graph = helper.make_graph(
            self.nodes, self.graph.name, [helper.make_tensor_value_info("images", TensorProto.UINT8, shape)],
            [helper.make_tensor_value_info(value, TensorProto.FLOAT, [self.batch_size, *self.shape])],
            self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model

    def layer(self, layer, value):
        if not self.graph.is_chain or any(param.l2 for param in layer.params):
            raise keras_graph.ModelError(f"layer {layer.name}: a branch or a regulariser is not exported to ONNX")
        if layer.kind in ("Flatten", "Reshape") and len(layer.shape) == 1:
            nhwc = self.add("Transpose", value, perm=[0, 2, 3, 1]) if len(self.shape) == 3 else value
            return self.add("Flatten", nhwc, axis=1)
        if layer.kind == "Dense":
            value = self.add("Gemm", value, self.weight(layer, "kernel"), *self.bias(layer))
        elif layer.kind == "Conv2D":
            value = self.convolution(layer, value)
        elif layer.kind in ("MaxPooling2D", "AveragePooling2D"):
            return self.pooling(layer, value)
        elif layer.kind not in ("Activation", "ReLU"):
            raise keras_graph.ModelError(f"layer {layer.name} ({layer.kind}): not exported to ONNX")
        return self.activation(layer, value)

    def activation(self, layer, value):
        name = "relu" if layer.kind == "ReLU" else keras_graph.activation_of(layer)
        is_last = layer is self.graph.layers[-1]
        if name == "linear" or (name == "softmax" and is_last):
            return value  # the loss has the softmax in it
        if name not in OPERATORS or (layer.kind == "ReLU" and layer.config.get("max_value")):
            raise keras_graph.ModelError(f"layer {layer.name}: activation {name} is not exported to ONNX")
        return self.add(OPERATORS[name], value)

    def pads(self, layer, window, strides):
        """All that is before, then all that is behind."""
        if layer.config["padding"] != "same":
            return [0, 0, 0, 0]
        pairs = [keras_graph.same_padding(*one) for one in zip(self.shape, window, strides)]
        return [before for before, _ in pairs] + [behind for _, behind in pairs]

    def convolution(self, layer, value):
        config = layer.config
        window, strides = keras_graph.pair(config["kernel_size"]), keras_graph.pair(config.get("strides", 1))
        if keras_graph.pair(config.get("dilation_rate", 1)) != (1, 1):
            raise keras_graph.ModelError(f"layer {layer.name}: a dilation is not exported to ONNX")
        kernel = self.weight(layer, "kernel", lambda k: k.transpose(3, 2, 0, 1))
        return self.add("Conv", value, kernel, *self.bias(layer), kernel_shape=window, strides=strides,
                        pads=self.pads(layer, window, strides))

    def pooling(self, layer, value):
        window = keras_graph.pair(layer.config["pool_size"])
        strides = keras_graph.pair(layer.config.get("strides") or window)
        operator = "MaxPool" if layer.kind == "MaxPooling2D" else "AveragePool"
        return self.add(operator, value, kernel_shape=window, strides=strides, pads=self.pads(layer, window, strides))
