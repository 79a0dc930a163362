import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import init

SHAPE = (300, 500)
DEVIATIONS = {
    "normal": 0.01,
    "uniform": 0.01 / np.sqrt(3),
    "xavier_normal": np.sqrt(2 / 800),
    "xavier_uniform": np.sqrt(2 / 800),
    "he_normal": np.sqrt(2 / 500),
    "he_uniform": np.sqrt(2 / 500),
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_mean_and_deviation(name):
    weights = init.by_name(name)(SHAPE, np.random.default_rng(0))
    assert weights.shape == SHAPE
    assert weights.dtype == np.float32
    assert weights.std() == pytest.approx(DEVIATIONS[name], rel=0.01)
    assert abs(weights.mean()) < 4 * DEVIATIONS[name] / np.sqrt(weights.size)


@pytest.mark.parametrize("name", ["uniform", "xavier_uniform", "he_uniform"])
def test_uniform_has_bounds(name):
    weights = init.by_name(name)(SHAPE, np.random.default_rng(0))
    assert np.abs(weights).max() <= np.sqrt(3) * DEVIATIONS[name] * (1 + 1e-6)


def test_zeros_and_constant():
    assert not init.zeros((2, 3)).any()
    assert (init.constant((2, 3), value=0.5) == 0.5).all()


@pytest.mark.parametrize("name", init.INITS)
def test_one_seed_repeats_bit_for_bit(name):
    made = []
    for _ in range(2):
        cr.seed(5)
        made.append(init.by_name(name)((3, 4), dtype=np.float64))
    assert np.array_equal(*made)


def test_a_leaky_relu_needs_less():
    steep = init.he_normal(SHAPE, np.random.default_rng(0), negative_slope=1.0)
    assert steep.std() == pytest.approx(np.sqrt(1 / 500), rel=0.01)


def test_he_keeps_the_signal_through_deep_relu_layers_and_small_weights_lose_it():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 256))
    sizes = {}
    for name in ("he_normal", "normal"):
        signal = x
        for _ in range(10):
            signal = np.maximum(signal @ init.by_name(name)((256, 256), rng).T, 0)
        sizes[name] = signal.std()
    assert 0.1 < sizes["he_normal"] < 10
    assert sizes["normal"] < 1e-6


def test_convolution_fans():
    assert init.fans((8, 3, 5, 5)) == (75, 200)
    with pytest.raises(ValueError, match=r"shape .out, in, "):
        init.xavier_normal((3,))


def test_defaults_and_names():
    assert init.for_activation("relu") is init.he_normal
    assert init.for_activation("sigmoid") is init.xavier_normal
    with pytest.raises(ValueError, match=r"unknown init 'he_norm'.*did you mean 'he_normal'"):
        init.by_name("he_norm")


@pytest.mark.parametrize("shape", [(4, 4), (3, 8), (8, 3), (6, 2, 3, 3)])
def test_orthogonal(shape):
    weights = init.orthogonal(shape, np.random.default_rng(0), np.float64, gain=2.0)
    assert weights.shape == shape
    flat = weights.reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    assert np.allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_matrices_are_equally_likely():
    """The signs of the entries are fair, which those of a bare QR are not (its R has no fixed sign)."""
    rng = np.random.default_rng(0)
    corner = np.array([init.orthogonal((2, 2), rng)[0, 0] for _ in range(2000)])
    assert abs(np.mean(corner > 0) - 0.5) < 0.05
    assert np.mean(corner**2) == pytest.approx(0.5, abs=0.03)
    with pytest.raises(ValueError, match="orthogonal needs a weight"):
        init.orthogonal((3,))


def test_a_network_repeats_bit_for_bit():
    def run():
        cr.seed(7)
        model = nn.Sequential(
            nn.Conv2d(1, 2, 3, init="orthogonal"),
            nn.BatchNorm2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(72, 3),
        )
        X, y = np.random.default_rng(0).standard_normal((20, 1, 8, 8)), np.arange(20) % 3
        history = model.fit(X, y, epochs=2, batch_size=5, verbose=0)
        return history.loss, model.state_dict()

    (one, state), (two, again) = run(), run()
    assert one == two
    assert all(np.array_equal(state[name], again[name]) for name in state)
    generators = [np.random.default_rng(3) for _ in range(2)]
    layers = [nn.Conv1d(2, 3, 3, generator=g) for g in generators]
    assert np.array_equal(layers[0].weight.data, layers[1].weight.data)
