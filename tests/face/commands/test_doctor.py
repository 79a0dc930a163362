"""`chainrule doctor`."""

import pytest

from chainrule.backends import doctor
from chainrule.cli import main


def test_it_prints_the_report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "report", lambda: "all is well")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "all is well\n"
