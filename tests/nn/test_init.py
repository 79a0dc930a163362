import numpy as np
import pytest

import chainrule as cr
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
