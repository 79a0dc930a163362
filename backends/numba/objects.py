"""What kernels read in Python's own objects: the arrays of a list.

numba unpacks each array that a kernel is called with, which takes some 100 nanoseconds. A kernel that is given the
address of a list finds the arrays in it by itself, in a few: as C code does, where the fields of an object are known.

They lie where macros of CPython's and of NumPy's headers have every extension module look for them (`PyList_GET_ITEM`,
`Py_TYPE`, `PyArray_DATA`, `PyArray_DIMS`), so none of them can move while those modules are to run on. A Python that is
built in another way, such as without the GIL, may begin its objects otherwise, and some processors have other words:
`readable` looks, and where it is False nobody may look in this way.

The caller keeps the list, and what is in it, alive and unchanged until the kernel returns.
"""

import ctypes
import struct
import sys

import numpy as np

from chainrule.backends.numba.bits import words
from chainrule.backends.numba.compile import inlined

# Places of fields, in words of 64 bits.
HEAD = object.__basicsize__ // 8
TYPE = HEAD - 1  # of any object
SIZE, ITEMS = HEAD, HEAD + 1  # of a list
DATA, NDIM, SHAPE, DTYPE, FLAGS = (HEAD + k for k in (0, 1, 2, 5, 6))  # of an array
KIND = (
    HEAD + 1
)  # of a dtype: its kind, byte order and number, the same in all dtypes of floats that are equal
LOW = (1 << 32) - 1  # NDIM and FLAGS have 32 bits
WRITEABLE = 0x400  # in `flags.num`


def readable() -> bool:
    """Say whether lists, arrays and their dtypes are laid out in memory as this file takes them to be."""
    if sys.implementation.name != "cpython" or struct.calcsize("P") != 8 or sys.byteorder != "little":
        return False
    if list.__basicsize__ != 8 * (HEAD + 3) or np.ndarray.__basicsize__ < 8 * (FLAGS + 1):
        return False  # so that the next lines cannot read beyond an object

    def word(address: int, k: int) -> int:
        return ctypes.c_int64.from_address(address + 8 * k).value

    array = np.zeros((3, 5), np.float32)[:, ::-1]
    here, dtype, items = id(array), array.dtype, [array, None]
    kind = f"{dtype.kind}{dtype.char}=\0".encode() + struct.pack("<i", dtype.num)
    return (
        word(here, TYPE) == id(np.ndarray)
        and word(here, DATA) == array.ctypes.data
        and word(here, NDIM) & LOW == array.ndim
        and word(here, DTYPE) == id(dtype)
        and word(here, FLAGS) & LOW == array.flags.num
        and [word(word(here, SHAPE), k) for k in range(2)] == [3, 5]
        and struct.pack("<q", word(id(dtype), KIND)) == kind
        and word(id(items), SIZE) == 2
        and [word(word(id(items), ITEMS), k) for k in range(2)] == [here, id(None)]
    )


READABLE = readable()


@inlined
def fits(array: int, model: int, flags: int) -> bool:
    """Whether the object at an address is an array of the shape and dtype of another, with such flags."""
    a, m = words(array), words(model)
    if a[TYPE] != m[TYPE]:
        return False
    if words(a[DTYPE])[KIND] != words(m[DTYPE])[KIND] or a[FLAGS] & flags != flags:
        return False
    ndim, different = m[NDIM] & LOW, 0
    if a[NDIM] & LOW != ndim:
        return False
    for k in range(ndim):
        different |= words(a[SHAPE])[k] ^ words(m[SHAPE])[k]
    return different == 0


@inlined
def size(array: int) -> int:
    """The number of elements of the array at an address."""
    a, count = words(array), 1
    for k in range(a[NDIM] & LOW):
        count *= words(a[SHAPE])[k]
    return count
