"""What the engine says when it refuses: what was given, why it cannot work, what to write instead."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import ShapeError, Tensor, Value


@contextmanager
def says(error: type[Exception], *parts: str) -> Iterator[None]:
    """Expect an error of exactly this class whose message holds every part, in order."""
    with pytest.raises(error, match=".*".join(map(re.escape, parts))) as found:
        yield
    assert type(found.value) is error


def test_shape_error_is_a_value_error() -> None:
    assert issubclass(ShapeError, ValueError)


@pytest.mark.parametrize(
    "function", [lambda x, y: x + y, lambda x, y: np.ones(x.shape) + y, cr.add], ids="abc"
)
def test_shapes_that_do_not_broadcast(function: Any) -> None:
    x, y = Tensor(np.ones((2, 3))), Tensor(np.ones((2, 4)))
    with says(ShapeError, "add: shapes (2, 3) and (2, 4) do not broadcast (axis 1: 3 vs 4)"):
        function(x, y)


def test_shapes_that_do_not_broadcast_name_the_lines_that_made_them() -> None:
    with cr.record_lines():
        x = Tensor(np.ones((2, 3)))
        y = Tensor(np.ones((2, 4)))
        with says(
            ShapeError, "argument 0 made at", "test_errors.py:", "argument 1 made at", "test_errors.py:"
        ):
            x * y


def test_shapes_of_three_operands() -> None:
    with says(ShapeError, "where: shapes (2,) and (3,) and () do not broadcast (axis 0: 2 vs 3 vs 1)"):
        cr.where(np.array([True, False]), Tensor(np.ones(3)), Tensor(1.0))


@pytest.mark.parametrize(
    ("left", "right", "parts"),
    [
        ((2, 3), (2, 3), ("matmul: shapes (2, 3) and (2, 3) do not multiply", "3", "second last axis", "2")),
        ((3,), (2,), ("matmul: shapes (3,) and (2,) do not multiply", "only axis")),
        ((), (2,), ("matmul", "()", "scalar", "use *")),
        ((2, 1, 3), (4, 3, 1), ("matmul", "(2, 1, 3)", "(4, 3, 1)", "do not broadcast")),
    ],
)
def test_shapes_that_do_not_multiply(left: Any, right: Any, parts: Any) -> None:
    with says(ShapeError, *parts):
        Tensor(np.ones(left)) @ Tensor(np.ones(right))


@pytest.mark.parametrize(
    ("attempt", "parts"),
    [
        (lambda x: x.reshape(4, 2), ("reshape: 6 elements of shape (2, 3) do not fill shape (4, 2)",)),
        (lambda x: x.reshape(-1, -1), ("reshape", "(-1, -1)")),
        (lambda x: x.reshape(-1, 4), ("reshape", "(-1, 4)")),
        (lambda x: x.sum(2), ("sum: there is no axis 2", "(2, 3)", "axes 0 to 1 (or -2 to -1)")),
        (lambda x: x.sum((0, 0)), ("sum: axis (0, 0) names an axis twice",)),
        (lambda x: x.sum().sum(0), ("sum: there is no axis 0", "no axes")),
        (lambda x: x.transpose((0, 0)), ("transpose: axes (0, 0) is no permutation",)),
        (lambda x: x.squeeze(0), ("squeeze: axis 0 of shape (2, 3) has length 2, not 1",)),
        (lambda x: x.broadcast_to((3, 3)), ("broadcast_to", "(2, 3)", "(3, 3)")),
        (lambda x: x[:0].max(), ("max", "(0, 3)", "no max of nothing")),
        (lambda x: x[:0].argmax(0), ("argmax", "(0, 3)")),
        (lambda x: cr.concatenate([x, x.T]), ("concatenate: shapes (2, 3) and (3, 2)", "0")),
        (lambda x: cr.stack([x, x.T]), ("stack: shapes (2, 3) and (3, 2) differ",)),
        (lambda x: cr.split(x, 2, 1), ("split: axis 1 of length 3 has no 2 equal parts",)),
        (lambda x: cr.linear(x, np.ones((2, 2)), np.ones(2)), ("linear", "(2, 3)", "(2, 2)", "2 features")),
        (lambda x: cr.linear(x, np.ones((2, 3)), np.ones(3)), ("linear: bias has shape (3,)", "(2,)")),
        (lambda x: cr.outer(x, x), ("outer", "(2, 3)", "vectors", ".ravel()")),
        (lambda x: cr.cross_entropy(x, [0]), ("cross_entropy", "(2, 3)", "(2,)", "(1,)")),
        (lambda x: x.pad(((1, 1), (1, 1), (1, 1))), ("pad", "(2, 3)")),
        (lambda x: cr.concatenate([]), ("concatenate", "at least one")),
        (lambda x: cr.stack([]), ("stack", "at least one")),
    ],
    ids=lambda x: "" if callable(x) else x[0],
)
def test_shapes_that_an_op_cannot_take(attempt: Any, parts: Any) -> None:
    with says(ShapeError, *parts):
        attempt(Tensor(np.ones((2, 3))))


def test_a_column_that_meets_a_row_is_warned_about_once_per_line() -> None:
    row, column = Tensor(np.ones(3)), Tensor(np.ones((3, 1)))
    with pytest.warns(UserWarning, match=r"sub: shapes \(3,\) and \(3, 1\) broadcast to \(3, 3\)") as caught:
        row - column
    assert caught[0].filename == __file__
    for advice in (".ravel()", ".expand_dims(1)"):
        assert advice in str(caught[0].message)


def test_a_column_that_was_asked_for_is_not_warned_about() -> None:
    x = Tensor(np.ones(3))
    for column in (x.expand_dims(1), x[:, None], x.reshape(3, 1)):
        assert (x - column).shape == (3, 3)
    assert (Tensor([1.0]) - Tensor([[1.0]])).shape == (1, 1)
    assert (x - Tensor(np.ones((4, 1)))).shape == (4, 3)


def test_gradients_of_integers() -> None:
    with says(TypeError, "requires_grad needs a float dtype, got int64; pass dtype=float64"):
        Tensor([1, 2], requires_grad=True)
    with says(TypeError, "requires_grad needs a float dtype, got bool"):
        Tensor([True], requires_grad=True)
    with says(TypeError, "int64"):
        cr.grad(lambda x: x.sum())(np.array([1, 2]))


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ("a", ("cannot make a Tensor from dtype <U1",)),
        (["a", "b"], ("cannot make a Tensor from dtype <U1",)),
        ([1j], ("cannot make a Tensor from dtype complex128",)),
        (np.array(["2020-01-01"], "M8[D]"), ("cannot make a Tensor from dtype datetime64[D]",)),
        (None, ("cannot make a Tensor from NoneType",)),
        ([None, 1.0], ("cannot make a Tensor from list of Python objects",)),
        ({"a": 1}, ("cannot make a Tensor from dict",)),
    ],
    ids=str,
)
def test_data_that_is_no_number(data: Any, parts: Any) -> None:
    with says(TypeError, *parts):
        Tensor(data)


def test_a_list_of_nodes_names_stack() -> None:
    for nodes in ([Value(1.0), Value(2.0)], [Tensor([1.0]), Tensor([2.0])], [[Tensor(1.0)], [Tensor(2.0)]]):
        with says(
            TypeError, "cannot make a Tensor from a list of nodes", "chainrule.stack", "Tensor.from_values"
        ):
            Tensor(nodes)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ([[1, 2], [3]], ("ragged", "data[1] has 1 element", "data[0] has 2 elements")),
        ([[1, 2], 3], ("ragged", "data[1] has no length (it is a number)")),
        ([[[1], [2]], [[3], [4, 5]]], ("ragged", "data[1][1] has 2 elements", "data[1][0] has 1 element")),
        ([np.ones(2), np.ones(3)], ("ragged", "data[1] has 3 elements", "data[0] has 2 elements")),
    ],
    ids=str,
)
def test_ragged_lists(data: Any, parts: Any) -> None:
    with says(ValueError, *parts):
        Tensor(data)


def test_a_value_is_made_of_one_real_number() -> None:
    for data in ("1", None, [1.0], 1j, np.array([1.0]), Tensor(1.0)):
        with says(
            TypeError, "cannot make a Value from", "one real number", "use Tensor for lists and arrays"
        ):
            Value(data)  # type: ignore[arg-type]


def test_assigning_data_to_a_value() -> None:
    x = Value(1.0)
    for data in ("1", None, [1.0]):
        with says(TypeError, "one real number"):
            x.data = data  # type: ignore[assignment]
    with says(
        TypeError, "cannot assign the data of Value(2.0, op=mul)", "mul computed it", "change the leaves"
    ):
        (x * 2).data = 3.0


def test_assigning_data_to_a_tensor() -> None:
    x = Tensor([1.0, 2.0])
    with says(ShapeError, "cannot assign data of shape (3,) to a tensor of shape (2,)", "new Tensor"):
        x.data = [1.0, 2.0, 3.0]
    with says(TypeError, "cannot assign the data of a tensor that mul computed"):
        (x * 2).data = [1.0, 2.0]


def test_from_numpy_needs_an_array() -> None:
    for data in ([1.0], 1.0, np.array(["a"]), np.array([1j]), Tensor([1.0])):
        with says(TypeError, "from_numpy needs a NumPy array of numbers, got", "use Tensor(...)"):
            Tensor.from_numpy(data)  # type: ignore[arg-type]


def test_backward_of_what_is_no_scalar() -> None:
    with says(
        RuntimeError, "backward() needs a scalar, got shape (2,)", "pass grad= or reduce it with .sum()"
    ):
        (Tensor([1.0, 2.0]) * 2).backward()
    assert Tensor([[2.0]]).requires_grad
    (Tensor([[2.0]]) * 3).backward()


def test_backward_with_a_gradient_of_another_shape() -> None:
    with says(ShapeError, "backward: grad has shape (3,)", "the tensor (2,)"):
        (Tensor([1.0, 2.0]) * 2).backward(grad=[1.0, 2.0, 3.0])


def test_nothing_to_differentiate() -> None:
    with says(
        RuntimeError, "no input of this Tensor requires grad", "its inputs are int64, which are constants"
    ):
        (Tensor([1, 2]) * 2).sum().backward()
    with says(
        RuntimeError, "no input of this Tensor requires grad", "requires_grad=True", "outside no_grad()"
    ):
        (Tensor([1.0], requires_grad=False) * 2).sum().backward()
    with says(RuntimeError, "no input of this Value requires grad", "requires_grad=True"):
        (Value(3.0, requires_grad=False) * 2).backward()


def test_data_changed_in_place_after_it_was_saved() -> None:
    for node, label in (
        (Value(3.0, label="w"), "'w'"),
        (Tensor([3.0], label="w"), "'w'"),
        (Value(3.0), "argument 0"),
    ):
        y = node * node.exp()
        node.data = node.data * 2
        with says(
            RuntimeError,
            f"mul: the data of {label}",
            "changed after mul used it",
            "version",
            "Call backward()",
        ):
            y.backward()


def test_data_changed_in_place_names_the_lines() -> None:
    with cr.record_lines():
        x = Tensor([3.0])
        y = x * x
    x.data = [4.0]
    with says(
        RuntimeError, "(made at", "test_errors.py:", "changed after mul used it (made at", "test_errors.py:"
    ):
        y.backward()


def test_item_assignment() -> None:
    for x in (Tensor([1.0, 2.0]), Tensor([1.0, 2.0]) * 2):
        with says(TypeError, "cannot be assigned", "chainrule.where(mask, new, x)", "chainrule.concatenate"):
            x[0] = 5.0


def test_the_truth_of_many_elements() -> None:
    with says(ValueError, "truth of a Tensor of shape (2,) is ambiguous", "chainrule.where"):
        bool(Tensor([1.0, 2.0]))
    with says(ValueError, "truth of a Tensor of shape (0,)"):
        bool(Tensor([]))


def test_one_number_from_many_elements() -> None:
    for convert in (float, int, Tensor.item):
        with says(ValueError, "needs exactly one element, got shape (2,)", "index it or reduce it"):
            convert(Tensor([1.0, 2.0]))


def test_length_and_iteration_of_a_scalar() -> None:
    with says(TypeError, "shape () has no length", "x.item()"):
        len(Tensor(1.0))
    with says(TypeError, "shape ()"):
        list(Tensor(1.0))


def test_labels_out_of_range() -> None:
    z = Tensor(np.ones((2, 3)))
    with says(IndexError, "cross_entropy: label -1 at row 1 is outside 0..2"):
        cr.cross_entropy(z, [0, -1])
    with says(IndexError, "cross_entropy: label 3 at row 0 is outside 0..2"):
        cr.cross_entropy(z, [3, 1])
    with says(TypeError, "cross_entropy: labels must be integers, got float64", ".astype(int)"):
        cr.cross_entropy(z, [0.0, 1.0])
    with says(IndexError, "one_hot: label 2"):
        cr.one_hot([2], 2)


def test_a_value_meets_a_tensor() -> None:
    with says(
        TypeError, "cannot combine a Tensor with a Value", "Tensor.from_values(v)", "v.data as a constant"
    ):
        Tensor([1.0]) * Value(2.0)
    with says(TypeError, "add: cannot combine a Value with list", "use Tensor for arrays"):
        cr.add(Value(1.0), [1.0])


def test_a_tensor_meets_what_is_no_number() -> None:
    for other in ("a", ["a"], 1j, object()):
        with says(TypeError, "mul: cannot combine a Tensor with"):
            Tensor([1.0]) * other
    with says(TypeError, "add: cannot combine a Tensor with NoneType"):
        Tensor([1.0]) + None


def test_a_function_of_what_is_no_number() -> None:
    for x in ("a", None, [1.0, "b"], 1j):
        with says(TypeError, "exp: cannot compute with", "dtype"):
            cr.exp(x)


def test_unknown_backend() -> None:
    with says(ValueError, "unknown backend 'nunba'; known backends: numpy, numba; did you mean"):
        cr.use_backend("nunba")
    with says(ValueError, "unknown backend 'torch'"), cr.use_backend("torch"):
        pass


def test_too_large_to_allocate() -> None:
    with says(MemoryError, "full", "(100000, 100000, 100000)", "8e+15 bytes"):
        cr.zeros((100_000, 100_000, 100_000))
    x = Tensor.from_numpy(np.broadcast_to(np.float64(1), (1 << 24, 1)))
    y = Tensor.from_numpy(np.broadcast_to(np.float64(1), (1, 1 << 24)))
    with says(MemoryError, "add", "(16777216, 1) and (1, 16777216)"):
        x + y
    big = Tensor.from_numpy(np.broadcast_to(np.float64(1), (1 << 24, 1 << 24)))
    with says(MemoryError, "exp of shapes (16777216, 16777216)"):
        big.exp()
    with says(MemoryError, "matmul", "(16777216, 1) and (1, 16777216)"):
        x @ y


def test_a_negative_length() -> None:
    with says(ValueError, "full: shape (-1,) has a negative length"):
        cr.zeros(-1)


def test_transforms_of_what_is_no_function_of_nodes() -> None:
    with says(TypeError, "grad: the function returned float, not a Value or Tensor"):
        cr.grad(lambda x: 3.0)(1.0)
    with says(TypeError, "grad: the function returned NoneType"):
        cr.grad(lambda x: None)(1.0)
    with says(TypeError, "vjp: the function returned list, not a Value or Tensor"):
        cr.vjp(lambda x: [x, x], 1.0)
    with says(TypeError, "jacobian: the function returned float"):
        cr.jacobian(lambda x: 3.0)(np.ones(2))
    with says(TypeError, "grad: there is no argument 2: the function was called with 1"):
        cr.grad(lambda x: x, 2)(1.0)
    with says(ValueError, "jvp: primals hold 1 arguments, tangents 2"):
        cr.jvp(lambda x: x, [1.0], [1.0, 2.0])
    with says(ShapeError, "grad: the function must return a scalar, got shape (2,)", "chainrule.jacobian"):
        cr.grad(lambda x: x * 2)(np.ones(2))
    with says(ShapeError, "jvp: tangent has shape (3,)", "(2,)"):
        cr.jvp(lambda x: x, [np.ones(2)], [np.ones(3)])
    with says(TypeError, "grad", "pass floats"):
        cr.grad(lambda x: x)("a")


def test_check_grad_names_the_worst_element() -> None:
    def wrong(x: Any) -> Any:
        return (x * x.detach()).sum()

    with says(
        AssertionError,
        "check_grad: order 1, argument 0, element (0,)",
        "central differences give",
        "difference",
    ):
        cr.check_grad(wrong, np.array([2.0, 3.0]))
    with says(AssertionError, "order 1, argument 1:"):
        cr.check_grad(lambda x, y: x * y.detach(), 2.0, 3.0)


def test_a_program_says_which_input_does_not_fit() -> None:
    x = Tensor([1.0, 2.0], label="x")
    program = cr.record((x * x).sum())
    from chainrule import backends

    with says(ValueError, "input x: recorded with shape (2,), got (3,)", "record the program again"):
        program.run(backends.load("numpy"), [np.ones(3)])
    with says(ValueError, "the program has 1 inputs, got 2 arguments"):
        program.run(backends.load("numpy"), [np.ones(2), np.ones(2)])
