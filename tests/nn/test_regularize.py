import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import optim

X, Y = nn.data.make_moons(40, noise=0.1, seed=0)


def fit(model, *callbacks, lr=0.1, **settings):
    optimizer = optim.SGD(model.parameters(), lr=lr)
    return model.fit(X, Y, optimizer=optimizer, callbacks=callbacks, verbose=0, **{"epochs": 2} | settings)


def test_clipped_gradients_move_no_further():
    for clip in (nn.ClipGradients(norm=1e-3), nn.ClipGradients(value=1e-3)):
        model = nn.MLP([2, 4, 2])
        before = model.state_dict()
        fit(model, clip, lr=1.0, epochs=1, batch_size=40)
        moved = np.concatenate([(model.state_dict()[name] - w).ravel() for name, w in before.items()])
        assert 0 < np.abs(moved).max() <= 1e-3 * 1.001
        if clip.norm:
            assert np.linalg.norm(moved) == pytest.approx(1e-3, rel=0.01)


def test_max_norm_holds_after_every_step():
    norms = []

    class Spy(nn.Callback):
        def on_step(self, model):
            norms.append(max(np.linalg.norm(w.data, axis=1).max() for w in model.parameters() if w.ndim == 2))

    fit(nn.MLP([2, 4, 2], init="constant"), nn.MaxNorm(0.4), Spy(), lr=1.0)
    assert max(norms) == pytest.approx(0.4)


def test_max_norm_of_a_filter():
    class Images(nn.Module):
        def __init__(self):
            self.filter = nn.Parameter(np.ones((2, 1, 3, 3)))

    model = Images()
    nn.MaxNorm(1.5).on_step(model)
    assert np.allclose(np.sqrt((model.filter.data**2).sum(axis=(1, 2, 3))), 1.5)


def test_noise_is_fresh_in_each_step_and_absent_in_validation():
    seen = []

    class Spy(nn.MLP):
        def forward(self, x):
            seen.append((self.training, x.copy()))
            return super().forward(x)

    cr.seed(0)
    rows = X.astype(np.float32)
    fit(Spy([2, 2]), nn.Noise(0.5), shuffle=False, batch_size=40, validation_data=(X, Y))
    noisy = [x - rows for training, x in seen if training]
    assert len(noisy) == 2
    assert not np.array_equal(*noisy)
    assert np.concatenate(noisy).std() == pytest.approx(0.5, rel=0.15)
    assert noisy[0].dtype == np.float32
    assert all(np.array_equal(x, rows[: len(x)]) for training, x in seen if not training)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nn.ClipGradients, "give a norm or a value"),
        (lambda: nn.ClipGradients(norm=-1.0), "norm must be a finite number"),
        (lambda: nn.MaxNorm(float("nan")), "limit must be"),
        (lambda: nn.Noise(-0.1), "std must be"),
    ],
)
def test_what_cannot_work(make, message):
    with pytest.raises(ValueError, match=message):
        make()
