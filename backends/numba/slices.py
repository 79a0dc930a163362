"""A kernel on several threads: its arrays are cut into slices, and the threads of a crew take them in turn.

This suits a kernel that does the same with every element of its arrays, or with every row or image. Its machine code
is called as it is, with parts of the arrays in their place. So an element comes out the same bits whoever computes
it, and no loop is compiled twice: what is compiled here depends on the types of the arguments alone.
"""

# mypy: allow-untyped-calls

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from chainrule.backends import threads
from chainrule.backends.numba.compile import intrinsic, kernel, native
from chainrule.backends.numba.crew import crew, edge, sharing, willing

SLICES = 4  # for each thread: one that comes late, or loses its processor for a while, does fewer of them
UNIT = 64  # elements: arrays are cut at multiples of it, where a loop over vectors would pause anyway
# Elements of an elementary function, measured: what a thread that watches is worth calling for, and one that sleeps
# worth waking.
LEAST, WAKING = 1 << 15, 1 << 19
LARGE = 2 * LEAST  # less is nothing for two threads


@intrinsic
def address_of(typing_context: Any, values: Any) -> Any:
    """The address of a tuple, good until the function that asks for it returns."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(cgutils.alloca_once_value(builder, arguments[0]), ir.IntType(64))

    return types.int64(values), generate


@cache
def values_at(kind: Any) -> Any:
    """An intrinsic: the tuple of this type at an address."""

    @intrinsic
    def values_at(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found = builder.load(builder.inttoptr(arguments[0], context.get_value_type(kind).as_pointer()))
            context.nrt.incref(builder, kind, found)
            return found

        return kind(types.int64), generate

    return values_at


@cache
def call_kernel(arguments: tuple[Any, ...]) -> Any:
    """An intrinsic that calls the kernel at an address, made for arguments of these types, with a tuple of them.

    It returns whether that went well: an exception is not passed on.
    """

    @intrinsic
    def call_kernel(typing_context: Any, address: Any, values: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
            kind = context.call_conv.get_function_type(types.none, arguments)
            given = zip(cgutils.unpack_tuple(builder, operands[1]), values, arguments, strict=True)
            cast = [context.cast(builder, *each) for each in given]
            function = builder.inttoptr(operands[0], kind.as_pointer())
            status, _ = context.call_conv.call_function(builder, function, types.none, arguments, cast)
            return status.is_ok

        return types.boolean(types.int64, values), generate

    return call_kernel


@cache
def sharing_out(arguments: tuple[Any, ...], cut: tuple[int, ...], summed: tuple[int, ...]) -> tuple[Any, Any]:
    """What shares out a kernel made for arguments of these types, of which some are cut and some are summed.

    Returns:
        The kernel `(*arguments, address, unit, parts, crew, members, work, part)` and the native function for its
        last argument. A summed argument has an axis more, of as many as there are parts. It returns whether a part
        has raised an exception.
    """
    names = [f"a{k}" for k in range(len(arguments))]
    given = ", ".join(names)
    wide = [t.copy(ndim=t.ndim + 1) if k in summed else t for k, t in enumerate(arguments)]
    sliced = [
        f"{n}[start:stop]" if k in cut else f"{n}[k]" if k in summed else n for k, n in enumerate(names)
    ]
    flag = types.Array(types.boolean, 1, "C")
    values = types.BaseTuple.from_types([*wide, *[types.int64] * 3, flag])
    scope = {
        "address_of": address_of, "values_at": values_at(values), "call": call_kernel(arguments),
        "willing": willing, "share": sharing(), "edge": edge, "waking": WAKING,
        "zeros": np.zeros, "boolean": np.bool_,
    }  # fmt: skip
    source = f"""
def part(arguments, k):
    {given}, run, unit, parts, failed = values_at(arguments)
    length = a{cut[0]}.shape[0]
    start, stop = edge(length, parts, k, unit), edge(length, parts, k + 1, unit)
    if start < stop and not call(run, ({", ".join(sliced)})):
        failed[0] = True
def shared({given}, run, unit, parts, crew, members, work, part):
    members = willing(crew, members, work, waking)
    failed = zeros(1, boolean)
    share(crew, members, part, address_of(({given}, run, unit, parts, failed)), parts)
    return failed[0]
"""
    exec(source, scope)  # noqa: S102 -- the text above
    name, numbers = hashlib.sha256(repr((wide, cut, summed)).encode()).hexdigest()[:16], [types.int64] * 7
    part = native(scope["part"], f"slice-{name}", types.int64, types.int64, source=source)
    return kernel(scope["shared"], f"slices-{name}", *wide, *numbers, nogil=True, source=source), part


def slices_for(work: int) -> int:
    """Into how many slices work is cut that takes as long as an elementary function of so many elements."""
    count = threads.num_threads()
    if work < count * LEAST:
        count = work // LEAST
    return 1 if count < 2 else count * SLICES


class Sliced:
    """A kernel for as many threads as are worth it; it is called as the kernel is.

    Attributes:
        alone: the kernel, for one thread.
    """

    def __init__(
        self, alone: Any, *cut: int, summed: tuple[int, ...] = (), counted: int | None = None,
        unit: int = UNIT, weight: int = 1,
    ) -> None:  # fmt: skip
        """Say how a kernel is cut.

        Args:
            alone: the kernel. What it does for a part of its arrays depends on nothing outside of that part.
            cut: the places of the arguments that are cut along their first axis, all of one length.
            summed: the places of results that are sums over that axis: those of the parts are added, in their order.
                Every part is given the other arguments as they are.
            counted: the place of the argument whose elements are counted; by default the first that is cut.
            unit: the arrays are cut at multiples of it.
            weight: how many times as long as an elementary function the kernel takes for an element; 0 for a kernel
                that is faster alone.
        """
        self.alone, self._cut, self._summed, self._unit, self._weight = alone, cut, summed, unit, weight
        self._counted = cut[0] if counted is None else counted
        self._sharing: tuple[Any, Any, int] | None = None

    def __call__(self, *arguments: Any) -> None:
        """Run the kernel, on one thread or several."""
        if threads.num_threads() == 1:
            self.alone(*arguments)
        else:
            self.run(arguments[self._counted].size * self._weight, *arguments)

    def suited(self, size: int) -> Callable[..., None]:
        """The kernel itself if there are too few elements for two threads: these then cost nothing. Else all this."""
        return self.alone if size * self._weight < LARGE else self

    def run(self, work: int, *arguments: Any) -> None:
        """Run the kernel where it takes as long as an elementary function of so many elements."""
        slices = slices_for(work)
        parts = min(slices, len(arguments[self._cut[0]]) // self._unit)
        if parts < 2:
            self.alone(*arguments)
            return
        shared, part, address = self._sharing or self.sharing_out()
        count, given = slices // SLICES, list(arguments)
        members = crew(count - 1)
        for k in self._summed:
            given[k] = np.empty((parts, *given[k].shape), given[k].dtype)
        if shared(*given, address, self._unit, parts, members.address, count - 1, work, part.address):
            self.alone(*arguments)  # to raise the exception here
            return
        for k in self._summed:
            np.add.reduce(given[k], axis=0, out=arguments[k])

    def sharing_out(self) -> tuple[Any, Any, int]:
        """Make what shares it out: what the function `sharing_out` returns, and the kernel's address."""
        (compiled,) = self.alone.overloads.values()
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        self._sharing = *sharing_out(compiled.signature.args, self._cut, self._summed), address
        return self._sharing
