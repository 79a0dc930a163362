"""The flat form of a computation: plain data, with op names, that any backend can run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule import backends


@dataclass(frozen=True)
class Step:
    """One application of an op.

    Attributes:
        op: its name in every backend's table.
        inputs: slots of the operands.
        output: slot of the result.
        params: what the op is told beside its operands.
        variadic: the table's function takes the operands as one sequence.
    """

    op: str
    inputs: tuple[int, ...]
    output: int
    params: Mapping[str, Any] = field(default_factory=dict)
    variadic: bool = False


@dataclass(frozen=True)
class Program:
    """A computation as a list of steps over numbered slots.

    Attributes:
        inputs: slots that the caller fills.
        constants: slots with what they hold.
        steps: in an order in which every operand is ready.
        outputs: slots that are returned.
        updates: pairs (input slot, slot of its next value), for state such as optimizers' moments.
        shapes, dtypes: of every slot that holds an array or number.
        labels: names of some slots.
    """

    inputs: tuple[int, ...]
    constants: Mapping[int, Any]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    updates: tuple[tuple[int, int], ...] = ()
    shapes: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    dtypes: Mapping[int, str] = field(default_factory=dict)
    labels: Mapping[int, str] = field(default_factory=dict)

    def run(self, table: backends.Table, arguments: Sequence[Any]) -> list[Any]:
        """Replay the steps with a backend's functions.

        Args:
            table: the functions by name, as `chainrule.backends.load` returns them.
            arguments: one array or number per input, of the recorded shape.

        Returns:
            The outputs.

        Raises:
            ValueError: the number of arguments, or the shape of one, differs from what was recorded.
        """
        if len(arguments) != len(self.inputs):
            raise ValueError(f"the program has {len(self.inputs)} inputs, got {len(arguments)} arguments")
        slots: dict[int, Any] = dict(self.constants)
        for slot, argument in zip(self.inputs, arguments, strict=True):
            if np.shape(argument) != self.shapes[slot]:
                raise ValueError(
                    f"input {self.labels.get(slot, slot)}: recorded with shape {self.shapes[slot]}, "
                    f"got {np.shape(argument)}; record the program again for another shape"
                )
            slots[slot] = argument
        with np.errstate(all="ignore"):
            for step in self.steps:
                operands = [slots[i] for i in step.inputs]
                function = backends.function(table, step.op)
                slots[step.output] = (
                    function(operands, **step.params) if step.variadic else function(*operands, **step.params)
                )
        return [slots[i] for i in self.outputs]

    def __str__(self) -> str:
        lines = [f"{self._name(i)} = input {self._kind(i)}" for i in self.inputs]
        lines += [f"{self._name(i)} = constant {self._kind(i)}" for i in self.constants]
        for step in self.steps:
            operands = ", ".join(self._name(i) for i in step.inputs)
            params = "".join(f", {name}={value}" for name, value in step.params.items())
            lines.append(
                f"{self._name(step.output)} = {step.op}({operands}{params}) {self._kind(step.output)}"
            )
        lines.append("return " + ", ".join(self._name(i) for i in self.outputs))
        return "\n".join(lines)

    def _name(self, slot: int) -> str:
        label = self.labels.get(slot)
        return f"%{slot}:{label}" if label else f"%{slot}"

    def _kind(self, slot: int) -> str:
        dims = "×".join(str(n) for n in self.shapes.get(slot, ()))
        return f": {self.dtypes.get(slot, 'float64')}" + (f"[{dims}]" if dims else "")
