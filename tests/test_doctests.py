"""The examples in the docstrings of every module run, and give what they say.

An example may use the names of its own module and the usual ones: `np`, `cr`, `Value`, `Tensor` and `nn`.
Python's own functions stay what they are: a module's `round` is `cr.round` in an example.
"""

import builtins
import contextvars
import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import chainrule as cr

PACKAGES = ["chainrule", *(f"chainrule.{name}" for name in ("backends", "autograd", "nn", "viz"))]
# Each package by itself: in an editable install, a walk from the top does not see the folders beside `src`.
MODULES = sorted(
    {
        found.name
        for package in PACKAGES
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        if not found.name.endswith("__main__")
    }.union(PACKAGES)
)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run(name: str) -> doctest.TestResults:
    module = importlib.import_module(name)
    names = {own: value for own, value in vars(module).items() if own not in vars(builtins)}
    names |= {"np": np, "cr": cr, "Value": cr.Value, "Tensor": cr.Tensor, "nn": cr.nn}
    # In a context of its own, an example that switches the backend does not switch it for the next test.
    return contextvars.copy_context().run(doctest.testmod, module, globs=names, optionflags=OPTIONS)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert run(name).failed == 0, "see the captured output"


def test_the_examples_are_found() -> None:
    assert {"chainrule.cli", "chainrule.autograd", "chainrule.backends"} <= set(MODULES)
    assert run("chainrule.cli").attempted
