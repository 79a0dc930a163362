"""Elementary functions as straight-line code that LLVM turns into vector instructions.

A call of the C library computes one number at a time, so a loop over `np.exp(x[i])` runs 6 to 50 times slower than
NumPy. The functions here have no calls, no branches (`select` computes both sides) and no table look-ups:
one loop around them computes 16 float32 at once on AVX-512, 8 on AVX2, 4 on NEON.

Each is made for one float format by a function of the same name, `exp(FLOAT32)`. All follow one plan: bring the
argument into a short interval with an exact identity, take a polynomial there, undo the identity. NaN passes
through because a comparison with NaN is false and every `select` then takes its third argument. Errors are in
units in the last place (ulp) of the result. `tests/backends/numba/test_math.py` measures samples of them in both
formats; figures with two decimals are the largest over all 2^32 float32 numbers (`benchmarks/exhaustive.py`).
"""

from functools import cache
from typing import Any

import numpy as np

from chainrule.backends.numba.bits import (
    Scalar,
    as_float,
    as_integer,
    copysign,
    fused,
    polynomial,
    power_of_two,
    powers_of_two,
    raised,
    select,
    shifted_round,
    split_exponent,
    split_log,
    unless,
)
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined


@cache
def exp(f: Format) -> Scalar:
    """e^x = 2^n 2^n e^r with n = round(x / (2 ln 2)): 2^n neither overflows nor loses bits, as 2^2n may.

    1.66 ulp.
    """
    split, P, scale = split_exponent(f, 2), polynomial(f, "exp"), power_of_two(f)
    low, high = map(f.real, f.exp_range)

    @inlined
    def exp(x: Any) -> Any:
        x = select(x < low, low, x)
        t, r = split(select(x > high, high, x))
        s = scale(t)
        return (s + s * (r + r * r * P(r))) * s

    return exp


@cache
def shifted_exp(f: Format, shift: int) -> Scalar:
    """2^shift e^x where this is a normal number, so that no bits are lost below e^-87 (float64: e^-708).

    n is added to the exponent bits of e^r, which costs less than a product; for a NaN the result is any number.
    """
    split, P, real, one = split_exponent(f), polynomial(f, "expm1"), as_float(f), f.real(1)
    fraction_bits, up = f.fraction_bits, shift << f.fraction_bits

    @inlined
    def shifted_exp(x: Any) -> Any:
        t, r = split(x)
        return real(((as_integer(t) << fraction_bits) + up) + as_integer(one + (r + r * r * P(r))))

    return shifted_exp


@cache
def exp_of_difference(f: Format) -> Scalar:
    """e^x for x = a - b ≤ 0, with an error below 1 + 0.7 |x| ulp: rounding a - b has made half of |x| ulp of it.

    e^x = 2^n 2^r with r = x / ln 2 - n. It is 0 from near the least normal number down; for a NaN it may be any number.
    """
    P, big, per_ln2, times = powers_of_two(f), shifted_round(f), f.real(1 / np.log(2.0)), raised(f)
    one, low = f.real(1), f.real((1.001 - f.bias) * np.log(2.0))

    @inlined
    def exp_of_difference(x: Any) -> Any:
        y = x * per_ln2
        t = y + big
        r = y - (t - big)
        return unless(x < low, times(t, one + r * P(r)))

    return exp_of_difference


@cache
def expm1(f: Format) -> Scalar:
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1), with e^r - 1 from its own polynomial so that small x keep all bits.

    1.59 ulp.

    Half of it is computed, because 2^n itself may overflow where the result does not.
    """
    split, P, half_scale, sign_of = (
        split_exponent(f),
        polynomial(f, "expm1"),
        power_of_two(f, -1),
        copysign(f),
    )
    low, high, half = f.real(f.expm1_low), f.real(f.exp_range[1]), f.real(0.5)

    @inlined
    def expm1(x: Any) -> Any:
        y = select(x < low, low, x)
        t, r = split(select(y > high, high, y))
        s = half_scale(t)
        y = (r + r * r * P(r)) * s + (s - half)
        return sign_of(y + y, x)

    return expm1


@cache
def log_of_sum(f: Format) -> Scalar:
    """k ln 2 + log(1 + u), with s = u / (2 + u), as u - (u²/2 - s(u²/2 + s²P(s²))): Sun's fdlibm, e_log.c."""
    P, half, two = polynomial(f, "log"), f.real(0.5), f.real(2)
    ln2, ln2_rest = map(f.real, f.ln2)

    @inlined
    def log_of_sum(k: Any, u: Any) -> Any:
        s = u / (two + u)
        z = s * s
        h = half * u * u
        return k * ln2 - ((h - (s * (h + z * P(z)) + k * ln2_rest)) - u)

    return log_of_sum


@cache
def log(f: Format) -> Scalar:
    """The logarithm, k ln 2 plus that of x / 2^k. 0.84 ulp. Subnormal numbers are first multiplied up."""
    split, log_sum = split_log(f), log_of_sum(f)
    tiny, up, fewer = f.real(np.finfo(f.real).tiny), f.real(2.0**f.fraction_bits), f.real(f.fraction_bits)
    zero, infinity, nan = f.real(0), f.real(np.inf), f.real(np.nan)

    @inlined
    def log(x: Any) -> Any:
        subnormal = x < tiny
        k, u = split(as_integer(select(subnormal, x * up, x)))
        y = log_sum(select(subnormal, k - fewer, k), u)
        y = select(x < infinity, y, x)
        y = select(x < zero, nan, y)
        return select(x == zero, -infinity, y)

    return log


@cache
def log1p(f: Format) -> Scalar:
    """log(1 + x): k and 2^-k come from the rounded 1 + x, but u = 2^-k x + (2^-k - 1) from x itself.

    1.39 ulp.
    """
    split, log_sum, sign_of, real = split_log(f), log_of_sum(f), copysign(f), as_float(f)
    shift, four, quarter, one = f.fraction_bits, int(f.bias + 2) << f.fraction_bits, f.real(0.25), f.real(1)
    infinity, nan, as_integer_k = f.real(np.inf), f.real(np.nan), f.integer

    @inlined
    def log1p(x: Any) -> Any:
        k, _ = split(as_integer(one + x))
        exponent = as_integer_k(k) << shift
        u = real(as_integer(x) - exponent) + (quarter * real(four - exponent) - one)
        y = sign_of(log_sum(k, u), x)
        y = select(x < infinity, y, x)
        y = select(x < -one, nan, y)
        return select(x == -one, -infinity, y)

    return log1p


@cache
def saturating(f: Format, name: str, end: float) -> Scalar:
    """2t / (1 + t²) with t = xP(x²)/Q(x²), for an odd function that rounds to ±1 from `end` on.

    As t comes near 1 an error in it has less and less effect: tanh x is of this form with t = tanh(x/2).
    """
    rest, Q, sign_of = polynomial(f, name, 1), polynomial(f, f"{name}_below"), copysign(f)
    first, high, one, two = f.real(f.polynomials[name][0]), f.real(end), f.real(1), f.real(2)

    @inlined
    def saturating(x: Any) -> Any:
        a = abs(x)
        z = a * a
        p, q = a * first + a * z * rest(z), Q(z)
        return sign_of(select(a >= high, one, two * p * q / fused(q, q, p * p)), x)

    return saturating


def tanh(f: Format) -> Scalar:
    """tanh x. 3.98 ulp."""
    return saturating(f, "tanh", f.tanh_one)


def erf(f: Format) -> Scalar:
    """The error function. 3.11 ulp."""
    return saturating(f, "erf", f.erf_one)


@cache
def relu(f: Format) -> Scalar:
    """max(x, 0), exactly."""
    zero = f.real(0)

    @inlined
    def relu(x: Any) -> Any:
        return select(x <= zero, zero, x)

    return relu


@cache
def leaky_relu(f: Format) -> Scalar:
    """x where x > 0, else slope x."""
    zero = f.real(0)

    @inlined
    def leaky_relu(x: Any, slope: Any) -> Any:
        return select(x > zero, x, slope * x)

    return leaky_relu


@cache
def elu(f: Format) -> Scalar:
    """x where x > 0, else alpha (e^x - 1)."""
    expm1_of, zero = expm1(f), f.real(0)

    @inlined
    def elu(x: Any, alpha: Any) -> Any:
        return select(x > zero, x, alpha * expm1_of(select(x > zero, zero, x)))

    return elu


@cache
def sigmoid(f: Format) -> Scalar:
    """1 / (1 + e^-x), for x < 0 as e^x / (1 + e^x): only e^-|x| is needed, which cannot overflow.

    2.40 ulp.
    """
    shift = 2 * f.fraction_bits
    exp_of, one, low, zero = shifted_exp(f, shift), f.real(2.0**shift), f.real(f.exp_range[0]), f.real(0)

    @inlined
    def sigmoid(x: Any) -> Any:
        a = -abs(x)
        e = exp_of(select(a < low, low, a))
        y = select(x < zero, e, one) / (one + e)
        return select(x == x, y, x)

    return sigmoid


@cache
def silu(f: Format) -> Scalar:
    """x / (1 + e^-x) = x / (c + c e^-x) c, with c so small that c e^-x is finite; -0 at -inf. 2.40 ulp."""
    shift = -2 * f.fraction_bits
    exp_of, c, low, high = (
        shifted_exp(f, shift),
        f.real(2.0**shift),
        f.real(f.exp_range[0]),
        f.real(f.exp_absorbed),
    )

    @inlined
    def silu(x: Any) -> Any:
        y = select(x < low, low, x)
        return select(x > high, x, y / (c + exp_of(-y)) * c)

    return silu


@cache
def softplus(f: Format) -> Scalar:
    """log(1 + e^x) = max(x, 0) + log(1 + e): e = e^-|x| is at most 1, so the logarithm needs no splitting. 3.67 ulp."""
    shift = 2 * f.fraction_bits
    exp_of, P, low = shifted_exp(f, shift), polynomial(f, "log1p_unit"), f.real(f.exp_range[0])
    double, zero, two = f.real(2.0 ** (shift + 1)), f.real(0), f.real(2)

    @inlined
    def softplus(x: Any) -> Any:
        a = -abs(x)
        e = exp_of(select(a < low, low, a))
        s = e / (double + e)
        z = s * s
        return select(x < zero, zero, x) + s * (two + z * P(z))

    return softplus


@cache
def log_sigmoid(f: Format) -> Scalar:
    """The logarithm of the sigmoid is -softplus(-x). 3.67 ulp."""
    softplus_of = softplus(f)

    @inlined
    def log_sigmoid(x: Any) -> Any:
        return -softplus_of(-x)

    return log_sigmoid


@cache
def gelu(f: Format) -> Scalar:
    """x (1 + erf(x / sqrt 2)) / 2, -0 far on the left. 2.49 ulp of x (of the result the error grows below -2).

    With erf = 2t / (1 + t²), t = p/q, the factor of x is (q + p)² / ((q + p)² + (q - p)²).
    """
    P, Q, high, minus_zero = (
        polynomial(f, "gelu"),
        polynomial(f, "gelu_below"),
        f.real(f.gelu_one),
        f.real(-0.0),
    )

    @inlined
    def gelu(x: Any) -> Any:
        z = x * x
        p, q = x * P(z), Q(z)
        r, s = (q + p) * (q + p), (q - p) * (q - p)
        y = select(x > high, x, x * (r / (r + s)))
        return select(x < -high, minus_zero, y)

    return gelu


@cache
def sin_or_cos(f: Format, quarter_turns: int) -> Scalar:
    """sin(x + quarter_turns pi/2) for |x| ≤ `f.exact_sin`: r = x - n pi/2, |r| ≤ pi/4, then ±sin r or ±cos r.

    Sine 2.47 ulp, cosine 2.39 ulp.

    With pi/2 in four parts r keeps all its bits even where x comes as near to n pi/2 as a float can.
    """
    P, Q, big, real = polynomial(f, "sin"), polynomial(f, "cos"), shifted_round(f), as_float(f)
    one, half, zero, per_quarter = f.real(1), f.real(0.5), f.real(0), f.real(2 / np.pi)
    h0, h1, h2, h3 = map(f.real, f.half_pi)
    odd, top = quarter_turns == 0, f.fraction_bits + f.exponent_bits - 1

    @inlined
    def sin_or_cos(x: Any) -> Any:
        t = x * per_quarter + big
        n = t - big
        r = (((x - n * h0) - n * h1) - n * h2) - n * h3
        quarter = as_integer(t) + quarter_turns
        z = r * r
        sine = r + r * z * P(z)
        cosine = one - (half * z - z * z * Q(z))
        y = select((quarter & 1) == 0, sine, cosine)
        y = real(as_integer(y) ^ ((quarter & 2) << top))
        return select(odd & (x == zero), x, y)  # sin(-0) is -0

    return sin_or_cos
