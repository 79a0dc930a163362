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
    optim as optim,
    scalar as scalar,
)
from chainrule.nn.activations import (
    ELU as ELU,
    GELU as GELU,
    Activation as Activation,
    Identity as Identity,
    LeakyReLU as LeakyReLU,
    LogSoftmax as LogSoftmax,
    ReLU as ReLU,
    Sigmoid as Sigmoid,
    SiLU as SiLU,
    Softmax as Softmax,
    Softplus as Softplus,
    Tanh as Tanh,
)
from chainrule.nn.callbacks import (
    Callback as Callback,
    EarlyStopping as EarlyStopping,
)
from chainrule.nn.errors import ModelFileError as ModelFileError
from chainrule.nn.history import History as History
from chainrule.nn.layers import (
    Flatten as Flatten,
    Linear as Linear,
    Sequential as Sequential,
)
from chainrule.nn.loading import load as load
from chainrule.nn.models import (
    MLP as MLP,
    LogisticRegression as LogisticRegression,
)
from chainrule.nn.module import Module as Module
from chainrule.nn.parameter import Parameter as Parameter
