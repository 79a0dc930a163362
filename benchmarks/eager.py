"""What the eager engine costs, beside its peers, in one run: `python -P benchmarks/eager.py [--json PATH]`.

Every number is a median of processor time (one thread, so that is the time on a quiet machine). Within a table the
contestants take turns, so that a slow moment of the machine meets all of them. `-P` keeps the folder `autograd/` of
the checkout from hiding the package of that name.
"""

import argparse
import gc
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
sys.path.insert(0, str(Path(__file__).parent))  # `-P` leaves it out

import numpy as np  # noqa: E402 -- after the number of threads is set
from network_steps import network_steps  # noqa: E402
from racing import PEERS, Rows, Run, collector, in_children, in_columns, installed, race, show  # noqa: E402

import chainrule as cr  # noqa: E402

ROOT = Path(__file__).parents[1]

# One op: a chain of them on scalars and on 4×4 arrays.

OPS = 200


def chain(x: Any, y: Any, tanh: Callable[[Any], Any]) -> Any:
    """Multiply, add, subtract and tanh in turn: `OPS` ops in all."""
    for _ in range(OPS // 4):
        x = tanh(x * y + y - x)
    return x


def node_chain(make: Callable[[Any], Any], start: Any, tanh: Any, finish: Any = None) -> dict[str, Run]:
    """Forward, and forward with backward, for an engine whose nodes have `.backward()`."""
    x, y = make(start), make(start)

    def both() -> None:
        out = chain(x, y, tanh)
        (finish(out) if finish else out).backward()

    return {"forward": lambda: chain(x, y, tanh), "forward + backward": both}


def hips_chain(start: Any, package: Any) -> dict[str, Run]:
    anp = importlib.import_module("autograd.numpy")
    make_vjp = importlib.import_module("autograd.core").make_vjp
    total = anp.sum if np.ndim(start) else (lambda x: x)

    def loss(pair: Any) -> Any:
        return total(chain(pair[0], pair[1], anp.tanh))

    gradient = package.grad(loss)
    return {
        "forward": lambda: make_vjp(loss, (start, start)),
        "forward + backward": lambda: gradient((start, start)),
    }


def one_op(peers: dict[str, Any], start: Any) -> Rows:
    """Microseconds of one op."""
    runs: dict[str, dict[str, Run]] = {}
    if np.ndim(start):
        runs["chainrule Tensor"] = node_chain(cr.Tensor, start, cr.tanh, cr.sum)
        runs["NumPy, no graph"] = {"forward": lambda: chain(start, start, np.tanh)}
    else:
        runs["chainrule Value"] = node_chain(cr.Value, start, cr.tanh)
        if "micrograd" in peers:
            value = importlib.import_module("micrograd.engine").Value
            runs["micrograd (relu)"] = node_chain(value, start, value.relu)
    if "HIPS autograd" in peers:
        runs["HIPS autograd"] = hips_chain(start, peers["HIPS autograd"])
    if "MyGrad" in peers:
        mygrad = peers["MyGrad"]
        runs["MyGrad"] = node_chain(mygrad.tensor, start, mygrad.tanh, mygrad.sum)
    if "PyTorch" in peers:
        torch = peers["PyTorch"]
        runs["PyTorch"] = node_chain(
            lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True), start, torch.tanh, torch.sum
        )
    tables = {
        c: race({name: r[c] for name, r in runs.items() if c in r}) for c in ("forward", "forward + backward")
    }
    return in_columns(tables, 1e6 / OPS)


# micrograd's own demo: two moons, MLP 2-16-16-1, 100 samples, hinge loss and weight decay, one full step.


def moons() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    angle = np.pi * rng.random(100)
    upper = np.arange(100) % 2 == 0
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) + 0.1 * rng.normal(size=100)
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) + 0.1 * rng.normal(size=100)
    return np.stack([x, y], 1).tolist(), np.where(upper, 1.0, -1.0).tolist()


def scalar_network(value: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The network of the demo, the same expressions for any class of scalars."""
    rng = np.random.default_rng(1)
    layers, parameters = [], []
    for fan_in, fan_out, hidden in ((2, 16, True), (16, 16, True), (16, 1, False)):
        neurons = [
            ([value(w) for w in rng.uniform(-1, 1, fan_in).tolist()], value(0.0)) for _ in range(fan_out)
        ]
        layers.append((neurons, hidden))
        parameters += [p for weights, bias in neurons for p in (*weights, bias)]

    def predict(x: list[Any]) -> Any:
        for neurons, hidden in layers:
            sums = [sum((w * a for w, a in zip(weights, x, strict=True)), bias) for weights, bias in neurons]
            x = [s.relu() for s in sums] if hidden else sums
        return x[0]

    return parameters, predict


def moons_step(value: Any) -> dict[str, Run]:
    X, labels = moons()
    parameters, predict = scalar_network(value)

    def forward() -> Any:
        scores = [predict([value(a) for a in x]) for x in X]
        hinge = sum((1 + -t * s).relu() for t, s in zip(labels, scores, strict=True)) * (1.0 / len(X))
        return hinge + 1e-4 * sum(p * p for p in parameters)

    def step() -> None:
        loss = forward()
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= 0.01 * p.grad

    return {"forward": forward, "step": step}


def moons_demo(peers: dict[str, Any]) -> Rows:
    """Seconds of the demo's forward pass and of its whole step, with the garbage collector on and off."""
    runs = {"chainrule Value": moons_step(cr.Value)}
    if "micrograd" in peers:
        runs["micrograd"] = moons_step(importlib.import_module("micrograd.engine").Value)
    tables = {}
    gc.collect()
    gc.freeze()  # the collector is not to search the libraries that were imported for other tables
    for on in (True, False):
        for part in ("forward", "step"):
            with collector(on):
                tables[f"{part}, gc {'on' if on else 'off'}"] = race(
                    {n: r[part] for n, r in runs.items()}, at_least=1.0, rounds=5
                )
    gc.unfreeze()
    return in_columns(tables, 1.0)


# The cost of a node in graphs of every size, and of the import.


def node_cost() -> Rows:
    """Microseconds of one Value, forward, backward and freed, in chains of 10³ to 10⁶."""
    tables = {}
    for n in (1_000, 10_000, 100_000, 1_000_000):

        def run(n: int = n) -> None:
            x = y = cr.Value(1.0)
            for _ in range(n):
                y = y * 1.0000001
            y.backward()
            assert x.grad > 1.0

        row = {}
        for on in (False, True):
            with collector(on):
                row[f"gc {'on' if on else 'off'}"] = (
                    race({"": run}, rounds=3 if n > 100_000 else 7)[""] * 1e6 / n
                )
        tables[f"{n:,} nodes"] = row
    return tables


def import_time() -> Rows:
    """Milliseconds that a fresh Python takes to import; chainrule as it lies installed, with no editable hooks."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src" / "chainrule", Path(folder, "chainrule"))
        for part in ("autograd", "backends", "nn", "viz"):
            shutil.copytree(ROOT / part, Path(folder, "chainrule", part))

        def seconds(code: str) -> Run:
            command = [sys.executable, "-P", "-c", code]
            cached = os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": ""}
            return lambda: subprocess.run(command, check=True, env=cached)

        names = {"nothing": "pass", "numpy": "import numpy", "chainrule": "import chainrule"}
        contestants = {name: seconds(code) for name, code in names.items()}
        found = race(contestants, at_least=0, clock=in_children)
    start = found["nothing"]
    return {
        f"import {name}": {"all": 1e3 * t, "beyond Python": 1e3 * (t - start)} for name, t in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--json", type=Path, help="write the numbers here too, such as benchmarks/results/eager.json"
    )
    target = parser.parse_args().json
    peers = installed()
    with collector(True):
        tables = {
            "one op on scalars": (one_op(peers, 0.5), "µs an op", "chainrule Value"),
            "one op on 4x4 arrays": (one_op(peers, np.full((4, 4), 0.5)), "µs an op", "chainrule Tensor"),
            "moons demo 2-16-16-1, 100 samples": (moons_demo(peers), "s", "chainrule Value"),
            "one step of an MLP, float32": (network_steps(peers), "µs", "NumPy by hand"),
            "one node of a chain of Values": (node_cost(), "µs a node", ""),
            "import": (import_time(), "ms", "import numpy"),
        }
    for title, (rows, unit, against) in tables.items():
        show(title, rows, unit, against)
    if target:
        versions = {name: importlib.metadata.version(PEERS[name]) for name in peers}
        about = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
        target.parent.mkdir(parents=True, exist_ok=True)
        numbers = {title: {"unit": unit, "rows": rows} for title, (rows, unit, _) in tables.items()}
        partial = target.with_suffix(".partial")
        partial.write_text(json.dumps({"versions": about | versions, "tables": numbers}, indent=1) + "\n")
        partial.replace(target)
        print(f"\nwritten to {target}")


if __name__ == "__main__":
    main()
