import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import losses
from chainrule.nn.linear_loss import written_out
from chainrule.nn.objective import Objective
from chainrule.nn.optim import LBFGS
from chainrule.nn.task import one_vs_rest

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 4))
LABELS = RNG.integers(0, 3, 20)
QUANTITIES = RNG.standard_normal((20, 2))
CASES = [
    (nn.LogisticRegression(4, dtype=np.float64), losses.binary_cross_entropy_with_logits, LABELS % 2.0),
    (nn.LogisticRegression(4, 3, dtype=np.float64), losses.cross_entropy, LABELS),
    (nn.LogisticRegression(4, 3, dtype=np.float64), losses.cross_entropy, np.eye(3)[LABELS]),
    (nn.LogisticRegression(4, 3, one_vs_rest=True, dtype=np.float64), one_vs_rest, LABELS),
    (nn.LinearRegression(4, dtype=np.float64), losses.mse, QUANTITIES[:, 0]),
    (nn.LinearRegression(4, 2, dtype=np.float64), losses.mse, QUANTITIES),
]


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("weights", [None, RNG.uniform(0, 2, 20)])
@pytest.mark.parametrize("size", [0.0, 1.0, 100.0, 1e6])
def test_it_is_the_loss_of_the_graph(case, weights, size):
    model, loss, targets = CASES[case]
    optimizer = LBFGS(model.parameters())
    x = size * RNG.standard_normal(sum(w.size for w in model.parameters()))
    optimizer.put(x)
    optimizer.zero_grad()
    outputs = model(X)
    value = Objective(loss, model.parameters())(outputs, targets, weights)
    value.backward()
    found, gradient, logits = written_out(model, model.parameters(), loss, X, targets, weights)(x)
    assert found == pytest.approx(value.item(), rel=1e-12, abs=1e-14)
    assert np.allclose(gradient, optimizer.gradient(), rtol=1e-10, atol=1e-12 * max(size, 1))
    assert logits.shape == outputs.shape
    assert np.allclose(logits, outputs.data, rtol=1e-12)


class Own(nn.LogisticRegression):
    def forward(self, x):
        return super().forward(x * 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.register_forward_hook(lambda module, x, y: y * 2),
        lambda m: m.linear.register_forward_hook(lambda module, x, y: y * 2),
        lambda m: setattr(m.linear.weight, "requires_grad", False),
        lambda m: setattr(m.linear.bias, "requires_grad", False),
        lambda m: setattr(m, "extra", nn.Parameter([1.0])),
        lambda m: setattr(m.linear, "bias", None),
    ],
)
def test_where_it_would_be_another_function_there_is_none(change):
    model = nn.LogisticRegression(4)
    loss = losses.binary_cross_entropy_with_logits
    assert written_out(model, model.parameters(), loss, X, LABELS % 2.0, None)
    change(model)
    assert written_out(model, model.parameters(), loss, X, LABELS % 2.0, None) is None


def test_other_models_and_losses_have_none():
    loss = losses.binary_cross_entropy_with_logits
    own = Own(4)
    assert written_out(own, own.parameters(), loss, X, LABELS % 2.0, None) is None
    model = nn.LogisticRegression(4)
    assert written_out(model, model.parameters(), losses.hinge, X, LABELS % 2.0, None) is None
    assert written_out(nn.MLP([4, 1]), nn.MLP([4, 1]).parameters(), loss, X, LABELS % 2.0, None) is None


def test_a_model_of_ones_own_is_fitted_by_the_graph():
    y = (X[:, 0] > 0).astype(int)
    one, two = Own(4, dtype=np.float64), nn.LogisticRegression(4, dtype=np.float64)
    one.fit(X, y, l2=0.4, verbose=0)
    two.fit(2 * X, y, l2=0.4, verbose=0)
    assert np.allclose(one.linear.weight.data, two.linear.weight.data, atol=1e-6)
