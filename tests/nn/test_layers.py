import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

RNG = np.random.default_rng(0)


def test_linear_is_the_affine_map():
    layer = nn.Linear(3, 2, dtype=np.float64)
    x = RNG.standard_normal((5, 3))
    assert layer.weight.shape == (2, 3)
    assert layer.bias.shape == (2,)
    assert not layer.bias.data.any()
    layer.bias.data = [0.5, -1.0]
    assert np.allclose(layer(x).data, x @ layer.weight.data.T + layer.bias.data)


def test_linear_without_bias():
    layer = nn.Linear(3, 2, bias=False, dtype=np.float64)
    x = RNG.standard_normal((5, 3))
    assert np.allclose(layer(x).data, x @ layer.weight.data.T)
    assert len(layer.parameters()) == 1


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_gradients_by_finite_differences(shape, bias):
    layer = nn.Linear(3, 2, bias=bias, dtype=np.float64)
    x = RNG.standard_normal(shape)
    weight = layer.weight.numpy()
    (layer(x) ** 2).sum().backward()
    numeric = np.zeros_like(weight)
    for place in np.ndindex(weight.shape):
        for sign in (1, -1):
            moved = weight.copy()
            moved[place] += sign * 1e-6
            layer.weight.data = moved
            numeric[place] += sign * (layer(x) ** 2).sum().item() / 2e-6
    assert np.allclose(layer.weight.grad, numeric, rtol=1e-6)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 2), "in_features must be at least 1, got 0"),
        ((2, -1), "out_features must be at least 1"),
    ],
)
def test_linear_refuses_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        nn.Linear(*sizes)


def test_linear_refuses_words_and_wrong_widths():
    with pytest.raises(TypeError, match="whole number"):
        nn.Linear(2.5, 1)
    with pytest.raises(TypeError, match="<U"):
        nn.Linear(2, 1)(["a", "b"])
    with pytest.raises(cr.ShapeError, match="must have 2 features"):
        nn.Linear(2, 1)(np.ones((4, 3)))


def test_flatten():
    images = RNG.standard_normal((5, 2, 3, 4))
    x = cr.Tensor(images)
    y = nn.Flatten()(x)
    assert np.array_equal(y.data, images.reshape(5, 24))
    (y * y).sum().backward()
    assert np.allclose(x.grad, 2 * images)
    assert nn.Flatten()(np.zeros((0, 2, 3))).shape == (0, 6)


def test_sequential_runs_in_order_and_can_be_indexed():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(model) == 4
    assert isinstance(model[-1], nn.Linear)
    x = RNG.standard_normal((2, 2, 2)).astype(np.float32)
    by_hand = model[3](cr.relu(model[1](x.reshape(2, 4))))
    assert np.array_equal(model(x).data, by_hand.data)


def test_sequential_keeps_more_than_ten_in_order():
    model = nn.Sequential(*(nn.Linear(i + 1, i + 2) for i in range(12)))
    assert model(np.ones((1, 1))).shape == (1, 13)


def test_sequential_refuses_a_function():
    with pytest.raises(TypeError, match=r"layer 1 is .*write nn.ReLU\(\)"):
        nn.Sequential(nn.Linear(1, 1), cr.relu)
