"""Filmstrips: one frame for each step, each with the numbers of its step and what it touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from chainrule.autograd.value import Value
from chainrule.viz.filmstrip import filmstrip
from chainrule.viz.layout import lay_out
from chainrule.viz.record import trace
from chainrule.viz.stepping import step
from chainrule.viz.steps import Backward
from chainrule.viz.trace import Trace

SVG = "{http://www.w3.org/2000/svg}"


def frames(svg: str) -> list[list[str]]:
    """The texts of each frame."""
    root = ElementTree.fromstring(svg)
    return [[text.text or "" for text in frame.iter(f"{SVG}text")] for frame in root.findall(f"{SVG}g")]


def test_each_frame_tells_its_step_and_shows_its_numbers(make: dict[str, Callable[..., Any]]) -> None:
    recording = trace(make["neuron"]())
    first, seed, last = frames(filmstrip(recording, [0, 6, len(recording.steps)]).svg)
    assert first[0] == "Step 0 of 15: the inputs are known, nothing is computed yet"
    assert seed[0].startswith("Step 6 of 15: Backprop begins")
    assert first.count("—") == 15
    assert seed.count("—") == 9
    assert "—" not in last
    assert "−1.5" in last


def in_one_sum(recording: Trace, happened: Backward) -> bool:
    """Whether both ends are inside a sum that is drawn as one box."""
    grouping = lay_out(recording).grouping
    home = grouping.home[happened.child]
    return home is not None and grouping.groups[home].kind == "sum" and grouping.home[happened.parent] == home


def test_a_step_is_marked(graph: Any) -> None:
    recording = trace(graph)
    for number in range(1, len(recording.steps) + 1):
        svg = filmstrip(recording, [number]).svg
        root = ElementTree.fromstring(svg)
        thick = [node for node in root.iter() if node.get("stroke-width") == "3"]
        assert any(node.tag == f"{SVG}rect" for node in thick), "the box that changes"
        happened = recording.steps[number - 1]
        if isinstance(happened, Backward) and not in_one_sum(recording, happened):
            assert any(node.tag == f"{SVG}path" for node in thick), "the wire along which it does"


def test_a_wire_is_marked_across_scopes(make: dict[str, Callable[..., Any]]) -> None:
    recording = trace(make["tensor_mlp"]())
    names = [node.label or node.op for node in recording.nodes]
    number = next(
        k
        for k, s in enumerate(recording.steps, 1)
        if type(s).__name__ == "Backward" and names[s.parent] == "tanh"  # type: ignore[union-attr]
    )
    root = ElementTree.fromstring(filmstrip(recording, [number]).svg)
    pieces = [n for n in root.iter(f"{SVG}path") if n.get("stroke-width") == "3"]
    assert len(pieces) == 3, "out of one scope, between them, into the other"


def test_frames_stand_side_by_side_while_there_is_room() -> None:
    recording = trace(Value(2.0, label="x") * Value(3.0, label="y"))
    root = ElementTree.fromstring(filmstrip(recording, [0, 1, 2, 3, 4]).svg)
    assert float(root.get("width", 0)) <= 1600
    assert float(root.get("width", 0)) > 700


def test_labels_are_only_text() -> None:
    recording = trace(Value(2.0, label="<script>") * Value(3.0, label="&"))
    assert "<script" not in filmstrip(recording, [3]).svg


def test_through_the_stepper(tmp_path: Path) -> None:
    stepper = step(lambda x: x * x, 3.0)
    strip = stepper.save(tmp_path / "strip.svg", steps=[1, 4]).read_text()
    assert [texts[0] for texts in frames(strip)] == [
        "Step 1 of 4: L = mul(x, x) = 9",
        "Step 4 of 4: gradient of x: plus 1 times 3, now 6",
    ]
    assert stepper.save(tmp_path / "graph.svg").read_text() == stepper.drawing().svg
    with pytest.raises(ValueError, match=r"save it as .svg or .png, not as 'x.html'"):
        stepper.save(tmp_path / "x.html", steps=[1])


def test_what_cannot_be_shown() -> None:
    recording = trace(Value(2.0) * 3.0)
    with pytest.raises(IndexError, match="there is no step 9: this recording has steps 0 to 3"):
        filmstrip(recording, [9])
    with pytest.raises(ValueError, match="1 to 60 frames, got 0"):
        filmstrip(recording, [])
