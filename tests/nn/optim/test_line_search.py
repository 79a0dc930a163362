import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.nn.optim.line_search import CURVATURE, DECREASE, Point, strong_wolfe


def line(function, slope):
    return lambda t: Point(t, float(function(t)), np.array([slope(t)]), float(slope(t)))


FUNCTIONS = {
    "parabola": line(lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "quartic": line(lambda t: (t - 2) ** 4 - t, lambda t: 4 * (t - 2) ** 3 - 1),
    "wave": line(lambda t: np.cos(t) + 0.01 * t * t - 0.1 * t, lambda t: -np.sin(t) + 0.02 * t - 0.1),
    "valley": line(lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(t=st.floats(1e-3, 100))
def test_both_conditions_hold(name, t):
    """Moré and Thuente 1994 test their line search on the last one."""
    at = FUNCTIONS[name]
    start = at(0.0)
    found = strong_wolfe(at, t, start, 1.0, 1e-12)
    assert found.value <= start.value + DECREASE * found.t * start.slope
    assert abs(found.slope) <= CURVATURE * abs(start.slope)


def test_a_slope_without_end():
    """A straight line has no such point: the search ends, and far from the start."""
    found = strong_wolfe(line(lambda t: -t, lambda t: -1.0), 1.0, Point(0, 0.0, np.zeros(1), -1.0), 1.0, 1e-9)
    assert found.t > 1e6


def test_where_nothing_is_lower_it_stays():
    up = line(lambda t: t, lambda t: 1.0)
    assert strong_wolfe(up, 1.0, Point(0.0, 0.0, np.zeros(1), -1.0), 1.0, 1e-9).t < 1e-8
