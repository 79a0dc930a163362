"""How far to go along a direction: a line search for the strong Wolfe conditions.

Nocedal and Wright, "Numerical Optimization", 2nd ed., algorithms 3.5 and 3.6, with the safeguards of Mark Schmidt's
minFunc, which PyTorch's L-BFGS has too: both take the same steps.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from chainrule.nn.optim.base import Array

DECREASE = 1e-4  # of the decrease that the slope promises, at least this share must come true
CURVATURE = 0.9  # of the slope, at most this share may be left


class Point(NamedTuple):
    """A point on the line.

    Attributes:
        t: how far from the start, in steps.
        value: of the function there.
        gradient: of the function there, of all its variables.
        slope: derivative of the value by t.
    """

    t: float
    value: float
    gradient: Array
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], t: float, start: Point, length: float, tolerance: float, most: int = 25
) -> Point:
    """Find a point that is low enough, and where the slope has become flat enough.

    Args:
        at: computes the point at t.
        t: where to look first.
        start: the point at 0; its slope is negative.
        length: the largest change of a variable in one step.
        tolerance: stop when no variable can change by more than this any more.
        most: look at this many points at most.

    Returns:
        A point that fulfils both conditions; if there was none to be found, the lowest one seen.

    Example:
        >>> def parabola(t):
        ...     return Point(t, (t - 3) ** 2, np.array([2 * (t - 3)]), 2 * (t - 3))
        >>> strong_wolfe(parabola, 1.0, parabola(0.0), 1.0, 1e-9).t
        1.0
        >>> strong_wolfe(parabola, 10.0, parabola(0.0), 1.0, 1e-9).t
        3.0
    """
    looked, previous, now = 0, start, at(t)
    while looked < most:
        if not _is_low(now, start) or (looked > 1 and now.value >= previous.value):
            break
        if _is_flat(now, start):
            return now
        if now.slope >= 0:
            break
        least, further = now.t + 0.01 * (now.t - previous.t), 10 * now.t
        t = _lowest(previous, now, least, further)
        previous, now = now, at(t)
        looked += 1
    else:
        previous = start
    low, high = (now, previous) if now.value < previous.value else (previous, now)
    return _zoom(at, low, high, start, tolerance / length, most - looked)


def _zoom(
    at: Callable[[float], Point], low: Point, high: Point, start: Point, width: float, most: int
) -> Point:
    """Find such a point between two that have one between them."""
    stuck = False
    for _ in range(most):
        left, right = sorted((low.t, high.t))
        if not right - left > width:  # nor where overflow has left no numbers to search between
            break
        t = _lowest(low, high, left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) >= margin:
            stuck = False
        elif stuck or not left < t < right:
            t, stuck = (right - margin if right - t < t - left else left + margin), False
        else:
            stuck = True
        now = at(t)
        if not _is_low(now, start) or now.value >= low.value:
            low, high = (now, low) if now.value < low.value else (low, now)
            continue
        if _is_flat(now, start):
            return now
        if now.slope * (high.t - low.t) >= 0:
            high = low
        low = now
    return low


def _is_low(point: Point, start: Point) -> bool:
    return point.value <= start.value + DECREASE * point.t * start.slope


def _is_flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -CURVATURE * start.slope


def _lowest(one: Point, two: Point, left: float, right: float) -> float:
    """Return where the cubic through two points with their slopes is lowest, within bounds; else the middle."""
    if one.t > two.t:
        one, two = two, one
    d1 = one.slope + two.slope - 3 * (one.value - two.value) / (one.t - two.t)
    square = d1 * d1 - one.slope * two.slope
    if not 0 <= square < math.inf:
        return (left + right) / 2
    d2 = math.sqrt(square)
    part, whole = two.slope + d2 - d1, two.slope - one.slope + 2 * d2
    share = part / whole if whole else math.copysign(math.inf, part)  # a straight line
    t = two.t - (two.t - one.t) * share
    return (left + right) / 2 if math.isnan(t) else min(max(t, left), right)
