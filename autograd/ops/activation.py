"""Activation functions, element by element, each with the derivative that the lectures tabulate.

In a rule `g` is the cotangent of the result, `out` the result, `x` the argument; see `chainrule.autograd.op`.
"""

import math
from typing import Any

from chainrule.autograd.node import apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand, binary, unary
from chainrule.backends.floats import SELU_ALPHA, SELU_SCALE

ROOT_HALF = math.sqrt(0.5)
DENSITY = 1 / math.sqrt(2 * math.pi)  # of the normal distribution at its mean


def _between(xp: Any, g: Any, x: Any, low: float, high: float) -> Any:
    """Return g where low < x < high, else 0."""
    return xp.where(xp.logical_and(xp.greater(x, low), xp.less(x, high)), g, 0)


def _mish_slope(xp: Any, g: Any, x: Any, t: Any) -> Any:
    return g * (t + x * xp.sigmoid(x) * (1 - t * t))


sigmoid = unary(
    "sigmoid",
    "The logistic function 1 / (1 + e⁻ˣ)",
    lambda xp, g, out, x: g * out * (1 - out),
    example=(0.5, 0.6225),
)
log_sigmoid = unary(
    "log_sigmoid",
    "ln sigmoid(x), exact for large |x|",
    lambda xp, g, out, x: g * xp.sigmoid(-x),
    example=(0.0, -0.6931),
)
relu = unary(
    "relu",
    "max(0, x), with derivative 0 at 0",
    lambda xp, g, out, x: xp.where(xp.greater(x, 0), g, 0),
    kinks=(0.0,),
    example=(-2.0, 0.0),
)
softplus = unary(
    "softplus", "The smooth ReLU ln(1 + eˣ)", lambda xp, g, out, x: g * xp.sigmoid(x), example=(0.0, 0.6931)
)
silu = unary(
    "silu",
    "x · sigmoid(x), also called swish",
    lambda xp, g, out, x: g * xp.sigmoid(x) * (1 + x * (1 - xp.sigmoid(x))),
    example=(1.0, 0.7311),
)
gelu = unary(
    "gelu",
    "x Φ(x), with Φ the normal distribution (Hendrycks & Gimpel 2016)",
    lambda xp, g, out, x: g * (0.5 * (1 + xp.erf(x * ROOT_HALF)) + x * DENSITY * xp.exp(-0.5 * x * x)),
    example=(1.0, 0.8413),
)
mish = unary(
    "mish",
    "x · tanh(softplus(x)) (Misra 2019)",
    lambda xp, g, out, x: _mish_slope(xp, g, x, xp.tanh(xp.softplus(x))),
    example=(1.0, 0.8651),
)
selu = unary(
    "selu",
    "1.0507 · elu(x, 1.6733), which keeps mean 0 and variance 1 (Klambauer et al. 2017)",
    lambda xp, g, out, x: xp.where(
        xp.greater(x, 0), g * SELU_SCALE, g * (SELU_SCALE * SELU_ALPHA) * xp.exp(xp.minimum(x, 0))
    ),
    kinks=(0.0,),
    example=(-1.0, -1.1113),
)
softsign = unary(
    "softsign",
    "x / (1 + |x|)",
    lambda xp, g, out, x: xp.div(g, xp.square(1 + xp.abs(x))),
    kinks=(0.0,),
    example=(-3.0, -0.75),
)
relu6 = unary(
    "relu6",
    "min(max(0, x), 6), with derivative 0 at 0 and 6",
    lambda xp, g, out, x: _between(xp, g, x, 0, 6),
    domain=(-2.0, 8.0),
    kinks=(0.0, 6.0),
    example=(7.0, 6.0),
)
hardsigmoid = unary(
    "hardsigmoid",
    "relu6(x + 3) / 6",
    lambda xp, g, out, x: _between(xp, g * (1 / 6), x, -3, 3),
    domain=(-4.0, 4.0),
    kinks=(-3.0, 3.0),
    example=(1.5, 0.75),
)
hardswish = unary(
    "hardswish",
    "x · relu6(x + 3) / 6 (Howard et al. 2019)",
    lambda xp, g, out, x: xp.where(
        xp.greater_equal(x, 3), g, xp.where(xp.greater(x, -3), g * (x * (1 / 3) + 0.5), 0)
    ),
    domain=(-4.0, 4.0),
    kinks=(-3.0, 3.0),
    example=(1.5, 1.125),
)
prelu = binary(
    "prelu",
    "x where x > 0, else y · x: `leaky_relu` with a slope that is learned (He et al. 2015)",
    lambda xp, g, out, x, y: xp.where(xp.greater(x, 0), g, g * y),
    lambda xp, g, out, x, y: xp.where(xp.greater(x, 0), 0, g * x),
    domain=((-2.0, -0.1), (0.1, 0.9)),
    example=(-2.0, 0.25, -0.5),
)

_LEAKY_RELU = Op(
    "leaky_relu",
    "elementwise",
    lambda xp, g, out, x, negative_slope: xp.where(xp.greater(x, 0), g, g * negative_slope),
    kinks=(0.0,),
)
_ELU = Op(
    "elu",
    "elementwise",
    lambda xp, g, out, x, alpha: xp.where(xp.greater(x, 0), g, g * alpha * xp.exp(xp.minimum(x, 0))),
    kinks=(0.0,),
)
_CELU = Op(
    "celu",
    "elementwise",
    lambda xp, g, out, x, alpha: xp.where(xp.greater(x, 0), g, g * xp.exp(xp.minimum(x, 0) * (1 / alpha))),
    kinks=(0.0,),
)
_HARDTANH = Op(
    "hardtanh",
    "elementwise",
    lambda xp, g, out, x, low, high: _between(xp, g, x, low, high),
    kinks=(-1.0, 1.0),
)
_BCE = Op(
    "bce_with_logits",
    "elementwise",
    lambda xp, g, out, logits, labels: g * (xp.sigmoid(logits) - labels),
    lambda xp, g, out, logits, labels: -g * logits,
    domain=((-2.0, 2.0), (0.0, 1.0)),
)


def leaky_relu(x: Operand, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope · x; the derivative at 0 is the negative slope.

    Args:
        x: a Value, or a Tensor of any shape.
        negative_slope: slope left of 0.

    Returns:
        A Value or Tensor of the same shape.

    Example:
        >>> leaky_relu(-2.0)
        -0.02
    """
    return apply(_LEAKY_RELU, x, negative_slope=negative_slope)


def elu(x: Operand, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (eˣ − 1) (Clevert et al. 2015).

    Args:
        x: a Value, or a Tensor of any shape.
        alpha: minus the limit at −∞.

    Returns:
        A Value or Tensor of the same shape.

    Example:
        >>> round(elu(-1.0), 4)
        -0.6321
    """
    return apply(_ELU, x, alpha=alpha)


def celu(x: Operand, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (e^(x/alpha) − 1): `elu` with a continuous derivative (Barron 2017).

    Args:
        x: a Value, or a Tensor of any shape.
        alpha: minus the limit at −∞.

    Returns:
        A Value or Tensor of the same shape.

    Example:
        >>> round(celu(-1.0, 2.0), 4)
        -0.7869
    """
    return apply(_CELU, x, alpha=alpha)


def hardtanh(x: Operand, low: float = -1.0, high: float = 1.0) -> Any:
    """Limit x to [low, high], with derivative 0 on the border, where that of `clip` is 1.

    Args:
        x: a Value, or a Tensor of any shape.
        low: smallest result.
        high: largest result.

    Returns:
        A Value or Tensor of the same shape.

    Example:
        >>> hardtanh(-1.5)
        -1.0
    """
    return apply(_HARDTANH, x, low=low, high=high)


def bce_with_logits(logits: Operand, labels: Operand) -> Any:
    """Binary cross-entropy −y ln σ(z) − (1−y) ln(1−σ(z)) of logits z, element by element, with no overflow.

    Computed as max(z, 0) − z·y + ln(1 + e^−|z|); its derivative is σ(z) − y.

    Args:
        logits: a Value, or a Tensor of any shape.
        labels: 0 or 1, or probabilities in between, of a shape that broadcasts.

    Returns:
        A Value or Tensor of the broadcast shape.

    Example:
        >>> round(bce_with_logits(0.0, 1.0), 4)
        0.6931
    """
    return apply(_BCE, logits, labels)
