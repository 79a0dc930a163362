import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import optim


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def bowl(x):
    return sum((x[i] * (i + 1) - 1) ** 2 for i in range(6)) + 0.1 * (x**4).sum()


def logistic(x):
    rows = np.random.default_rng(0).standard_normal((40, 6))
    labels = rows[:, 0] + rows[:, 1] ** 2 > 0.5
    if isinstance(x, cr.Tensor):
        return nn.losses.binary_cross_entropy_with_logits(rows @ x, labels) + 0.01 * (x * x).sum()
    import torch

    logits = torch.tensor(rows) @ x
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(labels).double())
    return loss + 0.01 * (x * x).sum()


@pytest.mark.parametrize("settings", [{}, {"lr": 0.5, "history_size": 3}, {"max_iter": 3, "max_eval": 9}])
@pytest.mark.parametrize("function", [rosenbrock, bowl, logistic])
def test_the_steps_of_pytorch(function, settings):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    start = np.random.default_rng(1).standard_normal(6)
    ours = nn.Parameter(start, dtype=np.float64)
    theirs = torch.tensor(start, requires_grad=True)
    optimizer = optim.LBFGS([ours], **settings)
    peer = torch.optim.LBFGS([theirs], line_search_fn="strong_wolfe", **settings)
    assert optimizer.max_eval == peer.param_groups[0]["max_eval"]

    def closure():
        optimizer.zero_grad()
        loss = function(ours)
        loss.backward()
        return loss

    def their_closure():
        peer.zero_grad()
        loss = function(theirs)
        loss.backward()
        return loss

    for _ in range(12):
        assert np.isclose(optimizer.step(closure), peer.step(their_closure).item(), rtol=1e-6, atol=1e-12)
        assert np.allclose(ours.data, theirs.detach().numpy(), rtol=1e-6, atol=1e-6)


def test_several_parameters_of_a_model():
    X, y = nn.data.make_moons(100, noise=0.1, seed=0)
    cr.seed(0)
    model = nn.MLP([2, 8, 2], activation="tanh")
    optimizer = optim.LBFGS(model.parameters(), max_iter=60)

    def closure():
        optimizer.zero_grad()
        loss = nn.losses.cross_entropy(model(X), y)
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert closure().item() < 0.02 < first
    assert all(w.dtype == np.float32 for w in model.parameters())


def test_resuming_is_exact():
    def steps(w, optimizer, n):
        def closure():
            optimizer.zero_grad()
            loss = rosenbrock(w)
            loss.backward()
            return loss

        for _ in range(n):
            optimizer.step(closure)

    w = nn.Parameter(np.array([-1.0, 2.0, 0.5]), dtype=np.float64)
    optimizer = optim.LBFGS([w], max_iter=3, history_size=4)
    steps(w, optimizer, 3)
    twin = nn.Parameter(w.data, dtype=np.float64)
    other = optim.LBFGS([twin])
    other.load_state_dict(optimizer.state_dict())
    steps(w, optimizer, 3)
    steps(twin, other, 3)
    assert np.array_equal(w.data, twin.data)


def test_the_state_of_other_parameters():
    w, v = nn.Parameter([1.0, 2.0]), nn.Parameter([1.0, 2.0, 3.0])
    one = optim.LBFGS([w], max_iter=2)

    def closure():
        one.zero_grad()
        loss = (w**4).sum()
        loss.backward()
        return loss

    one.step(closure)
    with pytest.raises(ValueError, match="state of 2 numbers, the parameters have 3"):
        optim.LBFGS([v]).load_state_dict(one.state_dict())


def test_without_a_closure():
    with pytest.raises(TypeError, match=r"optimizer\.step\(closure\); or let model\.fit"):
        optim.LBFGS([nn.Parameter([1.0])]).step()


def test_several_groups():
    with pytest.raises(ValueError, match="one group"):
        optim.LBFGS([{"params": [nn.Parameter([1.0])]}, {"params": [nn.Parameter([1.0])]}])
