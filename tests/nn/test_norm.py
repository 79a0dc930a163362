"""Batch and layer norm against PyTorch's, running statistics included."""

import copy

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.autograd.mode import record_whole
from chainrule.autograd.update import collect_updates

RNG = np.random.default_rng(0)


def pair(name, *args, **settings):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    ours = getattr(nn, name)(*args, **settings, dtype="float64")
    theirs = getattr(torch.nn, name)(*args, **settings).double()
    for parameter in ours.parameters():
        parameter.data = RNG.standard_normal(parameter.shape)
    theirs.load_state_dict({key: torch.tensor(array) for key, array in ours.state_dict().items()})
    return torch, ours, theirs


def same(torch, ours, theirs, x):
    x = cr.Tensor(x)
    peer = torch.tensor(x.numpy(), requires_grad=True)
    ours.zero_grad()
    theirs.zero_grad()
    y, expected = ours(x), theirs(peer)
    g = RNG.standard_normal(y.shape)
    y.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(y.data, expected.detach().numpy(), rtol=1e-11, atol=1e-12)
    assert np.allclose(x.grad, peer.grad.numpy(), rtol=1e-10, atol=1e-11)
    for key, parameter in ours.named_parameters():
        assert np.allclose(parameter.grad, dict(theirs.named_parameters())[key].grad, rtol=1e-10, atol=1e-11)
    state = theirs.state_dict()
    assert ours.state_dict().keys() == state.keys()
    for key, array in ours.state_dict().items():
        assert np.allclose(array, state[key].numpy(), rtol=1e-12), key


@pytest.mark.parametrize(
    ("name", "shape", "settings"),
    [
        ("BatchNorm1d", (8, 3), {}),
        ("BatchNorm1d", (4, 3, 5), {"eps": 1e-3, "momentum": 0.3}),
        ("BatchNorm1d", (8, 3), {"momentum": None}),
        ("BatchNorm2d", (4, 3, 5, 6), {}),
        ("BatchNorm2d", (4, 3, 5, 6), {"affine": False, "momentum": None}),
    ],
)
def test_batch_norm_against_torch(name, shape, settings):
    torch, ours, theirs = pair(name, 3, **settings)
    for _ in range(3):
        same(torch, ours, theirs, 3 * RNG.standard_normal(shape) + 2)
    assert ours.num_batches_tracked.item() == 3
    ours.eval()
    theirs.eval()
    same(torch, ours, theirs, RNG.standard_normal((1, *shape[1:])))
    assert ours.num_batches_tracked.item() == 3


@pytest.mark.parametrize(
    ("lengths", "settings"), [(5, {}), ([4, 5], {"eps": 1e-3}), ((5,), {"elementwise_affine": False})]
)
def test_layer_norm_against_torch(lengths, settings):
    torch, ours, theirs = pair("LayerNorm", lengths, **settings)
    same(torch, ours, theirs, RNG.standard_normal((3, 4, 5)))


def test_buffers_are_no_parameters_and_no_graph_holds_them():
    layer = nn.BatchNorm1d(2)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    for _ in range(3):
        layer(RNG.standard_normal((4, 2))).sum().backward()
    assert layer.running_mean.grad is None
    assert layer.running_mean.op is None
    assert layer.running_mean.dtype == np.float32


def test_updates_can_be_collected_as_compiled_code_needs_them():
    layer, twin = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    x = RNG.standard_normal((4, 2))
    with record_whole(), collect_updates() as updates:
        layer(cr.Tensor(x, requires_grad=False))
    assert [leaf.label for leaf, _ in updates] == ["running_mean", "running_var", "num_batches_tracked"]
    assert not layer.running_mean.data.any()
    twin(x)
    for leaf, value in updates:
        assert value.op is not None
        leaf.update(value)
    assert all(np.allclose(array, twin.state_dict()[name]) for name, array in layer.state_dict().items())


def test_a_checkpointed_layer_counts_once():
    layer = nn.BatchNorm1d(2)
    x = cr.Tensor(RNG.standard_normal((4, 2)))
    cr.checkpoint(layer, x).sum().backward()
    assert layer.num_batches_tracked.item() == 1


def test_copies_have_their_own_statistics():
    layer = nn.BatchNorm1d(2)
    twin = copy.deepcopy(layer)
    twin(RNG.standard_normal((4, 2)))
    assert twin.num_batches_tracked.item() == 1
    assert layer.num_batches_tracked.item() == 0


def test_frozen_weights_still_track_and_eval_does_not():
    layer = nn.BatchNorm1d(2).freeze()
    layer(RNG.standard_normal((4, 2)))
    assert layer.num_batches_tracked.item() == 1
    layer.eval()(RNG.standard_normal((1, 2)))
    assert layer.num_batches_tracked.item() == 1


def test_shapes_that_do_not_fit():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(cr.ShapeError, match=r"x of shape \(4, 2\) must have shape \(rows, C\).* C = 3"):
        layer(np.zeros((4, 2)))
    with pytest.raises(cr.ShapeError, match=r"BatchNorm2d: .*\(rows, C, height, width\)"):
        nn.BatchNorm2d(3)(np.zeros((4, 3)))
    with pytest.raises(
        cr.ShapeError, match=r"one number per channel, which has no variance.*at least 2 rows"
    ):
        layer(np.zeros((1, 3)))
    with pytest.raises(cr.ShapeError, match=r"LayerNorm: x of shape \(4, 2\) must end in \(3,\)"):
        nn.LayerNorm(3)(np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.BatchNorm1d(0), "num_features must be at least 1"),
        (lambda: nn.BatchNorm1d(2, momentum=2), "momentum must lie between 0 and 1, or be None, got 2"),
        (lambda: nn.BatchNorm2d(2, eps=-1), "BatchNorm2d: eps must be a finite number of at least 0"),
        (lambda: nn.LayerNorm([]), "normalized_shape must be one number, or 1"),
        (lambda: nn.LayerNorm([2, 0]), "normalized_shape must be at least 1, got 0"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_network_with_batch_norm_learns():
    cr.seed(0)
    X, y = nn.data.make_moons(200, seed=0)
    model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    model.fit(X, y, epochs=30, batch_size=40, optimizer=nn.optim.Adam(model.parameters(), lr=0.01), verbose=0)
    assert model.score(X, y) > 0.95
    alone = model.predict(X[:1])
    assert alone == model.predict(X)[0]
