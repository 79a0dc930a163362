"""A `Linear` and the activation after it are computed in one step where nobody can see the difference, only there."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.autograd.mode import unseen_graph

X = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
ACTIVATIONS = ("relu", "tanh", "sigmoid", "silu", "gelu", "softplus")


def ops_of(out: Any) -> list[str]:
    """The ops on the way from a result to its first leaf, latest first."""
    names = []
    while isinstance(out, cr.Tensor) and out.op is not None:
        names.append(out.op.name)
        out = out.parents[0]
    return names


def mlp(activation: Any = "relu") -> nn.MLP:
    cr.seed(0)
    return nn.MLP([5, 4, 3], activation=activation)


def unseen(model: Callable[[Any], Any]) -> Any:
    with unseen_graph():
        return model(X)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_results_and_gradients_are_the_same(name: str) -> None:
    model = mlp(name)
    seen, fused = model(X), unseen(model)
    assert ops_of(seen) == ["linear", name, "linear"]
    assert ops_of(fused) == ["linear", "linear_activation"]
    np.testing.assert_allclose(fused.data, seen.data, rtol=1e-6, atol=1e-6)
    gradients = []
    for out in (seen, fused):
        model.zero_grad()
        out.backward(np.ones_like(out.data))
        gradients.append([p.grad for p in model.parameters()])
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_with_gradients_off_layers_are_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str | None] = []
    linear = nn.layers.ops.linear

    def counted(x: Any, weight: Any, bias: Any, activation: str | None = None) -> Any:
        calls.append(activation)
        return linear(x, weight, bias, activation)

    monkeypatch.setattr(nn.layers.ops, "linear", counted)
    model = mlp()
    model(X)
    with cr.no_grad():
        model(X)
    model.task = "multiclass"
    model.predict(X)
    assert calls == [None, None, "relu", None, "relu", None]


def test_fit_fuses_and_finds_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(7) % 3
    found = []
    for fused in (dict(nn.layers.FUSED), {}):
        monkeypatch.setattr(nn.layers, "FUSED", fused)
        model = mlp("tanh")
        model.fit(X, labels, epochs=5, batch_size=3, verbose=0)
        found.append([p.data for p in model.parameters()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def with_hook(position: int) -> nn.MLP:
    model = mlp()
    model[position].register_forward_hook(lambda module, inputs, outputs: None)
    return model


class Doubled(nn.Linear):
    """A layer of the user's own."""

    def forward(self, x: Any) -> Any:
        return 2 * super().forward(x)


class Shifted(nn.ReLU):
    """An activation of the user's own."""

    def forward(self, x: Any) -> Any:
        return super().forward(x) + 1


@pytest.mark.parametrize(
    "model",
    [
        with_hook(0),
        with_hook(1),
        nn.Sequential(Doubled(5, 4), nn.ReLU()),
        nn.Sequential(nn.Linear(5, 4), Shifted()),
        nn.Sequential(nn.Linear(5, 4, bias=False), nn.ReLU()),
        nn.Sequential(nn.Linear(5, 4), nn.LeakyReLU()),
        nn.Sequential(nn.ReLU(), nn.Linear(5, 4)),
    ],
    ids=lambda model: str([type(layer).__name__ for layer in model]),
)
def test_what_somebody_could_see_is_not_fused(model: nn.Sequential) -> None:
    out = unseen(model)
    assert "linear_activation" not in ops_of(out)
    np.testing.assert_array_equal(out.data, model(X).data)


def test_a_hook_sees_what_its_module_gives() -> None:
    model, seen = mlp(), []
    model[0].register_forward_hook(lambda module, inputs, outputs: seen.append(outputs.data))
    with cr.no_grad():
        model(X)
    assert seen[0].min() < 0, "the linear layer's outputs, not those of relu"


def test_graphs_that_are_looked_at_keep_both_ops() -> None:
    model = mlp()
    assert "linear_relu" not in {node.op for node in cr.trace(model(X).sum()).nodes}
    assert "relu" in cr.draw(model(X).sum()).svg
    with cr.detect_anomaly(), unseen_graph():
        assert ops_of(model(X)) == ["linear", "relu", "linear"]


def test_a_recorded_fit_keeps_both_ops() -> None:
    model = mlp()

    def train_step() -> Any:
        history = model.fit(X, np.arange(7) % 3, epochs=1, batch_size=7, verbose=0)
        return history.loss[-1]

    trace = cr.step(train_step, n=1).trace
    names = {node.op for node in trace.nodes}
    assert "relu" in names
    assert "linear_relu" not in names


def test_a_loss_still_warns_of_a_sigmoid_too_many() -> None:
    model = nn.Sequential(nn.Linear(5, 1), nn.Sigmoid())
    with unseen_graph(), pytest.warns(UserWarning, match="sigmoid"):
        nn.losses.binary_cross_entropy_with_logits(model(X), np.zeros((7, 1)))
