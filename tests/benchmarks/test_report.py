"""The README's figures are those of the results file, and the marks are where they belong."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, root: Path) -> Any:
    monkeypatch.syspath_prepend(root / "benchmarks")
    import report

    return report


def test_the_readme_shows_the_eager_engines_results(report: Any, root: Path) -> None:
    """If this fails, run `python -P benchmarks/eager_report.py`."""
    import eager_report

    page = (root / "README.md").read_text(encoding="utf-8")
    text = eager_report.table(json.loads(eager_report.RESULTS.read_text()))
    assert report.between(page, eager_report.NAME, text) == page


@pytest.fixture
def target(report: Any) -> Any:
    return report.Target("title", ("exp *",), "numpy", 1.5)


def test_the_readme_shows_the_results(report: Any, root: Path) -> None:
    """If this fails, run `python -P benchmarks/report.py`."""
    page = (root / "README.md").read_text(encoding="utf-8")
    results = json.loads(report.RESULTS.read_text())
    assert report.between(page, report.NAME, report.table(results)) == page
    assert report.PICTURE.relative_to(root).as_posix() in page


def test_every_target_was_measured(report: Any) -> None:
    results = json.loads(report.RESULTS.read_text())
    assert "not measured" not in report.table(results)


def test_ratios_of_matching_rows_only(target: Any) -> None:
    times = {
        "exp 1": {"numba": 2.0, "numpy": 3.0},
        "exp 2": {"numba": 2.0},
        "tanh 1": {"numba": 1.0, "numpy": 9.0},
    }
    assert target.ratios(times) == {"exp 1": 1.5}


def test_the_fastest_of_several(target: Any) -> None:
    times = {"exp 1": {"numba": 1.0, "numpy": 3.0, "numpy again": 2.0}}
    assert target.ratios(times) == {"exp 1": 2.0}


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([2.0, 1.5], "✓ 1.50 to 2.00"),
        ([1.496], "✓ 1.50"),  # as it is shown
        ([1.4, 3.0], "✗ 1.40 to 3.00 (1 of 2 rows short)"),
        ([1.0], "✗ 1.00"),
        ([], "not measured"),
    ],
)
def test_marks(ratios: list[float], expected: str, report: Any, target: Any) -> None:
    times = {f"exp {i}": {"numba": 1.0, "numpy": ratio} for i, ratio in enumerate(ratios)}
    assert report.cell(target, times, target.bound) == expected


def test_at_most(report: Any, target: Any) -> None:
    target = target._replace(at_most=True, against="copy")
    times = {"exp 1": {"numba": 3.0, "copy": 2.0}, "exp 2": {"numba": 3.2, "copy": 2.0}}
    assert report.cell(target, times, 1.5) == "✗ 1.50 to 1.60 (1 of 2 rows short)"


def test_without_a_bound_there_is_no_mark(report: Any, target: Any) -> None:
    assert report.cell(target, {"exp 1": {"numba": 1.0, "numpy": 1.0}}, None) == "1.00"


def test_between(report: Any) -> None:
    begin, end = report.BEGIN.format("speed"), report.END.format("speed")
    page = f"a\n{begin}\nold\n{end}\nb\n"
    assert report.between(page, "speed", "new") == f"a\n{begin}\nnew\n{end}\nb\n"
    with pytest.raises(ValueError, match="lacks the lines"):
        report.between(page, "size", "new")


def test_write_between(report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, end = report.BEGIN.format("speed"), report.END.format("speed")
    (tmp_path / "README.md").write_text(f"{begin}\n{end}\n≤")
    monkeypatch.setattr(report, "README", tmp_path / "README.md")
    report.write_between("speed", "×")
    assert (tmp_path / "README.md").read_text() == f"{begin}\n×\n{end}\n≤"


def test_the_picture_is_the_same_each_time(report: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'chainrule[plot]'")
    import picture

    results = json.loads(report.RESULTS.read_text())
    for name in ("one.svg", "two.svg"):
        picture.draw(results, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    drawn = (tmp_path / "one.svg").read_text()
    assert "<svg" in drawn
    _, rules, body = drawn.partition(picture.dark())
    assert rules
    assert all(f": {light}" in body for light in picture.DARK), "a colour of DARK is not in the picture"


def test_the_sentence_on_float64(report: Any) -> None:
    times = {
        "float64 exp 4000000": {"numba": 2.0, "numpy": 3.0, "torch": 5.0, "torch again": 4.0},
        "float64 adam 1000000": {"numba": 1.0, "numpy": 2.0},
        "exp 4000000": {"numba": 1.0, "numpy": 9.0, "torch": 9.0},
    }
    assert report.doubles(times).endswith(": exp of 4·10⁶ 1.50 and 2.00.")


def test_every_row_of_the_sentence_was_measured(report: Any) -> None:
    times = json.loads(report.RESULTS.read_text())["threads"]["1"]
    assert report.doubles(times).count(";") == len(report.DOUBLE) - 1
