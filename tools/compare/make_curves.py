#!/usr/bin/env python3
"""Trains models in float64 and writes the loss of each step: what batchsweep's own curves are tested against.

Inputs and first weights are those of generate.py, which says how to make them anew: nothing else is needed to repeat a
curve. Example e of step s (from 1) at batch size B is (s - 1) * B + e; none repeats. Dropout has the rate 0, since
random numbers are nobody's reference. A model whose output has its input's shape learns its input (mean squared error);
any other learns the labels (sparse categorical cross-entropy).

Adam has Keras' formula and defaults: learning rate 1e-3, epsilon 1e-7 added outside of the root. SGD has the learning
rate 0.01 and no momentum. Adam takes a step of nearly one size however small the gradient, so that rounding errors of
gradients near 0 grow with each step; under SGD they stay smaller. mobilenet-v1-025, 27 normalisations of a batch of 4
deep, magnifies any difference: SGD gets the rate 1e-5, and even so only its first steps can be followed in float32.

Writes into --out, for a model NAME at batch size B, of Adam; of SGD with _sgd behind B:
  NAME_bB.csv           step,loss,total_loss,accuracy: before the step's update; total_loss adds what the kernel
                        regularisers add to the loss, and is what is minimised; no accuracy without labels.
                        float32_deviation: how far the losses of four float32 runs strayed up to this step, the first
                        from the same weights, the others from weights off by one unit in the last place. A test may
                        allow some times as much, since rounding alone does that
  NAME_bB_weights.csv   name,sum,sum_of_squares of every weight after the last update, running statistics included
"""

import argparse
import csv
import math
import os
import pathlib
import sys

import numpy as np

import generate
import keras_graph

# The zoo's models and the batch size that each is trained at.
ZOO = {"cnn": 8, "lenet5": 8, "resnet8": 8, "ds-cnn": 8, "mobilenet-v1-025": 4, "autoencoder": 8}
FLOAT32_RUNS = 4
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-7
SGD_LEARNING_RATES = {"mobilenet-v1-025": 1e-5}  # 0.01 for others; see above


class KerasAdam:
    """m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2); w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)"""

    def __init__(self, params):
        self.params = params
        self.m = [param.detach() * 0 for param in params]
        self.v = [param.detach() * 0 for param in params]
        self.t = 0

    def step(self):
        self.t += 1
        rate = LEARNING_RATE * math.sqrt(1 - BETA2 ** self.t) / (1 - BETA1 ** self.t)
        for param, m, v in zip(self.params, self.m, self.v):
            gradient = param.grad
            m += (gradient - m) * (1 - BETA1)
            v += (gradient ** 2 - v) * (1 - BETA2)
            param.data -= rate * m / (v.sqrt() + EPSILON)
            param.grad = None


class Sgd:
    """w -= lr g"""

    def __init__(self, params, learning_rate):
        self.params, self.learning_rate = params, learning_rate

    def step(self):
        for param in self.params:
            param.data -= self.learning_rate * param.grad
            param.grad = None


class TorchTrainer:
    """One step at a time in torch; `dtype` float64, or float32 to see how far that strays."""

    def __init__(self, graph, weights, dtype, sgd_learning_rate):
        import torch
        import torch_model
        torch.set_num_threads(1)  # the same sums on any machine
        self.torch, self.dtype = torch, getattr(torch, dtype)
        self.model = torch_model.Model(graph, self.dtype, keras_running_variance=True)
        self.model.load(weights)
        self.loss_of = torch_model.loss_function(graph)
        self.channels_first = len(graph.input_shape) == 3
        self.graph = graph
        trained = [one for group in self.model.trainable_by_l2().values() for one in group]
        self.optimizer = Sgd(trained, sgd_learning_rate) if sgd_learning_rate else KerasAdam(trained)

    def to_nchw(self, values):
        values = self.torch.from_numpy(values).to(self.dtype)
        return values.permute(0, 3, 1, 2).contiguous() if self.channels_first else values

    def step(self, inputs, labels):
        x = self.to_nchw(inputs)
        target = x if labels is None else self.torch.from_numpy(labels)
        outputs = self.model.module(x)
        loss = self.loss_of(outputs, target)
        added = self.model.regularisation()
        total = loss if added is None else loss + added
        total.backward()
        self.optimizer.step()
        hits = None if labels is None else (outputs.argmax(1) == target).double().mean().item()
        return loss.item(), total.item(), hits

    def weights(self):
        return self.model.save()


class KerasTrainer:
    """The same in Keras, from its JSON, by its own layers, losses and optimizers."""

    def __init__(self, graph, weights, dtype, sgd_learning_rate):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        import tensorflow
        import keras
        self.tensorflow = tensorflow
        keras.config.set_floatx(dtype)
        self.model = keras.models.model_from_json(graph.text.replace('"float32"', f'"{dtype}"'))
        for variable in self.model.weights:
            variable.assign(weights[variable.path.split("/", variable.path.count("/") - 1)[-1]])
        if sgd_learning_rate:
            self.optimizer = keras.optimizers.SGD(sgd_learning_rate)
        else:
            self.optimizer = keras.optimizers.Adam()
            # Of a Python float Keras would take the powers of the nearest float32, 0.99900001.
            self.optimizer.beta_1, self.optimizer.beta_2 = np.float64(BETA1), np.float64(BETA2)
        self.loss = (keras.losses.MeanSquaredError(dtype=dtype) if graph.loss == "mse" else
                     keras.losses.SparseCategoricalCrossentropy(from_logits=not graph.ends_in_softmax, dtype=dtype))
        self.dtype, self.graph = dtype, graph

    def step(self, inputs, labels):
        x = inputs.astype(self.dtype)
        with self.tensorflow.GradientTape() as tape:
            outputs = self.model(x, training=True)
            loss = self.loss(x if labels is None else labels, outputs)
            total = loss + sum(self.model.losses) if self.model.losses else loss
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(total, [one.value for one in variables]), variables)
        hits = None if labels is None else float((outputs.numpy().argmax(1) == labels).mean())
        return float(loss), float(total), hits

    def weights(self):
        names = [param.name for param in self.graph.params()]
        return dict(zip(names, (variable.numpy() for variable in self.model.weights)))


def train(trainer, graph, batch_size, steps, name):
    rows = []
    for step in range(1, steps + 1):
        pixels, labels = generate.examples(graph.input_shape, graph.classes, (step - 1) * batch_size, batch_size)
        inputs = pixels.astype(np.float32) / np.float32(255)
        loss, total, hits = trainer.step(inputs, None if graph.loss == "mse" else labels)
        rows.append((step, loss, total, hits))
        if sys.stderr.isatty() or step in (1, steps):
            print(f"\r{name}: step {step} of {steps}, loss {loss:.6f}", end="" if step < steps else "\n",
                  file=sys.stderr, flush=True)
    return rows


def float32_deviations(make_trainer, graph, rows, batch_size):
    """For each step the largest |float32 loss - loss| so far, of runs whose weights are off by a rounding error."""
    largest = np.zeros(len(rows))
    for run in range(FLOAT32_RUNS):
        random = np.random.default_rng(run)
        weights = {name: np.nextafter(tensor, random.choice([-1, 1], tensor.shape).astype(np.float32))
                   if run and "kernel" in name else tensor for name, tensor in generate.weights(graph).items()}
        strayed = train(make_trainer(weights, "float32"), graph, batch_size, len(rows), f"float32 run {run + 1}")
        largest = np.maximum(largest, [abs(theirs[1] - ours[1]) for theirs, ours in zip(strayed, rows)])
    return np.maximum.accumulate(largest)


def write(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([["" if cell is None else f"{cell:.12g}" if isinstance(cell, float) else cell
                           for cell in row] for row in rows])


def deviation(path, rows, column):
    """The largest relative difference from a file's column of numbers."""
    with open(path, encoding="utf-8", newline="") as file:
        theirs = [float(row[column]) for row in list(csv.reader(file))[1:]]
    return max(abs(row[column] - other) / max(1, abs(other)) for row, other in zip(rows, theirs, strict=True))


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""examples, with the environments that tools/compare/setup.sh makes:
  build/compare/torch/bin/python tools/compare/make_curves.py --out tests/data/curves
  build/compare/torch/bin/python tools/compare/make_curves.py src/model/zoo/cnn.json --steps 16 --out curves
  build/compare/keras/bin/python tools/compare/make_curves.py --framework keras --against tests/data/curves

the first makes all curves; the last trains in Keras and says how far that is from them""")
    parser.add_argument("models", nargs="*", metavar="FILE.json", type=pathlib.Path,
                        help=f"Keras JSON files; the zoo's {', '.join(ZOO)} if none")
    parser.add_argument("--framework", choices=["torch", "keras"], default="torch")
    parser.add_argument("--optimizers", default="adam,sgd", metavar="LIST", help="[adam,sgd]")
    parser.add_argument("--batch-size", type=int, help="8, but 4 for mobilenet-v1-025")
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    parser.add_argument("--out", type=pathlib.Path, help="folder to write the curves into")
    parser.add_argument("--against", type=pathlib.Path, help="folder of curves to compare these with")
    options = parser.parse_args(arguments)
    if unknown := set(options.optimizers.split(",")) - {"adam", "sgd"}:
        parser.error(f"--optimizers: no {', '.join(sorted(unknown))}; there are adam and sgd")
    zoo = pathlib.Path(__file__).resolve().parents[2] / "src" / "model" / "zoo"
    for path in options.models or [zoo / f"{name}.json" for name in ZOO]:
        try:
            graph = keras_graph.parse(keras_graph.without_dropout(path.read_text(encoding="utf-8")), str(path))
        except (OSError, keras_graph.ModelError) as error:
            print(f"make_curves.py: {error}", file=sys.stderr)
            return 1
        for optimizer in options.optimizers.split(","):
            make_curve(graph, path.stem, optimizer, options)
    return 0


def make_curve(graph, model, optimizer, options):
    sgd_learning_rate = SGD_LEARNING_RATES.get(model, 0.01) if optimizer == "sgd" else None

    def make_trainer(weights, dtype):
        trainer = TorchTrainer if options.framework == "torch" else KerasTrainer
        return trainer(graph, weights, dtype, sgd_learning_rate)

    batch_size = options.batch_size or ZOO.get(model, 8)
    name = f"{model}_b{batch_size}" + ("_sgd" if optimizer == "sgd" else "")
    trainer = make_trainer(generate.weights(graph), options.dtype)
    rows = train(trainer, graph, batch_size, options.steps, name)
    sums = [(key, float(tensor.sum(dtype=np.float64)), float((tensor.astype(np.float64) ** 2).sum()))
            for key, tensor in trainer.weights().items()]
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        strayed = float32_deviations(make_trainer, graph, rows, batch_size)
        write(options.out / f"{name}.csv", ["step", "loss", "total_loss", "accuracy", "float32_deviation"],
              [(*row, f"{most:.1e}") for row, most in zip(rows, strayed)])
        write(options.out / f"{name}_weights.csv", ["name", "sum", "sum_of_squares"], sums)
    if options.against:
        weights = options.against / f"{name}_weights.csv"
        print(f"{name}: {options.framework} {options.dtype} differs by at most "
              f"{deviation(options.against / f'{name}.csv', rows, 1):.1e} in loss, "
              f"{max(deviation(weights, sums, column) for column in (1, 2)):.1e} in the sums of the weights")


if __name__ == "__main__":
    sys.exit(main())
