"""Delivery: spikes are queued by arrival step and pulled into the accumulators on arrival.

A spike puts one queue entry per segment (source, delay) of the block; at the arrival step the
segment's synapses are added to the accumulators. Entries are queued in the order of (send step,
source), so the order of additions at a target does not depend on threads or blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from neurosim.engine.plasticity import deliver_plastic
from neurosim.engine.short_term import deliver_depressing, deliver_stochastic

#: How far ahead in the queue synapses are fetched into the cache; segments are short and scattered,
#: so without this each one begins with a wait for memory.
AHEAD = 8


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask the processor to load the cache line of ``array[index]``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fields = context.make_array(signature.args[0])(context, builder, args[0])
        pointer = builder.bitcast(builder.gep(fields.data, [args[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, *[ir.IntType(32)] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [pointer, *(ir.Constant(ir.IntType(32), flag) for flag in (0, 1, 1))])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@njit(cache=True)
def enqueue(block, n_cells, gids, stamps, first, last, step, segments, queue, n_queued):
    """Queue all segments of the spikes ``first .. last - 1`` in one block."""
    n_slots = n_queued.size
    for s in range(first, last):
        row = block * n_cells + gids[s]
        for segment in range(segments.ptr[row], segments.ptr[row + 1]):
            arrival = stamps[s] + segments.delay[segment]
            if arrival <= step:
                continue
            slot = arrival % n_slots
            queue[slot, n_queued[slot]] = segment
            n_queued[slot] += 1


@njit(cache=True)
def deliver_static(start, stop, base, static, acc):
    """Add one run of static synapses to the accumulators."""
    for k in range(start, stop):
        acc[base + np.int64(static.target[k])] += static.weight[k]


@njit(cache=True)
def deliver_packed(start, stop, base, word, scale, acc):
    """Add one run of static synapses whose weights are packed with their targets."""
    for k in range(start, stop):
        w = word[k]
        acc[base + np.int64(w & np.uint32(0xFFFF))] += scale * np.float32(np.int32(w) >> np.int32(16))


@njit(cache=True)
def deliver(block, now_step, dt_ms, segments, static, depressing, stochastic, plastic, acc, queue, n_queued):
    """Process everything that arrives at ``now_step`` in one block."""
    slot = now_step % n_queued.size
    packed = static.word.size > 0
    scale = np.float32(static.scale)
    for q in range(n_queued[slot]):
        if q + AHEAD < n_queued[slot] and segments.kind[queue[slot, q + AHEAD]] == 0:
            ahead = segments.start[queue[slot, q + AHEAD]]
            if packed:
                prefetch(static.word, ahead)  # pyright: ignore[reportCallIssue]
            else:
                prefetch(static.target, ahead)  # pyright: ignore[reportCallIssue]
                prefetch(static.weight, ahead)  # pyright: ignore[reportCallIssue]
        segment = queue[slot, q]
        kind = segments.kind[segment]
        start, stop = segments.start[segment], segments.stop[segment]
        if kind == 0:
            if packed:
                deliver_packed(start, stop, segments.base[segment], static.word, scale, acc)
            else:
                deliver_static(start, stop, segments.base[segment], static, acc)
        elif kind == 1:
            deliver_depressing(segments.rule[segment], start, stop, now_step * dt_ms, depressing, acc)
        elif kind == 2:
            deliver_stochastic(start, stop, now_step, stochastic, acc)
        else:
            deliver_plastic(block, segments.rule[segment], now_step, plastic, acc)
    n_queued[slot] = 0
