"""What every op needs beside its rule: an entry in each table, a sample, and a rule that every reader can run.

Rules are read as syntax trees. In a rule an operand (the cotangent, the output, an argument) may be added,
multiplied, negated and indexed; everything else goes through the interpreter `xp`, because Python's own operators
raise where IEEE arithmetic has an answer, and mean nothing to a symbol.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pytest
from tests.autograd.samples import CALLS, ELSEWHERE, own_ops, special_arguments, without_sample

from chainrule import backends
from chainrule.autograd import ops
from chainrule.autograd.op import OPS as ALL_OPS, Op
from chainrule.backends import floats, numpy as arrays

OPS = own_ops()
RULES = [(op, i, rule) for op in OPS for i, rule in enumerate(op.rules) if rule is not None]
SHAPE_QUESTIONS = {"xp.shape", "xp.ndim"}  # what they answer is no data: Python may compute with it
PYTHON_ONLY = {"abs", "bool", "divmod", "float", "int", "max", "min", "pow", "round", "sum"}
ALLOWED_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.USub)


def code_of(rule: Any) -> CodeType:
    code: CodeType = getattr(rule, "__wrapped__", rule).__code__
    return code


@cache
def functions_of(file: str) -> list[ast.Lambda | ast.FunctionDef]:
    tree = ast.parse(Path(file).read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.Lambda | ast.FunctionDef)]


def tree_of(code: CodeType) -> ast.Lambda | ast.FunctionDef:
    """The syntax tree of a function, found by its place and its arguments."""
    names = code.co_varnames[: code.co_argcount]
    (found,) = {
        node
        for node in functions_of(code.co_filename)
        if tuple(a.arg for a in node.args.args) == names and _starts(node, code)
    }
    return found


def _starts(node: ast.Lambda | ast.FunctionDef, code: CodeType) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == code.co_name
    places = [p for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3] != p[2]]
    line, column = min((p[0], p[2]) for p in places)
    body = node.body
    return (
        (body.lineno, body.col_offset) <= (line, column)
        and ((body.end_lineno, body.end_col_offset) >= max((p[1], p[3]) for p in places))
        and node.lineno == code.co_firstlineno
    )


class Reader:
    """What one rule does with its operands, helpers included."""

    def __init__(self, rule: Any, operands: set[str]) -> None:
        self.globals: dict[str, Any] = getattr(rule, "__wrapped__", rule).__globals__
        self.used: set[str] = set()
        self.faults: list[str] = []
        self.read_helpers: set[str] = set()
        self.function(tree_of(code_of(rule)), operands)

    def function(self, tree: ast.Lambda | ast.FunctionDef, operands: set[str]) -> None:
        known = set(operands)
        body = tree.body if isinstance(tree.body, list) else [tree.body]
        for statement in body:
            for node in ast.walk(statement):
                self.node(node, known)
            if isinstance(statement, ast.Assign) and self.holds(statement.value, known):
                known |= {n.id for t in statement.targets for n in ast.walk(t) if isinstance(n, ast.Name)}

    def node(self, node: ast.AST, known: set[str]) -> None:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "xp":
                self.used.add(node.attr)
            elif node.value.id in known:
                self.fault(node, f"reads an attribute of an operand; write xp.{node.attr}(...)")
        for part in _decisive(node):
            if self.holds(part, known):
                self.fault(node, "applies Python's own operator to an operand; write it with xp")
        if isinstance(node, ast.Call):
            self.call(node, known)

    def call(self, node: ast.Call, known: set[str]) -> None:
        name = ast.unparse(node.func)
        given = any(self.holds(a, known) for a in node.args)
        if given and (name in PYTHON_ONLY or name.partition(".")[0] in {"math", "np", "numpy"}):
            self.fault(node, f"calls {name} on an operand; write xp.{name.rpartition('.')[2]}(...)")
        helper = self.globals.get(name)
        if isinstance(helper, FunctionType) and name not in self.read_helpers:
            names = helper.__code__.co_varnames
            if names and names[0] == "xp":
                self.read_helpers.add(name)
                hints = helper.__annotations__
                self.function(
                    tree_of(helper.__code__),
                    {n for n in names[1 : helper.__code__.co_argcount] if hints.get(n) is Any},
                )

    def fault(self, node: ast.AST, text: str) -> None:
        self.faults.append(f"`{ast.unparse(node)}` {text}")

    def holds(self, node: ast.AST, known: set[str]) -> bool:
        """Say whether an expression has to do with an operand's data."""
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SHAPE_QUESTIONS | {"len"}:
            return False
        if isinstance(node, ast.Name):
            return node.id in known
        return any(self.holds(child, known) for child in ast.iter_child_nodes(node))


def _decisive(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that may not be operands."""
    match node:
        case ast.BinOp(op=operator) if not isinstance(operator, ALLOWED_OPERATORS):
            yield from (node.left, node.right)
        case ast.UnaryOp(op=operator) if not isinstance(operator, ALLOWED_OPERATORS):
            yield node.operand
        case ast.Compare():
            yield from (node.left, *node.comparators)
        case ast.BoolOp():
            yield from node.values
        case ast.IfExp() | ast.If() | ast.While() | ast.Assert():
            yield node.test


def read(op: Op, rule: Any) -> Reader:
    code = code_of(rule)
    if op.variadic:
        operands = {"g", "out", code.co_varnames[code.co_argcount + code.co_kwonlyargcount]}
    else:
        operands = set(code.co_varnames[1 : 3 + op.arity])
    return Reader(rule, operands)


def named(case: Any) -> str:
    return f"{case.name}" if isinstance(case, Op) else ""


def test_every_op_is_in_the_numpy_table() -> None:
    assert [op.name for op in OPS if not callable(getattr(arrays, op.name, None))] == []


def test_every_op_without_parameters_that_works_on_numbers_is_in_the_floats_table() -> None:
    missing = [op.name for op in OPS if op.structure == "elementwise" and op.scalar is None]
    assert missing == []


def test_every_op_with_a_derivative_has_a_sample() -> None:
    assert without_sample() == []


def test_no_two_ops_share_a_name() -> None:
    names = [op.name for op in OPS]
    assert len(set(names)) == len(names)
    assert [op.index for op in ALL_OPS] == list(range(len(ALL_OPS)))


def test_what_is_tried_elsewhere_is(root: Path) -> None:
    for name, file in ELSEWHERE.items():
        assert name in (root / file).read_text()


def test_every_elementwise_op_says_where_it_is_tested() -> None:
    missing = [
        op.name for op in OPS if op.structure == "elementwise" and not op.domain and op.name not in CALLS
    ]
    assert missing == []


# The bridge asks whether an operand is a node, to cross from one kind to the other.
PURE = [case for case in RULES if case[0].name not in ("from_values", "to_value")]


@pytest.mark.parametrize(("op", "argument", "rule"), PURE, ids=named)
def test_a_rule_leaves_operands_to_the_interpreter(op: Op, argument: int, rule: Any) -> None:
    assert read(op, rule).faults == []


@pytest.mark.parametrize(("op", "argument", "rule"), RULES, ids=named)
def test_what_a_rule_calls_is_in_every_table_that_must_run_it(op: Op, argument: int, rule: Any) -> None:
    tables = {"chainrule.backends.numpy": arrays, "chainrule.autograd.ops": ops}
    if op.scalar is not None:
        tables["chainrule.backends.floats"] = floats
    used = read(op, rule).used
    assert [
        f"{name} lacks {x}" for name, table in tables.items() for x in used if not hasattr(table, x)
    ] == []


# The reader itself, on rules with a known fault.


@pytest.mark.parametrize(
    "rule",
    [
        lambda xp, g, out, x: g / x,
        lambda xp, g, out, x: g * x**2,
        lambda xp, g, out, x: g * (x > 0),
        lambda xp, g, out, x: g if x else 0,
        lambda xp, g, out, x: g * (x and out),
        lambda xp, g, out, x: g @ x,
        lambda xp, g, out, x: g * abs(x),
        lambda xp, g, out, x: g * np.sign(x),
        lambda xp, g, out, x: g * x.sum(),
        lambda xp, g, out, x: xp.mul(g, 1 / x),
        lambda xp, g, out, x: _bad_helper(xp, g, x),
        lambda xp, g, out, x: ~g,
    ],
)
def test_the_reader_finds_a_fault(rule: Callable[..., Any]) -> None:
    assert Reader(rule, {"g", "out", "x"}).faults


def _bad_helper(xp: Any, g: Any, x: Any) -> Any:
    twice = 2 * x
    return g * twice**2


def _good_helper(xp: Any, g: Any, x: Any, n: int) -> Any:
    half = 1 / n if n > 1 else 1
    return g * half + xp.div(g, x)


@pytest.mark.parametrize(
    ("rule", "used"),
    [
        (lambda xp, g, out, x: -g * 2 * x + out, set()),
        (lambda xp, g, out, x, n: g * (1 / n), set()),
        (lambda xp, g, out, x: xp.div(g, 1 - x) * (1 / xp.shape(x)[0]), {"div", "shape"}),
        (lambda xp, g, out, x, n: _good_helper(xp, g, x, n), {"div"}),
    ],
)
def test_the_reader_passes_a_good_rule(rule: Callable[..., Any], used: set[str]) -> None:
    reader = Reader(rule, {"g", "out", "x"})
    assert reader.faults == []
    assert reader.used == used


# Values: every table against Python floats.


def scalar_calls() -> list[Any]:
    """Each op that works on numbers, with parameters where it needs them."""
    extra: dict[str, dict[str, Any]] = {
        "leaky_relu": {"negative_slope": 0.1},
        "elu": {"alpha": 1.5},
        "celu": {"alpha": 1.5},
        "clip": {"low": -0.5, "high": 2.0},
        "hardtanh": {"low": -0.5, "high": 2.0},
        "nan_to_num": {"nan": 0.5, "posinf": 100.0, "neginf": -100.0},
    }
    return [
        pytest.param(op, extra.get(op.name, {}), id=op.name)
        for op in OPS
        if op.scalar and op.name not in SPECIAL_CASES
    ]


LARGE = 10_000  # elements: a table may have a kernel that is for large arrays only
SPECIAL_CASES = {"where", "logical_and", "guard"}  # their first operand is a truth value or a cotangent
# Relative to the argument, not the result: left of -2 the result is the small difference of two numbers.
RELATIVE_TO_ARGUMENT = {"gelu", "sinc"}
SIGN_OF_ZERO_IS_FREE = {
    "celu",
    "elu",
    "fmax",
    "fmin",
    "maximum",
    "minimum",
    "selu",
}  # IEEE 754 lets max(0, -0) be either


def disagreements(table: Any, op: Op, params: dict[str, Any], dtype: Any) -> Iterator[str]:
    """What a table's function answers otherwise than Python floats, by more than 8 units in the last place."""
    with np.errstate(all="ignore"):
        points = np.array(special_arguments(op.arity), dtype)
        many = np.tile(points.T, -(-LARGE // len(points)))
        results = getattr(table, op.name)(*many, **params)[: len(points)]
        assert results.dtype == (bool if op.structure == "constant" else dtype)
        assert op.scalar is not None
        for point, found in zip(points.tolist(), results, strict=True):
            exact = op.scalar(*point, **params)
            expected = np.asarray(exact, dtype)
            size = np.abs(point).max() if op.name in RELATIVE_TO_ARGUMENT else expected
            limits = np.finfo(dtype)
            tolerance = max(
                8 * np.spacing(np.minimum(np.abs(size, dtype=dtype), limits.max / 2)), limits.tiny
            )
            if _differ(expected, found, tolerance, op.name in SIGN_OF_ZERO_IS_FREE):
                yield f"{op}{tuple(point)} is {exact!r}, the table gives {found!r}"


def _differ(expected: Any, found: Any, tolerance: Any, any_zero: bool) -> bool:
    if np.isnan(expected) or np.isnan(found):
        return bool(np.isnan(expected) != np.isnan(found))
    if expected == found:
        return bool(np.signbit(expected) != np.signbit(found)) and not any_zero
    return not np.abs(expected.astype(float) - float(found)) <= tolerance


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("backend", backends.NAMES)
@pytest.mark.parametrize(("op", "params"), scalar_calls())
def test_every_table_agrees_with_python_floats(
    backend: str, op: Op, params: dict[str, Any], dtype: Any
) -> None:
    assert list(disagreements(backends.load(backend), op, params, dtype)) == []


@pytest.mark.parametrize("op", [op for op in OPS if op.scalar and op.structure == "constant"], ids=str)
def test_a_truth_value_is_one_in_every_table(op: Op) -> None:
    assert op.scalar is not None
    arguments = (1.0, 0.0)[: op.arity]
    assert type(op.scalar(*arguments)) is bool
    assert np.asarray(getattr(arrays, op.name)(*arguments)).dtype == bool


def test_where_and_guard() -> None:
    nan = float("nan")
    for condition in (True, False):
        assert floats.where(condition, 1.0, nan) == 1.0 or not condition
        assert arrays.where(np.array(condition), 1.0, nan) == 1.0 or not condition
    for g, bad in product((0.0, -0.0), (nan, np.inf, -np.inf)):
        assert floats.guard(g, bad) == 0
        with np.errstate(invalid="ignore"):
            assert arrays.guard(np.array([g, 1.0]), np.array([bad, 2.0])).tolist() == [0, 2]
    assert np.isnan(floats.guard(1.0, nan))
    assert np.isnan(arrays.guard(np.array([1.0]), np.array([nan]))).all()
    with np.errstate(invalid="ignore"):
        guarded = arrays.guard(np.zeros(2, np.float32), np.full(2, np.inf, np.float32))
    assert guarded.dtype == np.float32
