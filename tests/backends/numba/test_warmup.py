"""The list of kernels is complete, and each entry makes a kernel."""

import ast
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba import compile as compiler, warmup


def calls(tree: ast.AST) -> set[str]:
    return {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_every_file_that_makes_kernels_is_in_the_list() -> None:
    package = Path(warmup.__file__).parent
    trees = {file.stem: ast.parse(file.read_text()) for file in package.glob("*.py")}
    makers = {name for name, tree in trees.items() if calls(tree) & {"kernel", "native"}}
    known = {name for name in trees if hasattr(warmup, name)} | {"codegen"}
    assert makers - known == set(), "add their kernels to warmup.own"


def test_entries_make_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of each file that is quick to compile, and that no other test has made by the time."""
    warmup.crew.sharing()  # which all of them need, and which is made once
    monkeypatch.setattr(compiler, "cache_directory", lambda: tmp_path)
    for module in (
        warmup.epilogue.epilogue,
        warmup.reduce.compiled,
        warmup.rows.compiled,
        warmup.updates.compiled,
        warmup.slices.sharing_out,
    ):
        module.cache_clear()
    makers = dict(warmup.kernels())
    names = ["relu-float64", "softmax-float64", "sgd-float64", "max in rows-float64", "epilogue-relu-float64"]
    done = list(warmup.warm_up((name, makers[name]) for name in names))
    assert done == [warmup.Warmed(name, False, "") for name in names]
    # What shares relu, softmax and max out among threads: for each a kernel, and the function for its parts.
    shared = list(tmp_path.glob("slice*.kernel"))
    assert len(shared) == 6
    assert len(list(tmp_path.glob("*.kernel"))) == len(names) + len(shared)


def test_a_rule_that_fuses_is_in_the_list() -> None:
    listed = dict(warmup.kernels([("wave-0", lambda xp, g, out, x: g * 2 * xp.exp(x), 1)]))
    assert {"wave-0-float32", "wave-0-float64", "wave-0-over-float32", "wave-0-over-float64"} <= set(listed)
