"""Still pictures: well-formed, self-contained, honest about what is not computed, safe with any label."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.viz.record import snapshot, trace
from chainrule.viz.svg import Drawing, picture
from chainrule.viz.trace import Trace

HOSTILE = '</text></svg><script>alert(1)</script><img src=x onerror="alert(1)">&\x00\x0b\ud800'


def texts(drawing: Drawing) -> list[str]:
    root = ElementTree.fromstring(drawing.svg)
    return [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_every_graph_gives_a_well_formed_picture(graph: Any) -> None:
    root = ElementTree.fromstring(picture(trace(graph)).svg)
    names = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert names <= {"svg", "g", "rect", "path", "text", "title"}, (
        "no script, no style sheet, no foreign object"
    )
    assert not any("url(" in value or "href" in name for node in root.iter() for name, value in node.items())


def test_all_text_lies_inside_the_picture(graph: Any) -> None:
    root = ElementTree.fromstring(picture(trace(graph)).svg)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert width > 0
    assert height > 0
    for node in root.iter("{http://www.w3.org/2000/svg}rect"):
        if node.get("x"):
            assert 0 <= float(node.get("x", 0)) <= width


def test_a_hostile_label_is_only_text() -> None:
    loss = Value(1.0, label=HOSTILE) * Value(2.0, label="<b>")
    drawing = picture(trace(loss))
    drawing.svg.encode()
    assert "<b>" in texts(drawing)
    assert "<script" not in drawing.svg
    assert "<img" not in drawing.svg


def test_before_backward_gradients_are_not_computed(make: dict[str, Callable[..., Any]]) -> None:
    loss = make["neuron"]()
    drawing = picture(*snapshot(loss))
    assert texts(drawing).count("—") == 10
    assert drawing.svg.count("gradient not computed") == 10
    assert "<title>w1; gradient not computed</title>" in drawing.svg
    assert "value and gradient not computed" in picture(trace(loss), trace(loss).state(0)).svg
    loss.backward()
    assert "not computed" not in picture(*snapshot(loss)).svg
    after = texts(picture(*snapshot(loss)))
    assert "—" not in after
    assert "−1.5" in after


def test_captions_give_way_to_wide_ranges() -> None:
    x = Tensor([-2.0, 2.0], label="x")
    loss = (x * Tensor([0.0051, -0.0051], requires_grad=False)).sum()
    before = texts(picture(*snapshot(loss)))
    loss.backward()
    after = texts(picture(*snapshot(loss)))
    assert "−5e−3…5e−3" in after
    assert after.count("grad") == before.count("grad") - 1


def test_large_graphs_show_their_scopes_folded(make: dict[str, Callable[..., Any]]) -> None:
    assert "800 nodes" in texts(picture(trace(make["mlp"](2, 16, 16, 1))))


def test_a_graph_too_large_to_draw_shows_parts_and_says_so() -> None:
    x = Value(0.5, label="x")
    for _ in range(12_000):
        x = (x * 1.0001).tanh()
    shown = texts(picture(trace(x)))
    assert [text for text in shown if text.startswith("part ")] == [f"part {k}" for k in range(1, 21)]
    note = "36,001 nodes, 36,001 of them folded into 20 boxes; "
    assert f"{note}to look inside, draw or step through a part of at most 20,000 nodes" in shown


def test_a_small_graph_says_nothing_of_folding(graph: Any) -> None:
    assert not any("folded" in text for text in texts(picture(trace(graph))))


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="without nodes"):
        picture(Trace([]))


def test_save(tmp_path: Path) -> None:
    drawing = picture(trace(Value(2.0) * 3.0))
    assert drawing.save(tmp_path / "graph.svg").read_text() == drawing.svg
    with pytest.raises(ValueError, match=r"'graph.gif': the name must end in .svg or .png"):
        drawing.save(tmp_path / "graph.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.svg"]


def test_save_png(tmp_path: Path) -> None:
    pytest.importorskip("cairosvg", reason="needs cairosvg: pip install 'chainrule[png]'")
    path = picture(trace(Value(2.0) * 3.0)).save(tmp_path / "graph.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_png_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(ImportError, match=r"needs cairosvg: pip install 'chainrule\[png\]'"):
        picture(trace(Value(2.0) * 3.0)).save(tmp_path / "graph.png")


def test_a_notebook_shows_it() -> None:
    drawing = picture(trace(Value(2.0) * 3.0))
    assert drawing._repr_svg_() == drawing.svg
    assert "characters of SVG" in repr(drawing)
