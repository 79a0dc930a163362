"""The networks of Values: the same numbers and gradients as the tensor networks."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import scalar
from chainrule.nn.activations import ACTIVATIONS

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if "softmax" not in name])
def test_the_same_numbers_and_gradients_as_the_tensors(activation):
    cr.seed(1)
    tensors = nn.MLP([3, 4, 4, 2], activation=activation, dtype=np.float64)
    for layer in tensors:
        if isinstance(layer, nn.Linear):
            layer.bias.data = RNG.standard_normal(layer.bias.shape)
    values = scalar.MLP([3, 4, 4, 2], activation=activation)
    values.load_state_dict(tensors.state_dict())
    X, y = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2))

    loss = nn.losses.mse(tensors(X), y)
    loss.backward()
    rows = values(X)
    total = sum(
        ((out - t) ** 2 for row, ts in zip(rows, y, strict=True) for out, t in zip(row, ts, strict=True))
    )
    (total / 10).backward()

    assert np.allclose([[float(v) for v in row] for row in rows], tensors(X).data, rtol=1e-12)
    assert (total.data / 10) == pytest.approx(loss.item(), rel=1e-12)
    gradients = values.gradients()
    for name, parameter in tensors.named_parameters():
        assert np.allclose(gradients[name], parameter.grad, rtol=1e-10, atol=1e-14), name


def test_one_seed_gives_the_same_weights():
    cr.seed(2)
    tensors = nn.MLP([3, 4, 2], dtype=np.float64).state_dict()
    cr.seed(2)
    values = scalar.MLP([3, 4, 2]).state_dict()
    assert tensors.keys() == values.keys()
    assert all(np.array_equal(tensors[name], values[name]) for name in tensors)


def test_training_follows_the_tensors():
    cr.seed(3)
    tensors, values = nn.MLP([2, 3, 1], activation="tanh", dtype=np.float64), scalar.MLP([2, 3, 1], "tanh")
    values.load_state_dict(tensors.state_dict())
    X, y = RNG.standard_normal((4, 2)), RNG.standard_normal((4, 1))
    optimizer = nn.optim.SGD(tensors.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        nn.losses.mse(tensors(X), y).backward()
        optimizer.step()
        values.zero_grad()
        (sum((out - t[0]) ** 2 for out, t in zip(values(X), y, strict=True)) / 4).backward()
        for parameter in values.parameters():
            parameter.data -= 0.1 * parameter.grad
    state = values.state_dict()
    assert all(np.allclose(state[name], array) for name, array in tensors.state_dict().items())


def test_a_neuron_is_a_weighted_sum():
    neuron = scalar.Neuron(2, activation="relu")
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -3.0, 0.5
    a = neuron([1.0, -1.0])
    assert a.data == 5.5
    a.backward()
    assert [p.grad for p in neuron.parameters()] == [1.0, -1.0, 1.0]
    assert [p.label for p in neuron.parameters()] == ["w0", "w1", "b"]
    assert neuron([-1.0, 1.0]).data == 0.0


def test_inputs_may_be_values():
    x = [cr.Value(1.0), cr.Value(-2.0)]
    neuron = scalar.Neuron(2)
    neuron(x).backward()
    assert [v.grad for v in x] == [w.data for w in neuron.w]
    assert len(scalar.MLP([2, 3, 2])(x)) == 2


def test_one_output_is_the_value_itself():
    mlp = scalar.MLP([2, 3, 1])
    assert isinstance(mlp([1.0, 2.0]), cr.Value)
    assert [type(out) for out in mlp([[1.0, 2.0], [3.0, 4.0]])] == [cr.Value, cr.Value]


def test_scopes_name_layer_and_neuron():
    out = scalar.MLP([2, 3, 1])([1.0, 2.0])
    assert out.scope.path == "layer2/neuron1"
    paths, stack = set(), [out]
    while stack:
        node = stack.pop()
        if isinstance(node, cr.Value) and node.op is not None:
            paths.add(node.scope.path)
            stack.extend(node.parents)
    assert paths == {"layer1/neuron1", "layer1/neuron2", "layer1/neuron3", "layer2/neuron1"}


def test_counts():
    mlp = scalar.MLP([2, 16, 16, 1])
    assert len(mlp.parameters()) == 337
    assert repr(mlp) == "MLP(Layer(2, 16), Layer(16, 16), Layer(16, 1))"
    assert np.isnan(mlp.gradients()["0.weight"]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: scalar.MLP([3]), "at least inputs and outputs"),
        (lambda: scalar.Neuron(0), "n_inputs must be at least 1"),
        (lambda: scalar.Layer(2, 0), "n_outputs must be at least 1"),
        (lambda: scalar.MLP([2, 2, 1], activation="rleu"), "unknown activation 'rleu'.*did you mean 'relu'"),
        (lambda: scalar.Neuron(2, activation="softmax"), "unknown activation 'softmax'"),
        (lambda: scalar.Neuron(2)([1.0]), "1 inputs for 2 weights"),
        (lambda: scalar.MLP([2, 1]).load_state_dict({"0.weight": [[1.0]]}), "do not fit"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
