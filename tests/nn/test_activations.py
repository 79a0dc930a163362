"""The lectures' table of activation functions, with derivatives, against what is computed here."""

import inspect
import math

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn.activations import ACTIVATIONS, activation, name_of

POINTS = np.array([-30.0, -3.0, -1.0, -0.01, 0.0, 0.3, 1.0, 2.5, 30.0])


def s(z):
    return 1 / (1 + math.exp(-z))


TABLE = {
    "sigmoid": (s, lambda z: s(z) * (1 - s(z))),
    "tanh": (
        lambda z: (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z)),
        lambda z: 1 - ((math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z))) ** 2,
    ),
    "relu": (lambda z: max(0.0, z), lambda z: 1.0 if z > 0 else 0.0),
    "softplus": (lambda z: math.log(1 + math.exp(z)), lambda z: math.exp(z) / (1 + math.exp(z))),
    "leaky_relu": (lambda z: z if z > 0 else 0.01 * z, lambda z: 1.0 if z > 0 else 0.01),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_lectures_table(name):
    function, derivative = TABLE[name]
    z = cr.Tensor(POINTS)
    a = activation(name)(z)
    a.sum().backward()
    # The textbook's own formulas round at |z| = 30; so does 1 - a² of a tanh that is 1 to the last bit.
    assert np.allclose(a.data, [function(x) for x in POINTS], rtol=1e-9, atol=1e-15)
    assert np.allclose(z.grad, [derivative(x) for x in POINTS], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", TABLE)
def test_the_lectures_table_as_scalars(name):
    function, derivative = TABLE[name]
    for x in POINTS:
        z = cr.Value(x)
        a = activation(name)(z)
        a.backward()
        assert a.data == pytest.approx(function(x), rel=1e-9, abs=1e-15)
        assert z.grad == pytest.approx(derivative(x), rel=1e-9, abs=1e-15)


def test_softmax_with_its_jacobian():
    """∂aᵢ/∂zⱼ = aᵢ(δᵢⱼ − aⱼ)."""
    z = np.array([1.0, -2.0, 0.5])
    a = np.exp(z) / np.exp(z).sum()
    assert np.allclose(nn.Softmax()(cr.Tensor(z)).data, a)
    assert np.allclose(nn.LogSoftmax()(cr.Tensor(z)).data, np.log(a))
    for i in range(3):
        x = cr.Tensor(z)
        nn.Softmax()(x)[i].backward()
        assert np.allclose(x.grad, a[i] * (np.eye(3)[i] - a))


def test_softmax_along_an_axis():
    assert np.allclose(nn.Softmax(axis=0)(np.zeros((4, 2))), 0.25)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_names_come_back(name):
    assert name_of(activation(name)) == name


def test_against_torch():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    f = torch.nn.functional
    peers = {
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": f.relu, "softplus": f.softplus, "silu": f.silu,
        "leaky_relu": f.leaky_relu, "gelu": f.gelu, "elu": f.elu, "identity": lambda x: x,
        "selu": f.selu, "celu": f.celu, "mish": f.mish, "softsign": f.softsign, "relu6": f.relu6,
        "hardtanh": f.hardtanh, "hardsigmoid": f.hardsigmoid, "hardswish": f.hardswish, "log_sigmoid": f.logsigmoid,
        "softmax": lambda x: f.softmax(x, -1), "log_softmax": lambda x: f.log_softmax(x, -1),
    }  # fmt: skip
    assert peers.keys() == ACTIVATIONS.keys()
    weights = np.linspace(-1, 1, len(POINTS))
    for name, peer in peers.items():
        x, theirs = cr.Tensor(POINTS), torch.tensor(POINTS, requires_grad=True)
        ours = activation(name)(x)
        (ours * weights).sum().backward()
        out = peer(theirs)
        (out * torch.tensor(weights)).sum().backward()
        assert np.allclose(ours.data, out.detach().numpy(), rtol=1e-6, atol=1e-13), name
        assert np.allclose(x.grad, theirs.grad.numpy(), rtol=1e-6, atol=1e-13), name


def test_unknown_name():
    with pytest.raises(ValueError, match=r"unknown activation 'Sigmoyd'.*did you mean 'sigmoid'\?"):
        activation("Sigmoyd")


def test_settings_are_those_of_the_function():
    assert repr(nn.LeakyReLU(0.3)) == "LeakyReLU(negative_slope=0.3)"
    assert repr(nn.Hardtanh(high=2)) == "Hardtanh(low=-1.0, high=2.0)"
    assert repr(nn.Softmax(axis=0)) == "Softmax(axis=0)"
    assert nn.ELU(2)(-1.0) == cr.elu(-1.0, 2.0)
    assert nn.ELU.__name__ == nn.ELU.__qualname__ == "ELU"
    assert str(inspect.signature(nn.ELU)) == "(alpha: float = 1.0)"
    assert nn.ELU.__doc__.startswith("x where x > 0")
    assert nn.GLU()(np.ones((2, 4))).shape == (2, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.LeakyReLU("steep"), "LeakyReLU: negative_slope must be a number, got 'steep'"),
        (lambda: nn.ELU(True), "ELU: alpha must be a number, got True"),
        (lambda: nn.Softmax(0.5), "Softmax: axis must be a whole number, got 0.5"),
        (lambda: nn.ReLU(0.1), "too many positional arguments"),
        (lambda: nn.ELU(beta=1.0), "beta"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_every_activation_of_the_engine_is_a_module():
    """What `autograd.ops.activation` defines, apart from the loss and the one with a learned slope."""
    from chainrule.autograd.ops import activation as table

    names = {
        name
        for name, function in vars(table).items()
        if callable(function) and getattr(function, "__module__", "").startswith("chainrule.autograd.ops")
        and getattr(cr, name, None) is function
    }  # fmt: skip
    assert names - set(ACTIVATIONS) == {"bce_with_logits", "prelu"}
