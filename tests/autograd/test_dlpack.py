"""Arrays of other libraries, without copying: DLPack both ways."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor


def test_numpy_reads_a_copy():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    for tensor in (x, x * 1.0, x.T, x[:, 1], Tensor([1, 2]), Tensor([True, False]), Tensor(2.0)):
        array = np.from_dlpack(tensor)
        np.testing.assert_array_equal(array, tensor.data)
        assert array.dtype == tensor.dtype
        assert not np.shares_memory(array, tensor.data)
        array[...] = 0
    assert x.data.tolist() == [[1, 2], [3, 4]]


def test_a_tensor_shares_numpys_memory_and_never_writes_there():
    array = np.array([1.0, 2.0])
    x = cr.from_dlpack(array, label="x")
    assert np.shares_memory(x.data, array)
    assert x.requires_grad
    assert x.label == "x"
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 5.0
    x.data = [7.0, 8.0]
    assert array.tolist() == [1.0, 2.0]
    assert array.flags.writeable


def test_a_read_only_array_is_taken_too():
    array = np.array([1, 2])
    array.flags.writeable = False
    x = cr.from_dlpack(array)
    assert x.data.tolist() == [1, 2]
    assert not x.requires_grad


def test_what_cannot_be_handed_over_says_so():
    x = Tensor([1.0])
    with pytest.raises(BufferError, match=r"hands over a copy.*leave copy=False out"):
        np.from_dlpack(x, copy=False)
    with pytest.raises(BufferError, match=r"main memory.* on device \(2, 0\)"):
        x.__dlpack__(dl_device=(2, 0))
    assert x.__dlpack_device__() == (1, 0)
    assert np.from_dlpack(x, device="cpu", copy=True).tolist() == [1.0]


class OnTheGpu:
    """An array that says where it lies; nobody may ask for its memory."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __dlpack__(self, **request: Any) -> Any:
        raise AssertionError


def test_what_cannot_be_taken_says_so():
    with pytest.raises(TypeError, match=r"needs an array of another library.*got list; use Tensor"):
        cr.from_dlpack([1.0])
    with pytest.raises(BufferError, match=r"OnTheGpu lies on device \(2, 0\).*\.cpu\(\)"):
        cr.from_dlpack(OnTheGpu())
    with pytest.raises(TypeError, match="real numbers, got dtype complex128"):
        cr.from_dlpack(np.array([1j]))


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")


def test_torch_reads_a_copy(torch):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    for tensor in (x, (x * 1.0).T, x[::-1], Tensor([1, 2]), Tensor([1.0], dtype=np.float32)):
        theirs = torch.from_dlpack(tensor)
        np.testing.assert_array_equal(theirs.numpy(), tensor.data)
        theirs.zero_()
    assert x.data.tolist() == [[1, 2], [3, 4]]


def test_a_tensor_reads_torchs_memory(torch):
    theirs = torch.arange(6, dtype=torch.float32).reshape(2, 3).T
    x = cr.from_dlpack(theirs)
    assert x.dtype == np.float32
    assert x.requires_grad
    np.testing.assert_array_equal(x.data, theirs.numpy())
    theirs[0, 0] = 7.0
    assert x.data[0, 0] == 7.0
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * theirs.numpy())


def test_there_and_back(torch):
    x = Tensor([1.0, 2.0])
    assert cr.from_dlpack(torch.from_dlpack(x)).data.tolist() == [1.0, 2.0]


def test_what_torch_does_not_hand_over(torch):
    with pytest.raises(TypeError, match="NumPy has no such type; convert it, say to float32"):
        cr.from_dlpack(torch.ones(2, dtype=torch.bfloat16))
    with pytest.raises(BufferError, match="detach"):
        cr.from_dlpack(torch.ones(2, requires_grad=True))
