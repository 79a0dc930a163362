"""What `fit` does when it is interrupted, diverges, or is given what cannot work."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import optim


def moons(n=200, seed=0):
    return nn.data.make_moons(n, noise=0.1, seed=seed)


def line(n=60):
    X = np.linspace(-1, 1, n)[:, None]
    return X, 3 * X[:, 0] - 1


def state(model):
    return [p.numpy() for p in model.parameters()]


def same(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


class Raise(nn.Callback):
    def __init__(self, error, at):
        self.error, self.at, self.ended = error, at, False

    def on_epoch(self, model, history):
        if history.epochs == self.at:
            raise self.error

    def on_end(self, model, history):
        self.ended = True


def test_ctrl_c_returns_the_history():
    stop = Raise(KeyboardInterrupt, at=2)
    history = nn.MLP([2, 2]).fit(*moons(20), epochs=5, callbacks=[stop], verbose=0)
    assert history.epochs == 2
    assert history.interrupted
    assert stop.ended
    assert "(interrupted)" in repr(history)


def test_ctrl_c_inside_a_step_leaves_whole_weights():
    class Half(optim.SGD):
        def update(self, w, g, state, numbers):
            if self.calls == 3:  # in the second step, after the first of two parameters
                raise KeyboardInterrupt
            self.calls += 1
            return super().update(w, g, state, numbers)

    X, y = moons(20)
    model = nn.MLP([2, 2])
    twin = nn.MLP([2, 2])
    twin.load_state_dict(model.state_dict())
    optimizer = Half(model.parameters(), lr=0.1)
    optimizer.calls = 0
    model.fit(X, y, epochs=1, batch_size=10, shuffle=False, optimizer=optimizer, verbose=0)
    sgd = optim.SGD(twin.parameters(), lr=0.1)
    twin.fit(X[:10], y[:10], epochs=1, batch_size=10, shuffle=False, optimizer=sgd, verbose=0)
    assert same(state(model), state(twin))


def test_another_error_passes_through():
    with pytest.raises(KeyError):
        nn.MLP([2, 2]).fit(*moons(20), epochs=5, callbacks=[Raise(KeyError, at=1)], verbose=0)


def test_a_diverging_loss_names_epoch_step_and_parameter():
    X, y = line()
    model = nn.MLP([1, 8, 1])
    optimizer = optim.SGD(model.parameters(), lr=1e6)
    with pytest.raises(FloatingPointError) as caught:
        model.fit(X, y, epochs=50, batch_size=10, optimizer=optimizer, verbose=0)
    message = str(caught.value)
    assert "in epoch 1, step " in message
    assert "smaller learning rate than 1e+06" in message
    assert all(np.isfinite(p.data).all() for p in model.parameters())
    assert np.isfinite(nn.losses.mse(model(X), y[:, None]).item())


def test_the_first_bad_parameter_is_named_and_the_last_good_weights_kept():
    class Poison(optim.SGD):
        calls = 0

        def update(self, w, g, state, numbers):
            self.calls += 1
            return np.full_like(w, np.nan) if self.calls == 4 else super().update(w, g, state, numbers)

    X, y = line()
    model = nn.MLP([1, 1])
    good = []

    optimizer = Poison(model.parameters(), lr=0.1)
    original = optimizer.step

    def step():
        good.append(state(model))
        original()

    optimizer.step = step
    with pytest.raises(
        FloatingPointError, match=r"loss became nan in epoch 1, step 3; .* parameter is 0\.bias"
    ):
        model.fit(X, y, epochs=1, batch_size=10, optimizer=optimizer, verbose=0)
    assert same(state(model), good[1])  # from before the second step, which poisoned the bias


def test_weights_that_go_bad_in_the_last_step_are_found():
    class Poison(optim.SGD):
        def update(self, w, g, state, numbers):
            return np.full_like(w, np.inf)

    model = nn.MLP([1, 1])
    before = state(model)
    with pytest.raises(FloatingPointError, match=r"a parameter became NaN or infinite in epoch 1.*0\.weight"):
        model.fit(*line(), epochs=1, batch_size=60, optimizer=Poison(model.parameters()), verbose=0)
    assert same(state(model), before)


def test_a_loss_that_is_bad_from_the_start():
    model = nn.MLP([1, 1])
    model[0].bias.data = [np.inf]
    with pytest.raises(
        FloatingPointError, match=r"epoch 1, step 1; the first bad parameter is 0\.bias. No step"
    ):
        model.fit(*line(), epochs=1, verbose=0)


X4 = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("model", "X", "y", "settings", "error", "message"),
    [
        (nn.MLP([2, 3]), X4, [0, 1, 2, 3], {}, IndexError, r"fit: label 3 at row 3 is outside 0\.\.2"),
        (nn.MLP([2, 3]), X4, [0, -1, 2, 0], {}, IndexError,
         r"fit: label -1 at row 1 is outside 0\.\.2; classes are numbered from 0: y = np\.unique\("),
        (nn.MLP([2, 3]), X4, [1, 2, 3, 1], {}, IndexError, r"label 3 at row 2 .* numbered from 0"),
        (nn.LogisticRegression(2), X4, [0, 1, 2, 0], {}, IndexError, r"2 at row 2 is outside 0\.\.1"),
        (nn.LogisticRegression(2), X4, [0.0, 0.5, 1.0, 0.0], {}, TypeError, "y must be integers"),
        (nn.MLP([2, 3]), X4, [0, 1, 2], {}, cr.ShapeError, r"X has 4 rows, but y has 3 \(shape \(3,\)\)"),
        (nn.MLP([2, 3]), X4, np.zeros((4, 2)), {}, cr.ShapeError, r"outputs of shape \(rows, 3\)"),
        (nn.MLP([2, 3]), X4, ["a", "b", "c", "d"], {}, TypeError,
         "fit: y must hold numbers, got dtype <U1; classes are numbered from 0"),
        (nn.MLP([2, 3]), X4, np.array([None] * 4), {}, TypeError, r"got dtype object; .*astype\(float\)"),
        (nn.MLP([2, 3]), np.zeros((4, 3)), [0, 1, 2, 0], {}, cr.ShapeError,
         r"^fit: X has 3 features per row, the model takes 2; X has shape \(4, 3\)$"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), np.zeros((4, 2, 3)), [0, 1, 2, 0], {}, cr.ShapeError,
         r"^fit: X of shape \(4, 2, 3\) does not fit Sequential; of its first rows: linear"),
        (nn.MLP([2, 3]), np.zeros((0, 2)), [], {}, ValueError, "X is empty"),
        (nn.MLP([2, 3]), [[1, 2], [3]], [0, 1], {}, ValueError, "X is ragged: row 1"),
        (nn.MLP([2, 3]), np.full((4, 2), np.nan), [0, 1, 2, 0], {}, ValueError, r"X has nan at \(0, 0\)"),
        (nn.MLP([2, 1]), X4, [0.0, np.inf, 1.0, 0.0], {}, ValueError, "y has inf at 1"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"epochs": 0}, ValueError, "epochs must be at least 1"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"optimizer": "adm"}, ValueError, "unknown optimizer 'adm'.*'adam'"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"loss": "mze"}, ValueError, "unknown loss 'mze'.*'mse'"),
        (nn.MLP([2, 1]), X4, [0, 1, 1, 0], {"loss": "binary_cross_entropy"}, ValueError, "leave the sigmoid out"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"optimizer": optim.SGD}, TypeError,
         r"^SGD is no optimizer .* nn\.optim\.SGD\(model\.parameters\(\)\), or a name such as 'sgd'$"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"optimizer": 3}, TypeError, r"^3 is .* nn\.optim\.Adam\("),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"validation_data": X4}, TypeError,
         r"validation_data must be a pair \(X, y\), got ndarray of shape \(4, 2\)"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"validation_split": 1.0}, ValueError, "share from 0 up to .* got 1.0"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"validation_split": 0.5, "validation_data": (X4, [0, 1, 2, 0])},
         ValueError, "either validation_data or validation_split, not both"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"scheduler": 0.1}, TypeError, "must be an nn.optim schedule, got 0.1"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"scheduler": optim.StepLR(optim.SGD([nn.Parameter([1.0])]), 2)},
         ValueError, r"learning rate of another optimizer; .* scheduler=nn\.optim\.StepLR\(o, \.\.\.\)"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"callbacks": print}, TypeError,
         "callbacks must be a list of nn.Callback, got <built-in function print>"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"callbacks": [nn.EarlyStopping]}, TypeError, "must be a list of"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"callbacks": nn.EarlyStopping()}, TypeError, "must be a list of"),
        (nn.MLP([2, 3]), X4, [0, 1, 2, 0], {"validation_data": (X4, [0, 1, 2, 9])}, IndexError, "validation"),
        (nn.ReLU(), X4, [0, 1, 2, 0], {}, ValueError, "ReLU has no parameter to train"),
    ],
)  # fmt: skip
def test_bad_input_changes_nothing(model, X, y, settings, error, message):
    before, task = state(model), model.task
    with pytest.raises(error, match=message):
        model.fit(X, y, **({"epochs": 1, "verbose": 0} | settings))
    assert same(before, state(model))
    assert model.task == task


def test_the_optimizer_of_another_model():
    other = optim.Adam(nn.MLP([2, 3]).parameters())
    with pytest.raises(ValueError, match="parameters of another model"):
        nn.MLP([2, 3]).fit(X4, [0, 1, 2, 0], optimizer=other, verbose=0)


def test_the_first_attribute_need_not_be_the_first_layer():
    class Backwards(nn.Module):
        def __init__(self):
            self.last, self.first = nn.Linear(8, 3), nn.Linear(5, 8)

        def forward(self, x):
            return self.last(self.first(x))

    with pytest.raises(
        cr.ShapeError, match=r"^fit: X of shape \(4, 2\) does not fit Backwards; .* 5 features"
    ):
        Backwards().fit(X4, [0, 1, 2, 0], verbose=0)
