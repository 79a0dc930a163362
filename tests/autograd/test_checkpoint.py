"""`checkpoint`: the same numbers, less memory."""

import tracemalloc

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor


def test_gradients_of_arguments_and_of_captured_leaves():
    weight, x = Tensor(np.arange(6.0).reshape(2, 3)), Tensor([0.1, -0.2])

    def part(x):
        return (x @ weight).tanh() * x.sum()

    part(x).sum().backward()
    expected = x.grad, weight.grad
    x.zero_grad()
    weight.zero_grad()
    y = cr.checkpoint(part, x)
    assert y.op.name == "checkpoint"
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, expected[0])
    np.testing.assert_array_equal(weight.grad, expected[1])


def test_second_order():
    assert (
        cr.check_grad(lambda x: cr.checkpoint(lambda x: (x * x).exp(), x), np.array([0.3, 0.2]), order=2)
        < 1e-7
    )


def test_draws_the_same_random_numbers():
    x = Tensor(np.ones(1000))
    masks = []

    def dropout(x):
        mask = cr.rand(1000, requires_grad=False) > 0.5
        masks.append(mask.data)
        return cr.where(mask, x * x, 0.0)

    y = cr.checkpoint(dropout, x)
    cr.rand(10)  # moves the generator on
    y.sum().backward()
    assert len(masks) == 2
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(x.grad, 2.0 * masks[0])


def test_recomputing_leaves_the_generator_where_it_was():
    def following(run):
        cr.seed(3)
        x = Tensor(np.ones(4))
        run(lambda x: x * cr.rand(4, requires_grad=False), x).sum().backward()
        return cr.rand(3).data.tolist()

    assert following(cr.checkpoint) == following(lambda f, x: f(x))


def test_frees_what_lies_between():
    def deep(x):
        for _ in range(50):
            x = x.tanh()
        return x

    def peak(run):
        x = Tensor(np.ones(100_000))
        tracemalloc.start()
        y = x
        for _ in range(4):
            y = run(y)
        y.sum().backward()
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return top

    whole, parts = peak(deep), peak(lambda x: cr.checkpoint(deep, x))
    assert parts < 0.65 * whole  # one part of four at a time, forward and backward


def test_result_must_be_a_tensor():
    with pytest.raises(TypeError, match=r"the function returned float; it must return a Tensor"):
        cr.checkpoint(lambda x: 3.0, Tensor([1.0]))


def test_inside_no_grad_it_is_a_plain_call():
    with cr.no_grad():
        assert cr.checkpoint(lambda x: x * 2, Tensor([1.0])).op is None


def test_numbers_stay_numbers():
    x = Tensor(np.ones(4), dtype="float32")
    y = cr.checkpoint(lambda x, n, scale: x.reshape(n, -1) * scale, x, 2, 0.5)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32
    assert x.grad.tolist() == [0.5] * 4


def test_what_was_recomputed_is_let_go():
    x, constant = Tensor(np.ones(4)), Tensor(np.ones(4), requires_grad=False)
    y = cr.checkpoint(lambda x, c: x * c, x, constant)
    y.sum().backward()
    assert y.params["part"]._pulled is None
