"""Cases that once gave a wrong answer without a word."""

import threading
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value
from chainrule.autograd.mode import record_whole
from chainrule.backends import load


def test_targets_minus_predictions_warns_too():
    column = Tensor(np.ones((4, 1)))
    for subtract in (
        lambda: np.ones(4) - column,
        lambda: cr.sub(np.ones(4), column),
        lambda: column - np.ones(4),
    ):
        with pytest.warns(UserWarning, match=r"broadcast to \(4, 4\)"):
            subtract()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.ones(4) - Tensor(np.ones(4)).expand_dims(1)


def test_a_cotangent_that_is_differentiated():
    def function(c):
        _, pull = cr.vjp(lambda x: x * x * x, np.array([1.0, 2.0]))
        return (pull(c)[0] * c).sum()

    np.testing.assert_allclose(cr.grad(function)(np.ones(2)), [6.0, 24.0])


def test_vjp_names_itself_in_its_errors():
    _, pull = cr.vjp(lambda x: x * x, np.ones(2))
    with pytest.raises(ValueError, match=r"vjp: the cotangent has shape \(3,\), the result \(2,\)"):
        pull(np.ones(3))


def test_a_replay_guards_the_branch_not_taken_on_its_own_data():
    x = Tensor([1.0])
    with record_whole():
        loss = cr.where(x < 100, x.exp(), x).sum()
    program = cr.record(loss, wrt=[x])
    _, slope = program.run(load("numpy"), [np.array([1000.0])])
    assert slope.tolist() == [1.0]


def test_the_jacobian_by_a_list_is_a_list():
    assert cr.jacobian(lambda x: x[0] * x[1])([2.0, 3.0]) == [3.0, 2.0]


@pytest.mark.parametrize("transform", [cr.grad, cr.value_and_grad])
def test_grad_of_a_result_says_what_to_call(transform):
    with pytest.raises(TypeError, match=r"grad takes a function, not the Value .* call result\.backward\(\)"):
        transform(Value(2.0) * 3)


def test_keyword_arguments_are_passed_on():
    assert cr.grad(lambda x, n: x**n)(2.0, n=3) == 12.0


def test_threads_that_share_a_leaf_do_not_disturb_each_other():
    shared = Value(1.0)
    totals = []

    def work():
        for _ in range(30):
            y = shared
            for _ in range(200):
                y = y * 1.0
            y.backward()
        totals.append(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(totals) == 3
    assert shared.grad == 90.0


def test_nan_between_is_guarded_as_well():
    x = Tensor([2.0])
    u = x * 1.0
    v = cr.where([False], u, 3.0)
    w = v * np.inf
    z = cr.where([False], w, 0.0) + x
    z.backward()
    assert v.grad.tolist() == [0.0]
    assert x.grad.tolist() == [1.0]


def test_no_grad_decorates():
    @cr.no_grad()
    def double(x):
        return 2 * x

    assert double(Value(1.0)).op is None
    assert double(Value(2.0)).op is None


def test_truth_values_combine():
    x = Tensor([-1.0, 0.5, 2.0])
    assert ((x > 0) & (x < 1)).data.tolist() == [False, True, False]
    assert (~(x > 0) | (x > 1)).data.tolist() == [True, False, True]


def test_a_gradient_of_zero_is_a_float():
    assert type(cr.grad(cr.relu)(-1.0)) is float
    assert type(cr.grad(lambda x: x**0)(0.0)) is float
