"""Formulas as text: computed as Python computes them, and nothing else can be written."""

import contextlib
import math

import pytest
from hypothesis import given, strategies as st

from chainrule.viz.expression import FUNCTIONS, LONGEST, compute, numbers


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("tanh(w*x + b)", math.tanh(2.0 * -1.0 + 0.5)),
        ("-x**2", -1.0),
        ("(-x)**2 / w - 3*b", 0.5 - 1.5),
        ("+x + sin(pi*b)", 0.0),
        ("log(e*w)", 1 + math.log(2)),
        ("maximum(x, 0.25) + 1e-3*w", 0.252),
        ("2 ** -w", 0.25),
        (" x ", -1.0),
    ],
)
def test_values(expression: str, expected: float) -> None:
    point = {"w": 2.0, "x": -1.0, "b": 0.5}
    used = {name: number for name, number in point.items() if name in expression.replace("exp", "")}
    assert compute(expression, used).data == pytest.approx(expected, rel=1e-15, abs=1e-15)


def test_gradients_and_labels() -> None:
    y = compute("x*x*x", {"x": 3.0})
    y.backward()
    assert y.a.a.label == "x"
    assert y.a.a.grad == 27.0


def test_ieee_arithmetic() -> None:
    assert compute("9**9**9 * x", {"x": 1.0}).data == math.inf
    assert compute("x / 0", {"x": 1.0}).data == math.inf


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x^2", r"cannot use 'x\^2' in an expression: \^ is no power in Python: write \*\*"),
        ("x.__class__", "cannot use 'x.__class__'"),
        ("__import__('os')", "unknown function '__import__'"),
        ("eval(x)", "unknown function 'eval'"),
        ("(lambda: x)()", "an expression holds names, numbers"),
        ("[x for x in x]", "an expression holds names, numbers"),
        ("x if x else 1", "an expression holds names, numbers"),
        ("x < 1", "an expression holds names, numbers"),
        ("'a' * x", "cannot use \"'a'\""),
        ("True * x", "cannot use 'True'"),
        ("1j * x", "cannot use '1j'"),
        ("tanh(x)(x)", "cannot use"),
        ("(y := x)", "cannot use 'y := x'"),
        ("x = 1", "cannot read the expression 'x = 1' at character 3"),
        ("tanh(x", "cannot read the expression"),
        ("", "cannot read the expression"),
        ("x\x00", "cannot read the expression"),
        ("tahn(x)", "unknown function 'tahn'.*did you mean 'tan'"),
        ("tanh(x, x)", r"cannot use 'tanh\(x, x\)' in an expression: tanh\(\) takes 1"),
        ("clip(x, low=x)", "a setting such as slope=0.1 is a plain number"),
        ("tanh(**x)", "a setting such as"),
        ("tanh(*x)", r"cannot use '\*x'"),
        ("x + z", "z has no number: write --at x=1,z=1.0"),
        ("3 * 2", "holds no name|does not use it"),
        ("pi", "does not use it|holds no name"),
        ("1" * 400 + " * x", "this number is larger than any float"),
        ("x" + "+x" * LONGEST, "has 2,001 characters, at most 1,000"),
        ("(" * 300 + "x" + ")" * 300, "cannot read the expression"),
    ],
)
def test_what_is_no_formula(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute(expression, {"x": 1.0})


def test_no_names_at_all() -> None:
    with pytest.raises(ValueError, match="holds no name, so there is nothing to differentiate"):
        compute("3 * 2", {})


def test_long_sums_need_no_deep_recursion() -> None:
    expression = "x" + "+x" * ((LONGEST - 1) // 2)
    assert compute(expression, {"x": 1.0}).data == LONGEST / 2


@given(st.text(max_size=40))
def test_any_text_computes_or_is_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        compute(text, {"x": 1.0})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_one_of_numbers(name: str) -> None:
    given_: dict[int, str] = {1: "x", 2: "x, 1.5", 3: "x, 1.5, 2.5"}
    for arguments in given_.values():
        try:
            compute(f"{name}({arguments})", {"x": 0.5})
        except ValueError:
            continue
        return
    pytest.fail(f"{name} takes neither one, two nor three numbers")


def test_numbers() -> None:
    assert numbers("w=2,x=-1, b = 0.5") == {"w": 2.0, "x": -1.0, "b": 0.5}
    assert numbers("") == {}
    assert math.isnan(numbers("x=nan")["x"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w", "cannot read 'w': write names and numbers as in w=2,x=-1,b=0.5"),
        ("w=", "cannot read 'w='"),
        ("w=two", "cannot read 'w=two'"),
        ("2=w", "cannot read '2=w'"),
        ("w=1,w=2", "w is given twice, as 1 and 2"),
    ],
)
def test_what_are_no_numbers(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        numbers(text)
