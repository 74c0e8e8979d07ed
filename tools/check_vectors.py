#!/usr/bin/env python3
"""Checks by disassembly that the hot loops of our kernels run on vectors.

  check_vectors.py OBJECT...          the kernels_*.cc.o of a build, of any architecture
  check_vectors.py --list OBJECT...   counts of each function's innermost loops

A compiler that leaves vectors says nothing, and a test of results cannot see it. So
for each kernel of KERNELS, in each object:
- as many innermost loops as are named there have arithmetic on vectors and none on
  single floats;
- the loop with the most of it, of a product every loop of vectors, keeps no vector
  on the stack;
- no loop has more arithmetic on single floats than that one has on vectors: what is
  left over of a loop may go through singly, another loop may not.
Prints a line for each violation and exits 1 if there is any; 77, with the reason,
where there is no disassembler.
"""

import argparse
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys

OBJDUMP = "llvm-objdump-19"
SKIPPED = 77  # what ctest takes for it

# Those of a matrix product, except for tiles of one or two columns, which fill no vector.
PRODUCT = r"(?:Matrix)?Product(?!\w*<[^>]*TileShape\{[12], )\w*"

# How many loops of vectors are expected of the functions that are called so, with all that is inlined into them. A
# source's loop may be several of the compiler's.
KERNELS = {
    PRODUCT: 2,
    "ScaleU8": 1,
    "Add": 1,
    "AddScaled": 1,
    "SumOfSquares": 1,
    "LeakyRelu": 1,
    "ReluGrad": 1,
    "Relu6Grad": 1,
    "LeakyReluGrad": 1,
    "TanhGrad": 1,
    "SigmoidGrad": 1,
    "Dropout": 1,
    r"(?:ColumnSums|SumFewVectors|SumVectors)": 2,
    "ShiftedMoments": 2,
    "GradientMomentsOf<false>": 2,
    "NormalizationGradOf<false>": 1,
    "Affine": 1,
    "MaxPoolOf": 2,
    "MaxPoolGrad": 2,
    "AveragePoolOf<true>": 1,
    "AveragePoolGrad": 1,
    "DepthwiseKernelGrad": 1,
    "SoftmaxCrossEntropy": 2,
    "CrossEntropyGrad": 1,
    "SquaredError": 2,
    "AdamStep": 2,
    "SgdStep": 2,
    "RmsPropStep": 8,
}
# Where every loop of vectors has to do without the stack: each is some shape's hottest.
EVERY_LOOP_IN_REGISTERS = {PRODUCT}

FORMAT = re.compile(r".*:\s+file format (\S+)$")
FUNCTION = re.compile(r"[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+([a-z][\w.]*)\s*(.*)$")
TARGET = re.compile(r"\b0x([0-9a-f]+) <")
COMMENT = re.compile(r"\s+(?:#|@|//) .*")


class X86:
    """x86-64, as AT&T write it. What is indexed on the stack is an array, no spilled vector."""
    branch = re.compile(r"j\w+")
    returns = re.compile(r"retq? ?")
    arithmetic = r"v?(?:add|sub|mul|div|sqrt|rsqrt\w*|rcp\w*|min|max|cmp\w*|u?comi|fn?m(?:add|sub)\d+)"
    scalar = re.compile(rf"{arithmetic}ss")
    packed = re.compile(rf"{arithmetic}p[sd]|v?(?:and|andn|or|xor|blendv?|cvtdq2)p[sd]|v?pternlog\w+|vptestn?m\w|v?pblend\w+|"
                        r"v?p(?:andn?|x?or)[dq]?|v?p(?:add|sub|mull?|mulu|cmp)\w+")
    vector = re.compile(r"%[xyz]mm\d")

    def __init__(self, body):
        pass

    def counts(self, mnemonic, operands):
        """(is arithmetic on vectors, is it on a single float, has a vector on the stack)"""
        on_vector = bool(self.vector.search(operands))
        return (on_vector and bool(self.packed.fullmatch(mnemonic)), bool(self.scalar.fullmatch(mnemonic)),
                on_vector and "(%rsp)" in operands and not mnemonic.endswith(("ss", "sd")))


class Arm64:
    """64-bit Arm."""
    branch = re.compile(r"b(\.\w+)?|cbn?z|tbn?z")
    returns = re.compile(r"ret ?")
    moves = re.compile(r"(ld|st)\w*|f?mov\w*|mvni|dup|ins|umov|smov|ext|zip\d|uzp\d|trn\d|[su]?xtn?l?2?")

    def __init__(self, body):
        # A function without a frame may have anything in x29.
        has_frame = any(re.match(r"x29, sp\b", operands) for _, _, operands in body)
        self.stack = re.compile(r"\[(?:sp|x29)\b" if has_frame else r"\[sp\b")

    def counts(self, mnemonic, operands):
        moves = bool(self.moves.fullmatch(mnemonic))
        return (not moves and bool(re.match(r"v\d+\.\d+[bhsd]\b", operands)),
                not moves and mnemonic.startswith("f") and bool(re.match(r"s\d+\b", operands)),
                mnemonic.startswith(("ld", "st")) and bool(re.match(r"q\d+|\{ ?v", operands)) and
                bool(self.stack.search(operands)))


class Arm32:
    """32-bit Arm."""
    branch = re.compile(r"b(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?")
    returns = re.compile(r"bx lr|(pop|ldm).*\bpc\b.*")
    moves = re.compile(r"v(ld|st|mov|mvn|dup|ext|zip|uzp|trn|push|pop|mrs|msr|swp)\w*(\..*)?")

    def __init__(self, body):
        self.stack_pointers = set()  # registers that the loop has made point to the stack

    def counts(self, mnemonic, operands):
        is_moved = bool(self.moves.fullmatch(mnemonic))
        arithmetic = mnemonic.startswith("v") and not is_moved and not mnemonic.endswith("f64")
        return (arithmetic and bool(re.match(r"[qd]\d+", operands)),
                arithmetic and bool(re.match(r"s\d+", operands)),
                self.on_stack(mnemonic, operands))

    def on_stack(self, mnemonic, operands):
        # A vector's address on the stack is computed first: add r0, sp, #16.
        if mnemonic in ("add", "mov") and (match := re.match(r"(r\d+|lr), sp\b", operands)):
            self.stack_pointers.add(match[1])
        elif re.match(r"v(ld|st)(1|m|r)", mnemonic) and re.match(r"\{|[dqr]|sp", operands):
            base = re.search(r"\b(sp|r\d+|lr)\b", operands)
            return bool(base) and (base[1] == "sp" or base[1] in self.stack_pointers)
        elif match := re.match(r"(r\d+|lr)\b", operands):
            self.stack_pointers.discard(match[1])
        return False


ARCHITECTURES = {"elf64-x86-64": X86, "elf64-littleaarch64": Arm64, "elf32-littlearm": Arm32}


@dataclasses.dataclass
class Loop:
    """An innermost loop: how many instructions of it compute vectors, and those that should not be there."""
    vectors: int = 0
    singles: list = dataclasses.field(default_factory=list)
    stack: list = dataclasses.field(default_factory=list)


def functions(disassembly):
    """(architecture or None, {function: [(address, mnemonic, operands)]}) of what objdump prints."""
    architecture, found, body = None, {}, []
    for line in disassembly.splitlines():
        if match := FUNCTION.match(line):
            body = found.setdefault(match[1], [])
        elif match := FORMAT.match(line):
            architecture = ARCHITECTURES.get(match[1])
        elif match := INSTRUCTION.match(line):
            body.append((int(match[1], 16), match[2], COMMENT.sub("", match[3])))
    return architecture, found


def only_returns(architecture, body, address):
    """Whether nothing but a return follows there: a jump to it ends the function, and begins no loop."""
    for other, mnemonic, operands in body:
        if other >= address:
            if architecture.returns.fullmatch(f"{mnemonic} {operands}"):
                return True
            if architecture.branch.fullmatch(mnemonic):
                return False
    return False


def loop_spans(architecture, body):
    """(first, last) address of each innermost loop: what a backward jump spans, and no other jump spans part of."""
    spans = {}
    for address, mnemonic, operands in body:
        if architecture.branch.fullmatch(mnemonic) and (match := TARGET.search(operands)):
            head = int(match[1], 16)
            if body[0][0] <= head <= address and not only_returns(architecture, body, head):
                spans[head] = max(address, spans.get(head, 0))
    return [(head, tail) for head, tail in sorted(spans.items())
            if not any(head <= other and spans[other] <= tail for other in spans if other != head)]


def innermost_loops(architecture, body):
    loops = []
    for head, tail in loop_spans(architecture, body):
        loop, reader = Loop(), architecture(body)
        for address, mnemonic, operands in body:
            if head <= address <= tail:
                is_vector, is_single, on_stack = reader.counts(mnemonic, operands)
                loop.vectors += is_vector
                if is_single:
                    loop.singles.append(f"{mnemonic} {operands}")
                if on_stack:
                    loop.stack.append(f"{mnemonic} {operands}")
        if loop.vectors or loop.singles:
            loops.append(loop)
    return loops


def violations_of_kernel(kernel, loops):
    """What is wrong with the loops of one kernel, as found and expected."""
    of_vectors = [loop for loop in loops if loop.vectors and not loop.singles]
    hottest = max(loops, key=lambda loop: (loop.vectors, -len(loop.singles)), default=Loop())
    if len(of_vectors) < KERNELS[kernel]:
        yield f"{len(of_vectors)} innermost loops on vectors alone: expected {KERNELS[kernel]} or more"
    if hottest.vectors and hottest.singles:
        yield f"`{hottest.singles[0]}` in the loop with the most vectors: expected no arithmetic on single floats there"
    for loop in of_vectors if kernel in EVERY_LOOP_IN_REGISTERS else [hottest]:
        if loop.stack:
            yield f"`{loop.stack[0]}` in a loop with {loop.vectors} vector instructions: expected none to use the stack"
    for loop in loops:
        if len(loop.singles) > hottest.vectors:
            yield (f"`{loop.singles[0]}` and {len(loop.singles) - 1} more on single floats in a loop: expected no more "
                   f"than the {hottest.vectors} vector instructions of the largest loop on vectors")


def violations(disassembly):
    """A line `function: found: expected` for each violation in what objdump prints of one object."""
    architecture, found = functions(disassembly)
    if architecture is None:
        yield f"no object of {', '.join(ARCHITECTURES)}: expected a kernels_*.cc.o of a build"
        return
    for kernel in KERNELS:
        bodies = [body for name, body in found.items() if re.search(rf"(?:^|::){kernel}[(<]", name)]
        if not bodies:
            yield f"{kernel}: no such function: expected what KERNELS of tools/check_vectors.py names"
            continue
        loops = [loop for body in bodies for loop in innermost_loops(architecture, body)]
        for violation in violations_of_kernel(kernel, loops):
            yield f"{kernel}: {violation}"


def print_loops(disassembly):
    architecture, found = functions(disassembly)
    for name, body in found.items():
        loops = innermost_loops(architecture, body) if body else []
        if loops:
            short = re.sub(r"batchsweep::(?:\w+::)?(?:\(anonymous namespace\)::)?", "", name)
            print(f"  {short[:60]}: " + ", ".join(
                f"{loop.vectors} on vectors {len(loop.singles)} on singles {len(loop.stack)} on the stack" for loop in loops))


def disassembly_of(path):
    return subprocess.run([OBJDUMP, "--disassemble", "--demangle", "--no-show-raw-insn", path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objects", nargs="+", type=pathlib.Path, metavar="OBJECT")
    parser.add_argument("--list", action="store_true", help="print what is in each function's loops instead")
    options = parser.parse_args(arguments)
    if not shutil.which(OBJDUMP):
        print(f"skipped: no {OBJDUMP} here: expected Debian's package llvm-19, which `tools/setup.sh tests` installs")
        return SKIPPED
    count = 0
    for path in options.objects:
        if options.list:
            print(path)
            print_loops(disassembly_of(path))
            continue
        for violation in violations(disassembly_of(path)):
            print(f"{path}: {violation}")
            count += 1
    if count:
        return 1
    print(f"{len(options.objects)} objects, hot loops on vectors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
