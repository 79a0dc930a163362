"""The schema: plain data, exact round trips, replay both ways, and clear words about what cannot be read."""

import json
import math

import pytest

from chainrule.viz.record import trace
from chainrule.viz.steps import Backward, Forward, Seed, Summary
from chainrule.viz.trace import Trace, TraceNode, TraceScope


def odd_trace() -> Trace:
    table = Summary((2, 2), -math.inf, 1e-320, math.nan, ((0.1, 1.0), (math.nan, 2.0)))
    nodes = [
        TraceNode(0, "</script>", None, (), None, ("a.py", 3), (2, 2), "float32", "input", table),
        TraceNode(1, "", "sum", (0,), 0, None, (), "float64", "loss", None, 0),
    ]
    steps = [Forward(1, math.nan), Seed(1, 1.0), Backward(1, 0, 0, 1.0, None, table, None, table)]
    formula = {"op": "sum", "forward": ["sum", ["slot", 0]], "local": [None], "contribution": [None]}
    return Trace(nodes, [TraceScope(0, "s", None)], steps, [formula], {"sources": {"a.py": {"3": "x"}}})


def same(a: object, b: object) -> bool:
    """Equality in which NaN equals NaN."""
    return repr(a) == repr(b)


def test_json_round_trip_is_exact(graph: object) -> None:
    recording = trace(graph)  # type: ignore[arg-type]
    assert same(Trace.from_json(recording.to_json()), recording)


def test_json_holds_what_is_not_finite() -> None:
    text = odd_trace().to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert same(Trace.from_json(text), odd_trace())


def test_state_before_anything_and_at_the_end() -> None:
    recording = odd_trace()
    assert set(recording.state(0).values) == {0}
    assert recording.state(0).grads == {}, "absent, which is not 0"
    assert set(recording.state().grads) == {0, 1}


@pytest.mark.parametrize("count", [-1, 4])
def test_state_out_of_range(count: int) -> None:
    with pytest.raises(IndexError, match="this trace has 3; pass 0 to 3"):
        odd_trace().state(count)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "version 99: this release reads version 1"),
        ({"steps": [{"kind": "sideways"}]}, "unknown kind of step 'sideways'; known are forward, seed"),
        ({"nodes": [{"id": 0, "color": "red"}]}, "a TraceNode has no field 'color'"),
    ],
)
def test_what_cannot_be_read(change: dict[str, object], message: str) -> None:
    data = odd_trace().to_dict() | change
    with pytest.raises(ValueError, match=message):
        Trace.from_json(json.dumps(data))


def test_text_that_is_no_trace() -> None:
    with pytest.raises(ValueError, match="version list"):
        Trace.from_json("[]")
