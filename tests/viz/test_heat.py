"""Heat maps: the right colours, inside their boxes, not confusable by any kind of colour vision."""

import colorsys
import math
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainrule.autograd.tensor import Tensor
from chainrule.viz import heat
from chainrule.viz.layout import lay_out
from chainrule.viz.record import quantity, trace
from chainrule.viz.steps import Summary
from chainrule.viz.svg import picture


@pytest.mark.parametrize("shape", [(2,), (3,), (64,), (1, 2), (2, 2), (8, 1), (300, 400), (2, 3, 4)])
def test_both_maps_fit_the_box(shape: tuple[int, ...]) -> None:
    place = heat.geometry(shape)
    assert place is not None
    dx, dy = place["grad"]
    width, height = place["columns"] * place["width"], place["rows"] * place["height"]
    assert dx + width <= heat.ROOM + 0.5
    assert place["y"] + dy + height <= place["bottom"]
    assert dx >= width or dy >= height, "they do not overlap"
    recording = trace((Tensor(np.ones(shape)) * 2.0).sum())
    boxes = [box for box in lay_out(recording).scenes[None].boxes if recording.nodes[box.ref].shape]
    assert all(box.height >= place["bottom"] for box in boxes)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (0,), (0, 3), (3, 0)])
def test_no_map_of_a_number_or_of_nothing(shape: tuple[int, ...]) -> None:
    assert heat.geometry(shape) is None


@given(st.floats(), st.floats(1e-300, 1e300))
def test_strength(number: float, largest: float) -> None:
    level = heat.strength(number, largest)
    assert (level is None) == math.isnan(number)
    if level is not None:
        assert -4 <= level <= 4
        assert level * number >= 0


def brightness(colour: str) -> float:
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_tell_sign_by_hue_and_size_by_lightness() -> None:
    assert len(set(heat.SHADES)) == 9
    negative, zero, positive = heat.SHADES[:4], heat.SHADES[4], heat.SHADES[5:]
    for colours in (negative, positive[::-1]):
        assert [brightness(c) for c in colours] == sorted(brightness(c) for c in colours)
        assert brightness(colours[-1]) < brightness(zero)
    hues = [colorsys.rgb_to_hls(*(int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)))[0] for c in heat.SHADES]
    assert all(0.5 < hue < 0.62 for hue in hues[:4]), "blue"
    assert all(0.05 < hue < 0.12 for hue in hues[5:]), "orange"


def cells(data: Any) -> dict[str, int]:
    """How many cells of each colour a map has."""
    array = np.asarray(data)
    summary, place = quantity(array), heat.geometry(array.shape)
    assert isinstance(summary, Summary)
    assert place is not None
    root = ElementTree.fromstring(f"<svg>{heat.svg(summary, place, 0, 0)}</svg>")
    return {path.get("fill", ""): path.get("d", "").count("M") for path in root.iter("path")}


def test_cells() -> None:
    assert cells([[-1.0, 0.0, 1.0]]) == {heat.SHADES[0]: 1, heat.SHADES[4]: 1, heat.SHADES[8]: 1}
    assert cells(np.zeros((9, 9))) == {heat.SHADES[4]: 36}, "the first six rows and columns"
    assert cells([np.nan, 1.0]) == {heat.UNDEFINED: 1, heat.SHADES[8]: 1}
    assert cells([np.inf, 1.0]) == {heat.SHADES[8]: 2}
    assert cells([np.nan, np.nan]) == {heat.UNDEFINED: 2}


def test_small_arrays_show_their_numbers() -> None:
    recording = trace((Tensor([0.5, -2.0], label="x") * 3.0).sum())
    root = ElementTree.fromstring(picture(recording).svg)
    shown = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"−2", "1.5", "−6"} <= set(shown)
    assert shown.count("3") == 2 + 1, "the gradient of each entry, and the constant"
