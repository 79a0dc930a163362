"""Special functions on arrays against Python's own, which libm computes."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest

from chainrule.backends import special

POINTS = np.concatenate(
    [np.linspace(-7, 7, 4001), [0.46875, 4.0, -4.0, 0.0, -0.0, 1e-300, 5e-324, 30.0, -30.0]]
)


def ulps(found: float, expected: float) -> float:
    return abs(found - expected) / float(np.spacing(abs(expected) or 5e-324))


def test_erf_is_within_two_units_of_libms() -> None:
    assert (
        max(ulps(a, math.erf(x)) for a, x in zip(special.erf(POINTS).tolist(), POINTS.tolist(), strict=True))
        <= 2
    )


@pytest.mark.parametrize("x", [0.1, 0.5, 1.0, 2.0])
def test_erf_against_its_series(x: float) -> None:
    """2/√π Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n+1)) in forty digits."""
    getcontext().prec = 40
    d, total, power, factorial = Decimal(x), Decimal(0), Decimal(x), Decimal(1)
    for n in range(80):
        total += (-1) ** n * power / (factorial * (2 * n + 1))
        power *= d * d
        factorial *= n + 1
    pi = Decimal("3.14159265358979323846264338327950288419716")
    assert float(2 / pi.sqrt() * total) == pytest.approx(special.erf(x).item(), rel=3e-16)


def test_erf_at_the_ends() -> None:
    np.testing.assert_array_equal(special.erf([np.inf, -np.inf, np.nan]), [1, -1, np.nan])
    assert np.signbit(special.erf(-0.0))


def test_erf_is_odd() -> None:
    np.testing.assert_array_equal(special.erf(-POINTS), -special.erf(POINTS))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3)])
def test_erf_keeps_dtype_and_shape(dtype: type, shape: tuple[int, ...]) -> None:
    found = special.erf(np.full(shape, 0.5, dtype))
    assert found.dtype == dtype
    assert found.shape == shape
    np.testing.assert_allclose(found, math.erf(0.5), rtol=float(np.finfo(dtype).eps))


def test_erf_of_integers_is_float64() -> None:
    assert special.erf(np.array([0, 1])).dtype == np.float64


def test_erfc_keeps_its_digits_in_the_tail() -> None:
    for x in (0.3, 1.0, 3.0, 5.5, 10.0, 26.0):
        assert special.erfc(x).item() == pytest.approx(math.erfc(x), rel=2e-15)
