"""What a summary counts, and how it shows."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn


def test_counts_of_a_cnn_by_hand():
    summary = nn.CNN((1, 8, 8), 10, channels=[4]).summary((1, 8, 8))
    by_path = {row.path: row for row in summary.rows}
    assert by_path["0"].output == (4, 8, 8)
    assert by_path["0"].flops == 8 * 8 * 4 * (2 * 9 + 1)  # nine multiplications and additions, and the bias
    assert by_path["1"].flops == 8 * 8 * 4
    assert by_path["2"].output == (4, 4, 4)
    assert by_path["3"].flops == 0
    assert by_path["4"].flops == 10 * (2 * 64 + 1)
    assert summary.parameters == 4 * 9 + 4 + 10 * 64 + 10
    assert summary.bytes == 4 * summary.parameters
    assert summary.flops == sum(row.flops for row in summary.rows)


def test_what_no_child_did_is_the_parents():
    model = nn.Sequential(nn.Linear(3, 3), nn.Residual(nn.Linear(3, 3), nn.ReLU()))
    rows = {row.path: row for row in model.summary().rows}
    assert rows["1"].flops == 3
    assert rows["1.0"].flops == 2 * 9 + 3
    assert rows["1.1"].flops == 3


def test_a_shared_layer_is_counted_as_often_as_it_runs():
    layer = nn.Linear(3, 3)
    (row,) = nn.Sequential(layer, layer).summary().rows
    assert row.flops == 2 * (2 * 9 + 3)
    assert row.parameters == 12


def test_buffers_and_frozen_parameters():
    model = nn.Sequential(nn.Linear(2, 3).freeze(), nn.BatchNorm1d(3), nn.Dropout())
    before = model.state_dict()
    summary = model.summary()
    assert summary.parameters == 9 + 6
    assert summary.bytes == 4 * (9 + 6 + 6) + 8
    assert "15 parameters (9 frozen), 92 bytes" in str(summary)
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(not vars(module).get("_hooks") for module in model.modules())


def test_without_a_shape_what_depends_on_it_is_left_out():
    summary = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()).summary()
    assert summary.flops is None
    assert "flops" not in str(summary)
    assert "Conv2d" in str(summary)
    # The first Linear says 4 features, but what it gets is made of images.
    assert nn.Sequential(nn.Conv1d(1, 2, 3), nn.Linear(4, 1)).summary().flops is None


def test_a_wrong_shape_is_said():
    with pytest.raises(cr.ShapeError, match="conv2d"):
        nn.CNN((1, 8, 8), 10).summary((8, 8))
    with pytest.raises(TypeError, match=r"input_shape must be that of one row, such as \(1, 28, 28\), got 3"):
        nn.MLP([3, 1]).summary(3)
    with pytest.raises(ValueError, match=r"input_shape\[0\] must be at least 1"):
        nn.MLP([3, 1]).summary((0,))


def test_the_title_leaves_the_modules_to_the_rows():
    assert nn.Sequential(nn.Linear(1, 1)).summary().title == "Sequential"
    assert nn.MLP([1, 1, 1], activation=nn.ELU(2.0)).summary().title == "MLP  sizes=[1, 1, 1]"


def test_a_single_layer_and_ones_own_module():
    assert nn.Linear(3, 2).summary().flops == 2 * 3 * 2 + 2

    class Own(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter([1.0, 2.0])
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            return self.layer(x) * self.scale

    rows = nn.Sequential(Own()).summary((3,)).rows
    assert [row.path for row in rows] == ["0", "0.layer"]
    assert [row.flops for row in rows] == [2, 14]


def test_html_is_escaped_and_complete():
    class Odd(nn.Module):
        def forward(self, x):
            return x

        def arguments(self):
            return {"note": "<script>alert(1)</script>"}

    assert "&lt;script&gt;" in Odd().summary((2,))._repr_html_()
    html = nn.Sequential(Odd(), nn.Linear(2, 1)).summary((2,))._repr_html_()
    assert "<script>" not in html
    assert html.count("<tr>") == 4
    for tag in ("table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"):
        assert len(re.findall(f"<{tag}[ >]", html)) == html.count(f"</{tag}>")
