"""Groups: scopes by call, leaves with their readers, long sums folded."""

import random

import pytest

from chainrule import nn
from chainrule.autograd.mode import scope
from chainrule.autograd.value import Value
from chainrule.viz import svg
from chainrule.viz.layout import lay_out
from chainrule.viz.layout.groups import CROWD, FEW_LEAVES, PARTS, group
from chainrule.viz.record import trace
from chainrule.viz.trace import Trace


def homes(loss: Value) -> dict[str, str | None]:
    """The name of the group that holds each labelled node."""
    recording = trace(loss)
    grouping = group(recording)
    return {
        node.label: None if home is None else grouping.groups[home].name
        for node, home in zip(recording.nodes, grouping.home)
        if node.label
    }


def test_a_scope_entered_again_is_another_box() -> None:
    x = Value(1.0)
    for _ in range(2):
        with scope("layer"):
            x = x.tanh()
    grouping = group(trace(x))
    assert [g.name for g in grouping.groups] == ["layer", "layer"]
    assert grouping.home[1:] == [0, 1]


def test_a_leaf_is_drawn_with_its_only_reader() -> None:
    x, w = Value(1.0, label="x"), Value(2.0, label="w")
    with scope("neuron"):
        a = w * x
    with scope("other"):
        b = x.tanh()
    assert homes(a + b) == {"w": "neuron", "x": None}


def test_a_weight_made_beside_its_neuron_is_drawn_inside() -> None:
    with scope("layer"):
        w = Value(2.0, label="w")
        with scope("neuron"):
            y = w.tanh()
    assert homes(y) == {"w": "neuron"}


def test_what_several_parts_of_a_scope_share_enters_that_scope() -> None:
    x = Value(1.0, label="x")
    with scope("layer"):
        with scope("a"):
            first = x.tanh()
        with scope("b"):
            second = x.exp()
    assert homes(first * second) == {"x": None}


def test_long_sums_are_folded() -> None:
    terms = [Value(float(k)) for k in range(4)]
    total = terms[0] + terms[1] + terms[2] + terms[3]
    grouping = group(trace(total.tanh()))
    assert [(g.name, g.kind) for g in grouping.groups] == [("Σ of 4", "sum")]


def test_a_folded_sum_bears_the_label_of_its_result() -> None:
    total = Value(0.0) + Value(1.0) + Value(2.0) + Value(3.0)
    total.label = "z"
    assert [g.name for g in group(trace(total.tanh())).groups] == ["z = Σ of 4"]


def test_short_labelled_or_shared_sums_are_not() -> None:
    a, b, c, d = (Value(float(k)) for k in range(4))
    assert not group(trace(a + b + c)).groups
    labelled = a + b + c
    labelled.label = "partial"
    assert not group(trace(labelled + d)).groups
    shared = a + b + c
    assert not group(trace((shared + d) * shared)).groups


# --- what would be too large to read ---


def chain(count: int) -> Value:
    x = Value(0.5, label="x")
    for _ in range(count // 2):
        x = (x * 1.0001).tanh()
    return x


def test_what_fits_one_picture_is_not_cut() -> None:
    assert not group(trace(chain(CROWD))).groups


@pytest.mark.parametrize("count", [CROWD + 2, 2_000, 8_000])
def test_a_crowd_is_cut_into_parts_of_parts(count: int) -> None:
    recording = trace(chain(count))
    grouping = group(recording)
    assert {g.kind for g in grouping.groups} == {"part"}
    assert grouping.groups[0].name == "part 1"
    for inner in (None, *(g.id for g in grouping.groups)):
        boxes = sum(home == inner for home in grouping.home) + sum(g.parent == inner for g in grouping.groups)
        assert boxes <= max(CROWD, PARTS + FEW_LEAVES) * 2, "with the constants that its ops read"
    lay_out(recording)


def test_parts_keep_scopes_and_sums_whole() -> None:
    x, w = Value(1.0, label="x"), [Value(0.1 * k, label=f"w{k}") for k in range(80)]
    total = x
    for round_ in range(400):
        with scope(f"round {round_}"):
            total = (total * w[round_ % 80] + x * 0.5 + w[0] * w[1] + total).tanh()
    recording = trace(total)
    grouping = group(recording)
    kinds = [g.kind for g in grouping.groups]
    assert kinds.count("scope") == 400
    tops = [g for g in grouping.groups if g.parent is None]
    assert {g.kind for g in tops} == {"part", "parameters"}
    folded = sum(home is not None and grouping.groups[home].of_leaves for home in grouping.home)
    loose = sum(home is None for home in grouping.home)
    assert folded == 78, "all but x and the two weights that every part reads"
    assert loose <= FEW_LEAVES
    lay_out(recording)


def batch(rows: int) -> Trace:
    """A scalar network, called once for each row."""
    draw = random.Random(0)
    model = nn.scalar.MLP([2, 4, 4, 1], activation="tanh")
    return trace(sum((model([draw.random(), draw.random()]) - 1.0) ** 2 for _ in range(rows)) / rows)


def test_weights_that_several_calls_read_are_folded_by_layer() -> None:
    recording = batch(3)
    grouping = group(recording)
    boxes = {g.name: g for g in grouping.groups if g.of_leaves and g.parent is None}
    inside = {
        name: sum(g.id in grouping.chain(home) for home in grouping.home if home is not None)
        for name, g in boxes.items()
    }
    assert inside == {"layer1.parameters": 12, "layer2.parameters": 20, "layer3.parameters": 5}
    assert boxes["layer1.parameters"].title == "layer1"
    assert boxes["layer1.parameters"].content(12, 12) == ("12 parameters", "shared")
    names = [g.name for g in grouping.groups if g.parent is None and g.kind == "scope"]
    assert sorted(names) == sorted(["layer1", "layer2", "layer3"] * 3), "each row has its calls"


def test_weights_that_one_call_reads_stay_where_they_are_read() -> None:
    assert not any(g.of_leaves for g in group(batch(1)).groups)


def test_each_call_gets_the_weights_of_its_layer_on_one_wire() -> None:
    recording = batch(6)
    layout = lay_out(recording)
    groups = layout.grouping.groups
    top = layout.scenes[None]
    (shelf,) = (g.id for g in groups if g.name == "layer1.parameters")
    leaves = {node for box in top.boxes if (box.kind, box.ref) == ("group", shelf) for node in box.nodes}
    wires = [wire for wire in top.wires if set(wire.nodes) & leaves]
    assert len(wires) == 1
    assert set(wires[0].nodes) == leaves
    inner = layout.scenes[shelf]
    assert {box.ref for box in inner.boxes} == leaves
    assert len({box.y for box in inner.boxes}) == 4, "a row for each neuron"
    assert "12 parameters" in svg.picture(recording).svg


@pytest.mark.parametrize("seed", range(4))
def test_parts_never_need_each_other_in_a_cycle(seed: int) -> None:
    draw = random.Random(seed)
    nodes = [Value(draw.random(), label=f"x{k}") for k in range(5)]
    for _ in range(1_500):
        with scope(f"part {draw.randrange(3)}"):
            step = draw.choice((lambda a, b: a * b, lambda a, b: a + b, lambda a, b: (a - b).tanh()))
            nodes.append(step(nodes[-1], draw.choice([*nodes[-40:], 2.0])))
    recording = trace(nodes[-1])
    assert any(g.kind == "part" for g in group(recording).groups)
    lay_out(recording)
