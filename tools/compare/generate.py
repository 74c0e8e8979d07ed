"""Inputs and first weights that any language makes to the bit, so that neither need be stored.

All comes from one hash of two numbers:

  value(stream, i) = (splitmix64(stream * 2^32 + i) >> 40) / 2^24               in [0, 1), a multiple of 2^-24
  splitmix64(x):  x += 0x9e3779b97f4a7c15;  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
                  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;  x ^= x >> 31       all modulo 2^64

Example e of P values has the label e mod classes (10 where nothing is classified); its value j is the pixel
  floor(256 * (0.5 * value(1, e * P + j) + 0.5 * value(2, label * P + j)))      0 .. 255: noise and the class' pattern
which is a float as pixel / 255.

Parameter p, counted from 0 over all weights of all layers in Keras' order (kernel, bias; depthwise_kernel,
pointwise_kernel, bias; gamma, beta, moving_mean, moving_variance), starts as
  kernel element i: (2 * value(100 + p, i) - 1) * sqrt(6 / (fan_in + fan_out))  in doubles, then rounded to a float
  gamma and moving_variance 1, all else 0.
"""

import math

import numpy as np

NOISE_STREAM, PATTERN_STREAM, WEIGHT_STREAM = 1, 2, 100


def splitmix64(x):
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def value(stream, i):
    """i: an array of uint64 below 2^32."""
    with np.errstate(over="ignore"):
        return (splitmix64(np.uint64(stream << 32) + i) >> np.uint64(40)) / np.float64(1 << 24)


def examples(shape, classes, first, count):
    """(pixels (count, *shape) as uint8, labels (count) as int64) of examples first .. first + count - 1."""
    size = math.prod(shape)
    e = np.arange(first, first + count, dtype=np.uint64)[:, None]
    j = np.arange(size, dtype=np.uint64)[None, :]
    labels = e % np.uint64(classes or 10)
    mixed = 0.5 * value(NOISE_STREAM, e * np.uint64(size) + j)
    mixed += 0.5 * value(PATTERN_STREAM, labels * np.uint64(size) + j)
    return np.floor(256 * mixed).astype(np.uint8).reshape(count, *shape), labels[:, 0].astype(np.int64)


def weights(graph):
    """{name: float32 array in Keras' layout} of every weight of a keras_graph.Graph, in order."""
    drawn = {}
    for p, param in enumerate(graph.params()):
        if param.fans:
            scale = math.sqrt(6 / sum(param.fans))
            i = np.arange(math.prod(param.shape), dtype=np.uint64)
            values = (2 * value(WEIGHT_STREAM + p, i) - 1) * scale
        else:
            values = np.full(math.prod(param.shape), param.first)
        drawn[param.name] = values.astype(np.float32).reshape(param.shape)
    return drawn
