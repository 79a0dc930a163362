"""`cr.record`: a graph as a Program, replayed on other data than it was recorded with."""

from typing import Any

import numpy as np
import pytest
from tests.autograd.samples import SAMPLES, Sample

import chainrule as cr
from chainrule import Tensor, Value, backends
from chainrule.autograd.mode import record_whole

TABLE = backends.load("numpy")


def replayed(program: Any, *arguments: Any) -> list[Any]:
    return program.run(TABLE, arguments)  # type: ignore[no-any-return]


def moved(array: Any) -> Any:
    """Other data of the same shape, inside the same domain."""
    return np.asarray(array) * 0.9 + 0.02


def total(result: Any) -> Any:
    return cr.tanh(result).sum() + (result * 0.5).sum()


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_replay_gives_what_the_engine_gives_on_other_data(sample: Sample) -> None:
    inputs = [Tensor(a) for a in sample.args]
    with record_whole():
        program = cr.record(total(sample.function(*inputs)), wrt=inputs)
    for change in (np.array, moved):
        arrays = [change(a) for a in sample.args]
        fresh = [Tensor(a) for a in arrays]
        expected = total(sample.function(*fresh))
        expected.backward()
        value, *gradients = replayed(program, *arrays)
        np.testing.assert_allclose(value, expected.data, rtol=1e-12, atol=1e-12)
        for found, x in zip(gradients, fresh, strict=True):
            np.testing.assert_allclose(found, x.grad, rtol=1e-11, atol=1e-12)
            assert np.shape(found) == x.shape


KINKED = [
    cr.relu,
    cr.abs,
    lambda x: cr.leaky_relu(x, 0.1),
    cr.elu,
    lambda x: cr.clip(x, -0.5, 0.5),
    lambda x: cr.maximum(x, 0.25),
    lambda x: cr.minimum(x, x * x),
    lambda x: x.max() * x.min() if isinstance(x, Tensor) else x,
    lambda x: cr.sign(x) * x,
]


@pytest.mark.parametrize("function", KINKED, ids=range(len(KINKED)))
def test_masks_are_computed_anew(function: Any) -> None:
    """What decides a derivative is a step of the program, not a constant in it."""
    points = np.array([-2.0, -0.3, 0.2, 1.5]), np.array([0.7, 3.0, -1.2, -0.1])
    x = Tensor(points[0])
    program = cr.record(function(x).sum(), wrt=[x])
    for point in points:
        expected = cr.grad(lambda x: function(x).sum())(point)
        np.testing.assert_allclose(replayed(program, point)[1], expected, rtol=1e-14)


@pytest.mark.parametrize("function", [k for i, k in enumerate(KINKED) if i != 7], ids=range(len(KINKED) - 1))
def test_masks_of_values_are_computed_anew(function: Any) -> None:
    x = Value(-2.0)
    program = cr.record(function(x) * 1.0, wrt=[x])
    for point in (-2.0, -0.3, 0.2, 1.5, 3.0):
        value, gradient = replayed(program, point)
        assert float(value) == pytest.approx(float(function(Value(point))))
        assert float(gradient) == pytest.approx(cr.grad(function)(point))


@pytest.mark.parametrize(("Node", "make"), [(Value, float), (Tensor, np.array)])
def test_conditions_are_recorded_where_the_whole_is(Node: Any, make: Any) -> None:
    x = Node(make(3.0))
    with record_whole():
        y = cr.where(x > 1.0, x * x, -x)
    program = cr.record(y, wrt=[x])
    assert len(program.inputs) == 1
    for point, value, slope in ((3.0, 9.0, 6.0), (0.5, -0.5, -1.0)):
        found = replayed(program, make(point))
        assert [float(a) for a in found] == [value, slope]


def test_a_program_of_forward_alone() -> None:
    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    program = cr.record(x.log() + x * y - y.sin())
    assert [step.op for step in program.steps] == ["log", "mul", "add", "sin", "sub"]
    assert len(program.outputs) == 1
    (value,) = replayed(program, 3.0, 0.5)
    assert float(value) == pytest.approx(np.log(3) + 1.5 - np.sin(0.5))


def test_inputs_are_the_leaves_in_order_of_creation() -> None:
    late, early = [Value(float(i), label=f"v{i}") for i in range(2)]
    program = cr.record(early - late)
    assert [program.labels[i] for i in program.inputs] == ["v0", "v1"]


def test_constants_are_held() -> None:
    a = np.array([1.0, 2.0])
    x = Tensor([3.0, 4.0])
    program = cr.record((x * a * 2.0).sum(), wrt=[x])
    assert len(program.inputs) == 1
    assert [g.tolist() for g in replayed(program, np.array([0.0, 1.0]))] == [4.0, [2.0, 4.0]]


def test_shapes_dtypes_and_text() -> None:
    x = Tensor(np.ones((2, 3), np.float32), label="x")
    program = cr.record(x.exp().sum(axis=0))
    text = str(program)
    assert "%0:x = input : float32[2×3]" in text
    assert "= exp(%0:x) : float32[2×3]" in text
    assert "axis=(0,)" in text
    assert text.endswith(f"return %{program.outputs[0]}")


def test_float32_stays_float32_in_a_replay() -> None:
    x = Tensor(np.ones(3, np.float32))
    program = cr.record((cr.gelu(x) * 2.0).sum(), wrt=[x])
    assert [np.asarray(a).dtype for a in replayed(program, np.ones(3, np.float32))] == [
        np.float32,
        np.float32,
    ]


def test_a_leaf_that_the_loss_does_not_use() -> None:
    x, unused = Tensor([1.0]), Tensor([1.0, 2.0])
    program = cr.record(x.sum(), wrt=[x, unused])
    assert replayed(program, np.array([5.0]))[2].tolist() == [0, 0]


def test_a_leaf_as_loss() -> None:
    x = Value(3.0)
    assert [float(a) for a in replayed(cr.record(x, wrt=[x]), 7.0)] == [7.0, 1.0]


def test_a_network_replayed_on_other_batches() -> None:
    rng = np.random.default_rng(0)
    W1, b1 = Tensor(rng.normal(size=(5, 3))), Tensor(np.zeros(5))
    W2, b2 = Tensor(rng.normal(size=(4, 5))), Tensor(np.zeros(4))
    parameters = [W1, b1, W2, b2]

    def loss(x: Any, labels: Any) -> Any:
        return cr.cross_entropy(cr.linear(cr.relu(cr.linear(x, W1, b1)), W2, b2), labels).mean()

    x = Tensor(rng.normal(size=(6, 3)), requires_grad=False, label="x")
    labels = Tensor(rng.integers(0, 4, 6), label="labels")
    program = cr.record(loss(x, labels), wrt=parameters)
    for _ in range(3):
        batch, classes = rng.normal(size=(6, 3)), rng.integers(0, 4, 6)
        expected = loss(batch, classes)
        for w in parameters:
            w.zero_grad()
        expected.backward()
        given = {id(x): batch, id(labels): classes} | {id(w): w.data for w in parameters}
        leaves = sorted([x, labels, *parameters], key=lambda leaf: leaf.serial)
        value, *gradients = replayed(program, *(given[id(leaf)] for leaf in leaves))
        np.testing.assert_allclose(value, expected.data, rtol=1e-13)
        for g, w in zip(gradients, parameters, strict=True):
            np.testing.assert_allclose(g, w.grad, rtol=1e-12, atol=1e-14)


def test_a_replay_changes_nothing_that_it_is_given() -> None:
    x = Tensor([1.0, 2.0])
    program = cr.record(((x + 1.0) * x).sum(), wrt=[x])
    given = np.array([3.0, 4.0])
    _, gradient = replayed(program, given)
    gradient[...] = 50
    assert given.tolist() == [3, 4]
    assert replayed(program, given)[1].tolist() == [7, 9]


def test_gradients_of_a_non_scalar_are_refused() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match="needs a scalar"):
        cr.record(x * 2, wrt=[x])


def test_recording_with_stale_data_is_refused() -> None:
    x = Value(3.0)
    y = x * x
    x.data = 4.0
    with pytest.raises(RuntimeError, match="changed after"):
        cr.record(y, wrt=[x])
