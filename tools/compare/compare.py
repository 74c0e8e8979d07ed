#!/usr/bin/python3
"""Trains one model on batchsweep and on other frameworks and compares the cost of a step.

Every framework gets the same network (from Keras JSON), first weights, examples in the same order, batch size, Adam
(learning rate 1e-3, epsilon 1e-7) and cores, each in a process of its own, by turns, for --rounds rounds. The losses
of the first steps are compared too: frameworks that compute different things cannot be compared. Whatever else runs on
the machine is looked for before and during the comparison, and told.
"""

import argparse
import dataclasses
import math
import os
import pathlib
import platform
import subprocess
import sys

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"compare.py: {error} in {sys.executable}: expected Debian's pandas; run "
             "`apt-get install python3-pandas` and use /usr/bin/python3")

import bench
import files
import frameworks
import generate
import keras_graph
import machine
from summary import TOLERANCE, CompareError, summarise, warnings_of
from tables import describe, format_table, framework_lines, missing_lines, write_results

GENERATED_EXAMPLES = 8192  # the most that are made up; more steps go through them again


def read_examples(options, graph):
    """(images, labels), of the model's input shape but for a last dimension of 1."""
    if options.data == "generated":
        count = min(GENERATED_EXAMPLES, options.steps * max(options.batch_sizes))
        images, labels = generate.examples(graph.input_shape, graph.classes, 0, max(count, *options.batch_sizes))
    else:
        folder = files.DEBIAN_FASHION_MNIST if options.data == "fashion-mnist" else options.data
        images, labels = files.read_training_set(folder, options.steps * max(options.batch_sizes))
    shape = images.shape[1:]
    if math.prod(shape) != math.prod(graph.input_shape):
        raise CompareError(f"{options.data} has examples of {shape}, the model {graph.name} takes {graph.input_shape}; "
                           "--data generated makes up examples of its shape")
    if shape[2:] == (1,):
        images = images.reshape(images.shape[:3])
    if graph.loss != "mse" and labels.max() >= graph.classes:
        raise CompareError(f"{options.data} has the label {labels.max()}, {graph.name} only {graph.classes} classes")
    return images, labels


def find_model(options):
    """A zoo model's JSON as the program has it, or a file."""
    if options.model.endswith(".json"):
        return pathlib.Path(options.model).resolve()
    done = subprocess.run([options.batchsweep, "models", "show", options.model], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise CompareError(f"--model {options.model}: {done.stderr.strip() or 'not a model of the zoo'}")
    path = options.out.resolve() / "work" / f"{options.model}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(done.stdout, encoding="utf-8")
    return path


def list_frameworks():
    width = max(map(len, frameworks.FRAMEWORKS))
    return "\n".join(f"{'*' if one.is_default else ' '} {one.name.ljust(width)}  {one.does}"
                     for one in frameworks.FRAMEWORKS.values())


def parse_options(arguments):
    preset = {"x86_64": "x86-64"}.get(platform.machine(), platform.machine())
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"""frameworks (--frameworks), * by default:
{list_frameworks()}

examples:
  tools/compare/compare.py                                 the mlp on Fashion-MNIST
  tools/compare/compare.py --model cnn --batch-sizes 32 --steps 100
  tools/compare/compare.py --model my_model.json --data generated --threads 2
  tools/compare/compare.py --frameworks batchsweep,torch-eager --rounds 5

Writes comparison.csv and comparison.md into --out. Exit code: 0 compared, 1 error, 2 compared, but
losses differ by more than {TOLERANCE:g} or batchsweep did not run.
""")
    numbers = lambda text: [int(word) for word in text.split(",")]  # noqa: E731
    parser.add_argument("--model", default="mlp", help="a model of batchsweep's zoo, or a Keras JSON file [mlp]")
    parser.add_argument("--data", default="fashion-mnist", help="fashion-mnist, a folder of NumPy, IDX or CIFAR-10 "
                        "files, or generated: made up, of the model's shape [fashion-mnist]")
    parser.add_argument("--batch-sizes", type=numbers, default=[8, 32, 128], metavar="LIST", help="[8,32,128]")
    parser.add_argument("--steps", type=int, default=400, help="of each run, warm-up included [400]")
    parser.add_argument("--warmup", type=int, default=20, help="steps that are not timed [20]")
    parser.add_argument("--check-steps", type=int, default=4, help="first steps whose losses are compared; float32 "
                        "strays further with each [4]")
    parser.add_argument("--rounds", type=int, default=3, help="[3]")
    parser.add_argument("--threads", type=int, default=1, help="and as many of this machine's cores [1]")
    parser.add_argument("--frameworks", type=lambda text: text.split(","), default=frameworks.DEFAULT,
                        metavar="LIST", help="separated by commas; see below")
    parser.add_argument("--batchsweep", type=pathlib.Path, default=frameworks.ROOT / "build" / preset / "batchsweep",
                        metavar="FILE", help=f"the program [build/{preset}/batchsweep]")
    parser.add_argument("--out", type=pathlib.Path, default=frameworks.ENVIRONMENTS / "results",
                        help="[build/compare/results]")
    options = parser.parse_args(arguments)
    check_options(parser, options)
    return options


def check_options(parser, options):
    """Ends the program if they make no sense."""
    unknown = [name for name in options.frameworks if name not in frameworks.FRAMEWORKS]
    if unknown:
        parser.error(f"--frameworks: no {', '.join(unknown)}; there are {', '.join(frameworks.FRAMEWORKS)}")
    if min(options.batch_sizes + [options.rounds, options.threads, options.warmup]) < 1:
        parser.error("batch sizes, rounds, threads and warm-up steps start from 1")
    if options.steps <= options.warmup:
        parser.error(f"--steps {options.steps}: expected more than the {options.warmup} of the warm-up")
    if options.threads > len(os.sched_getaffinity(0)):
        parser.error(f"--threads {options.threads}: this process may use {len(os.sched_getaffinity(0))}")


def run(options):
    if not options.batchsweep.exists():
        raise CompareError(f"{options.batchsweep}: no such program; run tools/sweep.sh, or name it by --batchsweep")
    model_path = find_model(options)
    graph = keras_graph.load(model_path)
    frameworks.use_compiler()
    images, labels = read_examples(options, graph)
    made = bench.Bench(options, graph, model_path)
    quiet = machine.look_around()
    for warning in quiet.warnings():
        print(f"warning: {warning}", file=sys.stderr, flush=True)
    before = machine.read_usage()
    table = summarise(bench.compare(made, np.asarray(images), np.asarray(labels)), options.check_steps)
    quiet.others_during = machine.read_usage().others_since(before)
    conditions = {"model": model_path.stem, "parameters": graph.parameter_count(), "cpu": machine.cpu_name(),
                  "data": options.data, "dropout": graph.has_dropout, "check_steps": options.check_steps,
                  "noise": quiet.warnings()} | dataclasses.asdict(quiet) | {
                      key: getattr(options, key) for key in ("threads", "rounds", "steps", "warmup")}
    write_results(options.out, table, conditions)
    return tell(table, conditions, options.out / "comparison.md")


def tell(table, conditions, path):
    """Prints the table and what goes with it; the exit code."""
    warnings = warnings_of(table, conditions)
    largest = table.loss_deviation[table.framework != "batchsweep"].max()
    told = [] if pd.isna(largest) else [f"largest deviation of a loss: {largest:.1e}"]
    print(describe(conditions), format_table(table), sep="\n\n")
    print("", *framework_lines(table), *told, *missing_lines(table), *(f"warning: {line}" for line in warnings), path,
          sep="\n")
    ours_missing = (table.missing[table.framework == "batchsweep"] != "").any()
    differ = any("losses differ" in line for line in warnings)
    return 2 if ours_missing or differ else 0


def main(arguments=None):
    options = parse_options(arguments)
    try:
        return run(options)
    except (CompareError, keras_graph.ModelError, files.DataError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"compare.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
