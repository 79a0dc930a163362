"""The stepper's benchmark says what it lacks."""

import runpy
import sys
from pathlib import Path

import pytest


def test_without_a_browser(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    runpy.run_path(str(root / "benchmarks" / "stepper.py"), run_name="__main__")
    assert capsys.readouterr().out == (
        "the stepper's page is not measured: that needs pip install 'chainrule[browser]'\n"
    )
