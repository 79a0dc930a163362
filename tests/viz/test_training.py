"""A training as a recording: the engine's own numbers at every step, and one graph for all iterations."""

import base64
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.autograd.mode import no_grad
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.record import quantity
from chainrule.viz.stepping import step
from chainrule.viz.steps import Accumulate, Backward, Forward, Iteration, Seed, Update, Zero
from chainrule.viz.trace import Trace

Train = Callable[[], Any]


def neuron(*, zero: str = "method", lr: float = 0.1) -> tuple[Train, list[Value]]:
    """A neuron that is trained by hand."""
    w, b = Value(0.5, label="w"), Value(-0.25, label="b")

    def train_step() -> None:
        loss = ((w * 2.0 + b).tanh() - 1.0) ** 2
        if zero == "before":
            w.grad = b.grad = 0.0
        loss.backward()
        for p in (w, b):
            p.data -= lr * p.grad
            if zero == "method":
                p.zero_grad()

    return train_step, [w, b]


def network(kind: Any = nn.optim.SGD, **settings: Any) -> tuple[Train, Any]:
    """A network that an optimizer trains, on another mini-batch each time."""
    draw = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(3, 4, generator=draw, dtype=np.float64),
        nn.Tanh(),
        nn.Linear(4, 1, generator=draw, dtype=np.float64),
    )
    optimizer = kind(model.parameters(), **settings)

    def train_step() -> None:
        x = Tensor(draw.normal(size=(5, 3)), requires_grad=False, label="x")
        loss = ((model(x) - 1.0) ** 2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return train_step, model


def kinds(recording: Trace) -> list[str]:
    """The kinds of steps, repetitions left out."""
    names = [type(s).__name__ for s in recording.steps if not isinstance(s, Accumulate)]
    return [name for k, name in enumerate(names) if k == 0 or name != names[k - 1]]


def test_the_steps_of_a_training_step() -> None:
    function, _ = neuron()
    recording = step(function, n=2).trace
    assert kinds(recording) == ["Iteration", "Forward", "Seed", "Backward", "Update", "Zero"] * 2
    assert len(recording.iterations) == 2
    assert [node.role for node in recording.nodes if node.label] == ["parameter", "parameter"]


@pytest.mark.parametrize("zero", ["method", "before", "never"])
def test_a_training_by_hand_ends_where_the_engine_ends(zero: str) -> None:
    function, parameters = neuron(zero=zero)
    recording = step(function, n=7).trace
    state = recording.state()
    for number, parameter in enumerate(parameters):
        assert state.values[number] == parameter.data
        assert state.grads.get(number) == parameter.grad
    twin, others = neuron(zero=zero)
    for _ in range(7):
        twin()
    assert [p.data for p in parameters] == [p.data for p in others], "watching changes nothing"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (nn.optim.SGD, {"lr": 0.1}),
        (nn.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (nn.optim.Adam, {"lr": 0.01}),
    ],
)
def test_a_training_by_an_optimizer_ends_where_the_engine_ends(kind: Any, settings: dict[str, Any]) -> None:
    function, model = network(kind, **settings)
    recording = step(function, n=5).trace
    state = recording.state()
    by_label = {node.id: node for node in recording.nodes if node.role == "parameter"}
    assert len(by_label) == len(model.parameters())
    for node, parameter in zip(by_label.values(), model.parameters()):
        assert repr(state.values[node.id]) == repr(quantity(parameter.data))
    updates = [s for s in recording.steps if isinstance(s, Update)]
    assert len(updates) == 5 * 4
    assert {s.rule for s in updates} == {0}
    assert recording.rules[0]["name"] == kind.__name__


def test_momentum_is_shown() -> None:
    function, _ = network(nn.optim.SGD, lr=0.1, momentum=0.9)
    recording = step(function, n=2).trace
    assert recording.rules[0]["text"] == "v ← 0.9·v + g; w ← w − 0.1·v"
    assert all(set(s.state or ()) == {"v"} for s in recording.steps if isinstance(s, Update))


def test_the_next_mini_batch_is_new_data_of_the_same_leaf() -> None:
    function, _ = network(lr=0.1)
    recording = step(function, n=3).trace
    x = next(node.id for node in recording.nodes if node.label == "x")
    batches = [dict(recording.steps[k].values) for k in recording.iterations]  # type: ignore[union-attr]
    assert x not in batches[0], "the first one is the node's own value"
    assert x in batches[1]
    assert repr(batches[1][x]) != repr(batches[2][x])


def test_a_rate_is_read_from_the_numbers() -> None:
    recording = step(neuron(lr=0.05)[0], n=2).trace
    assert [rule["text"] for rule in recording.rules] == ["w ← w − 0.05·g"]


def test_forgotten_zero_grad_is_seen() -> None:
    function, (w, _) = neuron(zero="never")
    recording = step(function, n=2).trace
    seeds = [s for s in recording.steps if isinstance(s, Seed)]
    added = [s for s in recording.steps if isinstance(s, Accumulate)]
    assert seeds[0].kept is None
    assert [leaf for leaf, _ in seeds[1].kept or ()] == [0, 1]
    assert [s.node for s in added] == [0, 1]
    assert all(s.after == s.before + s.contribution for s in added)  # type: ignore[operator]
    assert added[0].after == w.grad


def test_gradients_from_before_the_training() -> None:
    function, (w, _) = neuron(zero="never")
    w.grad = 5.0
    recording = step(function, n=1).trace
    assert recording.state(0).grads == {0: 5.0}
    assert recording.state().grads[0] == w.grad


def test_two_passes_in_one_call_are_two_iterations() -> None:
    w = Value(2.0, label="w")

    def train_step() -> None:
        for target in (1.0, 4.0):
            ((w - target) ** 2).backward()
        w.data -= 0.1 * w.grad
        w.grad = 0.0

    recording = step(train_step, n=2).trace
    assert len(recording.iterations) == 4
    assert recording.state().values[0] == w.data
    assert [s.after for s in recording.steps if isinstance(s, Zero)] == [0.0, 0.0]


def test_every_step_can_be_undone() -> None:
    """As the page does it: backward locally, an iteration from a copy."""
    function, _ = neuron(zero="never")
    recording = step(function, n=3).trace
    states = [recording.state(k) for k in range(len(recording.steps) + 1)]
    for before, happened, after in zip(states, recording.steps, states[1:]):
        values, grads = dict(after.values), dict(after.grads)
        match happened:
            case Forward(node):
                del values[node]
            case Seed(node, _, kept):
                del grads[node]
                grads.update(kept or ())
            case Backward(parent=node, before=old) | Accumulate(node=node, before=old):
                if old is None:
                    del grads[node]
                else:
                    grads[node] = old
            case Update(node=node, before=old):
                values[node] = old
            case Zero(node=node, before=old):
                grads[node] = old
            case Iteration():
                continue
        assert (values, grads) == (before.values, before.grads)


def test_the_layout_stays_still() -> None:
    recording = step(network(lr=0.1)[0], n=4).trace
    forward = [s.node for s in recording.steps if isinstance(s, Forward)]
    once = len(forward) // 4
    assert forward == forward[:once] * 4


def test_in_place_updates_are_seen() -> None:
    w = Tensor(np.ones(3), label="w")

    def train_step() -> None:
        (w * w).sum().backward()
        with no_grad():
            w.data -= 0.1 * w.grad
        w.zero_grad()

    recording = step(train_step, n=2).trace
    assert [rule["text"] for rule in recording.rules] == ["w ← w − 0.1·g"]
    assert repr(recording.state().values[0]) == repr(quantity(w.data))


def test_clipped_gradients_are_seen_though_they_are_zeroed_at_once() -> None:
    w = nn.Parameter([3.0, 4.0], label="w")
    optimizer = nn.optim.SGD([w], lr=0.5)

    def train_step() -> None:
        (w * w).sum().backward()
        nn.optim.clip_grad_norm([w], 1.0)
        optimizer.step()
        optimizer.zero_grad()

    recording = step(train_step, n=1).trace
    clipped, forgotten = (s for s in recording.steps if isinstance(s, Zero))
    assert forgotten.after is None
    (update,) = (s for s in recording.steps if isinstance(s, Update))
    assert repr(update.gradient) == repr(clipped.after) == repr(forgotten.before)
    assert recording.steps.index(clipped) < recording.steps.index(update)
    assert "update" not in vars(optimizer), "nothing stays behind"


def test_an_optimizer_of_several_evaluations() -> None:
    w = nn.Parameter([3.0, 4.0], label="w")
    optimizer = nn.optim.LBFGS([w])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((w - 1.0) ** 2).sum()
        loss.backward()
        return loss

    recording = step(lambda: optimizer.step(closure), n=1).trace
    assert len(recording.iterations) > 1
    assert repr(recording.state().values[0]) == repr(quantity(w.data))


def test_a_callable_object_that_holds_the_optimizer() -> None:
    w = nn.Parameter([3.0], label="w")

    class Train:
        def __init__(self) -> None:
            self.optimizer = nn.optim.SGD([w], lr=0.5, momentum=0.9)

        def __call__(self) -> None:
            (w * w).sum().backward()
            self.optimizer.step()

    assert step(Train(), n=1).trace.rules[0]["name"] == "SGD"


def test_a_graph_that_changes() -> None:
    w, count = Value(2.0, label="w"), iter(range(9))

    def train_step() -> None:
        (w.tanh() if next(count) < 2 else w.exp()).backward()
        w.zero_grad()

    with pytest.raises(
        ValueError, match=r"the graph of pass 3 is not that of the first: node 1 was tanh at .* is exp"
    ):
        step(train_step, n=4)


def test_a_graph_that_grows() -> None:
    w, total = Value(2.0, label="w"), [Value(0.0)]

    def train_step() -> None:
        total[0] = total[0] + w
        total[0].backward()

    with pytest.raises(ValueError, match="has something kept the loss of an earlier one"):
        step(train_step, n=3)


def test_what_is_no_training() -> None:
    with pytest.raises(
        RuntimeError, match=r"<lambda> never called backward\(\).*leave out n: step\(f, \*args\)"
    ):
        step(lambda: Value(2.0) * 3.0, n=2)
    with pytest.raises(ValueError, match="needs at least one step, got n=0"):
        step(neuron()[0], n=0)
    with pytest.raises(TypeError, match=r"train_step returned None.*step\(train_step, n=20\)"):
        step(neuron()[0])


def test_a_training_with_a_mistake_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error shows how, and what it shows works."""
    train_step, wrong = neuron()[0], neuron(zero="never")[0]
    with pytest.raises(ValueError, match="In a training a mistake changes all that comes after it") as raised:
        step(train_step, n=2, mistake="no_zero_grad")
    with pytest.raises(TypeError, match=r"train_step returned None(.|\n)*leaving out zero_grad"):
        step(train_step, mistake="no_zero_grad")
    monkeypatch.chdir(tmp_path)
    _, *code = str(raised.value).splitlines()
    exec(dedent("\n".join(code)), {"step": step, "train_step": train_step, "wrong": wrong})  # noqa: S102 (our own words)
    page = (tmp_path / "two.html").read_text(encoding="utf-8")
    packed = re.search("base64,([^<]*)<", page)
    assert packed
    graphs = json.loads(zlib.decompress(base64.b64decode(packed[1])))["payload"]["graphs"]
    assert [graph["name"] for graph in graphs] == ["right", "wrong"]


def test_json_round_trip() -> None:
    for function in (neuron(zero="never")[0], network(nn.optim.Adam)[0]):
        recording = step(function, n=2).trace
        assert repr(Trace.from_json(recording.to_json())) == repr(recording)
