"""Trains one job in JAX on XLA: `jax-scan` or `jax-step`. Started by compare.py.

jax-scan  a compiled loop over up to fifty steps, which is a dispatch: the number of steps is a value, so that the loop
          is compiled once; a dispatch is timed as a whole
jax-step  the compiled step, dispatched and waited for each time
The examples lie in JAX's memory as 8-bit pixels, from which a step takes its batch. Parameters and moments are given
to each dispatch to overwrite. The losses are read behind the clock.
"""

import functools
import os
import sys

import peer
from machine import now_ns

STEPS_PER_DISPATCH = 50
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-7  # Keras' defaults


def use_threads(count):
    """Before JAX is imported. XLA takes a thread for each core of the process if it is not told."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    if count == 1:
        os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), "--xla_cpu_multi_thread_eigen=false",
                                            "intra_op_parallelism_threads=1"]).strip()


def make_update(jax, jnp):
    def update(params, gradients, m, v, t):
        """Keras' Adam: its epsilon is added to the root before the bias correction."""
        rate = LEARNING_RATE * jnp.sqrt(1 - BETA2 ** t) / (1 - BETA1 ** t)
        m = jax.tree.map(lambda g, m: m + (g - m) * (1 - BETA1), gradients, m)
        v = jax.tree.map(lambda g, v: v + (g * g - v) * (1 - BETA2), gradients, v)
        params = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), params, m, v)
        return params, m, v
    return update


class Trainer:
    """state: (params, running statistics, m, v)"""

    def __init__(self, job, jax, model):
        import jax.numpy as jnp
        self.jax, self.job, self.model = jax, job, model
        images, labels = job.read_examples()
        self.images, self.labels = jnp.asarray(images), jnp.asarray(labels.astype("int32"))
        self.batches = len(images) // job.batch_size
        self.key = jax.random.key(1)
        params, statistics = model.split(job.initial)
        zeros = functools.partial(jax.tree.map, jnp.zeros_like)
        self.state = (params, statistics, zeros(params), zeros(params))
        self.update = make_update(jax, jnp)
        self.step = jax.jit(self.one_step, donate_argnums=0)
        self.loop = jax.jit(self.many_steps, donate_argnums=0)

    def batch(self, images, labels, step):
        slice_of = self.jax.lax.dynamic_slice_in_dim
        first = step % self.batches * self.job.batch_size
        x = slice_of(images, first, self.job.batch_size).astype("float32") / 255
        return x, slice_of(labels, first, self.job.batch_size)

    def one_step(self, state, images, labels, step):
        """(the state behind it, (loss, what regularisers add))"""
        params, statistics, m, v = state
        x, y = self.batch(images, labels, step)
        key = self.jax.random.fold_in(self.key, step)

        def loss_of(params):
            output, now = self.model.apply(params, statistics, x, key)
            loss, added = self.model.loss(output, x, y), self.model.regularisation(params)
            return loss + added, (loss, added, now)

        (_, (loss, added, statistics)), gradients = self.jax.value_and_grad(loss_of, has_aux=True)(params)
        params, m, v = self.update(params, gradients, m, v, step.astype("float32") + 1)
        return (params, statistics, m, v), self.jax.numpy.stack([loss, added])

    def many_steps(self, state, images, labels, first, count):
        """count <= STEPS_PER_DISPATCH; (the state, losses as of one_step, of which the first count are filled in)"""
        def body(index, carry):
            state, losses = carry
            state, pair = self.one_step(state, images, labels, first + index)
            return state, losses.at[index].set(pair)

        losses = self.jax.numpy.zeros((STEPS_PER_DISPATCH, 2))
        return self.jax.lax.fori_loop(0, count, body, (state, losses))


def run_step_by_step(job, trainer, report, jnp):
    step = iter(range(job.steps))

    def train(rows):
        trainer.state, pair = trainer.step(trainer.state, trainer.images, trainer.labels, jnp.int32(next(step)))
        trainer.jax.block_until_ready((trainer.state, pair))
        return pair

    job.run_steps(report, train, lambda pair: (pair[0], pair[0] + pair[1]))


def run_dispatches(job, trainer, report, jnp):
    first = 0
    while first < job.steps:
        end = job.warmup if first < job.warmup else job.steps
        # The first dispatch is one step, whose end is the end of the start-up.
        count = min(STEPS_PER_DISPATCH, end - first) if first else 1
        begin = now_ns()
        trainer.state, losses = trainer.loop(trainer.state, trainer.images, trainer.labels, jnp.int32(first),
                                             jnp.int32(count))
        trainer.jax.block_until_ready((trainer.state, losses))
        elapsed_ns = now_ns() - begin
        if first == 0:
            report.startup_time_ns = job.since_start_ns()
        if first >= job.warmup:
            report.group_times_ns.append([elapsed_ns, count])
        for loss, added in losses[:count].tolist():
            report.losses.append(loss)
            report.total_losses.append(loss + added)
        first += count
    report.timed_ns, report.timed_steps = map(sum, zip(*report.group_times_ns))


def main(path):
    job = peer.Job(path)
    use_threads(job.threads)
    import jax
    import jax.numpy as jnp

    import jax_model

    report = peer.Report(version=f"JAX {jax.__version__}")
    trainer = Trainer(job, jax, jax_model.Model(job.graph, job.choices))
    (run_step_by_step if job.framework == "jax-step" else run_dispatches)(job, trainer, report, jnp)
    job.hand_back(report)


if __name__ == "__main__":
    main(sys.argv[1])
