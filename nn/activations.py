"""Activation functions as modules, and by name.

Each is made of the engine's function of that name: formula, derivative and settings are stated there.
"""

import inspect
import numbers
from collections.abc import Callable
from typing import Any

from chainrule.autograd import ops
from chainrule.nn.module import Module
from chainrule.nn.names import look_up


class Activation(Module):
    """A function of the engine as a module: of each element, or along an axis.

    Its arguments are those of the function of the same name in `chainrule`, after x.

    Raises:
        TypeError: an argument that the function does not have, or that is no number.

    Example:
        >>> nn.LeakyReLU(0.1)(np.array([-2.0, 3.0]))
        array([-0.2,  3. ])
        >>> nn.LeakyReLU(0.1)
        LeakyReLU(negative_slope=0.1)
    """

    scoped = False
    function: Callable[..., Any]
    _signature = inspect.Signature()

    def __init__(self, *args: Any, **settings: Any) -> None:
        bound = self._signature.bind(*args, **settings)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            default = self._signature.parameters[name].default
            kind = numbers.Integral if isinstance(default, int) else numbers.Real
            if isinstance(value, bool) or not isinstance(value, kind):
                what = "a whole number" if kind is numbers.Integral else "a number"
                raise TypeError(f"{type(self).__name__}: {name} must be {what}, got {value!r}")
            setattr(self, name, type(default)(value))

    def forward(self, x: Any) -> Any:
        """Apply the function to a Value, Tensor, number or array."""
        return self.function(x, **self.arguments())

    def arguments(self) -> dict[str, Any]:
        """Return the function's settings."""
        return {name: vars(self)[name] for name in self._signature.parameters}


def _module(name: str, function: Callable[..., Any]) -> type[Activation]:
    """Return the class of a function: its settings and its first line are the function's own."""
    signature = inspect.signature(function)
    settings = inspect.Signature(list(signature.parameters.values())[1:])
    doc = (function.__doc__ or "").partition("\n")[0]
    names = {
        "function": staticmethod(function),
        "__doc__": f"{doc} `chainrule.{function.__name__}` as a module.",
        "__module__": __name__,
        "__signature__": settings,
        "_signature": settings,
    }
    return type(name, (Activation,), names)


def identity(x: Any) -> Any:
    """x itself: no activation."""
    return x


CELU = _module("CELU", ops.celu)
ELU = _module("ELU", ops.elu)
GELU = _module("GELU", ops.gelu)
GLU = _module("GLU", ops.glu)
Hardsigmoid = _module("Hardsigmoid", ops.hardsigmoid)
Hardswish = _module("Hardswish", ops.hardswish)
Hardtanh = _module("Hardtanh", ops.hardtanh)
Identity = _module("Identity", identity)
LeakyReLU = _module("LeakyReLU", ops.leaky_relu)
LogSigmoid = _module("LogSigmoid", ops.log_sigmoid)
LogSoftmax = _module("LogSoftmax", ops.log_softmax)
Mish = _module("Mish", ops.mish)
ReLU = _module("ReLU", ops.relu)
ReLU6 = _module("ReLU6", ops.relu6)
SELU = _module("SELU", ops.selu)
SiLU = _module("SiLU", ops.silu)
Sigmoid = _module("Sigmoid", ops.sigmoid)
Softmax = _module("Softmax", ops.softmax)
Softplus = _module("Softplus", ops.softplus)
Softsign = _module("Softsign", ops.softsign)
Tanh = _module("Tanh", ops.tanh)

# By the name of the function; `glu` is left out, since it halves an axis and so fits between no two layers.
ACTIVATIONS: dict[str, type[Activation]] = {
    kind.function.__name__: kind
    for kind in (
        ReLU, Tanh, Sigmoid, Softplus, LeakyReLU, GELU, SiLU, ELU, SELU, CELU, Mish, Softsign, ReLU6, Hardtanh,
        Hardsigmoid, Hardswish, LogSigmoid, Softmax, LogSoftmax, Identity,
    )
}  # fmt: skip


def activation(given: str | Module | Callable[[Any], Any]) -> Module:
    """Return an activation itself, or a new one of this name, or for this function of `chainrule`.

    Raises:
        TypeError: some other function, or something else.
        ValueError: the name is unknown.

    Example:
        >>> activation("relu")
        ReLU()
    """
    if isinstance(given, Module):
        return given
    if isinstance(given, str):
        return look_up("activation", given, ACTIVATIONS)()
    name = getattr(given, "__name__", "")
    if name in ACTIVATIONS and getattr(ops, name, None) is given:
        return ACTIVATIONS[name]()
    known = next((n for n, kind in ACTIVATIONS.items() if name in (n, kind.__name__)), "tanh")
    raise TypeError(
        f"activation {given!r} is neither a name, nor a module, nor such a function of chainrule: "
        f"pass a name such as {known!r}, or an object such as nn.{ACTIVATIONS[known].__name__}()"
    )


def name_of(given: Module) -> str:
    """Return the name of an activation, or ``""`` for a module that has none.

    Example:
        >>> name_of(nn.Tanh())
        'tanh'
    """
    return next((name for name, kind in ACTIVATIONS.items() if type(given) is kind), "")
