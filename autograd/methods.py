"""Every function of the engine as a method, for the two kinds of node; `methods.pyi` lists them for editors."""

from types import FunctionType
from typing import Any

from chainrule.autograd import ops
from chainrule.autograd.interop import array_function, array_ufunc
from chainrule.autograd.node import Node, in_place
from chainrule.backends import floats

# These are properties, or serve rules only.
_NO_METHODS = {
    "conv",
    "conv_weight",
    "identity",
    "ndim",
    "ones_like",
    "shape",
    "stop_gradient",
    "windows",
    "zeros_like",
}


class ScalarMethods(Node):
    """What a `Value` and a `Tensor` both have: the functions that make sense for one number."""

    __slots__ = ()

    __pandas_priority__ = 5000  # above a table's 4000, so that pandas leaves `table * node` to the node
    __array_ufunc__ = array_ufunc
    __array_function__ = array_function

    def __round__(self, digits: int | None = None) -> Any:
        return ops.round(self, digits or 0)

    __iadd__ = in_place("__add__", "+=")
    __isub__ = in_place("__sub__", "-=")
    __imul__ = in_place("__mul__", "*=")
    __itruediv__ = in_place("__truediv__", "/=")
    __ipow__ = in_place("__pow__", "**=")


class ArrayMethods(ScalarMethods):
    """What only a `Tensor` has: the functions of whole arrays."""

    __slots__ = ()


def methods() -> dict[str, FunctionType]:
    """Return the functions that are methods too: those whose first argument is called x."""
    return {
        name: function
        for name, function in sorted(vars(ops).items())
        if isinstance(function, FunctionType)
        and function.__code__.co_varnames[:1] == ("x",)
        and name not in _NO_METHODS
    }


for _name, _function in methods().items():
    setattr(ScalarMethods if hasattr(floats, _name) else ArrayMethods, _name, _function)
