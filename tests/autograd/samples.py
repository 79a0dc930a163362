"""What each op is tried on: the engine's op table, with arguments for every op that has parameters or structure.

An op that works element by element and has no parameters is drawn from the domain that it declares. Every other
op needs an entry here; `tests/backends/test_contract.py` names those that have none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from tests.autograd.array_samples import ENTRIES

from chainrule.autograd import ops
from chainrule.autograd.node import apply, data_of
from chainrule.autograd.op import OPS, Op
from chainrule.backends import CUSTOM
from chainrule.backends.layers import ACTIVATIONS

Domain = tuple[float, float]


@dataclass(frozen=True)
class Call:
    """An elementwise op with its parameters filled in: a function of numbers or of arrays that broadcast."""

    op: Op
    function: Callable[..., Any]
    domain: tuple[Domain, ...]
    kinks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sample:
    """An op on particular arrays."""

    op: str
    function: Callable[..., Any]
    args: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.op}-" + ",".join("x".join(map(str, np.shape(a))) or "scalar" for a in self.args)


SHAPES_1 = ((), (3,), (2, 3), (0,), (2, 0))
SHAPES_2 = (
    ((), ()),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((1,), (2, 3)),
    ((), (2, 2)),
    ((2, 1, 2), (3, 1)),
    ((0, 3), (1, 3)),
    ((2, 0), ()),
)
WIDE = (-2.0, 2.0)


def _chosen(x: Any, y: Any) -> Any:
    return ops.where(np.less(data_of(x), 0.25), x, y)


# Elementwise ops with parameters, or without a domain of their own.
CALLS: dict[str, tuple[Callable[..., Any], tuple[Domain, ...], tuple[float, ...]]] = {
    "leaky_relu": (lambda x: ops.leaky_relu(x, 0.1), (WIDE,), (0.0,)),
    "elu": (lambda x: ops.elu(x, 1.5), (WIDE,), (0.0,)),
    "celu": (lambda x: ops.celu(x, 1.5), (WIDE,), (0.0,)),
    "hardtanh": (lambda x: ops.hardtanh(x, -0.5, 0.75), (WIDE,), (-0.5, 0.75)),
    "nan_to_num": (ops.nan_to_num, (WIDE,), ()),
    "clip": (lambda x: ops.clip(x, -0.5, 0.75), (WIDE,), (-0.5, 0.75)),
    "where": (_chosen, (WIDE, WIDE), (0.25,)),
    "guard": (lambda x: ops.guard(2.0, x), (WIDE,), ()),
    "identity": (ops.identity, (WIDE,), ()),
}


def own_ops() -> list[Op]:
    """The engine's own ops, without those that a test or a user defined."""
    return [op for op in OPS if op.name not in CUSTOM]


def draw(shape: Sequence[int], domain: Domain = WIDE, seed: int = 0, kinks: Sequence[float] = ()) -> Any:
    """Return random float64s of a shape, at a distance from kinks and from the ends of the domain."""
    rng = np.random.default_rng([seed, *shape])
    low, high = domain
    margin = 0.02 * (high - low)
    array = np.asarray(rng.uniform(low + margin, high - margin, tuple(shape)))
    for kink in kinks:
        near = np.abs(array - kink) < margin
        array = np.where(near, kink + np.where(array < kink, -margin, margin), array)
    return array


def elementwise_calls() -> list[Call]:
    """Every elementwise op that has a derivative, ready to be called."""
    calls = []
    for op in own_ops():
        if op.structure != "elementwise":
            continue
        if op.name in CALLS:
            function, domain, kinks = CALLS[op.name]
            calls.append(Call(op, function, domain, kinks))
        elif op.direct:
            function = getattr(ops, op.name, None) or (lambda *x, op=op: apply(op, *x))
            calls.append(Call(op, function, op.domain or (WIDE,) * op.arity, op.kinks))
    return calls


def elementwise_samples() -> list[Sample]:
    """Each elementwise op on shapes that broadcast, are empty, and have no axis."""
    samples = []
    for call in elementwise_calls():
        for shapes in _shapes(len(call.domain)):
            args = tuple(
                draw(shape, domain, seed, call.kinks)
                for seed, (shape, domain) in enumerate(zip(shapes, call.domain, strict=True))
            )
            samples.append(Sample(call.op.name, call.function, args))
    return samples


def _shapes(arity: int) -> Sequence[Sequence[tuple[int, ...]]]:
    if arity == 1:
        return [(shape,) for shape in SHAPES_1]
    if arity == 2:
        return SHAPES_2
    return [tuple(pair[i % 2] for i in range(arity)) for pair in SHAPES_2]


def _on(op: str, function: Callable[..., Any], *shapes: Sequence[int], domain: Domain = WIDE) -> Sample:
    """A sample with random arguments of these shapes."""
    return Sample(op, function, tuple(draw(shape, domain, seed) for seed, shape in enumerate(shapes)))


def _reductions(op: str, domain: Domain = WIDE, empty: bool = True) -> list[Sample]:
    function = getattr(ops, op)
    cases: list[tuple[tuple[int, ...], Any, bool]] = [
        ((), None, False),
        ((4,), None, True),
        ((2, 3), None, False),
        ((2, 3), 0, False),
        ((2, 3), -1, True),
        ((2, 3, 2), (0, 2), False),
        ((2, 3, 2), (-1, 0), True),
        ((2, 3), (), False),
    ]
    if empty:
        cases += [((0,), None, False), ((0, 3), 0, False), ((2, 0), 0, True)]
    return [
        _on(op, lambda x, a=axis, k=keep: function(x, axis=a, keepdims=k), shape, domain=domain)
        for shape, axis, keep in cases
    ]


def _running(op: str, domain: Domain = WIDE) -> list[Sample]:
    function = getattr(ops, op)
    cases = [((4,), 0), ((2, 3), 0), ((2, 3), -1), ((2, 0), 1), ((2, 3, 2), 1)]
    return [_on(op, lambda x, a=axis: function(x, a), shape, domain=domain) for shape, axis in cases]


def _shape_samples() -> list[Sample]:
    return [
        _on("reshape", lambda x: ops.reshape(x, 3, 2), (2, 3)),
        _on("reshape", lambda x: ops.reshape(x, ()), (1, 1)),
        _on("reshape", lambda x: ops.reshape(x, (-1, 2)), (2, 1, 2)),
        _on("reshape", lambda x: ops.reshape(x, (0, 5)), (2, 0)),
        _on("transpose", ops.transpose, (2, 3)),
        _on("transpose", ops.transpose, ()),
        _on("transpose", lambda x: ops.transpose(x, (2, 0, 1)), (2, 3, 1)),
        _on("transpose", lambda x: ops.transpose(x, (-1, 0, 1)), (2, 0, 3)),
        _on("swapaxes", lambda x: ops.swapaxes(x, 0, -1), (2, 3, 2)),
        _on("broadcast_to", lambda x: ops.broadcast_to(x, (2, 2, 3)), (2, 1)),
        _on("broadcast_to", lambda x: ops.broadcast_to(x, (2, 0)), (1,)),
        _on("broadcast_to", lambda x: ops.broadcast_to(x, (3,)), ()),
        _on("squeeze", ops.squeeze, (1, 2, 1)),
        _on("squeeze", lambda x: ops.squeeze(x, -1), (1, 2, 1)),
        _on("expand_dims", lambda x: ops.expand_dims(x, 0), ()),
        _on("expand_dims", lambda x: ops.expand_dims(x, (0, -1)), (2, 3)),
        _on("flip", lambda x: ops.flip(x, 0), (3,)),
        _on("flip", lambda x: ops.flip(x, -1), (2, 3)),
        _on("astype", lambda x: ops.astype(x, np.float64), (2, 3)),
        *(
            _on("getitem", lambda x, i=index: ops.getitem(x, i), shape)
            for shape, index in (
                ((3,), 1),
                ((3,), slice(None, None, -1)),
                ((2, 3), (slice(None), 1)),
                ((2, 3), (..., None, slice(0, 2))),
                ((), ()),
                ((4,), [0, 2, 2, -1]),
                ((3, 2), (np.array([[0, 2], [2, 2]]), slice(None))),
                ((3, 2), (np.array([0, 2, 0]), np.array([1, 0, 1]))),
                ((3, 2), np.array([True, False, True])),
                ((2, 2), np.array([[True, False], [True, True]])),
                ((2, 3, 2), (slice(None), np.array([0, 0]), 1)),
                ((2, 3, 2), (np.array([1, 1]), slice(None), np.array([0, 0]))),
                ((3, 2), (np.array([False, False, True]), np.array([0]))),
                ((3,), slice(0, 0)),
                ((3,), np.array([], int)),
            )
        ),
        _on("scatter", lambda g: ops.scatter(g, np.array([0, 2, 2]), (4,)), (3,)),
        _on("scatter", lambda g: ops.scatter(g, (slice(None), 1), (2, 3)), (2,)),
        _on("take", lambda x: ops.take(x, [2, 0, 2], 0), (3, 2)),
        _on("take", lambda x: ops.take(x, np.array([[0, 1], [1, 1]]), -1), (2, 2)),
        _on("take", lambda x: ops.take(x, 1, 0), (3,)),
        _on("pad", lambda x: ops.pad(x, 1), (2,)),
        _on("pad", lambda x: ops.pad(x, ((0, 1), (2, 0))), (2, 1)),
        _on("concatenate", lambda *x: ops.concatenate(x), (2,), (3,)),
        _on("concatenate", lambda *x: ops.concatenate(x, -1), (2, 1), (2, 0), (2, 2)),
        _on("stack", lambda *x: ops.stack(x), (2,), (2,)),
        _on("stack", lambda *x: ops.stack(x, -1), (2, 2), (2, 2), (2, 2)),
        _on("stack", lambda *x: ops.stack(x), (), ()),
    ]


def _linear_algebra_samples() -> list[Sample]:
    pairs = [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((2, 3), (3, 2)),
        ((2, 2, 3), (2, 3, 2)),
        ((2, 2, 3), (3, 2)),
        ((2, 3), (2, 3, 2)),
        ((2, 1, 2, 3), (2, 3, 1)),
        ((3,), (2, 3, 2)),
        ((2, 2, 3), (3,)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 2)),
    ]
    return [_on("matmul", ops.matmul, *pair) for pair in pairs]


def _neural_samples() -> list[Sample]:
    labels = np.array([2, 0])
    return [
        _on("linear", ops.linear, (2, 3), (2, 3), (2,)),
        _on("linear", ops.linear, (3,), (2, 3), (2,)),
        _on("linear", ops.linear, (2, 2, 3), (1, 3), (1,)),
        _on("linear", ops.linear, (0, 3), (2, 3), (2,)),
        *(
            _on("linear_activation", partial(ops.linear, activation=name), shape, (2, 3), (2,))
            for name in ACTIVATIONS
            for shape in ((3,), (4, 3), (2, 2, 3), (0, 3))
        ),
        *(
            _on(name, getattr(ops, name), shape)
            for name in ("softmax", "log_softmax")
            for shape in ((3,), (2, 3), (2, 0, 3))
        ),
        _on("softmax", lambda x: ops.softmax(x, 0), (3, 2)),
        _on("log_softmax", lambda x: ops.log_softmax(x, 0), (3, 2)),
        _on("cross_entropy", lambda z: ops.cross_entropy(z, labels), (2, 3)),
        _on("cross_entropy", lambda z: ops.cross_entropy(z, labels[:0]), (0, 3)),
        *(
            _on("soft_cross_entropy", ops.cross_entropy, shape, shape)
            for shape in ((2, 3), (4, 2), (0, 3), (2, 0))
        ),
    ]


def _zeros_in_products() -> list[Sample]:
    """Products whose elements are zero here and there: the derivative is that of the others' product."""
    return [
        Sample("prod", ops.prod, (np.array([0.5, 0.0, 2.0]),)),
        Sample("prod", lambda x: ops.prod(x, 0), (np.array([[0.0, 1.5], [0.0, 0.0], [2.0, -1.0]]),)),
    ]


def structured_samples() -> list[Sample]:
    """Every op that is not elementwise, with arguments."""
    return [
        *(sample for name in ("sum", "mean", "logsumexp", "prod") for sample in _reductions(name)),
        *(sample for name in ("max", "min") for sample in _reductions(name, empty=False)),
        *_reductions("norm", (0.2, 2.0)),
        *_running("cumsum"),
        *_running("cumprod", (0.2, 2.0)),
        *_zeros_in_products(),
        *_shape_samples(),
        *_linear_algebra_samples(),
        *_neural_samples(),
        *(_drawn(*entry) for entry in ENTRIES),
    ]


def _drawn(op: str, function: Callable[..., Any], *args: Any) -> Sample:
    """A sample of given arrays, and of random arguments where only the shape is given."""
    arrays = (a if isinstance(a, np.ndarray) else draw(a, WIDE, seed) for seed, a in enumerate(args))
    return Sample(op, function, tuple(arrays))


ELEMENTWISE = elementwise_samples()
STRUCTURED = structured_samples()
SAMPLES = ELEMENTWISE + STRUCTURED


# Ops that are no function of arrays alone, and the tests that try them.
ELSEWHERE = {
    "checkpoint": "tests/autograd/test_checkpoint.py",
    "from_values": "tests/autograd/test_bridge.py",
    "to_value": "tests/autograd/test_bridge.py",
}


def without_sample() -> list[str]:
    """The ops that have a derivative and no sample."""
    tried = {sample.op for sample in SAMPLES} | set(ELSEWHERE)
    return [op.name for op in own_ops() if any(op.rules) and op.name not in tried]


SPECIAL = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 2.5, 3.0, -3.5, 36.75, -40.0, 88.9, 710.0, -745.2, 1e-8,
           -1e-300, 5e-324, 1e200, -1e300, np.inf, -np.inf, np.nan)  # fmt: skip


def special_arguments(arity: int) -> list[tuple[float, ...]]:
    """All tuples of numbers at which functions overflow, change branch or have no answer."""
    return list(product(SPECIAL, repeat=arity))
