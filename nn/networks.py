"""More whole models: linear regression, a small convolutional network, an autoencoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd import ops
from chainrule.nn import init as inits
from chainrule.nn.activations import ReLU
from chainrule.nn.conv import Conv2d, MaxPool2d
from chainrule.nn.data.check import as_count
from chainrule.nn.layers import Flatten, Linear, Sequential, dtype_argument
from chainrule.nn.models import MLP, check_sizes
from chainrule.nn.module import Module


class LinearRegression(Module):
    """Linear regression: y = X w + b, with weights that begin at 0; `fit` finds the best ones by L-BFGS.

    Args:
        n_features: length of a row.
        n_outputs: quantities to predict.
        dtype: a float dtype.

    Raises:
        ValueError: a size below 1.

    Example:
        >>> model = nn.LinearRegression(1)
        >>> _ = model.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], verbose=0)
        >>> model.predict([[3.0]]).round(1)
        array([7.], dtype=float32)
    """

    task = "regression"
    solver = "lbfgs"
    affine = True  # the outputs are those of `self.linear`

    def __init__(self, n_features: int, n_outputs: int = 1, dtype: Any = np.float32) -> None:
        self._outputs = as_count("LinearRegression", n_outputs, "n_outputs")
        self.linear = Linear(
            as_count("LinearRegression", n_features, "n_features"), n_outputs, init="zeros", dtype=dtype
        )

    def forward(self, x: Any) -> Any:
        """Map (..., n_features) to (...,) for one output, else to (..., n_outputs)."""
        y = self.linear(x)
        return ops.squeeze(y, -1) if self._outputs == 1 else y

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        weight = self.linear.weight
        return {"n_features": weight.shape[1], "n_outputs": self._outputs, **dtype_argument(weight)}


class CNN(Sequential):
    """A small convolutional network: some 3×3 convolutions, each with relu and 2×2 max pooling, and a linear layer.

    Args:
        image_shape: channels, height and width of an image.
        n_classes: number of classes.
        channels: output channels of each convolution; each halves height and width.
        generator: what to draw the weights from; None means the one that `chainrule.seed` seeds.
        dtype: a float dtype.

    Raises:
        ValueError: a size out of range, or more convolutions than the image can be halved.

    Example:
        >>> model = nn.CNN((1, 8, 8), n_classes=10, channels=[8, 16])
        >>> model(nn.data.load_digits().images[:5, None]).shape
        (5, 10)
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        n_classes: int,
        channels: Sequence[int] = (8, 16),
        generator: inits.Generator = None,
        dtype: Any = np.float32,
    ) -> None:
        if len(image_shape) != 3:
            raise ValueError(f"CNN: image_shape must be (channels, height, width), got {image_shape!r}")
        n_in, height, width = (as_count("CNN", n, f"image_shape[{i}]") for i, n in enumerate(image_shape))
        if min(height, width) >> len(channels) < 1 or not channels:
            raise ValueError(
                f"CNN: {len(channels)} convolutions, each followed by a halving, do not fit images of {height}×{width}"
            )
        self._arguments = {
            "image_shape": [n_in, height, width],
            "n_classes": as_count("CNN", n_classes, "n_classes", least=2),
            "channels": [as_count("CNN", n, f"channels[{i}]") for i, n in enumerate(channels)],
        }
        layers: list[Module] = []
        for n_out in channels:
            layers += [
                Conv2d(n_in, n_out, 3, padding=1, generator=generator, dtype=dtype),
                ReLU(),
                MaxPool2d(2),
            ]
            n_in = n_out
        features = n_in * (height >> len(channels)) * (width >> len(channels))
        super().__init__(*layers, Flatten(), Linear(features, n_classes, generator=generator, dtype=dtype))
        self.task = "multiclass"

    def arguments(self) -> dict[str, Any]:
        """Return the sizes, and what is not the default."""
        return {**self._arguments, **dtype_argument(self.parameters()[0])}


class Autoencoder(Module):
    """A network that learns to give back its input through a narrow middle, and so to describe it in few numbers.

    The decoder has the encoder's sizes in reverse. Train it with ``model.fit(X, X)``.

    Args:
        sizes: number of inputs, of units in each hidden layer, and of numbers in the middle.
        activation: a name such as ``"relu"`` or ``"tanh"``, between the layers; the middle and the output have none.
        generator: what to draw the weights from; None means the one that `chainrule.seed` seeds.
        dtype: a float dtype.

    Attributes:
        encoder, decoder: the two halves, `MLP`s.

    Raises:
        ValueError: fewer than two sizes, one below 1, or an unknown name.

    Example:
        >>> model = nn.Autoencoder([64, 32, 2])
        >>> model.encoder(np.zeros((5, 64))).shape, model(np.zeros((5, 64))).shape
        ((5, 2), (5, 64))
    """

    task = "regression"

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        generator: inits.Generator = None,
        dtype: Any = np.float32,
    ) -> None:
        self._sizes = check_sizes("Autoencoder", sizes)
        self._activation = activation
        self.encoder = MLP(self._sizes, activation, generator=generator, dtype=dtype)
        self.decoder = MLP(self._sizes[::-1], activation, generator=generator, dtype=dtype)
        self.encoder.task = self.decoder.task = "regression"  # both can predict: a code, or a picture of one

    def forward(self, x: Any) -> Any:
        """Map (rows, inputs) through the middle and back to (rows, inputs)."""
        return self.decoder(self.encoder(x))

    def arguments(self) -> dict[str, Any]:
        """Return the sizes and the activation, and what is not the default."""
        special = dtype_argument(self.parameters()[0])
        return {"sizes": self._sizes, "activation": self._activation, **special}
