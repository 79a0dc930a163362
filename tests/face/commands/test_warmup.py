"""`chainrule warmup`: what it says with a bar and without, the second time, and where it cannot work."""

import builtins
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba import compile as compiler, warmup
from chainrule.backends.numba.coefficients import FLOAT64
from chainrule.backends.numba.elementwise import compiled
from chainrule.cli import main
from chainrule.commands.warmup import rules


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two kernels, and a cache of their own."""

    def kernels(rules: Any) -> Any:
        return [("relu", lambda: compiled("relu", FLOAT64)), ("exp", lambda: compiled("exp", FLOAT64))]

    monkeypatch.setattr(warmup, "kernels", kernels)
    monkeypatch.setattr(compiler, "cache_directory", lambda: tmp_path)
    return tmp_path


def without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("tqdm"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)


def test_a_bar(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="needs tqdm: pip install 'chainrule[progress]'")
    assert main(["warmup"]) == 0
    shown = capsys.readouterr()
    assert "2/2" in shown.err
    first, last = shown.out.splitlines()
    assert first == f"Cache: {few}"
    assert last.startswith("2 kernels compiled, 0 were there already: ")


def test_plain_lines_and_the_second_time(
    few: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tqdm(monkeypatch)
    main(["warmup"])
    assert capsys.readouterr().out.splitlines()[1:3] == ["1/2: relu", "2/2: exp"]
    assert len(list(few.glob("*.kernel"))) == 2
    assert main(["warmup"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 kernels compiled, 2 were there already: ")


def test_one_that_does_not_compile_hides_no_other(
    few: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("LLVM ERROR: no such register\nwith details")

    makers = [("bad", broken), *warmup.kernels(())]
    monkeypatch.setattr(warmup, "kernels", lambda rules: makers)
    assert main(["warmup"]) == 1
    shown = capsys.readouterr()
    assert "2 kernels compiled" in shown.out
    assert "bad does not compile: RuntimeError: LLVM ERROR: no such register\n" in shown.err


def test_ctrl_c_keeps_what_is_done(
    few: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    makers = [*warmup.kernels(()), ("last", interrupted)]
    monkeypatch.setattr(warmup, "kernels", lambda rules: makers)
    assert main(["warmup"]) == 130
    assert "Interrupted: 2 of 3 kernels are there" in capsys.readouterr().out
    assert len(list(few.glob("*.kernel"))) == 2


def test_a_full_disk(few: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiler, "write_atomically", full)
    assert main(["warmup"]) == 1
    assert "2 could not be kept: [Errno 28] No space left on device\n" in capsys.readouterr().err
    compiler.unkept.clear()


def test_nowhere_to_keep_them(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "cache_directory", lambda: None)
    for given, advice in (
        ("", "set NUMBA_CACHE_DIR to a folder"),
        ("/full", "NUMBA_CACHE_DIR, /full, is no folder"),
    ):
        monkeypatch.setattr(compiler.CONFIG, "CACHE_DIR", given)
        assert main(["warmup"]) == 1
        assert advice in capsys.readouterr().err


def test_without_numba() -> None:
    code = """
        import sys
        sys.modules["numba"] = None
        from chainrule.cli import main
        sys.exit(main(["warmup"]))
    """
    command = [sys.executable, "-P", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 1
    assert done.stderr.startswith("chainrule warmup: the numba backend needs the package numba")
    assert "Traceback" not in done.stderr


def test_every_derivative_rule_is_tried() -> None:
    names = {name for name, _, _ in rules()}
    assert {"tanh-0", "mul-0", "mul-1", "matmul-1"} <= names
