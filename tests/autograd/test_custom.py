"""`custom_op`: a few lines give an op that works in every mode."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import ShapeError, Tensor, Value, backends
from chainrule.autograd.custom import custom_op

cube = custom_op(
    "test_cube", lambda xp, x: x * x * x, lambda xp, g, out, x: g * 3 * x * x, structure="elementwise"
)
blend = custom_op(
    "test_blend",
    lambda xp, x, y, weight: weight * x + (1 - weight) * xp.exp(y),
    lambda xp, g, out, x, y, weight: g * weight,
    lambda xp, g, out, x, y, weight: g * (1 - weight) * xp.exp(y),
    structure="elementwise",
)
normalise = custom_op(
    "test_normalise",
    lambda xp, x: xp.div(x, xp.sum(x, (0,), keepdims=True)),
    lambda xp, g, out, x: xp.div(g - xp.sum(g * out, (0,), keepdims=True), xp.sum(x, (0,), keepdims=True)),
)


def test_value_tensor_number_and_array():
    assert cube(cr.Value(2.0)).data == 8.0
    assert cube(cr.Tensor([1.0, 2.0])).data.tolist() == [1.0, 8.0]
    assert cube(3.0) == 27.0
    assert cube(np.array([2.0])).tolist() == [8.0]


def test_gradients_to_the_third_order():
    assert [f(2.0) for f in (cr.grad(cube), cr.grad(cr.grad(cube)), cr.grad(cr.grad(cr.grad(cube))))] == [
        12,
        12,
        6,
    ]
    assert cr.check_grad(cube, np.array([0.5, -1.0]), order=2) < 1e-8


def test_parameters_and_several_arguments():
    x, y = np.array([0.5, -1.0]), np.array([[0.1], [0.7], [0.3]])
    assert cr.check_grad(lambda x, y: blend(x, y, weight=0.3), x, y, order=2) < 1e-8


def test_general_structure_has_forward_mode():
    x, t = np.array([0.5, 1.0, 2.0]), np.array([1.0, -1.0, 0.5])
    dense = cr.jacobian(normalise)(x)
    np.testing.assert_allclose(cr.jvp(normalise, [x], [t])[1], dense @ t, atol=1e-12)
    assert cr.check_grad(normalise, x, order=2) < 1e-8


def test_program_and_backends_run_it():
    x = cr.Tensor([1.0, 2.0])
    program = cr.record(cube(x).sum(), wrt=[x])
    from chainrule.backends import load

    loss, gradient = program.run(load("numpy"), [np.array([3.0, 4.0])])
    assert loss == 27 + 64
    assert gradient.tolist() == [27.0, 48.0]


def test_a_name_is_used_once():
    with pytest.raises(ValueError, match=r"a function named 'tanh' exists; choose another name"):
        custom_op("tanh", lambda xp, x: x, lambda xp, g, out, x: g)


def test_a_rule_is_needed():
    with pytest.raises(ValueError, match=r"give a rule for each argument"):
        custom_op("test_ruleless", lambda xp, x: x)


def test_wrong_number_of_arguments():
    with pytest.raises(
        TypeError, match=r"test_cube takes 1 argument, got 2: .*parameters are passed by keyword"
    ):
        cube(1.0, 2.0)


def test_a_keyword_only_parameter_reaches_the_rule():
    scale = custom_op(
        "test_scale", lambda xp, x, *, n=1: x * n, lambda xp, g, out, x, *, n=1: g * n, structure="linear"
    )
    x = cr.Value(2.0)
    scale(x, n=5).backward()
    assert x.grad == 5.0


def test_a_custom_op_may_be_defined_again():
    for power in (2.0, 3.0):
        again = custom_op("test_again", lambda xp, x, p=power: x * p, lambda xp, g, out, x, p=power: g * p)
        assert cr.grad(again)(1.0) == power


def test_names_of_a_table_are_taken():
    with pytest.raises(ValueError, match=r"a function named 'shape' exists"):
        custom_op("shape", lambda xp, x: x, lambda xp, g, out, x: g)


def test_values_have_at_most_three_arguments():
    rules = [lambda xp, g, out, a, b, c, d: g] * 4
    four = custom_op("test_four", lambda xp, a, b, c, d: a + b + c + d, *rules, structure="elementwise")
    assert four(*[cr.Tensor([1.0])] * 4).item() == 4.0
    with pytest.raises(TypeError, match="at most three: use Tensors"):
        four(*[cr.Value(1.0)] * 4)


def defined(forward, *rules):
    return custom_op("test_faulty", forward, *rules)


def square(xp, x):
    return x * x


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (
            lambda xp, g, out, x: None,
            TypeError,
            "rule 0 returned None; each rule returns the cotangent of its own",
        ),
        (lambda xp, g, out, x: (g, g), TypeError, "rule 0 returned a tuple"),
        (lambda xp, g, out, x: xp.nope(g), TypeError, r"there is no xp\.nope for (arrays|Values)"),
    ],
)
@pytest.mark.parametrize("x", [Value(2.0), Tensor([1.0, 2.0, 3.0])], ids=["Value", "Tensor"])
def test_a_rule_that_returns_no_cotangent(rule, error, message, x):
    y = defined(square, rule)(x)
    with pytest.raises(error, match=f"test_faulty: {message}"):
        (y if isinstance(x, Value) else y.sum()).backward()


@pytest.mark.parametrize("shape", [(2, 5), (), (4,)], ids=str)
def test_a_rule_that_returns_another_shape(shape):
    y = defined(square, lambda xp, g, out, x: np.ones(shape))(Tensor([1.0, 2.0, 3.0]))
    with pytest.raises(ShapeError, match=r"rule 0 returned shape \(.*\) for an argument of shape \(3,\)"):
        y.sum().backward()


def test_a_rule_may_return_the_shape_to_which_its_argument_was_broadcast():
    product = custom_op(
        "test_product", lambda xp, x, y: x * y, lambda xp, g, out, x, y: g * y, lambda xp, g, out, x, y: g * x
    )
    x, y = Tensor([1.0, 2.0]), Tensor([[3.0], [4.0], [5.0]])
    product(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([12, 12], [[3], [3], [3]])


def test_a_rule_may_return_a_plain_number():
    identity = defined(lambda xp, x: x + 0.0, lambda xp, g, out, x: 1.0)
    for x in (Value(2.0), Tensor(2.0)):
        identity(x).backward()
        assert x.grad == 1.0


def test_functions_that_do_not_take_their_arguments():
    with pytest.raises(
        TypeError, match=r"rule 0 takes \(xp, g, out\), but must take \(xp, g, out\) and then 1 argument"
    ):
        defined(square, lambda xp, g, out: g)
    with pytest.raises(TypeError, match=r"rule 1 takes \(g, x\).* 2 arguments, one for each rule"):
        defined(lambda xp, x, y: x, lambda xp, g, out, x, y: g, lambda g, x: g)
    with pytest.raises(
        TypeError, match=r"the forward function takes \(x\), but must take \(xp\) and then 1 argument"
    ):
        defined(lambda x: x, lambda xp, g, out, x: g)
    with pytest.raises(TypeError, match=r"the forward function must be a function \(def or lambda\), got 3"):
        defined(3, lambda xp, g, out, x: g)
    assert defined(lambda xp, *x: x[0], lambda xp, *all: all[0])(2.0) == 2.0


def test_a_forward_function_that_a_value_has_no_use_for():
    total = defined(lambda xp, x: xp.sum(x, (0,), keepdims=False), lambda xp, g, out, x: g)
    with pytest.raises(TypeError, match=r"no xp\.sum for Values; .* call the op with Tensors"):
        total(Value(1.0))
    assert total(Tensor([1.0, 2.0])).item() == 3.0
    with pytest.raises(TypeError, match="must compute one number, and not a list"):
        defined(lambda xp, x: [x], lambda xp, g, out, x: g)(Value(1.0))


def test_a_backend_that_lacks_an_op_says_so_when_it_is_used():
    from types import SimpleNamespace

    missing = backends.function(SimpleNamespace(__name__="chainrule.backends.other"), "tanh")
    with pytest.raises(NotImplementedError, match=r"the other backend has no tanh; .*use_backend\('numpy'\)"):
        missing(1.0)
