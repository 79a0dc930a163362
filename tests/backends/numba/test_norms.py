"""Layer norm and batch norm against the reference in float64, and their gradients against the op's own rules."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.autograd.op import by_name
from chainrule.backends import numpy as reference
from chainrule.backends.numba import norms

# shape, axes, shape of weight and bias, and whether there is a kernel
CASES = [
    ((64, 256), (1,), (256,), True),
    ((5, 3001), (1,), (3001,), True),
    ((2, 3, 4, 5), (2, 3), (4, 5), True),
    ((7,), (0,), (7,), True),
    ((32, 6, 14, 14), (0, 2, 3), (6, 1, 1), True),
    ((9, 4, 33), (0, 2), (4, 1), True),
    ((128, 30), (0,), (30,), True),
    ((6, 5, 1, 1), (0, 2, 3), (5, 1, 1), True),
    ((1, 5), (1,), (5,), True),
    ((4, 6), (1,), (), False),
    ((4, 6), (1,), (4, 1), False),
    ((3, 4, 5), (1,), (4, 1), False),
    ((3, 4, 5), (0,), (4, 5), False),
    ((0, 4), (1,), (4,), False),
]
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def operands(shape, vector, dtype):
    rng = np.random.default_rng([*shape])
    g, x = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    weight, bias = (rng.uniform(-2, 2, vector).astype(dtype) for _ in range(2))
    return g, x * 3 + 1, weight, bias


def rule(argument, g, x, weight, bias, **params):
    return by_name("normalize").rules[argument](reference, g, None, x, weight, bias, **params)


def gradient_with(kernel):
    """The gradient of x as the engine computes it: by the rule where the kernel returns None."""

    def gradient(g, x, weight, bias, **params):
        found = kernel(g, None, x, weight, bias, **params)
        return rule(0, g, x, weight, bias, **params) if found is None else found

    return gradient


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward_and_backward(case, dtype):
    shape, axis, vector, kernel = case
    g, x, weight, bias = operands(shape, vector, dtype)
    exact = [a.astype("f8") for a in (g, x, weight, bias)]
    params = {"axis": axis, "eps": 1e-5}
    near = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] * 10}
    with np.errstate(all="ignore"):
        found = norms.normalize(x, weight, bias, **params)
        np.testing.assert_allclose(found, reference.normalize(*exact[1:], **params), **near)
        np.testing.assert_allclose(
            norms.standardize(x, **params), reference.standardize(exact[1], **params), **near
        )
        assert found.dtype == dtype
        of_input, of_weight, _ = norms.GRADIENTS["normalize"]
        for argument, gradient in enumerate((of_input, of_weight)):
            found = gradient(g, None, x, weight, bias, **params)
            assert (found is not None) == kernel
            if kernel:
                expected = rule(argument, *exact, **params)
                if argument == 1:
                    expected = expected.sum(
                        axis=axis
                        if vector != shape[-len(vector) :]
                        else None or tuple(range(len(shape) - len(vector))),
                        keepdims=True,
                    ).reshape(vector)
                scale = max(1, np.abs(expected).max())
                np.testing.assert_allclose(found, expected, rtol=0, atol=near["atol"] * scale)
                assert (found.dtype, found.shape) == (x.dtype, expected.shape)


def test_axes_in_any_order():
    _, x, weight, bias = operands((4, 3, 5, 6), (3, 1, 1), "float32")
    np.testing.assert_array_equal(
        norms.normalize(x, weight, bias, (3, 0, 2), 0.0), norms.normalize(x, weight, bias, (0, 2, 3), 0.0)
    )


@pytest.mark.parametrize("axis", [(0,), (1,)])
def test_a_large_mean_costs_no_more_digits_than_in_the_reference(axis):
    x = (np.random.default_rng(0).standard_normal((60, 500)) + 1e4).astype(np.float32)
    exact = reference.standardize(x.astype("f8"), axis, 0.0)
    error, usual = (np.abs(t.standardize(x, axis, 0.0) - exact).max() for t in (norms, reference))
    assert error <= max(2 * usual, 1e-3)


@pytest.mark.parametrize(("shape", "axis", "vector"), [case[:3] for case in CASES[:8]], ids=str)
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 3e38])
def test_infinite_and_missing_numbers(special, shape, axis, vector):
    g, x, weight, bias = operands(shape, vector, "float32")
    x.flat[x.size // 2] = special
    params = {"axis": axis, "eps": 1e-5}
    with np.errstate(all="ignore"):
        found, expected = (t(x, weight, bias, **params) for t in (norms.normalize, reference.normalize))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        found = norms.GRADIENTS["normalize"][0](g, None, x, weight, bias, **params)
        expected = rule(0, g, x, weight, bias, **params)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


@pytest.mark.parametrize(("shape", "axis", "vector"), [case[:3] for case in CASES[:8]], ids=str)
def test_an_infinite_weight(shape, axis, vector):
    g, x, weight, bias = operands(shape, vector, "float64")
    weight.flat[weight.size // 2] = np.inf
    gradient = gradient_with(norms.GRADIENTS["normalize"][0])
    with np.errstate(all="ignore"):
        found, expected = (f(g, x, weight, bias, axis=axis, eps=1e-5) for f in (gradient, partial(rule, 0)))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_equal_numbers_and_eps():
    x = np.full((3, 40), 2.0)
    assert (norms.standardize(x, (1,), 1e-5) == 0).all()
    with np.errstate(all="ignore"):
        assert np.isnan(reference.standardize(x, (1,), 0.0)).all()
    assert np.isnan(norms.standardize(x, (1,), 0.0)).all()


LAYOUTS = {
    "transposed": np.asfortranarray,
    "negative strides": lambda a: a[::-1],
    "float16": lambda a: a.astype(np.float16),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_operands_take_numpys_way(layout):
    g, x, weight, bias = operands((20, 30), (30,), "float32")
    x = LAYOUTS[layout](x)
    params = {"axis": (1,), "eps": 1e-3}
    found, expected = (t(x, weight, bias, **params) for t in (norms.normalize, reference.normalize))
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert norms.GRADIENTS["normalize"][0](g, None, x, weight, bias, **params) is None
    gaps = np.repeat(g, 2, axis=1)[:, ::2]
    x = np.ascontiguousarray(x, np.float32)
    for gradient in norms.GRADIENTS["normalize"][:2]:
        np.testing.assert_array_equal(
            gradient(gaps, None, x, weight, bias, **params), gradient(g, None, x, weight, bias, **params)
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "axis", "vector"),
    [((331, 257), (1,), (257,)), ((9, 13, 31, 33), (0, 2, 3), (13, 1, 1)), ((331, 257), (0,), (257,))],
    ids=["rows", "channels", "columns"],
)
def test_on_several_threads(shape, axis, vector, dtype, set_threads):
    """The same bits as on one; what is added over rows, each time."""
    g, x, weight, bias = operands(shape, vector, dtype)

    def results():
        gradients = (f(g, None, x, weight, bias, axis, 1e-5) for f in norms.GRADIENTS["normalize"][:2])
        return norms.normalize(x, weight, bias, axis, 1e-5), *gradients

    set_threads(1)
    forward, of_input, of_weight = results()
    for count in (2, 3, 16):
        set_threads(count)
        found = results()
        np.testing.assert_array_equal(found[0], forward)
        np.testing.assert_array_equal(found[1], of_input)
        np.testing.assert_array_equal(found[2], results()[2])
        eps = np.finfo(dtype).eps * np.abs(of_weight).max()
        np.testing.assert_allclose(found[2], of_weight, rtol=0, atol=50 * eps if axis == (1,) else 0)


@pytest.mark.parametrize(
    ("shape", "axis", "vector"),
    [((1_000_000, 2), (0,), (2,)), ((2, 1_000_000), (1,), (1_000_000,)), ((9_000, 2, 70), (0, 2), (2, 1))],
    ids=str,
)
def test_the_error_does_not_grow_with_the_length(shape, axis, vector):
    """Sums of blocks are compensated: one after the other they would lose three digits and more."""
    g, x, weight, bias = operands(shape, vector, "float32")
    exact = [a.astype("f8") for a in (g, x, weight, bias)]
    params = {"axis": axis, "eps": 1e-5}
    eps = np.finfo("f4").eps
    found = norms.normalize(x, weight, bias, **params)
    expected = reference.normalize(*exact[1:], **params)
    np.testing.assert_allclose(found, expected, rtol=0, atol=8 * eps * np.abs(expected).max())
    found = norms.input_gradient(g, None, x, weight, bias, **params)
    expected = rule(0, *exact, **params)
    np.testing.assert_allclose(found, expected, rtol=0, atol=8 * eps * np.abs(expected).max())


@pytest.mark.parametrize(
    ("shape", "axis", "vector"),
    [((300_000, 3), (0,), (3,)), ((300_000, 3), (1,), (3,)), ((9_000, 2, 70), (0, 2), (2, 1))],
    ids=str,
)
def test_the_gradient_of_the_weight_is_compensated_too(shape, axis, vector):
    _, x, weight, bias = operands(shape, vector, "float32")
    params = {"axis": axis, "eps": 1e-5}
    g = np.abs(x)  # the products with it do not cancel to noise
    z = reference.standardize(x.astype("f8"), axis, 1e-5)
    others = (0,) if vector == (3,) else (0, 2)
    terms = g * z
    found = norms.weight_gradient(g, None, x, weight, bias, **params)
    error = np.abs(found.ravel() - terms.sum(others))
    assert (error <= 4 * np.finfo("f4").eps * np.abs(terms).sum(others)).all()
