"""A keras_graph.Graph as a function in JAX that computes what Keras computes, with images in NHWC."""

import jax
import jax.numpy as jnp

import keras_graph

NORMALIZATION_MOMENTUM, NORMALIZATION_EPSILON = 0.99, 1e-3  # Keras' defaults


def activate(name, x, slope=0.2):
    """With Keras' derivatives at the kinks, where blank pixels are in the first step: 0 or the slope at 0, and 0 at 6.
    jnp.maximum and relu6 of jax.nn have a half there, its leaky_relu 1."""
    functions = {"linear": lambda x: x, "relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid,
                 "relu6": lambda x: jnp.where(x < 6, jax.nn.relu(x), 6),
                 "leaky_relu": lambda x: jnp.where(x > 0, x, slope * x)}
    if name not in functions:
        raise keras_graph.ModelError(f"activation {name}: not one that batchsweep trains, or softmax not at the end")
    return functions[name](x)


def pads(layer, shape, window, strides, dilation=(1, 1)):
    if layer.config["padding"] != "same":
        return [(0, 0), (0, 0)]
    return [keras_graph.same_padding(*one) for one in zip(shape, window, strides, dilation)]


def taps(x, out_shape, window, strides, dilation, padding, fill=0.0):
    """For each place of the window, row by row, what the outputs (N, OH, OW) see there: a list of (N, OH, OW, C)."""
    if any(map(any, padding)):
        x = jnp.pad(x, [(0, 0), *padding, (0, 0)], constant_values=fill)
    (oh, ow), (sh, sw), (dh, dw) = out_shape[:2], strides, dilation
    return [x[:, i * dh:i * dh + (oh - 1) * sh + 1:sh, j * dw:j * dw + (ow - 1) * sw + 1:sw]
            for i in range(window[0]) for j in range(window[1])]


class Model:
    """choices: how convolutions and pooling are computed, by the names of frameworks.py; XLA's own convolutions and
    windows ("lax") are slow on CPUs, and so are the gradients of its windows."""

    def __init__(self, graph, choices):
        self.graph, self.choices = graph, choices
        self.shapes = {"": graph.input_shape} | {layer.name: layer.shape for layer in graph.layers}

    def split(self, initial):
        """(what is trained, running statistics) by name"""
        trainable = {param.name for param in self.graph.params() if param.trainable}
        arrays = {name: jnp.array(value) for name, value in initial.items()}
        return ({name: array for name, array in arrays.items() if name in trainable},
                {name: array for name, array in arrays.items() if name not in trainable})

    def apply(self, params, statistics, x, key):
        """(output, which is logits where a softmax is last; the statistics behind this step)"""
        values, statistics = {"": x}, dict(statistics)
        for index, layer in enumerate(self.graph.layers):
            inputs = [values[name] for name in layer.inputs]
            values[layer.name] = self.compute(layer, inputs, params, statistics, jax.random.fold_in(key, index))
        return values[self.graph.layers[-1].name], statistics

    def loss(self, output, x, labels):
        if self.graph.loss == "mse":
            return jnp.mean((output - x) ** 2)
        wanted = jax.nn.one_hot(labels, output.shape[-1], dtype=output.dtype)
        return -jnp.sum(wanted * jax.nn.log_softmax(output)) / len(output)

    def regularisation(self, params):
        terms = [param.l2 * jnp.sum(params[param.name] ** 2) for param in self.graph.params() if param.l2]
        return sum(terms) if terms else jnp.float32(0)

    def compute(self, layer, inputs, params, statistics, key):
        """One layer's output; a normalisation writes its running statistics."""
        config, kind, x = layer.config, layer.kind, inputs[0]
        if kind in ("Flatten", "Reshape"):
            return x.reshape(len(x), *layer.shape)
        if kind == "Dense":
            y = x @ params[f"{layer.name}/kernel"]
            return self.finish(layer, y, params)
        if kind in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D"):
            return self.finish(layer, self.convolve(layer, x, params), params)
        if kind in ("MaxPooling2D", "AveragePooling2D"):
            return self.pool(layer, x)
        if kind == "GlobalAveragePooling2D":
            return x.mean((1, 2), keepdims=bool(config.get("keepdims")))
        if kind == "ZeroPadding2D":
            return jnp.pad(x, [(0, 0), *keras_graph.zero_padding(layer), (0, 0)])
        if kind == "BatchNormalization":
            return normalize(layer, x, params, statistics)
        if kind == "Dropout":
            kept = 1 - config["rate"]
            return x if kept == 1 else jnp.where(jax.random.bernoulli(key, kept, x.shape), x / kept, 0)
        if kind == "Rescaling":
            return x * config["scale"] + config.get("offset", 0.0)
        if kind == "Add":
            return sum(inputs[1:], x)
        if kind == "Concatenate":
            return jnp.concatenate(inputs, -1)
        return self.activation_layer(layer, x)

    def finish(self, layer, y, params):
        """Bias and activation."""
        if layer.config.get("use_bias", True):
            y = y + params[f"{layer.name}/bias"]
        return self.activate_or_end(layer, keras_graph.activation_of(layer), y)

    def activate_or_end(self, layer, name, y):
        """The loss has the softmax in it, so the model ends in logits."""
        return y if layer is self.graph.layers[-1] and name == "softmax" else activate(name, y)

    def activation_layer(self, layer, x):
        config = layer.config
        if layer.kind == "LeakyReLU":
            return activate("leaky_relu", x, config.get("negative_slope", config.get("alpha", 0.3)))
        if layer.kind == "ReLU":
            limit, slope = config.get("max_value"), config.get("negative_slope") or 0.0
            if limit not in (None, 6, 6.0) or config.get("threshold") or (slope and limit):
                raise keras_graph.ModelError(f"layer {layer.name}: a ReLU of this kind is not one batchsweep trains")
            return activate("relu6" if limit else "leaky_relu" if slope else "relu", x, slope)
        name = "softmax" if layer.kind == "Softmax" else keras_graph.activation_of(layer)
        return self.activate_or_end(layer, name, x)

    def convolve(self, layer, x, params):
        config, shape = layer.config, self.shapes[layer.inputs[0]]
        window, strides = keras_graph.pair(config["kernel_size"]), keras_graph.pair(config.get("strides", 1))
        dilation = keras_graph.pair(config.get("dilation_rate", 1))
        padding = pads(layer, shape, window, strides, dilation)
        name = "depthwise_kernel" if layer.kind == "SeparableConv2D" else "kernel"
        kernel = params[f"{layer.name}/{name}"]
        is_depthwise = layer.kind != "Conv2D"
        if self.choices["convolution"] == "lax":
            channels = shape[2]
            if is_depthwise:
                kernel = kernel.reshape(*window, 1, -1)
            y = jax.lax.conv_general_dilated(x, kernel, strides, padding, rhs_dilation=dilation,
                                             dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                             feature_group_count=channels if is_depthwise else 1)
        else:
            seen = taps(x, layer.shape, window, strides, dilation, padding)
            y = depthwise_sum(seen, kernel) if is_depthwise else patch_product(seen, kernel)
        return y @ params[f"{layer.name}/pointwise_kernel"][0, 0] if layer.kind == "SeparableConv2D" else y

    def pool(self, layer, x):
        config = layer.config
        window = keras_graph.pair(config["pool_size"])
        strides = keras_graph.pair(config.get("strides") or window)
        padding = pads(layer, self.shapes[layer.inputs[0]], window, strides)
        is_max = layer.kind == "MaxPooling2D"
        if self.choices["pooling"] == "lax":
            combine, first = (jax.lax.max, -jnp.inf) if is_max else (jax.lax.add, 0.0)

            def reduce(x):
                return jax.lax.reduce_window(x, first, combine, (1, *window, 1), (1, *strides, 1),
                                             [(0, 0), *padding, (0, 0)])
        else:
            def reduce(x):
                seen = taps(x, layer.shape, window, strides, (1, 1), padding, -jnp.inf if is_max else 0.0)
                total = seen[0]
                for other in seen[1:]:
                    total = jnp.maximum(total, other) if is_max else total + other
                return total
        return reduce(x) if is_max else reduce(x) / reduce(jnp.ones_like(x[:1, :, :, :1]))


def patch_product(seen, kernel):
    """(N, OH, OW, KH KW C) times (KH KW C, OC)"""
    patches = jnp.concatenate(seen, -1) if len(seen) > 1 else seen[0]
    return patches @ kernel.reshape(-1, kernel.shape[-1])


def depthwise_sum(seen, kernel):
    """(N, OH, OW, C M) of a kernel (KH, KW, C, M)"""
    flat = kernel.reshape(-1, *kernel.shape[2:])
    total = sum(x[..., None] * k for x, k in zip(seen, flat))
    return total.reshape(*total.shape[:3], -1)


def normalize(layer, x, params, statistics):
    config = layer.config
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)
    momentum = config.get("momentum", NORMALIZATION_MOMENTUM)
    for name, now in (("moving_mean", mean), ("moving_variance", variance)):
        old = statistics[f"{layer.name}/{name}"]
        statistics[f"{layer.name}/{name}"] = old * momentum + jax.lax.stop_gradient(now) * (1 - momentum)
    y = (x - mean) * jax.lax.rsqrt(variance + config.get("epsilon", NORMALIZATION_EPSILON))
    if config.get("scale", True):
        y = y * params[f"{layer.name}/gamma"]
    return y + params[f"{layer.name}/beta"] if config.get("center", True) else y
