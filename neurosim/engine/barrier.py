"""A barrier for compiled threads that sleeps, through the C library's POSIX barrier.

Waiting threads give their core away; a spinning barrier would stop the whole run as soon as
another process takes one of the cores. Where there is no POSIX barrier, ``make`` gives ``None`` and
the blocks of a network run one after another in one thread, with the same results.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurosim._jit import inner

#: Bytes reserved for a ``pthread_barrier_t``; 32 on 64-bit Linux.
_SIZE = 64


@intrinsic
def _call_wait(typingctx: Any, function: Any, argument: Any) -> Any:
    """Call the C function ``int f(void *)`` at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.IntType(32), [pointer])
        target = builder.inttoptr(args[0], kind.as_pointer())
        result = builder.call(target, [builder.inttoptr(args[1], pointer)])
        return builder.sext(result, ir.IntType(64))

    return types.int64(types.int64, types.int64), codegen


@inner()
def wait(barrier):
    """Wait for the other threads; ``barrier`` is ``[function address, barrier address]``, 0 for none."""
    if barrier[0] != 0:
        _call_wait(barrier[0], barrier[1])  # pyright: ignore[reportCallIssue]


class Barrier:
    """A barrier for ``n_threads`` threads; ``address`` is what :func:`wait` takes."""

    def __init__(self, n_threads: int) -> None:
        self._library = ctypes.CDLL(None)
        self._memory = ctypes.create_string_buffer(_SIZE)
        if self._library.pthread_barrier_init(self._memory, None, ctypes.c_uint(n_threads)):
            raise OSError("the C library could not make a barrier")
        function = ctypes.cast(self._library.pthread_barrier_wait, ctypes.c_void_p).value
        self.address = (int(function or 0), ctypes.addressof(self._memory))

    def __del__(self) -> None:
        if hasattr(self, "_memory"):
            self._library.pthread_barrier_destroy(self._memory)


NO_BARRIER = (0, 0)


def make(n_threads: int) -> Barrier | None:
    """A barrier, or ``None`` for one thread and where the system has none."""
    if n_threads < 2 or not sys.platform.startswith("linux"):
        return None
    return Barrier(n_threads)
