"""The NumPy backend: the reference for arrays, with nothing to compile.

Where NumPy has the function, this table holds NumPy's own.
"""

import numpy as np
from numpy import (
    abs as abs,
    add as add,
    arcsinh as arcsinh,
    arctan as arctan,
    arctan2 as arctan2,
    argmax as argmax,
    argmin as argmin,
    cbrt as cbrt,
    ceil as ceil,
    concatenate as concatenate,
    copysign as copysign,
    cross as cross,
    cumprod as cumprod,
    cumsum as cumsum,
    deg2rad as deg2rad,
    equal as equal,
    expand_dims as expand_dims,
    flip as flip,
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
    logaddexp as logaddexp,
    logaddexp2 as logaddexp2,
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    matmul as matmul,
    maximum as maximum,
    minimum as minimum,
    ndim as ndim,
    not_equal as not_equal,
    ones_like as ones_like,
    rad2deg as rad2deg,
    roll as roll,
    shape as shape,
    sign as sign,
    squeeze as squeeze,
    stack as stack,
    swapaxes as swapaxes,
    take as take,
    take_along_axis as take_along_axis,
    tanh as tanh,
    transpose as transpose,
    tril as tril,
    triu as triu,
    trunc as trunc,
    where as where,
    zeros_like as zeros_like,
)

from chainrule.backends.numpy.arrange import (
    astype as astype,
    broadcast_to as broadcast_to,
    cast as cast,
    conv as conv,
    conv_input as conv_input,
    conv_weight as conv_weight,
    getitem as getitem,
    one_hot as one_hot,
    overlap_add as overlap_add,
    pad as pad,
    reshape as reshape,
    scatter as scatter,
    scatter_along_axis as scatter_along_axis,
    scatter_axis as scatter_axis,
    windows as windows,
)
from chainrule.backends.numpy.bridge import (
    from_values as from_values,
    to_value as to_value,
)
from chainrule.backends.numpy.elementwise import (
    bce_with_logits as bce_with_logits,
    celu as celu,
    clip as clip,
    elu as elu,
    gelu as gelu,
    guard as guard,
    hardsigmoid as hardsigmoid,
    hardswish as hardswish,
    hardtanh as hardtanh,
    identity as identity,
    leaky_relu as leaky_relu,
    log_sigmoid as log_sigmoid,
    logit as logit,
    mish as mish,
    nan_to_num as nan_to_num,
    prelu as prelu,
    relu as relu,
    relu6 as relu6,
    selu as selu,
    sigmoid as sigmoid,
    silu as silu,
    softplus as softplus,
    softsign as softsign,
    stop_gradient as stop_gradient,
    xlogy as xlogy,
)
from chainrule.backends.numpy.linalg import (
    cholesky as cholesky,
    contract as contract,
    det as det,
    det_sign as det_sign,
    einsum as einsum,
    inv as inv,
    logabsdet as logabsdet,
    pinv as pinv,
    solve as solve,
)
from chainrule.backends.numpy.neural import (
    cross_entropy as cross_entropy,
    gradients as gradients,
    keeping as keeping,
    linear as linear,
    linear_activation as linear_activation,
    log_softmax as log_softmax,
    normalize as normalize,
    soft_cross_entropy as soft_cross_entropy,
    softmax as softmax,
    standardize as standardize,
)
from chainrule.backends.numpy.reduce import (
    all as all,
    any as any,
    argsort as argsort,
    count as count,
    logcumsumexp as logcumsumexp,
    logsumexp as logsumexp,
    max as max,
    mean as mean,
    min as min,
    norm as norm,
    prod as prod,
    sum as sum,
)
from chainrule.backends.special import erf as erf, erfc as erfc

mul = np.multiply
neg = np.negative
round = np.rint
sub = np.subtract

# These give the IEEE answer (inf, nan) without NumPy's warning: `detect_anomaly` is how to find where it was born.
_quiet = np.errstate(all="ignore")
div = _quiet(np.true_divide)
pow = _quiet(np.power)
exp = _quiet(np.exp)
exp2 = _quiet(np.exp2)
expm1 = _quiet(np.expm1)
log = _quiet(np.log)
log2 = _quiet(np.log2)
log10 = _quiet(np.log10)
log1p = _quiet(np.log1p)
sqrt = _quiet(np.sqrt)
square = _quiet(np.square)
reciprocal = _quiet(np.reciprocal)
sin = _quiet(np.sin)
cos = _quiet(np.cos)
tan = _quiet(np.tan)
arcsin = _quiet(np.arcsin)
arccos = _quiet(np.arccos)
sinh = _quiet(np.sinh)
cosh = _quiet(np.cosh)
arccosh = _quiet(np.arccosh)
arctanh = _quiet(np.arctanh)
hypot = _quiet(np.hypot)
sinc = _quiet(np.sinc)
floor_divide = _quiet(np.floor_divide)
remainder = _quiet(np.remainder)
fmod = _quiet(np.fmod)
