"""Products of vectors, matrices and tensors, of two operands or more."""

import math
from collections import Counter
from collections.abc import Sequence
from string import ascii_letters
from typing import Any

from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import apply
from chainrule.autograd.op import Op
from chainrule.autograd.ops.define import Operand
from chainrule.autograd.ops.elementwise import mul
from chainrule.autograd.ops.rearrange import diagonal
from chainrule.autograd.ops.reduce import sum
from chainrule.autograd.ops.shape import (
    expand_dims,
    ndim,
    one_axis,
    ravel,
    reshape,
    shape,
    squeeze,
    transpose,
)


def _matmul_x(xp: Any, g: Any, x: Any, y: Any) -> Any:
    """Cotangent of x in x @ y: g @ yᵀ, and its forms where x or y is a vector."""
    if xp.ndim(y) == 1:
        return g * y if xp.ndim(x) == 1 else xp.expand_dims(g, -1) * y
    if xp.ndim(x) == 1:
        return xp.squeeze(xp.matmul(y, xp.expand_dims(g, -1)), -1)
    return xp.matmul(g, xp.swapaxes(y, -1, -2))


def _matmul_y(xp: Any, g: Any, x: Any, y: Any) -> Any:
    """Cotangent of y in x @ y: xᵀ @ g, and its forms where x or y is a vector."""
    if xp.ndim(x) == 1:
        return g * x if xp.ndim(y) == 1 else xp.expand_dims(x, -1) * xp.expand_dims(g, -2)
    if xp.ndim(y) == 1:
        return xp.squeeze(xp.matmul(xp.swapaxes(x, -1, -2), xp.expand_dims(g, -1)), -1)
    return xp.matmul(xp.swapaxes(x, -1, -2), g)


def _einsum_rule(xp: Any, g: Any, inputs: tuple[Any, ...], position: int, subscripts: str) -> Any:
    """The cotangent of one operand is an einsum too: it changes places with the result."""
    terms, result = subscripts.split("->")
    parts = terms.split(",")
    others = [(t, x) for i, (t, x) in enumerate(zip(parts, inputs, strict=True)) if i != position]
    swapped = f"{','.join([result, *(t for t, _ in others)])}->{parts[position]}"
    return xp.contract((g, *(x for _, x in others)), swapped)


_MATMUL = Op(
    "matmul",
    "bilinear",
    lambda xp, g, out, x, y: _matmul_x(xp, g, x, y),
    lambda xp, g, out, x, y: _matmul_y(xp, g, x, y),
)
_CROSS = Op(
    "cross",
    "bilinear",
    lambda xp, g, out, x, y, axis: xp.cross(y, g, axis=axis),
    lambda xp, g, out, x, y, axis: xp.cross(g, x, axis=axis),
)
_EINSUM = Op(
    "einsum",
    "bilinear",
    lambda xp, g, out, *inputs, position, subscripts: _einsum_rule(xp, g, inputs, position, subscripts),
    variadic=True,
)


def matmul(x: Operand, y: Operand) -> Any:
    """The matrix product x @ y, with NumPy's rules for vectors and for stacks of matrices.

    Args:
        x: shape (..., n, k), or (k,).
        y: shape (..., k, m), or (k,).

    Returns:
        A Tensor of shape (..., n, m); a vector's axis is left out.

    Raises:
        ShapeError: the inner lengths differ, or an operand is a scalar.

    Example:
        >>> Tensor([[1.0, 2.0], [3.0, 4.0]]) @ Tensor([1.0, 1.0])
        Tensor([3., 7.], op=matmul)
    """
    a, b = shape(x), shape(y)
    if not a or not b:
        raise ShapeError(f"matmul: shapes {a} and {b}: a scalar has no matrix product; use * instead")
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] != inner:
        raise ShapeError(
            f"matmul: shapes {a} and {b} do not multiply: the last axis of the first has {a[-1]}, "
            f"the {'second last' if len(b) > 1 else 'only'} axis of the second has {inner}"
        )
    return apply(_MATMUL, x, y)


def dot(x: Operand, y: Operand) -> Any:
    """NumPy's dot: Σ xᵢ yᵢ of vectors, the matrix product of matrices, the product with a scalar.

    Of more axes it sums over the last of x and the second last of y, for every pair of the others.

    Example:
        >>> dot(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
        Tensor(11., op=matmul)
    """
    if not ndim(x) or not ndim(y):
        return mul(x, y)
    if ndim(x) <= 2 and ndim(y) <= 2:
        return matmul(x, y)
    return tensordot(x, y, (-1, max(ndim(y) - 2, 0)))


def vdot(x: Operand, y: Operand) -> Any:
    """Σ xᵢ yᵢ over all elements of two tensors with equally many.

    Raises:
        ShapeError: the numbers of elements differ.

    Example:
        >>> vdot(Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]]))
        Tensor(11., op=matmul)
    """
    return matmul(ravel(x), ravel(y))


def vecdot(x: Operand, y: Operand, axis: int = -1) -> Any:
    """Σ xᵢ yᵢ along one axis of two tensors that broadcast.

    Args:
        x: a Tensor.
        y: a Tensor whose shape broadcasts with that of x.
        axis: the axis to sum over.

    Returns:
        A Tensor of the broadcast shape without that axis.

    Example:
        >>> vecdot(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 1.0]))
        Tensor([3., 7.], op=sum)
    """
    return sum(mul(x, y), axis)


def inner(x: Operand, y: Operand) -> Any:
    """Σ xᵢ yᵢ along the last axes, for every pair of the others; with a scalar, the product.

    Raises:
        ShapeError: the last axes differ.

    Example:
        >>> inner(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0], [5.0, 6.0]]))
        Tensor([[11., 17.]], op=reshape)
    """
    return tensordot(x, y, (-1, -1)) if ndim(x) and ndim(y) else mul(x, y)


def outer(x: Operand, y: Operand) -> Any:
    """The outer product: element (i, j) is xᵢ yⱼ.

    Args:
        x: shape (n,).
        y: shape (m,).

    Returns:
        A Tensor of shape (n, m).

    Raises:
        ShapeError: an operand is no vector.

    Example:
        >>> outer(Tensor([1.0, 2.0]), Tensor([3.0, 4.0]))
        Tensor([[3., 4.],
                [6., 8.]], op=mul)
    """
    if ndim(x) != 1 or ndim(y) != 1:
        raise ShapeError(
            f"outer: shapes {shape(x)} and {shape(y)}: both must be vectors; flatten with .ravel()"
        )
    return mul(expand_dims(x, 1), y)


def kron(x: Operand, y: Operand) -> Any:
    """The Kronecker product: each element of x, multiplied by all of y.

    Args:
        x: a Tensor of any shape.
        y: a Tensor of any shape; whichever has fewer axes gets axes of length 1 in front.

    Returns:
        A Tensor whose axes are as long as the product of those of x and y.

    Example:
        >>> kron(Tensor([1.0, 10.0]), Tensor([1.0, 2.0]))
        Tensor([ 1.,  2., 10., 20.], op=reshape)
    """
    depth = max(ndim(x), ndim(y))
    a, b = ((1,) * (depth - ndim(z)) + shape(z) for z in (x, y))
    left = reshape(x, tuple(n for length in a for n in (length, 1)))
    right = reshape(y, tuple(n for length in b for n in (1, length)))
    return reshape(mul(left, right), tuple(n * m for n, m in zip(a, b, strict=True)))


def cross(x: Operand, y: Operand, axis: int = -1) -> Any:
    """The cross product of vectors with three elements.

    Args:
        x: a Tensor of length 3 along `axis`.
        y: likewise, of a shape that broadcasts.
        axis: the axis of the vectors.

    Returns:
        A Tensor of the broadcast shape.

    Raises:
        ShapeError: there is no such axis, or its length is not 3.

    Example:
        >>> cross(Tensor([1.0, 0.0, 0.0]), Tensor([0.0, 1.0, 0.0]))
        Tensor([0., 0., 1.], op=cross)
    """
    for operand in (x, y):
        dims = shape(operand)
        if dims[one_axis("cross", dims, axis)] != 3:
            raise ShapeError(
                f"cross: shapes {shape(x)} and {shape(y)}: axis {axis} of both must have length 3"
            )
    return apply(_CROSS, x, y, axis=axis)


def tensordot(x: Operand, y: Operand, axes: int | tuple[Any, Any] = 2) -> Any:
    """Sum of products over chosen axes, for every pair of the others.

    Args:
        x: a Tensor of any shape.
        y: a Tensor of any shape.
        axes: how many axes, the last of x and the first of y; or a pair: those of x and those of y.

    Returns:
        A Tensor with the remaining axes of x, then those of y.

    Raises:
        ShapeError: the axes do not exist or have different lengths.

    Example:
        >>> tensordot(Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0]), 1)
        Tensor([11.], op=reshape)
    """
    a, b = shape(x), shape(y)
    over = (tuple(range(-axes, 0)), tuple(range(axes))) if isinstance(axes, int) else axes
    left, right = (
        [one_axis("tensordot", dims, i) for i in (part if isinstance(part, tuple | list) else (part,))]
        for dims, part in zip((a, b), over, strict=True)
    )
    if [a[i] for i in left] != [b[i] for i in right]:
        raise ShapeError(f"tensordot: shapes {a} and {b} differ on axes {left} and {right}")
    keep_a = [i for i in range(len(a)) if i not in left]
    keep_b = [i for i in range(len(b)) if i not in right]
    rows, columns = [a[i] for i in keep_a], [b[i] for i in keep_b]
    between = math.prod(a[i] for i in left)
    product = matmul(
        reshape(transpose(x, (*keep_a, *left)), (math.prod(rows), between)),
        reshape(transpose(y, (*right, *keep_b)), (between, math.prod(columns))),
    )
    return reshape(product, (*rows, *columns))


def einsum(subscripts: str, *operands: Operand) -> Any:
    """Einstein's sum: name the axes by letters, multiply, and sum over the letters that the result lacks.

    Args:
        subscripts: the letters of each operand, separated by commas, then ``->`` and those of the result. Without
            the arrow, the result has the letters that occur once, in alphabetical order. ``...`` stands for any
            further axes, which broadcast. A letter twice in one operand means its diagonal.
        operands: Tensors or arrays.

    Returns:
        A Tensor with the axes of the result.

    Raises:
        ShapeError: a letter stands for different lengths, or the letters do not fit the shapes.
        ValueError: the subscripts cannot be read.

    Example:
        >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> einsum("ij,jk->ik", x, x).numpy()
        array([[ 7., 10.],
               [15., 22.]])
        >>> einsum("ii", x).item()
        5.0
    """
    if not isinstance(subscripts, str):
        raise ValueError(
            f"einsum: the subscripts come first, such as 'ij,jk->ik'; got {type(subscripts).__name__}"
        )
    terms, result = _letters(subscripts, [shape(x) for x in operands])
    lengths = _lengths(subscripts, terms, [shape(x) for x in operands])
    parts = [_once(x, term) for x, term in zip(operands, terms, strict=True)]
    parts = [_narrow(x, term, lengths) for x, term in parts]
    missing = [c for c in result if not any(c in term for _, term in parts)]
    reduced = []
    for i, (x, term) in enumerate(parts):
        elsewhere = set(result).union(*(other for j, (_, other) in enumerate(parts) if j != i))
        alone = tuple(k for k, c in enumerate(term) if c not in elsewhere)
        kept = "".join(c for c in term if c in elsewhere)
        reduced.append((sum(x, alone) if alone else x, kept))
    inside = "".join(c for c in result if c not in missing)
    found = contract([x for x, _ in reduced], f"{','.join(term for _, term in reduced)}->{inside}")
    return expand_dims(found, tuple(result.index(c) for c in missing)) if missing else found


def contract(operands: Sequence[Operand], subscripts: str) -> Any:
    """`einsum` where no operand has a letter twice, or one that only it has: its own derivative."""
    return apply(_EINSUM, *operands, subscripts=subscripts)


def _letters(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, with letters of their own for ``...``."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, got {len(shapes)}")
    if not set(left + result) <= set(ascii_letters + ",.") or any(
        t.count(".") != 3 * t.count("...") or t.count("...") > 1 for t in (*terms, result)
    ):
        raise ValueError(f"einsum: cannot read {subscripts!r}; write letters, commas, '...' and one '->'")
    free = [c for c in ascii_letters if c not in subscripts]
    extra = [len(dims) - len(t.replace("...", "")) for t, dims in zip(terms, shapes, strict=True)]
    for term, dims, n in zip(terms, shapes, extra, strict=True):
        if n < 0 or (n > 0 and "..." not in term):
            raise ShapeError(f"einsum: {term!r} in {subscripts!r} does not fit shape {dims}")
    depth = max((n for term, n in zip(terms, extra, strict=True) if "..." in term), default=0)
    dots = "".join(free[:depth])
    terms = [t.replace("...", dots[depth - n :]) for t, n in zip(terms, extra, strict=True)]
    counts = Counter("".join(terms))
    if not arrow:
        result = "..." * bool(depth) + "".join(c for c in sorted(counts) if counts[c] == 1 and c not in dots)
    result = result.replace("...", dots)
    if len(set(result)) != len(result) or not set(result) <= set(counts):
        raise ValueError(f"einsum: the result of {subscripts!r} must name axes of the operands, each once")
    return terms, result


def _lengths(subscripts: str, terms: list[str], shapes: list[tuple[int, ...]]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for term, dims in zip(terms, shapes, strict=True):
        for letter, n in zip(term, dims, strict=True):
            known = lengths.setdefault(letter, n)
            if known == 1:
                lengths[letter] = n
            elif n not in (1, known):
                raise ShapeError(
                    f"einsum: {letter!r} in {subscripts!r} has length {known} in one operand and {n} in another"
                )
    return lengths


def _once(x: Operand, term: str) -> tuple[Operand, str]:
    """Take the diagonal for each letter that occurs twice in one operand."""
    while repeated := next((c for c in term if term.count(c) > 1), ""):
        first = term.index(repeated)
        second = term.index(repeated, first + 1)
        x = diagonal(x, 0, first, second)
        term = "".join(c for i, c in enumerate(term) if i not in (first, second)) + repeated
    return x, term


def _narrow(x: Operand, term: str, lengths: dict[str, int]) -> tuple[Operand, str]:
    """Drop the axes of length 1 that broadcast against longer ones elsewhere."""
    drop = tuple(i for i, (c, n) in enumerate(zip(term, shape(x), strict=True)) if n == 1 != lengths[c])
    return (squeeze(x, drop), "".join(c for i, c in enumerate(term) if i not in drop)) if drop else (x, term)
