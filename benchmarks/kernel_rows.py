"""The rows of `kernels.py` but for those of `kernels_nn.py`: what is measured, and what a contestant would write.

NumPy's contestants are those of `by_hand.py`. The numba backend is called as the engine calls it, through the table;
its derivatives are kernels made from the engine's own rules.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from measure import Call, Rows, jax, jitted, numbers, numexpr, rng, tensor, torch  # isort: skip  (before NumPy)

import by_hand
import numpy as np
from network_steps import chainrule_step, numpy_step, start_of, torch_step

import chainrule as cr
from chainrule import backends, nn
from chainrule.autograd.op import by_name

SIZES = (1_000, 100_000, 4_000_000)
SQUARES = (16, 32, 64, 128, 256, 512, 1024, 2048)
TRAINING = ((64, 64, 32), (128, 784, 256), (256, 128, 10), (32, 3072, 200))
numba, numpy = backends.load("numba"), backends.load("numpy")
functional: Any = torch.nn.functional if torch else None


# numexpr's expressions
EXPRESSIONS = {
    "exp": "exp(x)",
    "sigmoid": "1 / (1 + exp(-x))",
    "tanh": "tanh(x)",
    "silu": "x / (1 + exp(-x))",
    "softplus": "where(x > 0, x, 0) + log1p(exp(-abs(x)))",
    "relu": "where(x > 0, x, 0)",
    "expm1": "expm1(x)",
    "sin": "sin(x)",
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


def evaluation(expression: str, result: Any = None, **operands: Any) -> Call:
    """numexpr's evaluation of an expression, to a new array or to `result`."""
    return partial(numexpr.evaluate, expression, operands, out=result, optimization="aggressive")


def forward(
    names: Iterable[str] = by_hand.FORWARD, sizes: Iterable[int] = SIZES, dtype: Any = np.float32
) -> Rows:
    """Elementary functions, each to a new array."""
    for name in names:
        of_torch, of_jax = peer_functions(name)
        for size in sizes:
            x = numbers(size, dtype=dtype) * 2
            calls: dict[str, Call] = {
                "numba": partial(getattr(numba, name), x),
                "numpy": partial(by_hand.FORWARD[name], x),
                "copy": x.copy,
            }
            if torch:
                calls["torch"] = partial(of_torch, tensor(x))
            if jax:
                calls["jax"] = jitted(of_jax, x)
            if numexpr and name in EXPRESSIONS:
                calls["numexpr"] = evaluation(EXPRESSIONS[name], x=x)
            yield f"{name} {size}", calls


# name: PyTorch's own backward kernel of (g, out, x), numexpr's expression
BACKWARD: dict[str, tuple[Callable[[Any, Any, Any], Any], str]] = {
    "relu": (lambda g, out, x: torch.ops.aten.threshold_backward(g, out, 0), "where(x > 0, g, 0)"),
    "tanh": (lambda g, out, x: torch.ops.aten.tanh_backward(g, out), "g * (1 - out * out)"),
    "sigmoid": (lambda g, out, x: torch.ops.aten.sigmoid_backward(g, out), "g * out * (1 - out)"),
    "silu": (
        lambda g, out, x: torch.ops.aten.silu_backward(g, x),
        "g * (out + (1 - out) / (1 + exp(-x)))",
    ),
    "softplus": (lambda g, out, x: torch.ops.aten.softplus_backward(g, x, 1, 20), "g / (1 + exp(-x))"),
    "gelu": (lambda g, out, x: torch.ops.aten.gelu_backward(g, x), ""),
}


def backward() -> Rows:
    """Derivatives times the incoming gradient; ours is the engine's rule as one kernel."""
    for name, (of_torch, expression) in BACKWARD.items():
        rule, function = by_name(name).rules[0], peer_functions(name)[1]
        assert rule is not None
        fused = numba.fuse(f"{name}-0", rule, 1)
        for size in (100_000, 4_000_000):
            g, x = numbers(size), numbers(size)
            out = by_hand.FORWARD[name](x)
            calls: dict[str, Call] = {
                "numba": partial(fused, g, out, x),
                "numpy": partial(by_hand.BACKWARD[name], g, out, x),
            }
            if torch:
                calls["torch"] = partial(of_torch, *map(tensor, (g, out, x)))
            if jax:
                calls["jax"] = jitted(lambda g, x, f=function: jax.vjp(f, x)[1](g)[0], g, x)
            if numexpr and expression:
                calls["numexpr"] = evaluation(expression, g=g, out=out, x=x)
            yield f"{name} backward {size}", calls


def cases() -> Iterator[tuple[str, int, int, int]]:
    """Layouts and shapes of products: all three of each, and what the gradients of a layer's operands are."""
    for shape in (*((n, n, n) for n in SQUARES), *TRAINING):
        for label in ("AB", "ABt", "AtB"):
            yield label, *shape
    for m, depth, n in TRAINING:
        yield "AB", m, n, depth  # of the input: g W
        yield "AtB", n, m, depth  # of the weight: gᵀ x


def products(wanted: Iterable[tuple[str, int, int, int]] | None = None, dtype: Any = np.float32) -> Rows:
    """Matrix products m x depth x n, of arrays that lie as a layer has them forward (ABt) and backward (AB, AtB)."""
    for label, m, depth, n in wanted or cases():
        x, y = numbers(m, depth, dtype=dtype), numbers(depth, n, dtype=dtype)
        if label == "ABt":
            y = y.T.copy().T
        if label == "AtB":
            x = x.T.copy().T
        calls: dict[str, Call] = {
            "numba": partial(numba.matmul, x, y),
            "numpy": partial(np.matmul, x, y, out=np.empty((m, n), dtype)),
        }
        if torch:
            calls["torch"] = partial(torch.matmul, tensor(x), tensor(y))
        if jax:
            forms = {
                "AB": (lambda x, y: x @ y, x, y),
                "ABt": (lambda x, y: x @ y.T, x, y.T),
                "AtB": (lambda x, y: x.T @ y, x.T, y),
            }
            calls["jax"] = jitted(*forms[label])
        yield f"{label} {m}x{depth}x{n}", calls


def layers(shapes: Iterable[tuple[int, int, int]] = TRAINING, dtype: Any = np.float32) -> Rows:
    """A fully connected layer with its activation."""
    for m, depth, n in shapes:
        operands = [numbers(*shape, dtype=dtype) for shape in ((m, depth), (n, depth), (n,))]
        calls: dict[str, Call] = {
            "numba": partial(numba.linear, *operands, "relu"),
            "numpy": partial(by_hand.linear_relu, *operands),
        }
        if torch:
            tensors = [tensor(x) for x in operands]
            calls["torch"] = lambda t=tensors: torch.relu(functional.linear(*t))
        if jax:
            calls["jax"] = jitted(lambda x, w, b: jax.nn.relu(x @ w.T + b), *operands)
        yield f"linear+relu {m}x{depth}x{n}", calls


def losses(shapes: Iterable[tuple[int, int]] = ((128, 10), (256, 1000)), dtype: Any = np.float32) -> Rows:
    """Softmax, and softmax cross-entropy: the losses, and the gradient of their mean."""
    for rows, columns in shapes:
        x, labels = numbers(rows, columns, dtype=dtype), rng.integers(0, columns, rows)
        yield f"cross-entropy {rows}x{columns}", cross_entropy(x, labels)
        y = np.eye(columns, dtype=dtype)[labels]
        yield (
            f"one-hot cross-entropy {rows}x{columns}",
            cross_entropy_of_rows(x, y, partial(eager_loss, x, y)),
        )
        y = rng.dirichlet(np.ones(columns), rows).astype(dtype)
        yield f"soft cross-entropy {rows}x{columns}", cross_entropy_of_rows(x, y, soft_loss(x, y))
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
    g = np.full(len(x), 1 / len(x), x.dtype)
    engine = numba.keeping["cross_entropy"]

    def both_ways() -> Any:
        losses, kept = engine.forward(x, labels)
        return losses, engine.gradients[0](kept, g, losses, x, labels)

    calls: dict[str, Call] = {"numba": both_ways, "numpy": partial(by_hand.cross_entropy, x, labels)}
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


def eager_loss(x: Any, y: Any) -> tuple[Any, Any]:
    """The mean loss of rows of targets, and its gradient, with Python's share in it, as PyTorch's is in its own."""
    with cr.use_backend("numba"):
        z = cr.Tensor(x)
        loss = nn.losses.cross_entropy(z, y)
        loss.backward()
    return loss.data, z.grad


def soft_loss(x: Any, y: Any) -> Call:
    """The same, of the kernels alone."""
    g, engine = np.full(len(x), 1 / len(x), x.dtype), numba.keeping["soft_cross_entropy"]

    def both_ways() -> tuple[Any, Any]:
        losses, kept = engine.forward(x, y)
        return np.dot(losses, g), engine.gradients[0](kept, g, losses, x, y)

    return both_ways


def cross_entropy_of_rows(x: Any, y: Any, ours: Call) -> dict[str, Call]:
    """The mean loss of rows of targets, and its gradient."""
    calls: dict[str, Call] = {"numba": ours, "numpy": partial(by_hand.cross_entropy_of_rows, x, y)}
    if torch:
        targets = tensor(y)

        def of_torch() -> Any:
            leaf = tensor(x).requires_grad_()
            loss = functional.cross_entropy(leaf, targets)
            loss.backward()
            return loss.detach(), leaf.grad

        calls["torch"] = of_torch
    if jax:
        loss = jax.value_and_grad(lambda x, y: -(y * jax.nn.log_softmax(x)).sum(1).mean())
        calls["jax"] = jitted(loss, x, y)
    return calls


def updates(dtype: Any = np.float32) -> Rows:
    """One step of Adam."""
    w, g, mean, square = (np.abs(numbers(1_000_000, dtype=dtype)) for _ in range(4))
    settings = (0.001, 0.9, 0.1, 0.999, 0.001, 1e-8, 0.0, 1.0)
    remembered = mean.copy(), square.copy()
    calls: dict[str, Call] = {
        "numba": lambda: numba.update("adam", [[w], [g], *([array] for array in remembered)], settings),
        "numpy": by_hand.adam(w, g, mean, square),
        "copy": w.copy,
    }
    if torch:
        for name, fused in (("torch", True), ("torch foreach", False)):
            parameter = torch.nn.Parameter(tensor(w.copy()))
            parameter.grad = tensor(g)
            calls[name] = torch.optim.Adam([parameter], fused=fused, foreach=not fused).step
    if jax:
        calls["jax"] = jitted(adam, w, g, mean.copy(), square.copy())  # NumPy changes its own
    if numexpr:
        calls["numexpr"] = numexpr_adam(w, g, mean.copy(), square.copy())
    yield "adam 1000000", calls


def adam(w: Any, g: Any, mean: Any, square: Any) -> tuple[Any, ...]:
    """The step as JAX compiles it; what it returns it would be given the next time."""
    mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
    return w - 0.001 * (mean / (jax.numpy.sqrt(square) + 1e-8)), mean, square


def numexpr_adam(w: Any, g: Any, mean: Any, square: Any) -> Call:
    """The step in three passes."""
    a, b, c, d, eps = map(w.dtype.type, (0.9, 0.1, 0.999, 0.001, 1e-8))  # written as numbers they are float64
    passes = (
        evaluation("a * m + b * g", mean, a=a, b=b, m=mean, g=g),
        evaluation("c * s + d * g * g", square, c=c, d=d, s=square, g=g),
        evaluation("w - d * (m / (sqrt(s) + eps))", d=d, eps=eps, w=w, m=mean, s=square),
    )
    return lambda: [run() for run in passes][-1]


def steps() -> Rows:
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
