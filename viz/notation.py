"""How an expression is written: in one line of text, and as MathML.

Expressions are the nested lists of `chainrule.viz.formula`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

Expression = list[Any]
Markup = list[Any]
"""MathML as nested lists, `[tag, *children]`; a `["slot", key, care]` is still to be filled in."""

COMPARE, SUM, PRODUCT, POWER, ATOM = range(5)  # how tightly an operator binds
PLAIN, SIGNED, FENCED = range(3)  # what an open slot puts in parentheses: nothing, negatives, all but a name
_INFIX = {
    "greater": (COMPARE, ">"),
    "greater_equal": (COMPARE, "≥"),
    "less": (COMPARE, "<"),
    "less_equal": (COMPARE, "≤"),
    "equal": (COMPARE, "="),
    "not_equal": (COMPARE, "≠"),
    "logical_and": (COMPARE, "and"),
    "logical_or": (COMPARE, "or"),
    "add": (SUM, "+"),
    "sub": (SUM, "−"),
    "mul": (PRODUCT, "·"),
    "div": (PRODUCT, "/"),
    "matmul": (PRODUCT, "@"),
}
_WRITTEN = {"log": "ln", "sigmoid": "σ", "sum": "Σ", "absolute": "abs", "tuple": ""}


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    return f"{value:.6g}".replace("-", "−")


def text(tree: Expression, names: Mapping[int | str, str] | None = None, need: int = COMPARE) -> str:
    """An expression in one line.

    Args:
        tree: The expression.
        names: What stands in the slots; a slot without a name shows its key.
        need: How tightly the surroundings bind; looser operators get parentheses.

    Returns:
        Unicode text, such as "g·(1 − y²)".
    """
    names = names or {}
    match tree:
        case ["slot", key]:
            return names.get(key, str(key))
        case ["num", value]:
            return f"({_number(value)})" if value < 0 and need > SUM else _number(value)
        case ["text", option]:
            return str(option)
        case ["neg", inner]:
            return _wrap(f"−{text(inner, names, PRODUCT)}", SUM, need)
        case ["pow", base, ["num", 2.0]] | ["square", base]:
            return f"{text(base, names, ATOM)}²"
        case ["pow", base, exponent]:
            return _wrap(f"{text(base, names, ATOM)}^{text(exponent, names, ATOM)}", POWER, need)
        case ["where", condition, yes, no]:
            inner = f"{text(yes, names)} if {text(condition, names)} else {text(no, names)}"
            return _wrap(inner, COMPARE, need + 1)
        case ["swapaxes" | "transpose", inner, *_]:
            return f"{text(inner, names, ATOM)}ᵀ"
        case ["getitem", inner, index]:
            return f"{text(inner, names, ATOM)}[{text(index, names)}]"
        case [function, left, right] if function in _INFIX:
            level, sign = _INFIX[function]
            tight = level + (function in ("sub", "div"))
            sign = sign if sign in "·/" else f" {sign} "
            return _wrap(text(left, names, level) + sign + text(right, names, tight), level, need)
    arguments = ", ".join(text(argument, names) for argument in tree[1:])
    return f"{_WRITTEN.get(tree[0], tree[0])}({arguments})"


def _wrap(inner: str, level: int, need: int) -> str:
    return f"({inner})" if level < need else inner


def markup(tree: Expression, need: int = COMPARE, *, first: bool = True) -> Markup:
    """An expression as MathML with open slots.

    Args:
        tree: The expression.
        need: How tightly the surroundings bind.
        first: Whether it opens the formula, where a negative number needs no parentheses.

    Returns:
        Nested lists; `["slot", key, care]` stays open for a name or a number, and `care` says what needs
        parentheses there: nothing (0), a negative number (1), all but a single name or number (2).
    """
    match tree:
        case ["slot", key]:
            return ["slot", key, FENCED if need == ATOM else SIGNED if not first else PLAIN]
        case ["num", value]:
            number = ["mn", _number(value)]
            return number if value >= 0 or first else ["mrow", ["mo", "("], number, ["mo", ")"]]
        case ["text", option]:
            return ["mtext", str(option)]
        case ["neg", inner]:
            return _fence(["mrow", ["mo", "−"], markup(inner, PRODUCT, first=False)], SUM, need)
        case ["div", above, below]:
            return ["mfrac", markup(above), markup(below)]
        case [function, left, right] if function in _INFIX:
            level, sign = _INFIX[function]
            opening = markup(left, level, first=first and level >= need)
            closing = markup(right, level + (function == "sub"), first=level == COMPARE)
            return _fence(["mrow", opening, ["mo", sign], closing], level, need)
    shaped = _shaped(tree)
    if shaped is not None:
        return _fence(shaped, COMPARE, need) if tree[0] == "where" else shaped
    arguments: list[Markup] = []
    for argument in tree[1:]:
        arguments += [["mo", ","]] * bool(arguments) + [markup(argument)]
    return ["mrow", ["mi", _WRITTEN.get(tree[0], tree[0])], ["mo", "("], *arguments, ["mo", ")"]]


def _shaped(tree: Expression) -> Markup | None:
    """The functions that mathematics writes with a shape of their own: powers, roots, cases."""
    match tree:
        case ["pow", base, ["num", 0.5]] | ["sqrt", base]:
            return ["msqrt", markup(base)]
        case ["pow", base, exponent]:
            return ["msup", markup(base, ATOM, first=False), markup(exponent)]
        case ["square", base]:
            return ["msup", markup(base, ATOM, first=False), ["mn", "2"]]
        case ["exp", inner]:
            return ["msup", ["mi", "e"], markup(inner)]
        case ["abs" | "absolute", inner]:
            return ["mrow", ["mo", "|"], markup(inner), ["mo", "|"]]
        case ["where", _, _, _]:
            rows: list[Markup] = []
            rest: Expression = tree
            while rest[0] == "where":  # cases within "otherwise" are further lines, not another brace
                _, condition, yes, rest = rest
                told = ["mtd", ["mtext", "if\u00a0"], markup(condition)]
                rows.append(["mtr", ["mtd", markup(yes)], told])
            rows.append(["mtr", ["mtd", markup(rest)], ["mtd", ["mtext", "otherwise"]]])
            return ["mrow", ["mo", "{"], ["mtable", *rows]]
        case ["swapaxes" | "transpose", inner, *_]:
            return ["msup", markup(inner, ATOM, first=False), ["mtext", "T"]]
        case ["getitem", inner, index]:
            return ["mrow", markup(inner, ATOM), ["mo", "["], markup(index), ["mo", "]"]]
    return None


def _fence(inner: Markup, level: int, need: int) -> Markup:
    return ["mrow", ["mo", "("], inner, ["mo", ")"]] if level < need else inner


def mathml(tree: Expression, names: Mapping[int | str, str] | None = None) -> str:
    """An expression as a MathML element for HTML.

    Args:
        tree: The expression.
        names: What stands in the slots; every name is escaped.

    Returns:
        A `<math>` element.

    >>> mathml(["mul", ["slot", 0], ["num", 2.0]], {0: "x"})
    '<math><mrow><mi mathvariant="normal">x</mi><mo>·</mo><mn>2</mn></mrow></math>'
    """
    return f"<math>{_element(markup(tree), names or {})}</math>"


def _element(node: Markup, names: Mapping[int | str, str]) -> str:
    if node[0] == "slot":
        node = ["mi", names.get(node[1], str(node[1]))]
    inner = "".join(escape(child) if isinstance(child, str) else _element(child, names) for child in node[1:])
    # Without a maths font, browsers show a bare one-letter <mi> as an empty box.
    variant = ' mathvariant="normal"' if node[0] == "mi" else ""
    return f"<{node[0]}{variant}>{inner}</{node[0]}>"
