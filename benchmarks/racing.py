"""Contestants take turns: how the benchmarks measure, and how they show what they measured."""

import gc
import importlib
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Run = Callable[[], Any]
Clock = Callable[[], float]
Rows = dict[str, dict[str, float]]

ROUNDS = 11
PEERS = {"micrograd": "micrograd", "HIPS autograd": "autograd", "MyGrad": "mygrad", "PyTorch": "torch"}


def installed() -> dict[str, Any]:
    """The peers that can be imported here."""
    found = {}
    for name, module in PEERS.items():
        try:
            found[name] = importlib.import_module(module)
        except ImportError:
            print(f"{name} is missing: pip install {module}")
    if "PyTorch" in found:
        found["PyTorch"].set_num_threads(1)
    return found


@contextmanager
def collector(on: bool) -> Iterator[None]:
    """Hold Python's garbage collector on or off."""
    before = gc.isenabled()
    gc.collect()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()
        gc.collect()


def in_children() -> float:
    """Processor time of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def race(
    contestants: dict[str, Run],
    at_least: float = 0.005,
    rounds: int = ROUNDS,
    clock: Clock = time.process_time,
) -> dict[str, float]:
    """Return the median seconds of one call of each, measured in turn."""
    repeats = {}
    for name, run in contestants.items():
        run()
        start = clock()
        run()
        repeats[name] = max(1, int(at_least / max(clock() - start, 1e-7)))
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            gc.collect()  # nobody pays for what another left behind
            start = clock()
            for _ in range(repeats[name]):
                run()
            seconds[name].append((clock() - start) / repeats[name])
    return {name: statistics.median(times) for name, times in seconds.items()}


def show(title: str, rows: Rows, unit: str, against: str = "") -> None:
    """Print a table; each cell with its ratio to the row `against`."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    print(f"\n{title} ({unit})")
    print(" " * 22 + "".join(f"{column:>24}" for column in columns))
    for name, row in rows.items():
        cells = ""
        for column in columns:
            text = f"{row[column]:.4g}" if column in row else "-"
            if against in rows and name != against and column in row and column in rows[against]:
                text += f" ({row[column] / rows[against][column]:.2f}x)"
            cells += f"{text:>24}"
        print(f"{name:22}{cells}")


def in_columns(tables: dict[str, dict[str, float]], scale: float) -> Rows:
    """Turn {column: {row: seconds}} into {row: {column: seconds * scale}}."""
    names = dict.fromkeys(name for column in tables.values() for name in column)
    return {name: {c: row[name] * scale for c, row in tables.items() if name in row} for name in names}
