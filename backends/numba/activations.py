"""Activations that `math.py` does not have: a few operations each, most of them on functions that it has."""

from functools import cache
from typing import Any

from chainrule.backends.floats import SELU_ALPHA, SELU_SCALE
from chainrule.backends.numba import math
from chainrule.backends.numba.bits import Scalar, copysign, select
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined


@cache
def limited(f: Format, high: float) -> Scalar:
    """x between 0 and a number; NaN stays."""
    zero, top = f.real(0), f.real(high)

    @inlined
    def limited(x: Any) -> Any:
        return select(x <= zero, zero, select(x > top, top, x))

    return limited


def relu6(f: Format) -> Scalar:
    """x between 0 and 6."""
    return limited(f, 6)


@cache
def hardsigmoid(f: Format) -> Scalar:
    """relu6(x + 3) / 6."""
    relu6_of, three, sixth = relu6(f), f.real(3), f.real(1 / 6)

    @inlined
    def hardsigmoid(x: Any) -> Any:
        return relu6_of(x + three) * sixth

    return hardsigmoid


@cache
def hardswish(f: Format) -> Scalar:
    """x relu6(x + 3) / 6, 0 at minus infinity."""
    zero, three, six, sixth = f.real(0), f.real(3), f.real(6), f.real(1 / 6)

    @inlined
    def hardswish(x: Any) -> Any:
        y = x + three
        return select(x <= -three, zero, x * select(y > six, six, y) * sixth)

    return hardswish


@cache
def softsign(f: Format) -> Scalar:
    """x / (1 + |x|)."""
    one, infinity, sign_of = f.real(1), f.real(float("inf")), copysign(f)

    @inlined
    def softsign(x: Any) -> Any:
        a = abs(x)
        return select(a == infinity, sign_of(one, x), x / (one + a))

    return softsign


@cache
def selu(f: Format) -> Scalar:
    """1.0507 elu(x, 1.6733)."""
    elu, scale, alpha = math.elu(f), f.real(SELU_SCALE), f.real(SELU_ALPHA)

    @inlined
    def selu(x: Any) -> Any:
        return scale * elu(x, alpha)

    return selu


@cache
def celu(f: Format) -> Scalar:
    """x where x > 0, else alpha (e^(x / alpha) - 1)."""
    expm1, zero = math.expm1(f), f.real(0)

    @inlined
    def celu(x: Any, alpha: Any) -> Any:
        return select(x > zero, x, alpha * expm1(select(x > zero, zero, x) / alpha))

    return celu


@cache
def mish(f: Format) -> Scalar:
    """x tanh(log(1 + e^x)) = x (2e + e²) / (2 + 2e + e²) with e = e^x. 4.4 ulp.

    For x > 0 it is x (1 + 2e) / (1 + 2e + 2e²) with e = e^-x, so that e is at most 1. On the left the numerator is
    2^shift as large until it has met x, since without x it may be subnormal.
    """
    shift = 2 * f.fraction_bits
    exp_of, low, down, one = (
        math.shifted_exp(f, shift),
        f.real(f.exp_range[0]),
        f.real(2.0**-shift),
        f.real(1),
    )
    zero, two = f.real(0), f.real(2)

    @inlined
    def mish(x: Any) -> Any:
        a, left = -abs(x), x < zero
        large = exp_of(select(a < low, low, a))
        e = large * down
        square = e * e
        above = select(left, select(x < low, low, x) * (large * (two + e)), one + (e + e))
        below = select(left, two + (e + e) + square, one + (e + e) + (square + square))
        return above / below * select(left, down, x)

    return mish
