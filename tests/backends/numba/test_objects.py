"""What kernels read in lists and arrays, against what Python says of them."""

import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from numba import types

from chainrule.backends.numba import objects
from chainrule.backends.numba.bits import words
from chainrule.backends.numba.compile import kernel

COMMON = sys.implementation.name == "cpython" and sys.maxsize > 1 << 32 and sys.byteorder == "little"


@pytest.fixture(scope="module")
def read():
    if not objects.READABLE:
        pytest.skip("platform: objects lie otherwise in this Python's memory")

    def read(items, flags):
        first, second = words(words(items)[objects.ITEMS])[0], words(words(items)[objects.ITEMS])[1]
        return objects.fits(first, second, flags), objects.size(second), words(items)[objects.SIZE]

    run = kernel(read, "test-objects", types.int64, types.int64)

    def call(array, model, flags=0):
        pair = [array, model]
        return run(id(pair), flags)

    return call


@pytest.mark.skipif(
    not COMMON or not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="platform: CPython of 64 bits, little-endian, with the GIL",
)
def test_the_common_python_is_readable():
    assert objects.readable()


@pytest.mark.parametrize("name", ["TYPE", "DATA", "NDIM", "SHAPE", "DTYPE", "FLAGS", "KIND", "SIZE", "HEAD"])
def test_another_layout_is_noticed(monkeypatch, name):
    monkeypatch.setattr(objects, name, getattr(objects, name) + 1)
    assert not objects.readable()


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (4, 1, 3), (2,) * 32])
def test_sizes(read, shape):
    array = np.broadcast_to(np.float32(1), shape)
    assert read(array, array) == (True, array.size, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_fits(read, dtype):
    model = np.zeros((4, 3), dtype)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 -- its own; its dtype is another object
    for same in (model.copy(), model[::-1], np.asfortranarray(model), again, np.zeros((4, 6), dtype)[:, ::2]):
        assert read(same, model)[0]
        assert read(model, same)[0]


class Subclass(np.ndarray):
    pass


def test_what_does_not_fit(read):
    model = np.zeros((4, 3), np.float32)
    for other in (
        None, 1.0, [0.0] * 12, np.float32(0), model.tolist(), model.astype(float), model.astype(np.int32),
        model.astype(">f4"), model.astype(np.float16), model.T, model[0], model[None], model[:3],
        np.zeros((4, 0), np.float32), model.view(Subclass), np.array(None),
    ):  # fmt: skip
        assert not read(other, model)[0], other


@pytest.mark.parametrize("flags", [0x101, objects.WRITEABLE])
def test_flags(read, flags):
    model = np.zeros((4, 3), np.float32)
    unaligned = np.frombuffer(bytearray(49), np.uint8)[1:].view(np.float32).reshape(4, 3)
    constant = model.copy()
    constant.flags.writeable = False
    for array in (model, np.asfortranarray(model), unaligned, constant, np.zeros((4, 4), np.float32)[:, :3]):
        assert read(array, model, flags)[0] == (array.flags.num & flags == flags)
