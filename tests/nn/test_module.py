"""The tree of modules: what it finds, how it is copied, loaded, named and shown."""

import copy
import multiprocessing
import pickle
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn.predict import outputs


class Pair(nn.Module):
    """Parameters and modules in every place where they are looked for."""

    def __init__(self) -> None:
        self.scale = nn.Parameter([2.0])
        self.first = nn.Linear(3, 2)
        self.others = [nn.Linear(2, 2), (nn.Parameter([1.0, 1.0]),)]
        self.heads = {"a": nn.Linear(2, 1, bias=False)}
        self.note = "no module"

    def forward(self, x):
        return self.heads["a"](self.others[0](self.first(x)) * self.others[1][0]) * self.scale


NAMES = [
    "scale",
    "others.1.0",
    "first.weight",
    "first.bias",
    "others.0.weight",
    "others.0.bias",
    "heads.a.weight",
]


def test_parameters_are_found_in_attributes_lists_and_dicts():
    model = Pair()
    assert [name for name, _ in model.named_parameters()] == NAMES
    assert [id(p) for p in model.parameters()] == [id(p) for _, p in model.named_parameters()]
    assert [name for name, _ in model.named_modules()] == ["", "first", "others.0", "heads.a"]


def test_a_shared_part_is_found_once():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert len(list(model.modules())) == 3
    model(np.ones((1, 2))).sum().backward()
    assert layer.weight.grad is not None


def test_every_parameter_gets_a_gradient():
    model = Pair()
    model(np.ones((4, 3))).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_train_and_eval_reach_every_module():
    model = Pair()
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.train()
    assert all(module.training for module in model.modules())


def test_state_is_a_copy_and_comes_back():
    model, other = Pair(), Pair()
    state = model.state_dict()
    assert list(state) == NAMES
    other.load_state_dict(state)
    x = np.ones((2, 3))
    assert np.array_equal(model(x).data, other(x).data)
    state["scale"][:] = 7
    assert model.scale.data == 2
    assert other.scale.data == 2


def test_loading_casts_to_the_parameter():
    layer = nn.Linear(1, 1)
    layer.load_state_dict({"weight": [[2]], "bias": np.array([0.5])})
    assert layer.weight.dtype == np.float32
    assert layer(np.array([[3.0]])).item() == 6.5


def test_a_failed_load_changes_nothing_and_lists_every_fault():
    model = Pair()
    before = model.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    del state["scale"]
    state["first.weight"] = np.zeros((3, 2))
    state["extra"] = np.zeros(1)
    with pytest.raises(ValueError, match="these arrays do not fit Pair") as caught:
        model.load_state_dict(state)
    message = str(caught.value)
    assert "missing scale (1,)" in message
    assert "unexpected extra (1,)" in message
    assert "first.weight has shape (3, 2), needs (2, 3)" in message
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


@pytest.mark.parametrize("bad", ["no numbers", None, [[1.0], [2.0, 3.0]]])
def test_a_load_of_no_numbers_changes_nothing(bad):
    layer = nn.Linear(1, 1)
    before = layer.state_dict()
    with pytest.raises((TypeError, ValueError)):
        layer.load_state_dict({"weight": [[5.0]], "bias": bad})
    assert np.array_equal(layer.weight.data, before["weight"])


@pytest.mark.parametrize(
    "twin",
    [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))],  # noqa: S301
    ids=["deepcopy", "pickle"],
)
def test_a_copy_is_equal_and_apart(twin):
    model = nn.MLP([3, 4, 2], activation="tanh")
    model.task = "multiclass"
    model.eval()
    other = twin(model)
    x = np.ones((2, 3))
    assert np.array_equal(model(x).data, other(x).data)
    assert repr(other) == repr(model)
    assert other.task == "multiclass"
    assert not other.training
    other[0].weight.data = other[0].weight.data + 1
    assert not np.array_equal(model[0].weight.data, other[0].weight.data)
    other(x).sum().backward()
    assert model[0].weight.grad is None


def test_a_copy_keeps_what_is_shared_shared():
    layer = nn.Linear(2, 2)
    twin = copy.deepcopy(nn.Sequential(layer, layer))
    assert twin[0] is twin[1]
    assert len(twin.parameters()) == 2


def test_scopes_are_named_after_attributes():
    y = Pair()(np.ones((1, 3)))
    paths = set()
    stack = [y]
    while stack:
        node = stack.pop()
        if isinstance(node, cr.Tensor) and node.op is not None:
            paths.add((node.scope.path, node.op.name))
            stack.extend(node.parents)
    assert ("Pair", "mul") in paths
    assert ("Pair/first", "linear") in paths
    assert ("Pair/others.0", "linear") in paths
    assert ("Pair/heads.a", "matmul") in paths


def test_scopes_in_a_sequence_name_the_class_too():
    y = nn.MLP([2, 3, 1])(np.ones((1, 2)))
    relu = y.parents[0]
    assert y.scope.path == "MLP/Linear2"
    assert (relu.op.name, relu.scope.path) == ("relu", "MLP")
    assert [p.label for p in y.parents[1:]] == ["weight", "bias"]


def test_a_scope_ends_with_an_error():
    with pytest.raises(cr.ShapeError):
        nn.Linear(2, 1)(np.ones((1, 3)))
    assert (cr.Value(1.0) * 2).scope is None


def test_constants_are_cast_to_the_parameters_dtype():
    layer = nn.Linear(2, 1)
    for x in (
        np.ones((1, 2)),
        [[1, 2]],
        np.ones((1, 2), np.int8),
        cr.Tensor([[1.0, 2.0]], requires_grad=False),
    ):
        assert layer(x).dtype == np.float32
    assert nn.Linear(2, 1, dtype=np.float64)(np.ones((1, 2), np.float32)).dtype == np.float64


def test_a_variable_is_not_cast():
    x = cr.Tensor([[1.0, 2.0]])
    nn.Linear(2, 1)(x).sum().backward()
    assert x.grad.dtype == np.float64


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Empty needs a method `forward"):
        type("Empty", (nn.Module,), {})()(1.0)


def test_repr_shows_the_tree():
    assert repr(Pair()) == (
        "Pair(\n"
        "  (first): Linear(in_features=3, out_features=2)\n"
        "  (others.0): Linear(in_features=2, out_features=2)\n"
        "  (heads.a): Linear(in_features=2, out_features=1, bias=False)\n"
        ")"
    )


def test_summary_counts():
    text = str(Pair().summary())
    assert re.search(r"first +Linear +weight \(2, 3\), bias \(2,\)", text)
    assert "19 parameters, 76 bytes" in text


def test_a_frozen_parameter_is_left_alone():
    model = nn.MLP([2, 3, 1])
    model[0].weight.requires_grad = False
    before = model[0].weight.numpy()
    nn.losses.mse(model(np.ones((4, 2))), np.zeros((4, 1))).backward()
    nn.optim.SGD(model.parameters(), lr=0.1).step()
    assert np.array_equal(model[0].weight.data, before)
    assert model[2].bias.data != 0


def test_parameter_takes_floats_only():
    assert nn.Parameter([1, 2]).dtype == np.float32
    with pytest.raises(TypeError, match="needs a float dtype, got int64"):
        nn.Parameter([1, 2], dtype=np.int64)


def test_replacing_data_makes_older_graphs_refuse():
    w = nn.Parameter([2.0], label="w")
    loss = (w * w).sum()
    w.replace(np.array([3.0], np.float32))
    with pytest.raises(RuntimeError, match=r"'w'.*was changed"):
        loss.backward()


def test_an_older_graph_never_sees_an_update_through_a_view():
    layer = nn.Linear(2, 1, bias=False)
    x = np.array([[1.0, 2.0]], np.float32)
    loss = (layer(x) * layer(x)).sum()
    expected = 2 * layer(x).item() * x
    loss.backward()
    nn.optim.SGD(layer.parameters(), lr=0.5).step()
    layer.zero_grad()
    loss.backward()  # W.T is a view that was taken before the step
    assert np.allclose(layer.weight.grad, expected)


def test_a_parameter_is_not_overwritten_by_a_tensor():
    layer = nn.Linear(2, 1)
    kept = layer.weight
    with pytest.raises(
        TypeError, match=r"weight is a Parameter; write module\.weight\.data = .*nn\.Parameter\("
    ):
        layer.weight = layer.weight - 0.1
    assert layer.weight is kept
    layer.weight, layer.bias = nn.Parameter([[1.0, 2.0]]), None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


class Counting(nn.Module):
    def __init__(self):
        self.seen = nn.Buffer(np.zeros(2))
        self.inner = nn.Linear(2, 1)

    def forward(self, x):
        self.seen.update(self.seen + x.sum(0))
        return self.inner(x)


def test_buffers_are_state_and_no_parameters():
    model = Counting()
    model(np.ones((3, 2), np.float32))
    assert model.seen.data.tolist() == [3.0, 3.0]
    assert [name for name, _ in model.named_buffers()] == ["seen"]
    assert list(model.state_dict()) == ["inner.weight", "inner.bias", "seen"]
    twin = Counting()
    twin.load_state_dict(model.state_dict())
    twin(np.ones((1, 2), np.float32))
    assert twin.seen.data.tolist() == [4.0, 4.0]
    assert model.seen.data.tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match=r"seen is a Buffer; write module\.seen\.data = .*nn\.Buffer\("):
        model.seen = np.zeros(2)
    with pytest.raises(ValueError, match=r"missing seen \(2,\)"):
        twin.load_state_dict({name: array for name, array in model.state_dict().items() if name != "seen"})


def test_a_shared_parameter_is_one_parameter():
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    two.weight = one.weight
    model = nn.Sequential(one, nn.Tanh(), two)
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.bias"]
    before = one.weight.numpy()
    model(np.ones((1, 2))).sum().backward()
    gradient = one.weight.grad.copy()
    nn.optim.SGD(model.parameters(), lr=1.0).step()
    assert np.allclose(one.weight.data, before - gradient)  # one step, not two
    assert two.weight is one.weight
    model.load_state_dict({name: array + 1 for name, array in model.state_dict().items()})
    assert np.allclose(two.weight.data, before - gradient + 1)
    twin = copy.deepcopy(model)
    assert twin[0].weight is twin[2].weight


def test_freeze_and_thaw():
    model = nn.MLP([2, 3, 1])
    assert model[0].freeze() is model[0]
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
    before = model[0].state_dict()
    model.fit(np.ones((8, 2)), np.ones(8), epochs=2, verbose=0)
    assert all(np.array_equal(before[name], array) for name, array in model[0].state_dict().items())
    model.freeze(False)
    assert all(p.requires_grad for p in model.parameters())


def test_apply_goes_from_below():
    seen = []
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU()))
    assert model.apply(lambda module: seen.append(type(module).__name__)) is model
    assert seen == ["ReLU", "Sequential", "Linear", "Sequential"]


def everything():
    """A model with every kind of module that a Sequential can hold."""
    cr.seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.PReLU(2), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Flatten(),
        nn.Residual(nn.Linear(8, 8), nn.Mish()), nn.LayerNorm(8), nn.Dropout(0.5), nn.GLU(), nn.Linear(4, 3),
    )  # fmt: skip


@pytest.mark.slow
def test_models_travel_to_other_processes():
    joblib = pytest.importorskip("joblib", reason="needs joblib: pip install 'chainrule[sklearn]'")
    model = everything()
    model.register_forward_hook(lambda *_: None)
    x = np.random.default_rng(0).standard_normal((4, 1, 8, 8)).astype(np.float32)
    model(x)
    expected = outputs(model, x, "here")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert np.array_equal(pool.apply_async(outputs, (model, x, "there")).get(timeout=60), expected)
    # With two workers joblib sends what it is given to processes of its own.
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(outputs)(model, x, "there") for _ in range(2))
    assert all(np.array_equal(array, expected) for array in found)
