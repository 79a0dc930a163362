"""10,000 damaged model files: each is refused with a word on what is wrong, or gives a model that works."""

import json
import tracemalloc
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import ModelFileError, files, saving

COUNT = 10_000


def model() -> nn.Module:
    """A model with a module in it twice, and a parameter that two modules share."""
    dropout, block = nn.Dropout(0.1), nn.Residual(nn.Linear(10, 10), nn.Linear(10, 10))
    block[1].weight = block[0].weight  # type: ignore[attr-defined]
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.MLP([64, 300, 10], activation=nn.LeakyReLU(0.1)), dropout, block, dropout,
    )  # fmt: skip


def damaged(content: bytes, count: int) -> Iterator[bytes]:
    """Flipped bits, cut and doubled parts, bytes from elsewhere: mostly in the header, where it hurts."""
    rng = np.random.default_rng(0)
    header = 8 + int.from_bytes(content[:8], "little")
    for i in range(count):
        data = bytearray(content)
        place = int(rng.integers(header if i % 4 else len(data)))
        match i % 6:
            case 0:
                data[place] ^= 1 << int(rng.integers(8))
            case 1:
                del data[place:]
            case 2:
                del data[place : place + int(rng.integers(1, 9))]
            case 3:
                data[place:place] = data[: int(rng.integers(1, 40))]
            case 4:
                data[place] = int(rng.integers(256))
                data[int(rng.integers(8, header))] = ord(str(rng.integers(10)))
            case 5:
                data[:9] = rng.bytes(9)
        yield bytes(data)


def edited(config: Any, rng: np.random.Generator) -> Any:
    """Return a description with one thing in it changed: a number, a name, a part left out or doubled."""
    if isinstance(config, dict) and config:
        key = list(config)[rng.integers(len(config))]
        match rng.integers(6):
            case 0:
                return {k: v for k, v in config.items() if k != key}
            case 1:
                return {**config, "more": 1}
            case _:
                return {**config, key: edited(config[key], rng)}
    if isinstance(config, list) and config:
        place = int(rng.integers(len(config)))
        match rng.integers(4):
            case 0:
                return config[:place] + config[place + 1 :]
            case 1:
                return [*config, config[place]]
            case _:
                return [*config[:place], edited(config[place], rng), *config[place + 1 :]]
    odd = [-1, 0, 10**9, 10**30, 0.5, "", "Linear", None, True, [], {}, [[]], {"same": 0}, "\x00", 1e300]
    return odd[rng.integers(len(odd))]


def signed(tensors: dict[str, Any], config: Any) -> bytes:
    """The header of a file whose checksum is right, whatever the description says."""
    text = json.dumps(config)
    header: dict[str, Any] = {
        "__metadata__": {"chainrule": "1", "config": text, "crc32": saving.checksum(text, tensors)}
    }
    start = 0
    for name, array in tensors.items():
        header[name] = {"dtype": "I64" if array.dtype == np.int64 else "F32", "shape": list(array.shape)}
        header[name]["data_offsets"] = [start, start + array.nbytes]
        start += array.nbytes
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed


def overwrite(path: Path, content: bytes) -> None:
    """Write a file in the place of the last one: making it anew each time takes longer than reading it."""
    with path.open("r+b") as stream:
        stream.write(content)
        stream.truncate()


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path: Path) -> None:
    good = tmp_path / "good"
    model().save(good)
    content = good.read_bytes()
    tensors, config = files.read(good)[0], saving.read(good)[1]
    rest = b"".join(array.tobytes() for array in tensors.values())
    rng = np.random.default_rng(1)
    raw = COUNT * 7 // 10
    mutants = chain(
        damaged(content, raw), (signed(tensors, edited(config, rng)) + rest for _ in range(COUNT - raw))
    )
    path, x = tmp_path / "bad", np.ones((2, 1, 8, 8), np.float32)
    expected = nn.load(good).eval()(x).data
    refused, built = [], 0
    path.touch()
    tracemalloc.start()
    try:
        for i, mutant in enumerate(mutants):
            overwrite(path, mutant)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                found = nn.load(path)
            except ModelFileError as error:
                refused.append(str(error))
                found = None
            assert tracemalloc.get_traced_memory()[1] - before < 2 * len(content)
            # Damage changed nothing that counts, or it is found; an edit with a right checksum may be another model.
            if found is not None:
                built += 1
                assert i >= raw or np.array_equal(found.eval()(x).data, expected)
    finally:
        tracemalloc.stop()
    assert len(refused) > 0.9 * COUNT
    assert built > 10
    assert all(message.startswith(f"{path}, byte ") for message in refused)


def test_a_failed_load_changes_nothing(tmp_path: Path) -> None:
    good, path = tmp_path / "good", tmp_path / "bad"
    model().save(good)
    content = good.read_bytes()
    target = model()
    before = target.state_dict()
    for mutant in damaged(content, 60):
        path.write_bytes(mutant)
        try:
            target.load(path)
        except ModelFileError:
            assert all(np.array_equal(before[name], array) for name, array in target.state_dict().items())


def test_a_large_model_is_in_memory_once(tmp_path: Path) -> None:
    large, target, path = nn.MLP([1000, 1000, 10]), nn.MLP([1000, 1000, 10]), tmp_path / "large"
    large.save(path)
    size = path.stat().st_size
    for load in (lambda: nn.load(path), lambda: target.load(path)):
        tracemalloc.start()
        try:
            load()
            assert tracemalloc.get_traced_memory()[1] < 1.1 * size
        finally:
            tracemalloc.stop()
