"""`Program`: plain data that any backend can run."""

import numpy as np
import pytest

from chainrule import backends
from chainrule.backends.program import Program, Step

TABLE = backends.load("numpy")


def affine() -> Program:
    """2 x + y, by hand."""
    return Program(
        inputs=(0, 1),
        constants={2: 2.0},
        steps=(Step("mul", (0, 2), 3), Step("add", (3, 1), 4)),
        outputs=(4,),
        shapes={0: (3,), 1: (), 2: (), 3: (3,), 4: (3,)},
        dtypes=dict.fromkeys(range(5), "float64"),
        labels={0: "x"},
    )


def test_runs_step_by_step() -> None:
    (found,) = affine().run(TABLE, [np.arange(3.0), 1.0])
    assert found.tolist() == [1, 3, 5]


def test_params_and_variadic_steps() -> None:
    program = Program(
        inputs=(0,),
        constants={},
        steps=(
            Step("concatenate", (0, 0), 1, {"axis": 0}, variadic=True),
            Step("sum", (1,), 2, {"axis": (0,), "keepdims": False}),
        ),
        outputs=(2, 1, 0),
        shapes={0: (2,), 1: (4,), 2: ()},
    )
    total, joined, given = program.run(TABLE, [np.ones(2)])
    assert (float(total), joined.tolist(), given.tolist()) == (4, [1] * 4, [1] * 2)


def test_can_be_run_again() -> None:
    program = affine()
    first = program.run(TABLE, [np.zeros(3), 1.0])
    program.run(TABLE, [np.ones(3), 5.0])
    assert first[0].tolist() == [1, 1, 1]


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="the program has 2 inputs, got 1 arguments"):
        affine().run(TABLE, [np.zeros(3)])
    with pytest.raises(
        ValueError, match=r"input x: recorded with shape \(3,\), got \(4,\); record the program again"
    ):
        affine().run(TABLE, [np.zeros(4), 1.0])


def test_as_text() -> None:
    assert str(affine()).splitlines() == [
        "%0:x = input : float64[3]",
        "%1 = input : float64",
        "%2 = constant : float64",
        "%3 = mul(%0:x, %2) : float64[3]",
        "%4 = add(%3, %1) : float64[3]",
        "return %4",
    ]


def test_infinities_are_no_warnings() -> None:
    program = Program((0,), {}, (Step("log", (0,), 1),), (1,), shapes={0: ()})
    assert program.run(TABLE, [np.float64(0.0)]) == [-np.inf]


def test_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        affine().outputs = (3,)  # type: ignore[misc]
