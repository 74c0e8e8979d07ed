"""Trains one job in PyTorch: `torch-eager` or `torch-compile`. Started by compare.py.

A step: gather the batch's 8-bit pixels and labels, scale to float, forward, loss, backward, fused Adam, zero_grad. The
loss is read behind the clock. The faster memory format is the caller's choice; L2 regularisers are Adam's
weight_decay (twice the factor), which has the same gradient and costs less. Keras adds epsilon to the root before the
bias correction and torch behind it, so torch gets, untimed, the epsilon that makes both the same.
"""

import math
import sys
import time

import torch

import peer
import torch_model


def main(path):
    job = peer.Job(path)
    torch.set_num_threads(job.threads)
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)  # as XNNPACK's operators run
    torch.manual_seed(1)
    report = peer.Report(version=f"PyTorch {torch.__version__}")

    images, labels = (torch.from_numpy(array) for array in job.read_examples())
    model = torch_model.Model(job.graph)
    model.load(job.initial)
    module = model.module.train()
    if images.dim() == 4:
        images = images.permute(0, 3, 1, 2)  # NCHW, in memory still with the channels last
        if job.channels_last:
            module.to(memory_format=torch.channels_last)
        else:
            images = images.contiguous()
    loss_of = torch_model.loss_function(job.graph)
    learns_input = job.graph.loss == "mse"

    def loss_at(x, target):
        return loss_of(module(x), x if learns_input else target)

    if job.framework == "torch-compile":
        loss_at = torch.compile(loss_at)

    groups = [{"params": tensors, "weight_decay": 2 * l2} for l2, tensors in model.trainable_by_l2().items()]
    adam = torch.optim.Adam(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-7, fused=True)
    rows = torch.arange(len(images))
    batches = len(images) // job.batch_size

    for step in range(job.steps):
        first = step % batches * job.batch_size
        with torch.no_grad():
            added = model.regularisation()
        for group in adam.param_groups:
            group["eps"] = 1e-7 / math.sqrt(1 - 0.999 ** (step + 1))
        begin = time.perf_counter_ns()
        index = rows[first:first + job.batch_size]
        x = images.index_select(0, index).to(torch.float32).div_(255)
        loss = loss_at(x, labels.index_select(0, index))
        loss.backward()
        adam.step()
        adam.zero_grad(set_to_none=True)
        end = time.perf_counter_ns()
        if step == 0:
            report.startup_time_ns = job.since_start_ns()
        if step >= job.warmup:
            report.step_times_ns.append(end - begin)
        report.losses.append(loss.item())
        report.total_losses.append(loss.item() + (0.0 if added is None else added.item()))
    report.timed_ns, report.timed_steps = sum(report.step_times_ns), len(report.step_times_ns)
    job.hand_back(report)


if __name__ == "__main__":
    main(sys.argv[1])
