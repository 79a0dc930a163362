"""How nodes meet NumPy: its operators are taken over, its functions answered with the name of ours."""

from typing import Any

import numpy as np

from chainrule.autograd import ops

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
_OTHER_NAMES = {"absolute": "abs", "negative": "neg", "rint": "round"}


def array_ufunc(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
    """Answer ``array * node`` with a node, and ``numpy.sin(node)`` with the name of the function that records."""
    if method == "__call__" and not settings and ufunc in _OPERATORS:
        return _OPERATORS[ufunc](*inputs)
    name = _OTHER_NAMES.get(ufunc.__name__, ufunc.__name__)
    if method == "__call__" and hasattr(ops, name):
        advice = f"use chainrule.{name}, which records it"
    else:
        advice = f"chainrule has no {name}; use .data for its array, which is outside the graph"
    raise TypeError(f"numpy.{ufunc.__name__} does not work on a {type(self).__name__}: {advice}")
