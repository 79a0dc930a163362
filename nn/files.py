"""Reading and writing safetensors files, strictly: named arrays and a few words, and never a pickle.

The format (https://github.com/huggingface/safetensors): the length of the header as 8 little-endian bytes, the header
as JSON ``{name: {"dtype", "shape", "data_offsets"}, "__metadata__": {text: text}}``, then the arrays, little-endian,
in C order, one after another with no gap.
"""

import json
import math
import os
import struct
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.backends.atomic import write_atomically
from chainrule.nn.errors import ModelFileError

Array: TypeAlias = NDArray[Any]
PathName: TypeAlias = str | PathLike[str]

_DTYPES = {
    "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
    "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_MAX_SIZE = 2**60  # elements or bytes; NumPy's own limit is a little higher
_MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library


def write(path: PathName, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write arrays to a safetensors file; one that is there is replaced in one step.

    Args:
        path: the file.
        tensors: arrays of numbers by name.
        metadata: texts by name.

    Raises:
        OSError: it cannot be written; an old file is still whole.
        TypeError: an array of a dtype that the format does not have.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(Path(folder) / "x.safetensors", {"x": np.zeros(2, np.float32)}, {"made": "here"})
        ...     read(Path(folder) / "x.safetensors")
        ({'x': array([0., 0.], dtype=float32)}, {'made': 'here'})
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    parts, start = [], 0
    for name, array in tensors.items():
        little = array.dtype.newbyteorder("<")
        if little not in _NAMES:
            raise TypeError(f"{name}: safetensors has no dtype {array.dtype}; use a float or integer dtype")
        end = start + array.nbytes
        header[name] = {"dtype": _NAMES[little], "shape": list(array.shape), "data_offsets": [start, end]}
        parts.append(as_bytes(array))
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the arrays are aligned
    write_atomically(Path(path), [struct.pack("<Q", len(text)), text, *parts])


def as_bytes(array: Array) -> memoryview:
    r"""Return the numbers of an array in C order, little-endian, without a copy where they lie like that.

    Example:
        >>> as_bytes(np.array([1, 256], ">i2")).tobytes()
        b'\x01\x00\x00\x01'
    """
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return little.reshape(-1).view(np.uint8).data


def read(path: PathName) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file: the arrays and the metadata.

    Raises:
        FileNotFoundError: no such file.
        ModelFileError: it is corrupt; says at which byte, and what was expected there.
    """
    path = Path(path)
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size < 8:
            _refuse(path, 0, f"expected 8 bytes with the length of the header, the file has {size}")
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > min(size - 8, _MAX_HEADER):
            _refuse(
                path,
                0,
                f"the header should be {length} bytes long, but after byte 8 the file has {size - 8} "
                f"(and at most {_MAX_HEADER} are read); is it a safetensors file?",
            )
        header = _parse(path, stream.read(length))
        metadata = _metadata(path, header.pop("__metadata__", {}))
        start = 8 + length
        entries = _entries(path, header, size - start)
        tensors = {}
        for name, (dtype, shape, begin) in entries.items():
            stream.seek(start + begin)
            array = np.empty(math.prod(shape), dtype)
            got = stream.readinto(array.view(np.uint8).data)
            if got != array.nbytes:
                _refuse(path, start + begin, f"expected {array.nbytes} bytes of {name}, the file has {got}")
            tensors[name] = array.astype(dtype.newbyteorder("="), copy=False).reshape(shape)
    return tensors, metadata


def _parse(path: Path, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        place = 8 + error.pos if isinstance(error, json.JSONDecodeError) else 8
        _refuse(path, place, f"the header is no JSON: {error}")
    if not isinstance(header, dict):
        _refuse(path, 8, f"the header must be a JSON object, got {type(header).__name__}")
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _metadata(path: Path, found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        _refuse(path, 8, "__metadata__ must hold texts by name")
    return found


def _entries(
    path: Path, header: dict[str, Any], size: int
) -> dict[str, tuple[np.dtype[Any], tuple[int, ...], int]]:
    """Check that the arrays fill the rest of the file exactly; return dtype, shape and offset by name."""
    found = {name: _entry(path, name, entry) for name, entry in header.items()}
    end = 0
    for name, (dtype, shape, (begin, stop)) in sorted(found.items(), key=lambda item: item[1][2]):
        need = math.prod(shape) * dtype.itemsize
        if stop - begin != need:
            _refuse(
                path,
                8,
                f"{name}: shape {shape} of {dtype} needs {need} bytes, its offsets hold {stop - begin}",
            )
        if begin != end:
            _refuse(
                path,
                8,
                f"{name}: its data must begin at offset {end}, where the last array ends, not {begin}",
            )
        end = stop
    if end != size:
        _refuse(path, 8, f"the header describes {end} bytes of arrays, the file has {size}")
    return {name: (dtype, shape, begin) for name, (dtype, shape, (begin, _)) in found.items()}


def _entry(path: Path, name: str, entry: Any) -> tuple[np.dtype[Any], tuple[int, ...], tuple[int, int]]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        _refuse(path, 8, f"{name}: expected dtype, shape and data_offsets, got {str(entry)[:80]}")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _DTYPES:
        _refuse(path, 8, f"{name}: dtype {str(kind)[:20]!r} is none of {', '.join(_DTYPES)}")
    if not _counts(shape) or math.prod(max(n, 1) for n in shape) > _MAX_SIZE or len(shape) > 64:
        _refuse(path, 8, f"{name}: the shape must be a list of at most 64 lengths, got {str(shape)[:80]}")
    if not _counts(offsets) or len(offsets) != 2:
        _refuse(path, 8, f"{name}: data_offsets must be two whole numbers, got {str(offsets)[:80]}")
    return np.dtype(_DTYPES[kind]), tuple(shape), (offsets[0], offsets[1])


def _counts(found: Any) -> bool:
    """Say whether this is a list of whole numbers that NumPy takes as lengths."""
    return isinstance(found, list) and all(type(n) is int and 0 <= n <= _MAX_SIZE for n in found)


def _refuse(path: Path, byte: int, what: str) -> NoReturn:
    raise ModelFileError(f"{path}, byte {byte}: {what}")
