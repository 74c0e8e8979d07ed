#!/usr/bin/python3
"""Models how long a training step takes on boards, from disassembled kernels.

  boards.py PROGRAM OBJECT              prints boards.csv: board,model,batch_size,model_us
  boards.py PROGRAM OBJECT --table      as boards.md has it
  boards.py PROGRAM OBJECT --machine CPU,GHZ,COPY_GB_PER_S,CACHE_KIB     of that machine alone

PROGRAM, of any architecture, tells the models' layers and products. OBJECT is
kernels_baseline.cc.o of an aarch64 build, or kernels_avx2.cc.o for a PC with --machine.
boards.md says what is modelled, how well, and what is left out.
"""

import argparse
import collections
import dataclasses
import functools
import json
import math
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_vectors  # noqa: E402

MCA = "llvm-mca-19"
MODELS = ("mlp", "cnn")
BATCH_SIZES = (8, 32, 128)
UPDATE_STREAMS = 6  # fused: w, m and v, there and back; the gradient stays in a near cache
TILE_DEPTH = 128  # kDepth of src/kernels/matrix_product-inl.h: c is read and written once for so many k
# How often each element is read or written by a kernel that passes over arrays.
STREAMS = {"AdamStep": 7, "MaxPoolOf<true>": 1, "MaxPoolGrad": 2, "ReluGrad": 3, "ColumnSums": 1}


@dataclasses.dataclass
class Board:
    name: str
    cpu: str  # of llvm-mca; cortex-a53 is computed by its own rules
    clock_ghz: float
    copy_gb_per_s: float  # memcpy's bytes, each of which is read and written
    cache_kib: int  # the last cache that the CPU has


BOARDS = (
    Board("pi-zero-2w", "cortex-a53", 1.0, 1.316, 512),
    Board("pi3", "cortex-a53", 1.2, 1.111, 512),
    Board("pi4", "cortex-a72", 1.8, 2.311, 1024),
    # LLVM has the two-FMA pipelines of the A76 and A78 under the name of their sister, the Neoverse N1.
    Board("pi5", "neoverse-n1", 2.4, 6.025, 2048),
    Board("jetson-nano", "cortex-a57", 1.479, 3.727, 2048),
    Board("jetson-orin", "neoverse-n1", 1.51, 6.733, 2048),
)


@dataclasses.dataclass
class Layer:
    positions: int  # for one example, the product is positions x depth by depth x columns
    depth: int
    columns: int
    directions: set
    is_pooled: bool = False


def layers_of(kernels, plan):
    """The layers with products, from what `kernels --json` and `plan` print for one batch size."""
    rows = re.findall(r"^ *(\S+)  +(?:\d+x)*(\d+)  +([\d,]+)  +[\d.,]+  ", plan, re.MULTILINE)
    sizes = {name: (int(columns), int(weights.replace(",", ""))) for name, columns, weights in rows}
    names = [name for name, _, _ in rows]
    layers = {}
    for product in kernels:
        name = product["layer"]
        columns, weights = sizes[name]
        depth = weights // columns - 1  # a bias belongs to each column
        is_pooled = "pooling" in "".join(names[names.index(name) + 1:][:1])
        layer = Layer(product["multiply_adds"] // (depth * columns), depth, columns, set(), is_pooled)
        layers.setdefault(name, layer).directions.add(product["direction"])
    return list(layers.values())


class Kernels:
    """The innermost loops of an object, and how many cycles a pass of each takes."""
    def __init__(self, disassembly):
        self.architecture, self.functions = check_vectors.functions(disassembly)
        self.is_arm = self.architecture is check_vectors.Arm64
        self.lanes, self.wide = (4, 4) if self.is_arm else (8, 2)  # as kLanes and kWide are; AVX2 on x86
        self.mca = functools.lru_cache(maxsize=None)(self.mca)

    def loops(self, pattern):
        for name, body in self.functions.items():
            if body and re.search(pattern, name):
                for head, tail in check_vectors.loop_spans(self.architecture, body):
                    yield [(mnemonic, operands) for address, mnemonic, operands in body if head <= address <= tail]

    def hottest(self, kernel):
        reader = self.architecture([])
        return max(self.loops(rf"(?:^|::|\s){kernel}\("), default=None,
                   key=lambda loop: sum(reader.counts(*line)[0] for line in loop)) or missing(kernel)

    def moved(self, loop):
        """Vectors that a pass of the loop reads or writes."""
        if self.is_arm:
            return sum(len(re.findall(r"\bq\d+", operands.split("[")[0])) for mnemonic, operands in loop
                       if re.match(r"(ld|st)u?[rp]", mnemonic))
        return sum("%ymm" in operands and "(" in operands for _, operands in loop)

    @functools.lru_cache(maxsize=None)
    def tile(self, height, vectors, has_offsets):
        """The loop over k of a product's tile: all its multiply-adds, and the vectors of b that it loads."""
        names = r"Product\w*<(?:.*\{\d, \d, \w+, true\}|true)" if has_offsets else r"Product\w*<(?:.*\{\d, \d\}|false)"
        found = []
        for loop in self.loops(names):
            fused = sum(mnemonic.startswith(("fmla", "vfmadd")) for mnemonic, _ in loop)
            loaded = self.moved([line for line in loop if line[0].startswith(("ld", "vmov"))])
            if fused == height * vectors:
                found.append((abs(loaded - vectors), len(loop), loop))
        return min(found, default=[None])[-1] or missing(f"a product's tile of {height} rows and {vectors} vectors")

    def cycles(self, loop, cpu):
        # LLVM's A53 is nearly twice as slow as the rules that are published of it (boards.md).
        if cpu == "cortex-a53":
            return max(a53_cycles(loop), self.mca(tuple(loop), "cortex-a55"))
        return self.mca(tuple(loop), cpu)

    def mca(self, loop, cpu):
        lines = [f"{mnemonic} {re.sub('0x[0-9a-f]+ <.*>', 'head', operands)}" for mnemonic, operands in loop]
        totals = []
        for passes in (100, 200):  # the difference leaves out what the first and the last take longer
            done = subprocess.run([MCA, f"-mtriple={'aarch64' if self.is_arm else 'x86_64'}", f"-mcpu={cpu}",
                                   f"-iterations={passes}"], input="head:\n" + "\n".join(lines) + "\n",
                                  text=True, capture_output=True, check=True)
            totals.append(int(re.search(r"Total Cycles:\s+(\d+)", done.stdout)[1]))
        return (totals[1] - totals[0]) / 100

    @functools.lru_cache(maxsize=None)
    def cycles_of_float(self, kernel, cpu):
        loop = self.hottest(kernel)
        return self.cycles(loop, cpu) / (self.moved(loop) / STREAMS[kernel] * self.lanes)

    def product_cycles(self, cpu, m, k, n, has_offsets):
        """Of a product of m x k by k x n: those of its tiles."""
        total = 0.0
        for vectors, across in collections.Counter(column_tiles(n, self.lanes, self.wide)).items():
            most = 6 if vectors == self.wide else 8 if vectors == 3 or has_offsets and not self.is_arm else 12
            for height, down in collections.Counter(row_tiles(m, most)).items():
                cycles = k * self.cycles(self.tile(height, vectors, has_offsets), cpu)
                if cpu == "cortex-a53":  # which waits for the tile to be read and written
                    cycles += (2 * math.ceil(k / TILE_DEPTH) - 1) * 2 * height * vectors
                total += across * down * cycles
        return total


def missing(what):
    sys.exit(f"boards: no loop of {what}: expected kernels_baseline.cc.o of an aarch64 build")


def a53_cycles(loop):
    """Of a pass, as the A53 issues it: arithmetic on vectors and loads into them go one by one, of 128 bits in two
    cycles, and any other instruction beside one of these."""
    cycles = 0
    for mnemonic, operands in loop:
        if mnemonic.startswith(("ld", "st")) and mnemonic != "ld1r":
            registers = operands.split("[")[0]
            cycles += sum(2 if name == "q" else 1 for name in re.findall(r"\b([qds])\d+", registers))
        else:
            cycles += bool(re.match(r"(\{ ?)?v\d+\.", operands))
    return max(cycles, len(loop) / 2)


def column_tiles(columns, lanes, wide):
    """The vectors of each tile's width, as ProductAsItLies of src/kernels/matrix_product-inl.h cuts columns."""
    vectors = math.ceil(columns / lanes)
    return [wide] * (vectors // wide) + [vectors % wide] * (vectors % wide > 0)


def row_tiles(rows, most):
    """The heights of tiles of at most so many rows, as ProductColumns of src/kernels/product_tile-inl.h cuts rows."""
    left = rows if rows < most else most + rows % most
    return [most] * ((rows - left) // most) + ([left] if left <= most else [(left + 1) // 2, left // 2])


def step_us(layers, batch, kernels, board):
    """Microseconds of a step on one thread, by our own kernels, with Adam fused into the dense layers' gradients."""
    weights_bytes = [4 * layer.depth * layer.columns for layer in layers]
    in_cache = 3 * sum(weights_bytes) <= board.cache_kib * 1024
    total_us = 0.0
    for layer, weights in zip(layers, weights_bytes):
        for direction in sorted(layer.directions):
            moved = weights
            if direction == "forward":
                # A dense layer's product has the whole batch, a convolution's an image.
                images, rows = (batch, layer.positions) if layer.positions > 1 else (1, batch)
                cycles = images * kernels.product_cycles(board.cpu, rows, layer.depth, layer.columns, True)
            elif direction == "input_grad":
                cycles = kernels.product_cycles(board.cpu, layer.depth, layer.columns, batch, True)
            else:
                cycles = kernels.product_cycles(board.cpu, layer.depth, batch * layer.positions, layer.columns,
                                                layer.positions > 1)
                cycles += kernels.cycles_of_float("AdamStep", board.cpu) * layer.depth * layer.columns
                moved = UPDATE_STREAMS * weights
            if direction != "input_grad" and layer.is_pooled:
                activations = batch * layer.positions * layer.columns
                behind = ["MaxPoolOf<true>"] if direction == "forward" else ["MaxPoolGrad", "ReluGrad", "ColumnSums"]
                cycles += activations * sum(kernels.cycles_of_float(kernel, board.cpu) for kernel in behind)
            arithmetic_us = cycles / (1000 * board.clock_ghz)
            memory_us = 0.0 if in_cache else moved / (2000 * board.copy_gb_per_s)
            # An A53 waits for what it loads; the others compute on.
            total_us += arithmetic_us + memory_us if board.cpu == "cortex-a53" else max(arithmetic_us, memory_us)
    return total_us


def table(rows):
    """boards.md's, of (board, model, batch size, microseconds)."""
    lines = [f"{'board':11}" + "".join(f"{f'{model} {batch}':>10}" for model in MODELS for batch in BATCH_SIZES)]
    for name in dict.fromkeys(row[0] for row in rows):
        lines.append(f"{name:11}" + "".join(f"{us:10}" for board, _, _, us in rows if board == name))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", metavar="PROGRAM", type=pathlib.Path)
    parser.add_argument("object", metavar="OBJECT", type=pathlib.Path)
    parser.add_argument("--machine")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    cpu, *figures = (options.machine or "").split(",")
    boards = (Board("machine", cpu, *map(float, figures)),) if figures else BOARDS

    def output(*arguments):
        try:
            return subprocess.check_output([options.program.resolve(), *arguments], text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"boards: {options.program}: {error}: expected the program batchsweep of a build")

    def layers(*model):
        return layers_of(json.loads(output("kernels", *model, "--json")), output("plan", *model))

    models = {model: layers("--model", model, "--batch-sizes", "8") for model in MODELS}
    if not options.object.is_file():
        sys.exit(f"boards: {options.object} is not there: expected kernels_baseline.cc.o of an aarch64 build")
    kernels = Kernels(check_vectors.disassembly_of(options.object))
    rows = [(board.name, model, batch, round(step_us(layers, batch, kernels, board)))
            for board in boards for model, layers in models.items() for batch in BATCH_SIZES]
    lines = [",".join(map(str, row)) for row in [("board", "model", "batch_size", "model_us"), *rows]]
    print(table(rows) if options.table else "\n".join(lines))


if __name__ == "__main__":
    main()
