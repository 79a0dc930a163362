"""The numba backend's kernels against NumPy, PyTorch and a copy of memory: `python -P benchmarks/kernels.py`.

All run in turn, each a few hundred times, on one thread, warm; the figures are medians in microseconds. A ratio
above 1 means that the kernel is faster. The kernels are called as the engine calls them, through the table; what
PyTorch's column shows is its function on tensors without gradients. Names of rows can be given as arguments.
"""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402 -- after the number of threads is set

from chainrule import backends  # noqa: E402

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

SIZES = (1_000, 100_000, 4_000_000)
PRODUCTS = (16, 32, 64, 128, 256, 512, 1024, 2048)
TRAINING = ((64, 64, 32), (128, 784, 256), (256, 128, 10), (32, 3072, 200))
Call = Callable[[], Any]
Row = tuple[str, dict[str, Call]]
rng = np.random.default_rng(0)
numba, numpy = backends.load("numba"), backends.load("numpy")


def numbers(*shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def tensor(x: Any) -> Any:
    return torch.from_numpy(x) if torch else None


def medians(calls: dict[str, Call], seconds: float = 0.3) -> dict[str, float]:
    """Median microseconds of each call, all taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = perf_counter() + seconds * len(calls)
    while perf_counter() < end or len(times[next(iter(times))]) < 7:
        for name, call in calls.items():
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    return {name: float(np.median(t)) * 1e6 for name, t in times.items()}


def sigmoid(x: Any) -> Any:
    """NumPy's best: in place, after a first new array."""
    out = np.negative(x)
    np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def silu(x: Any) -> Any:
    return x * sigmoid(x)


def softplus(x: Any) -> Any:
    return np.logaddexp(x, np.float32(0))


BEST: dict[str, Call | Any] = {
    "exp": np.exp, "expm1": np.expm1, "tanh": np.tanh, "sin": np.sin, "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid, "silu": silu, "softplus": softplus, "gelu": numpy.gelu, "erf": numpy.erf,
}  # fmt: skip


def forward() -> Iterator[Row]:
    for name, best in BEST.items():
        peer = getattr(torch, name, None) or getattr(torch and torch.nn.functional, name, None)
        for size in SIZES:
            x = numbers(size) * 2
            calls = {"numba": lambda n=name, x=x: getattr(numba, n)(x), "copy": x.copy}
            if size < 10**6 or name not in ("gelu", "erf"):
                calls["numpy"] = lambda f=best, x=x: f(x)
            if peer:
                calls["torch"] = partial(peer, tensor(x))
            yield f"{name} {size}", calls


RULES: dict[str, Any] = {
    "relu": lambda xp, g, out, x: xp.where(xp.greater(x, 0), g, 0),
    "tanh": lambda xp, g, out, x: g * (1 - out * out),
    "sigmoid": lambda xp, g, out, x: g * out * (1 - out),
    "silu": lambda xp, g, out, x: g * xp.sigmoid(x) * (1 + x * (1 - xp.sigmoid(x))),
    "softplus": lambda xp, g, out, x: g * xp.sigmoid(x),
}


def backward() -> Iterator[Row]:
    """Each rule as one kernel, and run on NumPy arrays."""
    g, x = numbers(100_000), numbers(100_000)
    for name, rule in RULES.items():
        fused, out = numba.fuse(f"bench_{name}", rule, 1), getattr(numba, name)(x)
        yield (
            f"{name} backward",
            {
                "numba": lambda f=fused, o=out: f(g, o, x),
                "numpy": lambda r=rule, o=out: r(numpy, g, o, x),
                "copy": x.copy,
            },
        )


def products() -> Iterator[Row]:
    for m, depth, n in [(s, s, s) for s in PRODUCTS] + list(TRAINING):
        a, b, out = numbers(m, depth), numbers(depth, n), np.empty((m, n), np.float32)
        for label, x, y in (("AB", a, b), ("ABt", a, b.T.copy().T), ("AtB", a.T.copy().T, b)):
            calls: dict[str, Call] = {
                "numba": lambda x=x, y=y: numba.matmul(x, y),
                "numpy": lambda x=x, y=y, o=out: np.matmul(x, y, out=o),
            }
            if torch:
                calls["torch"] = partial(torch.matmul, tensor(x), tensor(y))
            yield f"{label} {m}x{depth}x{n}", calls


def layers() -> Iterator[Row]:
    for m, depth, n in TRAINING:
        x, w, b = numbers(m, depth), numbers(n, depth), numbers(n)

        def by_hand(x: Any = x, w: Any = w, b: Any = b) -> Any:
            out = np.matmul(x, w.T)
            out += b
            return np.maximum(out, 0, out=out)

        calls = {"numba": lambda x=x, w=w, b=b: numba.relu(numba.linear(x, w, b)), "numpy": by_hand}
        if torch:
            operands = [tensor(t) for t in (x, w, b)]
            calls["torch"] = lambda t=operands: torch.relu(torch.nn.functional.linear(*t))
        yield f"linear+relu {m}x{depth}x{n}", calls


def losses() -> Iterator[Row]:
    for rows, columns in ((128, 10), (256, 1000)):
        x, labels = numbers(rows, columns), rng.integers(0, columns, rows)
        g, every = np.full(rows, 1 / rows, np.float32), np.arange(rows)

        def by_hand(x: Any = x, labels: Any = labels, every: Any = every) -> Any:
            p = np.exp(x - x.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            loss = -np.log(p[every, labels])
            p[every, labels] -= 1
            p /= len(x)
            return loss, p

        calls: dict[str, Call] = {
            "numba": lambda x=x, k=labels, g=g: (
                numba.cross_entropy(x, k),
                numba.cross_entropy_grad(g, x, k),
            ),
            "numpy": by_hand,
        }
        if torch:

            def peer(x: Any, labels: Any) -> None:
                x.grad = None
                torch.nn.functional.cross_entropy(x, labels).backward()

            calls["torch"] = partial(peer, tensor(x).requires_grad_(), tensor(labels))
        yield f"cross-entropy both ways {rows}x{columns}", calls
        softmaxes: dict[str, Call] = {
            "numba": lambda x=x: numba.softmax(x, -1),
            "numpy": lambda x=x: numpy.softmax(x, -1),
        }
        if torch:
            softmaxes["torch"] = partial(torch.softmax, tensor(x), -1)
        yield f"softmax {rows}x{columns}", softmaxes


def updates() -> Iterator[Row]:
    w, g, m, s = (np.abs(numbers(1_000_000)) for _ in range(4))
    mean, square = m.copy(), s.copy()

    def by_hand() -> Any:
        nonlocal m, s
        m *= 0.9
        m += 0.1 * g
        s *= 0.999
        s += 0.001 * np.square(g)
        work = np.sqrt(s)
        work += 1e-8
        np.divide(m, work, out=work)
        work *= 0.001
        return np.subtract(w, work, out=work)

    settings = (0.001, 0.9, 0.1, 0.999, 0.001, 1e-8, 0.0, 1.0)
    calls = {
        "numba": lambda: numba.update("adam", w, g, (mean, square), *settings),
        "numpy": by_hand,
        "copy": w.copy,
    }
    if torch:
        parameter = torch.nn.Parameter(tensor(w.copy()))
        parameter.grad = tensor(g)
        calls["torch"] = torch.optim.Adam([parameter], fused=True).step
    yield "adam 1000000", calls


def main() -> None:
    """Print one line for each row whose name begins with one of the arguments."""
    wanted = tuple(sys.argv[1:]) or ("",)
    print(f"{'':36}{'numba':>10}{'numpy':>10}{'torch':>10}{'copy':>10}   numpy/  torch/  numba/copy")
    with np.errstate(all="ignore"):
        for group in (forward, backward, products, layers, losses, updates):
            for name, calls in group():
                if not name.startswith(wanted):
                    continue
                t = medians(calls)
                times = "".join(
                    f"{t[c]:10.1f}" if c in t else f"{'-':>10}" for c in ("numba", "numpy", "torch", "copy")
                )
                ratios = [t[c] / t["numba"] if c in t else np.nan for c in ("numpy", "torch")]
                last = t["numba"] / t["copy"] if "copy" in t else np.nan
                print(f"{name:36}{times}   {ratios[0]:6.2f}  {ratios[1]:6.2f}  {last:6.2f}", flush=True)


if __name__ == "__main__":
    main()
