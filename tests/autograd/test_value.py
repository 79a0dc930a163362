"""`Value`: a number in a graph, and what it is in Python's own arithmetic."""

import math
import operator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value
from chainrule.autograd.mode import record_whole

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.floordiv,
    operator.mod,
]
NUMBERS = [3, 3.0, np.float64(3.0), np.float32(3.0), np.int64(3), np.array(3.0), np.array(3)]


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: type(n).__name__)
def test_every_operator_takes_numbers_on_either_side(op: Any, number: Any) -> None:
    x = Value(2.5)
    for result, expected in ((op(x, number), op(2.5, 3.0)), (op(number, x), op(3.0, 2.5))):
        assert type(result) is Value
        assert type(result.data) is float
        assert result.data == pytest.approx(expected, rel=1e-15)
        result.backward()
        assert type(x.grad) is float


@pytest.mark.parametrize("op", BINARY)
def test_every_operator_between_values(op: Any) -> None:
    x, y = Value(2.5), Value(1.5)
    assert op(x, y).data == op(2.5, 1.5)
    assert op(x, y).parents == (x, y)


def test_unary_operators() -> None:
    x = Value(-2.0)
    assert (-x).data == 2.0
    assert (+x) is x
    assert abs(x).data == 2.0
    assert str((-x).op) == "neg"


def test_subtraction_stays_a_subtraction() -> None:
    """What the user wrote is what a drawing shows."""
    assert str((Value(1.0) - Value(2.0)).op) == "sub"
    assert str((1 - Value(2.0)).op) == "sub"
    assert str((Value(1.0) / 2).op) == "div"


def test_true_is_the_number_one() -> None:
    assert (Value(2.0) + True).data == 3.0


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda: Value(0.0).log(), -math.inf),
        (lambda: 1 / Value(0.0), math.inf),
        (lambda: -1 / Value(0.0), -math.inf),
        (lambda: 1 / Value(-0.0), -math.inf),
        (lambda: Value(0.0) / 0, math.nan),
        (lambda: Value(-2.0) ** 0.5, math.nan),
        (lambda: Value(-1.0).sqrt(), math.nan),
        (lambda: Value(1e308) * 10, math.inf),
        (lambda: Value(10.0) ** 400, math.inf),
        (lambda: Value(0.0) ** -1, math.inf),
        (lambda: Value(-8.0) ** (1 / 3), math.nan),
        (lambda: Value(1000.0).exp(), math.inf),
        (lambda: Value(1000.0).cosh(), math.inf),
        (lambda: Value(2.0).arcsin(), math.nan),
        (lambda: Value(1.0).arctanh(), math.inf),
        (lambda: Value(5.0) % 0, math.nan),
        (lambda: Value(math.inf).sin(), math.nan),
        (lambda: Value(math.nan).relu(), math.nan),
    ],
)
def test_where_python_raises_the_answer_is_ieee(compute: Any, expected: float) -> None:
    np.testing.assert_equal(compute().data, expected)


def test_comparisons_compare_numbers() -> None:
    x = Value(2.0)
    assert x == 2.0
    assert x == Value(2.0)
    assert x != 3
    assert x < 3 <= Value(3.0)
    assert x > Value(1.0) >= 1
    assert operator.lt(1, x)
    assert (x == "2") is False
    assert x != None  # noqa: E711 -- what a comparison with None says is the point
    assert type(x == 2.0) is bool


def test_ordering_against_what_is_no_number_fails() -> None:
    with pytest.raises(TypeError):
        Value(2.0) < "3"  # noqa: B015


def test_the_hash_is_that_of_the_object() -> None:
    x, y = Value(2.0), Value(2.0)
    assert x == y
    assert hash(x) != hash(y)
    assert len({x, y}) == 2
    assert {x: "x", y: "y"}[x] == "x"


def test_numpy_comparisons() -> None:
    x = Value(2.0)
    assert bool(np.float64(2.0) == x)
    assert bool(np.float64(1.0) < x)


def test_conversions() -> None:
    x = Value(2.75, label="x")
    assert float(x) == 2.75
    assert int(x) == 2
    assert x.item() == 2.75
    assert bool(x)
    assert not Value(0.0)
    assert f"{x:.1f}" == "2.8"
    assert f"{x}" == repr(x)
    assert math.floor(float(x)) == 2


def test_repr() -> None:
    x = Value(2.0, label="x")
    y = x * 3
    assert repr(x) == "Value(2.0, label='x')"
    assert repr(y) == "Value(6.0, op=mul)"
    y.backward()
    assert repr(x) == "Value(2.0, label='x', grad=3.0)"
    assert "grad" not in repr(Value(1.0))


def test_labels() -> None:
    x = Value(2.0)
    assert x.label == ""
    x.label = "x"
    y = x * 2
    y.label = "y"
    assert (x.label, y.label) == ("x", "y")


def test_data_of_a_leaf_may_be_assigned_and_becomes_a_float() -> None:
    x = Value(2.0)
    x.data = np.float32(3)
    assert type(x.data) is float
    x.data = 4
    assert x.data == 4.0
    assert type(x.data) is float


def test_parents_and_params() -> None:
    x, y = Value(2.0), Value(3.0)
    assert x.parents == ()
    assert (x * 2).parents == (x, 2.0)
    assert (2 * x).parents == (2.0, x)
    assert cr.where(True, x, y).parents == (1.0, x, y)
    assert x.clip(0.0, 1.0).params == {"low": 0.0, "high": 1.0}
    assert (x * y).params == {}


def test_requires_grad_false_makes_a_constant() -> None:
    x = Value(2.0, requires_grad=False)
    assert not x.requires_grad
    with pytest.raises(RuntimeError, match="nothing to differentiate"):
        (x * 2).backward()


def test_no_grad_records_nothing() -> None:
    x = Value(2.0)
    with cr.no_grad():
        y = cr.where(True, x * x, x) + x.relu()
    assert y.op is None
    assert y.parents == ()
    assert not y.requires_grad
    assert y.data == 6.0


def test_comparisons_are_recorded_where_the_whole_is() -> None:
    x = Value(2.0)
    with record_whole():
        y = x > 1.0
    assert str(y.op) == "greater"
    assert y.data == 1.0


def test_a_value_cannot_meet_an_array_or_a_tensor() -> None:
    x = Value(2.0)
    for other in (np.array([1.0, 2.0]), [1.0, 2.0], Tensor([1.0]), "1", None, 1j, object()):
        for attempt in (lambda o=other: x + o, lambda o=other: o * x, lambda o=other: cr.maximum(x, o)):
            with pytest.raises(TypeError) as error:
                attempt()
            assert "Value" in str(error.value)


def test_functions_that_need_axes_are_refused() -> None:
    with pytest.raises(TypeError, match="sum works on a Tensor; a Value is one number"):
        cr.sum(Value(1.0))
    with pytest.raises(ValueError, match=r"matmul.* use \* instead"):
        cr.matmul(Value(1.0), Value(2.0))


def test_python_sum_and_builtins() -> None:
    xs = [Value(float(i)) for i in range(5)]
    total = sum(xs)
    assert type(total) is Value
    total.backward()
    assert [x.grad for x in xs] == [1.0] * 5
    assert max(xs) is xs[4]
    assert min(xs) is xs[0]
    assert sorted(xs, reverse=True)[0] is xs[4]
    assert round(xs[3].data) == 3


def test_methods_are_the_functions() -> None:
    for name in ("exp", "log", "sqrt", "sin", "tanh", "sigmoid", "relu", "softplus", "gelu", "silu"):
        assert getattr(Value(0.5), name)().data == getattr(cr, name)(Value(0.5)).data


def test_functions_of_plain_numbers_give_plain_numbers() -> None:
    assert cr.exp(0.0) == 1.0
    assert type(cr.exp(0)) is float
    assert type(cr.maximum(1, 2)) is float
    assert cr.where(True, 1.0, 2.0) == 1.0


def test_no_attributes_can_be_invented() -> None:
    with pytest.raises(AttributeError):
        Value(1.0).gradient  # noqa: B018
    with pytest.raises(AttributeError):
        Value(1.0).gradient = 3.0  # type: ignore[attr-defined]


def test_constants_keep_no_graph() -> None:
    c, d = Value(3.0, requires_grad=False), Value(2.0).detach()
    for y in (
        c * 3,
        3 * c,
        c * d,
        -c,
        abs(c),
        c.exp(),
        c.clip(0.0, 1.0),
        cr.where(True, c, d),
        (c * 3).exp() + 1,
        c**d,
    ):
        assert y.op is None
        assert y.parents == ()
        assert not y.requires_grad
    with cr.no_grad():
        inside = Value(5.0)
        product = inside * 2.0
    assert (product * 2.0).op is None
    x = Value(2.0)
    for y in (c * x, x * c, (c * d) * x, 3 * x, cr.maximum(c, x)):
        assert y.op is not None
        y.backward()
    assert c.grad is None
    assert x.grad == 3 + 3 + 6 + 3 + 0


def test_constants_are_recorded_where_the_whole_computation_is_asked_for() -> None:
    with record_whole():
        assert (Value(3.0, requires_grad=False) * 3).op is not None
