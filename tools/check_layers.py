#!/usr/bin/env python3
"""Checks that each folder includes only what its layer may (see LAYERS below).

Also: each third-party header stays in its one place, no #if on an OS or an ISA
in src/ outside src/kernels/, header guards, and every .cc named in CMake.
Prints a line `file:line: rule` for each violation and exits 1 if there is any.
"""

import argparse
import pathlib
import re
import sys

# What a folder of src/ may include besides platform/, itself and the C++ library.
LAYERS = {
    "util": "",
    "data": "util",
    "model": "util",
    "kernels": "util",
    "xnn": "util",
    "graph": "util model kernels xnn",
    "measure": "util model kernels xnn graph",
    "record": "util measure",
    "train": "util data model kernels xnn graph measure record",
    "sweep": "util data model kernels xnn graph measure record train",
    "cli": "util data model kernels xnn graph measure record train sweep",
    "main.cc": "util data model kernels xnn graph measure record train sweep cli",
}
# Where a third-party header may be included, as a pattern of paths.
THIRD_PARTY = {
    "xnnpack.h": r"src/xnn/.*",
    "pthreadpool.h": r"src/xnn/.*",
    "cpuinfo.h": r"platform/linux/cpu\.cc",
    "zlib.h": r"src/(data/byte_stream|util/checksum)\.cc",
    "nlohmann/": r"src/(model/.*\.(cc|h)|record/json\.h|cli/.*\.cc)",
    "CLI/": r"src/cli/(cli|flag|help)\.cc",
}
# Who may write to standard output and error. The C++ library's printing throws where that fails, which must not end a
# run, and says nothing of it where it does not throw.
OUTPUT = r"src/cli/output\.cc|src/util/check\.h|platform/none/terminal\.cc"
PRINTING = re.compile(r"\bstd::(?:print(?:ln)?|vprint\w*|cout|cerr|clog)\b|\b(?:std::)?(?:v?f?printf|f?puts|f?putc|putchar|fwrite|"
                      r"perror)\s*\(|\bSTDOUT_FILENO\b")
INTRINSICS = re.compile(r"\w*intrin\.h|arm_\w+\.h")  # in src/kernels/ only
GENERATED = {"git_revision.h"}  # written into the build folder

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)')
CONDITION = re.compile(r"\s*#\s*(?:if|ifdef|ifndef|elif|elifdef|elifndef)\b(.*)")
OS_OR_ISA = re.compile(
    r"\b(_WIN32|_WIN64|WIN32|_MSC_VER|_POSIX\w*|_M_\w+|linux|unix|__(linux|gnu_linux|unix|APPLE|ANDROID|"
    r"FreeBSD|NetBSD|OpenBSD|QNX\w*|CYGWIN|MINGW\w*|x86_64|amd64|i[3-6]86|X86\w*|aarch64|arm|arm64|thumb|"
    r"ARM_\w+|NEON\w*|AVX\w*|SSE\w*|SSSE3|FMA|F16C|BMI2?|riscv\w*|powerpc\w*|mips\w*|wasm\w*)(__)?)\b")
# Raw strings, strings and comments, leftmost first; plain strings are kept, the rest hides directives.
SKIPPED = re.compile(r'R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def code_alone(match):
    """For what SKIPPED finds: nothing but its lines."""
    return "\n" * match[0].count("\n")


def directives(text):
    """(line number, line) of each preprocessor directive, continued lines joined."""
    def blank(match):
        return match[0] if match[0].startswith('"') else "\n" * match[0].count("\n")

    lines = SKIPPED.sub(blank, text).split("\n")
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#"):
            following = number
            while line.endswith("\\") and following < len(lines):
                line = line[:-1] + lines[following]
                following += 1
            yield number, line


def check_include(path, bracket, name):
    """The rule that an include breaks, or None."""
    place = next((place for header, place in THIRD_PARTY.items() if name.startswith(header)), None)
    if place:
        return None if re.fullmatch(place, path) else f"{name} may be included only in {place.replace(chr(92), '')}"
    in_platform = path.startswith("platform/")
    if bracket == "<":
        if re.fullmatch(r"[a-z_0-9]+", name):
            return None
        if in_platform and path.endswith(".cc") and name.endswith(".h") and name.split("/")[0] not in LAYERS:
            return None
        if path.startswith("src/kernels/") and INTRINSICS.fullmatch(name):
            return None
        return f"<{name}>: headers of an OS belong in platform/**/*.cc, third-party ones in THIRD_PARTY"
    if name.startswith("platform/"):
        if in_platform or name.count("/") == 1:
            return None
        return f"{name}: src/ sees only platform/*.h, not one platform's folder"
    if in_platform:
        return f"{name}: platform/ includes only platform/"
    if name in GENERATED:
        return None
    layer, target = path.split("/")[1], name.split("/")[0]
    layer = "cli" if re.fullmatch(r"cli[^/]*\.(h|cc)", layer) else layer
    if "/" not in name and not path.startswith("src/cli") and path != "src/main.cc":
        return f"{name}: include by folder path, as in \"util/check.h\""
    if target in (layer, *LAYERS[layer].split()) or target.startswith("cli") and layer in ("cli", "main.cc"):
        return None
    return f"{name}: {layer} may include only platform, {', '.join([layer, *LAYERS[layer].split()])}"


def check_guard(path, found):
    """The violations of a header's include guard."""
    words = re.sub(r"[^A-Z0-9]", "_", path.removeprefix("src/").upper())
    guard = f"BATCHSWEEP_{words}_"
    first = [line.split()[:2] for _, line in found[:2]]
    if first != [["#ifndef", guard], ["#define", guard]]:
        yield found[0][0] if found else 1, f"header guard must be {guard}"


def check_file(path, text):
    """(line, rule) of each violation in a file of platform/, src/ or tests/."""
    found = list(directives(text))
    if not path.startswith("tests/") and not re.fullmatch(OUTPUT, path):
        for number, line in enumerate(SKIPPED.sub(code_alone, text).split("\n"), 1):
            if match := PRINTING.search(line):
                yield number, f"{match[0].rstrip('( ')} prints: only src/cli/output.h may, whose writing may fail"
    if path.endswith(".h") and not path.endswith("-inl.h"):  # -inl.h is included once per ISA
        yield from check_guard(path, found)
    if path.startswith("tests/"):
        return
    top = path.split("/")[1]
    if path.startswith("src/") and top not in LAYERS and not re.fullmatch(r"cli[^/]*\.(h|cc)", top):
        yield 1, f"src/{top} has no layer; add it to LAYERS in tools/check_layers.py"
        return
    for number, line in found:
        if match := INCLUDE.match(line):
            if rule := check_include(path, match[1], match[2]):
                yield number, rule
        elif path.startswith("src/") and not path.startswith("src/kernels/"):
            if (match := CONDITION.match(line)) and (macro := OS_OR_ISA.search(match[1])):
                yield number, f"#if on {macro[0]}: only platform/ and src/kernels/ may know the OS or the ISA"


def named_in_cmake(root):
    """The paths, from the root, of the .cc files that a CMakeLists.txt names."""
    named = set()
    for folder in ("", "platform", "src", "tests", "tests/fuzz"):
        file = root / folder / "CMakeLists.txt"
        if file.exists():
            text = re.sub(r"#[^\n]*", "", file.read_text(encoding="utf-8"))
            text = re.sub(r"set_(source_files_properties|property)\s*\([^)]*\)", "", text)  # options, no target
            for name in re.findall(r"[\w./${}-]+\.cc\b", text):
                name = re.sub(r"^\$\{(CMAKE|PROJECT)_SOURCE_DIR\}/", "/", name)
                named.add(name[1:] if name.startswith("/") else f"{folder}/{name}".lstrip("/"))
    return named


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent,
                        help="the repository (default: the one this script is in)")
    root = parser.parse_args(arguments).root
    files = sorted(file for folder in ("platform", "src", "tests") for file in (root / folder).rglob("*")
                   if file.suffix in (".cc", ".h") and file.is_file())
    if not files:
        print(f"check_layers.py: {root}: no .cc or .h under platform/, src/ or tests/: expected the root of "
              "batchsweep; name it as the argument", file=sys.stderr)
        return 1
    named = named_in_cmake(root)
    violations = 0
    for file in files:
        path = file.relative_to(root).as_posix()
        broken = list(check_file(path, file.read_text(encoding="utf-8")))
        # platform/none/ is a platform that a porter chooses.
        if file.suffix == ".cc" and path not in named and not path.startswith("platform/none/"):
            broken.append((1, "not named in CMakeLists.txt, so it is never built"))
        for line, rule in broken:
            print(f"{path}:{line}: {rule}")
        violations += len(broken)
    if violations:
        return 1
    print(f"{len(files)} files, layers ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
