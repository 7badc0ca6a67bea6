"""A barrier for compiled threads that looks for a moment and then sleeps.

Steps of a tenth of a millisecond take some ten microseconds; to put a thread to sleep and wake it on
another core takes as long, on a virtual machine several times that. So a thread that comes early
looks for the others for at most some twenty microseconds, and not at all where that has been in
vain. After that it sleeps in the kernel and gives its core away: a barrier that went on looking would
stop the whole run as soon as another process takes one of the cores. Where there is no futex (only
Linux has it), ``make`` gives ``None`` and the blocks of a network run one after another in one
thread, with the same results.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from neurosim._jit import inner

#: Times a thread looks for the others before it sleeps; one look takes some 30 ns with its pause.
LOOKS = 600
#: Times in a row that looking is in vain, after which nobody looks for the next ``REST`` meetings: the
#: threads share one core then, and who looks only keeps the other from coming.
PATIENCE, REST = 50, 200
#: Number of the system call ``futex`` by machine.
_FUTEX = {"x86_64": 202, "aarch64": 98}
_WAIT_PRIVATE, _WAKE_PRIVATE = 128, 129
#: Bytes of the barrier's memory: counters for those who arrive, the round, the sleepers (64 bytes apart), failures and rests.
_SIZE, _ROUND, _SLEEPERS, _FAILED, _TIRED = 256, 64, 128, 192, 200
_WORD = ir.IntType(64)


@intrinsic
def _add(typingctx: Any, address: Any, value: Any) -> Any:
    """Add to the number at an address, as one operation; gives the number before."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", builder.inttoptr(args[0], _WORD.as_pointer()), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def _look(typingctx: Any, address: Any) -> Any:
    """The number at an address, as other threads left it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(builder.inttoptr(args[0], _WORD.as_pointer()), "seq_cst", 8)

    return types.int64(types.int64), codegen


@intrinsic
def _pause(typingctx: Any) -> Any:
    """Tell the processor that this thread waits in a loop, where it can be told."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if platform.machine() == "x86_64":
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def _system_call(typingctx: Any, function: Any, number: Any, first: Any, second: Any, third: Any) -> Any:
    """Call the C library's ``syscall`` at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_WORD, [_WORD], var_arg=True)
        zero = ir.Constant(_WORD, 0)
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), [*args[1:], zero, zero, zero])

    return types.int64(*[types.int64] * 5), codegen


@inner()
def look_out(memory, turn, looks):
    """Look for the others; true if they came. Where looking is in vain again and again, none looks for a while."""
    for _ in range(looks):
        if _look(memory + _ROUND) != turn:  # pyright: ignore[reportCallIssue]
            if _look(memory + _FAILED) > 0:  # pyright: ignore[reportCallIssue]
                _add(memory + _FAILED, -_look(memory + _FAILED))  # pyright: ignore[reportCallIssue]
            return True
        _pause()  # pyright: ignore[reportCallIssue]
    if _add(memory + _FAILED, 1) >= PATIENCE:  # pyright: ignore[reportCallIssue]
        _add(memory + _TIRED, REST)  # pyright: ignore[reportCallIssue]
    return False


@inner()
def wait(barrier):
    """Wait for the other threads; ``barrier`` is a :attr:`Barrier.address`, zeros for none."""
    memory, n_threads, function, number, looks = barrier
    if memory == 0:
        return
    turn = _look(memory + _ROUND)  # pyright: ignore[reportCallIssue]
    if _add(memory, 1) == n_threads - 1:  # pyright: ignore[reportCallIssue]
        _add(memory, -n_threads)  # pyright: ignore[reportCallIssue]
        _add(memory + _ROUND, 1)  # pyright: ignore[reportCallIssue]
        if _look(memory + _SLEEPERS) > 0:  # pyright: ignore[reportCallIssue]
            _system_call(function, number, memory + _ROUND, _WAKE_PRIVATE, n_threads)  # pyright: ignore[reportCallIssue]
        return
    if _look(memory + _TIRED) > 0:  # pyright: ignore[reportCallIssue]
        _add(memory + _TIRED, -1)  # pyright: ignore[reportCallIssue]
    elif look_out(memory, turn, looks):
        return
    _add(memory + _SLEEPERS, 1)  # pyright: ignore[reportCallIssue]
    while _look(memory + _ROUND) == turn:  # pyright: ignore[reportCallIssue]
        _system_call(function, number, memory + _ROUND, _WAIT_PRIVATE, turn & 0xFFFFFFFF)  # pyright: ignore[reportCallIssue]
    _add(memory + _SLEEPERS, -1)  # pyright: ignore[reportCallIssue]


class Barrier:
    """A barrier for ``n_threads`` threads; ``address`` is what :func:`wait` takes."""

    def __init__(self, n_threads: int, number: int) -> None:
        function = ctypes.cast(ctypes.CDLL(None).syscall, ctypes.c_void_p).value
        self._memory = ctypes.create_string_buffer(_SIZE + 64)
        start = (ctypes.addressof(self._memory) + 63) & ~63
        self.address = (start, n_threads, int(function or 0), number, LOOKS)


NO_BARRIER = (0, 0, 0, 0, 0)


def make(n_threads: int) -> Barrier | None:
    """A barrier, or ``None`` for one thread and where the system has none."""
    number = _FUTEX.get(platform.machine())
    if n_threads < 2 or number is None or not sys.platform.startswith("linux") or sys.byteorder != "little":
        return None
    return Barrier(n_threads, number)
