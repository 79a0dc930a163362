"""A linear layer with its activation, activation(x Wᵀ + b), as one operation of a backend.

Forward, the activation is applied while the product is at hand. Backward, the cotangent goes through the activation
once, and what comes out, that of x Wᵀ + b, serves the gradients of x, W and b.
"""

from collections.abc import Callable
from typing import Any

from chainrule.backends.gradients import Keeping, Rule

# The derivative rules `(xp, g, out, x)` of the activations that a layer may end in; the engine enters its own.
ACTIVATIONS: dict[str, Rule] = {}
# The slopes of these are told by their results, relu's by its sign: nothing else, such as a mask, need be kept.
FROM_RESULT = ("relu", "tanh", "sigmoid")


def before_activation(xp: Any, g: Any, y: Any, activation: str) -> Any:
    """The cotangent of z, given that of activation(z).

    Args:
        xp: the interpreter.
        g: the cotangent of the result.
        y: the result if the activation is one of `FROM_RESULT`, else z.
        activation: one of `ACTIVATIONS`.
    """
    found = ACTIVATIONS[activation](xp, g, y, y)
    return found if activation in FROM_RESULT else xp.guard(g, found)


class _Backward:
    """What the gradients of one layer have in common, made when the first of them asks for it.

    Those of x, of the weight and of the bias are asked for in this order. If that of x is not, the only product that
    the cotangent of z goes into is that of the weight; then a backend may compute it without writing dz.
    """

    __slots__ = ("_before", "_bias", "_dz", "_given", "_weight_and_bias")

    def __init__(self, before: Callable[..., Any], weight_and_bias: Callable[..., Any], *given: Any) -> None:
        self._before, self._weight_and_bias, self._given = before, weight_and_bias, given
        self._dz: Any = None
        self._bias: Any = None

    def dz(self) -> Any:
        """The cotangent of z."""
        if self._dz is None:
            self._dz, self._bias = self._before(*self._given)
        return self._dz

    def bias(self) -> Any:
        """The sum of its rows."""
        if self._bias is None:
            self.dz()
        return self._bias

    def weight(self, x: Any, matmul: Callable[[Any, Any], Any]) -> Any:
        """Its product with x."""
        if self._dz is None:
            g, kept, activation = self._given
            found = self._weight_and_bias(g, kept, x, activation)
            if found is not None:
                weight, self._bias = found
                return weight
        return matmul(self.dz().T, x)


def no_kernel(g: Any, kept: Any, x: Any, activation: str) -> None:
    """The `weight_and_bias` of a backend that has none."""


def keeping(
    linear: Callable[..., Any],
    apply: Callable[[str, Any], Any],
    before: Callable[[Any, Any, str], tuple[Any, Any]],
    matmul: Callable[[Any, Any], Any],
    weight_and_bias: Callable[[Any, Any, Any, str], tuple[Any, Any] | None] = no_kernel,
) -> Keeping:
    """How a backend computes the layer, from functions of its own.

    Args:
        linear: ``(x, weight, bias, activation="")``.
        apply: an activation by name.
        before: `before_activation` of its matrices, and the sum of its rows.
        matmul: of two matrices.
        weight_and_bias: ``(g, kept, x, activation)`` to both gradients in one step, or None where it cannot or is
            slower.
    """

    def forward(x: Any, weight: Any, bias: Any, activation: str) -> tuple[Any, Any]:
        if activation in FROM_RESULT:
            out = linear(x, weight, bias, activation)
            return out, out
        z = linear(x, weight, bias)
        return apply(activation, z), z

    def shared(kept: Any, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str) -> _Backward:
        return _Backward(before, weight_and_bias, _rows(g), _rows(kept), activation)

    def of_x(shared: _Backward, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str) -> Any:
        found = matmul(shared.dz(), weight)
        return found if x.ndim == 2 else found.reshape(x.shape)

    def of_weight(
        shared: _Backward, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str
    ) -> Any:
        return shared.weight(_rows(x), matmul)

    def of_bias(shared: _Backward, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str) -> Any:
        return shared.bias()

    return Keeping(forward, (of_x, of_weight, of_bias), shared)


def _rows(x: Any) -> Any:
    """An array with all axes but the last in one."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
