"""Which of PyTorch's samples are left out of the comparison, each group with its reason.

A group that leaves nothing out fails the test, so that this file stays true.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Exclusion:
    """Samples of some ops, given as the function `when(input, *args, **kwargs)` on PyTorch's arguments."""

    ops: tuple[str, ...]
    reason: str
    when: Callable[..., bool]


NAMES_AN_AXIS = (
    "all", "amax", "amin", "any", "argmax", "argmin", "cumprod", "cumsum", "gather", "index_select",
    "linalg.vector_norm", "log_softmax", "logcumsumexp", "logsumexp", "max.reduction_with_dim", "mean", "median",
    "min.reduction_with_dim", "nanmean", "nansum", "prod", "softmax", "std", "sum", "transpose", "var",
)  # fmt: skip
CONVOLUTIONS = ("nn.functional.conv1d", "nn.functional.conv2d")


def _scalar_with_axis(x: Any, *args: Any, **more: Any) -> bool:
    return x.ndim == 0 and more.get("dim", args[0] if args else None) not in (None, ())


def _sorted_scalar(x: Any, *args: Any, **more: Any) -> bool:
    return x.ndim == 0


def _even_median(x: Any, dim: Any = None, keepdim: bool = False) -> bool:
    count = x.numel() if dim is None else x.shape[dim]
    return x.ndim > 0 and count % 2 == 0


def _pool_options(
    x: Any, size: Any, stride: Any = None, padding: Any = 0, *options: Any, **more: Any
) -> bool:
    return any(options) or bool({"ceil_mode", "count_include_pad", "divisor_override"} & set(more))


def _loss_options(x: Any, target: Any, **more: Any) -> bool:
    return bool({"weight", "ignore_index", "label_smoothing"} & set(more))


EXCLUSIONS: list[Exclusion] = [
    Exclusion(
        NAMES_AN_AXIS, "a tensor without axes has an axis 0 in PyTorch, and none in NumPy", _scalar_with_axis
    ),
    Exclusion(
        ("argsort", "sort"), "a tensor without axes has nothing to sort along in NumPy", _sorted_scalar
    ),
    Exclusion(
        ("cat",),
        "PyTorch joins an empty vector to tensors of any shape, for old programs' sake",
        lambda tensors, *args, **more: {t.ndim for t in tensors} == {1, 2},
    ),
    Exclusion(
        ("gather",),
        "PyTorch takes an empty index of any shape",
        lambda x, dim, index, *args, **more: index.ndim != x.ndim,
    ),
    Exclusion(
        ("linalg.pinv",),
        "PyTorch's derivative of a pseudo-inverse that leaves out singular values is not that of what it computes",
        lambda x, *args, rtol=None, **more: rtol is not None and float(np.max(np.asarray(rtol))) > 0.1,
    ),
    Exclusion(
        ("linalg.matrix_norm",),
        "these norms need singular values",
        lambda x, ord="fro", *args, **more: ord in (2, -2, "nuc"),
    ),
    Exclusion(
        ("linalg.vector_norm",),
        "ord=0 counts what is not zero, which has no derivative",
        lambda x, *args, **more: (args[0] if args else more.get("ord")) == 0,
    ),
    Exclusion(
        ("median",),
        "the median of an even number is the lower one in PyTorch, the mean of two in NumPy",
        _even_median,
    ),
    Exclusion(
        ("nn.functional.avg_pool1d", "nn.functional.avg_pool2d"),
        "ceil_mode, count_include_pad and divisor_override are no options of ours",
        _pool_options,
    ),
    Exclusion(
        ("nn.functional.batch_norm",),
        "a tensor without channels",
        lambda x, *args, **more: x.ndim < 2,
    ),
    Exclusion(
        ("nn.functional.binary_cross_entropy_with_logits",),
        "pos_weight is no option of ours",
        lambda x, y, *args, **more: "pos_weight" in more,
    ),
    Exclusion(
        CONVOLUTIONS,
        "groups, dilation and padding by name are no options of ours",
        lambda x, *args, **more: (
            more.get("groups", 1) != 1
            or more.get("dilation", 1) not in (1, (1,), (1, 1))
            or more.get("padding") == "same"
        ),
    ),
    Exclusion(
        ("nn.functional.cross_entropy",),
        "class weights, ignored labels and smoothing are no options of the op, but of the loss",
        _loss_options,
    ),
    Exclusion(
        ("nn.functional.gelu",),
        "we have the exact function only",
        lambda x, *args, **more: more.get("approximate") == "tanh",
    ),
    Exclusion(
        ("tensordot",),
        "PyTorch stretches a contracted axis of length 1",
        lambda x, *args, **more: x.shape == (1, 1, 1),
    ),
]

# Ops of ours that PyTorch has under no name, or only as something else.
NOT_IN_PYTORCH: dict[str, str] = {
    "astype": "tests/autograd/test_ops.py compares both float types",
    "cast": "has no derivative",
    "cbrt": "PyTorch has no cube root",
    "checkpoint": "no function of its own",
    "conv_input": "the derivative of `conv`, which is compared",
    "conv_weight": "the derivative of `conv`, which is compared",
    "det_sign": "the sign of `linalg.slogdet`, which is compared",
    "from_values": "PyTorch has no scalars of its own",
    "guard": "part of rules only",
    "identity": "part of transforms only",
    "linear_activation": "tests/backends/test_layers.py compares it with PyTorch's two functions",
    "overlap_add": "the derivative of `windows`, which is compared",
    "scatter": "the derivative of `getitem`, which is compared",
    "scatter_along_axis": "the derivative of `take_along_axis`, which is compared",
    "scatter_axis": "the derivative of `take`, which is compared",
    "soft_cross_entropy": "cross_entropy of labels that are probabilities, compared as such",
    "stop_gradient": "has no derivative",
    "to_value": "PyTorch has no scalars of its own",
}

# Ops that agree to less than 1e-10, because PyTorch is less exact.
LESS_EXACT: dict[str, tuple[float, str]] = {
    "nn.functional.hardsigmoid": (1e-8, "PyTorch multiplies by 1/6 in float32"),
}
