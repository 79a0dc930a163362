"""Between single numbers and arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def from_values(values: Sequence[float], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.array(values).reshape(shape)


def to_value(x: NDArray[Any], index: tuple[int, ...]) -> float:
    return float(x[index])
