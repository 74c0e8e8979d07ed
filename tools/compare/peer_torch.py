"""Trains one job in PyTorch: `torch-eager` or `torch-compile`. Started by compare.py.

A step: gather the batch's 8-bit pixels and labels, scale to float, forward, loss, backward, Adam, zero_grad. The loss
is read behind the clock. The faster memory format and Adam variant are the caller's choice; L2 regularisers are Adam's
weight_decay (twice the factor), which has the same gradient and costs less. Keras adds epsilon to the root before the
bias correction and torch behind it, so torch gets, untimed, the epsilon that makes both the same.
"""

import math
import sys

import torch

import peer
import torch_model

# The variants of torch's Adam. The default on a CPU has been a loop over tensors up to now.
ADAM = {"fused": {"fused": True}, "foreach": {"foreach": True}, "default": {}}


def read_and_lay_out(job, model):
    """(pixels, labels, the module that is trained), images and weights in the chosen memory format."""
    images, labels = (torch.from_numpy(array) for array in job.read_examples())
    module = model.module.train()
    if images.dim() == 4:
        images = images.permute(0, 3, 1, 2)  # NCHW, in memory still with the channels last
        if job.choices["channels_last"]:
            module.to(memory_format=torch.channels_last)
        else:
            images = images.contiguous()
    return images, labels, module


def loss_function(job, module):
    """(floats, labels) to the mean loss."""
    loss_of = torch_model.loss_function(job.graph)
    learns_input = job.graph.loss == "mse"

    def loss_at(x, target):
        return loss_of(module(x), x if learns_input else target)

    return torch.compile(loss_at) if job.framework == "torch-compile" else loss_at


def train_all(job, model, report):
    images, labels, module = read_and_lay_out(job, model)
    loss_at = loss_function(job, module)
    groups = [{"params": tensors, "weight_decay": 2 * l2} for l2, tensors in model.trainable_by_l2().items()]
    adam = torch.optim.Adam(groups, lr=1e-3, betas=(0.9, 0.999), eps=1e-7, **ADAM[job.choices["adam"]])
    rows = torch.arange(len(images))
    added = [0.0]

    def prepare(step):
        with torch.no_grad():
            part = model.regularisation()
        added[0] = 0.0 if part is None else part.item()
        for group in adam.param_groups:
            group["eps"] = 1e-7 / math.sqrt(1 - 0.999 ** (step + 1))

    def train(batch):
        index = rows[batch]
        x = images.index_select(0, index).to(torch.float32).div_(255)
        loss = loss_at(x, labels.index_select(0, index))
        loss.backward()
        adam.step()
        adam.zero_grad(set_to_none=True)
        return loss

    job.run_steps(report, train, lambda loss: (loss.item(), loss.item() + added[0]), prepare)


def main(path):
    job = peer.Job(path)
    torch.set_num_threads(job.threads)
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)  # as XNNPACK's operators run
    torch.manual_seed(1)
    report = peer.Report(version=f"PyTorch {torch.__version__}")
    model = torch_model.Model(job.graph)
    model.load(job.initial)
    train_all(job, model, report)
    job.hand_back(report)


if __name__ == "__main__":
    main(sys.argv[1])
