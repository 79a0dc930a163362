"""Formulas on the page: names that tell nodes apart, and lines that fit the panel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import nn
from chainrule.autograd import ops
from chainrule.autograd.tensor import Tensor
from chainrule.viz.stepper import Stepper
from chainrule.viz.stepping import step

pytestmark = pytest.mark.browser
Show = Callable[..., Any]


def layers() -> Stepper:
    model = nn.MLP([3, 4, 2], activation="tanh")
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    return step(
        nn.losses.cross_entropy(model(Tensor(inputs, requires_grad=False, label="X")), [0, 1, 0, 1, 1])
    )


def normalized() -> Stepper:
    """The longest formulas there are: layer norm and log-sum-exp."""
    draw = np.random.default_rng(0)
    features = Tensor(draw.normal(size=(4, 5)), label="features")
    gain, bias = Tensor(np.ones(5), label="gain"), Tensor(np.zeros(5), label="bias")
    return step(ops.logsumexp(ops.layer_norm(features, gain, bias), axis=1).sum())


def test_a_label_that_two_layers_bear_has_its_layer_in_the_formula_too(show: Show) -> None:
    page = show(layers=layers())
    told = set()
    for _ in range(14):
        page.keyboard.press("ArrowRight")
        sentence = page.inner_text(".sentence")
        if "bias:" in sentence:
            name = sentence.removeprefix("gradient of ").split(":")[0]
            told.add(name)
            assert page.text_content(".equation").startswith(f"∂L∂{name}+=")
    assert told == {"Linear0.bias", "Linear2.bias"}


def test_a_name_in_full_that_is_long_is_shortened_in_formulas(show: Show, make: dict[str, Any]) -> None:
    page = show(mlp=make["mlp"](2, 3, 3, 1))
    page.fill("input[type=search]", "layer 2.neuron 3.w1")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="go to its first gradient").click()
    assert page.inner_text(".sentence").startswith("gradient of layer 2.neuron 3.w1: plus ")
    assert page.text_content(".equation").startswith("∂loss∂l2.n3.w1+=")


@pytest.mark.parametrize("width", [390, 700, 1300])
def test_no_formula_is_cut_off(show: Show, width: int) -> None:
    stepper = normalized()
    page = show(normalized=stepper)
    page.set_viewport_size({"width": width, "height": 800})
    for _ in stepper.trace.steps:
        page.keyboard.press("ArrowRight")
        hidden = page.eval_on_selector_all(
            ".formula dd", "all => Math.max(...all.map(one => one.scrollWidth - one.clientWidth))"
        )
        assert hidden <= 1, (width, page.inner_text(".sentence"))
