"""The formulas of the optimizers compute what the optimizers compute."""

from typing import Any

import numpy as np
import pytest

from chainrule.nn import Parameter, optim
from chainrule.viz.rules import FORMULAS, SYMBOLS, found_in, of_numbers, of_optimizer

MATH = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "sqrt": np.sqrt,
    "neg": np.negative,
}
KINDS = [
    (optim.SGD, {"lr": 0.1}),
    (optim.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    (optim.Adam, {"lr": 0.01}),
    (optim.Adam, {"weight_decay": 0.1}),
    (optim.AdamW, {"lr": 0.01}),
    (optim.RMSprop, {"lr": 0.01}),
    (optim.Adagrad, {"lr": 0.1}),
]


def value(tree: Any, slots: dict[str, Any]) -> Any:
    """An expression, computed."""
    if tree[0] == "slot":
        return slots[tree[1]]
    if tree[0] == "num":
        return tree[1]
    return MATH[tree[0]](*(value(argument, slots) for argument in tree[1:]))


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=lambda x: getattr(x, "__name__", str(x)))
def test_the_lines_compute_the_optimizers_update(kind: Any, settings: dict[str, Any]) -> None:
    draw = np.random.default_rng(0)
    w = Parameter(draw.normal(size=4), dtype=np.float64)
    optimizer = kind([w], **settings)
    slots: dict[str, Any] = {"w": w.data, "v": 0.0, "m": 0.0, "s": 0.0, "t": 0}
    rule = of_optimizer(optimizer, optimizer.param_groups[0])
    for _ in range(5):
        w.grad = slots["g"] = draw.normal(size=4)
        slots["t"] += 1
        for target, tree in rule["lines"]:
            slots[target] = value(tree, slots)
        optimizer.step()
        np.testing.assert_allclose(slots["w"], w.data, rtol=1e-12)
        for name, kept in optimizer.state[0].items():
            np.testing.assert_allclose(slots[SYMBOLS[name]], kept, rtol=1e-12)


def test_every_formula_is_tested() -> None:
    assert {kind.__name__ for kind, _ in KINDS} == set(FORMULAS)


def test_an_optimizer_without_formulas_tells_its_settings() -> None:
    class Mine(optim.SGD):
        pass

    optimizer = Mine([Parameter([1.0])], lr=0.5)
    rule = of_optimizer(optimizer, optimizer.param_groups[0])
    assert (rule["name"], rule["settings"]["lr"], rule["lines"], rule["text"]) == ("Mine", 0.5, [], "")


@pytest.mark.parametrize(
    ("before", "after", "gradient", "text"),
    [
        (1.0, 0.7, 3.0, "w ← w − 0.1·g"),
        (1.0, 1.3, 3.0, "w ← w + 0.1·g"),
        (np.float32([1, 2]), np.float32([1, 2]) - np.float32(0.05) * np.float32([3, -4]),
         np.float32([3, -4]), "w ← w − 0.05·g"),
    ],
)  # fmt: skip
def test_a_step_against_the_gradient_is_recognised(before: Any, after: Any, gradient: Any, text: str) -> None:
    rule = of_numbers(before, after, gradient)
    assert rule is not None
    assert rule["text"] == text


@pytest.mark.parametrize(
    ("before", "after", "gradient"),
    [
        (1.0, 2.0, 0.0),
        (1.0, 2.0, np.nan),
        (np.ones(2), np.zeros(2), np.array([1.0, 2.0])),
        (np.ones(0), np.ones(0), np.ones(0)),
    ],
)
def test_any_other_change_is_not(before: Any, after: Any, gradient: Any) -> None:
    assert of_numbers(before, after, gradient) is None


def test_optimizers_are_found_where_a_function_can_reach_them() -> None:
    one, two, three = (optim.SGD([Parameter([1.0])]) for _ in range(3))

    class Trainer:
        def __init__(self) -> None:
            self.optimizer = one

        def step(self) -> None:
            pass

    def closure(_: Any) -> Any:
        return two

    assert found_in(Trainer().step, ()) == [one]
    assert found_in(closure, (three,)) == [three, two]
    assert found_in(print, ()) == []
