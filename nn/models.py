"""Whole models: the multilayer perceptron and logistic regression."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.nn import init as inits
from chainrule.nn.activations import activation as activation_of, name_of
from chainrule.nn.data.check import as_count
from chainrule.nn.layers import Linear, Sequential, dtype_argument
from chainrule.nn.module import Module


class MLP(Sequential):
    """A multilayer perceptron: `Linear` layers with an activation between each two; none after the last.

    Args:
        sizes: number of inputs, of units in each hidden layer, and of outputs.
        activation: a name such as ``"relu"`` or ``"tanh"``, the function of that name in `chainrule`, or a module,
            which all layers then share.
        init: how the weights begin; None means what suits the activation: He for relu, Xavier for tanh, and Xavier
            for the last layer.
        generator: what to draw from; None means the one that `chainrule.seed` seeds.
        dtype: a float dtype.

    Raises:
        TypeError: the activation is some other function.
        ValueError: fewer than two sizes, one below 1, or an unknown name.

    Example:
        >>> nn.MLP([64, 32, 10], activation="relu")
        MLP(
          (0): Linear(in_features=64, out_features=32)
          (1): ReLU()
          (2): Linear(in_features=32, out_features=10)
        )
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Module | Callable[[Any], Any] = "relu",
        init: str | inits.Init | None = None,
        generator: inits.Generator = None,
        dtype: Any = np.float32,
    ) -> None:
        self._sizes = check_sizes("MLP", sizes)
        layers: list[Module] = []
        for i, (n_in, n_out) in enumerate(pairwise(self._sizes)):
            last = i == len(self._sizes) - 2
            between = activation_of(activation)
            begin = inits.for_activation("identity" if last else name_of(between)) if init is None else init
            layers.append(Linear(n_in, n_out, init=begin, generator=generator, dtype=dtype))
            if not last:
                layers.append(between)
        super().__init__(*layers)
        self._activation_name = "" if isinstance(activation, Module) else name_of(activation_of(activation))

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, the activation, and what is not the default."""
        between: str | Module = self._activation_name
        if not between:
            between = self[1] if len(self) > 1 else "identity"  # without a hidden layer there is none
        return {"sizes": self._sizes, "activation": between, **dtype_argument(self.parameters()[0])}


class LogisticRegression(Module):
    """Logistic regression: one linear layer that gives logits, with weights that begin at 0.

    `fit` finds the one best solution by L-BFGS; to watch gradient descent at work, pass ``optimizer="sgd"``. There is
    no penalty unless `fit` gets one: scikit-learn's ``C`` is ``l2=1 / (C * rows)``.

    With two classes it gives one logit per row, whose sigmoid is the probability of class 1; with more, one per
    class, whose softmax gives the probabilities.

    Args:
        n_features: length of a row.
        n_classes: at least 2.
        one_vs_rest: with more than two classes, learn each class against all others by itself: the probabilities
            are then sigmoids, divided by their sum.
        dtype: a float dtype.

    Raises:
        ValueError: `n_features` below 1 or `n_classes` below 2.

    Example:
        >>> nn.LogisticRegression(3)(np.zeros((4, 3))).shape
        (4,)
        >>> nn.LogisticRegression(3, n_classes=5)(np.zeros((4, 3))).shape
        (4, 5)
    """

    solver = "lbfgs"
    affine = True  # the outputs are those of `self.linear`

    def __init__(
        self, n_features: int, n_classes: int = 2, one_vs_rest: bool = False, dtype: Any = np.float32
    ) -> None:
        self._classes = as_count("LogisticRegression", n_classes, "n_classes", least=2)
        self.linear = Linear(n_features, 1 if n_classes == 2 else n_classes, init="zeros", dtype=dtype)
        self._one_vs_rest = one_vs_rest and n_classes > 2
        self.task = "binary" if n_classes == 2 else "one_vs_rest" if one_vs_rest else "multiclass"

    def forward(self, x: Any) -> Any:
        """Map (..., n_features) to logits: (...,) for two classes, else (..., n_classes)."""
        logits = self.linear(x)
        return ops.squeeze(logits, -1) if self._classes == 2 else logits

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        weight = self.linear.weight
        special = {"one_vs_rest": True} if self._one_vs_rest else {}
        return {
            "n_features": weight.shape[1], "n_classes": self._classes, **special, **dtype_argument(weight)
        }  # fmt: skip


def check_sizes(where: str, sizes: Sequence[int]) -> list[int]:
    """Return the sizes of an MLP's layers as a list.

    Raises:
        TypeError: no sequence of whole numbers.
        ValueError: fewer than two sizes, or one below 1.

    Example:
        >>> check_sizes("MLP", (64, 10))
        [64, 10]
    """
    if isinstance(sizes, int) or len(sizes) < 2:
        raise ValueError(
            f"{where}: sizes must list at least inputs and outputs, such as [64, 32, 10]; got {sizes!r}"
        )
    return [as_count(where, size, f"sizes[{i}]") for i, size in enumerate(sizes)]
