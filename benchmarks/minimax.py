"""Where the coefficients in `backends/numba/coefficients.py` come from: `python -P benchmarks/minimax.py`.

Each is a minimax polynomial P, or a ratio P/Q of two, found by the Remez exchange (E. Remez, 1934; for ratios
H. Maehly, 1963) in 60 digits with mpmath, its coefficients then rounded to the float format. That rounding costs
little, because a polynomial only corrects a leading term that is exact: e^r is 1 + r + r^2 P(r).
"""

from collections.abc import Callable

import numpy as np
from mpmath import mp, mpf

mp.dps = 60
GRID = 1500  # points among which the extrema of the error are looked for

Function = Callable[[mpf], mpf]


def points(low: mpf, high: mpf, count: int) -> list[mpf]:
    """Points of the interval, denser towards both ends."""
    return [low + (high - low) * (1 - mp.cos(mp.pi * k / (count - 1))) / 2 for k in range(count)]


def remez(
    target: Function, weight: Function, interval: tuple[float, float], top: int, bottom: int
) -> tuple[list[mpf], list[mpf], mpf]:
    """Fit P/Q to `target` so that the largest `|error| * weight` on the interval is smallest.

    Args:
        target: the function.
        weight: 1 / |f| makes the error relative to f.
        interval: its ends.
        top: the number of coefficients of P.
        bottom: the number of coefficients of Q after its constant term 1; 0 for a polynomial.

    Returns:
        The coefficients of P and Q, lowest power first, and the largest weighted error.
    """
    low, high = map(mpf, interval)
    count = top + bottom + 1
    nodes, grid = points(low, high, count), points(low, high, GRID)
    values = [(target(x), weight(x)) for x in grid]
    below = [mpf(1)] + [mpf(0)] * bottom
    for _ in range(60):
        # P(x) - target(x) Q(x) = ±level Q(x) / weight(x) at the nodes: linear once the last Q is used on the right
        for _ in range(40 if bottom else 1):
            rows = [
                [x**p for p in range(top)]
                + [-target(x) * x ** (p + 1) for p in range(bottom)]
                + [(-1) ** k * mp.polyval(below[::-1], x) / weight(x)]
                for k, x in enumerate(nodes)
            ]
            *solution, level = mp.lu_solve(mp.matrix(rows), mp.matrix([target(x) for x in nodes]))
            above, last, below = solution[:top], below, [mpf(1), *solution[top:]]
            if max(abs(a - b) for a, b in zip(below, last, strict=True)) < mpf(10) ** -30:
                break
        errors = [
            (t - mp.polyval(above[::-1], x) / mp.polyval(below[::-1], x)) * w
            for x, (t, w) in zip(grid, values, strict=True)
        ]
        peaks: list[int] = []  # the largest |error| in each run of one sign
        for k, error in enumerate(errors):
            if not peaks or error * errors[peaks[-1]] <= 0:
                peaks.append(k)
            elif abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = k
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        worst = max(abs(e) for e in errors)
        if len(peaks) < count or worst - abs(level) <= worst / 500:
            break
        nodes = [grid[k] for k in peaks]
    return above, below, worst


def smooth(function: Function, limit: mpf) -> Function:
    """The function with its removable singularity at 0 filled in."""
    return lambda x: mpf(limit) if abs(x) < mpf(10) ** -12 else function(x)


def half_of(function: Function, rest: Function, slope: mpf) -> tuple[Function, Function]:
    """Target and weight for the t in `f = 2t / (1 + t^2)`, as t(x) / x in x^2, for an odd f that saturates at 1.

    `rest` is 1 - f^2, and an error in t comes back in f multiplied by (1 - t^2) / (1 + t^2).
    """

    def half(x: mpf) -> mpf:
        return function(x) / (1 + mp.sqrt(rest(x)))

    def weight(z: mpf) -> mpf:
        t = half(mp.sqrt(z))
        return (1 - t * t) / (1 + t * t) / ratio(z)

    ratio = smooth(lambda z: half(mp.sqrt(z)) / mp.sqrt(z), slope / 2)
    return ratio, weight


TINY = mpf(10) ** -12
LN2 = float(mp.log(2)) * 1.0001
exp_rest = smooth(lambda r: (mp.exp(r) - 1 - r) / r**2, mpf(1) / 2)
atanh_rest = smooth(lambda z: (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) * 2 / z, mpf(2) / 3)
half_tanh = half_of(mp.tanh, lambda x: mp.sech(x) ** 2, mpf(1))
half_erf = half_of(mp.erf, lambda x: mp.erfc(x) * (1 + mp.erf(x)), 2 / mp.sqrt(mp.pi))
half_gelu = half_of(
    lambda x: mp.erf(x / mp.sqrt(2)),
    lambda x: mp.erfc(x / mp.sqrt(2)) * (1 + mp.erf(x / mp.sqrt(2))),
    mp.sqrt(2 / mp.pi),
)

# name: target, weight, interval and coefficients (of P and Q) for float32, and for float64
Fit = tuple[tuple[float, float], int, int]
TABLES: dict[str, tuple[Function, Function, Fit, Fit]] = {
    "exp": (exp_rest, lambda r: r**2 / mp.exp(r) + TINY, ((-LN2, LN2), 6, 0), ((-LN2, LN2), 12, 0)),
    "expm1": (
        exp_rest,
        smooth(lambda r: abs(r**2 / mp.expm1(r)) + TINY, TINY),
        ((-LN2 / 2, LN2 / 2), 5, 0),
        ((-LN2 / 2, LN2 / 2), 10, 0),
    ),
    "log": (atanh_rest, lambda z: z + TINY, ((0, 0.0295), 3, 0), ((0, 0.0295), 7, 0)),
    "log1p_unit": (atanh_rest, lambda z: z + TINY, ((0, 0.11112), 4, 0), ((0, 0.11112), 10, 0)),
    "tanh": (*half_tanh, ((0, 9.02**2), 3, 3), ((0, 19.1**2), 7, 6)),
    "erf": (*half_erf, ((0, 3.93**2), 6, 5), ((0, 5.93**2), 12, 12)),
    "gelu": (*half_gelu, ((0, 5.5**2), 5, 4), ((0, 8.3**2), 12, 12)),
    "sin": (
        smooth(lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, mpf(-1) / 6),
        lambda z: z + TINY,
        ((0, 0.617), 3, 0),
        ((0, 0.617), 6, 0),
    ),
    "cos": (
        smooth(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, mpf(1) / 24),
        lambda z: z**2 + TINY,
        ((0, 0.617), 3, 0),
        ((0, 0.617), 6, 0),
    ),
}


def rounding(value: mpf, dtype: type[np.floating]) -> mpf:
    """How far the nearest number of the format is from the value, relative to it."""
    return abs(mpf(float(dtype(mp.nstr(value, 25)))) / value - 1)


def main() -> None:
    """Print every table for float32 and float64."""
    for double, dtype in enumerate((np.float32, np.float64)):
        for name, (target, weight, *fits) in TABLES.items():
            interval, top, bottom = fits[double]
            above, below, worst = remez(target, weight, interval, top, bottom)
            print(f"{name}, {dtype.__name__}: largest error 2^{float(mp.log(worst, 2)):.1f}")
            # P and Q may be scaled together: such that their first coefficients are rounded least.
            scale = min(
                (mpf(k) / 4096 for k in range(4096, 8192)), key=lambda s: rounding(s * above[0], dtype)
            )
            for part in (above, below) if bottom else (above,):
                scaled = [c * scale for c in part] if bottom else part
                print("    " + ", ".join(repr(float(dtype(mp.nstr(c, 25)))) for c in scaled))


if __name__ == "__main__":
    main()
