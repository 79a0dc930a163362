"""What elementary functions are built from: the bits of floats, choices without branches, polynomials.

Each function here is made for one float format, by a function that takes the `Format`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined, intrinsic

Scalar = Any  # a compiled function of numbers


@intrinsic
def as_integer(typing_context: Any, x: Any) -> Any:
    """The bits of a float as an integer of the same width."""
    result = types.int32 if x == types.float32 else types.int64

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(result))

    return result(x), generate


@intrinsic
def as_float32(typing_context: Any, bits: Any) -> Any:
    """The float32 with these 32 bits (numba widens integers to 64: the upper half is dropped)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        low = builder.trunc(arguments[0], context.get_value_type(types.int32))
        return builder.bitcast(low, context.get_value_type(types.float32))

    return types.float32(types.int64), generate


@intrinsic
def as_float64(typing_context: Any, bits: Any) -> Any:
    """The float64 with these 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@intrinsic
def select(typing_context: Any, condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y: both are computed, and the loop around it stays free of branches.

    Python's `x if condition else y` is compiled to a branch; LLVM mostly turns it into a select again, but it may
    first move the work for x and y into the two arms, and then the loop no longer vectorises.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return x(types.boolean, x, y), generate


@intrinsic
def unless(typing_context: Any, condition: Any, x: Any) -> Any:
    """x, but 0 where the condition holds: of numbers and of vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(arguments[0], arguments[1].type(None), arguments[1])

    return x(condition, x), generate


@cache
def raised(f: Format) -> Scalar:
    """An intrinsic: 2^n y for t = n + `shifted_round`, if that is a normal number; for numbers and for vectors.

    n is added to the exponent in the bits of y, which costs less than a product.
    """

    @intrinsic
    def raised(typing_context: Any, t: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = arguments[0].type
            integer: Any = ir.IntType(f.fraction_bits + f.exponent_bits + 1)
            shift: Any = integer(f.fraction_bits)
            if isinstance(kind, ir.VectorType):
                integer = ir.VectorType(integer, kind.count)
                shift = ir.Constant(integer, [shift] * kind.count)
            n, bits = (builder.bitcast(x, integer) for x in arguments)
            return builder.bitcast(builder.add(builder.shl(n, shift), bits), kind)

        return y(t, y), generate

    return raised


@intrinsic
def fused(typing_context: Any, x: Any, y: Any, z: Any) -> Any:
    """x y + z, rounded once where the processor can: for the places where it matters which product is fused."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = arguments[0].type
        kind = ir.FunctionType(real, [real] * 3)
        return builder.call(builder.module.declare_intrinsic("llvm.fmuladd", [real], kind), arguments)

    return x(x, x, x), generate


@cache
def at(f: Format) -> Any:
    """An intrinsic: the pointer to the floats at an address."""
    pointer: Any = types.CPointer(types.float32 if f.real is np.float32 else types.float64)  # type: ignore[no-untyped-call]

    @intrinsic
    def at(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(pointer))

        return pointer(types.int64), generate

    return at


@intrinsic
def words(typing_context: Any, address: Any) -> Any:
    """The pointer to the integers at an address."""
    pointer: Any = types.CPointer(types.int64)  # type: ignore[no-untyped-call]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))

    return pointer(types.int64), generate


@intrinsic
def native_call(typing_context: Any, address: Any, integers: Any) -> Any:
    """Call the native function at an address with a tuple of integers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = cgutils.unpack_tuple(builder, arguments[1])  # type: ignore[no-untyped-call]
        kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in given])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(types.int64, integers), generate


@cache
def as_float(f: Format) -> Scalar:
    """The float of the format with the given bits."""
    return as_float32 if f.real is np.float32 else as_float64


@cache
def polynomial(f: Format, name: str, first: int = 0) -> Scalar:
    """P(x) from its coefficients of this name; from coefficient `first` on."""
    return horner(f, f.polynomials[name][first:])


def horner(f: Format, coefficients: Sequence[float]) -> Scalar:
    """A polynomial by Horner's rule, written out term by term: ((c2*x + c1)*x + c0)."""
    scope: dict[str, Any] = {f"c{k}": f.real(c) for k, c in enumerate(coefficients)}
    *rest, body = scope
    for c in reversed(rest):
        body = f"({body}) * x + {c}"
    exec(f"def horner(x):\n    return {body}", scope)  # noqa: S102
    return inlined(scope["horner"])


@cache
def powers_of_two(f: Format) -> Scalar:
    """P with 2^r = 1 + rP(r) for |r| ≤ 1/2: the polynomial of e^r, in steps of ln 2."""
    ln2 = np.log(2.0)
    coefficients = [ln2, *(c * ln2**k for k, c in enumerate(f.polynomials["expm1"], start=2))]
    return horner(f, coefficients)


@cache
def copysign(f: Format) -> Scalar:
    """|x| with the sign of y, from their bits: also right for -0."""
    sign, real = np.int64(-1) << (f.fraction_bits + f.exponent_bits), as_float(f)

    @inlined
    def copysign(x: Any, y: Any) -> Any:
        return real((as_integer(x) & ~sign) | (as_integer(y) & sign))

    return copysign


@cache
def shifted_round(f: Format) -> Any:
    """A number so large that adding it to x rounds x to an integer n, and leaves n in the sum's lowest bits.

    Subtracting it again gives n as a float, and no conversion to an integer is needed, which NaN would upset.
    """
    return f.real(1.5 * 2.0**f.fraction_bits)


@cache
def power_of_two(f: Format, lift: int = 0) -> Scalar:
    """2^(n + lift) for t = n + `shifted_round`: the lowest bits of t, shifted into the place of the exponent."""
    shift, one, real = f.fraction_bits, (f.bias + lift) << f.fraction_bits, as_float(f)

    @inlined
    def power_of_two(t: Any) -> Any:
        return real((as_integer(t) << shift) + one)

    return power_of_two


@cache
def split_exponent(f: Format, halves: int = 1) -> Scalar:
    """x to (t, r) with x = halves n ln 2 + r, |r| ≤ halves ln(2)/2, and n in the lowest bits of t."""
    big, per_ln2 = shifted_round(f), f.real(1 / (halves * np.log(2.0)))
    ln2, ln2_rest = (f.real(halves * part) for part in f.ln2)

    @inlined
    def split_exponent(x: Any) -> Any:
        t = x * per_ln2 + big
        n = t - big
        return t, (x - n * ln2) - n * ln2_rest

    return split_exponent


@cache
def split_log(f: Format) -> Scalar:
    """Bits of x to (k, x / 2^k - 1) with x / 2^k between 1/sqrt(2) and sqrt(2)."""
    root = int(f.real(np.sqrt(0.5)).view(f.integer))
    fraction, shift, real, one = (1 << f.fraction_bits) - 1, f.fraction_bits, as_float(f), f.real(1)
    as_real, integer = f.real, f.integer

    @inlined
    def split_log(bits: Any) -> Any:
        bits = integer(bits - root)  # numba computes with 64 bits: say that 32 will do
        return as_real(integer(bits >> shift)), real((bits & fraction) + root) - one

    return split_log
