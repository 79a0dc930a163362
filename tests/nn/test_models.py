import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn.activations import ACTIVATIONS

RNG = np.random.default_rng(0)


def test_mlp_is_linear_and_activation_in_turn():
    model = nn.MLP([4, 5, 6, 2], activation="tanh")
    assert [type(layer).__name__ for layer in model] == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]
    x = RNG.standard_normal((3, 4)).astype(np.float32)
    by_hand = model[4](cr.tanh(model[2](cr.tanh(model[0](x)))))
    assert np.array_equal(model(x).data, by_hand.data)


def test_mlp_of_two_sizes_is_linear():
    assert [type(layer).__name__ for layer in nn.MLP([4, 2])] == ["Linear"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_mlp_takes_every_activation(name):
    model = nn.MLP([4, 5, 2], activation=name)
    model(np.ones((3, 4))).sum().backward()
    assert all(np.isfinite(p.grad).all() for p in model.parameters())


def test_mlp_takes_a_module_as_activation():
    model = nn.MLP([4, 5, 2], activation=nn.LeakyReLU(0.3))
    assert model[1].negative_slope == 0.3
    assert [name for name, _ in model.named_modules()] == ["", "0", "1", "2"]


def test_mlp_takes_a_function_of_chainrule_as_activation():
    model = nn.MLP([4, 5, 5, 2], activation=cr.tanh)
    assert isinstance(model[1], nn.Tanh)
    assert model.arguments()["activation"] == "tanh"


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (np.tanh, r"'tanh', or an object such as nn\.Tanh\(\)$"),
        (nn.SiLU, r"'silu', or an object such as nn\.SiLU\(\)$"),
        (None, "None is neither a name"),
        (lambda x: x, "neither a name, nor a module"),
    ],
)
def test_mlp_refuses_other_functions(given, advice):
    with pytest.raises(TypeError, match=advice):
        nn.MLP([4, 5, 2], activation=given)


def test_an_array_in_place_of_a_size_is_not_printed_whole():
    with pytest.raises(TypeError, match=r"must be a whole number, got ndarray of shape \(40, 4\)$"):
        nn.LogisticRegression(np.zeros((40, 4)))


def test_mlp_by_the_lectures_formulas():
    """Forward and backward of a network 2-3-1 with tanh, written out by hand."""
    model = nn.MLP([2, 3, 1], activation="tanh", dtype=np.float64)
    x, y = RNG.standard_normal((5, 2)), RNG.standard_normal((5, 1))
    nn.losses.mse(model(x), y).backward()
    w1, b1, w2, b2 = (p.data for p in model.parameters())
    a1 = np.tanh(x @ w1.T + b1)
    dz2 = 2 * (a1 @ w2.T + b2 - y) / 5
    dz1 = dz2 @ w2 * (1 - a1**2)
    expected = dz1.T @ x, dz1.sum(0), dz2.T @ a1, dz2.sum(0)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert np.allclose(parameter.grad, gradient, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([64],), "at least inputs and outputs"),
        ((64,), "at least inputs and outputs"),
        (([64, 0, 10],), r"sizes\[1\] must be at least 1"),
        (([2, 2], "rleu"), "unknown activation 'rleu'; known activations: relu, .*did you mean 'relu'"),
        (([2, 2, 2], "swish"), "unknown activation 'swish'; .*did you mean 'silu'"),
        (([2, 2], "relu", "he"), "unknown init 'he'; known inits: zeros"),
    ],
)
def test_mlp_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        nn.MLP(*arguments)


def test_initial_weights_suit_the_activation():
    cr.seed(0)
    relu, tanh = nn.MLP([400, 300, 1]), nn.MLP([400, 300, 1], activation="tanh")
    assert relu[0].weight.data.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert tanh[0].weight.data.std() == pytest.approx(np.sqrt(2 / 700), rel=0.02)


def test_one_seed_gives_one_network_in_every_dtype():
    networks = []
    for dtype in (np.float32, np.float32, np.float64):
        cr.seed(3)
        networks.append(nn.MLP([4, 5, 2], dtype=dtype).state_dict())
    assert all(np.array_equal(networks[0][name], networks[1][name]) for name in networks[0])
    assert all(
        np.array_equal(networks[0][name], networks[2][name].astype(np.float32)) for name in networks[0]
    )


def test_a_generator_can_be_passed():
    one, two = (nn.MLP([4, 5, 2], generator=np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one[0].weight.data, two[0].weight.data)


def test_logistic_regression_shapes():
    assert nn.LogisticRegression(3)(np.ones((4, 3))).shape == (4,)
    assert nn.LogisticRegression(3, n_classes=2).task == "binary"
    assert nn.LogisticRegression(3, n_classes=3)(np.ones((4, 3))).shape == (4, 3)
    assert nn.LogisticRegression(3, n_classes=3).task == "multiclass"
    with pytest.raises(ValueError, match="n_classes must be at least 2"):
        nn.LogisticRegression(3, n_classes=1)


@pytest.mark.parametrize("z", [-1000.0, -40.0, -3.0, -0.5, 0.0, 1.7, 40.0, 1000.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_logistic_neuron_by_hand(z, y):
    """The lectures' gradient of logistic regression: dz = a - y, dw = x dz, db = dz."""
    x = np.array([[2.0, -1.0, 0.5]])
    model = nn.LogisticRegression(3, dtype=np.float64)
    model.linear.weight.data = [[1.0, 2.0, 4.0]]  # w·x = 2
    model.linear.bias.data = [z - 2.0]
    loss = nn.losses.binary_cross_entropy_with_logits(model(x), [y])
    loss.backward()
    a = 1 / (1 + np.exp(-z)) if z > -700 else 0.0
    dz = a - y
    assert np.allclose(model.linear.weight.grad, x * dz, rtol=1e-12, atol=1e-300)
    assert np.allclose(model.linear.bias.grad, dz, rtol=1e-12, atol=1e-300)
    assert loss.item() == pytest.approx(np.logaddexp(0, -z) if y else np.logaddexp(0, z), rel=1e-12)


@pytest.mark.parametrize("z", [-40.0, -0.5, 0.0, 1.7, 40.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_logistic_neuron_by_hand_as_scalars(z, y):
    neuron = nn.scalar.Neuron(2)
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 0.5, -1.0, z + 1.5
    loss = nn.losses.binary_cross_entropy_with_logits(neuron([1.0, 2.0]), y)  # w·x = -1.5
    loss.backward()
    dz = 1 / (1 + np.exp(-z)) - y
    assert [p.grad for p in neuron.parameters()] == pytest.approx([dz, 2 * dz, dz], rel=1e-12)
    assert np.isfinite(loss.data)
