"""`Tensor`: an array in a graph: what it owns, its dtype, indexing, and how it meets NumPy."""

import operator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.floordiv,
    operator.mod,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
]
ARITHMETIC = BINARY[:7]
X = np.array([[1.5, 2.0], [3.0, 0.5]])
Y = np.array([2.0, 1.5])


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
@pytest.mark.parametrize(
    "other", [Y, Y.tolist(), 2.0, 2, np.float64(2), np.array(2.0), np.array([2, 1])], ids=str
)
def test_every_operator_takes_arrays_and_numbers_on_either_side(op: Any, other: Any) -> None:
    x = Tensor(X)
    for result, expected in (
        (op(x, other), op(X, np.asarray(other))),
        (op(other, x), op(np.asarray(other), X)),
    ):
        assert type(result) is Tensor
        assert type(result.data) is np.ndarray
        np.testing.assert_array_equal(result.data, expected)
        assert result.dtype == expected.dtype


@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.__name__)
def test_an_array_times_a_tensor_records_one_node(op: Any) -> None:
    x = Tensor(X)
    result = op(Y, x)
    assert result.shape == (2, 2)
    assert result.op is not None
    assert result.parents[1] is x
    result.sum().backward()
    assert x.grad.shape == X.shape


def test_matmul_operator_on_either_side() -> None:
    x = Tensor(X)
    np.testing.assert_array_equal((X @ x).data, X @ X)
    np.testing.assert_array_equal((x @ Y).data, X @ Y)
    np.testing.assert_array_equal((Y @ x).data, Y @ X)


# Owning.


def test_a_tensor_owns_its_data() -> None:
    a = np.array([1.0, 2.0])
    x = Tensor(a)
    a[0] = 100
    assert x.data.tolist() == [1, 2]
    y = Tensor(x)
    assert not np.shares_memory(x.data, y.data)


def test_from_numpy_shares_and_leaves_the_callers_flags() -> None:
    a = np.array([1.0, 2.0])
    x = Tensor.from_numpy(a)
    assert np.shares_memory(a, x.data)
    assert a.flags.writeable
    assert not x.data.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 5
    frozen = np.array([1.0])
    frozen.flags.writeable = False
    assert Tensor.from_numpy(frozen).requires_grad


def test_the_data_of_what_was_computed_is_read_only() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 5
    x.data[0] = 7
    assert x.data.tolist() == [7, 2]


def test_reshaped_data_cannot_be_written_through() -> None:
    x = Tensor([1.0, 2.0])
    for y in (x.reshape(2, 1), x.T, x[:1], x.expand_dims(0), x.detach()):
        with pytest.raises(ValueError, match="read-only"):
            y.data[...] = 5
    assert x.data.tolist() == [1, 2]


def test_numpy_gives_a_copy_that_is_yours() -> None:
    x = Tensor([1.0, 2.0])
    a = x.numpy()
    a[0] = 5
    assert x.data.tolist() == [1, 2]


def test_assigning_data() -> None:
    x = Tensor([1.0, 2.0], dtype=np.float32)
    given = np.array([3.0, 4.0])
    x.data = given
    assert x.dtype == np.float32
    assert not np.shares_memory(x.data, given)
    x.data = [5, 6]
    assert x.data.tolist() == [5, 6]


# What requires grad.


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([1.0], True),
        (1.0, True),
        (np.zeros(2, np.float32), True),
        (np.zeros(2, np.float16), True),
        ([1], False),
        ([True], False),
        (np.zeros(2, np.uint8), False),
    ],
)
def test_floats_require_grad_and_integers_do_not(data: Any, expected: bool) -> None:
    assert Tensor(data).requires_grad is expected
    if expected:
        assert not Tensor(data, requires_grad=False).requires_grad


def test_arrays_and_integers_in_an_expression_are_constants() -> None:
    x = Tensor([1.0, 2.0])
    n = Tensor([3, 4])
    a = np.array([5.0, 6.0])
    y = (x * n * a).sum()
    y.backward()
    assert x.grad.tolist() == [15, 24]
    assert n.grad is None
    assert not (n * 2).requires_grad
    assert (n * 2).op is None


def test_results_of_constants_are_constants() -> None:
    x = Tensor([1.0], requires_grad=False)
    y = x * 2 + x.exp()
    assert not y.requires_grad
    assert y.op is None


# dtype.


@pytest.mark.parametrize("op", ARITHMETIC, ids=lambda op: op.__name__)
@pytest.mark.parametrize("number", [2.0, 2, True])
def test_a_python_scalar_never_widens_float32(op: Any, number: Any) -> None:
    x = Tensor([1.5, 2.5], dtype=np.float32)
    for y in (op(x, number), op(number, x)):
        assert y.dtype == np.float32
        y.sum().backward()
        assert x.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("left", "right"),
    [("f4", "f8"), ("f2", "f4"), ("i4", "f4"), ("i8", "f4"), ("?", "f4"), ("i4", "i8"), ("u1", "i1")],
)
def test_dtypes_are_promoted_as_numpy_does(left: str, right: str) -> None:
    a, b = np.ones(2, left), np.ones(2, right)
    assert (Tensor(a) * Tensor(b)).dtype == (a * b).dtype
    assert (Tensor(a) / Tensor(b)).dtype == (a / b).dtype


def test_functions_keep_float32() -> None:
    x = Tensor([0.25, 0.5], dtype=np.float32)
    for function in (cr.exp, cr.log, cr.sigmoid, cr.tanh, cr.gelu, cr.erf, cr.softplus, cr.softmax, cr.norm, cr.mean,
                     cr.std, cr.var, lambda x: cr.clip(x, 0.0, 1.0), lambda x: cr.where(x > 0, x, 0.0),
                     lambda x: cr.leaky_relu(x, 0.1)):  # fmt: skip
        assert function(x).dtype == np.float32


def test_without_axes_results_are_arrays() -> None:
    x = Tensor(2.0)
    for y in (x + 1, 1 + x, -x, x.exp(), x * x, x > 1, x.sum(), cr.where(x > 0, x, 0.0), Tensor([1.0])[0]):
        assert type(y.data) is np.ndarray
        assert y.shape == ()


# Comparing.


def test_equality_compares_elements_and_the_hash_is_that_of_the_object() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([1.0, 3.0])
    assert (x == y).data.tolist() == [True, False]
    assert (x != y).data.tolist() == [False, True]
    assert hash(x) != hash(Tensor([1.0, 2.0]))
    assert {x: 1}[x] == 1
    assert x in {x, y}


# Python's protocols.


def test_properties() -> None:
    x = Tensor(np.zeros((2, 3)), label="x")
    assert (x.shape, x.ndim, x.size, x.dtype, x.label) == ((2, 3), 2, 6, np.float64, "x")
    assert x.T.shape == (3, 2)
    assert len(x) == 2
    assert [row.shape for row in x] == [(3,), (3,)]


def test_conversions() -> None:
    x = Tensor([[2.75]])
    assert float(x) == 2.75
    assert int(x) == 2
    assert x.item() == 2.75
    assert bool(x)
    assert f"{x:.1f}" == "2.8"
    assert f"{x}" == repr(x)
    assert np.asarray(x).tolist() == [[2.75]]
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert not np.asarray(x).flags.writeable
    assert np.array(x).flags.writeable


def test_repr() -> None:
    x = Tensor([1.0, 2.0], label="x")
    assert repr(x) == "Tensor([1., 2.], label='x')"
    assert repr(x * 2) == "Tensor([2., 4.], op=mul)"
    assert repr(Tensor([1.0], dtype=np.float32)) == "Tensor([1.], dtype=float32)"
    assert "shape=(200,)" in repr(Tensor(np.zeros(200)))
    assert "shape=(0, 3)" in repr(Tensor(np.zeros((0, 3))))


def test_iterating_sends_gradients_to_rows() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    first, second = x
    (first * 10 + second).sum().backward()
    assert x.grad.tolist() == [[10, 10], [1, 1]]


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(1, None),
        slice(None, None, -2),
        (0, 1),
        (..., 0),
        (None, 1),
        (slice(None), None, slice(0, 2)),
        [0, 2, 2],
        ([0, 2], [1, 0]),
        (slice(None), [1, 1, 0]),
        np.array([True, False, True]),
        (np.array([True, False, True]), 1),
        np.array([[True, False], [False, True], [True, True]]),
        np.array([], int),
        (),
        np.int64(1),
        (np.array([[0], [1]]), np.array([0, 1])),
    ],
    ids=repr,
)
def test_indexing_is_numpys(index: Any) -> None:
    a = np.arange(6.0).reshape(3, 2)
    x = Tensor(a)
    y = x[index]
    np.testing.assert_array_equal(y.data, a[index])
    y.sum().backward()
    expected = np.zeros_like(a)
    np.add.at(expected, index, 1.0)
    np.testing.assert_array_equal(x.grad, expected)


def test_a_tensor_as_index() -> None:
    x = Tensor([10.0, 20.0, 30.0])
    assert x[Tensor([2, 0])].data.tolist() == [30, 10]
    assert x[x > 15].data.tolist() == [20, 30]


def test_an_index_changed_later_does_not_change_the_gradient() -> None:
    index = np.array([0, 1])
    x = Tensor([1.0, 2.0, 3.0])
    y = x[index].sum()
    index[:] = 2
    y.backward()
    assert x.grad.tolist() == [1, 1, 0]


# NumPy's functions.


@pytest.mark.parametrize("name", ["sin", "exp", "log", "tanh", "sqrt", "maximum"])
def test_numpys_functions_name_ours(name: str) -> None:
    x = Tensor([1.0, 2.0])
    function = getattr(np, name)
    with pytest.raises(TypeError) as error:
        function(*[x] * function.nin)
    assert f"numpy.{name} does not work on a Tensor" in str(error.value)
    assert f"chainrule.{name}" in str(error.value)


def test_numpys_functions_that_we_lack_say_so() -> None:
    with pytest.raises(TypeError, match=r"chainrule has no spacing; use \.data"):
        np.spacing(Tensor([1.0]))
    with pytest.raises(TypeError, match="chainrule"):
        np.add.reduce(Tensor([1.0]))
    with pytest.raises(TypeError, match=r"write a = a \+ t instead of a \+= t"):
        np.add(np.zeros(1), Tensor([1.0]), out=np.zeros(1))


@pytest.mark.parametrize(
    "name", ["dot", "clip", "concatenate", "where", "outer", "sum", "mean", "reshape", "zeros_like"]
)
def test_numpys_functions_of_arrays_name_ours(name: str) -> None:
    x = Tensor([1.0, 2.0])
    args = {"dot": (x, x), "clip": (x, 0, 1), "concatenate": ([x, x],), "where": (x.data > 0, x, 0), "outer": (x, x),
            "reshape": (x, (2, 1))}.get(name, (x,))  # fmt: skip
    with pytest.raises(
        TypeError, match=rf"{name} does not work on a Tensor: use chainrule\.{name}, which records"
    ):
        getattr(np, name)(*args)


def test_numpys_functions_that_only_look_work() -> None:
    x = Tensor([1.0, 2.0])
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2,), 1, 2)
    assert np.allclose(x, [1.0, 2.0])
    np.testing.assert_allclose(x, [1.0, 2.0])


def test_writing_into_an_array_with_a_tensor_fails() -> None:
    a = np.zeros(2)
    with pytest.raises(TypeError):
        a += Tensor([1.0, 2.0])


# Making.


def test_making_from_many_things() -> None:
    assert Tensor(3).dtype == np.int64
    assert Tensor([[1, 2], [3, 4]]).shape == (2, 2)
    assert Tensor((1.0, 2)).dtype == np.float64
    assert Tensor(range(3)).data.tolist() == [0, 1, 2]
    assert Tensor([]).shape == (0,)
    assert Tensor([1, 2], dtype=float).requires_grad
    assert Tensor(np.array([1.0])[0]).shape == ()


def test_a_frame_and_a_series_of_pandas() -> None:
    class Frame:
        """What pandas offers to NumPy."""

        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
            return np.array([[1.0, 2.0]], dtype=dtype)

    assert Tensor(Frame()).shape == (1, 2)
    assert (Tensor([1.0, 1.0]) * Frame()).data.tolist() == [[1, 2]]


def test_in_place_inside_no_grad_keeps_dtype_and_identity() -> None:
    w = Tensor([1.0, 2.0], dtype=np.float32)
    before = w
    with cr.no_grad():
        w -= np.array([0.5, 0.5])
    assert w is before
    assert w.dtype == np.float32
    assert w.data.tolist() == [0.5, 1.5]
    assert w.requires_grad
    assert w.op is None


def test_no_grad_records_nothing() -> None:
    x = Tensor([1.0, 2.0])
    with cr.no_grad():
        y = cr.concatenate([x * x, x.exp()]).sum()
    assert y.op is None
    assert not y.requires_grad
