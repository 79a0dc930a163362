"""The table of Python floats: the living definition of every scalar op.

Each function is what a textbook writes. Where Python's `math` raises (log of zero, overflow, a negative root),
the answer is the IEEE one that NumPy gives: -inf, inf or nan.
"""

import math
import operator
from collections.abc import Callable

import numpy as np

# Klambauer et al. 2017, equation 14.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946

add = operator.add
sub = operator.sub
mul = operator.mul
neg = operator.neg


def _ieee(function: Callable[..., float], numpy_function: Callable[..., object]) -> Callable[..., float]:
    """Return `function`, falling back to NumPy's IEEE answer where Python's raises."""

    def guarded(*args: float) -> float:
        try:
            return function(*args)
        except (ValueError, OverflowError, ZeroDivisionError):
            with np.errstate(all="ignore"):
                return float(numpy_function(*(np.float64(a) for a in args)))  # type: ignore[arg-type]

    return guarded


div = _ieee(operator.truediv, np.divide)
floor_divide = _ieee(operator.floordiv, np.floor_divide)
remainder = _ieee(operator.mod, np.remainder)
fmod = _ieee(math.fmod, np.fmod)
pow = _ieee(math.pow, np.power)
exp = _ieee(math.exp, np.exp)
exp2 = _ieee(math.exp2, np.exp2)
expm1 = _ieee(math.expm1, np.expm1)
log = _ieee(math.log, np.log)
log2 = _ieee(math.log2, np.log2)
log10 = _ieee(math.log10, np.log10)
log1p = _ieee(math.log1p, np.log1p)
sqrt = _ieee(math.sqrt, np.sqrt)
cbrt = _ieee(math.cbrt, np.cbrt)
sin = _ieee(math.sin, np.sin)
cos = _ieee(math.cos, np.cos)
tan = _ieee(math.tan, np.tan)
arcsin = _ieee(math.asin, np.arcsin)
arccos = _ieee(math.acos, np.arccos)
arctan = math.atan
arctan2 = math.atan2
sinh = _ieee(math.sinh, np.sinh)
cosh = _ieee(math.cosh, np.cosh)
tanh = math.tanh
arcsinh = math.asinh
arccosh = _ieee(math.acosh, np.arccosh)
arctanh = _ieee(math.atanh, np.arctanh)
hypot = math.hypot
erf = math.erf
erfc = math.erfc
deg2rad = math.radians
rad2deg = math.degrees
copysign = math.copysign
isnan = math.isnan
isinf = math.isinf
isfinite = math.isfinite


def identity(x: float) -> float:
    return x


def floor(x: float) -> float:
    return float(np.floor(x))


def ceil(x: float) -> float:
    return float(np.ceil(x))


def trunc(x: float) -> float:
    return float(np.trunc(x))


def round(x: float) -> float:
    return float(np.rint(x))


def square(x: float) -> float:
    return x * x


def reciprocal(x: float) -> float:
    return div(1.0, x)


def abs(x: float) -> float:
    return math.fabs(x)


def sign(x: float) -> float:
    return x if x != x else float((x > 0) - (x < 0))


def maximum(x: float, y: float) -> float:
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    return x if x <= y or x != x else y


def fmax(x: float, y: float) -> float:
    return x if x >= y or y != y else y


def fmin(x: float, y: float) -> float:
    return x if x <= y or y != y else y


def clip(x: float, low: float | None, high: float | None) -> float:
    x = x if low is None else maximum(x, float(low))
    return x if high is None else minimum(x, float(high))


def nan_to_num(x: float, nan: float, posinf: float | None, neginf: float | None) -> float:
    return float(np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf))


def sinc(x: float) -> float:
    angle = math.pi * x
    return sin(angle) / angle if angle else 1.0


def logit(x: float) -> float:
    return log(div(x, 1.0 - x))


def xlogy(x: float, y: float) -> float:
    return 0.0 if x == 0 and y == y else x * log(y)


def sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    small = math.exp(x)  # never overflows: x is negative (or nan)
    return small / (1.0 + small)


def log_sigmoid(x: float) -> float:
    return -softplus(-x)


def relu(x: float) -> float:
    return x if x > 0 or x != x else 0.0


def leaky_relu(x: float, negative_slope: float) -> float:
    return x if x > 0 else negative_slope * x


def prelu(x: float, slope: float) -> float:
    return x if x > 0 else slope * x


def softplus(x: float) -> float:
    return maximum(x, 0.0) + math.log1p(math.exp(-math.fabs(x)))


def elu(x: float, alpha: float) -> float:
    return x if x > 0 else alpha * expm1(x)


def celu(x: float, alpha: float) -> float:
    return x if x > 0 else alpha * expm1(x / alpha)


def selu(x: float) -> float:
    return SELU_SCALE * elu(x, SELU_ALPHA)


def silu(x: float) -> float:
    return x * sigmoid(x) if x > -math.inf or x != x else -0.0


def mish(x: float) -> float:
    return x * math.tanh(softplus(x)) if x > -math.inf or x != x else -0.0


def gelu(x: float) -> float:
    return 0.5 * x * math.erfc(-x * math.sqrt(0.5)) if x > -math.inf or x != x else -0.0


def softsign(x: float) -> float:
    return x / (1.0 + math.fabs(x)) if math.fabs(x) < math.inf or x != x else sign(x)


def hardtanh(x: float, low: float, high: float) -> float:
    return clip(x, low, high)


def relu6(x: float) -> float:
    return clip(x, 0.0, 6.0) + 0.0


def hardsigmoid(x: float) -> float:
    return relu6(x + 3.0) * (1 / 6)


def hardswish(x: float) -> float:
    return 0.0 if x <= -3.0 else x * minimum(x + 3.0, 6.0) * (1 / 6)


def logaddexp(x: float, y: float) -> float:
    return (
        x if x == y == math.inf else maximum(x, y) + math.log1p(exp(-math.fabs(sub(x, y)) if x != y else 0.0))
    )


def logaddexp2(x: float, y: float) -> float:
    gap = 0.0 if x == y else -math.fabs(x - y)
    return x if x == y == math.inf else maximum(x, y) + math.log1p(exp2(gap)) / math.log(2)


def bce_with_logits(logits: float, labels: float) -> float:
    return maximum(logits, 0.0) - logits * labels + math.log1p(math.exp(-math.fabs(logits)))


def greater(x: float, y: float) -> bool:
    return x > y


def greater_equal(x: float, y: float) -> bool:
    return x >= y


def less(x: float, y: float) -> bool:
    return x < y


def less_equal(x: float, y: float) -> bool:
    return x <= y


def equal(x: float, y: float) -> bool:
    return x == y


def not_equal(x: float, y: float) -> bool:
    return x != y


def logical_and(x: bool, y: bool) -> bool:
    return bool(x) and bool(y)


def logical_or(x: bool, y: bool) -> bool:
    return bool(x or y)


def logical_not(x: bool) -> bool:
    return not x


def where(condition: bool, x: float, y: float) -> float:
    return x if condition else y


def zeros_like(x: float) -> float:
    return 0.0


def ones_like(x: float) -> float:
    return 1.0


def guard(g: float, contribution: float) -> float:
    """Return exactly zero where the cotangent is zero, so that 0·inf never becomes nan."""
    return contribution if g != 0.0 else 0.0
