"""Trains one job in NumPy, with passes written out by hand. Started by compare.py.

For chains of Flatten and Dense, with ReLU between and a softmax at the end. All parameters lie in one array, so that
Adam is a dozen NumPy calls a block however many layers there are; no array is made within a step but the batch's
floats and the softmax's sums.
"""

import ctypes
import math
import pathlib
import re
import sys

import numpy as np

import keras_graph
import peer

LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-7  # Keras' defaults
ADAM_BLOCK = 1 << 15  # parameters: five arrays of a block stay in the second-level cache


class Dense:
    """One layer's parts of the network's arrays, and its buffers."""

    def __init__(self, kernel, bias, kernel_gradient, bias_gradient, is_relu, batch_size):
        self.kernel, self.bias, self.is_relu = kernel, bias, is_relu
        self.kernel_gradient, self.bias_gradient = kernel_gradient, bias_gradient
        self.output = np.empty((batch_size, kernel.shape[1]), kernel.dtype)
        self.input_gradient = np.empty((batch_size, kernel.shape[0]), kernel.dtype)
        self.dead = np.empty(self.output.shape, bool)
        self.ones = np.ones(batch_size, kernel.dtype)

    def forward(self, x):
        self.input = x
        np.matmul(x, self.kernel, out=self.output)
        if self.bias is not None:
            np.add(self.output, self.bias, out=self.output)
        if self.is_relu:
            np.maximum(self.output, 0, out=self.output)
        return self.output

    def backward(self, dy, wants_input):
        """dy is overwritten."""
        if self.is_relu:
            np.less_equal(self.output, 0, out=self.dead)
            np.copyto(dy, 0, where=self.dead)
        np.matmul(self.input.T, dy, out=self.kernel_gradient)
        if self.bias is not None:
            np.matmul(self.ones, dy, out=self.bias_gradient)
        return np.matmul(dy, self.kernel.T, out=self.input_gradient) if wants_input else None


def dense_layers(graph):
    """[(layer, whether a ReLU follows)], or an error about a model that this file does not train."""
    found = []
    for layer in graph.layers:
        activation = keras_graph.activation_of(layer)
        is_last = layer is graph.layers[-1]
        if not graph.is_chain or any(param.l2 for param in layer.params):
            raise keras_graph.ModelError(f"layer {layer.name}: a branch or a regulariser; NumPy's passes have neither")
        if layer.kind == "Dense" and (activation in ("linear", "relu") or (activation == "softmax" and is_last)):
            found.append((layer, activation == "relu"))
        elif layer.kind != "Flatten":
            raise keras_graph.ModelError(f"layer {layer.name} ({layer.kind}, {activation}): NumPy's passes are "
                                         "written for chains of Flatten and Dense with ReLU")
    if graph.loss == "mse" or not found:
        raise keras_graph.ModelError("NumPy's passes are written for models that end in classes")
    return found


class Network:
    def __init__(self, graph, initial, batch_size, dtype=np.float32):
        layers = dense_layers(graph)
        sizes = [math.prod(param.shape) for param in graph.params()]
        self.parameters, self.gradients, self.m, self.v = np.zeros((4, sum(sizes)), dtype)
        self.scratch = np.empty(min(ADAM_BLOCK, sum(sizes)), dtype)
        self.steps, self.rows = 0, np.arange(batch_size)
        values, gradients, first = {}, {}, 0
        for param, size in zip(graph.params(), sizes):
            values[param.name] = self.parameters[first:first + size].reshape(param.shape)
            values[param.name][:] = initial[param.name]
            gradients[param.name] = self.gradients[first:first + size].reshape(param.shape)
            first += size
        self.layers = [Dense(values[f"{layer.name}/kernel"], values.get(f"{layer.name}/bias"),
                             gradients[f"{layer.name}/kernel"], gradients.get(f"{layer.name}/bias"), is_relu,
                             batch_size) for layer, is_relu in layers]

    def compute_gradients(self, x, labels):
        """The mean loss of a batch: floats (N, inputs), integers (N)."""
        for layer in self.layers:
            x = layer.forward(x)
        x -= x.max(1, keepdims=True)
        right = x[self.rows, labels]
        np.exp(x, out=x)
        sums = x.sum(1, keepdims=True)
        loss = np.log(sums[:, 0]) - right
        x /= sums * len(x)
        x[self.rows, labels] -= 1 / len(x)
        for layer in reversed(self.layers):
            x = layer.backward(x, layer is not self.layers[0])
        return loss.mean()

    def update(self):
        """m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2); w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)"""
        self.steps += 1
        rate = LEARNING_RATE * math.sqrt(1 - BETA2 ** self.steps) / (1 - BETA1 ** self.steps)
        for first in range(0, len(self.parameters), ADAM_BLOCK):
            block = slice(first, first + ADAM_BLOCK)
            w, g, m, v = self.parameters[block], self.gradients[block], self.m[block], self.v[block]
            s = self.scratch[:len(w)]
            np.subtract(g, m, out=s)
            s *= 1 - BETA1
            m += s
            np.multiply(g, g, out=s)
            s -= v
            s *= 1 - BETA2
            v += s
            np.sqrt(v, out=s)
            s += EPSILON
            np.divide(m, s, out=s)
            s *= rate
            w -= s


def blas_name(maps="/proc/self/maps"):
    """Which library computes the products, and with which of its kernels if it is an OpenBLAS that tells."""
    text = pathlib.Path(maps).read_text(encoding="utf-8")
    paths = sorted(set(re.findall(r"(/\S*(?:blas|mkl_rt|armpl|blis)\S*\.so\S*)", text, re.IGNORECASE)))
    for path in paths:
        library = ctypes.CDLL(path)
        for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename", "openblas_get_corename64_",
                     "openblas_get_corename"):
            function = getattr(library, name, None)
            if function:
                function.restype = ctypes.c_char_p
                return f"{'/'.join(path.split('/')[-2:])}, kernels {function().decode()}"
    return "/".join(paths[0].split("/")[-2:]) if paths else "no BLAS found"


def main(path):
    job = peer.Job(path)
    report = peer.Report(version=f"NumPy {np.__version__} ({blas_name()})")
    images, labels = job.read_examples()
    images = images.reshape(len(images), -1)
    network = Network(job.graph, job.initial, job.batch_size)
    scale = np.float32(255)

    def train(rows):
        x = images[rows].astype(np.float32)
        x /= scale
        loss = network.compute_gradients(x, labels[rows])
        network.update()
        return loss

    job.run_steps(report, train, lambda loss: (loss, loss))
    job.hand_back(report)


if __name__ == "__main__":
    main(sys.argv[1])
