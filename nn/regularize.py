"""Callbacks that keep a network from learning its rows by heart, or from taking too large steps.

The penalties `l1` and `l2` are arguments of `fit`, weight decay is one of the optimizers, `nn.Dropout` is a module.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.autograd import random
from chainrule.nn.callbacks import Callback
from chainrule.nn.data.check import as_amount
from chainrule.nn.optim import clip_grad_norm, clip_grad_value

if TYPE_CHECKING:
    from chainrule.nn.module import Module


class ClipGradients(Callback):
    """Keep the gradients of each step from becoming too large, before the optimizer uses them.

    Args:
        norm: the largest Euclidean norm of all gradients together (`nn.optim.clip_grad_norm`), or None.
        value: the largest absolute value of each derivative (`nn.optim.clip_grad_value`), or None.

    Raises:
        ValueError: neither, or one that is negative or not finite.

    Example:
        >>> model = nn.MLP([1, 1])
        >>> history = model.fit([[100.0]], [5.0], epochs=3, callbacks=[nn.ClipGradients(norm=1.0)], verbose=0)
        >>> history.epochs
        3
    """

    def __init__(self, norm: float | None = None, value: float | None = None) -> None:
        if norm is None and value is None:
            raise ValueError("ClipGradients: give a norm or a value, such as nn.ClipGradients(norm=1.0)")
        self.norm = None if norm is None else as_amount("ClipGradients", norm, "norm")
        self.value = None if value is None else as_amount("ClipGradients", value, "value")

    def on_gradients(self, model: "Module") -> None:
        """Clip, first each derivative, then all together."""
        if self.value is not None:
            clip_grad_value(model.parameters(), self.value)
        if self.norm is not None:
            clip_grad_norm(model.parameters(), self.norm)


class MaxNorm(Callback):
    """After each step, shorten the weights into each unit to a largest Euclidean norm (Srivastava et al. 2014).

    Args:
        limit: the largest norm of a unit's incoming weights: a row of `Linear.weight`, a filter of a convolution.
            Biases are left alone.

    Raises:
        ValueError: negative or not finite.

    Example:
        >>> model = nn.MLP([1, 1], init="constant")
        >>> _ = model.fit([[1.0]], [9.0], epochs=1, callbacks=[nn.MaxNorm(0.5)], verbose=0)
        >>> model[0].weight.item()
        0.5
    """

    def __init__(self, limit: float) -> None:
        self.limit = as_amount("MaxNorm", limit, "limit")

    def on_step(self, model: "Module") -> None:
        """Shorten what is too long."""
        for w in model.parameters():
            if w._data.ndim > 1 and w.requires_grad:
                axes = tuple(range(1, w._data.ndim))
                norms = np.sqrt(np.sum(np.square(w._data), axis=axes, keepdims=True))
                if (norms > self.limit).any():
                    w.replace(w._data * np.minimum(1, self.limit / np.maximum(norms, 1e-12)))


class Noise(Callback):
    """Add fresh normal noise to the inputs of each step, so that no row looks the same twice (Bishop 1995).

    Args:
        std: standard deviation of the noise, in units of the inputs.

    Raises:
        ValueError: negative or not finite.

    Example:
        >>> model = nn.MLP([1, 2])
        >>> history = model.fit([[-1.0], [1.0]], [0, 1], epochs=3, callbacks=[nn.Noise(0.1)], verbose=0)
        >>> history.epochs
        3
    """

    def __init__(self, std: float) -> None:
        self.std = as_amount("Noise", std, "std")

    def on_batch(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the inputs with noise, drawn from the generator that `chainrule.seed` seeds."""
        return np.asarray(x + self.std * random.generator().standard_normal(x.shape), x.dtype)
