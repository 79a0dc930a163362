"""The benchmark of the kernels runs, its contestants compute the same, and every target has its rows."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

PEERS = [name for name in ("torch", "jax", "numexpr") if importlib.util.find_spec(name)]


@pytest.fixture(scope="module")
def quick(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What a quick run prints, and what it saves."""
    file = tmp_path_factory.mktemp("results") / "kernels.json"
    command = [sys.executable, "-P", root / "benchmarks" / "kernels.py", "--quick", "--json", file]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(file.read_text())


@pytest.mark.slow
def test_every_row_is_printed_and_saved(quick: tuple[str, dict[str, Any]]) -> None:
    printed, saved = quick
    rows = saved["threads"]["1"]
    assert len(rows) > 80
    for name, times in rows.items():
        assert f"\n{name} " in printed
        assert {"numba"} < times.keys()
    assert saved["limits"]["gflop_per_s"] > 1
    assert saved["machine"]["versions"]["numpy"]


@pytest.mark.slow
def test_contestants_compute_the_same(quick: tuple[str, dict[str, Any]]) -> None:
    assert "computes something else" not in quick[0]


@pytest.mark.slow
def test_every_target_has_its_rows(quick: tuple[str, dict[str, Any]], monkeypatch: Any, root: Path) -> None:
    monkeypatch.syspath_prepend(root / "benchmarks")
    from targets import TARGETS

    times = quick[1]["threads"]["1"]
    for target in TARGETS:
        if target.against in ("numpy", "copy", *PEERS):
            assert len(target.ratios(times)) >= len(target.rows), target


@pytest.mark.slow
def test_a_missing_peer_is_named(quick: tuple[str, dict[str, Any]]) -> None:
    missing = {"torch": "PyTorch", "jax": "JAX", "numexpr": "numexpr"}
    for name, title in missing.items():
        assert (f"{title} is missing, and left out: pip install {name}" in quick[0]) == (name not in PEERS)


@pytest.mark.slow
def test_a_row_that_does_not_exist_is_told(root: Path) -> None:
    command = [sys.executable, "-P", root / "benchmarks" / "kernels.py", "--quick", "tahn"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no row's name begins with 'tahn'; they begin with exp, sigmoid, " in done.stderr
