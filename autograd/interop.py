"""How nodes meet NumPy: its operators are taken over, its functions answered with the name of ours."""

from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.autograd.node import Node, data_of

_OPERATORS: dict[Any, Any] = {
    np.add: ops.add,
    np.subtract: ops.sub,
    np.multiply: ops.mul,
    np.true_divide: ops.div,
    np.power: ops.pow,
    np.floor_divide: ops.floor_divide,
    np.remainder: ops.remainder,
    np.matmul: ops.matmul,
    np.greater: ops.greater,
    np.greater_equal: ops.greater_equal,
    np.less: ops.less,
    np.less_equal: ops.less_equal,
    np.equal: ops.equal,
    np.not_equal: ops.not_equal,
}
_OTHER_NAMES = {
    "absolute": "abs",
    "negative": "neg",
    "rint": "round",
    "subtract": "sub",
    "multiply": "mul",
    "true_divide": "div",
    "divide": "div",
    "power": "pow",
    "amax": "max",
    "amin": "min",
}
# What NumPy has and we have not, and what to write for it.
_INSTEAD = {
    "vstack": "chainrule.concatenate([...], 0)",
    "hstack": "chainrule.concatenate([...], -1)",
    "column_stack": "chainrule.stack([...], 1)",
    "array_split": "chainrule.split(x, positions)",
    "atleast_1d": "x.reshape(-1)",
    "atleast_2d": "x[None]",
    "nonzero": "x.data.nonzero()",
    "unique": "numpy.unique(x.data)",
    "percentile": "chainrule.sort(x), then index",
    "quantile": "chainrule.sort(x), then index",
}
_OF_UFUNCS = {
    ("add", "reduce"): "sum",
    ("multiply", "reduce"): "prod",
    ("maximum", "reduce"): "max",
    ("minimum", "reduce"): "min",
    ("add", "accumulate"): "cumsum",
    ("multiply", "accumulate"): "cumprod",
    ("add", "at"): "index_add",
    ("multiply", "outer"): "outer",
}
_CREATE = {"zeros_like", "ones_like", "full_like"}
# Functions that only look at an array, and whose result no gradient could flow through.
_LOOK = {np.shape, np.ndim, np.size, np.allclose, np.isclose, np.array_equal, np.array_repr, np.array_str,
         np.array2string, np.iscomplexobj, np.isrealobj, np.result_type, np.can_cast, np.may_share_memory,
         np.shares_memory}  # fmt: skip


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
    """Answer ``array * node`` with a node, and ``numpy.sin(node)`` with the name of the function that records."""
    if method == "__call__" and not settings and ufunc in _OPERATORS:
        return _OPERATORS[ufunc](*inputs)
    if "out" in settings:
        raise TypeError(
            f"an array cannot be updated in place with a {type(self).__name__}, whose graph it would lose; "
            "write a = a + t instead of a += t"
        )
    asked = f"numpy.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
    other = _OF_UFUNCS.get((ufunc.__name__, method))
    raise TypeError(_advice(self, asked, other or _OTHER_NAMES.get(ufunc.__name__, ufunc.__name__)))


def array_function(self: Any, function: Any, types: Any, args: Any, settings: Any) -> Any:
    """Answer ``numpy.dot(array, node)`` with the name of the function that records, instead of losing the graph."""
    if function in _LOOK:
        return function(*(_plain(x) for x in args), **{key: _plain(x) for key, x in settings.items()})
    name = _OTHER_NAMES.get(function.__name__, function.__name__)
    raise TypeError(_advice(self, f"{function.__module__}.{function.__name__}", name))


def _plain(x: Any) -> Any:
    return np.asarray(data_of(x)) if isinstance(x, Node) else x


def _advice(node: Any, asked: str, name: str) -> str:
    advice = f"chainrule has no {name}; use .data for its array, which is outside the graph"
    if hasattr(ops, name) or name in _CREATE:
        advice = f"use chainrule.{name}, which records it"
    elif name in _INSTEAD:
        advice = f"write {_INSTEAD[name]}"
    return f"{asked} does not work on a {type(node).__name__}: {advice}"
