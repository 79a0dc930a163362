"""`detect_anomaly`: where the first nan or inf was born."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value


def test_forward_value_names_op_label_and_line():
    x = Value(0.0, label="x")
    with cr.detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        x.log()
    line = test_forward_value_names_op_label_and_line.__code__.co_firstlineno + 3
    assert "log made -inf from finite operands (x = 0.0)" in str(caught.value)
    assert f"{__file__}:{line}" in str(caught.value)


def test_forward_tensor_names_the_element():
    with cr.detect_anomaly(), pytest.raises(FloatingPointError, match=r"sqrt made nan at element \(1, 0\)"):
        Tensor([[1.0], [-1.0]]).sqrt()


def test_only_the_birth_is_reported():
    born = Tensor([np.inf, 1.0])
    with cr.detect_anomaly():
        assert np.isinf((born * 2.0).data[0])


def test_backward_names_op_and_argument():
    with cr.detect_anomaly():
        y = Tensor([0.0, 1.0], label="x").sqrt().sum()
        with pytest.raises(
            FloatingPointError, match=r"backward pass of sqrt made inf .* argument 0 \(labelled 'x'\)"
        ):
            y.backward()


def test_backward_of_values():
    with cr.detect_anomaly():
        y = Value(0.0, label="x").sqrt()
        with pytest.raises(FloatingPointError, match=r"backward pass of sqrt made inf for argument 0"):
            y.backward()


def test_array_changed_behind_the_graphs_back():
    constant = np.array([1.0, 2.0])
    with cr.detect_anomaly():
        y = (Tensor([3.0, 4.0]) * constant).sum()
        constant[0] = 100.0
        with pytest.raises(
            RuntimeError, match=r"mul saved an array that was changed in place since: its argument 1"
        ):
            y.backward()


def test_good_numbers_pass():
    with cr.detect_anomaly():
        x = Tensor([1.0, 2.0])
        (x * x).sum().backward()
        v = Value(2.0)
        (v * v).backward()
    assert x.grad.tolist() == [2.0, 4.0]
    assert v.grad == 4.0


def test_off_outside_the_block():
    with cr.detect_anomaly():
        pass
    assert Value(0.0).log().data == -np.inf
