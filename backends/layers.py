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


def keeping(
    linear: Callable[..., Any],
    apply: Callable[[str, Any], Any],
    before: Callable[[Any, Any, str], tuple[Any, Any]],
    matmul: Callable[[Any, Any], Any],
) -> Keeping:
    """How a backend computes the layer, from functions of its own.

    Args:
        linear: ``(x, weight, bias, activation="")``.
        apply: an activation by name.
        before: `before_activation` of its matrices, and the sum of its rows.
        matmul: of two matrices.
    """

    def forward(x: Any, weight: Any, bias: Any, activation: str) -> tuple[Any, Any]:
        if activation in FROM_RESULT:
            out = linear(x, weight, bias, activation)
            return out, out
        z = linear(x, weight, bias)
        return apply(activation, z), z

    def shared(
        kept: Any, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str
    ) -> tuple[Any, Any]:
        return before(_rows(g), _rows(kept), activation)

    def of_x(shared: Any, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str) -> Any:
        found = matmul(shared[0], weight)
        return found if x.ndim == 2 else found.reshape(x.shape)

    def of_weight(shared: Any, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str) -> Any:
        return matmul(shared[0].T, _rows(x))

    def of_bias(shared: Any, g: Any, out: Any, x: Any, weight: Any, bias: Any, activation: str) -> Any:
        return shared[1]

    return Keeping(forward, (of_x, of_weight, of_bias), shared)


def _rows(x: Any) -> Any:
    """An array with all axes but the last in one."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
