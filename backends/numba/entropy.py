"""Softmax cross-entropy: the way forward keeps its exponentials, and the way back is one pass over them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.gradients import Keeping
from chainrule.backends.numba import math
from chainrule.backends.numba.bits import select
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import inlined_sum, kernel, read_only, writeable
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.rows import BLOCK, exponentials, fits, log_softmax
from chainrule.backends.numba.slices import Sliced

Array = NDArray[Any]
MANY = 4 * BLOCK  # elements, where nothing is left to do with the exponentials of a block


def cross_entropy_loop(f: Format) -> Callable[..., Any]:
    """-log softmax(x)[label] of each row, without keeping the softmax."""
    take, log = exponentials(f), math.log(f)

    def loop(x: Array, labels: Array, losses: Array) -> None:
        rows, columns = x.shape
        step = max(1, MANY // max(1, columns))
        tops, sums = np.empty(step, x.dtype), np.empty(step, x.dtype)
        powers = np.empty((min(rows, step), columns), x.dtype)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            take(x[start:stop], powers[: stop - start], tops, sums)
            for i in range(start, stop):
                if not 0 <= labels[i] < columns:
                    raise IndexError("cross_entropy: a label is outside the columns of the logits")
                losses[i] = log(sums[i - start]) - (x[i, labels[i]] - tops[i - start])

    return loop


def kept_entropy_loop(f: Format) -> Callable[..., Any]:
    """-log softmax(x)[label] of each row, and softmax as numerators and denominators, for the way back."""
    take, log = exponentials(f), math.log(f)

    def loop(x: Array, labels: Array, losses: Array, powers: Array, sums: Array) -> None:
        rows, columns = x.shape
        step = max(1, MANY // max(1, columns))
        tops = np.empty(step, x.dtype)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            take(x[start:stop], powers[start:stop], tops, sums[start:stop])
            for i in range(start, stop):
                if not 0 <= labels[i] < columns:
                    raise IndexError("cross_entropy: a label is outside the columns of the logits")
                losses[i] = x[i, labels[i]] - tops[i - start]
        for i in range(rows):  # apart from what may raise, so that the logarithms fill vectors
            losses[i] = log(sums[i]) - losses[i]

    return loop


def kept_entropy_grad_loop(f: Format) -> Callable[..., Any]:
    """g times (powers / sum - one_hot(label)) of each row."""

    def loop(g: Array, powers: Array, sums: Array, labels: Array, out: Array) -> None:
        for i in range(powers.shape[0]):
            scale, row, target = g[i] / sums[i], powers[i], out[i]
            for j in range(row.size):
                target[j] = row[j] * scale
            target[labels[i]] -= g[i]

    return loop


def soft_entropy_loop(f: Format) -> Callable[..., Any]:
    """-Σ y log softmax(x) of each row, and its derivative, softmax(x) Σ y - y."""
    take, log, weigh = exponentials(f), math.log(f), weighing(f)

    def loop(x: Array, y: Array, losses: Array, slopes: Array) -> None:
        rows, columns = x.shape
        step = max(1, BLOCK // max(1, columns))
        tops, sums, shares = np.empty(step, x.dtype), np.empty(rows, x.dtype), np.empty(rows, x.dtype)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            take(x[start:stop], slopes[start:stop], tops, sums[start:stop])
            for i in range(start, stop):
                losses[i], shares[i] = weigh(x[i], tops[i - start], y[i])
                scale, row, target = shares[i] / sums[i], slopes[i], y[i]
                for j in range(columns):
                    row[j] = row[j] * scale - target[j]
        for i in range(rows):
            losses[i] = shares[i] * log(sums[i]) - losses[i]

    return loop


@cache
def weighing(f: Format) -> Any:
    """A function: Σ y (x - top) and Σ y of a row; where y is 0, x may be -inf."""
    zero = f.real(0)

    @inlined_sum
    def weigh(x: Array, top: Any, y: Array) -> Any:
        total = share = zero
        for j in range(x.size):
            total += select(y[j] == zero, zero, y[j] * (x[j] - top))
            share += y[j]
        return total, share

    return weigh


def scaled_rows_loop(f: Format) -> Callable[..., Any]:
    """g times x of each row."""

    def loop(g: Array, x: Array, out: Array) -> None:
        for i in range(x.shape[0]):
            scale, row, target = g[i], x[i], out[i]
            for j in range(row.size):
                target[j] = row[j] * scale

    return loop


# name: the loop, its arguments (m a matrix, v a vector, l labels, all read; M, V those that it writes)
LOOPS: dict[str, tuple[Callable[[Format], Callable[..., Any]], str]] = {
    "cross_entropy": (cross_entropy_loop, "mlV"),
    "kept_entropy": (kept_entropy_loop, "mlVMV"),
    "kept_entropy_grad": (kept_entropy_grad_loop, "vmvlM"),
    "soft_entropy": (soft_entropy_loop, "mmVM"),
    "scaled_rows": (scaled_rows_loop, "vmM"),
}


@cache
def compiled(name: str, f: Format) -> Sliced:
    """The kernel of one function for one format."""
    kinds = {
        "m": read_only(f.real, 2),
        "v": read_only(f.real),
        "l": types.Array(types.int64, 1, "C", readonly=True),
        "M": writeable(f.real, 2),
        "V": writeable(f.real),
    }
    loop, letters = LOOPS[name]
    run = kernel(loop(f), f"{name}-{f.name}", *(kinds[letter] for letter in letters))
    return Sliced(run, *range(len(letters)), counted=letters.index("m"), unit=1)


def suits(logits: Any) -> bool:
    """Whether there is something that a kernel can read in place."""
    return fits(logits) and logits.ndim == 2 and logits.size > 0


def cross_entropy(logits: Array, labels: Array) -> Array:
    if not suits(logits):
        return reference.cross_entropy(logits, labels)  # type: ignore[no-any-return]
    losses = np.empty(logits.shape[0], logits.dtype)
    classes = np.ascontiguousarray(labels, np.int64)
    run = compiled("cross_entropy", FORMATS[logits.dtype]).suited(logits.size)
    run(logits, classes, losses)
    return losses


def kept_entropy(logits: Array, labels: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return `cross_entropy`, and what its gradient needs: numerators and denominators of softmax, the labels."""
    if not suits(logits):
        losses, kept = reference.keeping["cross_entropy"].forward(logits, labels)
        return losses, (kept,)
    losses, sums = np.empty(len(logits), logits.dtype), np.empty(len(logits), logits.dtype)
    powers, classes = np.empty(logits.shape, logits.dtype), np.ascontiguousarray(labels, np.int64)
    run = compiled("kept_entropy", FORMATS[logits.dtype]).suited(logits.size)
    run(logits, classes, losses, powers, sums)
    return losses, (powers, sums, classes)


def kept_entropy_grad(kept: tuple[Array, ...], g: Array, out: Array, logits: Array, labels: Array) -> Array:
    """The cotangent of the logits of `kept_entropy`."""
    if len(kept) == 1:
        gradient = reference.keeping["cross_entropy"].gradients[0]
        return gradient(kept[0], g, out, logits, labels)  # type: ignore[misc, no-any-return]
    powers, sums, classes = kept
    found = np.empty_like(powers)
    cotangent = np.ascontiguousarray(g, powers.dtype)
    run = compiled("kept_entropy_grad", FORMATS[powers.dtype]).suited(powers.size)
    run(cotangent, powers, sums, classes, found)
    return found


def soft_entropy(logits: Array, targets: Array) -> tuple[Array, Any]:
    """Return `soft_cross_entropy`, and its derivative by the logits, or what NumPy keeps for that."""
    if not suits(logits) or targets.dtype != logits.dtype:
        return reference.keeping["soft_cross_entropy"].forward(logits, targets)
    losses, slopes = np.empty(len(logits), logits.dtype), np.empty(logits.shape, logits.dtype)
    run = compiled("soft_entropy", FORMATS[logits.dtype]).suited(logits.size)
    run(logits, np.ascontiguousarray(targets), losses, slopes)
    return losses, slopes


def soft_entropy_grad(kept: Any, g: Array, out: Array, logits: Array, targets: Array) -> Array:
    """The cotangent of the logits of `soft_entropy`."""
    if isinstance(kept, tuple):
        gradient = reference.keeping["soft_cross_entropy"].gradients[0]
        return gradient(kept, g, out, logits, targets)  # type: ignore[misc, no-any-return]
    cotangent = np.ascontiguousarray(g, kept.dtype)
    found: Array = np.empty_like(kept)
    compiled("scaled_rows", FORMATS[kept.dtype]).suited(kept.size)(cotangent, kept, found)
    return found


def soft_targets_grad(kept: Any, g: Array, out: Array, logits: Array, targets: Array) -> Array:
    """The cotangent of the targets of `soft_entropy`."""
    return np.expand_dims(-g, -1) * log_softmax(logits, -1)


KEEPING = {
    "cross_entropy": Keeping(kept_entropy, (kept_entropy_grad, None)),
    "soft_cross_entropy": Keeping(soft_entropy, (soft_entropy_grad, soft_targets_grad)),
}
TABLE = {
    "cross_entropy": cross_entropy,
    "soft_cross_entropy": lambda logits, targets: soft_entropy(logits, targets)[0],
}
