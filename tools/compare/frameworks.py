"""The frameworks that batchsweep is compared with, and which Python runs each.

A framework is one entry of FRAMEWORKS, one peer_*.py that trains a job (peer.py), and one requirements-ENVIRONMENT.txt
that setup.sh installs. Where setup.sh was not run, the system's Python serves if it has the module: on a board that is
apt's python3-torch and python3-numpy.
"""

import dataclasses
import functools
import os
import pathlib
import shutil
import subprocess
import typing

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / "build" / "compare"
SYSTEM_PYTHON = pathlib.Path("/usr/bin/python3")


def has_layer(*kinds):
    return lambda graph: any(layer.kind in kinds for layer in graph.layers)


@dataclasses.dataclass(frozen=True)
class Choice:
    """Something that a framework can do in several ways. Short trials choose the fastest, one choice after another."""

    name: str  # key of the job's `choices`
    values: tuple  # ways that fail are passed over; the first is taken where the choice does not apply
    applies: typing.Callable = lambda graph: True


@dataclasses.dataclass(frozen=True)
class Framework:
    name: str
    does: str  # for --help
    script: str = ""  # none is batchsweep itself
    environment: str = ""
    module: str = ""  # what its Python must have
    package: str = ""  # of Debian, that gives it to the system's Python
    is_default: bool = True
    needs_compiler: bool = False  # for C++
    choices: tuple = ()
    chooses_as: str = ""  # the framework whose trials decide, if not its own


CONVOLUTIONS = has_layer("Conv2D", "DepthwiseConv2D", "SeparableConv2D")
JAX_CHOICES = (Choice("convolution", ("products", "lax"), CONVOLUTIONS),
               Choice("pooling", ("slices", "lax"), has_layer("MaxPooling2D", "AveragePooling2D")))
# Old versions lack variants of Adam: what may fail is chosen first, so that the trials of the others do not fail with it.
TORCH_CHOICES = (Choice("adam", ("fused", "foreach", "default")),
                 Choice("channels_last", (False, True), lambda graph: len(graph.input_shape) == 3))

FRAMEWORKS = {framework.name: framework for framework in (
    Framework("batchsweep", "`batchsweep run`"),
    Framework("keras-fit", "model.fit on arrays", "peer_keras.py", "keras", "tensorflow"),
    Framework("torch-eager", "a training loop with the fastest of Adam's variants", "peer_torch.py", "torch", "torch",
              "python3-torch", choices=TORCH_CHOICES),
    Framework("torch-compile", "the same, forward, loss and backward compiled (needs a C++ compiler)", "peer_torch.py",
              "torch", "torch", "python3-torch", needs_compiler=True, choices=TORCH_CHOICES, chooses_as="torch-eager"),
    Framework("jax-scan", "a compiled loop of up to fifty steps a dispatch", "peer_jax.py", "jax", "jax",
              choices=JAX_CHOICES),
    Framework("jax-step", "a compiled step a dispatch", "peer_jax.py", "jax", "jax", choices=JAX_CHOICES,
              chooses_as="jax-scan"),
    Framework("numpy", "written out by hand, for chains of dense layers only", "peer_numpy.py", "numpy", "numpy",
              "python3-numpy"),
    Framework("onnxruntime", "ONNX Runtime's training module", "peer_onnxruntime.py",
              "onnxruntime", "onnxruntime.training"),
    Framework("keras-train_on_batch", "a call for each step", "peer_keras.py", "keras", "tensorflow",
              is_default=False),
    Framework("keras-fit-tuned", "model.fit with XLA and many steps an execution", "peer_keras.py", "keras",
              "tensorflow", is_default=False))}
DEFAULT = [name for name, framework in FRAMEWORKS.items() if framework.is_default]


@dataclasses.dataclass(frozen=True)
class Environment:
    python: pathlib.Path
    is_pinned: bool  # by a requirements file; or else the system's

    @property
    def name(self):
        place = self.python.parent.parent
        return str(place.relative_to(ROOT) if place.is_relative_to(ROOT) else place) if self.is_pinned else (
            f"the system's {self.python}")


@functools.cache
def has_module(python, module):
    """Whether this Python finds the module; nothing but the packages that it is in is imported."""
    script = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    try:
        return subprocess.run([python, "-c", script, module], capture_output=True, check=False, cwd="/").returncode == 0
    except OSError:
        return False


def find_environment(framework):
    """Of setup.sh, or else the system's; None if neither has the framework."""
    pinned = ENVIRONMENTS / framework.environment / "bin" / "python"
    if pinned.exists():
        return Environment(pinned, True)
    return Environment(SYSTEM_PYTHON, False) if has_module(SYSTEM_PYTHON, framework.module) else None


def why_missing(framework):
    """The reason that a framework cannot be started, or ""."""
    if not framework.script:
        return ""
    if not find_environment(framework):
        reason = ENVIRONMENTS / f"{framework.environment}.missing"
        told = reason.read_text(encoding="utf-8").strip() if reason.exists() else ""
        apt = f", or `apt-get install {framework.package}`" if framework.package else ""
        return told or f"{framework.environment} is not installed; run tools/compare/setup.sh{apt}"
    compilers = [os.environ.get("CXX"), "g++", "clang++", "clang++-19"]
    if framework.needs_compiler and not any(one and shutil.which(one) for one in compilers):
        return "it needs a C++ compiler; install g++"
    return ""


def use_compiler():
    """Names to torch-compile the compiler that there is, if it is not g++."""
    if "CXX" not in os.environ and not shutil.which("g++"):
        os.environ["CXX"] = shutil.which("clang++") or shutil.which("clang++-19") or "g++"
