"""Losses for quantities against PyTorch's."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.nn import losses

RNG = np.random.default_rng(0)
X, Y = 2 * RNG.standard_normal((6, 4)), RNG.standard_normal((6, 4))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", ["mse", "mae", "huber", "huber 0.3", "cosine"])
def test_against_torch(case, reduction):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    f = torch.nn.functional
    ours, theirs = {
        "mse": (losses.mse, f.mse_loss),
        "mae": (losses.mae, f.l1_loss),
        "huber": (losses.huber, f.huber_loss),
        "huber 0.3": (
            lambda *args, **kw: losses.huber(*args, delta=0.3, **kw),
            lambda *args, **kw: f.huber_loss(*args, delta=0.3, **kw),
        ),
        "cosine": (
            losses.cosine,
            lambda a, b, reduction: f.cosine_embedding_loss(a, b, torch.ones(len(a)), reduction=reduction),
        ),
    }[case]
    x, peer = cr.Tensor(X), torch.tensor(X, requires_grad=True)
    value, expected = ours(x, Y, reduction=reduction), theirs(peer, torch.tensor(Y), reduction=reduction)
    g = RNG.standard_normal(value.shape)
    value.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(value.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert np.allclose(x.grad, peer.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_huber_is_half_a_square_near_and_straight_far():
    x = cr.Tensor([0.0, 0.5, 1.0, 3.0, -3.0])
    loss = losses.huber(x, np.zeros(5), "none")
    loss.sum().backward()
    assert loss.data.tolist() == [0.0, 0.125, 0.5, 2.5, 2.5]
    assert x.grad.tolist() == [0.0, 0.5, 1.0, 1.0, -1.0]
    for delta in (0, -1.0, np.nan):
        with pytest.raises(ValueError, match="huber: delta must be"):
            losses.huber(x, np.zeros(5), delta=delta)


def test_cosine_of_nothing_is_at_right_angles():
    x = cr.Tensor([[0.0, 0.0], [1.0, 1.0]])
    loss = losses.cosine(x, [[1.0, 2.0], [-3.0, -3.0]], "none")
    loss.sum().backward()
    assert np.allclose(loss.data, [1.0, 2.0])
    assert np.isfinite(x.grad).all()
