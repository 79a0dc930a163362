"""How a line of the rule table becomes a public function."""

from collections.abc import Callable
from typing import Any, TypeVar

from chainrule.autograd.node import Node, apply
from chainrule.autograd.op import Op, Rule

Operand = Any  # a Value, a Tensor, a number, or anything NumPy makes an array of

Function = TypeVar("Function", bound=Callable[..., Any])

_ELEMENTWISE = """{about}, element by element.

Args:
{arguments}

Returns:
    A Value for Values, a Tensor of the broadcast shape for Tensors, a plain number or array for constants.

Example:
    >>> {call}
    {result}
"""


def unary(
    name: str,
    about: str,
    rule: Rule | None,
    *,
    domain: tuple[float, float] = (-2.0, 2.0),
    singular: bool = False,
    kinks: tuple[float, ...] = (),
    example: tuple[float, float | bool],
) -> Callable[[Operand], Any]:
    """Define a function of one argument, with its rule; the result carries its `Op` as ``.op``.

    Args:
        name: of the op, the function and the entry in every table.
        about: what it computes; the first line of the docstring.
        rule: cotangent of the argument; None if it has no derivative.
        domain: open interval where tests draw the argument.
        singular: the rule can be infinite or nan somewhere.
        kinks: points with a derivative by convention.
        example: an argument and the result to four decimals, for the doctest.
    """
    arguments = "    x: a Value, or a Tensor of any shape; a number or array is a constant."
    if rule is None:
        constant = Op(name, "constant", domain=(domain,))

        def question(x: Operand) -> Any:
            return apply(constant, x)

        return _named(question, constant, about, arguments, example)
    op = Op(name, "elementwise", rule, singular=singular, domain=(domain,), kinks=kinks)

    def function(x: Operand) -> Any:
        return x.record1(op) if isinstance(x, Node) else apply(op, x)

    return _named(function, op, about, arguments, example)


def binary(
    name: str,
    about: str,
    *rules: Rule,
    domain: tuple[tuple[float, float], tuple[float, float]] = ((-2.0, 2.0), (-2.0, 2.0)),
    singular: bool = False,
    example: tuple[float, float, float | bool],
) -> Callable[[Operand, Operand], Any]:
    """Define a function of two arguments that broadcast, with a rule for each; see `unary`."""
    op = Op(name, "elementwise" if rules else "constant", *rules, singular=singular, domain=domain)

    def function(x: Operand, y: Operand) -> Any:
        return apply(op, x, y)

    arguments = (
        "    x: a Value, or a Tensor of any shape; a number or array is a constant.\n"
        "    y: likewise, of a shape that broadcasts."
    )
    return _named(function, op, about, arguments, example)


def _named(
    function: Function, op: Op, about: str, arguments: str, example: tuple[float | bool, ...]
) -> Function:
    *operands, result = example
    call = f"cr.{op.name}({', '.join(map(str, operands))})"
    if not isinstance(result, bool):
        call = f"round({call}, 4)"
    function.__name__ = function.__qualname__ = op.name
    function.__module__ = "chainrule.autograd.ops"
    function.__doc__ = _ELEMENTWISE.format(about=about, arguments=arguments, call=call, result=result)
    function.op = op  # type: ignore[attr-defined]
    return function
