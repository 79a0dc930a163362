import builtins
import sys

import pytest

from chainrule import nn
from chainrule.nn import History

HISTORY = History(
    loss=[2.0, 1.0], val_loss=[3.0, 2.5], metrics={"accuracy": [0.5, 0.75], "val_accuracy": [0.4, 0.6]}
)


@pytest.fixture
def matplotlib():
    found = pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'chainrule[plot]'")
    found.use("agg")
    yield found
    found.pyplot.close("all")


def test_a_panel_for_each_number_with_its_validation(matplotlib):
    panels = HISTORY.plot()
    assert [axes.get_ylabel() for axes in panels] == ["loss", "accuracy"]
    assert [line.get_ydata().tolist() for line in panels[0].lines] == [[2, 1], [3, 2.5]]
    assert [line.get_xdata().tolist() for line in panels[1].lines] == [[1, 2], [1, 2]]
    assert [text.get_text() for text in panels[0].get_legend().get_texts()] == ["training", "validation"]


def test_chosen_numbers(matplotlib):
    assert [axes.get_ylabel() for axes in HISTORY.plot("accuracy")] == ["accuracy"]
    assert nn.MLP([1, 1]).fit([[0.0], [1.0]], [0.5, 1.0], epochs=2, verbose=0).plot("r2")


def test_one_epoch_is_a_dot(matplotlib):
    (axes,) = History(loss=[1.0]).plot()
    assert axes.lines[0].get_marker() == "."


def test_what_cannot_be_drawn(matplotlib):
    with pytest.raises(
        ValueError, match=r"unknown number of this training 'acuracy'.*did you mean 'accuracy'"
    ):
        HISTORY.plot("acuracy")
    with pytest.raises(ValueError, match="nothing to draw yet"):
        History().plot()


def test_without_matplotlib(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[plot\]'"):
        HISTORY.plot()
