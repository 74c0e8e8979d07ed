"""tests/perf/boards.py on small disassemblies, and its page and table."""

import csv
import pathlib
import sys
import unittest
from unittest import mock

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests/perf"))
import boards

PLAN = """
Layers at batch size 8, the memory of outputs, gradients and workspace
before sharing:

        layer    output  weights  forward MFLOP   memory
-------------  --------  -------  -------------  -------
       conv2d  26x26x32      320           3.12  1.7 MiB
max_pooling2d  13x13x32        0           0.00      0 B
      flatten      5408        0           0.00      0 B
        dense       128   692352          11.08  182 KiB
"""
PRODUCTS = [{"layer": "conv2d", "direction": "forward", "multiply_adds": 194688},
            {"layer": "conv2d", "direction": "weight_grads", "multiply_adds": 194688},
            {"layer": "dense", "direction": "input_grad", "multiply_adds": 692224}]
TILE = ["ldp q0, q1, [x1]", "ldr s2, [x2]", "subs x3, x3, #0x1", "fmla v3.4s, v0.4s, v2.s[0]",
        "fmla v4.4s, v1.4s, v2.s[0]", "b.ne 0x100 <f>"]


def lines_of(loop):
    return [tuple(line.partition(" ")[::2]) for line in loop]


def disassembly(name, loop):
    lines = ["kernels_baseline.cc.o:\tfile format elf64-littleaarch64",
             f"0000000000000100 <void batchsweep::baseline::(anonymous namespace)::{name}>:"]
    lines += [f"    {0x100 + 4 * i:x}: \t{mnemonic}\t{operands}"
              for i, (mnemonic, operands) in enumerate(lines_of(loop))]
    return "\n".join(lines)


class BoardsTest(unittest.TestCase):
    def test_layers_are_what_the_program_tells_of_them(self):
        convolution, dense = boards.layers_of(PRODUCTS, PLAN)
        self.assertEqual(convolution, boards.Layer(676, 9, 32, {"forward", "weight_grads"}, True))
        self.assertEqual(dense, boards.Layer(1, 5408, 128, {"input_grad"}, False))

    def test_tiles_cover_all_rows_and_columns_as_the_product_cuts_them(self):
        for rows in range(1, 200):
            for most in (6, 8, 12):
                self.assertEqual(sum(boards.row_tiles(rows, most)), rows)
        self.assertEqual(boards.row_tiles(8, 6), [4, 4])
        self.assertEqual(boards.row_tiles(9, 6), [5, 4])
        self.assertEqual(boards.row_tiles(10, 6), [5, 5])
        self.assertEqual(boards.row_tiles(32, 6), [6, 6, 6, 6, 4, 4])
        self.assertEqual(boards.row_tiles(128, 6), [6] * 20 + [4, 4])
        self.assertEqual(boards.row_tiles(13, 8), [7, 6])
        self.assertEqual(boards.column_tiles(10, 4, 4), [3])
        self.assertEqual(boards.column_tiles(40, 4, 4), [4, 4, 2])
        self.assertEqual(boards.column_tiles(40, 8, 2), [2, 2, 1])

    def test_an_a53_takes_two_cycles_for_a_vector_load_and_one_for_arithmetic(self):
        self.assertEqual(boards.a53_cycles(lines_of(TILE)), 2 * 2 + 1 + 2)
        self.assertEqual(boards.a53_cycles(lines_of(["add x1, x1, #1"] * 6)), 3)

    def test_a_tile_is_found_by_its_multiply_adds_and_loads(self):
        kernels = boards.Kernels(disassembly("ProductAsItLies<true>(MatrixProduct const&)", TILE))
        self.assertEqual(kernels.tile(1, 2, True), lines_of(TILE))
        with self.assertRaisesRegex(SystemExit, "tile of 6 rows and 4 vectors: expected kernels_baseline.cc.o"):
            kernels.tile(6, 4, True)
        with self.assertRaises(SystemExit):
            kernels.tile(1, 2, False)

    def test_a_step_takes_the_longer_of_arithmetic_and_memory_and_both_on_an_a53(self):
        layers = [boards.Layer(1, 1000, 100, {"forward"})]
        kernels = mock.Mock(spec=boards.Kernels)
        kernels.product_cycles.return_value = 3e6
        for cpu, copy, cache, us in (("x", 1.0, 0, 3000), ("x", 0.05, 0, 4000), ("x", 0.05, 4096, 3000),
                                     ("cortex-a53", 0.05, 0, 7000)):
            board = boards.Board("b", cpu, 1.0, copy, cache)
            self.assertAlmostEqual(boards.step_us(layers, 8, kernels, board), us, msg=str(board))

    def test_the_page_shows_what_the_table_has(self):
        with open(REPOSITORY / "tests/perf/boards.csv", encoding="utf-8", newline="") as file:
            rows = [(row["board"], row["model"], int(row["batch_size"]), int(row["model_us"]))
                    for row in csv.DictReader(file)]
        self.assertEqual([row[:3] for row in rows], [(board.name, model, batch) for board in boards.BOARDS
                                                     for model in boards.MODELS for batch in boards.BATCH_SIZES])
        page = (REPOSITORY / "tests/perf/boards.md").read_text(encoding="utf-8")
        self.assertIn(f"```\n{boards.table(rows)}\n```", page)
        self.assertLessEqual(max(len(line) for line in page.splitlines() if "https:" not in line), 80)
        known = (REPOSITORY / "tools/boards.txt").read_text(encoding="utf-8")
        for board in boards.BOARDS:
            self.assertRegex(known, rf"(?m)^{board.name} ")


if __name__ == "__main__":
    unittest.main()
