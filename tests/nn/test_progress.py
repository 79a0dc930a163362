import builtins
import sys

import pytest

from chainrule import nn
from chainrule.nn.progress import Progress


def moons(n=200, seed=0):
    return nn.data.make_moons(n, noise=0.1, seed=seed)


def test_a_progress_bar(capsys):
    pytest.importorskip("tqdm", reason="needs tqdm: pip install 'chainrule[progress]'")
    nn.MLP([2, 2]).fit(*moons(20), epochs=3, batch_size=10, verbose=1)
    shown = capsys.readouterr().err
    assert "epoch 3/3" in shown
    assert "6/6" in shown
    assert "loss=" in shown
    assert "accuracy=" in shown


def test_plain_lines_without_tqdm(capsys, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in [name for name in sys.modules if name.startswith("tqdm")]:
        monkeypatch.delitem(sys.modules, name)
    nn.MLP([2, 2]).fit(*moons(20), epochs=100, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch 1/100: loss ")
    assert lines[-1].startswith("epoch 100/100: loss ")
    assert len(lines) == 21


def test_nothing_is_shown_when_quiet(capsys):
    nn.MLP([2, 2]).fit(*moons(20), epochs=2, verbose=0)
    with Progress(1, 1, show=False) as progress:
        progress.step()
    assert capsys.readouterr() == ("", "")


def test_a_training_that_ends_early_is_whole(capsys):
    pytest.importorskip("tqdm", reason="needs tqdm: pip install 'chainrule[progress]'")
    history = nn.LogisticRegression(2).fit(*moons(20), l2=0.1, verbose=1)
    shown = capsys.readouterr().err
    assert f"{history.epochs}/{history.epochs}" in shown
    assert "100%" in shown
