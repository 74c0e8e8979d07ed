"""tools/check_vectors.py, on small disassemblies as llvm-objdump prints them."""

import pathlib
import subprocess
import sys
import unittest
from unittest import mock

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
import check_vectors

X86, ARM64, ARM32 = "elf64-x86-64", "elf64-littleaarch64", "elf32-littlearm"
# A loop of vectors and one of what it leaves over, of each architecture.
LOOPS = {
    X86: (["vmovups (%rsi,%rax,4), %ymm1", "vaddps %ymm0, %ymm1, %ymm1 # ymm1", "vmovups %ymm1, (%rdx,%rax,4)", "jne HEAD"],
          ["vmovss (%rsi), %xmm1", "vaddss %xmm0, %xmm1, %xmm1", "vmovss %xmm1, (%rdx)", "jne HEAD"]),
    ARM64: (["ldr q1, [x1], #16", "fadd v1.4s, v1.4s, v0.4s", "str q1, [x2], #16", "b.ne HEAD"],
            ["ldr s1, [x1], #4", "fadd s1, s1, s0", "str s1, [x2], #4", "cbnz x3, HEAD"]),
    ARM32: (["vld1.32 {d2, d3}, [r1]!", "vadd.f32 q1, q1, q0", "vst1.32 {d2, d3}, [r2]!", "bne HEAD"],
            ["vldr s2, [r1]", "vadd.f32 s2, s2, s0", "vstr s2, [r2]", "bne HEAD"]),
}
SPILLS = {
    X86: ["vmovaps %ymm2, 0x60(%rsp)"],
    ARM64: ["stp q2, q3, [sp, #0x20]"],
    ARM32: ["add r0, sp, #16", "vst1.64 {d4, d5}, [r0:128]"],
}


def function(name, *loops, first=0x100):
    """The lines of a function with these loops one behind the other."""
    lines, address = [f"{first:016x} <batchsweep::avx2::(anonymous namespace)::{name}(float const*, long)>:"], first
    for loop in loops:
        head = f"0x{address:x} <batchsweep::avx2::{name}+0x10>"
        for instruction in loop:
            mnemonic, _, operands = instruction.partition(" ")
            lines.append(f"    {address:x}:      \t{mnemonic}\t{operands.replace('HEAD', head)}")
            address += 4
    return lines


def violations(architecture, *functions, kernels=None):
    lines = [f"kernels_avx2.cc.o:\tfile format {architecture}", *(line for lines in functions for line in lines)]
    with mock.patch.object(check_vectors, "KERNELS", kernels or {"Adam": 1}):
        return list(check_vectors.violations("\n".join(lines)))


class CheckVectors(unittest.TestCase):
    def test_a_loop_of_vectors_with_its_remainder_passes(self):
        for architecture, (vectors, singles) in LOOPS.items():
            with self.subTest(architecture):
                self.assertEqual(violations(architecture, function("Adam", vectors, singles)), [])

    def test_a_kernel_without_vectors_is_named_with_what_was_found(self):
        for architecture, (_, singles) in LOOPS.items():
            with self.subTest(architecture):
                found = violations(architecture, function("Adam", singles))
                self.assertIn("Adam: 0 innermost loops on vectors alone: expected 1 or more", found)

    def test_a_second_loop_on_singles_alone_is_found(self):
        for architecture, (vectors, singles) in LOOPS.items():
            with self.subTest(architecture):
                found = violations(architecture, function("Adam", vectors, singles, singles), kernels={"Adam": 2})
                self.assertEqual(found, ["Adam: 1 innermost loops on vectors alone: expected 2 or more"])

    def test_singles_among_the_vectors_of_the_hottest_loop_are_found(self):
        for architecture, (vectors, singles) in LOOPS.items():
            with self.subTest(architecture):
                hot = [*vectors[:2], *vectors[1:3], singles[1], vectors[3]]
                found = violations(architecture, function("Adam", vectors, hot))
                self.assertEqual(len(found), 1)
                self.assertIn("in the loop with the most vectors: expected no arithmetic on single floats", found[0])

    def test_more_singles_than_the_largest_loop_has_vectors_are_found(self):
        for architecture, (vectors, singles) in LOOPS.items():
            with self.subTest(architecture):
                found = violations(architecture, function("Adam", vectors, [*singles[:3], *singles]))
                self.assertEqual(len(found), 1)
                self.assertIn("and 1 more on single floats in a loop: expected no more than the 1", found[0])

    def test_a_vector_spilled_in_the_hottest_loop_is_found(self):
        for architecture, (vectors, _) in LOOPS.items():
            with self.subTest(architecture):
                spilling = [*vectors[:2], *vectors[1:2], *SPILLS[architecture], *vectors[2:]]
                found = violations(architecture, function("Adam", vectors, spilling))
                self.assertEqual(found, [f"Adam: `{SPILLS[architecture][-1]}` in a loop with 2 vector instructions: "
                                         "expected none to use the stack"])

    def test_a_product_may_spill_in_none_of_its_loops(self):
        for architecture, (vectors, _) in LOOPS.items():
            with self.subTest(architecture):
                larger = [*vectors[:2], *vectors[1:]]
                spilling = [*vectors[:2], *SPILLS[architecture], *vectors[2:]]
                found = violations(architecture, function("ProductOf", larger, spilling),
                                   kernels={check_vectors.PRODUCT: 2})
                self.assertEqual(len(found), 1)
                self.assertEqual(violations(architecture, function("Adam", larger, spilling)), [])

    def test_a_product_of_one_or_two_columns_may_have_single_floats(self):
        for shape, count in (("{1, 1}", 0), ("{2, 1, false, true}", 0), ("{16, 1}", 1), ("{4, 2, false, true}", 1)):
            with self.subTest(shape):
                vectors, singles = LOOPS[X86]
                mixed = [*vectors[:2], *vectors[1:3], singles[1], vectors[3]]
                tile = f"ProductTiles<batchsweep::avx2::(anonymous namespace)::TileShape{shape}, 12>"
                found = violations(X86, function("ProductOf", vectors), function(tile, mixed),
                                   kernels={check_vectors.PRODUCT: 1})
                self.assertEqual(len(found), count, found)

    def test_a_jump_back_to_the_functions_end_is_no_loop(self):
        ends = {X86: ["popq %rbx", "retq"], ARM64: ["ldp x29, x30, [sp], #16", "ret"], ARM32: ["pop {r4, pc}"]}
        for architecture, (vectors, singles) in LOOPS.items():
            with self.subTest(architecture):
                exit_first = [*ends[architecture], *SPILLS[architecture], *vectors[:2], vectors[1], singles[1],
                              vectors[3]]
                self.assertEqual(violations(architecture, function("Adam", vectors, exit_first)), [])

    def test_an_array_on_the_stack_and_spills_around_the_loop_are_none(self):
        for architecture, (vectors, _) in LOOPS.items():
            with self.subTest(architecture):
                self.assertEqual(violations(architecture, function("Adam", SPILLS[architecture], vectors)), [])
        array = ["vaddps 0x20(%rsp,%rax), %ymm0, %ymm1", "jne HEAD"]
        self.assertEqual(violations(X86, function("Adam", array)), [])

    def test_a_frame_pointer_counts_as_the_stack_where_it_is_one(self):
        loop = ["ldp q2, q3, [x29]", "fadd v1.4s, v1.4s, v2.4s", "b.ne HEAD"]
        self.assertEqual(violations(ARM64, function("Adam", loop)), [])
        self.assertEqual(len(violations(ARM64, function("Adam", ["add x29, sp, #0x10"], loop))), 1)

    def test_an_outer_loop_is_not_looked_at(self):
        vectors, singles = LOOPS[ARM64]
        nest = function("Adam", ["mov x3, x4"], vectors, [singles[1], singles[1], "b.ne 0x100 <Adam>"])
        self.assertEqual(violations(ARM64, nest), [])

    def test_a_kernel_that_is_not_there_is_named(self):
        found = violations(X86, function("Adamant", *LOOPS[X86]))
        self.assertEqual(found, ["Adam: no such function: expected what KERNELS of tools/check_vectors.py names"])

    def test_what_is_no_object_of_ours_is_refused(self):
        self.assertIn("expected a kernels_*.cc.o", violations("elf64-littleriscv", function("Adam"))[0])

    def test_without_a_disassembler_it_says_so_and_is_skipped(self):
        result = subprocess.run([sys.executable, TOOLS / "check_vectors.py", "any.o"], env={"PATH": "/nowhere"},
                                stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, check_vectors.SKIPPED)
        self.assertRegex(result.stdout, r"^skipped: no llvm-objdump-19 here: expected Debian's package llvm-19[^\n]*\n$")


if __name__ == "__main__":
    unittest.main()
