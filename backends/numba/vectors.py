"""Vectors as values of compiled functions: `exp(load(place) - top)` is the code of one number, for a register full.

LLVM turns a plain loop into vector instructions by itself, and mostly well. A loop written over vectors is worth it
where LLVM must not reorder what it does not know to be free, or does not find how to hide what an operation takes.
Defined here are the operators that such loops, and the functions of `math.py` that they call, are written with.
"""

# mypy: allow-untyped-calls, allow-subclassing-any, allow-untyped-decorators

import operator
from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import extending, types

from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import intrinsic
from chainrule.backends.numba.tile import INDEX, Vectors, shape


class Vector(types.Type):
    """The type of a register full of floats."""

    def __init__(self, f: Format) -> None:
        self.format, self.number = f, numba.from_dtype(np.dtype(f.real))
        super().__init__(name=f"Vector({f.name})")


class Mask(types.Type):
    """The type of one truth value for each of these."""

    def __init__(self, f: Format) -> None:
        self.format = f
        super().__init__(name=f"Mask({f.name})")


@extending.register_model(Vector)
class VectorModel(extending.models.PrimitiveModel):
    """A `Vector` as LLVM sees it."""

    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, Vectors(kind.format, None).type)


@extending.register_model(Mask)
class MaskModel(extending.models.PrimitiveModel):
    """A `Mask` as LLVM sees it."""

    def __init__(self, manager: Any, kind: Mask) -> None:
        super().__init__(manager, kind, Vectors(kind.format, None).mask_type)


def define(function: Any, instruction: str, *details: str) -> None:
    """Define an operator for two vectors, and for a vector and a number; a comparison makes a `Mask`."""

    @extending.type_callable(function)
    def typer(context: Any) -> Any:
        def type_of(x: Any, y: Any) -> Any:
            vector = x if isinstance(x, Vector) else y
            if isinstance(vector, Vector) and {x, y} <= {vector, vector.number}:
                result = Mask(vector.format) if details else vector
                return result(x, y)
            return None

        return type_of

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(next(t for t in signature.args if isinstance(t, Vector)).format, builder)
        operands = [x if x.type == v.type else v.splat(x) for x in arguments]
        return getattr(builder, instruction)(*details, *operands)

    for pair in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        extending.lower_builtin(function, *pair)(generate)


for _name, _instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    define(getattr(operator, _name), _instruction)
    define(getattr(operator, f"i{_name}"), _instruction)
define(operator.lt, "fcmp_ordered", "<")


@extending.type_callable(np.sqrt)
def type_of_roots(context: Any) -> Any:
    """A vector has a vector of roots."""
    return lambda x: x if isinstance(x, Vector) else None


@extending.lower_builtin(np.sqrt, Vector)
def roots(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """The square root of each lane."""
    v = Vectors(signature.return_type.format, builder)
    return v.call(f"sqrt.{v.kind}", v.type, arguments)


def load_in_turn(v: Vectors, place: Any) -> Any:
    """A vector that is read before all that is read after it in the program: no instruction, a word to LLVM."""
    found = v.load(place)
    v.builder.fence("acquire", "singlethread")
    return found


def larger(v: Vectors, x: Any, y: Any) -> Any:
    """The larger number in each lane; y where x is NaN."""
    return v.builder.select(v.builder.fcmp_ordered(">", x, y), x, y)


def last(v: Vectors, x: Any, count: Any) -> Any:
    """x with zeros in all but the last `count` lanes."""
    return v.builder.select(v.mask(v.builder.sub(INDEX(v.lanes), count)), v.zero, x)


def some(v: Vectors, mask: Any) -> Any:
    """Whether a lane is true."""
    bits = v.builder.bitcast(mask, ir.IntType(v.lanes))
    return v.builder.icmp_unsigned("!=", bits, bits.type(0))


def over_lanes(v: Vectors, x: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Combine the halves of x, the halves of these, and so on, to one number."""
    half = v.lanes // 2
    while half:
        x = combine(x, v.shuffle(x, x, [(lane + half) % v.lanes for lane in range(v.lanes)]))
        half //= 2
    return v.builder.extract_element(x, INDEX(0))


# name: types of the arguments and the result (a vector, a mask, a number, a place, truth), the instructions
OPERATIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "filled": ("n v", lambda v, x: v.splat(x)),
    "load": ("p v", lambda v, place: v.load(place)),
    "load_in_turn": ("p v", load_in_turn),
    "store": ("vp -", lambda v, x, place: v.store(x, place)),
    "larger": ("vv v", larger),
    "last": ("vp v", last),
    "unordered": ("vv m", lambda v, x, y: v.builder.fcmp_unordered("uno", x, y)),
    "either": ("mm m", lambda v, x, y: v.builder.or_(x, y)),
    "some": ("m t", some),
    "total": ("v n", lambda v, x: over_lanes(v, x, v.builder.fadd)),
    "largest": ("v n", lambda v, x: over_lanes(v, x, partial(larger, v))),
}


@cache
def vectors(f: Format) -> SimpleNamespace:
    """What is done with vectors beside arithmetic; a place is an address.

    | name | what it does |
    |---|---|
    | `size` | the bytes of a vector |
    | `filled(x)` | the vector with the number x in every lane |
    | `load(place)`, `store(vector, place)` | read it, write it |
    | `load_in_turn(place)` | read it before what comes later: LLVM may move what `load` does |
    | `larger(x, y)` | the larger number in each lane; y where x is NaN |
    | `last(x, count)` | x with zeros in all but the last `count` lanes |
    | `unordered(x, y)` | a `Mask`: where x or y is NaN |
    | `either(m, n)`, `some(m)` | where m or n is true; whether m is anywhere |
    | `total(x)`, `largest(x)` | the sum, the largest number of all lanes |
    """
    vector = Vector(f)
    kinds = {
        "v": vector,
        "m": Mask(f),
        "n": vector.number,
        "p": types.int64,
        "t": types.boolean,
        "-": types.void,
    }

    def operation(signature: str, instructions: Callable[..., Any]) -> Any:
        takes, gives = signature.split()
        kind = kinds[gives](*(kinds[letter] for letter in takes))

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found = instructions(Vectors(f, builder), *arguments)
            return context.get_dummy_value() if gives == "-" else found

        def one(context: Any, x: Any) -> Any:
            return kind, generate

        def two(context: Any, x: Any, y: Any) -> Any:
            return kind, generate

        return intrinsic(one if len(takes) == 1 else two)

    made = {name: operation(*found) for name, found in OPERATIONS.items()}
    return SimpleNamespace(size=shape(f).lanes * np.dtype(f.real).itemsize, **made)
