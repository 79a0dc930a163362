"""The formulas, a step of each, against fractions and against what they may change."""

from fractions import Fraction

import numpy as np
import pytest

from chainrule.backends.updates import FORMULAS


def exact(name, w, g, remembered, n):
    """The new parameter and what is remembered, in fractions; roots are of squares here."""
    if name == "sgd":
        lr, decay = n
        return w - lr * (g + decay * w), ()
    if name in ("momentum", "nesterov"):
        (lr, keep, decay), (v,) = n, remembered
        g += decay * w
        v = keep * v + g
        return w - lr * (g + keep * v if name == "nesterov" else v), (v,)
    if name == "rmsprop":
        (lr, keep, rest, eps, decay), (s,) = n, remembered
        g += decay * w
        s = keep * s + rest * g * g
        return w - lr * g / (root(s) + eps), (s,)
    (lr, keep1, rest1, keep2, rest2, eps, decay, shrink), (m, s) = n, remembered
    g += decay * w
    m, s = keep1 * m + rest1 * g, keep2 * s + rest2 * g * g
    return shrink * w - lr * m / (root(s) + eps), (m, s)


def root(square):
    found = Fraction(square.numerator**0.5) / Fraction(square.denominator**0.5)
    assert found * found == square
    return found


# The gradient becomes 3 + 1/2 · 2 = 4, and the squares 1/2 · 2 + 1/2 · 16 = 9.
CASES = {
    "sgd": ("1/4 1/2", ""),
    "momentum": ("1/4 1/8 1/2", "2"),
    "nesterov": ("1/4 1/8 1/2", "2"),
    "rmsprop": ("1/4 1/2 1/2 1 1/2", "2"),
    "adam": ("1/4 3/4 1/4 1/2 1/2 1 1/2 7/8", "5 2"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (2, 3)])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_step_in_fractions(name, shape, dtype):
    numbers, remembered = ([Fraction(word) for word in words.split()] for words in CASES[name])
    new, memory = exact(name, Fraction(2), Fraction(3), remembered, numbers)
    w, g, *arrays = (np.full(shape, float(value), dtype) for value in (2, 3, *remembered))
    found, *kept = FORMULAS[name](w, g, *arrays, *map(float, numbers))
    assert (found.dtype, found.shape) == (dtype, shape)
    np.testing.assert_array_equal(found, float(new))
    for array, same, value in zip(arrays, kept, memory, strict=True):
        assert same is array
        np.testing.assert_array_equal(array, float(value))
    assert (w == 2).all()
    assert (g == 3).all()


@pytest.mark.parametrize("name", FORMULAS)
def test_of_numbers(name):
    numbers, remembered = ([Fraction(word) for word in words.split()] for words in CASES[name])
    new, memory = exact(name, Fraction(2), Fraction(3), remembered, numbers)
    assert FORMULAS[name](2.0, 3.0, *map(float, remembered), *map(float, numbers)) == (new, *memory)


@pytest.mark.parametrize("name", FORMULAS)
def test_without_decay_a_parameter_has_no_part_in_its_gradient(name):
    """Infinity times a decay of 0 would be NaN."""
    numbers, remembered = ([float(Fraction(word)) for word in words.split()] for words in CASES[name])
    numbers[-2 if name == "adam" else -1] = 0.0
    found = FORMULAS[name](np.full(2, np.inf), np.ones(2), *(np.full(2, x) for x in remembered), *numbers)
    assert np.isfinite(found[1:]).all()
    assert (found[0] == np.inf).all()


def test_every_formula_has_a_kernel():
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    from chainrule.backends.numba.updates import UPDATES

    assert {name: (arrays[2:], numbers) for name, (arrays, numbers) in UPDATES.items()} == {
        "sgd": ([], 2),
        "momentum": (["velocity"], 3),
        "nesterov": (["velocity"], 3),
        "rmsprop": (["square"], 5),
        "adam": (["mean", "square"], 8),
    }
    assert FORMULAS.keys() == UPDATES.keys()
