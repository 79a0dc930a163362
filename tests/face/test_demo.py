"""The demo: what a newcomer runs first."""

from pathlib import Path

import pytest

from chainrule.cli import main


def test_it_learns_and_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "demo.html"
    assert main(["demo", "--output", str(target)]) == 0
    said = capsys.readouterr().out
    accuracy = float(said.split("Test accuracy ")[1].split(",")[0])
    assert accuracy >= 0.96
    assert str(target) in said
    assert target.stat().st_size < 1_000_000
