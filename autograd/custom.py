"""Ops that users define: what they compute and their derivative, in a few lines."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from chainrule import backends
from chainrule.autograd import ops
from chainrule.autograd.errors import ShapeError
from chainrule.autograd.node import Node, apply, data_of
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
        TypeError: the functions do not take the arguments above.

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
    count = len(rules)
    _check_signature(name, "the forward function", forward, ("xp",), count)
    for i, rule in enumerate(rules):
        if rule is not None:
            _check_signature(name, f"rule {i}", rule, ("xp", "g", "out"), count)
    compute = backends.CUSTOM[name] = _checked_forward(name, forward)
    op = Op(name, structure, *rules, singular=singular)
    op.rules = tuple(rule and _checked_rule(name, i, rule) for i, rule in enumerate(op.rules))
    op.scalar = partial(compute, floats)

    def function(*operands: Any, **params: Any) -> Any:
        if len(operands) != count:
            raise TypeError(
                f"{name} takes {count} argument{'s' * (count != 1)}, got {len(operands)}: custom_op was given a rule "
                "for each (None where there is no derivative); parameters are passed by keyword"
            )
        return apply(op, *operands, **params)

    function.__name__ = function.__qualname__ = name
    return function


def _check_signature(name: str, what: str, function: Any, first: tuple[str, ...], count: int) -> None:
    code = getattr(function, "__code__", None)
    if code is None:
        raise TypeError(f"custom_op {name!r}: {what} must be a function (def or lambda), got {function!r}")
    if code.co_argcount < len(first) + count and not code.co_flags & inspect.CO_VARARGS:
        raise TypeError(
            f"custom_op {name!r}: {what} takes ({', '.join(code.co_varnames[: code.co_argcount])}), but must take "
            f"({', '.join(first)}) and then {count} argument{'s' * (count != 1)}, one for each rule"
        )


def _checked_forward(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    def compute(xp: Any, *operands: Any, **params: Any) -> Any:
        try:
            found = forward(xp, *operands, **params)
        except AttributeError as error:
            raise _lacking(name, xp, error) from None
        if xp is floats and not isinstance(found, float | int | np.generic):
            raise TypeError(f"{name}: of Values it must compute one number, and not a {type(found).__name__}")
        return found

    return compute


def _checked_rule(name: str, position: int, rule: Rule) -> Rule:
    def checked(xp: Any, g: Any, out: Any, *operands: Any, **params: Any) -> Any:
        try:
            found = rule(xp, g, out, *operands, **params)
        except AttributeError as error:
            raise _lacking(name, xp, error) from None
        argument = data_of(operands[position])
        if not isinstance(argument, float | np.ndarray):
            return found  # symbols, for a formula
        if found is None or isinstance(found, tuple | list):
            raise TypeError(
                f"{name}: rule {position} returned {'None' if found is None else f'a {type(found).__name__}'}; each "
                "rule returns the cotangent of its own argument, and None stands in place of a rule"
            )
        got, wanted = np.shape(data_of(found)), np.shape(argument)
        if not _stretches(wanted, got):
            raise ShapeError(
                f"{name}: rule {position} returned shape {got} for an argument of shape {wanted}; a cotangent has the "
                "shape of its argument, or one to which the argument was broadcast"
            )
        return (
            found
            if isinstance(found, Node | np.ndarray) or isinstance(argument, float)
            else np.asarray(found)
        )

    checked.__wrapped__ = getattr(rule, "__wrapped__", rule)  # type: ignore[attr-defined]
    return checked


def _stretches(dims: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Say whether a shape broadcasts to another one."""
    padded = (1,) * (len(to) - len(dims)) + dims
    return len(padded) == len(to) and all(n in (1, m) for n, m in zip(padded, to))


def _lacking(name: str, xp: Any, error: AttributeError) -> Exception:
    """Return an error that says which function `xp` lacks; `error` itself if it is about something else."""
    if error.obj is not xp:
        return error
    advice = "; it is no function of single numbers, so call the op with Tensors" if xp is floats else ""
    kind = "Values" if xp is floats else "nodes" if xp is ops else "arrays"
    return TypeError(f"{name}: there is no xp.{error.name} for {kind}{advice}")
