"""Sines, their inverses, and their hyperbolic kin; see `chainrule.autograd.ops.elementwise` for the notation."""

import math
from typing import Any

from chainrule.autograd.ops.define import binary, unary
from chainrule.autograd.ops.elementwise import POSITIVE

_SERIES = tuple((-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(1, 9))


def _sinc_slope(xp: Any, out: Any, x: Any) -> Any:
    """The derivative of sinc: (cos πx − sinc x) / x, and near 0, where that cancels, its power series."""
    angle = math.pi * x
    square = angle * angle
    series = _SERIES[-1]
    for coefficient in reversed(_SERIES[:-1]):
        series = series * square + coefficient
    near = xp.less(square, 0.25)
    return xp.where(near, math.pi * angle * series, xp.div(xp.cos(angle) - out, xp.where(near, 1, x)))


sin = unary("sin", "Sine of x radians", lambda xp, g, out, x: g * xp.cos(x), example=(1.0, 0.8415))
cos = unary("cos", "Cosine of x radians", lambda xp, g, out, x: -g * xp.sin(x), example=(1.0, 0.5403))
tan = unary(
    "tan",
    "Tangent of x radians",
    lambda xp, g, out, x: g * (1 + out * out),
    domain=(-1.4, 1.4),
    example=(1.0, 1.5574),
)
arcsin = unary(
    "arcsin",
    "The angle in radians whose sine is x",
    lambda xp, g, out, x: xp.div(g, xp.sqrt(1 - x * x)),
    domain=(-0.9, 0.9),
    singular=True,
    example=(1.0, 1.5708),
)
arccos = unary(
    "arccos",
    "The angle in radians whose cosine is x",
    lambda xp, g, out, x: -xp.div(g, xp.sqrt(1 - x * x)),
    domain=(-0.9, 0.9),
    singular=True,
    example=(0.0, 1.5708),
)
arctan = unary(
    "arctan",
    "The angle in radians whose tangent is x",
    lambda xp, g, out, x: xp.div(g, 1 + x * x),
    example=(1.0, 0.7854),
)
arctan2 = binary(
    "arctan2",
    "The angle in radians of the point (y, x): arctan2(x, y) with NumPy's order of arguments",
    lambda xp, g, out, x, y: xp.div(g * y, x * x + y * y),
    lambda xp, g, out, x, y: -xp.div(g * x, x * x + y * y),
    domain=(POSITIVE, POSITIVE),
    singular=True,
    example=(1.0, 1.0, 0.7854),
)
sinh = unary("sinh", "Hyperbolic sine", lambda xp, g, out, x: g * xp.cosh(x), example=(1.0, 1.1752))
cosh = unary("cosh", "Hyperbolic cosine", lambda xp, g, out, x: g * xp.sinh(x), example=(1.0, 1.5431))
tanh = unary(
    "tanh",
    "Hyperbolic tangent (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)",
    lambda xp, g, out, x: g * (1 - out * out),
    example=(0.5, 0.4621),
)
arcsinh = unary(
    "arcsinh",
    "Inverse hyperbolic sine",
    lambda xp, g, out, x: xp.div(g, xp.sqrt(1 + x * x)),
    example=(1.0, 0.8814),
)
arccosh = unary(
    "arccosh",
    "Inverse hyperbolic cosine",
    lambda xp, g, out, x: xp.div(g, xp.sqrt(x * x - 1)),
    domain=(1.2, 3.0),
    singular=True,
    example=(2.0, 1.317),
)
arctanh = unary(
    "arctanh",
    "Inverse hyperbolic tangent",
    lambda xp, g, out, x: xp.div(g, 1 - x * x),
    domain=(-0.9, 0.9),
    singular=True,
    example=(0.5, 0.5493),
)
hypot = binary(
    "hypot",
    "√(x² + y²) without overflow",
    lambda xp, g, out, x, y: xp.where(xp.equal(out, 0), 0, xp.div(g * x, out)),
    lambda xp, g, out, x, y: xp.where(xp.equal(out, 0), 0, xp.div(g * y, out)),
    domain=(POSITIVE, POSITIVE),
    singular=True,
    example=(3.0, 4.0, 5.0),
)
deg2rad = unary("deg2rad", "Degrees to radians", lambda xp, g, out, x: xp.deg2rad(g), example=(180.0, 3.1416))
rad2deg = unary("rad2deg", "Radians to degrees", lambda xp, g, out, x: xp.rad2deg(g), example=(1.0, 57.2958))
sinc = unary(
    "sinc",
    "sin(πx) / (πx), and 1 at 0",
    lambda xp, g, out, x: g * _sinc_slope(xp, out, x),
    example=(0.5, 0.6366),
)
