"""Calls to the step functions of parts, by address.

The run loop calls the kernel of each group through its address, so that it is compiled once for
all networks and a network compiles only the kernels it has. The entries below give the kernels
of :mod:`neurosim.models.kernels` one C signature: pointers to the program's arrays, and where in
them the part lies.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, float64, int32, int64, types, uint8
from numba.extending import intrinsic

from neurosim._jit import callback, inner
from neurosim.engine import layout as lay
from neurosim.models import kernels
from neurosim.models._tile import SCRATCH_ROWS, TILE

#: Phases of a step.
ADVANCE, RECEIVE = 0, 1
#: Arrays of the cells whose beginning a kernel gets, after the part table.
_POINTERS = ("receptor_kinds", "tile_at", "state", "coeff", "acc", "codes", "lanes", "i_inj")
_ENDLESS = 1 << 40
_ROW_COLUMNS = lay.N_COLUMNS
_SIZE, _N_STATES, _N_RECEPTORS, _O_STATE, _O_TILE = lay.SIZE, lay.N_STATES, lay.N_RECEPTORS, lay.O_STATE, lay.O_TILE
_O_LANE, _O_ACC, _O_CELL, _O_KIND, _INJECTED = lay.O_LANE, lay.O_ACC, lay.O_CELL, lay.O_KIND, lay.INJECTED


def _signature(real: Any) -> Any:
    p = types.CPointer
    arrays = (p(int64), p(int64), p(int64), p(real), p(real), p(real), p(int32), p(real), p(real), p(real), p(uint8), p(int32), p(float64))
    return int64(int64, *arrays, int64, int64, float64, int64)


@intrinsic
def call_part(
    typingctx: Any, address: Any, phase: Any, part: Any, block: Any, cells: Any, scratch: Any, flags: Any, gids: Any, offsets: Any,
    room: Any, decays: Any, dt_ms: Any, count: Any,
) -> Any:  # fmt: skip
    """Call the kernel at ``address`` for one part.

    It gets pointers to row ``part`` of the part table, to the other arrays of ``cells`` and to row
    ``block`` of the block's own arrays, then the numbers: room in the log, whether synapses still
    have to decay, step in ms, spikes in the log.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def pointer(kind: Any, value: Any, row: Any = None) -> Any:
            fields = context.make_array(kind)(context, builder, value)
            return fields.data if row is None else builder.gep(fields.data, [builder.mul(row, builder.extract_value(fields.shape, 1))])

        pointers = [pointer(cells.types[0], builder.extract_value(args[4], 0), args[2])]
        for name in _POINTERS:
            k = cells.fields.index(name)
            pointers.append(pointer(cells.types[k], builder.extract_value(args[4], k)))
        pointers += [pointer(kind, value, args[3]) for kind, value in zip((scratch, flags, gids, offsets), args[5:9], strict=True)]
        operands = [args[1], *pointers, *args[9:]]
        kind = ir.FunctionType(ir.IntType(64), [v.type for v in operands])
        return builder.call(builder.inttoptr(args[0], kind.as_pointer()), operands)

    wide = (types.int64, types.int64, types.float64, types.int64)
    return types.int64(types.int64, types.int64, types.int64, types.int64, cells, scratch, flags, gids, offsets, *wide), codegen


@intrinsic
def span(typingctx: Any, pointer: Any, first: Any, length: Any) -> Any:
    """Array of ``length`` elements from ``pointer[first]`` on."""
    made = types.Array(pointer.dtype, 1, "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from numba.np.arrayobj import populate_array

        array = context.make_array(made)(context, builder)
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(made.dtype)))
        populate_array(array, data=builder.gep(args[0], [args[1]]), shape=[args[2]], strides=[size], itemsize=size, meminfo=None)
        return array._getvalue()

    return made(pointer, types.intp, types.intp), codegen


@inner(inline="always")
def _arguments(
    row_p, kinds_p, tiles_p, x_p, c_p, acc_p, codes_p, lanes_p, i_inj_p, s_p, flags_p, index_p, offset_p, room, decays, dt, count
):
    """Arrays of one part, as the kernels take them."""
    row = span(row_p, 0, _ROW_COLUMNS)  # pyright: ignore[reportCallIssue]
    n, n_receptors = row[_SIZE], row[_N_RECEPTORS]
    n_tiles = (n + TILE - 1) // TILE
    x = span(x_p, row[_O_STATE], (row[_N_STATES] + 2 * n_receptors) * n_tiles * TILE)
    tiles, kinds = span(tiles_p, row[_O_TILE], n_tiles), span(kinds_p, row[_O_KIND], n_receptors)
    n_sums = n_receptors * n_tiles * TILE
    acc, codes = span(acc_p, row[_O_ACC], n_sums), span(codes_p, row[_O_ACC], n_sums)
    lanes, i_inj = span(lanes_p, 2 * row[_O_LANE], 2 * n_receptors), span(i_inj_p, row[_O_CELL], n if row[_INJECTED] else 0)
    scratch, flags = span(s_p, 0, SCRATCH_ROWS * TILE), span(flags_p, 0, TILE)
    index, offset, c = span(index_p, 0, room), span(offset_p, 0, room), span(c_p, 0, _ENDLESS)
    return x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays != 0, scratch, flags, index, offset, count


def _linear(phase, row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count):
    own = _arguments(row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count)
    return kernels.advance_linear(*own) if phase == ADVANCE else kernels.receive_firing(*own)


def _leaky(phase, row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count):
    own = _arguments(row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count)
    return kernels.advance_leaky(*own) if phase == ADVANCE else kernels.receive_firing(*own)


def _adaptive(phase, row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count):
    own = _arguments(row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count)
    return kernels.advance_adaptive(*own) if phase == ADVANCE else kernels.receive_firing(*own)


def _hh(phase, row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count):
    own = _arguments(row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count)
    return kernels.advance_hh(*own) if phase == ADVANCE else kernels.receive_hh(*own)


def _fixed(phase, row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count):
    own = _arguments(row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count)
    return count if phase == ADVANCE else kernels.receive_fixed(*own)


def _program(phase, row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count):
    own = _arguments(row, kinds, tiles, x, c, acc, codes, lanes, i_inj, s, flags, index, offset, room, decays, dt, count)
    return count if phase == ADVANCE else kernels.receive_program(*own)


_ENTRIES = {
    kernels.K_LIF_LINEAR: _linear,
    kernels.K_LIF: _leaky,
    kernels.K_ADEX: _adaptive,
    kernels.K_IZHIKEVICH: _adaptive,
    kernels.K_HH: _hh,
    kernels.K_LIF_FIXED: _fixed,
    kernels.K_ADEX_FIXED: _program,
    kernels.K_IZHIKEVICH_FIXED: _program,
}


@cache
def compiled(kernel: int, precision: str) -> Any:
    """The compiled kernel (keep it: its address is only good while it lives)."""
    return callback(_signature(float32 if precision == "float32" else float64))(_ENTRIES[kernel])


def addresses(layout: lay.Layout, dtype: Any) -> np.ndarray:
    """Address of the kernel of each group, int64; 0 for sources. Compiles what is not compiled yet."""
    precision = np.dtype(dtype).name
    return np.array([0 if g.is_source else compiled(g.kernel, precision).address for g in layout.groups], np.int64)


def announcement(layout: lay.Layout, dtype: Any) -> str:
    """What is said while a network's kernels are compiled for the first time."""
    n, name = len({_ENTRIES[g.kernel] for g in layout.groups if not g.is_source}), np.dtype(dtype).name
    what = f"the run loop and {n} neuron kernel{'' if n == 1 else 's'} in {name}"
    return f"compiling {what}; this happens once per installation and takes about {5 + 4 * n} s"
