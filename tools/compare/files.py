"""Examples as IDX, CIFAR-10 binary or NumPy files, and weights as safetensors: what all frameworks of a comparison
read."""

import gzip
import json
import math
import pathlib
import struct

import numpy as np

DEBIAN_FASHION_MNIST = "/usr/share/datasets/fashion-mnist"


class DataError(Exception):
    """One line: which file, what was found, what was expected."""


def read_idx(path):
    """The bytes of an IDX file, plain or gzip, as an array of its shape."""
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            content = file.read()
        count = content[3]
        shape = struct.unpack(f">{count}I", content[4:4 + 4 * count])
        if content[:3] != b"\0\0\x08":
            raise ValueError("not an IDX file of bytes")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * count).reshape(shape)
    except (OSError, EOFError, IndexError, ValueError, struct.error) as error:
        raise DataError(f"{path}: {error}: expected an IDX file of unsigned bytes") from None


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    pathlib.Path(path).write_bytes(header + np.ascontiguousarray(array, np.uint8).tobytes())


def find_idx(folder, what, dims):
    for ending in ("", ".gz"):
        for separator in "-.":
            path = folder / f"{what}{separator}idx{dims}-ubyte{ending}"
            if path.exists():
                return path
    return None


def read_cifar(path):
    """CIFAR-10 binary: a label byte, then 3 x 32 x 32 pixels, planes of red, green, blue."""
    try:
        rows = np.fromfile(path, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}: expected rows of 3073 bytes") from None
    return rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, 0]


def read_npy(path, limit):
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)[:limit]
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: {error}: expected a NumPy array") from None


def read_training_set(folder, limit=None):
    """(images as uint8 (N, ...), labels as integers (N)) of a folder; labels are zeros where there are none."""
    folder = pathlib.Path(folder)
    if (folder / "x_train.npy").exists():
        images, path = read_npy(folder / "x_train.npy", limit), folder / "y_train.npy"
        labels = read_npy(path, limit).reshape(-1) if path.exists() else np.zeros(len(images), np.uint8)
        if images.dtype != np.uint8 or labels.dtype.kind not in "iu" or len(labels) != len(images):
            raise DataError(f"{folder}: {images.dtype} inputs and {len(labels)} {labels.dtype} labels; expected uint8 "
                            f"inputs and {len(images)} whole-numbered labels")
        return images, labels
    images, labels = (find_idx(folder, *what) for what in (("train-images", 3), ("train-labels", 1)))
    if images and labels:
        return read_idx(images)[:limit], read_idx(labels)[:limit]
    batches = sorted(folder.glob("data_batch_*.bin"))
    if batches:
        pairs = [read_cifar(path) for path in batches]
        return tuple(np.concatenate(parts)[:limit] for parts in zip(*pairs))
    raise DataError(f"{folder}: expected x_train.npy, train-images-idx3-ubyte[.gz] with its labels, or "
                    "data_batch_1.bin in it, found none; for Fashion-MNIST, install the Debian package "
                    "dataset-fashion-mnist")


def write_data_set(folder, images, labels, test_count=16):
    """A folder that batchsweep and read_training_set read: all examples to train on, the first few to test on.
    Without labels the images are what is learnt."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    if images.ndim == 3 and labels is not None:
        for prefix, count in (("train", len(images)), ("t10k", test_count)):
            write_idx(folder / f"{prefix}-images-idx3-ubyte", images[:count])
            write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels[:count])
        return
    for name, count in (("train", len(images)), ("test", test_count)):
        np.save(folder / f"x_{name}.npy", np.ascontiguousarray(images[:count]))
        if labels is not None:
            np.save(folder / f"y_{name}.npy", labels[:count].astype(np.uint8))


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + 4 * tensor.size]}
        offset += 4 * tensor.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(np.ascontiguousarray(tensor, "<f4").tobytes())


def read_safetensors(path):
    content = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    tensors = {}
    for name, entry in json.loads(content[8:8 + length]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise DataError(f"{path}: {name} is {entry['dtype']}, expected F32")
        first = 8 + length + entry["data_offsets"][0]
        values = np.frombuffer(content, "<f4", math.prod(entry["shape"]), first)
        tensors[name] = values.reshape(entry["shape"])
    return tensors
