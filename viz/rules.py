"""How a parameter moves: what an optimizer does in formulas, or what the numbers of a hand-written loop say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.nn.optim import Optimizer
from chainrule.viz.formula import Symbol, Symbols
from chainrule.viz.notation import Expression, text

SYMBOLS = {"velocity": "v", "mean": "m", "square": "s", "total": "s", "steps": "t"}
"""What an optimizer remembers, and how it is written."""

Lines = list[tuple[str, Symbol]]
_xp = Symbols()


class Names:
    """The symbols that update formulas are written in."""

    def __getattr__(self, name: str) -> Symbol:
        return Symbol(["slot", name])


def _sgd(n: Names, numbers: Mapping[str, Any]) -> Lines:
    lines, g = _decayed(n, numbers)
    if momentum := numbers["momentum"]:
        lines.append(("v", momentum * n.v + g))
        g = g + momentum * n.v if numbers["nesterov"] else n.v
    return [*lines, ("w", n.w - numbers["lr"] * g)]


def _adam(n: Names, numbers: Mapping[str, Any]) -> Lines:
    lines, g = _decayed(n, numbers)
    return lines + _adam_step(n, numbers, g)


def _adamw(n: Names, numbers: Mapping[str, Any]) -> Lines:
    shrink = numbers["lr"] * numbers["weight_decay"]
    return [("w", n.w - shrink * n.w), *_adam_step(n, numbers, n.g)]


def _adam_step(n: Names, numbers: Mapping[str, Any], g: Symbol) -> Lines:
    one, two = numbers["betas"]
    mean, square = _xp.div(n.m, 1 - _xp.pow(one, n.t)), _xp.div(n.s, 1 - _xp.pow(two, n.t))
    step = _xp.div(mean, _xp.sqrt(square) + numbers["eps"])
    return [
        ("m", one * n.m + (1 - one) * g),
        ("s", two * n.s + (1 - two) * (g * g)),
        ("w", n.w - numbers["lr"] * step),
    ]


def _rmsprop(n: Names, numbers: Mapping[str, Any]) -> Lines:
    lines, g = _decayed(n, numbers)
    alpha = numbers["alpha"]
    lines.append(("s", alpha * n.s + (1 - alpha) * (g * g)))
    return [*lines, ("w", n.w - numbers["lr"] * _xp.div(g, _xp.sqrt(n.s) + numbers["eps"]))]


def _adagrad(n: Names, numbers: Mapping[str, Any]) -> Lines:
    lines, g = _decayed(n, numbers)
    lines.append(("s", n.s + g * g))
    return [*lines, ("w", n.w - numbers["lr"] * _xp.div(g, _xp.sqrt(n.s) + numbers["eps"]))]


def _decayed(n: Names, numbers: Mapping[str, Any]) -> tuple[Lines, Symbol]:
    decay = numbers["weight_decay"]
    return ([("g", n.g + decay * n.w)], n.g) if decay else ([], n.g)


FORMULAS: dict[str, Callable[[Names, Mapping[str, Any]], Lines]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adamw,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
}
"""The lines that each optimizer computes, one after another; a test lets them compute what it computes."""


def of_optimizer(optimizer: Optimizer, group: Mapping[str, Any]) -> dict[str, Any]:
    """The update rule of an optimizer's group as plain data.

    Args:
        optimizer: The optimizer; of a kind without formulas only name and settings are told.
        group: Its settings for the parameter at hand.

    Returns:
        {"name", "settings", "lines", "text"}: a line is [target, expression], in the slots w, g, and what is
        remembered.

    Example:
        >>> from chainrule.nn import Parameter
        >>> from chainrule.nn.optim import SGD
        >>> optimizer = SGD([Parameter([1.0])], lr=0.1, momentum=0.9)
        >>> of_optimizer(optimizer, optimizer.param_groups[0])["text"]
        'v ← 0.9·v + g; w ← w − 0.1·v'
    """
    name = type(optimizer).__name__
    settings = {key: value for key, value in group.items() if key != "params"}
    write = FORMULAS.get(name)
    return _rule(name, settings, [] if write is None else write(Names(), settings))


def of_numbers(before: Any, after: Any, gradient: Any) -> dict[str, Any] | None:
    """The update rule that a hand-written loop must have had: a step of −lr·g, if it was one.

    Args:
        before: The parameter's data before the update.
        after: The same after it.
        gradient: Its gradient.

    Returns:
        As `of_optimizer`, with an empty name; None if the change is no multiple of the gradient.

    Example:
        >>> of_numbers(2.0, 1.7, 3.0)["text"]
        'w ← w − 0.1·g'
        >>> of_numbers(np.array([1.0, 2.0]), np.array([0.0, 0.0]), np.array([1.0, 1.0])) is None
        True
    """
    w, moved, g = (np.asarray(array, float) for array in (before, after, gradient))
    largest = np.argmax(np.abs(g)) if g.size else 0
    if not g.size or not np.isfinite(g).all() or g.flat[largest] == 0:
        return None
    ratio = float((w - moved).flat[largest] / g.flat[largest])
    near = 8 * np.finfo(getattr(before, "dtype", float)).eps * np.maximum(np.abs(w), np.abs(moved))
    for digits in range(1, 8):
        lr = float(f"{ratio:.{digits}g}")
        if np.all(np.abs(w - lr * g - moved) <= near):
            n = Names()
            step = n.w - lr * n.g if lr >= 0 else n.w + -lr * n.g
            return _rule("", {"lr": lr}, [("w", step)])
    return None


def found_in(function: Callable[..., Any], args: Sequence[Any]) -> list[Optimizer]:
    """The optimizers that a function can reach: in its arguments, its closure, its module, its object's attributes.

    Args:
        function: A training step.
        args: What it is called with.

    Returns:
        Each optimizer once.
    """
    seen: list[Any] = [*args, function, getattr(function, "__self__", None), *getattr(function, "args", ())]
    plain = inspect.unwrap(getattr(function, "func", function))
    plain = getattr(plain, "__func__", plain)
    if inspect.isfunction(plain):
        variables = inspect.getclosurevars(plain)
        seen += [*variables.nonlocals.values(), *variables.globals.values()]
    inner: Iterable[Any] = (x for one in seen for x in (one, *getattr(one, "__dict__", {}).values()))
    return list({id(x): x for x in inner if isinstance(x, Optimizer)}.values())


def _rule(name: str, settings: Mapping[str, Any], lines: Lines) -> dict[str, Any]:
    trees: list[tuple[str, Expression]] = [(target, symbol.tree) for target, symbol in lines]
    written = "; ".join(f"{target} ← {text(tree)}" for target, tree in trees)
    kept = {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
    return {"name": name, "settings": kept, "lines": [list(line) for line in trees], "text": written}
