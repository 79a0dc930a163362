"""Rows of `kernels.py` in float64, a few of each kind; their names begin with "float64"."""

from measure import Rows  # isort: skip  (before NumPy)

import numpy as np
from kernel_rows import forward, layers, losses, products, updates
from kernels_nn import layer_norms

NAME = "float64"


def doubles() -> Rows:
    """The same contestants with numbers of twice the size."""
    for rows in (
        forward(("exp", "tanh", "gelu"), (4_000_000,), np.float64),
        products((("AB", n, n, n) for n in (256, 1024)), np.float64),
        layers(((128, 784, 256),), np.float64),
        losses(((256, 1000),), np.float64),
        layer_norms(((128, 1024),), np.float64),
        updates(np.float64),
    ):
        for name, calls in rows:
            yield f"{NAME} {name}", calls


GROUPS = (doubles,)
