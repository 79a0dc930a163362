"""Compile every kernel now, so that no later first call has to wait: the list of them, and the loop."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from chainrule.backends.layers import ACTIVATIONS
from chainrule.backends.numba import (
    conv,
    crew,
    elementwise,
    entropy,
    epilogue,
    gemm,
    gemm_shared,
    layers,
    norms,
    pool,
    prologue,
    reduce,
    rows,
    slices,
    updates,
)
from chainrule.backends.numba.codegen import fusible
from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64, Format
from chainrule.backends.numba.compile import made

Rule = tuple[str, Callable[..., Any], int]  # as the arguments of `fusible`


class Warmed(NamedTuple):
    """What became of one kernel.

    Attributes:
        name: the kernel's and its format's.
        loaded: whether the cache had it.
        error: why it could not be compiled, or "".
    """

    name: str
    loaded: bool
    error: str


def kernels(rules: Iterable[Rule] = ()) -> Iterator[tuple[str, Callable[[], Any]]]:
    """List the kernels: those of float32 and float64, and what threads run to share them.

    Args:
        rules: name, derivative rule and arity of what may become a kernel too; what cannot is left out.

    Returns:
        Pairs of a name and a function that compiles the kernel, or loads it.

    Example:
        >>> len(dict(kernels())) > 50
        True
    """
    fused = {}
    for name, rule, arity in rules:
        function = fusible(name, rule, arity)
        if function is not None:
            fused[name] = function.compiled
            if arity == 1:
                fused[f"{name}-over"] = function.compiled_over
    yield "crew", crew.living
    for f in (FLOAT32, FLOAT64):
        for name, make in (own() | fused).items():
            yield f"{name}-{f.name}", partial(make, f)


def own() -> dict[str, Callable[[Format], Any]]:
    """By name, what makes a kernel for a format: every file that calls `compile.kernel` is here."""
    return (
        {name: partial(elementwise.sliced, name) for name in elementwise.SMALLEST}
        | {name: partial(rows.compiled, name) for name in rows.LOOPS}
        | {name: partial(entropy.compiled, name) for name in entropy.LOOPS}
        | {name: partial(updates.compiled, name) for name in updates.UPDATES}
        | {f"{name} in slices": partial(updates.sliced, name) for name in updates.UPDATES}
        | {
            f"{name} {'in rows' if inner else 'across rows'}": partial(_reduction, name, inner)
            for name in ("sum", "max", "min")
            for inner in (False, True)
        }
        | {
            f"norm {layout} {name}": partial(norms.compiled, layout, name)
            for layout in norms.LOOPS
            for name in ("forward", "of_input", "of_weight")
        }
        | {name: partial(conv.compiled, name) for name in ("conv", "conv_weight")}
        | {f"pool {name}": partial(pool.compiled, name) for name in ("max", "min", "mean", "ties", "overlap")}
        | {"multiply": gemm.multiply, "multiply_and_finish": gemm.multiply_and_finish}
        | {"multiply_and_share": gemm_shared.shared}
        | {f"epilogue-{name}": partial(_epilogue, name) for name in ("", *epilogue.ACTIVATIONS)}
        | {f"{name}-before": partial(layers.compiled, name) for name in ACTIVATIONS}
        | {f"prologue-{name}": partial(_prologue, name) for name in ACTIVATIONS}
        | {"with_prologue": layers.with_prologue}
    )


def _reduction(name: str, inner: bool, f: Format) -> Any:
    return reduce.compiled(name, f, inner)


def _epilogue(name: str, f: Format) -> Any:
    return epilogue.epilogue(f, name)


def _prologue(name: str, f: Format) -> Any:
    return prologue.prologue(f, name)


def warm_up(makers: Iterable[tuple[str, Callable[[], Any]]]) -> Iterator[Warmed]:
    """Compile or load kernels one after the other, and say of each what became of it."""
    for name, make in makers:
        before = made["compiled"]
        try:
            found = make()
            if isinstance(found, slices.Sliced):
                found.sharing_out()
        except Exception as error:  # one kernel that this processor cannot have must not hide the others
            lines = str(error).strip().splitlines() or [""]
            yield Warmed(name, False, f"{type(error).__name__}: {lines[0]}")
        else:
            yield Warmed(name, made["compiled"] == before, "")
