"""The widget's Python side; in a browser it is tested with JupyterLab and marimo."""

import sys
from typing import Any

import pytest

from chainrule.autograd.value import Value
from chainrule.viz import page
from chainrule.viz.stepper import Stepper
from chainrule.viz.stepping import step
from chainrule.viz.widget import _widget_class


@pytest.fixture
def stepper() -> Stepper:
    return step(Value(2.0, label="x") * Value(3.0))


def test_the_widget_carries_the_page_s_own_script_and_data(stepper: Stepper) -> None:
    pytest.importorskip("anywidget", reason="needs anywidget: pip install 'chainrule[notebook]'")
    widget: Any = stepper.widget()
    assert "export default { render }" in page.module()
    state = widget.get_state(["payload", "step"])
    assert state["step"] == 0
    assert state["payload"]["graphs"] == page.payload({stepper.name: stepper.trace}, "")["graphs"]
    assert state["payload"]["page"] is False, "keys and the address belong to the notebook"
    assert stepper.widget() is not widget, "each has a step of its own"


def test_step_is_a_trait(stepper: Stepper) -> None:
    traitlets = pytest.importorskip("traitlets", reason="needs anywidget: pip install 'chainrule[notebook]'")
    pytest.importorskip("anywidget", reason="needs anywidget: pip install 'chainrule[notebook]'")
    widget: Any = stepper.widget()
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "step")
    widget.step = 3
    assert seen == [3]
    for wrong in (5, -1):
        with pytest.raises(
            traitlets.TraitError, match=f"step {wrong} does not exist: this stepper has 0 to 4"
        ):
            widget.step = wrong
    assert widget.step == 3


def test_without_anywidget_the_error_says_what_to_do(
    stepper: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    _widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs anywidget: pip install 'chainrule\[notebook\]'"):
        stepper.widget()
    _widget_class.cache_clear()
