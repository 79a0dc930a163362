"""Arithmetic, exponentials and logarithms, each with the derivative as a textbook writes it.

In a rule `g` is the cotangent of the result, `out` the result, `x` and `y` the arguments; `xp` is explained in
`chainrule.autograd.op`.
"""

import math

from chainrule.autograd.ops.define import binary, unary

POSITIVE = (0.1, 3.0)
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)

# Arithmetic -----------------------------------------------------------------------------------------------

add = binary("add", "x + y", lambda xp, g, out, x, y: g, lambda xp, g, out, x, y: g, example=(2.0, 5.0, 7.0))
sub = binary(
    "sub", "x − y", lambda xp, g, out, x, y: g, lambda xp, g, out, x, y: -g, example=(2.0, 5.0, -3.0)
)
mul = binary(
    "mul", "x · y", lambda xp, g, out, x, y: g * y, lambda xp, g, out, x, y: g * x, example=(2.0, 5.0, 10.0)
)
div = binary(
    "div",
    "x / y",
    lambda xp, g, out, x, y: xp.div(g, y),
    lambda xp, g, out, x, y: -xp.div(g * out, y),
    domain=((-2.0, 2.0), POSITIVE),
    singular=True,
    example=(2.0, 5.0, 0.4),
)
neg = unary("neg", "−x", lambda xp, g, out, x: -g, example=(2.0, -2.0))
reciprocal = unary(
    "reciprocal",
    "1 / x",
    lambda xp, g, out, x: -xp.div(g, x * x),
    domain=POSITIVE,
    singular=True,
    example=(4.0, 0.25),
)
square = unary("square", "x²", lambda xp, g, out, x: g * 2 * x, example=(3.0, 9.0))
sqrt = unary(
    "sqrt",
    "√x",
    lambda xp, g, out, x: xp.div(g, 2 * out),
    domain=POSITIVE,
    singular=True,
    example=(2.0, 1.4142),
)
cbrt = unary(
    "cbrt",
    "The cube root of x",
    lambda xp, g, out, x: xp.div(g, 3 * out * out),
    domain=POSITIVE,
    singular=True,
    example=(27.0, 3.0),
)
# x**0 has the derivative 0 also at 0; the exponent's derivative at base 0 is 0, as in PyTorch.
pow = binary(
    "pow",
    "x to the power y",
    lambda xp, g, out, x, y: xp.where(
        xp.logical_and(xp.equal(x, 0), xp.equal(y, 0)), 0, g * y * xp.pow(x, y - 1)
    ),
    lambda xp, g, out, x, y: xp.where(
        xp.logical_and(xp.equal(x, 0), xp.greater_equal(y, 0)), 0, g * out * xp.log(x)
    ),
    domain=(POSITIVE, (-2.0, 2.0)),
    singular=True,
    example=(2.0, 10.0, 1024.0),
)
floor_divide = binary(
    "floor_divide",
    "⌊x / y⌋, with derivative 0",
    lambda xp, g, out, x, y: xp.zeros_like(g),
    lambda xp, g, out, x, y: xp.zeros_like(g),
    domain=((2.1, 2.9), (0.8, 0.9)),
    example=(7.0, 2.0, 3.0),
)
remainder = binary(
    "remainder",
    "x − y ⌊x / y⌋, with the sign of y",
    lambda xp, g, out, x, y: g,
    lambda xp, g, out, x, y: -g * xp.floor_divide(x, y),
    domain=((2.1, 2.3), (0.8, 0.9)),
    example=(7.0, 2.0, 1.0),
)

fmod = binary(
    "fmod",
    "x − y · trunc(x / y), with the sign of x",
    lambda xp, g, out, x, y: g,
    lambda xp, g, out, x, y: -g * xp.trunc(xp.div(x, y)),
    domain=((2.1, 2.3), (0.8, 0.9)),
    example=(-7.0, 2.0, -1.0),
)

# Exponentials and logarithms --------------------------------------------------------------------------------

exp = unary("exp", "eˣ", lambda xp, g, out, x: g * out, example=(1.0, 2.7183))
exp2 = unary("exp2", "2ˣ", lambda xp, g, out, x: g * out * math.log(2), example=(3.0, 8.0))
expm1 = unary("expm1", "eˣ − 1, accurate near 0", lambda xp, g, out, x: g * xp.exp(x), example=(1.0, 1.7183))
log = unary(
    "log",
    "The natural logarithm ln x",
    lambda xp, g, out, x: xp.div(g, x),
    domain=POSITIVE,
    singular=True,
    example=(2.0, 0.6931),
)
log2 = unary(
    "log2",
    "The logarithm to base 2",
    lambda xp, g, out, x: xp.div(g, x * math.log(2)),
    domain=POSITIVE,
    singular=True,
    example=(8.0, 3.0),
)
log10 = unary(
    "log10",
    "The logarithm to base 10",
    lambda xp, g, out, x: xp.div(g, x * math.log(10)),
    domain=POSITIVE,
    singular=True,
    example=(1000.0, 3.0),
)
log1p = unary(
    "log1p",
    "ln(1 + x), accurate near 0",
    lambda xp, g, out, x: xp.div(g, 1 + x),
    domain=(-0.9, 3.0),
    singular=True,
    example=(1.0, 0.6931),
)
logaddexp = binary(
    "logaddexp",
    "ln(eˣ + eʸ) without overflow",
    lambda xp, g, out, x, y: g * xp.sigmoid(x - y),
    lambda xp, g, out, x, y: g * xp.sigmoid(y - x),
    example=(0.0, 0.0, 0.6931),
)
logaddexp2 = binary(
    "logaddexp2",
    "log₂(2ˣ + 2ʸ) without overflow",
    lambda xp, g, out, x, y: g * xp.sigmoid((x - y) * math.log(2)),
    lambda xp, g, out, x, y: g * xp.sigmoid((y - x) * math.log(2)),
    example=(0.0, 0.0, 1.0),
)
logit = unary(
    "logit",
    "ln(x / (1 − x)), the inverse of `sigmoid`",
    lambda xp, g, out, x: xp.div(g, x * (1 - x)),
    domain=(0.1, 0.9),
    singular=True,
    example=(0.75, 1.0986),
)
xlogy = binary(
    "xlogy",
    "x ln y, and 0 where x = 0",
    lambda xp, g, out, x, y: xp.where(xp.logical_and(xp.equal(x, 0), xp.less_equal(y, 0)), 0, g * xp.log(y)),
    lambda xp, g, out, x, y: xp.div(g * x, y),
    domain=((-2.0, 2.0), POSITIVE),
    singular=True,
    example=(2.0, 3.0, 2.1972),
)

# The error function -----------------------------------------------------------------------------------------

erf = unary(
    "erf",
    "The error function 2/√π ∫₀ˣ exp(−t²) dt",
    lambda xp, g, out, x: g * TWO_OVER_ROOT_PI * xp.exp(-x * x),
    example=(0.5, 0.5205),
)
erfc = unary(
    "erfc",
    "1 − erf(x), accurate where that is small",
    lambda xp, g, out, x: -g * TWO_OVER_ROOT_PI * xp.exp(-x * x),
    example=(2.0, 0.0047),
)
