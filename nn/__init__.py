"""Networks on the engine: modules, losses, optimizers, data, and `fit`.

>>> model = nn.MLP([2, 8, 2])
>>> X, y = nn.data.make_moons(100, seed=0)
>>> history = model.fit(X, y, epochs=3, verbose=0)
>>> history.epochs, model.predict(X).shape
(3, (100,))
"""

from chainrule.nn import (
    data as data,
    init as init,
    losses as losses,
    metrics as metrics,
    onnx as onnx,
    optim as optim,
    scalar as scalar,
)
from chainrule.nn.activations import (
    CELU as CELU,
    ELU as ELU,
    GELU as GELU,
    GLU as GLU,
    SELU as SELU,
    Activation as Activation,
    Hardsigmoid as Hardsigmoid,
    Hardswish as Hardswish,
    Hardtanh as Hardtanh,
    Identity as Identity,
    LeakyReLU as LeakyReLU,
    LogSigmoid as LogSigmoid,
    LogSoftmax as LogSoftmax,
    Mish as Mish,
    ReLU as ReLU,
    ReLU6 as ReLU6,
    Sigmoid as Sigmoid,
    SiLU as SiLU,
    Softmax as Softmax,
    Softplus as Softplus,
    Softsign as Softsign,
    Tanh as Tanh,
)
from chainrule.nn.callbacks import (
    Callback as Callback,
    EarlyStopping as EarlyStopping,
)
from chainrule.nn.checkpoint import Checkpoint as Checkpoint
from chainrule.nn.cluster import KMeans as KMeans
from chainrule.nn.conv import (
    AvgPool1d as AvgPool1d,
    AvgPool2d as AvgPool2d,
    Conv1d as Conv1d,
    Conv2d as Conv2d,
    MaxPool1d as MaxPool1d,
    MaxPool2d as MaxPool2d,
)
from chainrule.nn.errors import ModelFileError as ModelFileError
from chainrule.nn.history import History as History
from chainrule.nn.layers import (
    Bilinear as Bilinear,
    Dropout as Dropout,
    Embedding as Embedding,
    Flatten as Flatten,
    Linear as Linear,
    PReLU as PReLU,
    Residual as Residual,
    Sequential as Sequential,
)
from chainrule.nn.loading import load as load
from chainrule.nn.logs import Log as Log
from chainrule.nn.lr_finder import find_lr as find_lr
from chainrule.nn.models import (
    MLP as MLP,
    LogisticRegression as LogisticRegression,
)
from chainrule.nn.module import Module as Module
from chainrule.nn.networks import (
    CNN as CNN,
    Autoencoder as Autoencoder,
    LinearRegression as LinearRegression,
)
from chainrule.nn.norm import (
    BatchNorm1d as BatchNorm1d,
    BatchNorm2d as BatchNorm2d,
    LayerNorm as LayerNorm,
)
from chainrule.nn.parameter import (
    Buffer as Buffer,
    Parameter as Parameter,
)
from chainrule.nn.regularize import (
    ClipGradients as ClipGradients,
    MaxNorm as MaxNorm,
    Noise as Noise,
)

SoftmaxRegression = LogisticRegression  # the same model by its other name: with more classes it is softmax
