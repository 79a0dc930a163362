"""Every op of the table that has a derivative: against finite differences, against itself, in every layout."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.autograd.samples import (
    ELEMENTWISE,
    SAMPLES,
    STRUCTURED,
    Call,
    Sample,
    draw,
    elementwise_calls,
    own_ops,
    without_sample,
)

import chainrule as cr
from chainrule.autograd.node import data_of

CALLS = elementwise_calls()


def scaled(like: Any, seed: int) -> Any:
    return np.random.default_rng(seed).uniform(0.5, 1.5, np.shape(like))


def tensors(
    sample: Sample, dtype: Any = np.float64, layout: Callable[[Any], Any] = np.array
) -> list[cr.Tensor]:
    return [cr.Tensor.from_numpy(layout(np.asarray(a, dtype)), requires_grad=True) for a in sample.args]


def gradients(sample: Sample, inputs: list[cr.Tensor]) -> tuple[Any, list[Any]]:
    result = sample.function(*inputs)
    result.backward(grad=scaled(result.data, 7))
    return result, [x.grad for x in inputs]


def test_every_op_with_a_derivative_has_a_sample() -> None:
    assert not without_sample()


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_derivatives_of_orders_1_and_2_match_finite_differences(sample: Sample) -> None:
    assert cr.check_grad(sample.function, *sample.args, order=2) < 1e-6


@pytest.mark.parametrize("sample", [s for s in SAMPLES if str(s) not in ("mean-0", "mean-0x3")], ids=str)
def test_forward_and_reverse_mode_are_transposes(sample: Sample) -> None:
    """A wrong structure label makes forward mode wrong, and then ⟨v, J u⟩ ≠ ⟨Jᵀ v, u⟩."""  # the mean of nothing is nan
    directions = [scaled(a, i) - 1 for i, a in enumerate(sample.args)]
    value, tangent = cr.jvp(sample.function, sample.args, directions)
    _, pull = cr.vjp(sample.function, *sample.args)
    v = scaled(value, 99)
    assert np.shape(tangent) == np.shape(value)
    forward = np.sum(v * tangent)
    reverse = sum(np.sum(g * u) for g, u in zip(pull(v), directions, strict=True))
    assert forward == pytest.approx(reverse, rel=1e-11, abs=1e-12)


def apart(array: Any) -> Any:
    """The same elements, two steps apart along every axis."""
    wide = np.full([2 * n for n in array.shape], 1e30, array.dtype)
    part = wide[(..., *(slice(None, None, 2),) * array.ndim)]
    part[...] = array
    return part


def backwards(array: Any) -> Any:
    """The same elements, stored from last to first."""
    turn = (..., *(slice(None, None, -1),) * array.ndim)
    return np.array(array[turn])[turn]


def columns(array: Any) -> Any:
    """The same elements in Fortran's order."""
    return np.array(array, order="F")


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_memory_layout_does_not_matter(sample: Sample) -> None:
    result, expected = gradients(sample, tensors(sample))
    for layout in (apart, backwards, columns):
        other, found = gradients(sample, tensors(sample, layout=layout))
        np.testing.assert_allclose(other.data, result.data, rtol=1e-14, atol=1e-14, err_msg=layout.__name__)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13, err_msg=layout.__name__)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_dtype_and_shape(sample: Sample) -> None:
    result, expected = gradients(sample, tensors(sample))
    assert type(result.data) is np.ndarray
    assert result.dtype == np.float64
    inputs = tensors(sample, np.float32)
    narrow, found = gradients(sample, inputs)
    if sample.op != "astype":
        assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow.data, result.data, rtol=2e-5, atol=2e-5)
    for x, g32, g64 in zip(inputs, found, expected, strict=True):
        assert type(g32) is np.ndarray
        assert g32.dtype == np.float32
        assert g64.dtype == np.float64
        assert g32.shape == g64.shape == x.shape
        np.testing.assert_allclose(g32, g64, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if len(s.args) > 1], ids=str)
def test_operands_of_two_dtypes_get_gradients_of_their_own(sample: Sample) -> None:
    dtypes = [np.float32, *[np.float64] * (len(sample.args) - 1)]
    inputs = [cr.Tensor(np.asarray(a, d)) for a, d in zip(sample.args, dtypes, strict=True)]
    _, found = gradients(sample, inputs)
    assert [g.dtype for g in found] == dtypes


@pytest.mark.parametrize("sample", [s for s in SAMPLES if len(s.args) > 1], ids=str)
def test_a_constant_operand_gets_no_gradient_and_changes_none(sample: Sample) -> None:
    _, expected = gradients(sample, tensors(sample))
    for position in range(len(sample.args)):
        operands: list[Any] = [np.array(a) for a in sample.args]
        x = operands[position] = cr.Tensor(operands[position], requires_grad=True)
        result = sample.function(*operands)
        result.backward(grad=scaled(result.data, 7))
        np.testing.assert_allclose(x.grad, expected[position], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.op.name)
def test_value_and_tensor_agree(call: Call) -> None:
    numbers = [draw((5,), domain, seed, call.kinks) for seed, domain in enumerate(call.domain)]
    arrays = [cr.Tensor(n) for n in numbers]
    result = call.function(*arrays)
    result.sum().backward()
    for i, point in enumerate(zip(*numbers, strict=True)):
        values = [cr.Value(x) for x in point]
        scalar = call.function(*values)
        scalar.backward()
        assert type(scalar.data) is float
        assert scalar.data == pytest.approx(result.data[i], rel=1e-14, abs=1e-15)
        for x, array in zip(values, arrays, strict=True):
            assert type(x.grad) is float
            assert x.grad == pytest.approx(array.grad[i], rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.op.name)
def test_value_derivatives_of_orders_1_and_2(call: Call) -> None:
    point = [float(draw((), domain, seed, call.kinks)) for seed, domain in enumerate(call.domain)]
    assert cr.check_grad(call.function, *point, order=2) < 1e-6


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.op.name)
def test_value_forward_mode(call: Call) -> None:
    point = [float(draw((), domain, seed, call.kinks)) for seed, domain in enumerate(call.domain)]
    directions = [0.7 + i for i in range(len(point))]
    _, tangent = cr.jvp(call.function, point, directions)
    _, pull = cr.vjp(call.function, *point)
    expected = sum(g * u for g, u in zip(pull(1.0), directions, strict=True))
    assert tangent == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("sample", ELEMENTWISE + STRUCTURED, ids=str)
def test_no_two_gradients_share_memory(sample: Sample) -> None:
    inputs = tensors(sample)
    middle = [x * 1.0 for x in inputs]
    result = sample.function(*middle)
    total = result.sum() if result.ndim else result + 0.0
    total.backward()
    nodes = [*inputs, *middle, result, total]
    arrays = [x.grad for x in nodes if x.size]
    for i, a in enumerate(arrays):
        for b in [*arrays[i + 1 :], *(x.data for x in nodes)]:
            assert not np.shares_memory(a, b)


def test_constants_have_no_derivative() -> None:
    x = cr.Tensor([[1.0, 5.0], [3.0, 2.0]])
    for op in (op for op in own_ops() if op.structure == "constant"):
        assert not any(op.rules), op.name
    for result in (x > 2, x == x, x.argmax(1), x.argmin(), cr.one_hot([1, 0], 2)):
        assert not getattr(result, "requires_grad", False)
        assert data_of(result).dtype.kind in "biuf"
