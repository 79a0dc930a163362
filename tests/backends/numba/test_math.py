"""Accuracy of the kernels in ulp over the whole domain, and the special values; the reference is longdouble."""

import json
import math

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends import doctor, numpy as reference
from chainrule.backends.numba import math as kernels
from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64
from chainrule.backends.numba.elementwise import SMALLEST, compiled

FORMATS = [pytest.param(f, id=f.name) for f in (FLOAT32, FLOAT64)]
wide = np.longdouble
erf = np.vectorize(math.erf, otypes=[float])  # the C library's, exact to 1 ulp of float64


def sigmoid(x):
    return np.where(x < 0, np.exp(-abs(x)), 1) / (1 + np.exp(-abs(x)))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


# the exact function, and the error that may be made in ulp
FUNCTIONS = {
    "exp": (np.exp, 2),
    "expm1": (np.expm1, 3),
    "log": (np.log, 1),
    "log1p": (np.log1p, 2),
    "tanh": (np.tanh, 4),
    "sigmoid": (sigmoid, 3),
    "log_sigmoid": (lambda x: -softplus(-x), 4),
    "softplus": (softplus, 4),
    "silu": (lambda x: x * sigmoid(x), 3),
    "erf": (lambda x: erf(x.astype(float)), 4),
    "relu": (lambda x: np.maximum(x, 0), 0),
    "sin": (np.sin, 3),
    "cos": (np.cos, 3),
}


def sample(f, count=20_000):
    """Bit patterns at random, and numbers where the functions are interesting."""
    rng = np.random.default_rng(0)
    bits = rng.integers(np.iinfo(f.integer).min, np.iinfo(f.integer).max, count, f.integer, endpoint=True)
    uniform = [rng.uniform(-size, size, count) for size in (1, 10, 110, 760)]
    quarters = np.arange(-2000, 2000) * np.pi / 2
    numbers = np.concatenate([bits.view(f.real), *(a.astype(f.real) for a in (*uniform, quarters))])
    return numbers[np.isfinite(numbers)]


def in_ulp(result, exact, f, unit=None):
    """|result - exact| in units in the last place of the exact result, or of `unit`."""
    info = np.finfo(f.real)
    size = np.maximum(abs(exact if unit is None else unit), wide(info.smallest_normal))
    ulp = np.exp2(np.floor(np.log2(size)) - info.nmant)
    beyond = abs(exact) > wide(info.max) + np.exp2(wide(info.maxexp - info.nmant - 2))
    with np.errstate(invalid="ignore"):
        error = np.where(result == exact, 0, abs(result - exact) / ulp)
    return np.where(beyond, np.where(result == np.sign(exact) * np.inf, 0, np.inf), error)


def run(name, f, x, *parameters):
    out = np.empty_like(x)
    compiled(name, f)(x, *parameters, out)
    return out


@pytest.mark.parametrize("f", FORMATS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_in_ulp(name, f):
    function, limit = FUNCTIONS[name]
    x = sample(f)
    with np.errstate(all="ignore"):
        exact = function(x.astype(wide)).astype(wide)
        result = run(name, f, x)
        defined = ~np.isnan(exact)
        np.testing.assert_array_equal(np.isnan(result), ~defined)
        error = in_ulp(result.astype(wide), exact, f)[defined]
    worst = error.argmax()
    assert error[worst] <= limit, f"{error[worst]:.2f} ulp at x = {x[defined][worst]!r}"


@pytest.mark.parametrize("f", FORMATS)
def test_the_power_of_a_difference_loses_no_more_than_the_difference(f):
    info = np.finfo(f.real)
    lowest = np.log(float(info.smallest_normal))
    x = np.concatenate([np.linspace(0.995 * lowest, 0, 100_000), np.linspace(-2, 0, 20_000)]).astype(f.real)
    exact = np.exp(x.astype(wide))
    error = abs(run("exp_of_difference", f, x) - exact) / exact / info.eps
    assert (error <= 1 + 0.7 * abs(x)).all()
    below = np.array([lowest - 0.7, 3 * lowest, -np.inf], f.real)
    np.testing.assert_array_equal(run("exp_of_difference", f, below), 0)
    assert run("exp_of_difference", f, np.zeros(1, f.real)) == 1


@pytest.mark.parametrize("f", FORMATS)
def test_gelu_in_ulp_of_x(f):
    x = sample(f, 5000).astype(wide)
    exact = x / 2 * (1 + erf((x * np.sqrt(wide(0.5))).astype(float)))
    with np.errstate(all="ignore"):
        error = in_ulp(run("gelu", f, x.astype(f.real)).astype(wide), exact, f, unit=x)
    assert error.max() <= 4


@pytest.mark.parametrize("f", FORMATS)
def test_gelu_keeps_its_tail(f):
    # 1 + erf(x / sqrt 2) by itself has no correct digit left at -5
    x = np.array([-2.0, -3.0, -4.0, -5.0], f.real)
    exact = [-0.0455002638963584, -0.004049694095890284, -0.000126684967348806, -1.4332578593927e-06]
    np.testing.assert_allclose(run("gelu", f, x), exact, rtol=0.05 if f is FLOAT32 else 1e-9)


@pytest.mark.parametrize("f", FORMATS)
@pytest.mark.parametrize("name", [*FUNCTIONS, "gelu", "elu", "leaky_relu"])
def test_special_values_are_numpys(name, f):
    info = np.finfo(f.real)
    tiny, least = info.smallest_normal, info.smallest_subnormal
    x = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, tiny, -tiny, least, -least, info.max, -info.max, -1, 1], f.real
    )
    parameters = (0.3,) if name in ("elu", "leaky_relu") else ()
    with np.errstate(all="ignore"):
        expected = getattr(reference, name)(x, *parameters)
    result = run(name, f, x, *parameters)
    np.testing.assert_allclose(result, expected, rtol=16 * info.eps, atol=2 * least)
    if name not in ("relu", "elu", "leaky_relu", "softplus", "log_sigmoid"):  # NumPy's max(-0, 0) has no rule
        signed = ~np.isnan(expected[:9])
        np.testing.assert_array_equal(np.signbit(result[:9])[signed], np.signbit(expected[:9])[signed])


@pytest.mark.parametrize("f", FORMATS)
def test_a_nan_with_any_payload_stays_a_nan(f):
    bits = np.full(64, np.nan, f.real).view(f.integer)
    x = (bits + np.arange(64, dtype=f.integer)).view(f.real)
    assert np.isnan(x).all()
    for name in ("exp", "sigmoid", "silu", "softplus", "tanh", "gelu", "log", "expm1", "log1p", "sin"):
        assert np.isnan(run(name, f, x)).all(), name


@pytest.mark.parametrize("f", FORMATS)
def test_sin_and_cos_of_huge_numbers(f):
    x = np.array([1e10, -1e22, np.finfo(f.real).max, 1.0], f.real)
    for name in ("sin", "cos"):
        np.testing.assert_allclose(run(name, f, x), getattr(np, name)(x), rtol=4 * np.finfo(f.real).eps)


def test_functions_are_made_once():
    assert kernels.exp(FLOAT32) is kernels.exp(FLOAT32)


@pytest.fixture
def exhaustive(monkeypatch, root):
    monkeypatch.syspath_prepend(root / "benchmarks")
    import exhaustive

    return exhaustive


def test_every_function_was_measured_over_all_numbers(exhaustive):
    elementary = {name for name in SMALLEST if hasattr(kernels, name)} | {"log", "log1p", "sin", "cos"}
    measured = elementary - {"relu", "leaky_relu", "elu"}  # exact, or with a parameter
    assert set(json.loads(exhaustive.RESULTS.read_text())) == set(exhaustive.NAMES) == measured


@pytest.mark.skipif(
    "fma" not in doctor.compiled_for()[1], reason="platform: measured with fused multiply-adds"
)
def test_kernels_are_those_that_were_measured(exhaustive):
    """If this fails, run `python -P benchmarks/exhaustive.py` with the names of the functions that have changed."""
    for name, found in json.loads(exhaustive.RESULTS.read_text()).items():
        (error,) = set(exhaustive.errors(name, np.full(64, found["at"], np.float32)))
        assert (exhaustive.bits(name), error) == (found["bits"], pytest.approx(found["ulp"], rel=1e-9)), name


def test_what_is_said_is_what_was_measured_over_all_numbers(exhaustive):
    for name, found in json.loads(exhaustive.RESULTS.read_text()).items():
        said = getattr(kernels, "sin_or_cos" if name in ("sin", "cos") else name).__doc__
        assert f"{found['ulp']:.2f} ulp" in said, name
        assert found["ulp"] <= (2 if name in ("exp", "log") else 4), name
