"""A formula is what the rule does: evaluated on numbers, it gives what the rule gives."""

import inspect
import math
from typing import Any

import numpy as np
import pytest

import chainrule.autograd.ops  # noqa: F401 - fills OPS
from chainrule.autograd.op import OPS, Op
from chainrule.backends import floats
from chainrule.viz import formula
from chainrule.viz.formula import Symbol, Symbols
from chainrule.viz.notation import text


def is_plain(op: Op) -> bool:
    """Whether the op's rules take numbers only, no options."""
    return all(
        rule is None or len(inspect.signature(rule).parameters) == 3 + len(op.rules) for rule in op.rules
    )


# Ops that other tests define have no entry of their own in the table of floats.
ELEMENTWISE = [
    op
    for op in OPS
    if op.structure == "elementwise" and not op.variadic and is_plain(op) and hasattr(floats, op.name)
]
CASES = [(op, argument) for op in ELEMENTWISE for argument in range(len(op.rules)) if op.rules[argument]]


def evaluate(tree: Any, slots: dict[Any, float]) -> float:
    """Give an expression to the table of floats."""
    match tree:
        case ["slot", key]:
            return slots[key]
        case ["num", value]:
            return float(value)
        case ["where", condition, yes, no]:
            return evaluate(yes if evaluate(condition, slots) else no, slots)
    function, *arguments = tree
    return float(getattr(floats, function)(*(evaluate(argument, slots) for argument in arguments)))


def sample(op: Op, seed: int) -> list[float]:
    draw = np.random.default_rng(seed)
    bounds = op.domain or ((-2.0, 2.0),)
    return [float(draw.uniform(*bounds[min(k, len(bounds) - 1)])) for k in range(len(op.rules))]


@pytest.mark.parametrize(("op", "argument"), CASES, ids=str)
@pytest.mark.parametrize("upstream", [True, False])
def test_the_formula_computes_what_the_rule_computes(op: Op, argument: int, upstream: bool) -> None:
    operands = [Symbol(["slot", k]) for k in range(len(op.rules))]
    tree = formula.derive(op.rules, operands, Symbol(["slot", "out"]), {}, upstream=upstream)[argument]
    assert tree is not None
    for seed in range(5):
        inputs = sample(op, seed)
        out = float(getattr(floats, op.name)(*inputs))
        g = 1.7 if upstream else 1.0
        rule = op.rule(argument)
        assert rule is not None
        slots = dict(enumerate(inputs)) | {"out": out, "g": g}
        assert evaluate(tree, slots) == pytest.approx(rule(floats, g, out, *inputs), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("mul", 0, "g·y"),
        ("div", 1, "−g·v/y"),
        ("tanh", 0, "g·(1 − v²)"),
        ("sigmoid", 0, "g·v·(1 − v)"),
        ("relu", 0, "(g if x > 0 else 0)"),
        ("log", 0, "g/x"),
        ("matmul", 0, "g @ yᵀ"),
        ("matmul", 1, "xᵀ @ g"),
    ],
)
def test_known_formulas(name: str, argument: int, expected: str) -> None:
    (op,) = [op for op in OPS if op.name == name]
    shape = (2, 2) if name == "matmul" else ()
    operands = [Symbol(["slot", k], shape) for k in range(len(op.rules))]
    tree = formula.derive(op.rules, operands, Symbol(["slot", "out"], shape), {}, upstream=True)[argument]
    assert tree is not None
    assert text(tree, {0: "x", 1: "y", "g": "g", "out": "v"}) == expected


def test_a_constant_exponent_is_part_of_the_formula() -> None:
    (op,) = [op for op in OPS if op.name == "pow"]
    operands = [Symbol(["slot", 0]), Symbol(["num", 2.0])]
    tree = formula.derive(op.rules, operands, Symbol(["slot", "out"]), {}, upstream=False)[0]
    assert tree == ["mul", ["num", 2.0], ["slot", 0]]


def test_a_rule_that_needs_real_data_has_no_formula() -> None:
    assert formula.run(lambda xp, x: float(x), Symbol(["slot", 0])) is None


def test_a_symbol_is_no_endless_sequence() -> None:
    with pytest.raises(TypeError):
        list(Symbol(["slot", 0]))  # type: ignore[call-overload]


def test_shapes_follow_the_rule() -> None:
    xp, matrix = Symbols(), Symbol(["slot", 0], (3, 4))
    assert xp.swapaxes(matrix, 0, 1).shape == (4, 3)
    assert (matrix * Symbol(["slot", 1], (4,))).shape == (3, 4)
    assert xp.shape(xp.broadcast_to(matrix, (2, 3, 4))) == (2, 3, 4)
    assert xp.ndim(np.ones((2, 2))) == 2


def test_numbers_that_are_not_finite_stay_words() -> None:
    assert formula.run(lambda xp, x: x * math.inf, Symbol(["slot", 0])) == [
        "mul",
        ["slot", 0],
        ["text", "inf"],
    ]
