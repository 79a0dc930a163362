"""Groups: scopes by call, leaves with their readers, long sums folded."""

from chainrule.autograd.mode import scope
from chainrule.autograd.value import Value
from chainrule.viz.layout.groups import group
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


def test_short_labelled_or_shared_sums_are_not() -> None:
    a, b, c, d = (Value(float(k)) for k in range(4))
    assert not group(trace(a + b + c)).groups
    labelled = a + b + c
    labelled.label = "partial"
    assert not group(trace(labelled + d)).groups
    shared = a + b + c
    assert not group(trace((shared + d) * shared)).groups
