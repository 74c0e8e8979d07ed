"""A keras_graph.Graph as a torch module that computes what Keras computes.

Images are NCHW inside; only Flatten and Reshape put the channels last again, since the weights behind them are in
Keras' order. In the channels_last memory format that costs no copy.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import keras_graph

BATCH_NORM_MOMENTUM = 0.99  # Keras' default, of the old value; torch counts it of the new one
INPLACE_SAFE = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense", "BatchNormalization", "Add"}


class Permute(nn.Module):
    def __init__(self, *dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(*self.dims)


class View(nn.Module):
    """Gives each example this shape."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(x.shape[0], *self.shape)


class Scale(nn.Module):
    def __init__(self, scale, offset):
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x):
        return x * self.scale + self.offset


class Mean(nn.Module):
    def __init__(self, keepdims):
        super().__init__()
        self.keepdims = keepdims

    def forward(self, x):
        return x.mean((2, 3), keepdim=self.keepdims)


class PaddedAverage(nn.Module):
    """Average pooling that does not count the padding, which is uneven."""

    def __init__(self, window, strides, padding):
        super().__init__()
        self.window, self.strides, self.padding = window, strides, padding
        self.share = None

    def forward(self, x):
        if self.share is None:
            ones = F.pad(torch.ones_like(x[:1, :1]), self.padding)
            self.share = 1 / F.avg_pool2d(ones, self.window, self.strides)
        return F.avg_pool2d(F.pad(x, self.padding), self.window, self.strides) * self.share


class KerasBatchNorm(nn.BatchNorm2d):
    """Keeps the running variance as Keras does: of the biased variance. Slower; the loss in training is the same."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        dims = [0] + list(range(2, x.dim()))
        with torch.no_grad():
            self.running_mean.lerp_(x.mean(dims), self.momentum)
            self.running_var.lerp_(x.var(dims, unbiased=False), self.momentum)
        return F.batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)

    def _check_input_dim(self, x):
        pass


class Joined(nn.Module):
    """Add and Concatenate."""

    def __init__(self, kind):
        super().__init__()
        self.is_add = kind == "Add"

    def forward(self, *inputs):
        if not self.is_add:
            return torch.cat(inputs, 1)
        total = inputs[0] + inputs[1]
        for other in inputs[2:]:
            total = total + other
        return total


class Branched(nn.Module):
    """A functional model: steps of (module, where its inputs are, where its output goes)."""

    def __init__(self, modules, plan):
        super().__init__()
        self.steps = nn.ModuleList(modules)
        self.plan = plan

    def forward(self, x):
        values = [x] + [None] * len(self.plan)
        for index, (module, sources) in enumerate(zip(self.steps, self.plan)):
            values[index + 1] = module(*[values[source] for source in sources])
        return values[-1]


def activation(name, inplace, slope=0.2):
    if name == "linear":
        return []
    made = {"relu": lambda: nn.ReLU(inplace), "relu6": lambda: nn.ReLU6(inplace), "tanh": nn.Tanh,
            "sigmoid": nn.Sigmoid, "leaky_relu": lambda: nn.LeakyReLU(slope, inplace)}.get(name.lower())
    if not made:
        raise keras_graph.ModelError(f"activation {name}: not one that batchsweep trains, or softmax not at the end")
    return [made()]


def pad_first(padding, value=0.0):
    """The padding argument of the operator, and a module for what it cannot do: more behind than before."""
    (top, bottom), (left, right) = padding
    if top == bottom and left == right:
        return (top, left), []
    return 0, [nn.ConstantPad2d((left, right, top, bottom), value)]


class Builder:
    """Makes the modules and remembers which torch tensor holds which Keras weight."""

    def __init__(self, graph, keras_running_variance):
        self.graph = graph
        self.keras_running_variance = keras_running_variance
        self.tensors = {}  # name: (module, its attribute, to torch's layout, to Keras' layout)
        self.shapes = {"": graph.input_shape} | {layer.name: layer.shape for layer in graph.layers}

    def keep(self, layer, name, module, attribute, to_torch=np.asarray, to_keras=np.asarray):
        self.tensors[f"{layer.name}/{name}"] = (module, attribute, to_torch, to_keras)

    def modules(self, layer):
        """What a layer with one input consists of."""
        config, kind, shape = layer.config, layer.kind, self.shapes[layer.inputs[0]]
        if kind == "Flatten":
            return self.to_nhwc(shape) + [nn.Flatten()]
        if kind == "Reshape":
            to_nchw = [Permute(0, 3, 1, 2)] if len(layer.shape) == 3 else []
            return self.to_nhwc(shape) + [View(layer.shape)] + to_nchw
        if kind == "Dense":
            return self.dense(layer, shape[0])
        if kind in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D"):
            return self.convolution(layer, shape)
        if kind in ("MaxPooling2D", "AveragePooling2D"):
            return pooling(layer, shape)
        if kind == "GlobalAveragePooling2D":
            return [Mean(bool(config.get("keepdims")))]
        if kind == "ZeroPadding2D":
            (top, bottom), (left, right) = keras_graph.zero_padding(layer)
            return [nn.ConstantPad2d((left, right, top, bottom), 0.0)]
        if kind == "BatchNormalization":
            return self.batch_norm(layer, shape)
        if kind == "Dropout":
            return [nn.Dropout(config["rate"])] if config["rate"] else []
        if kind == "Rescaling":
            return [Scale(config["scale"], config.get("offset", 0.0))]
        return self.activation_layer(layer)

    def activation_layer(self, layer):
        config, kind = layer.config, layer.kind
        source = next((one for one in self.graph.layers if one.name == layer.inputs[0]), None)
        inplace = (source is not None and source.kind in INPLACE_SAFE and len(self.graph.readers(source.name)) == 1 and
                   keras_graph.activation_of(source) == "linear")
        if kind == "LeakyReLU":
            return activation("leaky_relu", inplace, config.get("negative_slope", config.get("alpha", 0.3)))
        if kind == "ReLU":
            limit, slope = config.get("max_value"), config.get("negative_slope") or 0.0
            if limit not in (None, 6, 6.0) or config.get("threshold") or (slope and limit):
                raise keras_graph.ModelError(f"layer {layer.name}: a ReLU of this kind is not one batchsweep trains")
            return activation("relu6" if limit else "leaky_relu" if slope else "relu", inplace, slope)
        name = "softmax" if kind == "Softmax" else keras_graph.activation_of(layer)
        return self.end_or_activation(layer, name, inplace)

    def end_or_activation(self, layer, name, inplace=True):
        """The loss has the softmax in it, so the module ends in logits."""
        return [] if layer is self.graph.layers[-1] and name == "softmax" else activation(name, inplace)

    def to_nhwc(self, shape):
        return [Permute(0, 2, 3, 1)] if len(shape) == 3 else []

    def dense(self, layer, size):
        module = nn.Linear(size, layer.shape[0], bias=layer.config.get("use_bias", True))
        self.keep(layer, "kernel", module, "weight", np.transpose, np.transpose)
        if module.bias is not None:
            self.keep(layer, "bias", module, "bias")
        return [module] + self.end_or_activation(layer, keras_graph.activation_of(layer))

    def convolution(self, layer, shape):
        config, channels = layer.config, shape[2]
        window, strides = keras_graph.pair(config["kernel_size"]), keras_graph.pair(config.get("strides", 1))
        dilation = keras_graph.pair(config.get("dilation_rate", 1))
        padding = ([keras_graph.same_padding(*one) for one in zip(shape, window, strides, dilation)]
                   if config["padding"] == "same" else [(0, 0)] * 2)
        padding, modules = pad_first(padding)
        depthwise = layer.kind != "Conv2D"
        expanded = channels * config.get("depth_multiplier", 1)
        use_bias = config.get("use_bias", True)
        first = nn.Conv2d(channels, expanded if depthwise else layer.shape[2], window, strides, padding, dilation,
                          groups=channels if depthwise else 1, bias=use_bias and layer.kind != "SeparableConv2D")
        modules = modules + [first]
        if depthwise:
            # (KH, KW, C, M) to (C * M, 1, KH, KW)
            name = "kernel" if layer.kind == "DepthwiseConv2D" else "depthwise_kernel"
            self.keep(layer, name, first, "weight",
                      lambda k: k.transpose(2, 3, 0, 1).reshape(expanded, 1, *window),
                      lambda k: k.reshape(channels, -1, *window).transpose(2, 3, 0, 1))
        else:
            self.keep_conv(layer, "kernel", first)
        if layer.kind == "SeparableConv2D":
            modules.append(nn.Conv2d(expanded, layer.shape[2], 1, bias=use_bias))
            self.keep_conv(layer, "pointwise_kernel", modules[-1])
        if use_bias:
            self.keep(layer, "bias", modules[-1], "bias")
        return modules + self.end_or_activation(layer, keras_graph.activation_of(layer))

    def keep_conv(self, layer, name, module):
        self.keep(layer, name, module, "weight", lambda k: k.transpose(3, 2, 0, 1), lambda k: k.transpose(2, 3, 1, 0))

    def batch_norm(self, layer, shape):
        config = layer.config
        kind = KerasBatchNorm if self.keras_running_variance else nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        module = kind(shape[-1], eps=config.get("epsilon", 1e-3),
                      momentum=1 - config.get("momentum", BATCH_NORM_MOMENTUM))
        for name, attribute, wanted in (("gamma", "weight", config.get("scale", True)),
                                        ("beta", "bias", config.get("center", True))):
            if wanted:
                self.keep(layer, name, module, attribute)
            else:  # torch has both or none
                getattr(module, attribute).requires_grad_(False)
        self.keep(layer, "moving_mean", module, "running_mean")
        self.keep(layer, "moving_variance", module, "running_var")
        return [module]


def pooling(layer, shape):
    config = layer.config
    window = keras_graph.pair(config["pool_size"])
    strides = keras_graph.pair(config.get("strides") or window)
    padding = ([keras_graph.same_padding(*one) for one in zip(shape, window, strides)]
               if config["padding"] == "same" else [(0, 0)] * 2)
    if layer.kind == "MaxPooling2D":
        symmetric, modules = pad_first(padding, -float("inf"))
        return modules + [nn.MaxPool2d(window, strides, symmetric)]
    symmetric, modules = pad_first(padding)
    if modules:
        (top, bottom), (left, right) = padding
        return [PaddedAverage(window, strides, (left, right, top, bottom))]
    return [nn.AvgPool2d(window, strides, symmetric, count_include_pad=False)]


class Model:
    """module: gives the logits, or the output where it is no softmax. Loads and saves weights in Keras' layouts."""

    def __init__(self, graph, dtype=torch.float32, keras_running_variance=False):
        builder = Builder(graph, keras_running_variance)
        if graph.is_chain:
            parts = [part for layer in graph.layers for part in builder.modules(layer)]
            self.module = nn.Sequential(*parts)
        else:
            places = {"": 0} | {layer.name: index + 1 for index, layer in enumerate(graph.layers)}
            parts = []
            for layer in graph.layers:
                many = layer.kind in ("Add", "Concatenate")
                modules = [Joined(layer.kind)] if many else builder.modules(layer)
                parts.append(modules[0] if len(modules) == 1 else nn.Sequential(*modules))
            self.module = Branched(parts, [[places[name] for name in layer.inputs] for layer in graph.layers])
        self.module.to(dtype)
        self.graph, self.tensors = graph, builder.tensors

    def tensor(self, name):
        module, attribute, *_ = self.tensors[name]
        return getattr(module, attribute)

    def load(self, weights):
        with torch.no_grad():
            for name, (_, _, to_torch, _) in self.tensors.items():
                self.tensor(name).copy_(torch.from_numpy(np.array(to_torch(weights[name]))))

    def save(self):
        return {param.name: np.array(self.tensors[param.name][3](self.tensor(param.name).detach().numpy()))
                for param in self.graph.params()}

    def trainable_by_l2(self):
        """{l2 factor: tensors}"""
        groups = {}
        for param in self.graph.params():
            if param.trainable:
                groups.setdefault(param.l2, []).append(self.tensor(param.name))
        return groups

    def regularisation(self):
        """What Keras adds to the loss, as a tensor; None without regularisers."""
        terms = [l2 * sum((tensor ** 2).sum() for tensor in tensors)
                 for l2, tensors in self.trainable_by_l2().items() if l2]
        return sum(terms) if terms else None


def loss_function(graph):
    """(output of the module, labels or targets) to the mean loss."""
    return F.mse_loss if graph.loss == "mse" else F.cross_entropy
