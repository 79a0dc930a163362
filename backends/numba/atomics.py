"""What threads say to each other: words of memory that are read, written and changed in one indivisible step.

Words are integers of 64 bits at an address. Every operation is sequentially consistent: all threads see all of them
in one order. On x86-64 a load costs nothing by it, and the others happen a few times for each piece of work.
"""

from typing import Any

from llvmlite import ir
from numba import types

from chainrule.backends.numba.compile import intrinsic

WORD = 8  # bytes
INTEGER, ORDER = ir.IntType(64), "seq_cst"
PAUSES = {"x86_64": ("llvm.x86.sse2.pause", []), "aarch64": ("llvm.aarch64.hint", [ir.IntType(32)(1)])}


def pointer(builder: Any, address: Any) -> Any:
    """The address as a pointer to a word."""
    return builder.inttoptr(address, INTEGER.as_pointer())


@intrinsic
def load(typing_context: Any, address: Any) -> Any:
    """The word at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(pointer(builder, arguments[0]), ORDER, WORD)

    return types.int64(types.int64), generate


@intrinsic
def store(typing_context: Any, address: Any, value: Any) -> Any:
    """Write a word; whoever sees it also sees what was written before it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[1], pointer(builder, arguments[0]), ORDER, WORD)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def add(typing_context: Any, address: Any, value: Any) -> Any:
    """Add to a word, and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", pointer(builder, arguments[0]), arguments[1], ORDER)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def swap(typing_context: Any, address: Any, expected: Any, value: Any) -> Any:
    """Write a word if it is what is expected; return whether it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, expected, value = arguments
        pair = builder.cmpxchg(pointer(builder, address), expected, value, ORDER, ORDER)
        return builder.extract_value(pair, 1)

    return types.boolean(types.int64, types.int64, types.int64), generate


@intrinsic
def pause(typing_context: Any) -> Any:
    """Tell the processor that this is a loop that waits, so that it saves power and leaves room to others."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        name, operands = PAUSES.get(builder.module.triple.split("-")[0], ("", []))
        if name:
            kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
            builder.call(builder.module.declare_intrinsic(name, (), kind), operands)
        return context.get_dummy_value()

    return types.void(), generate
