"""Where the threads of a run meet: who advances which block, and when the next batch begins.

In every batch of steps each block is advanced once, by the thread that takes it. A thread takes its
own first and then what nobody has taken: one that comes late, because another process has its core,
holds nobody up. The thread that finishes the last block opens the next turn.

Steps of a tenth of a millisecond take some ten microseconds; to put a thread to sleep and wake it on
another core takes as long, on a virtual machine several times that. So a thread that finds nothing
to do looks for the next turn for at most some twenty microseconds, and not at all where that has
been in vain. After that it sleeps in the kernel and gives its core away. Where there is no futex
(only Linux has it), one thread advances all blocks, with the same results.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from neurosim._jit import inner

#: Times a thread looks for the next turn before it sleeps; one look takes some 30 ns with its pause.
LOOKS = 600
#: Times in a row that looking is in vain, after which nobody looks for the next ``REST`` turns: the
#: threads share one core then, and who looks only keeps the other from working.
PATIENCE, REST = 50, 200
#: Number of the system call ``futex`` by machine.
_FUTEX = {"x86_64": 202, "aarch64": 98}
_WAIT_PRIVATE, _WAKE_PRIVATE = 128, 129
#: Bytes from the start of a meeting's memory to: the blocks finished in this turn, the turn, the sleepers, vain looks, rests; the turns
#: for which each block has been taken, one cache line each.
_FINISHED, _TURN, _SLEEPERS, _FAILED, _TIRED, _TAKEN, _LINE = 0, 64, 128, 192, 200, 256, 64
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
def _exchange(typingctx: Any, address: Any, expected: Any, value: Any) -> Any:
    """Put a number at an address if what is there is as expected; gives whether it was."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _WORD.as_pointer())
        return builder.extract_value(builder.cmpxchg(pointer, args[1], args[2], "seq_cst", "seq_cst"), 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


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


# A turn is a number from 0 on while the run goes on, and -1 minus the turns done when it is over.
@inner(inline="always")
def is_over(turn):
    """Whether nothing is left to do."""
    return turn < 0


@inner(inline="always")
def turns_done(turn):
    """Turns that were done when the run was over; 0 before that."""
    return max(-turn - 1, 0)


@inner()
def take(meeting, block, turn):
    """Take a block for one turn; false if another thread has it, or had it already."""
    return meeting[1] == 1 or _exchange(meeting[0] + _TAKEN + _LINE * block, turn, turn + 1)  # pyright: ignore[reportCallIssue]


@inner()
def is_last(meeting, n_seen, n_blocks):
    """Note that a block is finished, the ``n_seen``-th that this thread has seen; true for the last one of a turn."""
    if meeting[1] == 1:
        return n_seen == n_blocks
    if _add(meeting[0] + _FINISHED, 1) < n_blocks - 1:  # pyright: ignore[reportCallIssue]
        return False
    _add(meeting[0] + _FINISHED, -n_blocks)  # pyright: ignore[reportCallIssue]
    return True


@inner()
def open_turn(meeting, turn, over):
    """Let all threads go on with a turn, or stop before it."""
    memory, n_threads, function, number, _ = meeting
    last = _look(memory + _TURN)  # pyright: ignore[reportCallIssue]
    _add(memory + _TURN, (-1 - turn if over else turn) - last)  # pyright: ignore[reportCallIssue]
    if _look(memory + _SLEEPERS) > 0:  # pyright: ignore[reportCallIssue]
        _system_call(function, number, memory + _TURN, _WAKE_PRIVATE, n_threads)  # pyright: ignore[reportCallIssue]


@inner()
def look_out(memory, turn, looks):
    """Look for the next turn; true if it came. Where looking is in vain again and again, none looks for a while."""
    for _ in range(looks):
        if _look(memory + _TURN) != turn:  # pyright: ignore[reportCallIssue]
            if _look(memory + _FAILED) > 0:  # pyright: ignore[reportCallIssue]
                _add(memory + _FAILED, -_look(memory + _FAILED))  # pyright: ignore[reportCallIssue]
            return True
        _pause()  # pyright: ignore[reportCallIssue]
    if _add(memory + _FAILED, 1) >= PATIENCE:  # pyright: ignore[reportCallIssue]
        _add(memory + _TIRED, REST)  # pyright: ignore[reportCallIssue]
    return False


@inner()
def next_turn(meeting, turn):
    """Wait until another turn than ``turn`` is open; returns it."""
    memory, _, function, number, looks = meeting
    if _look(memory + _TURN) != turn:  # pyright: ignore[reportCallIssue]
        return _look(memory + _TURN)  # pyright: ignore[reportCallIssue]
    if _look(memory + _TIRED) > 0:  # pyright: ignore[reportCallIssue]
        _add(memory + _TIRED, -1)  # pyright: ignore[reportCallIssue]
    elif look_out(memory, turn, looks):
        return _look(memory + _TURN)  # pyright: ignore[reportCallIssue]
    _add(memory + _SLEEPERS, 1)  # pyright: ignore[reportCallIssue]
    while _look(memory + _TURN) == turn:  # pyright: ignore[reportCallIssue]
        _system_call(function, number, memory + _TURN, _WAIT_PRIVATE, turn & 0xFFFFFFFF)  # pyright: ignore[reportCallIssue]
    _add(memory + _SLEEPERS, -1)  # pyright: ignore[reportCallIssue]
    return _look(memory + _TURN)  # pyright: ignore[reportCallIssue]


class Meeting:
    """Memory in which threads meet that run ``n_blocks`` blocks; ``address`` is what the functions above take."""

    def __init__(self, n_threads: int, n_blocks: int) -> None:
        number = futex() if n_threads > 1 else 0
        function = ctypes.cast(ctypes.CDLL(None).syscall, ctypes.c_void_p).value if number else 0
        self.size = _TAKEN + n_blocks * _LINE
        self._memory = ctypes.create_string_buffer(self.size + _LINE)
        start = (ctypes.addressof(self._memory) + _LINE - 1) & -_LINE
        self.address = (start, n_threads, int(function or 0), number, LOOKS)

    def open(self) -> None:
        """Turn 0, with no block taken; how well looking went is kept."""
        ctypes.memset(self.address[0], 0, _FAILED)
        ctypes.memset(self.address[0] + _TAKEN, 0, self.size - _TAKEN)


def futex() -> int:
    """Number of the system call that threads sleep with, 0 where there is none."""
    known = sys.platform.startswith("linux") and sys.byteorder == "little"
    return _FUTEX.get(platform.machine(), 0) if known else 0


class Team:
    """Threads that advance the blocks of a network together; threads that do not survive a fork are made again."""

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads if futex() else 1
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def gather(self, n_blocks: int) -> None:
        """Get ready for a network of ``n_blocks`` blocks."""
        self._meeting = Meeting(self.n_threads, n_blocks)
        self._share = n_blocks // self.n_threads

    def run(self, kernel: Callable[..., int], *work: object) -> int:
        """What ``kernel(first block, address of the meeting, *work)`` returns, called by every thread."""
        self._meeting.open()
        address = self._meeting.address
        others = [self._threads().submit(kernel, t * self._share, address, *work) for t in range(1, self.n_threads)]
        done = kernel(0, address, *work)
        for other in others:
            other.result()
        return done

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():
            self._pool, self._process = ThreadPoolExecutor(self.n_threads - 1, "neurosim"), os.getpid()
        return self._pool
