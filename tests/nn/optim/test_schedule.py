import warnings

import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import optim

TORCH = "needs PyTorch: pip install 'chainrule[oracle]'"


def ours(make=optim.SGD, lr=0.1, **settings):
    return make(
        [{"params": [nn.Parameter([1.0])]}, {"params": [nn.Parameter([1.0])], "lr": lr / 2}],
        lr=lr, **settings,
    )  # fmt: skip


def theirs(torch, make="SGD", lr=0.1, **settings):
    groups = [
        {"params": [torch.zeros(1, requires_grad=True)]},
        {"params": [torch.zeros(1, requires_grad=True)], "lr": lr / 2},
    ]
    return getattr(torch.optim, make)(groups, lr=lr, **settings)


def rates(optimizer, scheduler, steps, *, peer=None, values=None):
    found = []
    for i in range(steps):
        found.append([group["lr"] for group in optimizer.param_groups])
        if peer is not None:
            optimizer.step()  # PyTorch warns where the optimizer was not stepped first
        scheduler.step() if values is None else scheduler.step(values[i])
    return found


SCHEDULES = {
    "step": (
        lambda o: optim.StepLR(o, 3, gamma=0.5),
        lambda o, s: s.StepLR(o, 3, gamma=0.5),
    ),
    "exponential": (
        lambda o: optim.ExponentialLR(o, 0.93),
        lambda o, s: s.ExponentialLR(o, 0.93),
    ),
    "cosine": (
        lambda o: optim.CosineLR(o, 20, min_lr=0.01),
        lambda o, s: s.CosineAnnealingLR(o, 20, eta_min=0.01),
    ),
    "warm-up": (
        lambda o: optim.CosineLR(o, 20, warmup=5),
        lambda o, s: s.SequentialLR(
            o, [s.LinearLR(o, total_iters=5), s.CosineAnnealingLR(o, 15)], milestones=[5]
        ),
    ),
    "one cycle": (
        lambda o: optim.OneCycleLR(o, 0.7, 21),
        lambda o, s: s.OneCycleLR(o, 0.7, 21),
    ),
    "early top": (
        lambda o: optim.OneCycleLR(o, 0.7, 21, pct_start=0.2, div_factor=10, final_div_factor=100),
        lambda o, s: s.OneCycleLR(o, 0.7, 21, pct_start=0.2, div_factor=10, final_div_factor=100),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_numbers_of_pytorch(name):
    torch = pytest.importorskip("torch", reason=TORCH)
    make, make_peer = SCHEDULES[name]
    optimizer, peer = ours(momentum=0.9), theirs(torch, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR steps its parts in a way that PyTorch warns of
        expected = rates(peer, make_peer(peer, torch.optim.lr_scheduler), 20, peer=peer)
    assert np.allclose(rates(optimizer, make(optimizer), 20), expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_one_cycle_moves_the_momentum_as_pytorch(kind):
    torch = pytest.importorskip("torch", reason=TORCH)
    settings = {"momentum": 0.9} if kind == "SGD" else {}
    optimizer, peer = ours(getattr(optim, kind), **settings), theirs(torch, kind, **settings)
    scheduler = optim.OneCycleLR(optimizer, 0.5, 12)
    peer_scheduler = torch.optim.lr_scheduler.OneCycleLR(peer, 0.5, 12)
    for _ in range(11):
        peer.step()
        scheduler.step()
        peer_scheduler.step()
        for own, other in zip(optimizer.param_groups, peer.param_groups, strict=True):
            name = "momentum" if kind == "SGD" else "betas"
            assert np.allclose(own[name], other[name], rtol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 2},
        {"patience": 0, "factor": 0.5, "min_lr": 0.02},
        {"patience": 1, "cooldown": 3, "mode": "max", "threshold": 0.01},
    ],
)
def test_plateau_as_pytorch(settings):
    torch = pytest.importorskip("torch", reason=TORCH)
    values = np.abs(np.random.default_rng(0).standard_normal(40)) + np.linspace(2, 0, 40).clip(1)
    optimizer, peer = ours(), theirs(torch)
    found = rates(optimizer, optim.ReduceLROnPlateau(optimizer, **settings), 40, values=values)
    peer_scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(peer, **settings)
    assert np.allclose(found, rates(peer, peer_scheduler, 40, values=values), rtol=1e-12)
    assert found[0] != found[-1]


def test_after_its_end_a_schedule_stays():
    for make in (lambda o: optim.CosineLR(o, 5, min_lr=0.01), lambda o: optim.OneCycleLR(o, 0.1, 5)):
        optimizer = ours()
        scheduler = make(optimizer)
        found = rates(optimizer, scheduler, 12)
        assert found[5] == found[-1] or found[4] == found[-1]


@pytest.mark.parametrize("name", [*SCHEDULES, "plateau"])
def test_resuming_is_exact(name):
    def make(o):
        return optim.ReduceLROnPlateau(o, patience=1) if name == "plateau" else SCHEDULES[name][0](o)

    values = [3.0, 2.0, 2.0, 2.0, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0] * 2
    optimizer = ours(momentum=0.9)
    scheduler = make(optimizer)
    first = rates(optimizer, scheduler, 7, values=values)
    other = ours(momentum=0.9)
    twin = make(other)
    other.load_state_dict(optimizer.state_dict())
    twin.load_state_dict(scheduler.state_dict())
    assert rates(optimizer, scheduler, 12, values=values[7:]) == rates(other, twin, 12, values=values[7:])
    assert first


def test_the_state_of_another():
    with pytest.raises(ValueError, match="state of another scheduler"):
        optim.ExponentialLR(ours(), 0.9).load_state_dict(optim.StepLR(ours(), 3).state_dict())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: optim.StepLR(o, 0), ValueError, "step_size must be at least 1"),
        (lambda o: optim.CosineLR(o, 5, warmup=5), ValueError, "a warm-up of 5 leaves nothing"),
        (lambda o: optim.OneCycleLR(o, 1.0, 10, pct_start=3), ValueError, "share from 0 to 1"),
        (lambda o: optim.ReduceLROnPlateau(o, factor=1.0), ValueError, "between 0 and 1"),
        (lambda o: optim.ReduceLROnPlateau(o, mode="low"), ValueError, "'min' or 'max', got 'low'"),
        (lambda o: optim.ReduceLROnPlateau(o).step(), TypeError, r"scheduler\.step\(val_loss\)"),
        (lambda o: optim.StepLR(o, 2, per="step"), ValueError, "'epoch' or 'batch', got 'step'"),
        (lambda o: optim.StepLR(0.1, 2), TypeError, "first argument is the optimizer, got float"),
    ],
)
def test_what_cannot_work(make, error, message):
    with pytest.raises(error, match=message):
        make(ours())
