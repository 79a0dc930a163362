"""The safetensors reader and writer: strict, exact, and without surprises on damaged files."""

import json
import struct
import tracemalloc

import numpy as np
import pytest

from chainrule.nn import ModelFileError, files

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b.c": np.array(7.5),
    "empty": np.zeros((0, 3), np.int64),
    "half": np.array([1, 2], np.float16),
    "bytes": np.arange(3, dtype=np.uint8),
}


def pack(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_what_is_written_comes_back(tmp_path):
    files.write(tmp_path / "x", TENSORS, {"who": "we", "ü": "</script>"})
    tensors, metadata = files.read(tmp_path / "x")
    assert metadata == {"who": "we", "ü": "</script>"}
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        assert np.array_equal(tensors[name], array)
        assert tensors[name].flags.writeable


def test_the_safetensors_library_reads_ours_and_we_read_its(tmp_path):
    library = pytest.importorskip(
        "safetensors.numpy", reason="needs safetensors: pip install 'chainrule[oracle]'"
    )
    files.write(tmp_path / "ours", TENSORS, {"who": "we"})
    theirs = library.load_file(tmp_path / "ours")
    assert all(np.array_equal(theirs[name], array) for name, array in TENSORS.items())
    library.save_file(TENSORS, tmp_path / "theirs", metadata={"who": "they"})
    tensors, metadata = files.read(tmp_path / "theirs")
    assert metadata == {"who": "they"}
    assert all(np.array_equal(tensors[name], array) for name, array in TENSORS.items())


def test_strange_layouts_and_byte_orders_are_written(tmp_path):
    given = {
        "t": np.arange(6.0).reshape(2, 3).T,
        "big": np.array([1.5, -2], ">f4"),
        "step": np.arange(9)[::3],
    }
    files.write(tmp_path / "x", given, {})
    tensors, _ = files.read(tmp_path / "x")
    assert all(np.array_equal(tensors[name], array) for name, array in given.items())


def test_no_place_in_the_format(tmp_path):
    with pytest.raises(TypeError, match="z: safetensors has no dtype complex128"):
        files.write(tmp_path / "x", {"z": np.zeros(1, complex)}, {})
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    files.write(tmp_path / "x", {"a": np.zeros(2)}, {})

    def full(_):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        files.write(tmp_path / "x", {"a": np.ones(2)}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert not files.read(tmp_path / "x")[0]["a"].any()


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    files.write(tmp_path / "x", {}, {})
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "plain").stat().st_mode


F4 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
EIGHT = b"\0" * 8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"byte 0: expected 8 bytes with the length of the header, the file has 0"),
        (b"1234567", "expected 8 bytes"),
        (struct.pack("<Q", 2**63) + b"{}", r"the header should be \d+ bytes long, but after byte 8 the file has 2"),
        (struct.pack("<Q", 3) + b"{}", "the header should be 3 bytes long"),
        (pack(b""), "byte 8: the header is no JSON"),
        (pack(b'{"a": \xff}'), "the header is no JSON"),
        (pack(b'{"a": 1,}'), r"byte \d+: the header is no JSON"),
        (pack(b"[" * 100_000), "the header is no JSON"),
        (pack(b'{"a": NaN}'), "NaN is no JSON"),
        (pack(b'{"a": {}, "a": {}}'), "a name occurs twice"),
        (pack([]), "must be a JSON object, got list"),
        (pack({"__metadata__": {"a": 1}}), "__metadata__ must hold texts"),
        (pack({"__metadata__": []}), "__metadata__ must hold texts"),
        (pack({"a": 1}), "a: expected dtype, shape and data_offsets"),
        (pack({"a": F4 | {"more": 1}}, EIGHT), "a: expected dtype"),
        (pack({"a": F4 | {"dtype": "F31"}}, EIGHT), "a: dtype 'F31' is none of U8"),
        (pack({"a": F4 | {"dtype": ["F32"]}}, EIGHT), "is none of"),
        (pack({"a": F4 | {"shape": 2}}, EIGHT), "a: the shape must be"),
        (pack({"a": F4 | {"shape": [2.0]}}, EIGHT), "a: the shape must be"),
        (pack({"a": F4 | {"shape": [True, 2]}}, EIGHT), "a: the shape must be"),
        (pack({"a": F4 | {"shape": [-2]}}, EIGHT), "a: the shape must be"),
        (pack({"a": F4 | {"shape": [1] * 65}}, EIGHT), "at most 64"),
        (pack({"a": F4 | {"shape": [0, 2**60, 2**60], "data_offsets": [0, 0]}}), "a: the shape must be"),
        (pack({"a": F4 | {"shape": [10**30]}}, EIGHT), "a: the shape must be"),
        (pack({"a": F4 | {"shape": [2**58]}}, EIGHT), "needs 1152921504606846976 bytes, its offsets hold 8"),
        (pack({"a": F4 | {"data_offsets": [8]}}, EIGHT), "two whole numbers"),
        (pack({"a": F4 | {"data_offsets": [8, 0]}}, EIGHT), "its offsets hold -8"),
        (pack({"a": F4 | {"data_offsets": [4, 12]}}, EIGHT * 2), "must begin at offset 0"),
        (pack({"a": F4, "b": F4}, EIGHT), "b: its data must begin at offset 8"),
        (pack({"a": F4}, EIGHT + b"x"), "describes 8 bytes of arrays, the file has 9"),
        (pack({"a": F4}, EIGHT[1:]), "describes 8 bytes of arrays, the file has 7"),
        (b"PK\x03\x04 a zip file, not ours" * 3, "is it a safetensors file"),
        (b"\x80\x04\x95 a pickle..." * 3, "is it a safetensors file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path, content, message):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=message) as caught:
            files.read(path)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}, byte ")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "none")
