import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import optim

X, Y = nn.data.make_moons(200, noise=0.1, seed=0)


def test_the_best_rate_is_near_where_training_works_best():
    found = nn.find_lr(nn.MLP([2, 16, 2], generator=np.random.default_rng(0)), X, Y, optimizer="sgd", seed=0)
    assert found.rates == sorted(found.rates)
    assert len(found.rates) == len(found.losses)
    losses = {}
    for factor in (0.01, 1):
        model = nn.MLP([2, 16, 2], generator=np.random.default_rng(0))
        sgd = optim.SGD(model.parameters(), lr=found.best * factor)
        losses[factor] = model.fit(X, Y, optimizer=sgd, epochs=5, seed=0, verbose=0).loss[-1]
    assert losses[1] < losses[0.01] / 1.5


def test_model_and_optimizer_are_put_back():
    model = nn.MLP([2, 8, 2])
    adam = optim.Adam(model.parameters(), lr=0.003)
    model.fit(X, Y, epochs=1, optimizer=adam, verbose=0)
    model.task = None
    weights, state = model.state_dict(), adam.state_dict()
    nn.find_lr(model, X, Y, optimizer=adam)
    assert all(np.array_equal(model.state_dict()[name], w) for name, w in weights.items())
    assert adam.lr == 0.003
    assert all(np.array_equal(a["mean"], b["mean"]) for a, b in zip(adam.state, state["state"], strict=True))
    assert model.task is None


def test_it_ends_where_the_loss_explodes():
    rows = np.linspace(-1, 1, 50)[:, None]
    found = nn.find_lr(nn.MLP([1, 1]), rows, 3 * rows[:, 0], optimizer="sgd", high=1e6, steps=200, seed=0)
    assert found.rates[-1] < 1e3
    assert 1e-3 < found.best < 3
    assert np.isfinite(found.losses).all()


def test_it_draws_itself():
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'chainrule[plot]'").use("agg")
    axes = nn.find_lr(nn.MLP([2, 8, 2]), X, Y, steps=30).plot()
    assert axes.get_xscale() == "log"
    assert len(axes.lines) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"low": 1.0, "high": 0.1}, "needs 0 < low < high"),
        ({"low": 0.0}, "needs 0 < low < high"),
        ({"steps": 3}, "steps must be at least 10"),
        ({"optimizer": "lbfgs"}, "L-BFGS searches"),
    ],
)
def test_what_cannot_work(settings, message):
    with pytest.raises(ValueError, match=message):
        nn.find_lr(nn.MLP([2, 2]), X, Y, **settings)
