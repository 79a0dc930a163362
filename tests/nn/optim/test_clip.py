import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import optim


def parameters(*gradients):
    found = [nn.Parameter(np.zeros(np.shape(g)), dtype=np.float32) for g in gradients]
    for w, g in zip(found, gradients, strict=True):
        w.grad = np.array(g, np.float32)
    return found


@pytest.mark.parametrize("limit", [0.1, 1.0, 100.0])
def test_as_pytorch(limit):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal(shape) for shape in ((3, 4), (5,), ())]
    for ours, theirs in [
        (optim.clip_grad_norm, torch.nn.utils.clip_grad_norm_),
        (optim.clip_grad_value, torch.nn.utils.clip_grad_value_),
    ]:
        own = parameters(*gradients)
        peers = [torch.zeros(w.shape, requires_grad=True) for w in own]
        for w, peer in zip(own, peers, strict=True):
            peer.grad = torch.tensor(w.grad)
        norm, peer_norm = ours(own, limit), theirs(peers, limit)
        assert norm is None or norm == pytest.approx(peer_norm.item(), rel=1e-6)
        for w, peer in zip(own, peers, strict=True):
            assert np.allclose(w.grad, peer.grad.numpy(), rtol=1e-6)
            assert w.grad.dtype == np.float32


def test_small_gradients_stay_and_missing_ones_are_left_out():
    w, unused = parameters([0.3, 0.4], [0.0])
    unused.grad = None
    kept = w.grad
    assert optim.clip_grad_norm([w, unused], 1.0) == pytest.approx(0.5)
    assert w.grad is kept
    optim.clip_grad_value([w, unused], 0.35)
    assert w.grad.tolist() == pytest.approx([0.3, 0.35])
    assert kept.tolist() == pytest.approx([0.3, 0.4])  # the old array is not changed


@pytest.mark.parametrize("limit", [-1.0, float("nan")])
def test_limits_that_cannot_work(limit):
    for clip in (optim.clip_grad_norm, optim.clip_grad_value):
        with pytest.raises(ValueError, match="must be a finite number of at least 0"):
            clip(parameters([1.0]), limit)


def test_a_model_is_no_list_of_parameters():
    for clip in (optim.clip_grad_norm, optim.clip_grad_value):
        with pytest.raises(TypeError, match=r"expected parameters, got Linear; pass model\.parameters\(\)"):
            clip(nn.MLP([2, 1]), 1.0)
