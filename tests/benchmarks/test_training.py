"""The benchmark of whole trainings runs, and its contestants reach the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'chainrule[sklearn]'")
pytest.importorskip("numba", reason="needs numba: pip install numba")


@pytest.mark.slow
def test_a_quick_run(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "training.json"
    command = [sys.executable, "-P", root / "benchmarks" / "training.py", "--quick", "--json", file]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    saved = json.loads(file.read_text())
    assert len(saved["logistic"]) == 3
    for table in saved["logistic"].values():
        reached = [row["objective"] for row in table.values()]
        assert max(reached) < min(reached) * 1.01
        assert table["chainrule"]["objective"] <= table["scikit-learn"]["objective"] * (1 + 1e-8)
    assert all(row["epochs"] <= 30 for row in saved["digits"].values())
    for scores in saved["accuracy"].values():
        assert scores["chainrule logistic"] >= scores["scikit-learn logistic"] - 0.05
