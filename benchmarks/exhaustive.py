"""The error of the float32 kernels over all 2^32 float32 numbers: `python -P benchmarks/exhaustive.py [names]`.

The reference is NumPy in float64, or for what NumPy lacks the float64 kernel, which `tests/backends/numba/` checks
against extended precision. Errors are in units in the last place; for gelu in those of x. Takes a minute each. What
is found goes to `results/exhaustive.json`. Tests compare with it what `math.py` says of its functions, and whether
they still compute what was measured: functions that have changed are to be measured again.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.backends.atomic import write_atomically
from chainrule.backends.numba import elementwise
from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64

Array = NDArray[Any]
CHUNK = 1 << 16  # numbers, so that all the arrays stay in the cache
RESULTS = Path(__file__).parent / "results" / "exhaustive.json"
NAMES = (
    "exp",
    "expm1",
    "log",
    "log1p",
    "tanh",
    "sigmoid",
    "log_sigmoid",
    "softplus",
    "silu",
    "erf",
    "gelu",
    "sin",
    "cos",
)


compiled = cache(elementwise.compiled)


def reference(name: str) -> Callable[[Array], Array]:
    """The function in float64."""
    if hasattr(np, name):
        return getattr(np, name)  # type: ignore[no-any-return]
    run = compiled(name, FLOAT64)

    def function(x: Array) -> Array:
        out = np.empty_like(x)
        run(x, out)
        return out

    return function


def errors(name: str, x: Array) -> Array:
    """The kernel's error at each float32; inf where the result is not the NaN or infinity it should be."""
    out = np.empty_like(x)
    compiled(name, FLOAT32)(x, out)
    exact = reference(name)(x.astype(np.float64))
    rounded = exact.astype(np.float32)
    unit = np.spacing(np.abs(x if name == "gelu" else rounded)).astype(np.float64)
    error: Array = np.abs(out - exact) / unit
    error[(out == rounded) | (np.isnan(out) & np.isnan(rounded))] = 0
    error[np.isnan(error)] = np.inf
    return error


def worst(name: str) -> tuple[float, float]:
    """The largest error, and where it occurs."""
    largest = 0.0, 0.0
    for start in range(0, 1 << 32, CHUNK):
        x = np.arange(start, start + CHUNK, dtype=np.uint64).astype(np.uint32).view(np.float32)
        error = errors(name, x)
        place = error.argmax()
        largest = max(largest, (float(error[place]), float(x[place])))
    return largest


def bits(name: str) -> str:
    """A hash of the kernel's results at every 65,521st number: it tells kernels apart that round once otherwise."""
    x = np.arange(0, 1 << 32, 65_521).astype(np.uint32).view(np.float32)
    if name in ("sin", "cos"):
        x = x[np.abs(x) <= FLOAT32.exact_sin]  # beyond it is the C library's function
    out = np.empty_like(x)
    compiled(name, FLOAT32)(x, out)
    out[np.isnan(out)] = np.nan  # one of many
    return hashlib.sha256(out.tobytes()).hexdigest()[:16]


def main() -> None:
    """Print a line for each function, and write down each as soon as it is measured."""
    for name in sys.argv[1:] or NAMES:
        with np.errstate(all="ignore"):
            error, place = worst(name)
        print(f"{name:12} {error:.2f} ulp at {place!r}", flush=True)
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        known[name] = {"ulp": error, "at": place, "bits": bits(name)}
        text = json.dumps({name: known[name] for name in NAMES if name in known}, indent=1) + "\n"
        write_atomically(RESULTS, [text.encode()])


if __name__ == "__main__":
    main()
