#!/usr/bin/env python3
"""Tests tools/check_layers.py on tiny trees: a clean one, and that one with one rule broken each."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools" / "check_layers.py"


def header(path, body=""):
    guard = "BATCHSWEEP_" + path.removeprefix("src/").upper().replace("/", "_").replace(".", "_") + "_"
    return f"// What it is for.\n#ifndef {guard}\n#define {guard}\n{body}\n#endif  // {guard}\n"


CLEAN = {
    "CMakeLists.txt": "add_library(core\n  platform/linux/cpu.cc src/data/byte_stream.cc src/kernels/k.cc src/main.cc\n"
                      "  ${PROJECT_SOURCE_DIR}/src/xnn/op.cc src/cli/cli.cc src/model/json.cc src/graph/net.cc\n"
                      "  src/sweep/checkpoint.cc src/train/train.cc)\nadd_subdirectory(tests)\n",
    "tests/CMakeLists.txt": "add_executable(t a_test.cc)\n",
    "platform/cpu.h": header("platform/cpu.h", "#include <string>"),
    "platform/linux/sysfs.h": header("platform/linux/sysfs.h", '#include "platform/cpu.h"'),
    "platform/linux/cpu.cc": '#include "platform/cpu.h"\n#include <cpuinfo.h>\n#include <sys/stat.h>\n'
                       '#include "platform/linux/sysfs.h"\n#ifdef __linux__\n#endif\n',
    "src/util/check.h": header("src/util/check.h", "#ifndef NDEBUG\n#endif"),
    "src/data/byte_stream.h": header("src/data/byte_stream.h", '#include "platform/cpu.h"\n#include "util/check.h"'),
    "src/data/byte_stream.cc": '#include "data/byte_stream.h"\n#include <zlib.h>\n/*\n#include "train/train.h"\n*/\n'
                        'const char* kText = R"(\n#include "graph/net.h"\n)";\n',
    "src/kernels/k-inl.h": "// Once per ISA.\n",
    "src/kernels/k.cc": '#include "kernels/k-inl.h"\n#if defined(__x86_64__)\n#include <immintrin.h>\n#endif\n',
    "src/xnn/op.h": header("src/xnn/op.h"),
    "src/xnn/op.cc": '#include <xnnpack.h>\n#include <pthreadpool.h>\n#include "util/check.h"\n',
    "src/model/json.cc": "#include <nlohmann/json.hpp>\n",
    "src/graph/net.h": header("src/graph/net.h", '#include "xnn/op.h"'),
    "src/graph/net.cc": '#include "graph/net.h"\n',
    "src/train/train.cc": '#include "graph/net.h"\n#include "data/byte_stream.h"\n',
    "src/record/json.h": header("src/record/json.h", "#include <nlohmann/json.hpp>"),
    "src/sweep/checkpoint.cc": '#include "record/json.h"\n',
    "platform/none/sensors.cc": "// A porter's choice, named in no CMakeLists.txt.\n",
    "src/cli/cli.h": header("src/cli/cli.h"),
    "src/cli/cli.cc": '#include <CLI/CLI.hpp>\n#include "cli/cli.h"\n#include "xnn/op.h"\n',
    "src/main.cc": '#include "cli/cli.h"\n#include "graph/net.h"\n',
    "tests/a_test.cc": '#include <zlib.h>\n#include "graph/net.h"\n',
    "tests/reference.h": header("tests/reference.h"),
}


class CheckLayersTest(unittest.TestCase):
    def check(self, files=None):
        """(exit code, output lines, errors) on CLEAN with {path: text} changed; text None deletes."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in (CLEAN | (files or {})).items():
                if text is not None:
                    file = pathlib.Path(root, path)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)
            self.assertNotIn("Traceback", done.stderr)
            return done.returncode, done.stdout.splitlines(), done.stderr

    def expect_violation(self, path, text, line, word):
        code, lines, _ = self.check(files={path: text})
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(f"{path}:{line}: "), lines[0])
        self.assertIn(word, lines[0])
        self.assertEqual(code, 1)

    def test_printing_has_one_place(self):
        for use in ('std::println(stderr, "x");', 'std::print("x");', "std::cout << 1;", 'std::fprintf(stderr, "x");',
                    'fputs("x", stdout);', 'perror("x");', 'puts ("x");', "write(STDOUT_FILENO, text, 1);"):
            self.expect_violation("src/train/train.cc", f'#include "graph/net.h"\n// std::print(x);\n{use}\n', 3, "prints")
        self.expect_violation("platform/linux/cpu.cc", 'const char* k = "puts(x)";\nputs(k);\n', 2, "prints")
        for path in ("src/cli/output.cc", "tests/b_test.cc", "platform/none/terminal.cc"):
            code, lines, _ = self.check({path: "void F() { std::fwrite(); }\n", "CMakeLists.txt": CLEAN["CMakeLists.txt"]
                                         + "add_library(o src/cli/output.cc tests/b_test.cc)\n"})
            self.assertEqual(code, 0, lines)
        for harmless in ("std::format(x); blueprint(1); snprintf(text, 2);", "std::vsnprintf(text); reprints();"):
            code, lines, _ = self.check({"src/graph/net.cc": harmless + "\n", "CMakeLists.txt": CLEAN["CMakeLists.txt"]})
            self.assertFalse([line for line in lines if "prints" in line], lines)

    def test_a_clean_tree_passes(self):
        code, lines, _ = self.check()
        self.assertEqual(lines, [f"{len(CLEAN) - 2} files, layers ok"])
        self.assertEqual(code, 0)

    # What each folder may include, written out here a second time on purpose.
    ALLOWED = {
        "util": "util", "data": "util data", "model": "util model", "kernels": "util kernels", "xnn": "util xnn",
        "graph": "util model kernels xnn graph",
        "measure": "util model kernels xnn graph measure",
        "record": "util measure record",
        "train": "util data model kernels xnn graph measure record train",
        "sweep": "util data model kernels xnn graph measure record train sweep",
        "cli": "util data model kernels xnn graph measure record train sweep cli",
    }

    def test_a_folder_includes_only_the_layers_above_it(self):
        for folder, right in self.ALLOWED.items():
            for target in self.ALLOWED.keys() - set(right.split()):
                with self.subTest(folder=folder, target=target):
                    path = f"src/{folder}/new.h"
                    self.expect_violation(path, header(path, f'#include "{target}/x.h"'), 4, f"{folder} may include")

    def test_every_allowed_include_passes(self):
        for folder, right in self.ALLOWED.items():
            path = f"src/{folder}/new.h"
            body = "\n".join(f'#include "{target}/x.h"' for target in ["platform", *right.split()])
            self.assertEqual(self.check(files={path: header(path, body)})[0], 0, folder)

    def test_platform_does_not_include_src(self):
        self.expect_violation("platform/cpu.h", header("platform/cpu.h", '#include "util/check.h"'), 4, "platform/")

    def test_platform_headers_do_not_include_os_headers(self):
        self.expect_violation("platform/cpu.h", header("platform/cpu.h", "#include <unistd.h>"), 4, "<unistd.h>")

    def test_src_includes_no_os_header(self):
        self.expect_violation("src/graph/net.cc", "\n#include <sys/mman.h>\n", 2, "<sys/mman.h>")

    def test_kernels_include_intrinsics_but_no_os_header(self):
        self.expect_violation("src/kernels/k.cc", "#include <unistd.h>\n", 1, "<unistd.h>")

    def test_platform_sources_include_nothing_of_src_in_angle_brackets(self):
        self.expect_violation("platform/none/sensors.cc", "#include <graph/net.h>\n", 1, "<graph/net.h>")

    def test_a_source_with_options_but_no_target_is_reported(self):
        cmake = CLEAN["CMakeLists.txt"].replace("src/kernels/k.cc ", "")
        cmake += 'set_source_files_properties(src/kernels/k.cc PROPERTIES COMPILE_OPTIONS "-O3")\n'
        _, lines, _ = self.check(files={"CMakeLists.txt": cmake})
        self.assertEqual([line.split(": ")[0] for line in lines], ["src/kernels/k.cc:1"])

    def test_src_does_not_see_one_platforms_folder(self):
        self.expect_violation("src/graph/net.cc", '#include "platform/linux/sysfs.h"\n', 1, "platform/*.h")

    def test_src_includes_by_folder_path(self):
        self.expect_violation("src/graph/net.cc", '#include "net.h"\n', 1, "folder path")

    def test_an_unknown_third_party_header_is_reported(self):
        self.expect_violation("src/graph/net.cc", "#include <Eigen/Dense>\n", 1, "Eigen")

    def test_a_folder_without_a_layer_is_reported(self):
        path = "src/extra/x.h"
        self.expect_violation(path, header(path), 1, "no layer")

    def test_third_party_headers_stay_in_their_place(self):
        for name, path in (("<xnnpack.h>", "src/graph/net.cc"), ("<pthreadpool.h>", "src/train/train.cc"),
                           ("<cpuinfo.h>", "src/kernels/k.cc"), ("<zlib.h>", "src/model/json.cc"),
                           ("<nlohmann/json.hpp>", "src/graph/net.cc"), ("<nlohmann/json.hpp>", "src/main.cc"),
                           ("<nlohmann/json.hpp>", "src/train/train.cc"),
                           ("<nlohmann/json.hpp>", "src/sweep/checkpoint.cc"),
                           ("<CLI/CLI.hpp>", "src/main.cc"), ('"xnnpack.h"', "platform/linux/cpu.cc")):
            with self.subTest(name=name, path=path):
                self.expect_violation(path, f"#include {name}\n", 1, "may be included only in")
        path = "src/record/new.h"
        self.expect_violation(path, header(path, "#include <nlohmann/json.hpp>"), 4, "may be included only in")

    def test_no_condition_on_os_or_isa_in_src(self):
        for condition in ("#ifdef __linux__", "#if defined(__ARM_NEON)", "#ifndef _WIN32", "#  elif __AVX512F__",
                          "#if defined(FOO) || \\\n    defined(__aarch64__)"):
            with self.subTest(condition=condition):
                self.expect_violation("src/graph/net.cc", f"\n{condition}\n#endif\n", 2, "#if on ")

    def test_every_source_is_named_in_cmake(self):
        for path in ("src/util/new.cc", "platform/linux/new.cc", "tests/new_test.cc", "src/xnn/gzip.cc"):
            with self.subTest(path=path):
                self.expect_violation(path, "", 1, "CMakeLists.txt")

    def test_a_commented_out_source_is_not_named(self):
        cmake = CLEAN["CMakeLists.txt"].replace("src/train/train.cc)", ")  # src/train/train.cc")
        code, lines, _ = self.check(files={"CMakeLists.txt": cmake})
        self.assertEqual((code, len(lines)), (1, 1), lines)
        self.assertIn("src/train/train.cc:1: ", lines[0])

    def test_header_guards_follow_the_path(self):
        for path, text, line in (("src/graph/net.h", header("src/graph/other.h"), 2),
                                 ("src/graph/net.h", header("src/graph/net.h").replace("#define", "#undef"), 2),
                                 ("src/graph/net.h", "#pragma once\n", 1), ("src/graph/net.h", "", 1),
                                 ("platform/cpu.h", header("cpu.h"), 2), ("tests/reference.h", header("reference.h"), 2)):
            with self.subTest(path=path, text=text):
                self.expect_violation(path, text, line, "header guard")

    def test_every_violation_is_printed(self):
        code, lines, _ = self.check(files={"src/graph/net.cc": '#include "data/x.h"\n#include "train/x.h"\n',
                                           "src/main.cc": "#include <zlib.h>\n"})
        self.assertEqual((code, len(lines)), (1, 3), lines)

    def test_a_folder_without_sources_is_an_error(self):
        code, lines, errors = self.check(files=dict.fromkeys(CLEAN))
        self.assertEqual((code, lines, errors.count("\n")), (1, [], 1))


if __name__ == "__main__":
    unittest.main()
