"""Trains one job in Keras on TensorFlow. Started by compare.py.

keras-fit             model.fit with arrays, as written by most users; epochs of a second call are timed, from their
                      on_epoch_begin to their on_epoch_end, since a call takes half a second of its own
keras-fit-tuned       the same with steps_per_execution of up to 32 and XLA, the documented ways to take work off a step
keras-train_on_batch  a call for each step; reading its loss is part of it, as Keras returns it as a number
Pixels become floats before the clock runs, and no metrics are asked for.
"""

import os
import sys

import peer
from machine import now_ns


def main(path):
    job = peer.Job(path)
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1")
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(job.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    keras.utils.set_random_seed(1)
    report = peer.Report(version=f"Keras {keras.__version__}, TensorFlow {tf.__version__}")
    images, labels = job.read_examples()
    x = images.astype("float32")
    x /= 255
    y = x if job.graph.loss == "mse" else labels
    model = keras.models.model_from_json(job.graph.text)
    set_weights(model, job)
    options = {}
    if job.framework == "keras-fit-tuned":
        options = {"steps_per_execution": group_size(job), "jit_compile": True}
    loss = ("mse" if job.graph.loss == "mse" else
            keras.losses.SparseCategoricalCrossentropy(from_logits=not job.graph.ends_in_softmax))
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=1e-3), loss=loss, **options)
    if job.framework == "keras-train_on_batch":
        step_by_step(job, model, x, y, report)
    else:
        fit(job, keras, model, x, y, report)
    job.hand_back(report)


def group_size(job):
    """The most steps up to 32 that divide the warm-up and the rest, so that nothing is compiled behind the warm-up."""
    return max(size for size in range(1, 33) if job.warmup % size == 0 and job.steps % size == 0)


def set_weights(model, job):
    """By Keras' order, which is the graph's; a difference in shapes is Keras' to refuse."""
    weights = [job.initial[param.name] for param in job.graph.params()]
    model.set_weights(weights)


def regularisation(job, model):
    """What the regularisers add to the loss, by the weights of now."""
    return sum(param.l2 * float((variable.numpy() ** 2).sum())
               for param, variable in zip(job.graph.params(), model.weights) if param.l2)


class Losses:
    """Each step's loss out of Keras' mean of the steps since a call began, which has the regularisers' part in it."""

    def __init__(self, job, model, report):
        self.job, self.model, self.report = job, model, report
        self.sum, self.added = 0.0, 0.0

    def before(self):
        self.added = regularisation(self.job, self.model)

    def after(self, step, mean):
        total = float(mean) * (step + 1)
        self.report.total_losses.append(total - self.sum)
        self.report.losses.append(total - self.sum - self.added)
        self.sum = total


def fit(job, keras, model, x, y, report):
    losses = Losses(job, model, report)

    class Watch(keras.callbacks.Callback):
        """On the warm-up only: the losses, and when the first step ended."""

        def on_train_batch_begin(self, batch, logs=None):
            losses.before()

        def on_train_batch_end(self, batch, logs=None):
            report.startup_time_ns = report.startup_time_ns or job.since_start_ns()
            losses.after(batch, logs["loss"])

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.begin = now_ns()

        def on_epoch_end(self, epoch, logs=None):
            report.timed_ns += now_ns() - self.begin

    def run(first, steps, callback):
        """Steps first .. first + steps - 1, in one call of fit if the examples do not end before."""
        batches = len(x) // job.batch_size
        while steps:
            begin = first % batches
            count = min(steps, batches - begin)
            passes = max(1, steps // batches) if begin == 0 else 1  # as epochs of one call
            rows = slice(begin * job.batch_size, (begin + count) * job.batch_size)
            model.fit(x[rows], y[rows], batch_size=job.batch_size, epochs=passes, shuffle=False, verbose=0,
                      callbacks=[callback])
            first, steps = first + passes * count, steps - passes * count

    run(0, job.warmup, Watch())
    if job.framework == "keras-fit-tuned":
        report.losses, report.total_losses = [], []  # the callback sees groups of steps
    run(job.warmup, job.steps - job.warmup, Clock())
    report.timed_steps = job.steps - job.warmup


def step_by_step(job, model, x, y, report):
    losses = Losses(job, model, report)

    def prepare(step):
        losses.before()
        model.reset_metrics()  # or some Keras versions return the mean of all steps so far

    job.run_steps(report, lambda rows: model.train_on_batch(x[rows], y[rows]),
                  lambda total: (float(total) - losses.added, total), prepare)


if __name__ == "__main__":
    main(sys.argv[1])
