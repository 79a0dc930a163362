"""The same networks, one `Value` per number: small enough to draw and to step through.

Same seed, same weights as the tensor networks; `state_dict` and `load_state_dict` carry them over either way.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd.construct import as_array
from chainrule.autograd.mode import scope
from chainrule.autograd.node import Node
from chainrule.autograd.value import Value
from chainrule.nn import init as inits
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.data.check import as_count
from chainrule.nn.models import check_sizes
from chainrule.nn.names import look_up

Function = Callable[[Any], Any]
_FUNCTIONS: dict[str, Function] = {
    name: kind().forward for name, kind in ACTIVATIONS.items() if "softmax" not in name
}


class Neuron:
    """One neuron: a = g(w·x + b).

    Args:
        n_inputs: number of inputs.
        activation: the name of g.
        init: how the weights begin: a name or function of `nn.init`; None means what suits the activation.
        generator: what to draw from; None means the one that `chainrule.seed` seeds.

    Attributes:
        w: the weights, labelled w0, w1, ...
        b: the bias, which begins at 0.

    Raises:
        ValueError: no inputs, or an unknown name.

    Example:
        >>> neuron = nn.scalar.Neuron(2, activation="sigmoid", init="zeros")
        >>> a = neuron([1.0, -2.0])
        >>> a.data
        0.5
    """

    def __init__(
        self,
        n_inputs: int,
        activation: str = "identity",
        init: str | inits.Init | None = None,
        generator: inits.Generator = None,
    ) -> None:
        n = as_count("Neuron", n_inputs, "n_inputs")
        self.function = look_up("activation", activation, _FUNCTIONS)
        begin = inits.for_activation(activation) if init is None else inits.by_name(init)
        weights = begin((1, n), generator=generator, dtype=np.float64)
        self.w = [Value(w, label=f"w{i}") for i, w in enumerate(weights[0])]
        self.b = Value(0.0, label="b")

    def __call__(self, x: Sequence[Any]) -> Value:
        """Map n_inputs numbers or Values to one Value."""
        if len(x) != len(self.w):
            raise ValueError(f"Neuron: {len(x)} inputs for {len(self.w)} weights")
        z = self.b
        for w, value in zip(self.w, x, strict=True):
            z = z + w * value
        result: Value = self.function(z)
        return result

    def parameters(self) -> list[Value]:
        """Return the weights, and then the bias."""
        return [*self.w, self.b]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)})"


class Layer:
    """Neurons side by side, all with the same inputs.

    Args:
        n_inputs: number of inputs.
        n_outputs: number of neurons.
        activation, init, generator: as for `Neuron`.

    Attributes:
        neurons: the neurons; the weights of one are a row of the tensor layer's weight.

    Example:
        >>> layer = nn.scalar.Layer(2, 3, init="zeros")
        >>> [a.data for a in layer([1.0, -2.0])]
        [0.0, 0.0, 0.0]
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        activation: str = "identity",
        init: str | inits.Init | None = None,
        generator: inits.Generator = None,
    ) -> None:
        shape = as_count("Layer", n_outputs, "n_outputs"), as_count("Layer", n_inputs, "n_inputs")
        begin = inits.for_activation(activation) if init is None else inits.by_name(init)
        weights = begin(shape, generator=generator, dtype=np.float64)
        self.neurons = [Neuron(shape[1], activation, lambda *_, row=row, **__: row[None]) for row in weights]

    def __call__(self, x: Sequence[Any]) -> list[Value]:
        """Map n_inputs numbers or Values to a list of n_outputs Values."""
        outputs = []
        for i, neuron in enumerate(self.neurons, 1):
            with scope(f"neuron{i}"):
                outputs.append(neuron(x))
        return outputs

    def parameters(self) -> list[Value]:
        """Return the parameters of all neurons."""
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].w)}, {len(self.neurons)})"


class MLP:
    """A multilayer perceptron of Values: the numbers and gradients of `nn.MLP`, one by one.

    Args:
        sizes: number of inputs, of units in each hidden layer, and of outputs.
        activation: a name; the last layer has none.
        init: as for `nn.MLP`.
        generator: as for `nn.MLP`.

    Attributes:
        layers: the layers.

    Raises:
        ValueError: fewer than two sizes, one below 1, or an unknown name.

    Example:
        >>> mlp = nn.scalar.MLP([2, 16, 16, 1], activation="tanh")
        >>> len(mlp.parameters()), type(mlp([1.0, -2.0])).__name__
        (337, 'Value')
        >>> rows = nn.scalar.MLP([2, 3])([[1.0, -2.0], [0.0, 1.0]])
        >>> len(rows), len(rows[0])
        (2, 3)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        init: str | inits.Init | None = None,
        generator: inits.Generator = None,
    ) -> None:
        checked = check_sizes("MLP", sizes)
        names = [activation] * (len(checked) - 2) + ["identity"]
        self.layers = [
            Layer(n_in, n_out, name, init, generator)
            for n_in, n_out, name in zip(checked[:-1], checked[1:], names, strict=True)
        ]

    def __call__(self, x: Any) -> Any:
        """Map one row of numbers or Values to a Value, or with several outputs to a list; several rows to a list."""
        if len(x) and not isinstance(x[0], Node) and np.ndim(x[0]):
            return [self(row) for row in x]
        for i, layer in enumerate(self.layers, 1):
            with scope(f"layer{i}"):
                x = layer(x)
        return x[0] if len(x) == 1 else x

    def parameters(self) -> list[Value]:
        """Return the parameters of all layers: for each neuron its weights, and then its bias."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def state_dict(self) -> dict[str, NDArray[np.float64]]:
        """Return the weights as arrays, named and shaped as those of `nn.MLP`.

        Example:
            >>> {name: array.shape for name, array in nn.scalar.MLP([2, 3, 1]).state_dict().items()}
            {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
        """
        return {name: np.vectorize(float)(values) for name, values in self._arrays().items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Take over the weights of an `nn.MLP` of the same sizes; after an error nothing has changed.

        Raises:
            ValueError: names or shapes differ.
        """
        own = self._arrays()
        arrays = {name: as_array(array) for name, array in state.items()}
        if {n: a.shape for n, a in arrays.items()} != {n: a.shape for n, a in own.items()}:
            raise ValueError(
                f"these parameters do not fit: needed are { ({n: a.shape for n, a in own.items()}) }, "
                f"given { ({n: a.shape for n, a in arrays.items()}) }"
            )
        for name, values in own.items():
            for value, number in zip(values.flat, arrays[name].flat, strict=True):
                value.data = number

    def gradients(self) -> dict[str, NDArray[np.float64]]:
        """Return the gradients as arrays, named and shaped as the parameters of `nn.MLP`; NaN: not computed."""
        grads = np.vectorize(lambda value: math.nan if value.grad is None else value.grad, otypes=[float])
        return {name: grads(values) for name, values in self._arrays().items()}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Return the Values themselves in arrays like those of `nn.MLP`, where every second module is linear."""
        arrays: dict[str, NDArray[Any]] = {}
        for i, layer in enumerate(self.layers):
            arrays[f"{2 * i}.weight"] = _objects([neuron.w for neuron in layer.neurons])
            arrays[f"{2 * i}.bias"] = _objects([neuron.b for neuron in layer.neurons])
        return arrays

    def __repr__(self) -> str:
        return f"MLP({', '.join(map(repr, self.layers))})"


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    shape = (len(values), len(values[0])) if isinstance(values[0], list) else (len(values),)
    array = np.empty(shape, object)
    array.reshape(-1)[:] = [v for row in values for v in row] if len(shape) == 2 else values
    return array
