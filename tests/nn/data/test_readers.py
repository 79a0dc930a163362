"""The readers take what is right, name what is wrong, and take no memory on a header's word."""

import gzip
import random
import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.nn import data
from chainrule.nn.data import readers
from chainrule.nn.errors import ModelFileError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
LABELS = np.array([7, 0, 9, 3, 3], dtype=np.uint8)
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray[Any, Any]) -> bytes:
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def mnist(folder: Path, images: bytes = idx(IMAGES), labels: bytes = idx(LABELS), ending: str = "") -> Path:
    pack = gzip.compress if ending else bytes
    write(folder / f"train-images-idx3-ubyte{ending}", pack(images))
    write(folder / f"train-labels-idx1-ubyte{ending}", pack(labels))
    return folder


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("packed", [False, True])
def test_idx(dtype: str, packed: bool, tmp_path: Path) -> None:
    array = (np.arange(24).reshape(2, 3, 4) - 3).astype(dtype)
    content = idx(array)
    found = data.read_idx(write(tmp_path / "a", gzip.compress(content) if packed else content))
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype
    assert found.dtype.isnative


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "byte 0: the file ends here, 4 bytes too early"),
        (b"\0\0\x08", "byte 3: the file ends here, 1 bytes too early"),
        (b"\x01\0\x08\x01\0\0\0\x01a", r"byte 0: no idx file; .* got \[1, 0, '0x8', 1\]"),
        (b"\0\0\x0a\x01\0\0\0\x01a", "byte 0: no idx file"),
        (b"\0\0\x08\0a", "byte 0: no idx file"),
        (b"\0\0\x08\xff" + b"\0\0\0\x01" * 255, "byte 0: no idx file"),
        (b"\0\0\x08\x02\0\0\0\x01", "byte 8: the file ends here, 4 bytes too early"),
        (b"\0\0\x08\x01\0\0\0\0", r"byte 4: the header says shape \(0,\), which holds nothing"),
        (
            idx(LABELS)[:-1],
            r"byte 4: the header says shape \(5,\), 5 bytes of numbers; the file is too small",
        ),
        (idx(LABELS) + b"x", r"byte 13: expected the end of the file after shape \(5,\)"),
        (b"\0\0\x0e\x03" + b"\xff" * 12, "the file is too small to hold them"),
        (gzip.compress(idx(LABELS)[:-1]), "byte 12: the file ends here, 1 bytes too early"),
        (gzip.compress(idx(LABELS) + b"x"), "byte 13: expected the end of the file"),
        (gzip.compress(b"\0\0\x0e\x03" + b"\xff" * 12), "the file is too small to hold them"),
        (gzip.compress(idx(LABELS))[:-9], "damaged gzip data"),
        (gzip.compress(idx(LABELS))[:-2] + b"xx", "damaged gzip data"),
        (b"\x1f\x8b" + bytes(30), "damaged gzip data"),
    ],
)
def test_bad_idx(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=rf"digits[:,].*{message}"):
        data.read_idx(write(tmp_path / "digits", content))


def test_idx_too_large_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_BYTES", 4)
    with pytest.raises(ModelFileError, match="5 bytes of numbers; at most 4 are read"):
        data.read_idx(write(tmp_path / "a", idx(LABELS)))


def test_a_lying_header_takes_no_memory(tmp_path: Path) -> None:
    # 200 kB of gzip can hold 200 MB, so a header that promises 150 MB is tried, but not believed.
    noise = random.Random(0).randbytes(200_000)
    path = write(tmp_path / "a", gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 150_000_000) + noise))
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="byte 200008: the file ends here"):
        data.read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_mnist(ending: str, tmp_path: Path) -> None:
    found = data.load_mnist(mnist(tmp_path, ending=ending))
    np.testing.assert_array_equal(found.images, IMAGES)
    np.testing.assert_array_equal(found.y, LABELS)
    assert found.X.shape == (5, 12)
    assert found.X.dtype == np.float32
    assert found.y.dtype == np.int64
    assert found.feature_names[4] == "pixel_1_1"
    with pytest.raises(
        FileNotFoundError, match=r"none of t10k-images-idx3-ubyte, .*t10k-images\.idx3-ubyte\.gz is there"
    ):
        data.load_mnist(tmp_path, train=False)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (idx(IMAGES[0]), idx(LABELS), r"images-idx3-ubyte: expected bytes of shape .* got uint8 of \(4, 3\)"),
        (idx(IMAGES.astype("i2")), idx(LABELS), "images-idx3-ubyte: expected bytes of shape .* got int16"),
        (idx(IMAGES), idx(IMAGES), "labels-idx1-ubyte: expected bytes of shape"),
        (idx(IMAGES), idx(LABELS[:4]), "labels-idx1-ubyte: 4 labels for 5 images"),
        (idx(IMAGES), idx(LABELS + 1), r"labels-idx1-ubyte, byte 10: label 10 at row 2 is outside 0\.\.9"),
    ],
)
def test_bad_mnist(images: bytes, labels: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        data.load_mnist(mnist(tmp_path, images, labels))


def cifar(rows: int, label: int | None = None) -> bytes:
    records = np.random.default_rng(rows).integers(0, 256, (rows, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(rows) % 10 if label is None else label
    return records.tobytes()


def test_cifar10(tmp_path: Path) -> None:
    for i in range(1, 6):
        content = cifar(i)
        write(
            tmp_path / (f"data_batch_{i}.bin" if i < 5 else "data_batch_5.bin.gz"),
            content if i < 5 else gzip.compress(content),
        )
    found = data.load_cifar10(tmp_path)
    assert found.X.shape == (15, 3072)
    assert found.y.tolist() == [0, 0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4]
    raw = np.frombuffer(cifar(2), np.uint8).reshape(2, 3073)
    # The second row of the second file: its green plane comes second.
    assert found.images.shape == (15, 3, 32, 32)
    np.testing.assert_array_equal(found.images[2, 1], raw[1, 1 + 1024 : 1 + 2048].reshape(32, 32))
    assert found.feature_names[1024 + 33] == "green_1_1"
    assert found.target_names[3] == "cat"
    with pytest.raises(FileNotFoundError, match=r"none of test_batch\.bin, test_batch\.bin\.gz is there"):
        data.load_cifar10(tmp_path, train=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes; expected 1 to 10,000 records of 3073 bytes each"),
        (cifar(2)[:-1], "6145 bytes; expected 1 to 10,000 records"),
        (cifar(2, label=10), r"byte 0: label 10 at row 0 is outside 0\.\.9"),
        (bytes(3073 * 10_001), "more than 30730000 bytes; expected 1 to 10,000 records"),
        (gzip.compress(bytes(3073 * 40_000)), "more than 30730000 bytes; expected 1 to 10,000 records"),
        (gzip.compress(cifar(2))[:-20], "damaged gzip data"),
        (b"\x80\x04\x95" + bytes(100), "103 bytes; expected"),
    ],
)
def test_bad_cifar10(content: bytes, message: str, tmp_path: Path) -> None:
    write(tmp_path / "test_batch.bin", content)
    with pytest.raises(ModelFileError, match=rf"test_batch\.bin[:,] {message}"):
        data.load_cifar10(tmp_path, train=False)


@pytest.mark.parametrize("packed", [False, True])
def test_mutated_files_raise_the_one_error(packed: bool, tmp_path: Path) -> None:
    rng = random.Random(packed)
    good = gzip.compress(idx(IMAGES)) if packed else idx(IMAGES)
    path, readable = tmp_path / "a", 0
    for _ in range(2000):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(bad) + 1)
            # Change a byte, insert some, or cut the rest off.
            bad[place : place + 1] = rng.randbytes(rng.choice([1, 1, 4]))
            if rng.random() < 0.2:
                del bad[place:]
        with suppress(ModelFileError):
            assert data.read_idx(write(path, bad)).size
            readable += 1
    # Changed pixels are no error in a plain file; the checksum of a packed one finds nearly all.
    assert 0 < readable < (200 if packed else 1900)


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_csv(tmp_path: Path) -> None:
    text = """id,age, height ,city,note
0001,54,186,"London, UK",
0002,35,,Kraków,1.5e3

0003,-2,1.70,"a ""b""\",nan
"""
    found = data.read_csv(table(tmp_path / "people.csv", text))
    assert list(found) == ["id", "age", "height", "city", "note"]
    assert found["id"].tolist() == ["0001", "0002", "0003"]
    assert found["age"].dtype == np.int64
    assert found["age"].tolist() == [54, 35, -2]
    np.testing.assert_array_equal(found["height"], [186, np.nan, 1.7])
    assert found["city"].tolist() == ["London, UK", "Kraków", 'a "b"']
    np.testing.assert_array_equal(found["note"], [np.nan, 1500, np.nan])


def test_csv_of_a_made_table_comes_back(tmp_path: Path) -> None:
    people, _ = data.make_people(50, seed=0)
    lines = [",".join(people), *(",".join(map(str, row)) for row in zip(*people.values(), strict=True))]
    found = data.read_csv(table(tmp_path / "people.csv", "\ufeff" + "\r\n".join(lines)))
    assert list(found) == list(people)
    for name in people:
        np.testing.assert_array_equal(found[name], people[name])


def test_csv_numbers_are_plain_ones(tmp_path: Path) -> None:
    found = data.read_csv(table(tmp_path / "a.csv", "a,b,c,d,e\n1_000,0x10,١,9999999999999999999,0.5\n"))
    assert [column.dtype.kind for column in found.values()] == ["U", "U", "U", "f", "f"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a header of different column names"),
        ("a,a\n1,2\n", "line 1: expected a header of different column names, got"),
        ("a,\n1,2\n", "line 1: expected a header"),
        ("a,b\n", "no rows after the header"),
        ("a,b\n1,2\n1\n", "line 3: 1 fields, expected 2 as in the header"),
        ("a,b\n1,2,3\n", "line 2: 3 fields, expected 2 as in the header"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
        ("a\n" + "x" * 200_000, "line 2: field larger than field limit"),
    ],
)
def test_bad_csv(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=rf"t\.csv[:,] {message}"):
        data.read_csv(table(tmp_path / "t.csv", text))


def test_csv_that_is_no_text_or_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.csv", "a\nKrakóws".encode("latin-1"))
    with pytest.raises(ModelFileError, match=r"t\.csv: not UTF-8 text .*; save the table as UTF-8"):
        data.read_csv(path)
    monkeypatch.setattr(readers, "MAX_BYTES", 3)
    with pytest.raises(ModelFileError, match="9 bytes; tables over 3 bytes are not read"):
        data.read_csv(path)


@pytest.mark.parametrize("read", [data.read_idx, data.read_csv])
def test_no_such_file(read: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
