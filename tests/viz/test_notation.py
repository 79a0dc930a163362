"""Notation: parentheses where they are needed and nowhere else, well-formed MathML, names never markup."""

from typing import Any
from xml.etree import ElementTree

import pytest

from chainrule.viz.notation import FENCED, PLAIN, SIGNED, markup, mathml, text

X, Y, TWO = ["slot", 0], ["slot", 1], ["num", 2.0]
NAMES: dict[int | str, str] = {0: "x", 1: "y"}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (["sub", X, ["sub", Y, TWO]], "x − (y − 2)"),
        (["sub", ["sub", X, Y], TWO], "x − y − 2"),
        (["mul", ["add", X, Y], TWO], "(x + y)·2"),
        (["div", X, ["mul", Y, TWO]], "x/(y·2)"),
        (["pow", ["neg", X], TWO], "(−x)²"),
        (["neg", ["pow", X, TWO]], "−x²"),
        (["pow", X, ["sub", Y, ["num", 1.0]]], "x^(y − 1)"),
        (["mul", X, ["num", -2.0]], "x·(−2)"),
        (["getitem", X, ["text", "0, 1:"]], "x[0, 1:]"),
        (["sum", X, ["text", "axis=(0,)"]], "Σ(x, axis=(0,))"),
    ],
)
def test_text(tree: list[Any], expected: str) -> None:
    assert text(tree, NAMES) == expected


@pytest.mark.parametrize(
    "tree",
    [
        ["div", ["neg", X], ["sqrt", Y]],
        ["where", ["greater", X, ["num", 0.0]], ["exp", X], ["abs", Y]],
        ["swapaxes", X, ["num", 0.0], ["num", 1.0]],
        ["pow", X, ["num", 0.5]],
        ["softmax", X, ["text", "<b>"]],
    ],
)
def test_mathml_is_well_formed_and_escaped(tree: list[Any]) -> None:
    written = mathml(tree, {0: "</math><img src=x onerror=alert(1)>", 1: "&"})
    root = ElementTree.fromstring(written)
    assert not root.findall(".//img")
    assert all(node.get("mathvariant") == "normal" for node in root.iter("mi")), (
        "else an empty box without a font"
    )


def slots(node: Any) -> list[tuple[Any, int]]:
    if node[0] == "slot":
        return [(node[1], node[2])]
    return [found for child in node[1:] if isinstance(child, list) for found in slots(child)]


def test_a_negative_number_gets_parentheses_where_it_needs_them() -> None:
    assert slots(markup(["mul", X, Y])) == [(0, PLAIN), (1, SIGNED)]
    assert slots(markup(["pow", X, TWO])) == [(0, FENCED)]
    assert slots(markup(["swapaxes", X, TWO, TWO])) == [(0, FENCED)]
    assert slots(markup(["sub", ["num", 1.0], X])) == [(0, SIGNED)]
    assert slots(markup(["div", X, Y])) == [(0, PLAIN), (1, PLAIN)]


def test_cases_within_cases_stand_under_one_brace() -> None:
    tie = ["where", ["equal", ["slot", 0], ["slot", 1]], ["num", 0.5], ["num", 0.0]]
    nested = ["where", ["greater", ["slot", 0], ["slot", 1]], ["num", 1.0], tie]
    shown = " ".join(ElementTree.fromstring(mathml(nested, {0: "a", 1: "b"})).itertext())
    assert " ".join(shown.split()) == "{ 1 if a > b 0.5 if a = b 0 otherwise"
