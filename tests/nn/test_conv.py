"""Convolution and pooling as modules, against PyTorch's."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

RNG = np.random.default_rng(0)

CASES = [
    ("Conv1d", {"in_channels": 3, "out_channels": 4, "kernel_size": 3}, (2, 3, 9)),
    ("Conv1d", {"in_channels": 3, "out_channels": 4, "kernel_size": 4, "stride": 2, "padding": 1}, (2, 3, 9)),
    ("Conv2d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3}, (2, 2, 6, 7)),
    ("Conv2d", {"in_channels": 2, "out_channels": 3, "kernel_size": (3, 2), "bias": False}, (2, 2, 6, 7)),
    (
        "Conv2d",
        {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": (2, 1), "padding": (1, 2)},
        (2, 2, 6, 7),
    ),
    ("MaxPool1d", {"kernel_size": 3}, (2, 3, 9)),
    ("MaxPool1d", {"kernel_size": 3, "stride": 2, "padding": 1}, (2, 3, 8)),
    ("MaxPool2d", {"kernel_size": 2}, (2, 3, 6, 7)),
    ("MaxPool2d", {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0)}, (2, 3, 6, 7)),
    ("AvgPool1d", {"kernel_size": 3, "stride": 2, "padding": 1}, (2, 3, 9)),
    ("AvgPool2d", {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 1)}, (2, 3, 6, 7)),
]


@pytest.mark.parametrize(("name", "settings", "shape"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_against_torch(name, settings, shape):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    ours = getattr(nn, name)(**settings, **({"dtype": "float64"} if "Conv" in name else {}))
    theirs = getattr(torch.nn, name)(**settings).double()
    for parameter in ours.parameters():
        parameter.data = RNG.standard_normal(parameter.shape)
    theirs.load_state_dict({key: torch.tensor(array) for key, array in ours.state_dict().items()})
    x = cr.Tensor(RNG.standard_normal(shape))
    peer = torch.tensor(x.numpy(), requires_grad=True)
    y, expected = ours(x), theirs(peer)
    g = RNG.standard_normal(y.shape)
    y.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(y.data, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    assert np.allclose(x.grad, peer.grad.numpy(), rtol=1e-12, atol=1e-12)
    for key, parameter in ours.named_parameters():
        assert np.allclose(parameter.grad, dict(theirs.named_parameters())[key].grad, rtol=1e-12, atol=1e-12)


def test_weights_are_as_in_pytorch_and_begin_as_he_says():
    layer = nn.Conv2d(16, 64, 3)
    assert layer.weight.shape == (64, 16, 3, 3)
    assert layer.weight.data.std() == pytest.approx(np.sqrt(2 / (16 * 9)), rel=0.05)
    assert not layer.bias.data.any()


def test_arguments_are_the_shortest_that_say_it():
    assert (
        repr(nn.Conv2d(2, 3, (3, 3), stride=(1, 1))) == "Conv2d(in_channels=2, out_channels=3, kernel_size=3)"
    )
    assert repr(nn.Conv1d(2, 3, 3, 2, 1, bias=False)) == (
        "Conv1d(in_channels=2, out_channels=3, kernel_size=3, stride=2, padding=1, bias=False)"
    )
    assert repr(nn.MaxPool2d((2, 3))) == "MaxPool2d(kernel_size=[2, 3])"
    assert repr(nn.AvgPool2d(2, 1, 1)) == "AvgPool2d(kernel_size=2, stride=1, padding=1)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(0, 1, 3), "Conv2d: in_channels must be at least 1, got 0"),
        (lambda: nn.Conv2d(1, 1, 0), "Conv2d: kernel_size must be at least 1, got 0"),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), r"kernel_size must be one number, or 2, got \(3, 3, 3\)"),
        (lambda: nn.Conv1d(1, 1, 3, padding=-1), "Conv1d: padding must be at least 0"),
        (lambda: nn.MaxPool2d(2, 0), "MaxPool2d: stride must be at least 1"),
        (lambda: nn.MaxPool1d(2, padding=2), "padding 2 is more than half of kernel_size 2"),
    ],
)
def test_bad_sizes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sizes_are_whole():
    with pytest.raises(TypeError, match=r"AvgPool2d: kernel_size must be a whole number, got 2\.5"):
        nn.AvgPool2d(2.5)


def test_images_that_do_not_fit():
    with pytest.raises(cr.ShapeError, match="equally many channels"):
        nn.Conv2d(3, 1, 3)(np.zeros((2, 1, 8, 8)))
    with pytest.raises(cr.ShapeError, match=r"\(N, C, height, width\)"):
        nn.Conv2d(1, 1, 3)(np.zeros((2, 64)))
    with pytest.raises(cr.ShapeError, match="does not fit"):
        nn.Conv2d(1, 1, 5)(np.zeros((2, 1, 3, 8)))
    with pytest.raises(cr.ShapeError, match="does not fit"):
        nn.MaxPool2d(3)(np.zeros((2, 1, 2, 8)))
