"""Functions as methods, and the stubs that tell editors of both."""

import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.autograd import ops
from chainrule.autograd.methods import methods
from chainrule.backends import floats


def test_the_stubs_are_up_to_date(root: Path) -> None:
    command = [sys.executable, "-P", "tools/make_stubs.py", "--check"]
    run = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", methods())
def test_a_method_is_the_function(name: str) -> None:
    function = getattr(ops, name)
    assert getattr(cr.Tensor, name) is function
    assert hasattr(cr.Value, name) == hasattr(floats, name)
    assert function.__doc__
    assert ">>>" in function.__doc__


def test_properties_stay_properties() -> None:
    x = cr.Tensor([[1.0, 2.0]])
    assert (x.shape, x.ndim) == ((1, 2), 2)
