"""An op: its name, the structure of its Jacobian, and one derivative rule per argument.

A rule is a function ``rule(xp, g, out, *inputs, **params)`` that returns the cotangent of one argument, given the
cotangent `g` of the result. `xp` is the interpreter that runs it: Python floats, a backend's arrays, recorded
nodes (for higher derivatives) or symbols (for formulas). So every derivative is written once.

In a rule, division, powers, comparisons and choices are written ``xp.div``, ``xp.pow``, ``xp.greater``,
``xp.where``: Python's own operators raise on floats where IEEE arithmetic has an answer.
"""

import inspect
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any, Literal

from chainrule.backends import floats

Rule = Callable[..., Any]
Structure = Literal["elementwise", "linear", "bilinear", "general", "constant"]

OPS: list["Op"] = []


class Op:
    """One primitive of the engine.

    Attributes:
        name: the name under which every table knows the function.
        structure: what forward mode may assume of the Jacobian. ``elementwise``: diagonal in every argument, so
            the rule itself maps tangents; ``linear``: the op maps tangents; ``bilinear``: likewise, one argument
            at a time; ``general``: neither; ``constant``: no derivative (comparisons, argmax).
        rules: one rule per argument; None where an argument has no derivative (a condition, labels).
        variadic: any number of arguments; the one rule takes a keyword `position`.
        arity: how many arguments it has (1 if variadic).
        direct: the arity of an op of numbers, if it is 1 or 2, each argument has a rule and there are no
            parameters; else 0.
        scalar: the function of Python floats, or None where a single number makes no sense.
        index: position in `OPS`, and so in every backend's list of functions.
        domain: per argument, the open interval that tests draw from.
        kinks: points where the derivative is a convention and finite differences do not apply.
    """

    __slots__ = (
        "arity",
        "direct",
        "domain",
        "index",
        "kinks",
        "name",
        "rules",
        "scalar",
        "structure",
        "variadic",
    )

    def __init__(
        self,
        name: str,
        structure: Structure,
        *rules: Rule | None,
        variadic: bool = False,
        singular: bool = False,
        domain: tuple[tuple[float, float], ...] = (),
        kinks: tuple[float, ...] = (),
    ) -> None:
        self.name = name
        self.structure = structure
        self.rules = tuple(_guarded(rule) for rule in rules) if singular else rules
        self.variadic = variadic
        self.domain = domain
        self.kinks = kinks
        self.arity = len(rules) or len(domain)
        self.scalar = getattr(floats, name, None)
        simple = self.scalar is not None and not variadic and self.arity <= 2 and all(rules)
        self.direct = len(rules) if simple and not _extra(rules) else 0
        self.index = len(OPS)
        OPS.append(self)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return by_name, (self.name,)

    def rule(self, argument: int) -> Rule | None:
        """Return the rule of one argument, or None where there is no derivative."""
        if self.variadic:
            rule = self.rules[0]
            assert rule is not None
            return partial(rule, position=argument)
        return self.rules[argument] if self.rules else None

    def reads(self, argument: int) -> bool:
        """Say whether any rule reads the data of this argument, seen from the rules' own code."""
        for rule in self.rules:
            code = getattr(rule, "__wrapped__", rule).__code__ if rule else None
            if code and (self.variadic or code.co_varnames[3 + argument] in _names_read(code)):
                return True
        return False


def _names_read(code: CodeType) -> set[Any]:
    import dis  # only to explain an error

    return {i.argval for i in dis.get_instructions(code) if i.opname.startswith(("LOAD_FAST", "LOAD_DEREF"))}


def _extra(rules: tuple[Rule | None, ...]) -> bool:
    """Say whether the rules take parameters beside xp, g, out and the arguments."""
    for rule in rules:
        if rule:
            code = getattr(rule, "__wrapped__", rule).__code__
            takes_any = code.co_flags & inspect.CO_VARKEYWORDS
            if takes_any or code.co_argcount + code.co_kwonlyargcount > 3 + len(rules):
                return True
    return False


def by_name(name: str) -> Op:
    """Return the op of this name.

    Raises:
        KeyError: no op has it.
    """
    for op in reversed(OPS):  # a user may have defined one anew
        if op.name == name:
            return op
    raise KeyError(name)


def _guarded(rule: Rule | None) -> Rule | None:
    """Return the rule of an op that is singular somewhere: a zero cotangent contributes exactly zero.

    Without it, the branch that `where` did not take sends 0·inf = nan. Guarding the result of the rule, which
    higher orders record like everything else, makes it hold at every order.
    """
    if rule is None:
        return None

    def guarded(xp: Any, g: Any, *operands: Any, **params: Any) -> Any:
        return xp.guard(g, rule(xp, g, *operands, **params))

    guarded.__wrapped__ = rule  # type: ignore[attr-defined]
    return guarded
