"""Trains one job with ONNX Runtime's training module (`onnxruntime`). Started by compare.py.

The model's forward pass is written as ONNX; the module's own tools add loss, gradients and AdamW. With a weight decay
of 0, and its default order of bias correction and epsilon, that is Keras' Adam. A step: gather the batch's 8-bit pixels
and labels in NumPy, then train_step and the optimizer's step; pixels become floats in the model. L2 regularisers are
part of the loss, as in Keras.
"""

import pathlib
import sys
import tempfile
import types

import numpy as np
import onnxruntime

import onnx_model
import peer


def skip_torch():
    """The __init__ of onnxruntime.training imports PyTorch for parts that are not used here: an empty package in its
    place lets the others be imported without those gigabytes."""
    package = types.ModuleType("onnxruntime.training")
    package.__path__ = [str(pathlib.Path(onnxruntime.__file__).parent / "training")]
    sys.modules["onnxruntime.training"] = package


def make_loss(onnxblock, builder, learns_input):
    """What is minimised, as a block behind the model's outputs."""
    class Loss(onnxblock.Block):
        def __init__(self):
            super().__init__()
            self.loss = onnxblock.loss.MSELoss() if learns_input else onnxblock.loss.CrossEntropyLoss()
            self.add = onnxblock.blocks.Add()

        def build(self, *_):
            loss = (self.loss(builder.logits, target_name=builder.images) if learns_input
                    else self.loss(builder.logits))
            return self.add(loss, builder.regularisation) if builder.regularisation else loss
    return Loss()


def make_trainer(job, folder):
    """(module, optimizer) from files in folder, which are read here for the last time."""
    from onnxruntime.training import artifacts, onnxblock
    from onnxruntime.training.api import CheckpointState, Module, Optimizer

    builder = onnx_model.Builder(job.graph, job.initial, job.batch_size)
    model = builder.build()
    artifacts.generate_artifacts(model, requires_grad=builder.trainable, frozen_params=builder.statistics,
                                 loss=make_loss(onnxblock, builder, job.graph.loss == "mse"),
                                 additional_output_names=[builder.regularisation] if builder.regularisation else None,
                                 artifact_directory=folder,
                                 optimizer=onnxblock.optim.AdamW(betas=(0.9, 0.999), eps=1e-7, weight_decay=0.0))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    module = Module(f"{folder}/training_model.onnx", CheckpointState.load_checkpoint(f"{folder}/checkpoint"),
                    session_options=options)
    optimizer = Optimizer(f"{folder}/optimizer_model.onnx", module)
    optimizer.set_learning_rate(1e-3)
    return module.train(), optimizer


def read_loss(outputs):
    """(loss, loss with what regularisers add): the module gives the latter, and what they add if they do."""
    total, added = outputs if isinstance(outputs, tuple) else (outputs, 0.0)
    return total - added, total


def main(path):
    job = peer.Job(path)
    skip_torch()
    onnxruntime.set_default_logger_severity(3)  # errors: making a training session tells a page otherwise
    report = peer.Report(version=f"ONNX Runtime {onnxruntime.__version__}")
    images, labels = job.read_examples()
    if images.ndim == 4:
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    with tempfile.TemporaryDirectory() as folder:
        module, optimizer = make_trainer(job, folder)
    inputs = [images] if job.graph.loss == "mse" else [images, labels]

    def train(rows):
        outputs = module(*(array[rows] for array in inputs))
        optimizer.step()
        module.lazy_reset_grad()
        return outputs

    job.run_steps(report, train, read_loss)
    job.hand_back(report)


if __name__ == "__main__":
    main(sys.argv[1])
