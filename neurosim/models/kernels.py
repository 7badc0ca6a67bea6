"""One step of the cells of a part: ``advance_*`` integrates, ``receive_*`` lets inputs act.

A *part* is a run of neurons of one kernel, in tiles (:mod:`neurosim.models._tile`). Each kernel has
its own functions, so that only those that a network needs are compiled.
:mod:`neurosim.models.layout` makes the arrays.

All functions take

x, c, tiles
    State of the part's tiles (flat), all coefficients (flat), and where in ``c`` each tile's are.
kinds
    int64 (R,): kinds of the receptors.
acc, codes, lanes
    Arrived weights (R * tiles * TILE,) as sums and as integer sums, and per receptor the unit of the integer
    sums (0: not used) and whether ``acc`` is used, flat (2 R,). Units: nA for currents (signed), uS
    for conductances (positive), mV for ``curr_delta`` (signed; lost on a refractory cell). Alpha
    and beta shapes peak at the weight. What was read is zeroed.
i_inj
    (n,) current in nA, constant over the step, on top of ``i_offset``; empty if there is none.
n, dt
    Number of cells; step in ms, that for which ``c`` was made.
decays
    Whether the synapses still have to decay over the last step: they do so, and take up what has
    arrived, at the beginning of a step, while the tile is in the cache.
s, flags
    Scratch (SCRATCH_ROWS * TILE,) and uint8 (TILE,).
out_index, out_offset, count
    Spikes are appended from position ``count``: cell, and time since t in (0, dt] ms. Never
    written beyond the end; at most 8 spikes a neuron and step.

and return the new count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim._jit import inner
from neurosim.models import _fixed as fixed
from neurosim.models import _hodgkin_huxley as hh
from neurosim.models._fixed import advance_fixed_tile, report
from neurosim.models._hodgkin_huxley import advance_one, jump_excitable
from neurosim.models._membrane import N_STATES, adaptive_tile, leaky_pair, leaky_tile, linear_pair, linear_tile
from neurosim.models._programs import advance_program_tile
from neurosim.models._receptors import COND_EXP, CURR_DELTA, CURR_EXP, refresh
from neurosim.models._redo import jump_tile, mark, redo_adaptive_tile, redo_leaky_tile
from neurosim.models._tile import INJECTED, SUM, TILE

K_LIF_LINEAR, K_LIF, K_ADEX, K_IZHIKEVICH, K_HH, K_LIF_FIXED, K_ADEX_FIXED, K_IZHIKEVICH_FIXED = range(8)
#: Error in mV that a sub-step of one cell may have, as its series tells.
TOL_LEAKY, TOL_ADAPTIVE = 2e-8, 3e-11
#: Largest last term of the series (mV) with which a step of a whole tile is good enough for a cell.
TOL_LEAKY_TILE, TOL_ADAPTIVE_LOOSE = 1e-5, 1e-7
#: The same of the term after that, where an exponential matters.
TOL_ADAPTIVE_TILE = 1e-10
#: Error of a sub-step of a Hodgkin-Huxley cell, in mV and in shares of open gates.
TOL_EXCITABLE = 1e-6
N_STATES_HH, N_STATES_FIXED = hh.N_STATES, fixed.N_STATES


@inner()
def inject(i_inj, start, size, s):
    """Put the injected currents of a tile into the scratch."""
    if i_inj.size == 0:
        for j in range(size):
            s[INJECTED * TILE + j] = 0
    else:
        for j in range(size):
            s[INJECTED * TILE + j] = i_inj[start + j]


@inner()
def forget_currents(i_inj, s):
    """Leave no injected currents in the scratch: parts without any do not write there."""
    if i_inj.size > 0:
        for j in range(TILE):
            s[INJECTED * TILE + j] = 0


@inner()
def is_pair(kinds, kind, lanes, decays, i_inj):
    """Whether a part has two receptors of one kind, fed with packed weights only, and no injected current."""
    if kinds.size != 2 or not decays or i_inj.size > 0:
        return False
    alike = kinds[0] == kind and kinds[1] == kind
    return alike and lanes[1] == 0 and lanes[3] == 0


@inner()
def advance_linear(x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays, s, flags, out_index, out_offset, count):
    """Advance LIF neurons with synaptic currents from t to t + dt."""
    n_rows, width = (N_STATES + 2 * kinds.size) * TILE, tiles.size * TILE
    pair = is_pair(kinds, CURR_EXP, lanes, decays, i_inj)
    for t in range(tiles.size):
        start = t * TILE
        size = min(n - start, TILE)
        y, k = x[t * n_rows :], c[tiles[t] :]
        if pair:
            found = linear_pair(y, k, s, flags, size, dt, codes[start:], codes[width + start :], lanes[0], lanes[2])
        else:
            refresh(y, k, kinds, N_STATES, size, decays, acc, codes, lanes, width, start)
            inject(i_inj, start, size, s)
            found = linear_tile(y, k, kinds, s, flags, size, dt)
        if found:
            count = redo_leaky_tile(y, k, kinds, s, flags, size, start, dt, TOL_LEAKY, out_index, out_offset, count)
    forget_currents(i_inj, s)
    return count


@inner()
def advance_leaky(x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays, s, flags, out_index, out_offset, count):
    """Advance LIF neurons with synaptic conductances from t to t + dt."""
    n_rows, width = (N_STATES + 2 * kinds.size) * TILE, tiles.size * TILE
    pair = is_pair(kinds, COND_EXP, lanes, decays, i_inj)
    for t in range(tiles.size):
        start = t * TILE
        size = min(n - start, TILE)
        y, k = x[t * n_rows :], c[tiles[t] :]
        if pair:
            found = leaky_pair(y, k, s, flags, size, dt, TOL_LEAKY_TILE, codes[start:], codes[width + start :], lanes[0], lanes[2])
        else:
            refresh(y, k, kinds, N_STATES, size, decays, acc, codes, lanes, width, start)
            inject(i_inj, start, size, s)
            found = leaky_tile(y, k, kinds, s, flags, size, dt, TOL_LEAKY_TILE)
        if found:
            count = redo_leaky_tile(y, k, kinds, s, flags, size, start, dt, TOL_LEAKY, out_index, out_offset, count)
    forget_currents(i_inj, s)
    return count


@inner()
def advance_adaptive(x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays, s, flags, out_index, out_offset, count):
    """Advance AdEx or Izhikevich neurons from t to t + dt."""
    n_rows, width = (N_STATES + 2 * kinds.size) * TILE, tiles.size * TILE
    for t in range(tiles.size):
        start = t * TILE
        size = min(n - start, TILE)
        y, k = x[t * n_rows :], c[tiles[t] :]
        refresh(y, k, kinds, N_STATES, size, decays, acc, codes, lanes, width, start)
        inject(i_inj, start, size, s)
        adaptive_tile(y, k, kinds, s, flags, size, dt, TOL_ADAPTIVE_LOOSE, TOL_ADAPTIVE_TILE)
        count = redo_adaptive_tile(y, k, kinds, s, flags, size, start, dt, TOL_ADAPTIVE, out_index, out_offset, count)
    forget_currents(i_inj, s)
    return count


@inner()
def advance_hh(x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays, s, flags, out_index, out_offset, count):
    """Advance Hodgkin-Huxley neurons from t to t + dt."""
    n_rows, width = (N_STATES_HH + 2 * kinds.size) * TILE, tiles.size * TILE
    for t in range(tiles.size):
        start = t * TILE
        size = min(n - start, TILE)
        y, k = x[t * n_rows :], c[tiles[t] :]
        refresh(y, k, kinds, N_STATES_HH, size, decays, acc, codes, lanes, width, start)
        inject(i_inj, start, size, s)
        for j in range(size):
            i_na = float(s[INJECTED * TILE + j])
            count = advance_one(j, start + j, y, k, kinds, i_na, dt, TOL_EXCITABLE, out_index, out_offset, count)
    forget_currents(i_inj, s)
    return count


@inner()
def jumps(kinds, acc, codes, lanes, width, start, size, s):
    """Sum of the arrived voltage steps of a tile, into the scratch; true if there are any receptors of that kind."""
    found = False
    for j in range(size):
        s[SUM * TILE + j] = 0
    for r in range(kinds.size):
        if kinds[r] != CURR_DELTA:
            continue
        found = True
        at = r * width + start
        for j in range(np.uint64(size)):
            s[SUM * TILE + j] += acc[at + j] + lanes[2 * r] * s.dtype.type(codes[at + j])
            acc[at + j] = 0
            codes[at + j] = 0
    return found


@inner()
def receive_firing(x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays, s, flags, out_index, out_offset, count):
    """Let what arrived at t + dt act on integrate-and-fire neurons; a voltage jump can make one fire, at ``dt``."""
    n_rows, width = (N_STATES + 2 * kinds.size) * TILE, tiles.size * TILE
    for t in range(tiles.size):
        start = t * TILE
        size = min(n - start, TILE)
        y, k = x[t * n_rows :], c[tiles[t] :]
        refresh(y, k, kinds, N_STATES, size, decays, acc, codes, lanes, width, start)
        if jumps(kinds, acc, codes, lanes, width, start, size, s):
            count = jump_tile(y, k, kinds, s, flags, size, start, dt, out_index, out_offset, count)
    return count


@inner()
def receive_hh(x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays, s, flags, out_index, out_offset, count):
    """Let what arrived at t + dt act on Hodgkin-Huxley neurons."""
    n_rows, width = (N_STATES_HH + 2 * kinds.size) * TILE, tiles.size * TILE
    for t in range(tiles.size):
        start = t * TILE
        size = min(n - start, TILE)
        y, k = x[t * n_rows :], c[tiles[t] :]
        refresh(y, k, kinds, N_STATES_HH, size, decays, acc, codes, lanes, width, start)
        if jumps(kinds, acc, codes, lanes, width, start, size, s):
            count = jump_excitable(y, k, s, size, start, dt, out_index, out_offset, count)
    return count


def _receiving(advance_tile: Any) -> Any:
    """The step of neurons in whole numbers, whose tiles ``advance_tile`` advances."""

    @inner()
    def receive_whole(x, c, tiles, kinds, acc, codes, lanes, i_inj, n, dt, decays, s, flags, out_index, out_offset, count):
        """Advance neurons in whole numbers to t + dt, with what arrives then."""
        n_rows, width = (N_STATES_FIXED + 2 * kinds.size) * TILE, tiles.size * TILE
        for t in range(tiles.size):
            start = t * TILE
            size = min(n - start, TILE)
            y, k = x[t * n_rows :], c[tiles[t] :]
            advance_tile(y, k, kinds, acc, codes, lanes, width, start, size, i_inj, s)
            if mark(s, flags, size):
                count = report(y, s, flags, size, start, dt, out_index, out_offset, count)
        return count

    return receive_whole


receive_fixed, receive_program = _receiving(advance_fixed_tile), _receiving(advance_program_tile)
