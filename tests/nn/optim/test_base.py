import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import optim


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_groups_as_pytorch(name):
    """Two groups with learning rates and weight decays of their own, over 100 steps."""
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    rng = np.random.default_rng(0)
    starts = rng.standard_normal((2, 3))
    own = [nn.Parameter(start, dtype=np.float64) for start in starts]
    peers = [torch.tensor(start, requires_grad=True) for start in starts]

    def groups(params):
        return [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.03, "weight_decay": 0.2}]

    optimizer = getattr(optim, name)(groups(own), lr=0.01)
    peer = getattr(torch.optim, name)(groups(peers), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        peer.zero_grad()
        (((own[0] - 1) ** 4).sum() + (own[0] * own[1]).sum() ** 2 + (own[1] ** 2).sum()).backward()
        (((peers[0] - 1) ** 4).sum() + (peers[0] * peers[1]).sum() ** 2 + (peers[1] ** 2).sum()).backward()
        optimizer.step()
        peer.step()
        for ours, theirs in zip(own, peers, strict=True):
            assert np.allclose(ours.data, theirs.detach().numpy(), rtol=1e-6, atol=1e-9)


def two_groups():
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0, 2.0])
    return optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1)


def test_assigning_sets_every_group_and_reading_gives_the_first():
    optimizer = two_groups()
    assert optimizer.lr == 0.1
    optimizer.lr = 0.2
    assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.2]
    with pytest.raises(ValueError, match="lr must be at least 0"):
        optimizer.lr = -1.0
    assert optimizer.lr == 0.2


def test_groups_are_saved():
    one, two = two_groups(), two_groups()
    one.param_groups[1]["lr"] = 0.7
    two.load_state_dict(one.state_dict())
    assert [group["lr"] for group in two.param_groups] == [0.1, 0.7]
    swapped = optim.SGD([{"params": [two.params[1], two.params[0]]}])
    with pytest.raises(ValueError, match=r"these groups have \[1, 1\] parameters, its own have \[2\]"):
        swapped.load_state_dict(one.state_dict())


def test_repr_shows_the_groups():
    assert repr(two_groups()) == (
        "SGD(1 parameters, lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0; "
        "1 parameters, lr=0.5, momentum=0.0, nesterov=False, weight_decay=0.0)"
    )


@pytest.mark.parametrize(
    ("group", "error", "message"),
    [
        ({"lr": 0.1}, ValueError, r"pass model\.parameters\(\)"),
        ({"params": ["w"]}, TypeError, "expected parameters, got str"),
        ({"params": None, "learning_rate": 0.1}, ValueError, "a group has no 'learning_rate', only lr, momentum"),
        ({"params": None, "lr": -1}, ValueError, "lr must be at least 0"),
        ({"params": None, "nesterov": True}, ValueError, "nesterov needs momentum"),
    ],
)  # fmt: skip
def test_bad_groups(group, error, message):
    if group.get("params", ()) is None:
        group = group | {"params": [nn.Parameter([1.0])]}
    with pytest.raises(error, match=message):
        optim.SGD([group])


def test_a_parameter_in_two_groups():
    w = nn.Parameter([1.0])
    with pytest.raises(ValueError, match="occurs twice"):
        optim.SGD([{"params": [w]}, {"params": [w]}])
