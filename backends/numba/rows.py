"""Softmax and what belongs to it, row by row of a matrix: every function reads its input once from memory.

Rows are taken in blocks that fit the fastest cache, and the exponentials of a block are computed in one flat loop:
ten classes fill no vector register, ten rows of ten classes fill six.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.gradients import Keeping
from chainrule.backends.numba import math
from chainrule.backends.numba.bits import as_float, as_integer, select
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import FLAGS, inlined, kernel, read_only, writeable
from chainrule.backends.numba.elementwise import C_ALIGNED, FORMATS

Array = NDArray[Any]
BLOCK = 2048  # elements
LABELS = types.Array(types.int64, 1, "C", readonly=True)
# Sums may be taken in any order: without that a sum is one long chain of additions.
SUMS: dict[str, Any] = {"fastmath": FLAGS["fastmath"] | {"reassoc"}}


@cache
def in_order(f: Format) -> Any:
    """The bits of a float to an integer in the same order, and back.

    LLVM vectorises the search for the largest integer, but not for the largest float, because of NaN. Here a NaN
    may be missed, but then it still turns its row's sum, and with it the whole row, into NaN.
    """
    integer, sign_bit, rest = f.integer, f.fraction_bits + f.exponent_bits, np.iinfo(f.integer).max

    @inlined
    def in_order(bits: Any) -> Any:
        return integer(bits ^ ((bits >> sign_bit) & rest))

    return in_order


@cache
def steps(f: Format) -> tuple[Any, Any]:
    """Two loops: subtract from rows `start` to `stop` of x their largest element; exponentiate in place."""
    exp, key, real, lowest = math.exp(f), in_order(f), as_float(f), f.integer(np.iinfo(f.integer).min)

    @inlined
    def shift(x: Array, out: Array, start: int, stop: int) -> None:
        for i in range(start, stop):
            top = lowest
            for j in range(x.shape[1]):
                bits = key(as_integer(x[i, j]))
                top = select(bits > top, bits, top)
            largest = real(key(top))
            for j in range(x.shape[1]):
                out[i, j] = x[i, j] - largest

    @inlined
    def exponentiate(x: Array) -> None:  # in place: LLVM cannot vectorise over two arrays that are one
        for i in range(x.size):
            x[i] = exp(x[i])

    return shift, exponentiate


def softmax_loop(f: Format) -> Callable[..., Any]:
    """softmax of each row of x."""
    (shift, exponentiate), one, zero = steps(f), f.real(1), f.real(0)

    def loop(x: Array, out: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        flat = out.reshape(out.size)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            shift(x, out, start, stop)
            exponentiate(flat[start * columns : stop * columns])
            for i in range(start, stop):
                total = zero
                for j in range(columns):
                    total += out[i, j]
                scale = one / total
                for j in range(columns):
                    out[i, j] *= scale

    return loop


def log_softmax_loop(f: Format) -> Callable[..., Any]:
    """log softmax of each row of x: the shifted row minus the logarithm of the sum of its exponentials."""
    (shift, exponentiate), log, zero = steps(f), math.log(f), f.real(0)

    def loop(x: Array, out: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        flat, powers = out.reshape(out.size), np.empty(min(rows, step) * columns, x.dtype)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            shift(x, out, start, stop)
            block = powers[: (stop - start) * columns]
            block[:] = flat[start * columns : stop * columns]
            exponentiate(block)
            for i in range(start, stop):
                row = powers[(i - start) * columns : (i - start + 1) * columns]
                total = zero
                for j in range(columns):
                    total += row[j]
                total = log(total)
                for j in range(columns):
                    out[i, j] -= total

    return loop


def cross_entropy_loop(f: Format) -> Callable[..., Any]:
    """-log softmax(x)[label] of each row, without keeping the softmax."""
    (shift, exponentiate), log, zero = steps(f), math.log(f), f.real(0)

    def loop(x: Array, labels: Array, losses: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        powers = np.empty((min(rows, step), columns), x.dtype)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            block = powers[: stop - start]
            shift(x[start:stop], block, 0, stop - start)
            for i in range(start, stop):
                if not 0 <= labels[i] < columns:
                    raise IndexError("cross_entropy: a label is outside the columns of the logits")
                losses[i] = block[i - start, labels[i]]
            flat = block.reshape(block.size)
            exponentiate(flat)
            for i in range(start, stop):
                total = zero
                for j in range(columns):
                    total += block[i - start, j]
                losses[i] = log(total) - losses[i]

    return loop


def cross_entropy_grad_loop(f: Format) -> Callable[..., Any]:
    """g times (softmax(x) - one_hot(label)) of each row."""
    (shift, exponentiate), zero = steps(f), f.real(0)

    def loop(g: Array, x: Array, labels: Array, out: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        flat = out.reshape(out.size)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            shift(x, out, start, stop)
            exponentiate(flat[start * columns : stop * columns])
            for i in range(start, stop):
                total = zero
                for j in range(columns):
                    total += out[i, j]
                scale = g[i] / total
                for j in range(columns):
                    out[i, j] *= scale
                if not 0 <= labels[i] < columns:
                    raise IndexError("cross_entropy: a label is outside the columns of the logits")
                out[i, labels[i]] -= g[i]

    return loop


def kept_entropy_loop(f: Format) -> Callable[..., Any]:
    """-log softmax(x)[label] of each row, and softmax as numerators and denominators, for the way back."""
    (shift, exponentiate), log, zero = steps(f), math.log(f), f.real(0)

    def loop(x: Array, labels: Array, losses: Array, powers: Array, sums: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        flat = powers.reshape(powers.size)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            shift(x, powers, start, stop)
            for i in range(start, stop):
                if not 0 <= labels[i] < columns:
                    raise IndexError("cross_entropy: a label is outside the columns of the logits")
                losses[i] = powers[i, labels[i]]
            exponentiate(flat[start * columns : stop * columns])
            for i in range(start, stop):
                total = zero
                for j in range(columns):
                    total += powers[i, j]
                sums[i] = total
                losses[i] = log(total) - losses[i]

    return loop


def kept_entropy_grad_loop(f: Format) -> Callable[..., Any]:
    """g times (powers / sum - one_hot(label)) of each row."""

    def loop(g: Array, powers: Array, sums: Array, labels: Array, out: Array) -> None:
        for i in range(powers.shape[0]):
            scale = g[i] / sums[i]
            for j in range(powers.shape[1]):
                out[i, j] = powers[i, j] * scale
            out[i, labels[i]] -= g[i]

    return loop


@cache
def compiled(name: str, f: Format) -> Callable[..., Any]:
    """The kernel of one function for one format."""
    matrix, result = read_only(f.real, 2), writeable(f.real, 2)
    loop, arguments = {
        "softmax": (softmax_loop, (matrix, result)),
        "log_softmax": (log_softmax_loop, (matrix, result)),
        "cross_entropy": (cross_entropy_loop, (matrix, LABELS, writeable(f.real))),
        "cross_entropy_grad": (cross_entropy_grad_loop, (read_only(f.real), matrix, LABELS, result)),
        "kept_entropy": (kept_entropy_loop, (matrix, LABELS, writeable(f.real), result, writeable(f.real))),
        "kept_entropy_grad": (
            kept_entropy_grad_loop,
            (read_only(f.real), matrix, read_only(f.real), LABELS, result),
        ),
    }[name]
    return kernel(loop(f), f"{name}-{f.name}", *arguments, **SUMS)


def fits(x: Any) -> bool:
    """Whether a kernel can read x in place."""
    return type(x) is np.ndarray and x.dtype in FORMATS and x.flags.num & C_ALIGNED == C_ALIGNED


def softmax(x: Array, axis: int) -> Array:
    return along_rows("softmax", x, axis)


def log_softmax(x: Array, axis: int) -> Array:
    return along_rows("log_softmax", x, axis)


def along_rows(name: str, x: Array, axis: int) -> Array:
    """Apply a kernel along the last axis; along another, and to other dtypes and strides, NumPy's function."""
    if not fits(x) or not x.size or axis not in (-1, x.ndim - 1):
        return getattr(reference, name)(x, axis)  # type: ignore[no-any-return]
    out = np.empty(x.shape, x.dtype)
    rows = (-1, x.shape[-1])
    compiled(name, FORMATS[x.dtype])(x.reshape(rows), out.reshape(rows))
    return out


def cross_entropy(logits: Array, labels: Array) -> Array:
    if not fits(logits) or logits.ndim != 2 or not logits.size:
        return reference.cross_entropy(logits, labels)  # type: ignore[no-any-return]
    losses = np.empty(logits.shape[0], logits.dtype)
    classes = np.ascontiguousarray(labels, np.int64)
    compiled("cross_entropy", FORMATS[logits.dtype])(logits, classes, losses)
    return losses


def cross_entropy_grad(g: Array, logits: Array, labels: Array) -> Array:
    """The cotangent of the logits of `cross_entropy`, in one pass.

    Args:
        g: shape (N,), the cotangent of the losses.
        logits: shape (N, C).
        labels: shape (N,), integers.

    Returns:
        g[:, None] * (softmax(logits) - one_hot(labels)), shape (N, C).
    """
    if not fits(logits) or logits.ndim != 2 or not logits.size or g.dtype != logits.dtype:
        out = reference.softmax(logits, -1)
        out[np.arange(len(labels)), labels] -= 1
        return np.expand_dims(g, -1) * out  # type: ignore[no-any-return]
    out = np.empty(logits.shape, logits.dtype)
    classes = np.ascontiguousarray(labels, np.int64)
    compiled("cross_entropy_grad", FORMATS[logits.dtype])(np.ascontiguousarray(g), logits, classes, out)
    return out


def kept_entropy(logits: Array, labels: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return `cross_entropy`, and what its gradient needs: numerators and denominators of softmax, the labels."""
    if not fits(logits) or logits.ndim != 2 or not logits.size:
        losses, kept = reference.keeping["cross_entropy"].forward(logits, labels)
        return losses, (kept,)
    losses, sums = np.empty(len(logits), logits.dtype), np.empty(len(logits), logits.dtype)
    powers, classes = np.empty(logits.shape, logits.dtype), np.ascontiguousarray(labels, np.int64)
    compiled("kept_entropy", FORMATS[logits.dtype])(logits, classes, losses, powers, sums)
    return losses, (powers, sums, classes)


def kept_entropy_grad(kept: tuple[Array, ...], g: Array, out: Array, logits: Array, labels: Array) -> Array:
    """The cotangent of the logits of `kept_entropy`."""
    if len(kept) == 1:
        gradient = reference.keeping["cross_entropy"].gradients[0]
        return gradient(kept[0], g, out, logits, labels)  # type: ignore[misc, no-any-return]
    powers, sums, classes = kept
    found = np.empty_like(powers)
    cotangent = np.ascontiguousarray(g, powers.dtype)
    compiled("kept_entropy_grad", FORMATS[powers.dtype])(cotangent, powers, sums, classes, found)
    return found


KEEPING = {"cross_entropy": Keeping(kept_entropy, (kept_entropy_grad, None))}
TABLE = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "cross_entropy": cross_entropy,
    "cross_entropy_grad": cross_entropy_grad,
}
