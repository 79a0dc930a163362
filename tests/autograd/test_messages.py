"""What is said to those who mix the engine's parts up: lists of nodes, labels, dtypes, names."""

import inspect
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value

VALUES = [Value(1.0), Value(2.0)]
TENSORS = [Tensor([1.0]), Tensor([2.0])]


@pytest.mark.parametrize("nodes", [VALUES, TENSORS, tuple(VALUES), [VALUES, [1.0, 2.0]]], ids=str)
@pytest.mark.parametrize("function", [cr.exp, cr.sum, cr.mean, cr.max, cr.cumsum, cr.softmax, cr.ravel])
def test_a_list_of_nodes_would_lose_their_graph(function, nodes):
    advice = r"got a (list|tuple) of nodes; .*Tensor\.from_values\(\[\.\.\.\]\) .* chainrule\.stack"
    with pytest.raises(TypeError, match=advice) as found:
        function(nodes)
    assert ("Python's own sum([...]) adds up Values" in str(found.value)) == (function is cr.sum)


def test_a_list_of_nodes_beside_a_node():
    for attempt in (
        lambda: Tensor([1.0, 2.0]) * VALUES,
        lambda: cr.add(VALUES, 2.0),
        lambda: cr.matmul(VALUES, Tensor([1.0, 2.0])),
        lambda: cr.where([True, False], Tensor([1.0, 2.0]), TENSORS),
    ):
        with pytest.raises(TypeError, match="of nodes; make one Tensor of it first"):
            attempt()
    with pytest.raises(TypeError, match=r"mul: cannot combine a Value with list.*Tensor\.from_values"):
        Value(1.0) * VALUES


@pytest.mark.parametrize("join", [cr.stack, cr.concatenate])
def test_joining_values(join):
    with pytest.raises(TypeError, match=r"joins Tensors, and a Value is one number; .*Tensor\.from_values"):
        join(VALUES)


@pytest.mark.parametrize("label", ["x", "weights", "b", "d", ""])
def test_a_label_where_the_dtype_stands(label):
    """Also where NumPy has a type of that letter: `Tensor([2.5], "b")` would be an integer."""
    with pytest.raises(TypeError, match=rf"'{label}' stands where a dtype is expected.*label='{label}'"):
        Tensor([2.5], label)
    assert Tensor([2.5], "float32").dtype == np.float32
    assert Tensor([2.5], "f4").dtype == np.float32


def test_labels_that_are_not_numbered_from_zero():
    logits = Tensor(np.zeros((3, 3)))
    advice = r"classes are numbered from 0: labels = numpy\.unique\(labels, return_inverse=True\)\[1\]"
    with pytest.raises(IndexError, match=r"cross_entropy: label 3 at row 2 is outside 0\.\.2; " + advice):
        cr.cross_entropy(logits, [1, 2, 3])
    for words in (["a", "b", "a"], np.array(["a", None, "b"], object)):
        with pytest.raises(TypeError, match=r"cross_entropy: labels must be integers, got .*; " + advice):
            cr.cross_entropy(logits, words)
    with pytest.raises(TypeError, match=r"got float64; write labels\.astype\(int\)"):
        cr.cross_entropy(logits, [0.0, 1.0, 2.0])
    with pytest.raises(IndexError) as found:
        cr.one_hot([0, 1, 2], 2)
    assert "numbered" not in str(found.value)


def test_rounding_down_has_the_derivative_zero():
    x = Tensor([5.0, -3.0])
    y = x // 2
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]
    assert "with derivative 0" in cr.floor_divide.__doc__


def area(width, height):
    """The area of a rectangle."""
    return width * height


@pytest.mark.parametrize("transform", [cr.grad, cr.value_and_grad, cr.jacobian, cr.hessian])
def test_a_transform_is_named_after_its_function(transform):
    found = transform(area)
    assert found.__name__ == f"{transform.__name__}(area)"
    assert found.__doc__.endswith("of `area`.\n\nThe area of a rectangle.")
    assert list(inspect.signature(found).parameters) == ["width", "height"]
    assert found.__module__ == __name__


def test_a_transform_of_what_has_no_name():
    class Square:
        def __call__(self, x):
            return x * x

    assert cr.grad(partial(area, 2.0)).__name__ == "grad(partial)"
    assert cr.grad(Square()).__name__ == "grad(Square)"
    assert cr.grad(Square())(3.0) == 6.0
    assert cr.grad(cr.grad(area)).__name__ == "grad(grad(area))"
    assert cr.grad(lambda x: x).__doc__ == "The gradient of `<lambda>`."
