"""Ops that users define: what they compute and their derivative, in a few lines."""

from collections.abc import Callable
from functools import partial
from typing import Any

from chainrule import backends
from chainrule.autograd.node import apply
from chainrule.autograd.op import OPS, Op, Rule, Structure
from chainrule.backends import floats


def custom_op(
    name: str,
    forward: Callable[..., Any],
    *rules: Rule | None,
    structure: Structure = "general",
    singular: bool = False,
) -> Callable[..., Any]:
    """Define an op by what it computes and one derivative rule per argument; it then works in every mode.

    Args:
        name: for drawings and messages; no other op may have it.
        forward: ``forward(xp, *arguments, **params)``, written with the functions of `xp` (``xp.exp``, ``xp.where``),
            so that it runs on Python floats for a Value and on a backend's arrays for a Tensor.
        rules: for each argument ``rule(xp, g, out, *arguments, **params)``, its cotangent given that of the result;
            None for an argument without derivative.
        structure: ``"elementwise"`` where result i depends on elements i only, which makes forward mode as cheap as
            the rule; ``"linear"``, ``"bilinear"`` likewise; ``"general"`` is always right.
        singular: the rule can be infinite somewhere; a zero cotangent then contributes exactly zero.

    Returns:
        A function of Values, Tensors, numbers and arrays; parameters are passed by keyword.

    Raises:
        ValueError: the name is taken by another op than a custom one, or there is no rule.

    Example:
        >>> cube = custom_op(
        ...     "cube", lambda xp, x: x * x * x, lambda xp, g, out, x: g * 3 * x * x, structure="elementwise"
        ... )
        >>> cr.grad(cube)(2.0), cr.grad(cr.grad(cube))(2.0)
        (12.0, 12.0)
    """
    if not rules:
        raise ValueError(f"custom_op {name!r}: give a rule for each argument, rule(xp, g, out, *arguments)")
    taken = any(op.name == name for op in OPS) or hasattr(backends.load("numpy"), name)
    if taken and name not in backends.CUSTOM:  # a cell of a notebook may define its op again
        raise ValueError(f"custom_op: a function named {name!r} exists; choose another name")
    backends.CUSTOM[name] = forward
    op = Op(name, structure, *rules, singular=singular)
    op.scalar = partial(forward, floats)

    def function(*operands: Any, **params: Any) -> Any:
        if len(operands) != len(rules):
            raise TypeError(
                f"{name} takes {len(rules)} arguments, got {len(operands)}; pass parameters by keyword"
            )
        return apply(op, *operands, **params)

    function.__name__ = function.__qualname__ = name
    return function
