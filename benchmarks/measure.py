"""What the kernels' benchmarks share: the number of threads, the peers, the data, and taking turns.

Import this before NumPy: libraries look at the number of threads once. It is that of OMP_NUM_THREADS, or one, for
every library, and the process is kept on as many processors, so that none can use more.

A row is a name and its contestants: `("exp 1000", {"numba": call, "numpy": call, ...})`, without those that are not
installed. They must compute the same; `disagreement` tells when they don't.
"""

import importlib
import os
from collections.abc import Callable, Iterator
from time import perf_counter, sleep
from typing import Any

THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
for _name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR"):
    os.environ[f"{_name}_NUM_THREADS"] = str(THREADS)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-THREADS:])

import numpy as np  # noqa: E402 -- after the number of threads is set

Call = Callable[[], Any]
Row = tuple[str, dict[str, Call]]
Rows = Iterator[Row]
NAMES = {
    "numba": "chainrule",
    "numpy": "NumPy",
    "torch": "PyTorch",
    "jax": "JAX",
    "numexpr": "numexpr",
    "copy": "copy",
}
ROUNDS = 7  # at least
SAMPLE = 50e-6  # seconds: shorter calls are timed several at once
# With several threads, seconds before each turn: idle threads of OpenBLAS go on to occupy the processors for 0.105;
# then threads that have slept begin on one processor, until the system moves them apart.
PAUSE, WARM_UP = (0.12, 0.01) if THREADS > 1 else (0, 0)

rng = np.random.default_rng(0)


def find(name: str) -> Any:
    """A peer's module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{NAMES[name]} is missing, and left out: pip install {name}")
        return None


torch, jax, numexpr = map(find, ("torch", "jax", "numexpr"))
if torch:
    torch.set_num_threads(THREADS)
if numexpr:
    numexpr.set_num_threads(THREADS)


def numbers(*shape: int, dtype: Any = np.float32) -> Any:
    """Normally distributed numbers."""
    return rng.standard_normal(shape).astype(dtype)


def tensor(x: Any) -> Any:
    """The same memory as a tensor of PyTorch."""
    return torch.from_numpy(x)


def jitted(function: Callable[..., Any], *operands: Any) -> Call:
    """A function compiled by JAX, for operands that are already JAX's; a call waits for the result."""
    with jax.enable_x64(any(x.dtype == np.float64 for x in operands)):  # without it JAX rounds to float32
        arrays = [jax.device_put(x) for x in operands]
        compiled = jax.jit(function).lower(*arrays).compile()
    return lambda: jax.block_until_ready(compiled(*arrays))


def medians(calls: dict[str, Call], seconds: float = 0.2) -> dict[str, float]:
    """Median microseconds of each call; in every round each has its turn, in an order of chance.

    Args:
        calls: by contestant.
        seconds: for each contestant; 0 calls each once.
    """
    repeats = dict.fromkeys(calls, 1)
    for name, call in calls.items() if seconds else ():
        call()
        start = perf_counter()
        call()
        repeats[name] += int(SAMPLE / max(perf_counter() - start, 1e-7))
    times: dict[str, list[float]] = {name: [] for name in calls}
    contestants = list(calls.items())
    end, rounds = perf_counter() + seconds * len(calls), ROUNDS if seconds else 1
    while perf_counter() < end or rounds > 0:
        rounds -= 1
        # by chance: no one always finds the cache and the memory that the same one left
        for i in rng.permutation(len(calls)):
            name, call = contestants[i]
            count = repeats[name]
            if PAUSE:
                sleep(PAUSE)
                ready = perf_counter() + WARM_UP
                while perf_counter() < ready:
                    call()
            start = perf_counter()
            for _ in range(count):
                call()
            times[name].append((perf_counter() - start) / count)
    return {name: float(np.median(t)) * 1e6 for name, t in times.items()}


def disagreement(calls: dict[str, Call]) -> str:
    """Which contestants compute something else than NumPy, or ""; what returns nothing is not compared."""
    results = {name: parts(call()) for name, call in calls.items()}
    expected = results.pop("numpy", [])
    different = [
        NAMES[name]
        for name, found in results.items()
        if name != "copy" and any(not close(x, y) for x, y in zip(found, expected, strict=False))
    ]
    return ", ".join(different)


def close(x: Any, y: Any) -> bool:
    """Whether arrays agree up to the rounding of long sums in the second one's format."""
    relative, absolute = (1e-10, 1e-13) if y.dtype == np.float64 and y.ndim else (1e-3, 1e-5)
    return bool(np.allclose(x, y, rtol=relative, atol=absolute * max(1.0, np.abs(y).max(initial=0))))


def parts(result: Any) -> list[Any]:
    """The arrays in a result."""
    return [
        np.asarray(x) for x in (result if isinstance(result, tuple | list) else [result]) if x is not None
    ]
