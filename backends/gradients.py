"""How a backend computes a derivative rule: by running it on its table, or by a kernel that does the same faster.

A table may offer, beside its functions,

| name | what it holds |
|---|---|
| `gradients` | op name → per argument a function ``(g, out, *inputs, **params)`` with the rule's result, or None |
| `keeping` | op name → `Keeping`, where forward can keep something that spares backward work |
| `fuse` | a function that makes one kernel of an elementwise rule, or returns None |
| `fuse_over` | the same for a rule of one input; the kernel writes its result over g |

A kernel may return None for operands that it is not made for; then the rule is run.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

Rule = Callable[..., Any]


class Keeping(NamedTuple):
    """An op whose forward pass keeps something for its backward pass.

    Attributes:
        forward: ``(*inputs, **params)`` to the result and what is kept, which is never changed again.
        gradients: per argument a function ``(kept, g, out, *inputs, **params)``, or None.
        shared: what all gradients begin with, computed once: a function of the same arguments, whose result they get
            in place of what was kept.
    """

    forward: Callable[..., tuple[Any, Any]]
    gradients: tuple[Callable[..., Any] | None, ...]
    shared: Callable[..., Any] | None = None


def gradient(table: Any, name: str, argument: int, rule: Rule, arity: int) -> Callable[..., Any]:
    """Return the function ``(g, out, *inputs, **params)`` with which a table computes one argument's cotangent.

    Args:
        table: a backend's.
        name: of the op.
        argument: which of its arguments.
        rule: that argument's, ``(xp, g, out, *inputs, **params)``.
        arity: the number of inputs.
    """
    plain = partial(rule, table)
    own = getattr(table, "gradients", {}).get(name)
    kernel = own[argument] if own else None
    if kernel is None and hasattr(table, "fuse"):
        kernel = table.fuse(f"{name}-{argument}", rule, arity)
    if kernel is None:
        return plain

    def with_kernel(g: Any, out: Any, *inputs: Any, **params: Any) -> Any:
        found = kernel(g, out, *inputs, **params)
        return plain(g, out, *inputs, **params) if found is None else found

    return with_kernel


def gradient_over(table: Any, name: str, rule: Rule, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function ``(g, out, x, **params)`` for a g that nobody else will read: it may become the result.

    Args:
        table: a backend's.
        name: of the op, which has one argument.
        rule: that argument's, ``(xp, g, out, x, **params)``.
        otherwise: what `gradient` returned for it.
    """
    hand_made = name in getattr(table, "gradients", {})
    kernel = None if hand_made or not hasattr(table, "fuse_over") else table.fuse_over(f"{name}-0", rule)
    if kernel is None:
        return otherwise

    def with_kernel(g: Any, out: Any, x: Any, **params: Any) -> Any:
        found = kernel(g, out, x, **params)
        return otherwise(g, out, x, **params) if found is None else found

    return with_kernel
