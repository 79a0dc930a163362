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


def test_a_part_of_a_sequential_shares_its_modules():
    model = nn.MLP([4, 3, 2])
    part = model[:-1]
    assert type(part) is nn.Sequential
    assert [id(layer) for layer in part] == [id(layer) for layer in list(model)[:2]]
    x = RNG.standard_normal((5, 4)).astype(np.float32)
    assert np.array_equal(model[2:](part(x)).data, model(x).data)


def test_sequential_refuses_a_function():
    with pytest.raises(TypeError, match=r"layer 1 is .*write nn.ReLU\(\)"):
        nn.Sequential(nn.Linear(1, 1), cr.relu)


def test_sequential_refuses_a_list():
    with pytest.raises(TypeError, match=r"layer 0 is a list, .* one by one: Sequential\(\*layers\)"):
        nn.Sequential([nn.Linear(1, 1)])


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_against_torch(bias):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    ours = nn.Bilinear(3, 4, 2, bias=bias, dtype=np.float64)
    theirs = torch.nn.Bilinear(3, 4, 2, bias=bias).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    a, b, g = (RNG.standard_normal(shape) for shape in ((5, 3), (5, 4), (5, 2)))
    y, expected = ours(a, b), theirs(torch.tensor(a), torch.tensor(b))
    y.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(y.data, expected.detach().numpy(), rtol=1e-12)
    for name, parameter in ours.named_parameters():
        assert np.allclose(parameter.grad, dict(theirs.named_parameters())[name].grad, rtol=1e-12), name


def test_bilinear_shapes():
    for a, b in [((4, 2), (5, 3)), ((4, 3), (4, 3)), ((4, 2), (4, 2)), ((), (3,))]:
        with pytest.raises(
            cr.ShapeError, match=r"Bilinear: x1 of shape .* must be \(..., 2\) and \(..., 3\)"
        ):
            nn.Bilinear(2, 3, 1)(np.ones(a), np.ones(b))


def test_embedding_looks_up_and_adds_up():
    layer = nn.Embedding(4, 3, dtype=np.float64)
    y = layer([[1, 1], [3, 0]])
    assert np.array_equal(y.data, layer.weight.data[[[1, 1], [3, 0]]])
    y.sum().backward()
    assert layer.weight.grad[:, 0].tolist() == [1, 2, 0, 1]
    assert nn.Embedding(1000, 10).weight.data.std() == pytest.approx(1, rel=0.05)


def test_embedding_takes_whole_floats_and_nothing_else():
    layer = nn.Embedding(4, 3)
    for given in (np.array([1.0, 3.0], np.float32), cr.Tensor([1.0, 3.0])):
        assert np.array_equal(layer(given).data, layer.weight.data[[1, 3]])
    with pytest.raises(TypeError, match="must be integers"):
        layer([0.5])
    with pytest.raises(IndexError, match=r"4 at row 1 is outside 0\.\.3"):
        layer([0, 4])


def test_a_network_of_words_learns():
    cr.seed(0)
    X = RNG.integers(0, 10, (200, 4))
    y = (X[:, 0] > 4).astype(int)
    model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(16, 2))
    model.fit(X, y, epochs=40, optimizer=nn.optim.Adam(model.parameters(), lr=0.02), verbose=0)
    assert model.score(X, y) == 1


@pytest.mark.parametrize("n", [1, 3])
def test_prelu_against_torch(n):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    ours, theirs = nn.PReLU(n, dtype=np.float64), torch.nn.PReLU(n).double()
    x, g = RNG.standard_normal((2, 2, 3, 4))
    x, g = x.reshape(2, 3, 4), g.reshape(2, 3, 4)
    y, expected = ours(x), theirs(torch.tensor(x))
    y.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(y.data, expected.detach().numpy())
    assert np.allclose(ours.weight.grad, theirs.weight.grad)
    with pytest.raises(cr.ShapeError, match=r"x of shape \(5, 4\) needs 2 channels"):
        nn.PReLU(2)(np.zeros((5, 4)))


def test_dropout_drops_in_training_only_and_repeats():
    x = cr.Tensor(np.ones((50, 40)))
    layer = nn.Dropout(0.25)
    cr.seed(1)
    y = layer(x)
    assert set(np.unique(y.data)) == {0.0, 1 / 0.75}
    assert np.mean(y.data == 0) == pytest.approx(0.25, abs=0.04)
    y.sum().backward()
    assert np.array_equal(x.grad, y.data)
    cr.seed(1)
    assert np.array_equal(layer(x).data, y.data)
    assert not np.array_equal(layer(x).data, y.data)
    assert layer.eval()(x) is x
    assert nn.Dropout(0.0)(x) is x


@pytest.mark.parametrize(
    ("p", "error"), [(1.0, ValueError), (-0.1, ValueError), ("half", TypeError), (True, TypeError)]
)
def test_dropout_refuses(p, error):
    with pytest.raises(error, match="Dropout: p must be a probability"):
        nn.Dropout(p)


def test_residual_adds_what_its_layers_give():
    block = nn.Residual(nn.Linear(3, 3), nn.Tanh())
    x = RNG.standard_normal((4, 3)).astype(np.float32)
    assert np.allclose(block(x).data, x + np.tanh(block[0](x).data))
    assert block(x.astype(np.float64)).dtype == np.float32
    with pytest.raises(cr.ShapeError, match=r"turn shape \(4, 3\) into \(4, 2\)"):
        nn.Residual(nn.Linear(3, 2))(x)
