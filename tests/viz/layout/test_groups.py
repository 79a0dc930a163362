"""Groups: scopes by call, leaves with their readers, long sums folded."""

import random

import pytest

from chainrule.autograd.mode import scope
from chainrule.autograd.value import Value
from chainrule.viz.layout import lay_out
from chainrule.viz.layout.groups import CROWD, FEW_LEAVES, PARTS, group
from chainrule.viz.record import trace


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
    assert {g.kind for g in tops} == {"part"}
    assert "81 leaves" in [g.name for g in tops]
    lay_out(recording)


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
