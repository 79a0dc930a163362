"""What is written in a box: short numbers, clipped names, an op's sign."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chainrule.viz.steps import Quantity, Summary
from chainrule.viz.trace import Trace, TraceNode

BOLD = 13.8  # px: bold text of 12.5 px is as wide as plain text of this size
UNKNOWN = "—"  # a gradient before backward() is not computed, which is something else than 0
SIGNS = {
    "add": "+",
    "sub": "−",
    "mul": "×",
    "div": "÷",
    "neg": "−",
    "pow": "xʸ",
    "matmul": "@",
    "sqrt": "√",
    "log": "ln",
    "sigmoid": "σ",
    "sum": "Σ",
}
"""How an op is written where there is no room for more; other ops show their name."""

_NARROW, _WIDE = frozenset("iljtfrI.,:;|!'()[] "), frozenset("mwMW@Σ%—…−∞")


def short(number: float, digits: int = 4) -> str:
    """A number in a few characters.

    Args:
        number: Any float, also a non-finite one.
        digits: Significant digits, at most; integers below a million are written in full.

    Returns:
        At most `digits` + 6 characters, with a true minus sign.

    Example:
        >>> short(-0.25), short(2.0), short(1234567.0), short(0.000012)
        ('−0.25', '2', '1.235e6', '1.2e−5')
    """
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "∞" if number > 0 else "−∞"
    if number == int(number) and abs(number) < 1e6:
        return str(int(number)).replace("-", "−")
    text = f"{number:.{digits - 1}e}"
    mantissa, exponent = text.split("e")
    power = int(exponent)
    if -4 < power < 6:
        text = f"{float(text):.{max(digits - 1 - power, 0)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{mantissa.rstrip('0').rstrip('.')}e{power}"
    return text.replace("-", "−")


def quantity(value: Quantity | None) -> str:
    """A value or gradient in a few characters: a number, or an array's range.

    Args:
        value: What a trace holds; None for what is not computed.

    Returns:
        At most 14 characters.

    Example:
        >>> quantity(None), quantity(0.5), quantity(Summary((3,), -1.0, 2.5, 0.1, ((-1.0,),)))
        ('—', '0.5', '−1…2.5')
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, Summary):
        if value.least == value.greatest:
            return f"all {tiny(value.least)}"
        return f"{tiny(value.least)}…{tiny(value.greatest)}"
    return short(float(value))


def tiny(number: float) -> str:
    """A number in six characters: two digits, or only one if it is below 1 or large.

    Example:
        >>> tiny(-1.25), tiny(0.123), tiny(0.00123), tiny(123456.0)
        ('−1.2', '0.1', '1e−3', '1e5')
    """
    if number == 0 or not math.isfinite(number) or 0.01 <= abs(number) < 9950:
        return short(number, 1 if abs(number) < 0.95 else 2)
    mantissa, exponent = f"{number:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def shape(value: TraceNode) -> str:
    """A node's shape, as "64×32"; "" for a scalar."""
    return shape_text(value.shape)


def shape_text(shape: Sequence[int]) -> str:
    """A shape, as "64×32"."""
    return "×".join(map(str, shape))


def title(node: TraceNode, name: str) -> tuple[str, str]:
    """What stands at the left and at the right of a box's first line: the name, and the op's sign.

    Args:
        node: The node.
        name: Its name, see `names`.

    Returns:
        The name first if it is the user's own, else the sign first.
    """
    sign = SIGNS.get(node.op or "", node.op or "")
    if node.role == "constant" and not node.shape and node.label:
        return f"{node.label} = {quantity(node.value)}", ""
    if node.label:  # without the scope in front: the box stands in it
        return node.label, sign
    return (sign, name) if node.op else (name, sign)


def names(trace: Trace) -> list[str]:
    """What each node is called in formulas and sentences: its label, its number, or v1, v2 and so on.

    Args:
        trace: A recorded graph.

    Returns:
        One name per node, in their order. The result without a label is "L", an array of data c1, c2 and so on. A
        label that several nodes bear, as the weights of layers do, has a scope in front, or as many as it takes to tell
        them apart: "layer1.weight".
    """
    found, count, data = [], 0, 0
    qualified = _qualified(trace)
    for node in trace.nodes:
        if node.label:
            found.append(qualified.get(node.id, node.label))
        elif node.role == "constant" and node.value is not None and not isinstance(node.value, Summary):
            found.append(short(float(node.value)))
        elif node.role == "loss":
            found.append("L")
        elif node.role == "constant":
            data += 1
            found.append(f"c{data}")
        else:
            count += 1
            found.append(f"v{count}")
    return found


def _qualified(trace: Trace) -> dict[int, str]:
    """The nodes whose label is not theirs alone, by their scopes' names as well."""
    bearers: dict[str, list[TraceNode]] = {}
    for node in trace.nodes:
        if node.label:
            bearers.setdefault(node.label, []).append(node)
    names: dict[int, str] = {}
    for label, nodes in bearers.items():
        if len(nodes) > 1:
            paths = [scopes(trace, node) for node in nodes]
            depth = next((k for k in range(1, 9) if len({tuple(p[-k:]) for p in paths}) == len(paths)), 9)
            names |= {node.id: ".".join([*path[-depth:], label]) for node, path in zip(nodes, paths)}
    return names


def scopes(trace: Trace, node: TraceNode) -> list[str]:
    """The names of the scopes around a node, outermost first; around a leaf those of its first reader."""
    scope = node.scope
    if node.op is None:
        reader = next((reader for reader in trace.nodes[node.id :] if node.id in reader.parents), node)
        scope = scope if reader.scope is None else reader.scope
    path: list[str] = []
    while scope is not None:
        path.insert(0, trace.scopes[scope].name)
        scope = trace.scopes[scope].parent
    return path


def width(text: str, size: float) -> float:
    """About how wide a text is, px, in a sans-serif font of `size` px; rather too much than too little."""
    units = sum(0.36 if char in _NARROW else 0.9 if char in _WIDE or char.isupper() else 0.6 for char in text)
    return units * size


def caption(text: str, number: str, room: float) -> str:
    """What stands left of a number on the same line: the caption, or nothing where the two would touch.

    Args:
        text: The caption, in 9.5 px.
        number: What `quantity` wrote, in 11 px, perhaps bold.
        room: px for both.

    Returns:
        The caption or "".

    Example:
        >>> caption("grad", "0.5", 102.0), caption("grad", "−5e−3…5e−3", 102.0)
        ('grad', '')
    """
    return text if width(text, 9.5) + width(number, 12.1) + 4 <= room else ""


def clip(text: str, room: float, size: float) -> str:
    """A text cut to fit `room` px, with an ellipsis where something is missing.

    Args:
        text: Any text.
        room: px.
        size: Font size, px.

    Returns:
        The text, or as much of it as fits.

    Example:
        >>> clip("hidden layer activation", 60.0, 12.0)
        'hidden l…'
    """
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"
