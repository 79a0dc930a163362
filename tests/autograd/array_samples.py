"""Arguments for the functions of whole arrays, as data: (name, function, a shape or an array for each argument).

Random numbers of the shapes are drawn by `samples.py`. Functions that are composed of others are here too.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autograd import ops

Entry = tuple[Any, ...]

SQUARE = np.array([[2.0, 0.5, -0.3], [0.4, 1.5, 0.2], [-0.6, 0.1, 1.8]])
STACK = np.stack([SQUARE, SQUARE.T - 0.2, 0.5 * SQUARE + np.eye(3)])[:2]
POSITIVE = SQUARE @ SQUARE.T + np.eye(3)
ZEROS = np.array([[0.5, 0.0, 2.0, -1.0], [0.0, 1.5, 0.0, 0.7]])


def einsum(subscripts: str) -> Callable[..., Any]:
    return lambda *operands: ops.einsum(subscripts, *operands)


def along(function: Callable[..., Any], *args: Any, **params: Any) -> Callable[..., Any]:
    return lambda *x: function(*x, *args, **params)


REDUCTIONS: list[Entry] = [
    ("norm", along(ops.norm, ord=1), (2, 3)),
    ("norm", along(ops.norm, axis=0, keepdims=True, ord=np.inf), (2, 3)),
    ("norm", along(ops.norm, axis=(0, 2), ord=-np.inf), (2, 3, 2)),
    ("norm", along(ops.norm, axis=-1, ord=3), (2, 3)),
    ("norm", along(ops.norm, axis=(0, 1), keepdims=True, ord=1.5), (2, 3)),
    ("norm", along(ops.norm, ord=-2), (4,)),
    ("var", along(ops.var, 0, True, 1), (3, 2)),
    ("std", along(ops.std, (0, 1)), (3, 2)),
    ("nansum", along(ops.nansum, 0), (3, 2)),
    ("nanmean", along(ops.nanmean, -1, True), (3, 2)),
    ("cumprod", along(ops.cumprod, 1), ZEROS),
    ("cumprod", along(ops.cumprod, 0), ZEROS),
    ("logcumsumexp", along(ops.logcumsumexp, 0), (5,)),
    ("logcumsumexp", along(ops.logcumsumexp, -1), (2, 3)),
    ("logcumsumexp", along(ops.logcumsumexp, 1), (2, 0)),
    ("diff", ops.diff, (4,)),
    ("diff", along(ops.diff, 2, 0), (4, 2)),
    ("diff", lambda x, a, b: ops.diff(x, 2, 0, prepend=a, append=b), (3, 2), (), (2, 2)),
    ("diff", along(ops.diff, 5), (2, 3)),
    ("maximum", ops.clip, (2, 3), (3,), (2, 1)),
    *((name, getattr(ops, name), (2, 3)) for name in ("cumsum", "cumprod", "logcumsumexp")),
    ("take", along(ops.take, [3, 0, 3]), (2, 2)),
    ("sort", ops.sort, (2, 4)),
    ("sort", along(ops.sort, 0), (3, 2)),
    ("median", ops.median, (5,)),
    ("median", along(ops.median, (0, 2), True), (2, 3, 2)),
    ("median", along(ops.median, 1), (2, 4)),
]

REARRANGED: list[Entry] = [
    ("moveaxis", along(ops.moveaxis, (0, 1), (-1, 0)), (2, 3, 4)),
    ("flip", ops.flip, (2, 3)),
    ("flip", along(ops.flip, (0, 2)), (2, 3, 2)),
    ("roll", along(ops.roll, 1), (2, 3)),
    ("roll", along(ops.roll, -1), (4,)),
    ("roll", along(ops.roll, (1, 2), (0, 1)), (2, 3)),
    ("roll", along(ops.roll, 2, -1), (2, 0)),
    *(("rot90", along(ops.rot90, k), (2, 3)) for k in (-1, 0, 1, 2)),
    ("rot90", along(ops.rot90, 1, (1, 2)), (2, 3, 2)),
    ("repeat", along(ops.repeat, 2), (2, 2)),
    ("repeat", along(ops.repeat, 3, -1), (2, 2)),
    ("repeat", along(ops.repeat, (0, 2, 1), 0), (3, 2)),
    ("tile", along(ops.tile, 2), (2, 2)),
    ("tile", along(ops.tile, (2, 1, 3)), (2, 2)),
    ("tile", along(ops.tile, (2,)), (1, 2, 2)),
    ("tril", ops.tril, (3, 3)),
    ("tril", along(ops.tril, 1), (2, 2, 3)),
    ("triu", along(ops.triu, -1), (3, 2)),
    ("diag", ops.diag, (3,)),
    ("diag", along(ops.diag, -1), (2,)),
    ("diag", along(ops.diag, 1), (3, 4)),
    ("diagonal", along(ops.diagonal, 0, 0, 2), (2, 3, 2)),
    ("diagonal", along(ops.diagonal, 5), (2, 2)),
    ("trace", along(ops.trace, 1), (3, 3)),
    ("trace", along(ops.trace, 0, -2, -1), (2, 3, 3)),
    ("pad", along(ops.pad, 1, value=7.0), (2, 2)),
    *(
        ("pad", along(ops.pad, ((2, 1), (0, 3)), mode), (3, 2))
        for mode in ("edge", "reflect", "symmetric", "wrap")
    ),
    ("concatenate", lambda *x: ops.concatenate(x, None), (2, 2), (), (3,)),
]

PICK = np.array([[0, 2, 0, 1], [1, 1, 2, 2]])
PICKED: list[Entry] = [
    ("take", along(ops.take, PICK, 1), (2, 3, 2)),
    ("take", along(ops.take, [], 0), (2, 3)),
    ("scatter_axis", along(ops.scatter_axis, PICK, 1, 4), (2, 2, 4, 2)),
    ("scatter_axis", along(ops.scatter_axis, [2, -1, 0], 0, 3), (3, 2)),
    ("scatter_axis", along(ops.scatter_axis, [], 0, 2), (0, 3)),
    ("take_along_axis", along(ops.take_along_axis, PICK, -1), (2, 3)),
    ("take_along_axis", along(ops.take_along_axis, PICK[:1], 0), (3, 4)),
    ("take_along_axis", along(ops.take_along_axis, PICK, 1), (1, 3)),
    ("scatter_along_axis", along(ops.scatter_along_axis, PICK, 1, (2, 3)), (2, 4)),
    ("gather", along(ops.gather, PICK[:, :2], 1), (3, 3)),
    ("gather", along(ops.gather, PICK, 0), (3, 4)),
    ("index_add", lambda x, v: ops.index_add(x, [0, 0, 2], v), (3, 2), (3, 2)),
    ("index_add", lambda x, v: ops.index_add(x, (slice(None), 1), v), (2, 3), ()),
    ("index_add", lambda x, v: ops.index_add(x, np.eye(2, dtype=bool), v), (2, 2), (1,)),
    ("embedding", along(ops.embedding, PICK), (3, 2)),
]

PRODUCTS: list[Entry] = [
    ("dot", ops.dot, (2, 3, 2), (4, 2, 3)),
    ("dot", ops.dot, (2, 3, 2), (2,)),
    ("dot", ops.dot, (), (2, 3)),
    ("vdot", ops.vdot, (2, 3), (3, 2)),
    ("vecdot", ops.vecdot, (2, 3), (3,)),
    ("vecdot", along(ops.vecdot, 0), (2, 3), (2, 1)),
    ("inner", ops.inner, (2, 3), (4, 3)),
    ("inner", ops.inner, (3,), (3,)),
    ("inner", ops.inner, (), (3,)),
    ("outer", ops.outer, (2,), (3,)),
    ("kron", ops.kron, (2, 2), (3,)),
    ("kron", ops.kron, (2, 1), (1, 3)),
    ("cross", ops.cross, (2, 3), (3,)),
    ("cross", along(ops.cross, 0), (3, 2), (3, 1)),
    ("tensordot", ops.tensordot, (2, 3, 4), (3, 4, 2)),
    ("tensordot", along(ops.tensordot, ([0, 2], [1, 0])), (2, 3, 4), (4, 2)),
    ("tensordot", along(ops.tensordot, 0), (2,), (3,)),
    *(
        ("einsum", einsum(subscripts), *shapes)
        for subscripts, *shapes in (
            ("ij,jk->ik", (2, 3), (3, 4)),
            ("ij,jk", (2, 3), (3, 4)),
            ("ji", (2, 3)),
            ("ii", (3, 3)),
            ("ii->i", (3, 3)),
            ("iij->j", (2, 2, 3)),
            ("ijij->ij", (2, 3, 2, 3)),
            ("i->", (3,)),
            ("i,i,i->i", (3,), (3,), (3,)),
            ("bi,bj,ij->b", (2, 3), (2, 2), (3, 2)),
            ("ij,k->i", (2, 3), (2,)),
            ("...ij,...jk->...ik", (2, 3, 2), (2, 3)),
            ("...i,i...", (2, 3), (3, 2)),
            ("i...->...", (2, 3, 2)),
            ("ij,ij->ij", (1, 3), (2, 3)),
            ("ij,jk->ik", (2, 1), (3, 2)),
            ("ij->ij", (1, 3)),
            ("ii,ij->j", (2, 2), (2, 3)),
            (",ij->ji", (), (2, 3)),
            ("i,j->ij", (0,), (2,)),
            ("...,...", (2, 1), (3,)),
        )
    ),
]

SOLVED: list[Entry] = [
    *((name, getattr(ops, name), array) for name in ("inv", "det", "pinv") for array in (SQUARE, STACK)),
    ("pinv", ops.pinv, (2, 4)),
    ("pinv", ops.pinv, (2, 3, 2)),
    ("solve", ops.solve, SQUARE, (3,)),
    ("solve", ops.solve, SQUARE, (3, 2)),
    ("solve", ops.solve, STACK, (3,)),
    ("solve", ops.solve, SQUARE, (2, 3, 2)),
    ("solve", ops.solve, STACK, (2, 3, 2)),
    ("logabsdet", lambda x: ops.slogdet(x).logabsdet, STACK),
    ("logabsdet", lambda x: ops.slogdet(-x).logabsdet, SQUARE),
    ("cholesky", ops.cholesky, POSITIVE),
    ("cholesky", ops.cholesky, np.stack([POSITIVE, 2 * POSITIVE])),
    *(("matrix_norm", along(ops.matrix_norm, ord=ord), (2, 3)) for ord in ("fro", 1, -1, np.inf)),
    ("matrix_norm", along(ops.matrix_norm, ord=-np.inf, keepdims=True), (2, 3, 2)),
    *(("matrix_power", along(ops.matrix_power, n), SQUARE) for n in (-2, -1, 0, 1, 2, 5)),
    ("matrix_power", along(ops.matrix_power, 3), STACK),
]

NEURAL: list[Entry] = [
    ("standardize", ops.standardize, (2, 4)),
    ("standardize", along(ops.standardize, (0, 2), 0.1), (3, 2, 2)),
    ("normalize", ops.layer_norm, (2, 3), (3,), (3,)),
    ("normalize", ops.batch_norm, (3, 2, 2), (2,), (2,)),
    ("layer_norm", along(ops.layer_norm, None, 0.1), (2, 3), (2, 3)),
    ("layer_norm", ops.layer_norm, (3,), (2, 3), (1,)),
    ("layer_norm", along(ops.layer_norm, axis=(1, 2)), (2, 3, 2), (3, 2)),
    ("batch_norm", ops.batch_norm, (4, 2), (2,), (2,)),
    ("batch_norm", ops.batch_norm, (2, 3, 2, 2), (3,), (3,)),
    ("batch_norm", lambda x, w, b, m: ops.batch_norm(x, w, b, m, m * m + 1), (2, 3, 2), (3,), (3,), (3,)),
    ("glu", along(ops.glu, 0), (4, 2)),
    ("conv1d", ops.conv1d, (2, 2, 5), (3, 2, 3), (3,)),
    ("conv1d", along(ops.conv1d, None, 3, 2), (1, 1, 5), (2, 1, 2)),
    ("conv2d", ops.conv2d, (2, 2, 3, 4), (2, 2, 2, 3), (2,)),
    ("conv2d", along(ops.conv2d, None, 2, 1), (1, 2, 4, 3), (2, 2, 3, 2)),
    ("conv2d", along(ops.conv2d, None, (2, 1), (0, 1)), (1, 1, 4, 2), (1, 1, 3, 3)),
    ("conv2d", ops.conv2d, (0, 1, 3, 3), (2, 1, 2, 2)),
    ("conv", along(ops.conv, (2,), (1,)), (2, 2, 4), (1, 2, 2)),
    ("conv_input", along(ops.conv_input, (5,), (2,), (1,)), (2, 3, 3), (3, 2, 2)),
    ("conv_input", along(ops.conv_input, (4, 3), (2, 1), (1, 0)), (1, 2, 2, 2), (2, 1, 3, 2)),
    ("conv_weight", along(ops.conv_weight, (2,), (2,), (1,)), (2, 2, 5), (2, 3, 3)),
    ("conv_weight", along(ops.conv_weight, (3, 2), (2, 1), (1, 0)), (1, 1, 4, 3), (1, 2, 2, 2)),
    ("windows", along(ops.windows, (2, 2), (1, 2)), (2, 3, 4)),
    ("overlap_add", along(ops.overlap_add, (2, 5), (2,)), (2, 2, 3)),
    ("max_pool1d", along(ops.max_pool1d, 2), (2, 5)),
    ("max_pool1d", along(ops.max_pool1d, 3, 1, 1), (2, 1, 4)),
    ("max_pool2d", along(ops.max_pool2d, 2), (1, 2, 4, 4)),
    ("max_pool2d", along(ops.max_pool2d, (3, 2), (1, 2), (1, 0)), (3, 4)),
    ("avg_pool1d", along(ops.avg_pool1d, 3, 2, 1), (2, 5)),
    ("avg_pool2d", along(ops.avg_pool2d, (2, 1), 1, (1, 0)), (2, 3, 2)),
]

ENTRIES = [*REDUCTIONS, *REARRANGED, *PICKED, *PRODUCTS, *SOLVED, *NEURAL]
