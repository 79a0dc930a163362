"""Steps, choices and questions. The derivative at a kink is a convention: 0 for `abs` and `sign` at 0."""

import builtins
from typing import Any

import numpy as np

from chainrule.autograd.node import apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand, binary, unary
from chainrule.autograd.ops.elementwise import div, mul


def _winner(xp: Any, g: Any, mine: Any, other: Any) -> Any:
    """Return g where `mine` is larger, half of it at a tie, else 0."""
    return xp.where(xp.equal(mine, other), 0.5 * g, xp.where(xp.greater(mine, other), g, 0))


abs = unary(
    "abs",
    "|x|, with derivative 0 at 0",
    lambda xp, g, out, x: g * xp.sign(x),
    kinks=(0.0,),
    example=(-2.0, 2.0),
)
sign = unary(
    "sign",
    "−1, 0 or 1, with derivative 0",
    lambda xp, g, out, x: xp.zeros_like(g),
    kinks=(0.0,),
    example=(-2.0, -1.0),
)
floor = unary(
    "floor",
    "The largest integer ≤ x, with derivative 0",
    lambda xp, g, out, x: xp.zeros_like(g),
    domain=(0.1, 0.9),
    example=(1.7, 1.0),
)
ceil = unary(
    "ceil",
    "The smallest integer ≥ x, with derivative 0",
    lambda xp, g, out, x: xp.zeros_like(g),
    domain=(0.1, 0.9),
    example=(1.2, 2.0),
)
_round = unary(
    "round",
    "The nearest integer, halves to even, with derivative 0",
    lambda xp, g, out, x: xp.zeros_like(g),
    domain=(0.6, 1.4),
    example=(2.5, 2.0),
)
trunc = unary(
    "trunc",
    "x rounded towards 0, with derivative 0",
    lambda xp, g, out, x: xp.zeros_like(g),
    domain=(0.1, 0.9),
    example=(-1.7, -1.0),
)
maximum = binary(
    "maximum",
    "The larger of x and y; where they are equal each gets half the gradient",
    lambda xp, g, out, x, y: _winner(xp, g, x, y),
    lambda xp, g, out, x, y: _winner(xp, g, y, x),
    example=(2.0, 5.0, 5.0),
)
minimum = binary(
    "minimum",
    "The smaller of x and y; where they are equal each gets half the gradient",
    lambda xp, g, out, x, y: _winner(xp, g, y, x),
    lambda xp, g, out, x, y: _winner(xp, g, x, y),
    example=(2.0, 5.0, 2.0),
)
fmax = binary(
    "fmax",
    "The larger of x and y, or the other where one is nan; where they are equal each gets half the gradient",
    lambda xp, g, out, x, y: xp.where(xp.isnan(y), g, _winner(xp, g, x, y)),
    lambda xp, g, out, x, y: xp.where(xp.isnan(x), g, _winner(xp, g, y, x)),
    example=(2.0, 5.0, 5.0),
)
fmin = binary(
    "fmin",
    "The smaller of x and y, or the other where one is nan; where they are equal each gets half the gradient",
    lambda xp, g, out, x, y: xp.where(xp.isnan(y), g, _winner(xp, g, y, x)),
    lambda xp, g, out, x, y: xp.where(xp.isnan(x), g, _winner(xp, g, x, y)),
    example=(2.0, 5.0, 2.0),
)
copysign = binary(
    "copysign",
    "|x| with the sign of y; the derivative in y is 0",
    lambda xp, g, out, x, y: g * xp.sign(x) * xp.sign(out),
    lambda xp, g, out, x, y: xp.zeros_like(g),
    domain=((0.2, 2.0), (-2.0, -0.2)),
    example=(2.0, -5.0, -2.0),
)
# Questions have no derivative.
greater = binary("greater", "x > y", example=(2.0, 5.0, False))
greater_equal = binary("greater_equal", "x ≥ y", example=(2.0, 5.0, False))
less = binary("less", "x < y", example=(2.0, 5.0, True))
less_equal = binary("less_equal", "x ≤ y", example=(2.0, 5.0, True))
equal = binary("equal", "x = y", example=(2.0, 5.0, False))
not_equal = binary("not_equal", "x ≠ y", example=(2.0, 5.0, True))
logical_and = binary("logical_and", "x and y, as truth values", example=(True, False, False))
logical_or = binary("logical_or", "x or y, as truth values", example=(True, False, True))
logical_not = unary("logical_not", "not x, as a truth value", None, example=(0.0, True))
isnan = unary("isnan", "Whether x is nan", None, example=(2.0, False))
isinf = unary("isinf", "Whether x is infinite", None, example=(2.0, False))
isfinite = unary("isfinite", "Whether x is neither infinite nor nan", None, example=(2.0, True))

_WHERE = Op(
    "where",
    "elementwise",
    None,
    lambda xp, g, out, condition, x, y: xp.where(condition, g, 0),
    lambda xp, g, out, condition, x, y: xp.where(condition, 0, g),
)
_CLIP = Op(
    "clip",
    "elementwise",
    lambda xp, g, out, x, low, high: xp.where(xp.equal(out, x), g, 0),
)
_NAN_TO_NUM = Op(
    "nan_to_num",
    "elementwise",
    lambda xp, g, out, x, nan, posinf, neginf: xp.where(xp.isfinite(x), g, 0),
)


def where(condition: Operand, x: Operand, y: Operand) -> Any:
    """Choose x where the condition holds and y elsewhere; the branch not taken gets a zero gradient.

    Args:
        condition: truth values; no gradient flows to it.
        x: a Value, or a Tensor whose shape broadcasts with the condition's.
        y: likewise.

    Returns:
        A Value or Tensor of the broadcast shape.

    Example:
        >>> x = Tensor([-1.0, 4.0])
        >>> where(x > 0, x.sqrt(), 0.0)
        Tensor([0., 2.], op=where)
    """
    return apply(_WHERE, condition, x, y)


def clip(x: Operand, min: Operand | None = None, max: Operand | None = None) -> Any:
    """Limit x to the interval [min, max]; the derivative is 1 inside and on the border, 0 outside.

    Args:
        x: a Value, or a Tensor of any shape.
        min: lower bound, or None. An array or node is a bound for each element, and gets half the gradient on it.
        max: upper bound, likewise.

    Returns:
        A Value or Tensor of the same shape.

    Example:
        >>> clip(7.0, 0.0, 5.0)
        5.0
    """
    if all(bound is None or isinstance(bound, float | int | np.number) for bound in (min, max)):
        return apply(_CLIP, x, low=min, high=max)
    x = x if min is None else maximum(x, min)
    return x if max is None else minimum(x, max)


def round(x: Operand, decimals: int = 0) -> Any:
    """Round to a number of decimals, halves to even, with derivative 0.

    Args:
        x: a Value, or a Tensor of any shape.
        decimals: how many digits to keep behind the point; a negative number rounds in front of it.

    Returns:
        A Value or Tensor of the same shape.

    Example:
        >>> cr.round(2.5), cr.round(Tensor([1.256, -0.125]), 2)
        (2.0, Tensor([ 1.26, -0.12], op=div))
    """
    if not decimals:
        return _round(x)
    scale = 10.0 ** builtins.abs(decimals)
    return div(_round(mul(x, scale)), scale) if decimals > 0 else mul(_round(div(x, scale)), scale)


def nan_to_num(x: Operand, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """Replace nan and infinities by numbers; where that happened the derivative is 0.

    Args:
        x: a Value, or a Tensor of any shape.
        nan: what nan becomes.
        posinf: what +∞ becomes; None means the largest number of the dtype.
        neginf: what −∞ becomes; None means the most negative one.

    Returns:
        A Value or Tensor of the same shape.

    Example:
        >>> nan_to_num(Tensor([np.nan, 2.0]))
        Tensor([0., 2.], op=nan_to_num)
    """
    return apply(_NAN_TO_NUM, x, nan=nan, posinf=posinf, neginf=neginf)
