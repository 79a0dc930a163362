"""Strict readers of MNIST's idx files, CIFAR-10's binary files and CSV tables from the local disk.

Sizes are checked before memory is taken; whatever is wrong becomes a `ModelFileError` that names the file.
"""

import csv
import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from os import PathLike
from pathlib import Path
from typing import TextIO, TypeAlias

import numpy as np

from chainrule.nn.data.check import Array
from chainrule.nn.data.datasets import Dataset
from chainrule.nn.errors import ModelFileError

PathName: TypeAlias = str | PathLike[str]

MAX_BYTES = 1 << 30  # of unpacked data per file; the largest file of MNIST's kind (EMNIST) has 548 million
_DEFLATE_LIMIT = 1032  # deflate can't shrink data further, so a header that promises more is lying
_CHUNK = 1 << 20
_IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CIFAR_RECORD = 1 + 3 * 32 * 32
_CIFAR_LARGEST = 10_000 * _CIFAR_RECORD
_CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf|nan", re.IGNORECASE)


def read_idx(path: PathName) -> Array:
    """The array in a file of MNIST's idx format, plain or gzipped.

    The format: two zero bytes, a type byte, the number of axes, the length of each as a big-endian uint32,
    then the numbers in C order, big-endian (http://yann.lecun.com/exdb/mnist).

    Args:
        path: the file.

    Returns:
        The array, in native byte order.

    Raises:
        ModelFileError: no idx file, truncated, or longer than its header says.
        FileNotFoundError: no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "two-labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 3]))
    ...     read_idx(path)
    array([7, 3], dtype=uint8)
    """
    path = Path(path)
    with _opened(path) as (stream, bound):
        zeros, kind, ndim = struct.unpack(">HBB", _exactly(path, stream, 4, 0))
        if zeros != 0 or kind not in _IDX_DTYPES or not 1 <= ndim <= 8:
            raise ModelFileError(
                f"{path}, byte 0: no idx file; expected 0, 0, a type of {[hex(k) for k in _IDX_DTYPES]} "
                f"and 1 to 8 axes, got {[zeros >> 8, zeros & 255, hex(kind), ndim]}"
            )
        shape = struct.unpack(f">{ndim}I", _exactly(path, stream, 4 * ndim, 4))
        dtype, start = np.dtype(_IDX_DTYPES[kind]), 4 + 4 * ndim
        size = math.prod(shape) * dtype.itemsize
        if size == 0:
            raise ModelFileError(f"{path}, byte 4: the header says shape {shape}, which holds nothing")
        if size > min(bound - start, MAX_BYTES):
            raise ModelFileError(
                f"{path}, byte 4: the header says shape {shape}, {size} bytes of numbers; "
                + (
                    f"at most {MAX_BYTES} are read"
                    if size <= bound - start
                    else "the file is too small to hold them"
                )
            )
        raw = _exactly(path, stream, size, start)
        if stream.read(1):
            raise ModelFileError(
                f"{path}, byte {start + size}: expected the end of the file after shape {shape}"
            )
    return np.frombuffer(raw, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def load_mnist(folder: PathName, *, train: bool = True) -> Dataset:
    """MNIST, or a set in its format such as Fashion-MNIST, from its idx files in a local folder.

    Args:
        folder: where `train-images-idx3-ubyte` and its three companions lie, plain or with `.gz`
            (`t10k-...` are the test files; a `.idx3-ubyte` ending works too).
        train: the training rows, or those to test on.

    Returns:
        X float32 with the grey values 0..255, y the digits; `.images` has shape (rows, 28, 28).

    Raises:
        FileNotFoundError: a file is not there; says which names it looked for.
        ModelFileError: a file is corrupt, or the two don't belong together.
    """
    part = "train" if train else "t10k"
    images_path = _find(folder, f"{part}-images-idx3-ubyte", f"{part}-images.idx3-ubyte")
    labels_path = _find(folder, f"{part}-labels-idx1-ubyte", f"{part}-labels.idx1-ubyte")
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ModelFileError(
            f"{images_path}: expected bytes of shape (rows, height, width), "
            f"got {images.dtype} of {images.shape}"
        )
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ModelFileError(
            f"{labels_path}: expected bytes of shape (rows,), got {labels.dtype} of {labels.shape}"
        )
    if len(images) != len(labels):
        raise ModelFileError(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    if labels.max() > 9:
        row = int(np.argmax(labels > 9))
        raise ModelFileError(
            f"{labels_path}, byte {8 + row}: label {labels[row]} at row {row} is outside 0..9"
        )
    return Dataset(
        X=images.reshape(len(images), -1).astype(np.float32),
        y=labels.astype(np.int64),
        feature_names=tuple(f"pixel_{r}_{c}" for r in range(images.shape[1]) for c in range(images.shape[2])),
        target_names=tuple("0123456789"),
        description=f"Images and labels of MNIST's kind, from {images_path.name} and {labels_path.name}.",
        licence="not known: a local file",
        name=images_path.name,
        image_shape=images.shape[1:],
    )


def load_cifar10(folder: PathName, *, train: bool = True) -> Dataset:
    """CIFAR-10 from its binary version in a local folder (the Python version is a pickle: never read).

    Args:
        folder: where `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` lie, plain or with
            `.gz`.
        train: the five training files, or the test file.

    Returns:
        X float32 with the values 0..255, y the classes; `.images` has shape (rows, 3, 32, 32): red, green,
        blue.

    Raises:
        FileNotFoundError: a file is not there.
        ModelFileError: a file is corrupt.
    """
    names = [f"data_batch_{i}" for i in range(1, 6)] if train else ["test_batch"]
    records = np.concatenate([_read_cifar(_find(folder, f"{name}.bin")) for name in names])
    return Dataset(
        X=records[:, 1:].astype(np.float32),
        y=records[:, 0].astype(np.int64),
        feature_names=tuple(f"{c}_{i // 32}_{i % 32}" for c in ("red", "green", "blue") for i in range(1024)),
        target_names=_CIFAR_CLASSES,
        description="Colour images of 10 kinds of things (A. Krizhevsky 2009), from the binary files.",
        licence="not known: a local file",
        name="cifar10",
        image_shape=(3, 32, 32),
    )


def read_csv(path: PathName) -> dict[str, Array]:
    r"""A CSV file with a header line, as a dict of columns (a table for `TableEncoder`).

    Args:
        path: the file, in UTF-8, with commas between the fields.

    Returns:
        Each column int64 if all its fields are whole numbers, float64 if all are numbers or empty (empty:
        NaN), else text. Numbers that carry a leading zero, such as an id "0001", are text too.

    Raises:
        ModelFileError: no rows, a row with too few or too many fields, names given twice, not UTF-8.
        FileNotFoundError: no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "people.csv"
    ...     _ = path.write_text("id,age,height,city\n0001,54,186,London\n0002,35,,Cairo\n")
    ...     read_csv(path)["height"]
    array([186.,  nan])
    """
    path = Path(path)
    if path.stat().st_size > MAX_BYTES:
        raise ModelFileError(
            f"{path}: {path.stat().st_size} bytes; tables over {MAX_BYTES} bytes are not read"
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            header, rows = _csv_rows(path, stream)
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path}: not UTF-8 text ({error.reason}); save the table as UTF-8") from None
    return {name: _column([row[i] for row in rows]) for i, name in enumerate(header)}


def _csv_rows(path: Path, stream: TextIO) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(stream, strict=True)
    rows: list[list[str]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if not header or "" in header or len(set(header)) < len(header):
            raise ModelFileError(f"{path}, line 1: expected a header of different column names, got {header}")
        for row in filter(None, reader):
            if len(row) != len(header):
                raise ModelFileError(
                    f"{path}, line {reader.line_num}: {len(row)} fields, expected {len(header)}"
                    " as in the header"
                )
            rows.append(row)
    except csv.Error as error:
        raise ModelFileError(f"{path}, line {reader.line_num}: {error}") from None
    if not rows:
        raise ModelFileError(f"{path}: no rows after the header")
    return header, rows


def _column(fields: list[str]) -> Array:
    texts = [field.strip() for field in fields]
    if any(re.match(r"[+-]?0[0-9]", text) for text in texts):
        return np.array(texts)
    if all(_INTEGER.fullmatch(text) for text in texts):
        return np.array([int(text) for text in texts], dtype=np.int64)
    if all(text == "" or _NUMBER.fullmatch(text) for text in texts):
        return np.array([float(text or "nan") for text in texts])
    return np.array(texts)


def _read_cifar(path: Path) -> Array:
    raw = bytearray()
    with _opened(path) as (stream, _):
        while len(raw) <= _CIFAR_LARGEST and (chunk := stream.read(_CHUNK)):
            raw += chunk
    if not raw or len(raw) % _CIFAR_RECORD or len(raw) > _CIFAR_LARGEST:
        found = f"more than {_CIFAR_LARGEST}" if len(raw) > _CIFAR_LARGEST else len(raw)
        raise ModelFileError(
            f"{path}: {found} bytes; expected 1 to 10,000 records of {_CIFAR_RECORD} bytes each"
        )
    records = np.frombuffer(raw, np.uint8).reshape(-1, _CIFAR_RECORD)
    wrong = records[:, 0] > 9
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ModelFileError(
            f"{path}, byte {row * _CIFAR_RECORD}: label {records[row, 0]} at row {row} is outside 0..9"
        )
    return records


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BufferedIOBase, int]]:
    """The file's bytes, unpacked if it is gzipped (its first bytes tell), and a bound on their number."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        size = path.stat().st_size
        if not packed:
            yield file, size
            return
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream, size * _DEFLATE_LIMIT
        except (EOFError, OSError, zlib.error) as error:
            raise ModelFileError(f"{path}: damaged gzip data ({error})") from None


def _exactly(path: Path, stream: BufferedIOBase, size: int, start: int) -> bytearray:
    """The next `size` bytes, read in pieces so that memory grows only with what is really there."""
    data = bytearray()
    while len(data) < size:
        chunk = stream.read(min(size - len(data), _CHUNK))
        if not chunk:
            raise ModelFileError(
                f"{path}, byte {start + len(data)}: the file ends here, {size - len(data)} bytes too early"
            )
        data += chunk
    return data


def _find(folder: PathName, *names: str) -> Path:
    wanted = [name + packed for name in names for packed in ("", ".gz")]
    for name in wanted:
        if (path := Path(folder) / name).is_file():
            return path
    raise FileNotFoundError(
        f"{folder}: none of {', '.join(wanted)} is there; download the files into this folder"
    )
