"""Builds the wheel of tools/batchsweep_results.py, for pip (PEP 517).

The module lies outside of this folder, where the tools beside it find it too, and a wheel of one module is a zip
archive of four files (PEP 427). Building it here leaves nothing in the checkout and needs no package.
"""

import base64
import hashlib
import pathlib
import re
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
MODULE = REPOSITORY / "tools/batchsweep_results.py"
TAG = "py3-none-any"
WHEEL = f"Wheel-Version: 1.0\nGenerator: batchsweep\nRoot-Is-Purelib: true\nTag: {TAG}\n"


def version():
    """That of the program."""
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"^project\(batchsweep VERSION ([\d.]+)", text, re.MULTILINE)[1]


def metadata():
    return (f"Metadata-Version: 2.1\nName: batchsweep-results\nVersion: {version()}\n"
            "Summary: The results of `batchsweep run` as data frames\nLicense: Apache-2.0\n"
            "Requires-Python: >=3.10\nRequires-Dist: pandas>=1.5\n")


def record_of(files, record):
    """RECORD: the name, sha256 and size of each file, and itself without."""
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    return "".join(lines) + f"{record},,\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = f"batchsweep_results-{version()}"
    about = f"{name}.dist-info"
    files = {MODULE.name: MODULE.read_bytes(), f"{about}/METADATA": metadata().encode(),
             f"{about}/WHEEL": WHEEL.encode(), f"{about}/LICENSE": (REPOSITORY / "LICENSE").read_bytes()}
    record = f"{about}/RECORD"
    files[record] = record_of(files, record).encode()
    wheel = pathlib.Path(wheel_directory) / f"{name}-{TAG}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            # The earliest time that zip knows: the same sources give the same bytes.
            info = zipfile.ZipInfo(path)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return wheel.name
