"""Promises about nodes and errors that no other file here puts to the test."""

import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value


def test_a_column_that_meets_a_row_is_warned_about_on_each_line_once() -> None:
    row, column = Tensor(np.ones(3)), Tensor(np.ones((3, 1)))
    # a kernel that numba compiles in between makes Python forget what it has warned of
    with cr.use_backend("numpy"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            row - column
            row * column
    assert [str(w.message)[:4] for w in caught] == ["sub:", "mul:"]


CONSTANT = Tensor(np.ones((3, 4)), requires_grad=False)
COLUMNS = [
    lambda: CONSTANT[:, 0].expand_dims(1),
    lambda: CONSTANT[:, 0][:, None],
    lambda: CONSTANT[:, :1],
    lambda: CONSTANT[:, 0].reshape(3, 1),
    lambda: Tensor([1, 2, 3]).expand_dims(1),
]


@pytest.mark.parametrize("make", COLUMNS)
def test_a_column_of_constants_that_was_asked_for_is_not_warned_about(make: Any) -> None:
    assert (make() * Tensor(np.ones(3))).shape == (3, 3)


def test_a_column_that_was_asked_for_inside_no_grad_is_not_warned_about() -> None:
    x = Tensor(np.ones(3))
    with cr.no_grad():
        assert (x[:, None] * x.expand_dims(1)[:, 0]).shape == (3, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Tensor(np.ones((3, 1)), requires_grad=False),
        lambda: Tensor(np.ones((3, 1))).detach(),
        lambda: -Tensor([[1], [2], [3]]),
        lambda: CONSTANT @ np.ones((4, 1)),
    ],
)
def test_other_columns_of_constants_are_warned_about(make: Any) -> None:
    with pytest.warns(UserWarning, match=r"broadcast to \(3, 3\)"):
        Tensor(np.ones(3)) * make()


@pytest.mark.parametrize("node", [Value(3.0), Tensor([3.0])], ids=["Value", "Tensor"])
def test_assigning_data_is_a_newer_version(node: Any) -> None:
    before = node.version
    y = node * node
    node.data = node.data * 2
    assert node.version > before
    with pytest.raises(RuntimeError, match=rf"version {node.version} is newer than \d+.*record_lines\(\)"):
        y.backward()


def test_data_of_a_leaf_that_is_written_to_is_found_by_detect_anomaly() -> None:
    x = Tensor([1.0, 2.0])
    with cr.detect_anomaly():
        y = (x * x).sum()
        x.data[0] = 5.0
        with pytest.raises(RuntimeError, match=r"mul saved an array that was changed in place since"):
            y.backward()


@pytest.mark.parametrize(
    ("function", "point", "message"),
    [
        (cr.log, 0.0, "log made -inf"),
        (lambda x: 1 / x, 0.0, "div made inf"),
        (lambda x: x**0.5, -2.0, "pow made nan"),
    ],
    ids=["log", "div", "pow"],
)
@pytest.mark.parametrize("Node", [Value, Tensor])
def test_detect_anomaly_names_op_operands_and_line(
    Node: Any, function: Any, point: float, message: str
) -> None:
    with cr.detect_anomaly(), pytest.raises(FloatingPointError) as caught, np.errstate(all="ignore"):
        function(Node(point))
    assert f"detect_anomaly: {message} from finite operands (" in str(caught.value)
    assert f"(made at {__file__}:" in str(caught.value)


@pytest.mark.parametrize("base", [-2.0, -0.5, 0.0, 0.5, 2.0])
@pytest.mark.parametrize("exponent", [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("Node", [Value, Tensor])
def test_powers_have_pytorchs_derivatives(Node: Any, base: float, exponent: float) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    ours = Node(base), Node(exponent)
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (base, exponent)]
    with np.errstate(all="ignore"):
        (ours[0] ** ours[1]).backward()
    (theirs[0] ** theirs[1]).backward()
    np.testing.assert_allclose([x.grad for x in ours], [x.grad.item() for x in theirs], rtol=1e-14)


def test_a_value_is_a_python_float() -> None:
    for number in (1, True, np.float32(1.5), np.int8(3), np.array(2.0, np.float16)):
        x = Value(number)
        assert type(x.data) is float
        x.exp().backward()
        assert type(x.grad) is float


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cr.eye(1 << 24), "eye: .*(16777216, 16777216)"),
        (lambda: cr.rand(1 << 24, 1 << 24), "rand: .*(16777216, 16777216)"),
        (lambda: cr.randn(1 << 24, 1 << 24), "randn: .*(16777216, 16777216)"),
        (lambda: cr.arange(1 << 48), "arange: .*(281474976710656,)"),
        (lambda: cr.linspace(0, 1, 1 << 48), "linspace: .*(281474976710656,)"),
        (lambda: Tensor(np.broadcast_to(1.0, (1 << 24, 1 << 24))), "Tensor .*(16777216, 16777216)"),
    ],
    ids=["eye", "rand", "randn", "arange", "linspace", "Tensor"],
)
def test_what_is_made_of_nothing_and_too_large_names_its_maker(make: Any, message: str) -> None:
    with pytest.raises(MemoryError, match=message.replace("(", r"\(").replace(")", r"\)")):
        make()
