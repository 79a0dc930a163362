"""The numba backend's kernels beside their peers: `python -P benchmarks/kernels.py [ROW ...] [--json PATH] [--quick]`.

Contestants take turns, warm, each for a fifth of a second; the figures are medians in microseconds. OMP_NUM_THREADS
sets the number of threads of all of them (one, if it is not set). Rows can be chosen by how their names begin.
With `--json` the rows replace those of the same name and number of threads in the file, or make it; `report.py` turns
it into the README's table and picture.
"""

import argparse
import datetime
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # `-P` leaves it out
from measure import NAMES, THREADS, Row, disagreement, medians  # isort: skip  (it sets the number of threads)

import kernel_rows
import kernels_double
import kernels_nn
import numpy as np
import peaks

from chainrule.backends import doctor
from chainrule.backends.atomic import write_atomically

PACKAGES = ("numpy", "numba", "llvmlite", "torch", "jax", "numexpr")
COLUMNS = ("numba", "numpy", "torch", "jax", "numexpr", "copy")


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    target, features = doctor.compiled_for()
    return {
        "processor": doctor.processor_name(),
        "cores": doctor.os.cpu_count(),
        "target": target,
        "features": [name for name in doctor.FEATURES if name in features],
        "system": f"{platform.system()} {platform.machine()}",
        "blas": doctor.blas(),
        "versions": {"python": platform.python_version()}
        | {
            name: importlib.metadata.version(name) for name in PACKAGES if doctor.installed(name)[0].isdigit()
        },
    }


def measured(
    rows: Iterable[Row], wanted: tuple[str, ...], seconds: float, names: list[str]
) -> dict[str, dict[str, float]]:
    """Run the wanted rows, and print each; all rows' names go to `names`."""
    found = {}
    for name, calls in rows:
        names.append(name)
        if not name.startswith(wanted):
            continue
        different = disagreement(calls)
        times = medians(calls, seconds)
        found[name] = {who: round(t, 3) for who, t in times.items()}
        cells = "".join(f"{times[c]:10.1f}" if c in times else f"{'-':>10}" for c in COLUMNS)
        notes = [f"{who}: {times[who]:.1f}" for who in times if who not in COLUMNS]
        notes += [f"{different} computes something else"] * bool(different)
        print(f"{name:42}{cells}   {', '.join(notes)}".rstrip(), flush=True)
    return found


def save(path: Path, rows: dict[str, Any], chosen: bool) -> None:
    """Put the rows into the file, in the place of all others of this number of threads, or if chosen beside them."""
    kept = json.loads(path.read_text()) if path.exists() else {"threads": {}}
    figures = kept["threads"].get(str(THREADS), {}) | rows if chosen else rows
    content = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "limits": peaks.limits() if THREADS == 1 else kept.get("limits"),
        "threads": kept["threads"] | {str(THREADS): figures},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, [(json.dumps(content, indent=1) + "\n").encode()])


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", default=[""], help="beginnings of rows' names")
    parser.add_argument("--json", type=Path, help="such as benchmarks/results/kernels.json")
    parser.add_argument("--quick", action="store_true", help="call everything once: the figures mean nothing")
    options = parser.parse_args()
    print(f"{THREADS} thread{'s' * (THREADS > 1)}, microseconds")
    print(" " * 42 + "".join(f"{NAMES[c]:>10}" for c in COLUMNS))
    found: dict[str, Any] = {}
    names: list[str] = []
    with np.errstate(all="ignore"):
        for group in (*kernel_rows.GROUPS, *kernels_nn.GROUPS, *kernels_double.GROUPS):
            found |= measured(group(), tuple(options.rows), 0 if options.quick else 0.2, names)
    unknown = [repr(row) for row in options.rows if not any(name.startswith(row) for name in names)]
    if unknown:
        known = ", ".join(dict.fromkeys(name.partition(" ")[0] for name in names))
        parser.error(f"no row's name begins with {' or '.join(unknown)}; they begin with {known}")
    if options.json:
        save(options.json, found, chosen=options.rows != [""])


if __name__ == "__main__":
    main()
