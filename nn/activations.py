"""Activation functions as modules, and by name."""

from collections.abc import Callable
from typing import Any

from chainrule.autograd import ops
from chainrule.nn.module import Module
from chainrule.nn.names import look_up


class Activation(Module):
    """A function without parameters, element by element or along the last axis, as a module.

    Its formula and derivative are those of the function of the same name in `chainrule`.

    Example:
        >>> nn.LeakyReLU(0.1)(np.array([-2.0, 3.0]))
        array([-0.2,  3. ])
    """

    scoped = False
    function: Callable[[Any], Any]

    def forward(self, x: Any) -> Any:
        """Apply the function to a Value, Tensor, number or array."""
        return self.function(x)


class Identity(Activation):
    """x itself: no activation."""

    def forward(self, x: Any) -> Any:
        """Return x."""
        return x


class ReLU(Activation):
    """max(0, x), with derivative 0 at 0."""

    function = staticmethod(ops.relu)


class Tanh(Activation):
    """The hyperbolic tangent, with derivative 1 − tanh²x."""

    function = staticmethod(ops.tanh)


class Sigmoid(Activation):
    """1 / (1 + e⁻ˣ), with derivative σ(x)(1 − σ(x))."""

    function = staticmethod(ops.sigmoid)


class Softplus(Activation):
    """The smooth ReLU ln(1 + eˣ), with derivative σ(x)."""

    function = staticmethod(ops.softplus)


class GELU(Activation):
    """x Φ(x), with Φ the normal distribution."""

    function = staticmethod(ops.gelu)


class SiLU(Activation):
    """x σ(x), also called swish."""

    function = staticmethod(ops.silu)


class LeakyReLU(Activation):
    """x where x > 0, else negative_slope · x; the derivative at 0 is the negative slope.

    Args:
        negative_slope: slope left of 0.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """Apply the function."""
        return ops.leaky_relu(x, self.negative_slope)

    def arguments(self) -> dict[str, Any]:
        """Return the slope."""
        return {"negative_slope": self.negative_slope}


class ELU(Activation):
    """x where x > 0, else alpha · (eˣ − 1).

    Args:
        alpha: minus the limit at −∞.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """Apply the function."""
        return ops.elu(x, self.alpha)

    def arguments(self) -> dict[str, Any]:
        """Return alpha."""
        return {"alpha": self.alpha}


class Softmax(Activation):
    """eˣ / Σ eˣ along one axis: probabilities. Not before `cross_entropy`, which does it itself.

    Args:
        axis: the axis that sums to 1.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Apply the function."""
        return ops.softmax(x, self.axis)

    def arguments(self) -> dict[str, Any]:
        """Return the axis."""
        return {"axis": self.axis}


class LogSoftmax(Softmax):
    """ln softmax(x) along one axis, exact where softmax itself would be 0; arguments as `Softmax`."""

    def forward(self, x: Any) -> Any:
        """Apply the function."""
        return ops.log_softmax(x, self.axis)


ACTIVATIONS: dict[str, type[Activation]] = {
    "relu": ReLU,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
    "leaky_relu": LeakyReLU,
    "gelu": GELU,
    "silu": SiLU,
    "elu": ELU,
    "softmax": Softmax,
    "log_softmax": LogSoftmax,
    "identity": Identity,
}


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
