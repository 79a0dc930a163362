"""Layers, and how to stack them."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any, overload

import numpy as np

from chainrule.autograd import ops
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.mode import current
from chainrule.autograd.node import data_of
from chainrule.autograd.random import dropout
from chainrule.autograd.tensor import Tensor
from chainrule.nn import init as inits
from chainrule.nn.activations import GELU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from chainrule.nn.data.check import as_count
from chainrule.nn.module import Module
from chainrule.nn.parameter import Parameter, as_input


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
        self.weight = Parameter.drawn((n_out, n_in), init, generator, dtype)
        self.bias = Parameter.drawn((n_out,), inits.zeros, None, dtype) if bias else None

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


class Bilinear(Module):
    """y_o = x1ᵀ A_o x2 + b_o: how two inputs go together, a matrix for each output.

    Args:
        in1_features: length of the last axis of x1.
        in2_features: length of the last axis of x2.
        out_features: length of the last axis of y.
        bias, init, generator, dtype: as for `Linear`.

    Attributes:
        weight: A, of shape (out_features, in1_features, in2_features).
        bias: b, of shape (out_features,), or None.

    Example:
        >>> nn.Bilinear(2, 3, 1, init="constant")(np.ones((4, 2)), np.ones((4, 3))).data[0]
        array([6.], dtype=float32)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        init: str | inits.Init = "xavier_normal",
        generator: inits.Generator = None,
        dtype: Any = np.float32,
    ) -> None:
        n_1 = as_count("Bilinear", in1_features, "in1_features")
        n_2 = as_count("Bilinear", in2_features, "in2_features")
        n_out = as_count("Bilinear", out_features, "out_features")
        self.weight = Parameter.drawn((n_out, n_1, n_2), init, generator, dtype)
        self.bias = Parameter.drawn((n_out,), inits.zeros, None, dtype) if bias else None

    def forward(self, x1: Any, x2: Any) -> Any:
        """Map (..., in1_features) and (..., in2_features) to (..., out_features)."""
        x1, x2 = as_input(x1, self.weight), as_input(x2, self.weight)
        one, two, (_, n_1, n_2) = ops.shape(x1), ops.shape(x2), self.weight.shape
        if one[:-1] != two[:-1] or one[-1:] != (n_1,) or two[-1:] != (n_2,):
            raise ShapeError(
                f"Bilinear: x1 of shape {one} and x2 of shape {two} must be (..., {n_1}) and (..., {n_2}), with the "
                "same axes before the last"
            )
        y = ops.einsum("...i,oij,...j->...o", x1, self.weight, x2)
        return y if self.bias is None else y + self.bias

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        n_out, n_1, n_2 = self.weight.shape
        special = {} if self.bias is not None else {"bias": False}
        sizes = {"in1_features": n_1, "in2_features": n_2, "out_features": n_out}
        return {**sizes, **special, **dtype_argument(self.weight)}


class Embedding(Module):
    """A table of vectors, one for each word or category; rows that are not looked up get no gradient.

    Args:
        num_embeddings: rows of the table.
        embedding_dim: length of a row.
        init, generator, dtype: as for `Linear`; the rows begin as standard normal numbers.

    Attributes:
        weight: the table, of shape (num_embeddings, embedding_dim).

    Raises:
        IndexError: an index outside the table (when called).

    Example:
        >>> nn.Embedding(10, 4)([[1, 2, 3]]).shape
        (1, 3, 4)
    """

    scoped = False

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        init: str | inits.Init = partial(inits.normal, std=1.0),  # noqa: B008 - a constant, like a name
        generator: inits.Generator = None,
        dtype: Any = np.float32,
    ) -> None:
        rows = as_count("Embedding", num_embeddings, "num_embeddings")
        columns = as_count("Embedding", embedding_dim, "embedding_dim")
        self.weight = Parameter.drawn((rows, columns), init, generator, dtype)

    def forward(self, indices: Any) -> Any:
        """Map whole numbers of any shape (as floats too, which is what `fit` hands out) to (..., embedding_dim)."""
        found = np.asarray(data_of(indices))
        if found.dtype.kind == "f" and (found == np.round(found)).all():
            indices = indices.astype(np.int64) if isinstance(indices, Tensor) else found.astype(np.int64)
        return ops.embedding(self.weight, indices)

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        rows, columns = self.weight.shape
        return {"num_embeddings": rows, "embedding_dim": columns, **dtype_argument(self.weight)}


class PReLU(Module):
    """x where x > 0, else a · x with a slope a that is learned (He et al. 2015).

    Args:
        num_parameters: 1 for one slope, or the number of channels (the second axis of x) for one each.
        init: the slope at the beginning.
        dtype: a float dtype.

    Attributes:
        weight: a, of shape (num_parameters,).

    Example:
        >>> nn.PReLU()(np.array([[-2.0, 3.0]])).numpy()
        array([[-0.5,  3. ]], dtype=float32)
    """

    scoped = False

    def __init__(self, num_parameters: int = 1, init: float = 0.25, dtype: Any = np.float32) -> None:
        n = as_count("PReLU", num_parameters, "num_parameters")
        self.weight = Parameter.drawn((n,), partial(inits.constant, value=init), None, dtype)

    def forward(self, x: Any) -> Any:
        """Apply the function to (rows, channels, ...)."""
        x = as_input(x, self.weight)
        dims = ops.shape(x)
        if self.weight.size == 1:
            return ops.prelu(x, self.weight)
        if len(dims) < 2 or dims[1] != self.weight.size:
            raise ShapeError(
                f"PReLU: x of shape {dims} needs {self.weight.size} channels on its second axis, one for each slope"
            )
        return ops.prelu(x, ops.reshape(self.weight, (-1,) + (1,) * (len(dims) - 2)))

    def arguments(self) -> dict[str, Any]:
        """Return the number of slopes, and what is not the default."""
        return {"num_parameters": self.weight.size, **dtype_argument(self.weight)}


class Dropout(Module):
    """In training, set elements to zero at random and scale the others up, so that the mean stays; else nothing.

    The numbers come from the generator that `chainrule.seed` seeds (Srivastava et al. 2014).

    Args:
        p: the probability of becoming zero, from 0 up to but without 1.

    Raises:
        ValueError: p is no such probability.

    Example:
        >>> layer = nn.Dropout(0.75)
        >>> sorted(set(layer(np.ones(100)).tolist())), layer.eval()(np.ones(2))
        ([0.0, 4.0], array([1., 1.]))
    """

    scoped = False

    def __init__(self, p: float = 0.5) -> None:
        self.p = _probability("Dropout", p)

    def forward(self, x: Any) -> Any:
        """Drop elements of x, of any shape."""
        return dropout(x, self.p, self.training)

    def arguments(self) -> dict[str, Any]:
        """Return the probability."""
        return {"p": self.p}


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
        layers: the modules in order. `model[i]` is one of them, `model[:i]` a new Sequential of some of them.

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
            if isinstance(layer, list | tuple):
                raise TypeError(
                    f"{type(self).__name__}: layer {i} is a {type(layer).__name__}, not a module; "
                    f"give the modules one by one: {type(self).__name__}(*layers)"
                )
            if not isinstance(layer, Module):
                raise TypeError(
                    f"{type(self).__name__}: layer {i} is {layer!r}, not a module; "
                    "write nn.ReLU() for an activation, a Module with a forward for a function of your own"
                )
            setattr(self, str(i), layer)

    def forward(self, x: Any) -> Any:
        """Pass x through all modules."""
        for step in _fused(tuple(self)) if current().fuses else self:
            x = step(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (layer for name, layer in vars(self).items() if name.isdigit())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequential": ...
    def __getitem__(self, index: int | slice) -> Module:
        layers = list(self)
        return Sequential(*layers[index]) if isinstance(index, slice) else layers[index]

    def arguments(self) -> dict[str, Any]:
        """Return the modules."""
        return {"layers": list(self)}


class Residual(Sequential):
    """x + f(x), with f the given modules one after another: what they add to x (He et al. 2016).

    Args:
        layers: the modules in order; the last must give the shape of x.

    Raises:
        ShapeError: f(x) has another shape than x (when called).

    Example:
        >>> nn.Residual(nn.Linear(2, 2, init="zeros"), nn.ReLU())(np.array([[1.0, -2.0]], np.float32)).numpy()
        array([[ 1., -2.]], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        """Pass x through all modules, and add it to what comes out."""
        y = super().forward(x)
        if ops.shape(y) != ops.shape(x):
            raise ShapeError(
                f"Residual: its layers turn shape {ops.shape(x)} into {ops.shape(y)}, so x cannot be added to it; "
                "let the last layer give the shape of x"
            )
        return ops.add(
            np.asarray(x, y.dtype) if isinstance(y, Tensor) and not isinstance(x, Tensor) else x, y
        )


FUSED: dict[type[Module], str] = {
    ReLU: "relu", Tanh: "tanh", Sigmoid: "sigmoid", SiLU: "silu", GELU: "gelu", Softplus: "softplus"
}  # fmt: skip


def _fused(layers: Sequence[Module]) -> Iterator[Callable[[Any], Any]]:
    """The modules, with a `Linear` and the activation after it as one function."""
    fused = False
    for layer, after in zip_longest(layers, layers[1:]):
        if fused:
            fused = False
            continue
        activation = FUSED.get(type(after), "")
        if activation and type(layer) is Linear and layer.bias is not None and plain(layer) and plain(after):
            fused = True
            yield partial(_in_one_step, layer.weight, layer.bias, activation)
        else:
            yield layer


def _in_one_step(weight: Parameter, bias: Parameter, activation: str, x: Any) -> Any:
    return ops.linear(as_input(x, weight), weight, bias, activation)


def plain(module: Module) -> bool:
    """Say whether a module does what its class says, and no hook looks on."""
    return not module._hooks and "forward" not in vars(module)


def dtype_argument(parameter: Tensor) -> dict[str, str]:
    """Return the dtype as an argument, where it is not the default."""
    return {} if parameter.dtype == np.float32 else {"dtype": parameter.dtype.name}


def _probability(where: str, p: Any) -> float:
    if isinstance(p, bool) or not isinstance(p, int | float | np.floating):
        raise TypeError(f"{where}: p must be a probability, got {p!r}")
    if not 0 <= p < 1:
        raise ValueError(f"{where}: p must be a probability from 0 up to but without 1, got {p!r}")
    return float(p)
