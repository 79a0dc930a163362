import copy
from importlib.util import find_spec

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import optim
from chainrule.nn.optim import base


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


# One step of many parameters: each moves as it would alone.

STEPWISE = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {"weight_decay": 0.1, "eps": 0.01}),  # a smaller one is 0 in float16
    ("AdamW", {"eps": 0.01}),
    ("RMSprop", {"eps": 0.01}),
    ("Adagrad", {"eps": 0.01}),
]
BACKENDS = [
    "numpy",
    pytest.param(
        "numba",
        marks=pytest.mark.skipif(find_spec("numba") is None, reason="needs numba: pip install numba"),
    ),
]
SHAPES = [(), (5,), (4, 3), (0, 2), (70,)]


def parameters(dtypes):
    rng = np.random.default_rng(0)
    return [
        nn.Parameter(rng.standard_normal(shape), dtype=dtype)
        for shape, dtype in zip(SHAPES, dtypes, strict=True)
    ]


def moved(name, settings, params, has_gradient, steps=6):
    """Take steps in which some parameters have a gradient; return the data and what is remembered."""
    optimizer = getattr(optim, name)(params, **settings)
    rng = np.random.default_rng(1)
    for step in range(steps):
        for i, parameter in enumerate(params):
            g = rng.standard_normal(SHAPES[i]).astype(parameter.dtype)
            parameter.grad = g if has_gradient(step, i) else None
        optimizer.step()
    return optimizer


@pytest.mark.filterwarnings("ignore:.*no parameter has a gradient")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("has_gradient", [
    lambda step, i: True,
    lambda step, i: i != 2,
    lambda step, i: step % 3 != i % 3,
    lambda step, i: step == 3,
], ids=["all", "one never", "by turns", "once"])  # fmt: skip
@pytest.mark.parametrize(
    "dtypes", [["f4"] * 5, ["f8"] * 5, ["f4", "f8", "f4", "f4", "f8"], ["f2"] * 5], ids=str
)
@pytest.mark.parametrize(("name", "settings"), STEPWISE, ids=str)
def test_each_parameter_moves_as_it_would_alone(name, settings, dtypes, has_gradient, backend):
    with cr.use_backend(backend):
        together = moved(name, settings, parameters(dtypes), has_gradient)
        for i, parameter in enumerate(parameters(dtypes)):
            alone = getattr(optim, name)([parameter], **settings)
            rng = np.random.default_rng(1)
            for step in range(6):
                gs = [rng.standard_normal(shape) for shape in SHAPES]
                parameter.grad = gs[i].astype(parameter.dtype) if has_gradient(step, i) else None
                alone.step()
            np.testing.assert_array_equal(parameter.data, together.params[i].data)
            assert list(alone.state[0]) == list(together.state[i])
            for key, value in alone.state[0].items():
                np.testing.assert_array_equal(value, together.state[i][key])
                assert type(value) is type(together.state[i][key])


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_remembered_is_counted_first(backend):
    w = nn.Parameter([1.0])
    w.grad = np.ones(1, np.float32)
    with cr.use_backend(backend):
        optimizer = optim.Adam([w])
        optimizer.step()
    assert list(optimizer.state[0]) == ["steps", "mean", "square"]
    assert optimizer.state[0]["steps"] == 1


@pytest.fixture
def calls(monkeypatch):
    """How many parameters each call of the numba backend's kernel moved."""
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    from chainrule.backends.numba import updates

    found = []

    def counted(name, arrays, numbers):
        found.append(len(arrays[0]))
        return updates.update(name, arrays, numbers)

    monkeypatch.setitem(base._kernels, "numba", counted)
    with cr.use_backend("numba"):
        yield found


def test_one_call_moves_all_parameters(calls):
    moved("Adam", {}, parameters(["f4"] * 5), lambda step, i: True, steps=3)
    assert calls == [5, 5, 5]
    calls.clear()
    moved("SGD", {"momentum": 0.9}, parameters(["f4"] * 5), lambda step, i: i > 1, steps=3)
    assert calls == [3, 3, 3]
    calls.clear()
    moved("Adam", {}, parameters(["f4"] * 5), lambda step, i: step or i < 2, steps=2)
    assert calls in ([2, 2, 3], [2, 3, 2])


def test_large_parameters_move_by_themselves(calls):
    large, small = nn.Parameter(np.zeros(base.TOGETHER + 1)), [nn.Parameter([1.0, 2.0]) for _ in range(4)]
    params = [*small[:2], large, *small[2:]]
    for w in params:
        w.grad = np.ones(w.shape, np.float32)
    optim.SGD([{"params": params[:1]}, {"params": params[1:]}], lr=1.0).step()
    assert calls == [1, 2, 2]
    for w in small:
        assert w.data.tolist() == [0, 1]
    assert (large.data == -1).all()


def test_the_groups_have_their_own_numbers(calls):
    a, b, c = (nn.Parameter([1.0]) for _ in range(3))
    for w in (a, b, c):
        w.grad = np.ones(1, np.float32)
    optimizer = optim.SGD([{"params": [a]}, {"params": [b, c], "lr": 0.5}], lr=0.25)
    optimizer.step()
    optimizer.lr = 1.0
    optimizer.step()
    assert calls == [1, 2, 1, 2]
    assert [w.item() for w in (a, b, c)] == [-0.25, -0.5, -0.5]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_update_of_ones_own(backend):
    """Whoever writes `update`, in a class or for one object, is asked, and may call the one that was there."""

    class Clipped(optim.Adam):
        def update(self, w, g, state, numbers):
            return super().update(w, np.clip(g, -1, 1), state, numbers)

    def trained(make, gradient):
        params = [nn.Parameter([1.0, 2.0]), nn.Parameter([3.0])]
        optimizer = make(params, lr=0.1)
        for _ in range(3):
            for w in params:
                w.grad = np.full(w.shape, gradient, np.float32)
            optimizer.step()
        kept = [[np.asarray(value).tolist() for value in state.values()] for state in optimizer.state]
        return [w.data.tolist() for w in params], kept

    def patched(params, lr):
        optimizer = optim.Adam(params, lr=lr)
        original = optimizer.update
        vars(optimizer)["update"] = lambda w, g, state, numbers: original(
            w, np.clip(g, -1, 1), state, numbers
        )
        return optimizer

    with cr.use_backend(backend):
        expected = trained(optim.Adam, 1.0)
        assert trained(Clipped, 7.0) == expected
        assert trained(patched, 7.0) == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_formula_of_ones_own(backend, monkeypatch):
    """Lion (Chen et al. 2023) at its first step is the sign of the gradient; no backend has a kernel for it."""

    def lion(w, g, mean, lr, keep, rate):
        step = lr * np.sign(keep * mean + (1 - keep) * g)
        mean += (1 - rate) * (g - mean)
        return w - step, mean

    class Lion(optim.Optimizer):
        def formula(self, numbers, steps):
            return "lion", ("mean",), (numbers["lr"], 0.9, 0.99)

    monkeypatch.setitem(base.FORMULAS, "lion", lion)
    params = [nn.Parameter([1.0, 2.0]), nn.Parameter(3.0)]
    for w in params:
        w.grad = np.full(w.shape, -5, np.float32)
    with cr.use_backend(backend):
        optimizer = Lion(params, lr=0.5)
        optimizer.step()
    assert [w.data.tolist() for w in params] == [[1.5, 2.5], 3.5]
    assert [list(state) for state in optimizer.state] == [["mean"], ["mean"]]


def test_an_optimizer_without_either():
    w = nn.Parameter([1.0])
    w.grad = np.ones(1, np.float32)
    with pytest.raises(NotImplementedError, match="Optimizer: an optimizer writes update or formula"):
        optim.Optimizer([w], lr=0.1).step()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", range(3))
def test_after_an_error_no_parameter_has_changed(place, backend):
    params = [nn.Parameter(np.ones((2, 3))) for _ in range(3)]
    for w in params:
        w.grad = np.ones((2, 3), np.float32)
    params[place].grad = np.ones((3, 2), np.float32)
    with cr.use_backend(backend), pytest.raises(ValueError, match="shape"):
        optim.SGD(params, lr=0.5).step()
    assert all((w.data == 1).all() for w in params)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_that_somebody_assigned(backend):
    """Numbers and lists are made arrays."""
    a, b, c = nn.Parameter(1.0), nn.Parameter([1.0, 2.0]), nn.Parameter([4.0])
    a.grad, b.grad, c.grad = 2.0, [2.0, 4.0], np.ones(1)
    with cr.use_backend(backend):
        optim.SGD([a, b, c], lr=0.5, momentum=0.5).step()
    assert [w.data.tolist() for w in (a, b, c)] == [0.0, [0.0, 0.0], [3.5]]
    assert [w.dtype for w in (a, b, c)] == [np.float32] * 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_gradient_is_given_the_shape_of_its_parameter(backend):
    w, v = nn.Parameter(np.ones((2, 3))), nn.Parameter(np.ones(3))
    with cr.use_backend(backend):
        w.grad = np.arange(3.0)
        optim.SGD([w], lr=0.5).step()
        v.grad = np.ones((2, 3))
        with pytest.raises(ValueError, match="shape"):
            optim.SGD([v]).step()
    np.testing.assert_array_equal(w.data, [[1, 0.5, 0]] * 2)
    assert (v.shape, w.dtype) == ((3,), np.float32)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_graph_of_before_the_step_is_stale(backend):
    a, b = nn.Parameter([1.0, 2.0]), nn.Parameter([3.0])
    loss = (a * b).sum()
    loss.backward()
    with cr.use_backend(backend):
        optim.SGD([a, b]).step()
    with pytest.raises(RuntimeError, match="changed"):
        loss.backward()
    (a * b).sum().backward()


@pytest.mark.parametrize("backend", BACKENDS)
def test_parameters_that_were_given_other_data(backend):
    """Other data between steps, of another order or kept by somebody, are where the next step begins."""
    w, v = nn.Parameter(np.ones((2, 3))), nn.Parameter(np.ones((2, 3)))
    with cr.use_backend(backend):
        optimizer = optim.SGD([w, v], lr=0.5, momentum=0.5)
        for _ in range(2):
            w.grad = v.grad = np.ones((2, 3), np.float32)
            mine = np.asfortranarray(np.full((2, 3), 8, np.float32))
            w.data = mine
            v.replace(mine[:, ::-1])
            optimizer.step()
    assert (mine == 8).all()
    for parameter in (w, v):
        np.testing.assert_array_equal(parameter.data, np.full((2, 3), 8 - 0.75, np.float32))


def test_an_optimizer_can_be_copied():
    params = [nn.Parameter([1.0]), nn.Parameter([2.0])]
    optimizer = copy.deepcopy(optim.SGD([{"params": params[:1]}, {"params": params[1:]}], lr=0.5))
    for w in optimizer.params:
        w.grad = np.ones(1, np.float32)
    optimizer.param_groups[1]["lr"] = 1.0
    optimizer.step()
    assert [w.item() for w in optimizer.params] == [0.5, 1.0]
    assert [w.item() for w in params] == [1.0, 2.0]
