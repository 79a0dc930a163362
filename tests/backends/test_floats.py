"""The table of Python floats: a float for every float, and IEEE answers where Python raises."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.autograd.samples import own_ops, special_arguments

from chainrule.backends import floats

PLAIN = [op for op in own_ops() if op.scalar and op.direct and op.name not in {"guard"}]


@pytest.mark.parametrize("op", PLAIN, ids=str)
def test_floats_give_floats_and_raise_nothing(op: Any) -> None:
    for point in special_arguments(op.arity):
        assert type(op.scalar(*point)) is (bool if op.structure == "constant" else float), point


@pytest.mark.parametrize("op", PLAIN, ids=str)
def test_nan_in_nan_out(op: Any) -> None:
    """But for what has an answer without looking (x**0, a choice), nan does not get lost."""
    if (
        op.name in {"pow", "prelu", "sign", "fmax", "fmin", "hypot", "copysign", "xlogy"}
        or op.structure == "constant"
    ):
        return
    for position in range(op.arity):
        point = [0.75] * op.arity
        point[position] = math.nan
        assert math.isnan(op.scalar(*point))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (floats.div(1.0, 0.0), math.inf),
        (floats.div(1.0, -0.0), -math.inf),
        (floats.div(0.0, 0.0), math.nan),
        (floats.log(0.0), -math.inf),
        (floats.log(-1.0), math.nan),
        (floats.sqrt(-1.0), math.nan),
        (floats.pow(-8.0, 1 / 3), math.nan),
        (floats.pow(0.0, -1.0), math.inf),
        (floats.pow(-0.0, -1.0), -math.inf),
        (floats.pow(math.nan, 0.0), 1.0),
        (floats.pow(1.0, math.nan), 1.0),
        (floats.exp(1000.0), math.inf),
        (floats.exp(-1000.0), 0.0),
        (floats.sinh(-1000.0), -math.inf),
        (floats.remainder(5.0, 0.0), math.nan),
        (floats.remainder(-1.0, 3.0), 2.0),
        (floats.floor_divide(-1.0, 3.0), -1.0),
        (floats.round(2.5), 2.0),
        (floats.round(-0.5), -0.0),
        (floats.sigmoid(1000.0), 1.0),
        (floats.sigmoid(-1000.0), 0.0),
        (floats.softplus(1000.0), 1000.0),
        (floats.softplus(-1000.0), 0.0),
        (floats.log_sigmoid(-1000.0), -1000.0),
        (floats.logaddexp(1000.0, 1000.0), 1000.0 + math.log(2)),
        (floats.logaddexp(-math.inf, -math.inf), -math.inf),
        (floats.bce_with_logits(1000.0, 1.0), 0.0),
        (floats.bce_with_logits(-1000.0, 1.0), 1000.0),
        (floats.silu(-math.inf), 0.0),
        (floats.gelu(-math.inf), 0.0),
        (floats.clip(5.0, None, 3.0), 3.0),
        (floats.clip(5.0, 7.0, None), 7.0),
        (floats.maximum(math.nan, 1.0), math.nan),
        (floats.minimum(1.0, math.nan), math.nan),
    ],
)
def test_known_values(found: float, expected: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("x", [0.3, -2.7, 17.25, 1e-5])
def test_arithmetic_is_exact_to_the_last_bit(x: float) -> None:
    exact = Fraction(x)
    assert floats.square(x) == float(exact * exact)
    assert floats.reciprocal(x) == float(1 / exact)
    assert floats.add(x, 0.1) == float(exact + Fraction(0.1))
    assert floats.mul(x, 0.1) == float(exact * Fraction(0.1))
    assert floats.div(x, 0.1) == float(exact / Fraction(0.1))


def test_gelu_keeps_its_digits_far_to_the_left() -> None:
    assert floats.gelu(-10.0) == pytest.approx(-10 * 7.61985302416052609e-24, rel=1e-13)
