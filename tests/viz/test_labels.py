"""Short texts: numbers keep their digits and their sign, names are told apart, long ones are cut."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from chainrule.autograd.mode import scope
from chainrule.autograd.value import Value
from chainrule.viz import labels
from chainrule.viz.record import trace


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (2.0, "2"),
        (1 / 3, "0.3333"),
        (99999.0, "99999"),
        (99999.5, "100000"),
        (-123456.0, "−123456"),
        (1e6, "1e6"),
        (0.00012346, "1.235e−4"),
        (9999.95, "10000"),
        (-2.0, "−2"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
    ],
)
def test_short(number: float, expected: str) -> None:
    assert labels.short(number) == expected


@given(st.floats(-1e300, 1e300), st.integers(2, 7))
def test_short_is_right_to_its_digits(number: float, digits: int) -> None:
    shown = labels.short(number, digits)
    assert float(shown.replace("−", "-")) == pytest.approx(
        number, rel=0.5001 * 10 ** (1 - digits), abs=1e-300
    )
    assert len(shown) <= digits + 7


@given(st.floats())
def test_a_range_always_fits_its_box(number: float) -> None:
    assert len(labels.tiny(number)) <= 7


def test_names() -> None:
    x = Value(2.0, label="x")
    assert labels.names(trace((x * x).tanh() * 3.0)) == ["x", "v1", "v2", "3", "L"]


def test_as_many_scopes_as_it_takes(make: dict[str, Callable[..., Any]]) -> None:
    names = labels.names(trace(make["mlp"](2, 2, 2, 1)))
    assert {"layer 1.neuron 2.w1", "layer 3.neuron 1.b", "x1", "loss"} <= set(names)
    with scope("net"):
        x = Value(1.0)
        for k in range(2):
            with scope(f"layer {k}"):
                x = x * Value(2.0, label="w")
    assert {"layer 0.w", "layer 1.w"} <= set(labels.names(trace(x)))


def test_clip_fits() -> None:
    for text in ("W" * 50, "i" * 50, "σ(z)", "", "日本語のラベル" * 5):
        clipped = labels.clip(text, 60.0, 12.0)
        assert labels.width(clipped, 12.0) <= 60.0
        assert clipped == text or clipped.endswith("…")


def test_repeated_labels_are_told_apart_by_their_scopes() -> None:
    w = [Value(float(k), label="weight") for k in range(2)]
    x = Value(1.0, label="x")
    for k, weight in enumerate(w):
        with scope(f"layer {k}"):
            x = x * weight
    recording = trace(x)
    assert labels.names(recording) == ["layer 0.weight", "layer 1.weight", "x", "v1", "L"]
    assert labels.title(recording.nodes[0], "layer 0.weight") == ("weight", "")
