"""Every function of the engine by name: for users, and for rules that run on nodes to be recorded."""

from typing import Any

import numpy as np

from chainrule.autograd.node import Node, apply, data_of
from chainrule.autograd.op import Op
from chainrule.autograd.ops.activation import (
    bce_with_logits as bce_with_logits,
    celu as celu,
    elu as elu,
    gelu as gelu,
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    leaky_relu as leaky_relu,
    log_sigmoid as log_sigmoid,
    mish as mish,
    prelu as prelu,
    relu as relu,
    relu6 as relu6,
    selu as selu,
    sigmoid as sigmoid,
    silu as silu,
    softplus as softplus,
    softsign as softsign,
)
from chainrule.autograd.ops.choice import (
    abs as abs,
    ceil as ceil,
    clip as clip,
    copysign as copysign,
    equal as equal,
    floor as floor,
    fmax as fmax,
    fmin as fmin,
    greater as greater,
    greater_equal as greater_equal,
    isfinite as isfinite,
    isinf as isinf,
    isnan as isnan,
    less as less,
    less_equal as less_equal,
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    maximum as maximum,
    minimum as minimum,
    nan_to_num as nan_to_num,
    not_equal as not_equal,
    round as round,
    sign as sign,
    trunc as trunc,
    where as where,
)
from chainrule.autograd.ops.conv import (
    avg_pool1d as avg_pool1d,
    avg_pool2d as avg_pool2d,
    conv as conv,
    conv1d as conv1d,
    conv2d as conv2d,
    conv_input as conv_input,
    conv_weight as conv_weight,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
    overlap_add as overlap_add,
    windows as windows,
)
from chainrule.autograd.ops.elementwise import (
    add as add,
    cbrt as cbrt,
    div as div,
    erf as erf,
    erfc as erfc,
    exp as exp,
    exp2 as exp2,
    expm1 as expm1,
    floor_divide as floor_divide,
    fmod as fmod,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    logaddexp as logaddexp,
    logaddexp2 as logaddexp2,
    logit as logit,
    mul as mul,
    neg as neg,
    pow as pow,
    reciprocal as reciprocal,
    remainder as remainder,
    sqrt as sqrt,
    square as square,
    sub as sub,
    xlogy as xlogy,
)
from chainrule.autograd.ops.indexing import (
    gather as gather,
    getitem as getitem,
    index_add as index_add,
    one_hot as one_hot,
    scatter as scatter,
    scatter_along_axis as scatter_along_axis,
    scatter_axis as scatter_axis,
    take as take,
    take_along_axis as take_along_axis,
)
from chainrule.autograd.ops.join import (
    concatenate as concatenate,
    pad as pad,
    split as split,
    stack as stack,
)
from chainrule.autograd.ops.linalg import (
    cholesky as cholesky,
    det as det,
    inv as inv,
    matrix_norm as matrix_norm,
    matrix_power as matrix_power,
    pinv as pinv,
    slogdet as slogdet,
    solve as solve,
)
from chainrule.autograd.ops.neural import (
    batch_norm as batch_norm,
    cross_entropy as cross_entropy,
    embedding as embedding,
    glu as glu,
    layer_norm as layer_norm,
    linear as linear,
    log_softmax as log_softmax,
    softmax as softmax,
    standardize as standardize,
)
from chainrule.autograd.ops.order import (
    argsort as argsort,
    median as median,
    sort as sort,
)
from chainrule.autograd.ops.products import (
    contract as contract,
    cross as cross,
    dot as dot,
    einsum as einsum,
    inner as inner,
    kron as kron,
    matmul as matmul,
    outer as outer,
    tensordot as tensordot,
    vdot as vdot,
    vecdot as vecdot,
)
from chainrule.autograd.ops.rearrange import (
    diag as diag,
    diagonal as diagonal,
    flip as flip,
    repeat as repeat,
    roll as roll,
    rot90 as rot90,
    tile as tile,
    trace as trace,
    tril as tril,
    triu as triu,
)
from chainrule.autograd.ops.reduce import (
    all as all,
    any as any,
    argmax as argmax,
    argmin as argmin,
    logsumexp as logsumexp,
    max as max,
    mean as mean,
    min as min,
    nanmean as nanmean,
    nansum as nansum,
    norm as norm,
    prod as prod,
    std as std,
    sum as sum,
    var as var,
)
from chainrule.autograd.ops.running import (
    cumprod as cumprod,
    cumsum as cumsum,
    diff as diff,
    logcumsumexp as logcumsumexp,
)
from chainrule.autograd.ops.shape import (
    astype as astype,
    broadcast_to as broadcast_to,
    expand_dims as expand_dims,
    moveaxis as moveaxis,
    ndim as ndim,
    ravel as ravel,
    reshape as reshape,
    shape as shape,
    squeeze as squeeze,
    swapaxes as swapaxes,
    transpose as transpose,
)
from chainrule.autograd.ops.trigonometry import (
    arccos as arccos,
    arccosh as arccosh,
    arcsin as arcsin,
    arcsinh as arcsinh,
    arctan as arctan,
    arctan2 as arctan2,
    arctanh as arctanh,
    cos as cos,
    cosh as cosh,
    deg2rad as deg2rad,
    hypot as hypot,
    rad2deg as rad2deg,
    sin as sin,
    sinc as sinc,
    sinh as sinh,
    tan as tan,
    tanh as tanh,
)

_IDENTITY = Op("identity", "elementwise", lambda xp, g, out, x: g)
_STOP_GRADIENT = Op("stop_gradient", "constant")
_GUARD = Op(
    "guard",
    "elementwise",
    None,
    lambda xp, g, out, test, x: xp.where(xp.logical_and(xp.equal(test, 0), xp.not_equal(out, x)), 0, g),
)


def identity(x: Any) -> Any:
    """Return a node of its own with the data of x."""
    return apply(_IDENTITY, x)


def stop_gradient(x: Any) -> Any:
    """Return x as a constant: no gradient flows back through it.

    Args:
        x: a Value, a Tensor, or a constant.

    Returns:
        A Value or Tensor with the same data.

    Example:
        >>> x = Value(3.0)
        >>> (x * stop_gradient(x)).backward()
        >>> x.grad
        3.0
    """
    if isinstance(x, Node):
        return x.detach() if isinstance(x._data, float) else apply(_STOP_GRADIENT, x)
    return x


def guard(g: Any, contribution: Any) -> Any:
    """Return `contribution`, exactly zero where the cotangent g is zero: 0·inf is 0 in a rule."""
    return apply(_GUARD, g, contribution)


def zeros_like(x: Any) -> Any:
    """Return a constant of zeros, of the shape and dtype of x."""
    data = data_of(x)
    return 0.0 if isinstance(data, float) else np.zeros_like(data)


def ones_like(x: Any) -> Any:
    """Return a constant of ones, of the shape and dtype of x."""
    data = data_of(x)
    return 1.0 if isinstance(data, float) else np.ones_like(data)
