"""Special functions that NumPy lacks, on arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969) 631-637:
# relative error below 1.2e-16 on each of the three intervals.
_SMALL_P = (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
            3.77485237685302021e2, 3.20937758913846947e3)  # fmt: skip
_SMALL_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_MIDDLE_P = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
             2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
             1.23033935479799725e3)  # fmt: skip
_MIDDLE_Q = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
             3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
             1.23033935480374942e3)  # fmt: skip
_LARGE_P = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
            1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
_LARGE_Q = (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
            2.33520497626869185e-3)  # fmt: skip


def erf(x: Any) -> Array:
    """The error function 2/√π ∫₀ˣ exp(−t²) dt, element by element.

    Args:
        x: an array or number of any shape; computed in float64, returned in its own float dtype.

    Returns:
        An array of the same shape.

    Example:
        >>> float(erf(0.5).round(6))
        0.5205
    """
    wide, dtype = _wide(x)
    size = np.abs(wide)
    outer = np.copysign(1.0 - _tail(size), wide)
    found: Array = np.where(size <= 0.46875, _near_zero(wide), outer)
    return found.astype(dtype)


def erfc(x: Any) -> Array:
    """1 − erf(x), accurate where that is small; see `erf`.

    Example:
        >>> float(erfc(5.0).round(14))
        1.54e-12
    """
    wide, dtype = _wide(x)
    size = np.abs(wide)
    tail = _tail(size)
    outer = np.where(wide < 0, 2.0 - tail, tail)
    found: Array = np.where(size <= 0.46875, 1.0 - _near_zero(wide), outer)
    return found.astype(dtype)


def _wide(x: Any) -> tuple[Array, np.dtype[Any]]:
    x = np.asarray(x)
    return x.astype(np.float64), x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)


def _near_zero(x: Array) -> Any:
    """Return erf(x) for |x| ≤ 0.46875."""
    square = np.where(np.abs(x) <= 0.46875, x * x, 0.0)
    return x * np.polyval(_SMALL_P, square) / np.polyval(_SMALL_Q, square)


def _tail(size: Array) -> Any:
    """Return erfc(size) for size ≥ 0.46875."""
    y = np.clip(size, 0.46875, 27.5)  # erfc vanishes beyond
    coarse = np.trunc(y * 16) / 16  # its square is exact, so that the error of y² is not magnified
    gauss = np.exp(-coarse * coarse) * np.exp((coarse - y) * (coarse + y))
    middle = np.minimum(y, 4.0)
    far = np.polyval(_MIDDLE_P, middle) / np.polyval(_MIDDLE_Q, middle)
    inverse = 1.0 / (y * y)
    series = inverse * np.polyval(_LARGE_P, inverse) / np.polyval(_LARGE_Q, inverse)
    return gauss * np.where(y <= 4.0, far, (1.0 / np.sqrt(np.pi) - series) / y)
