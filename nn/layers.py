"""Layers, and how to stack them."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.nn import init as inits
from chainrule.nn.data.check import as_count
from chainrule.nn.module import Module, as_input
from chainrule.nn.parameter import Parameter


class Linear(Module):
    """The affine map y = x Wᵀ + b: every output is joined to every input by a weight.

    Args:
        in_features: length of the last axis of x.
        out_features: length of the last axis of y.
        bias: whether there is a b.
        init: how the weights begin: a name or function of `nn.init`; b begins at 0.
        generator: what to draw from; None means the one that `chainrule.seed` seeds.
        dtype: a float dtype.

    Attributes:
        weight: W, of shape (out_features, in_features), as in PyTorch and as the lectures' W[l].
        bias: b, of shape (out_features,), or None.

    Raises:
        ValueError: a size below 1, an unknown init.

    Example:
        >>> layer = nn.Linear(2, 1, init="constant")
        >>> layer(np.array([[1.0, 2.0]]))
        Tensor([[3.]], dtype=float32, op=linear)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        init: str | inits.Init = "xavier_normal",
        generator: inits.Generator = None,
        dtype: Any = np.float32,
    ) -> None:
        n_in = as_count("Linear", in_features, "in_features")
        n_out = as_count("Linear", out_features, "out_features")
        self.weight = Parameter(inits.by_name(init)((n_out, n_in), generator=generator, dtype=dtype), dtype)
        self.bias = Parameter(np.zeros(n_out), dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """Map (..., in_features) to (..., out_features)."""
        x = as_input(x, self.weight)
        if self.bias is None:
            return ops.matmul(x, ops.transpose(self.weight))
        return ops.linear(x, self.weight, self.bias)

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        n_out, n_in = self.weight.shape
        special = {} if self.bias is not None else {"bias": False}
        return {"in_features": n_in, "out_features": n_out, **special, **dtype_argument(self.weight)}


class Flatten(Module):
    """Join all axes but the first: (rows, height, width) becomes (rows, height · width).

    Example:
        >>> nn.Flatten()(np.zeros((5, 8, 8))).shape
        (5, 64)
    """

    scoped = False

    def forward(self, x: Any) -> Any:
        """Map (rows, ...) to (rows, product of the other lengths)."""
        dims = ops.shape(x)
        return ops.reshape(x, (dims[0], math.prod(dims[1:])))


class Sequential(Module):
    """Modules one after another; each takes what the one before it gave.

    Args:
        layers: the modules in order. `model[i]` is one of them.

    Raises:
        TypeError: something else than a module.

    Example:
        >>> nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        Sequential(
          (0): Flatten()
          (1): Linear(in_features=64, out_features=10)
        )
    """

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(
                    f"{type(self).__name__}: layer {i} is {layer!r}, not a module; "
                    "write nn.ReLU() for an activation, a Module with a forward for a function of your own"
                )
            setattr(self, str(i), layer)

    def forward(self, x: Any) -> Any:
        """Pass x through all modules."""
        for layer in self:
            x = layer(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (layer for name, layer in vars(self).items() if name.isdigit())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, index: int) -> Module:
        return list(self)[index]

    def arguments(self) -> dict[str, Any]:
        """Return the modules."""
        return {"layers": list(self)}


def dtype_argument(parameter: Parameter) -> dict[str, str]:
    """Return the dtype as an argument, where it is not the default."""
    return {} if parameter.dtype == np.float32 else {"dtype": parameter.dtype.name}
