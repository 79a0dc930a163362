"""The rows of `kernels.py` but for those of `kernels_nn.py`: what is measured, and what a contestant would write.

NumPy's contestant is the fastest expression for it, with temporaries reused. The numba backend is called as the
engine calls it, through the table; its derivatives are kernels made from the engine's own rules.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from measure import Call, Row, jax, jitted, numbers, numexpr, rng, tensor, torch  # isort: skip  (before NumPy)

import numpy as np
from network_steps import chainrule_step, numpy_step, start_of, torch_step

import chainrule as cr
from chainrule import backends
from chainrule.autograd.op import by_name

SIZES = (1_000, 100_000, 4_000_000)
SQUARES = (16, 32, 64, 128, 256, 512, 1024, 2048)
TRAINING = ((64, 64, 32), (128, 784, 256), (256, 128, 10), (32, 3072, 200))
numba, numpy = backends.load("numba"), backends.load("numpy")
functional: Any = torch.nn.functional if torch else None


def sigmoid(x: Any) -> Any:
    out = np.negative(x)
    np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def softplus(x: Any) -> Any:
    return np.logaddexp(x, np.float32(0))


# name: NumPy's best expression, numexpr's
FORWARD: dict[str, tuple[Callable[[Any], Any], str]] = {
    "exp": (np.exp, "exp(x)"),
    "sigmoid": (sigmoid, "1 / (1 + exp(-x))"),
    "tanh": (np.tanh, "tanh(x)"),
    "silu": (lambda x: x * sigmoid(x), "x / (1 + exp(-x))"),
    "gelu": (numpy.gelu, ""),
    "softplus": (softplus, "log1p(exp(x))"),
    "relu": (lambda x: np.maximum(x, 0), "where(x > 0, x, 0)"),
    "expm1": (np.expm1, "expm1(x)"),
    "sin": (np.sin, "sin(x)"),
    "erf": (numpy.erf, ""),
}


def peer_functions(name: str) -> tuple[Any, Any]:
    """PyTorch's and JAX's function of this name."""
    of_torch = torch and (getattr(torch, name, None) or getattr(functional, name))
    of_jax = jax and next(
        found for place in (jax.nn, jax.numpy, jax.scipy.special) if (found := getattr(place, name, None))
    )
    if name == "gelu" and jax:
        of_jax = partial(jax.nn.gelu, approximate=False)
    return of_torch, of_jax


def forward() -> Iterator[Row]:
    """Elementary functions, each to a new array."""
    for name, (best, expression) in FORWARD.items():
        of_torch, of_jax = peer_functions(name)
        for size in SIZES:
            x = numbers(size) * 2
            calls: dict[str, Call] = {"numba": partial(getattr(numba, name), x), "copy": x.copy}
            if expression or size < 1_000_000:  # without vectors NumPy takes a second
                calls["numpy"] = partial(best, x)
            if torch:
                calls["torch"] = partial(of_torch, tensor(x))
            if jax:
                calls["jax"] = jitted(of_jax, x)
            if numexpr and expression:
                calls["numexpr"] = lambda e=expression, x=x: numexpr.evaluate(
                    e, {"x": x}, optimization="aggressive"
                )
            yield f"{name} {size}", calls


# name: PyTorch's own backward kernel of (g, out, x)
BACKWARD: dict[str, Callable[[Any, Any, Any], Any]] = {
    "relu": lambda g, out, x: torch.ops.aten.threshold_backward(g, out, 0),
    "tanh": lambda g, out, x: torch.ops.aten.tanh_backward(g, out),
    "sigmoid": lambda g, out, x: torch.ops.aten.sigmoid_backward(g, out),
    "silu": lambda g, out, x: torch.ops.aten.silu_backward(g, x),
    "softplus": lambda g, out, x: torch.ops.aten.softplus_backward(g, x, 1, 20),
    "gelu": lambda g, out, x: torch.ops.aten.gelu_backward(g, x),
}


def backward() -> Iterator[Row]:
    """Derivatives times the incoming gradient: the engine's rule as one kernel, and run on NumPy's arrays."""
    for name, of_torch in BACKWARD.items():
        rule, function = by_name(name).rules[0], peer_functions(name)[1]
        assert rule is not None
        fused = numba.fuse(f"{name}-0", rule, 1)
        for size in (100_000, 4_000_000):
            g, x = numbers(size), numbers(size)
            out = getattr(numpy, name)(x)
            calls: dict[str, Call] = {"numba": partial(fused, g, out, x)}
            if name != "gelu" or size < 1_000_000:
                calls["numpy"] = partial(rule, numpy, g, out, x)
            if torch:
                calls["torch"] = partial(of_torch, *map(tensor, (g, out, x)))
            if jax:
                calls["jax"] = jitted(lambda g, x, f=function: jax.vjp(f, x)[1](g)[0], g, x)
            yield f"{name} backward {size}", calls


def products() -> Iterator[Row]:
    """Matrix products: squares, and what a layer computes forward (ABt) and backward (AB, AtB)."""
    for m, depth, n in [(s, s, s) for s in SQUARES] + list(TRAINING):
        a, b, out = numbers(m, depth), numbers(depth, n), np.empty((m, n), np.float32)
        for label, x, y in (("AB", a, b), ("ABt", a, b.T.copy().T), ("AtB", a.T.copy().T, b)):
            calls: dict[str, Call] = {
                "numba": partial(numba.matmul, x, y),
                "numpy": partial(np.matmul, x, y, out=out),
            }
            if torch:
                calls["torch"] = partial(torch.matmul, tensor(x), tensor(y))
            if jax:
                straight, flipped = jax.numpy.matmul, lambda x, y: jax.numpy.matmul(x, y.T)
                forms = {
                    "AB": (straight, x, y),
                    "ABt": (flipped, x, y.T),
                    "AtB": (lambda x, y: x.T @ y, x.T, y),
                }
                calls["jax"] = jitted(*forms[label])
            yield f"{label} {m}x{depth}x{n}", calls


def layers() -> Iterator[Row]:
    """A fully connected layer with its activation."""
    for m, depth, n in TRAINING:
        x, w, b = numbers(m, depth), numbers(n, depth), numbers(n)

        def by_hand(x: Any = x, w: Any = w, b: Any = b) -> Any:
            out = np.matmul(x, w.T)
            out += b
            return np.maximum(out, 0, out=out)

        calls: dict[str, Call] = {"numba": partial(numba.linear, x, w, b, "relu"), "numpy": by_hand}
        if torch:
            operands = [tensor(t) for t in (x, w, b)]
            calls["torch"] = lambda t=operands: torch.relu(functional.linear(*t))
        if jax:
            calls["jax"] = jitted(lambda x, w, b: jax.nn.relu(x @ w.T + b), x, w, b)
        yield f"linear+relu {m}x{depth}x{n}", calls


def losses() -> Iterator[Row]:
    """Softmax, and softmax cross-entropy: the losses, and the gradient of their mean."""
    for rows, columns in ((128, 10), (256, 1000)):
        x, labels = numbers(rows, columns), rng.integers(0, columns, rows)
        yield f"cross-entropy {rows}x{columns}", cross_entropy(x, labels)
        calls: dict[str, Call] = {
            "numba": partial(numba.softmax, x, -1),
            "numpy": partial(numpy.softmax, x, -1),
        }
        if torch:
            calls["torch"] = partial(torch.softmax, tensor(x), -1)
        if jax:
            calls["jax"] = jitted(jax.nn.softmax, x)
        yield f"softmax {rows}x{columns}", calls


def cross_entropy(x: Any, labels: Any) -> dict[str, Call]:
    g, every = np.full(len(x), 1 / len(x), np.float32), np.arange(len(x))

    def by_hand() -> Any:
        p = np.exp(x - x.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        loss = -np.log(p[every, labels])
        p[every, labels] -= 1
        p /= len(x)
        return loss, p

    engine = numba.keeping["cross_entropy"]

    def both_ways() -> Any:
        losses, kept = engine.forward(x, labels)
        return losses, engine.gradients[0](kept, g, losses, x, labels)

    calls: dict[str, Call] = {"numba": both_ways, "numpy": by_hand}
    if torch:
        leaf, classes = tensor(x).requires_grad_(), tensor(labels)

        def of_torch() -> None:
            leaf.grad = None
            functional.cross_entropy(leaf, classes).backward()

        calls["torch"] = of_torch
    if jax:

        def loss(x: Any, labels: Any) -> Any:
            each = -jax.nn.log_softmax(x)[jax.numpy.arange(len(x)), labels]
            return each.mean(), each

        both = jax.value_and_grad(loss, has_aux=True)

        def of_jax(x: Any, labels: Any) -> Any:
            (_, each), gradient = both(x, labels)
            return each, gradient

        calls["jax"] = jitted(of_jax, x, labels)
    return calls


def updates() -> Iterator[Row]:
    """One step of Adam."""
    w, g, m, s = (np.abs(numbers(1_000_000)) for _ in range(4))
    mean, square = m.copy(), s.copy()

    def by_hand() -> Any:
        nonlocal m, s
        m *= np.float32(0.9)
        m += np.float32(0.1) * g
        s *= np.float32(0.999)
        s += np.float32(0.001) * np.square(g)
        work = np.sqrt(s)
        work += np.float32(1e-8)
        np.divide(m, work, out=work)
        work *= np.float32(0.001)
        return np.subtract(w, work, out=work)

    settings = (0.001, 0.9, 0.1, 0.999, 0.001, 1e-8, 0.0, 1.0)
    calls: dict[str, Call] = {
        "numba": lambda: numba.update("adam", w, g, (mean, square), *settings),
        "numpy": by_hand,
        "copy": w.copy,
    }
    if torch:
        for name, fused in (("torch", True), ("torch foreach", False)):
            parameter = torch.nn.Parameter(tensor(w.copy()))
            parameter.grad = tensor(g)
            calls[name] = torch.optim.Adam([parameter], fused=fused, foreach=not fused).step
    yield "adam 1000000", calls


def steps() -> Iterator[Row]:
    """A whole training step of an MLP 784-256-128-10 with batch 128: forward, backward, update."""
    start = partial(start_of, (784, 256, 128, 10), 128)
    step = chainrule_step(*start())

    def on_numba() -> Any:
        with cr.use_backend("numba"):
            return step()

    calls: dict[str, Call] = {"numba": on_numba, "numpy": numpy_step(*start())}
    if torch:
        calls["torch"] = torch_step(torch, *start())
    if jax:
        calls["jax"] = jax_step(*start())
    yield "MLP step 784-256-128-10", calls


def jax_step(X: Any, labels: Any, parameters: list[Any]) -> Call:
    """The step as one function that JAX compiles."""
    held = SimpleNamespace(parameters=[jax.device_put(p) for p in parameters])

    def loss(parameters: list[Any], X: Any, labels: Any) -> Any:
        h = X
        for W, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            h = jax.nn.relu(h @ W.T + b)
        scores = jax.nn.log_softmax(h @ parameters[-2].T + parameters[-1])
        return -scores[jax.numpy.arange(len(X)), labels].mean()

    @jax.jit
    def step(parameters: list[Any], X: Any, labels: Any) -> Any:
        found, gradients = jax.value_and_grad(loss)(parameters, X, labels)
        return found, [p - 0.01 * g for p, g in zip(parameters, gradients, strict=True)]

    operands = jax.device_put(X), jax.device_put(labels)

    def run() -> float:
        found, held.parameters = step(held.parameters, *operands)
        return float(found)

    return run


GROUPS = (forward, backward, products, layers, losses, updates, steps)
