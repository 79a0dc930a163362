import numpy as np
import pytest

from chainrule import nn
from chainrule.nn import optim

SETTINGS = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.02, "momentum": 0.9}),
    ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.02}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "weight_decay": 0.1}),
]


STEPWISE = [name for name in optim.OPTIMIZERS if name != "lbfgs"]


def problem(w, matrix):
    """A badly scaled bowl with a curved floor."""
    return ((matrix @ w - 1) ** 2).sum() + 0.1 * (w**4).sum()


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_a_hundred_steps_as_pytorch(name, settings):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    rng = np.random.default_rng(0)
    matrix, start = rng.standard_normal((4, 3)), rng.standard_normal(3)
    ours = nn.Parameter(start, dtype=np.float64)
    theirs = torch.tensor(start, requires_grad=True)
    optimizer = getattr(optim, name)([ours], **settings)
    peer = getattr(torch.optim, name)([theirs], **({"lr": optimizer.lr} | settings))
    for _ in range(100):
        optimizer.zero_grad()
        peer.zero_grad()
        problem(ours, matrix).backward()
        problem(theirs, torch.tensor(matrix)).backward()
        optimizer.step()
        peer.step()
        assert np.allclose(ours.data, theirs.detach().numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "Adagrad"])
def test_defaults_are_pytorchs(name):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    ours = getattr(optim, name)([nn.Parameter([0.0])]).settings()
    theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)]).defaults
    assert ours == {key: theirs[key] for key in ours}


@pytest.mark.parametrize("name", STEPWISE)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_stay(name, shape, dtype):
    w = nn.Parameter(np.ones(shape), dtype=dtype)
    optimizer = optim.OPTIMIZERS[name]([w], lr=np.float64(0.1), weight_decay=np.float64(0.1))
    if name == "sgd":
        optimizer.momentum = np.float64(0.9)
    for _ in range(3):
        w.grad = np.ones(shape, dtype)
        optimizer.lr = np.float64(0.1)
        optimizer.step()
    assert isinstance(w.data, np.ndarray)
    assert (w.shape, w.dtype) == (shape, dtype)
    assert (w.data < 1).all()


@pytest.mark.parametrize("name", STEPWISE)
def test_every_optimizer_goes_down(name):
    w = nn.Parameter([3.0, -2.0])
    optimizer = optim.by_name(name, [w])
    for _ in range(50):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert (w.data**2).sum() < 13


def test_a_parameter_without_a_gradient_is_left_alone():
    used, unused = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = optim.Adam([used, unused], weight_decay=0.1)
    (used * 2).sum().backward()
    optimizer.step()
    assert used.data != 1
    assert unused.data == 1
    assert optimizer.state[1] == {}


def test_gradients_are_not_changed():
    w = nn.Parameter([1.0, 2.0])
    for name in STEPWISE:
        optimizer = optim.by_name(name, [w])
        w.grad = np.array([0.5, -1.0], np.float32)
        for _ in range(2):
            optimizer.step()
        assert w.grad.tolist() == [0.5, -1.0], name


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_resuming_is_exact(name, settings):
    def steps(w, optimizer, n):
        for _ in range(n):
            optimizer.zero_grad()
            (w * w * w * w).sum().backward()
            optimizer.step()

    w = nn.Parameter([1.0, -2.0])
    optimizer = getattr(optim, name)([w], **settings)
    steps(w, optimizer, 5)
    twin = nn.Parameter(w.data)
    other = getattr(optim, name)([twin])
    saved = optimizer.state_dict()
    steps(w, optimizer, 5)
    if "nesterov" in settings:
        other = getattr(optim, name)([twin], momentum=0.5)
    other.load_state_dict(saved)
    steps(twin, other, 5)
    assert np.array_equal(w.data, twin.data)


def test_a_state_that_does_not_fit_changes_nothing():
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0, 2.0])
    one, two = optim.Adam([a]), optim.Adam([b])
    a.grad = np.ones(1, np.float32)
    one.step()
    for wrong, message in [
        (one, r"mean of parameter 0 has shape \(1,\), needs \(2,\)"),
        (optim.SGD([b]), "settings are"),
        (optim.Adam([a, b]), "state of 2 parameters, it has 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            two.load_state_dict(wrong.state_dict())
    assert two.state == [{}]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: optim.SGD([w], lr=-0.1), "lr must be at least 0"),
        (lambda w: optim.SGD([w], lr=float("nan")), "lr must be"),
        (lambda w: optim.SGD([w], momentum=1.0), "momentum must be at least 0 and less than 1"),
        (lambda w: optim.SGD([w], nesterov=True), "nesterov needs momentum"),
        (lambda w: optim.Adam([w], betas=(0.9, 1.0)), "betas must be"),
        (lambda w: optim.Adam([]), r"pass model.parameters\(\)"),
        (lambda w: optim.by_name("Adma", [w]), "unknown optimizer 'Adma'; .*did you mean 'adam'"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make(nn.Parameter([1.0]))


def test_only_parameters():
    with pytest.raises(TypeError, match="expected parameters, got ndarray"):
        optim.SGD([np.zeros(2)])
    with pytest.raises(TypeError, match="got str"):
        optim.SGD(dict(nn.Linear(1, 1).named_parameters()))


def test_a_step_without_gradients_warns():
    with pytest.warns(
        UserWarning, match=r"no parameter has a gradient: call loss\.backward\(\) first"
    ) as caught:
        optim.SGD([nn.Parameter([1.0])]).step()
    assert caught[0].filename == __file__
