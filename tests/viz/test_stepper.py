"""What a stepper saves: sizes, pages that need nothing else, notebooks."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chainrule.autograd.value import Value
from chainrule.viz.stepper import Stepper, save_page
from chainrule.viz.stepping import step


class Elements(HTMLParser):
    """The elements of a document, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_sizes(make: dict[str, Callable[..., Any]]) -> None:
    assert len(Stepper(step(make["neuron"]()).trace).html().encode()) < 60_000
    large = step(make["mlp"](2, 16, 16, 1))
    assert 980 <= len(large.trace.nodes) <= 985
    assert len(large.html().encode()) < 1_000_000


def test_save(tmp_path: Path) -> None:
    stepper = step(Value(2.0) * Value(3.0))
    assert stepper.save(tmp_path / "a.html", title="<b>").read_text() == stepper.html("<b>")
    with pytest.raises(ValueError, match=r"'a.txt': the name must end in .html"):
        stepper.save(tmp_path / "a.txt")
    with pytest.raises(ValueError, match="at least one graph"):
        save_page(tmp_path / "b.html", {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_the_page_refers_to_nothing_outside_itself(make: dict[str, Callable[..., Any]]) -> None:
    page = Elements(step(make["tensor_mlp"]()).html())
    for tag, attributes in page.found:
        assert not {"src", "href", "srcset", "data"} & set(attributes), tag
    policy = dict(page.found)["meta"]
    (csp,) = [a["content"] for t, a in page.found if a.get("http-equiv") == "Content-Security-Policy"]
    assert csp is not None
    assert csp.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in csp
    assert policy


def test_hostile_text_stays_data() -> None:
    hostile = "</script><img src=x onerror=alert(1)><!--<script>\u2028"
    page = Elements(Stepper(step(Value(1.0, label=hostile) * 2.0).trace, hostile).html(hostile))
    assert [tag for tag, _ in page.found if tag == "img"] == []
    assert [tag for tag, _ in page.found].count("script") == 2


def test_a_notebook_gets_a_picture_and_a_frame() -> None:
    bundle = step(Value(2.0, label='"><img onerror=x>') * Value(3.0))._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    (picture, frame) = Elements(bundle["text/html"]).found
    assert picture[0] == "img"
    assert (picture[1]["src"] or "").startswith("data:image/svg+xml;base64,")
    assert frame[0] == "iframe"
    assert (frame[1]["srcdoc"] or "").startswith("<!doctype html>")


def test_drawing_of_a_stepper_has_all_gradients() -> None:
    assert "—" not in step(Value(3.0) * Value(2.0)).drawing().svg
