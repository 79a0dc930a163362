"""Nothing is left out in silence, and nothing at all in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_runs(): pass

@pytest.mark.skipif(True, reason="platform: no such processor here")
def test_elsewhere(): pass

@pytest.mark.xfail(reason="known")
def test_known(): assert False
"""
LEFT_OUT = """
def test_needs(): pytest.skip("needs a browser: how to get one")
"""
MODULE_LEFT_OUT = """
import pytest
pytest.importorskip("no_such_library", reason="needs a library: how to get it")
"""


def run(folder: Path, ci: str) -> tuple[int, str]:
    """The status and output of the tests in a folder, under this project's conftest."""
    (folder / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", folder, folder]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"CI": ci}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("ci", ["", "true"])
def test_nothing_left_out(ci: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    status, output = run(tmp_path, ci)
    assert status == 0
    assert "1 passed, 1 skipped, 1 xfailed" in output
    assert "LEFT OUT" not in output


def test_says_loudly_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS + LEFT_OUT)
    (tmp_path / "test_module.py").write_text(MODULE_LEFT_OUT)
    status, output = run(tmp_path, ci="")
    assert status == 0
    _, loud = output.split("LEFT OUT: THESE TESTS DID NOT RUN")
    assert "1 x needs a browser: how to get one" in loud
    assert "1 x needs a library: how to get it" in loud
    assert "platform" not in loud


@pytest.mark.parametrize("text", [TESTS + LEFT_OUT, MODULE_LEFT_OUT])
def test_fails_in_ci(text: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(text)
    status, output = run(tmp_path, ci="true")
    assert status != 0
    assert "may not be left out in CI: needs a" in output
    assert "1 failed" in output or "1 error" in output
