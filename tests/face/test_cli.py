"""The command line."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from chainrule.cli import main


def test_no_command_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("usage: chainrule")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"chainrule {version('chainrule')}\n"


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dmeo"])
    assert caught.value.code == 2
    assert "dmeo" in capsys.readouterr().err


def test_module_is_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "chainrule", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"chainrule {version('chainrule')}\n"
