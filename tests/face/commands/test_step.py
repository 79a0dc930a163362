"""`chainrule step`: a formula or a file becomes a page; what goes wrong is said with what to write instead."""

import re
from pathlib import Path

import pytest

from chainrule.cli import main

SCRIPT = """
import chainrule as cr

w, b = cr.Value(0.5, label="weight"), cr.Value(0.0)

def train_step():
    loss = (w * 2.0 + b - 3.0) ** 2
    loss.backward()
    for p in (w, b):
        p.data -= 0.05 * p.grad
        p.zero_grad()

def f():
    return (w * w).tanh()

def broken():
    return 1 / 0

first = w * 2.0
loss = (first + b) ** 2
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("train.py")
    path.write_text(SCRIPT)
    return path


def test_a_formula(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.html"
    assert main(["step", "--expr", "tanh(w*x + b)", "--at", "w=2,x=-1,b=0.5", "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Computation of L: 6 nodes, 9 steps.",
        "  L = −0.9051",
        "  ∂L/∂w = −0.1807",
        "  ∂L/∂x = 0.3614",
        "  ∂L/∂b = 0.1807",
        f"Step through it: {out}",
    ]
    assert out.read_text().startswith("<!doctype html>")


def test_a_file_by_itself(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["step", str(script)]) == 0
    told = capsys.readouterr().out
    assert "  loss = 1\n" in told, "the result and the leaves are called as in the file"
    assert "∂loss/∂weight = 4" in told
    assert "∂loss/∂b = 2" in told
    assert Path("steps.html").is_file()


def test_a_name_in_a_file(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["step", "train.py:first"]) == 0
    assert "  first = 1\n" in capsys.readouterr().out
    assert main(["step", "train.py:f", "--mistake", "overwrite"]) == 0
    assert "∂L/∂weight = " in capsys.readouterr().out
    assert main(["step", "train.py:f", "--out", "picture.svg"]) == 0
    assert Path("picture.svg").read_text().startswith("<svg")


def test_a_training(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["step", "train.py:train_step", "-n", "3"]) == 0
    assert "in 3 iterations" in capsys.readouterr().out


def test_the_file_runs_as_python_runs_it(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("code").mkdir()
    Path("code/neighbour_of_user.py").write_text("import chainrule as cr\nx = cr.Value(2.0)\n")
    Path("code/user.py").write_text(
        "import sys\nfrom neighbour_of_user import x\nassert len(sys.argv) == 1\ny = x * x\n"
    )
    assert main(["step", "code/user.py"]) == 0
    assert "  y = 4\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "pass a file, chainrule step FILE.py:loss, or a formula"),
        (["train.py", "--expr", "x"], "pass a file, chainrule step FILE.py:loss, or a formula"),
        (["train.py", "--at", "x=1"], "--at goes with --expr"),
        (["--expr", "x*x", "--at", "x=1", "-n", "2"], "-n runs a training step of a file"),
        (["--expr", "x*y", "--at", "x=1"], "y has no number: write --at x=1,y=1.0"),
        (["train.py", "-n", "2"], "name a function, chainrule step train.py:train_step"),
        (["train.py:los"], "unknown name 'los'; known names: .*did you mean 'loss'"),
        (["train.py:train_step"], "train_step returned None.*chainrule step train.py:train_step -n 20"),
        (["train.py:f", "--mistake", "overwrit"], "did you mean 'overwrite'"),
        (["train.py:f", "--out", "page.pdf"], "the name must end in .html"),
        (
            ["train.py:f", "--mistake", "sign", "--out", "x.svg"],
            "a picture cannot show a mistake: .* --out x.html",
        ),
        (["train.py:f", "-n", "2"], r"f never called backward\(\)"),
        (["none.py"], "there is no file 'none.py'"),
        (
            ["train.py:broken"],
            'train.py stopped:\n  File "train.py", line 17, in broken\n(.*\n)*ZeroDivisionError',
        ),
    ],
)
def test_what_goes_wrong(
    script: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["step", *arguments]) == 1
    told = capsys.readouterr().err
    assert told.startswith("chainrule step: ")
    assert re.search(message, told), told
    assert "commands/step.py" not in told
    assert not Path("steps.html").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = (", "SyntaxError"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("raise KeyError('k')", 'File "bad.py", line 1'),
        ("x = 1", "bad.py leaves no computed Value or Tensor in a variable"),
    ],
)
def test_a_file_that_does_not_get_that_far(
    script: Path, capsys: pytest.CaptureFixture[str], code: str, message: str
) -> None:
    Path("bad.py").write_text(code)
    assert main(["step", "bad.py"]) == 1
    assert message in capsys.readouterr().err
