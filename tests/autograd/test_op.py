"""What an op knows of itself from its rules' own code."""

import copy

import pytest

from chainrule.autograd.op import OPS, by_name


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("add", 0, False),
        ("mul", 0, True),
        ("mul", 1, True),
        ("exp", 0, False),
        ("log", 0, True),
        ("tanh", 0, False),
        ("relu", 0, True),
        ("div", 1, True),
        ("where", 0, True),
        ("where", 1, False),
        ("matmul", 0, True),
        ("linear", 2, False),
    ],
)
def test_reads_says_whether_a_rule_needs_an_argument(name: str, argument: int, expected: bool) -> None:
    assert by_name(name).reads(argument) is expected


def test_by_name() -> None:
    assert by_name("tanh").name == "tanh"
    with pytest.raises(KeyError):
        by_name("tahn")


def test_an_op_is_one_object() -> None:
    op = by_name("mul")
    assert copy.copy(op) is op
    assert copy.deepcopy(op) is op
    assert repr(op) == "mul"
    assert OPS[op.index] is op


def test_direct_ops_take_one_or_two_arguments_and_nothing_else() -> None:
    assert by_name("tanh").direct == 1
    assert by_name("mul").direct == 2
    for name in ("where", "clip", "sum", "concatenate", "greater"):
        assert by_name(name).direct == 0
