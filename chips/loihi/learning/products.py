"""The sum of products: what an epoch makes of weights, delays and tags.

Arithmetic, all in whole numbers (lava b6822fbc, bit-approximate; Davies et al. 2018, Table 1):

* a variable is shifted left by 7 bits into a 16-bit accumulator;
* a product is the mantissa times its factors, each saturated at its width; it is shifted right
  by what it has more than 15 bits (see :meth:`.Product.shift`), left by its exponent plus 7, and saturated;
* products are added in the order they were written in, and the sum saturates every time;
* the result is rounded at random to the precision of the variable and saturates in its range.

With ``away`` the change is rounded away from zero instead, as brian2_loihi 0.5.2 does.

Rows of synapses whose source acts are updated whole; where only targets act, their columns are
visited instead. What has no term that can be other than zero is not visited and keeps its value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.chips.loihi.learning.draws import draw, word_of
from neurosim.chips.loihi.learning.plan import AT_POST, AT_PRE, SYNAPSE

BLOCK = 512
"""Synapses worked on together; their scratch stays in the nearest cache."""


class Side(NamedTuple):
    """Neurons on one side of the synapses in one epoch.

    Attributes
    ----------
    last
        Step of the last spike, 1 to T, or 0; int32, shape (n,).
    history
        Traces after every step, uint8, shape (T + 1, K, n).
    """

    last: NDArray[np.int32]
    history: NDArray[np.uint8]


class Wiring(NamedTuple):
    """Synapses by source and, for their numbers, by target."""

    indptr: NDArray[np.int64]
    targets: NDArray[np.int32]
    columns: NDArray[np.int64]
    synapses: NDArray[np.int64]
    sources: NDArray[np.int32]


class Ranges(NamedTuple):
    """Smallest and largest value, and binary logarithm of the precision, of weight, delay and tag; int32, shape (3,)."""

    low: NDArray[np.int32]
    high: NDArray[np.int32]
    coarse: NDArray[np.int32]


class Scratch(NamedTuple):
    """Room for one block of synapses."""

    ids: NDArray[np.int64]
    product: NDArray[np.int32]
    total: NDArray[np.int32]
    before: NDArray[np.int32]
    after: NDArray[np.int32]


def scratch() -> Scratch:
    """Room for one block, shapes (BLOCK,) and (3, BLOCK)."""
    row, table = np.zeros((2, BLOCK), np.int32), np.zeros((2, 3, BLOCK), np.int32)
    return Scratch(np.zeros(BLOCK, np.int64), row[0], row[1], table[0], table[1])


# --- loops over a block ----------------------------------------------------------------------
@inner(separate=True)
def _far_row(n, begin, own, far, targets, out_product):
    for k in range(n):
        out_product[k] = np.int32(own * far[targets[begin + k]])


@inner(separate=True)
def _far_own(n, begin, i, own, far, last, targets, out_product):
    for k in range(n):
        j = targets[begin + k]
        out_product[k] = np.int32(own[j] * far[last[j], i])


@inner(separate=True)
def _far_column(n, own, far, sources, out_product):
    for k in range(n):
        out_product[k] = np.int32(own * far[sources[k]])


@inner(separate=True)
def _times_variable(n, values, constant, width, sign, out_product):
    limit = np.int32(1) << np.int32(width)
    for k in range(n):
        value = np.int32(min(max(np.int32(values[k] + constant), np.int32(-limit)), np.int32(limit - 1)))
        if sign:
            value = np.int32(np.int32(value > 0) - np.int32(value < 0))
        out_product[k] = np.int32(out_product[k] * value)


@inner(separate=True)
def _add(n, product, down, up, top, out_total):
    low, high = np.int32(-top - 1), np.int32(top)
    for k in range(n):
        value = np.int32(np.int32(product[k] >> down) << up)
        value = np.int32(min(max(value, low), high))
        out_total[k] = np.int32(min(max(np.int32(out_total[k] + value), low), high))


@inner(separate=True)
def _begin(n, values, fraction, out_total):
    for k in range(n):
        out_total[k] = np.int32(values[k] << fraction)


@inner(separate=True)
def _round(n, first, total, fraction, coarse, low, high, word, out_after):
    """Rounding at random, of synapses with consecutive numbers."""
    bits = np.int32(fraction + coarse)
    mask = np.uint32((np.uint32(1) << np.uint32(bits)) - np.uint32(1))
    for k in range(n):
        noise = np.int32(draw(first + k, word) & mask)
        value = np.int32(np.int32(np.int32(total[k] + noise) >> bits) << coarse)
        out_after[k] = np.int32(min(max(value, low), high))


@inner(separate=True)
def _round_listed(n, ids, total, fraction, coarse, low, high, word, out_after):
    """The same for synapses with any numbers."""
    bits = np.int32(fraction + coarse)
    mask = np.uint32((np.uint32(1) << np.uint32(bits)) - np.uint32(1))
    for k in range(n):
        noise = np.int32(draw(ids[k], word) & mask)
        value = np.int32(np.int32(np.int32(total[k] + noise) >> bits) << coarse)
        out_after[k] = np.int32(min(max(value, low), high))


@inner(separate=True)
def _round_away(n, ids, total, before, fraction, coarse, low, high, word, out_after):
    """Changes rounded away from zero to whole numbers, then at random to the precision."""
    unit, mask = np.int64(1) << fraction, np.uint32((np.uint32(1) << np.uint32(coarse)) - np.uint32(1))
    for k in range(n):
        change = np.int64(total[k]) - np.int64(before[k]) * unit
        size = (abs(change) + unit - 1) >> fraction
        size = ((size + np.int64(draw(ids[k], word) & mask)) >> coarse) << coarse
        out_after[k] = np.int32(min(max(before[k] + (size if change > 0 else -size), low), high))


# --- blocks ----------------------------------------------------------------------------------
@inner()
def _variable_factors(plan, p, n, room):
    for f in range(plan.factors[p], plan.factors[p + 1]):
        if plan.side[f] == SYNAPSE:
            _times_variable(n, room.before[plan.number[f]], plan.constant[f], plan.width[f], plan.sign[f], room.product)


@inner()
def _read(n, variables, room):
    """Take the variables of the synapses of a block."""
    for z in range(3):
        values = variables[z]
        if values.size > 0:
            for k in range(n):
                room.before[z, k] = values[room.ids[k]]


@inner()
def _finish(plan, z, n, ranges, words, away, consecutive, room):
    """Round the sums of variable ``z``."""
    low, high, coarse, word = ranges.low[z], ranges.high[z], ranges.coarse[z], words[z]
    if away:
        _round_away(n, room.ids, room.total, room.before[z], plan.fraction, coarse, low, high, word, room.after[z])
    elif consecutive:
        _round(n, room.ids[0], room.total, plan.fraction, coarse, low, high, word, room.after[z])
    else:
        _round_listed(n, room.ids, room.total, plan.fraction, coarse, low, high, word, room.after[z])


@inner()
def _store(plan, n, variables, room, count, out_changed):
    """Write what the rules change; list the synapses whose weight or delay is another one now."""
    learns_w, learns_d, learns_t = plan.first[1] > plan.first[0], plan.first[2] > plan.first[1], plan.first[3] > plan.first[2]
    for k in range(n):
        s, differs = room.ids[k], False
        if learns_w:
            variables[0][s] = room.after[0, k]
            differs |= room.after[0, k] != room.before[0, k]
        if learns_d:
            variables[1][s] = room.after[1, k]
            differs |= room.after[1, k] != room.before[1, k]
        if learns_t:
            variables[2][s] = room.after[2, k]
        out_changed[count] = s
        count += np.int64(differs)
    return count


@inner()
def _row_block(plan, i, begin, n, sides, tables, wiring, variables, ranges, words, away, room, count, out_changed):
    """Update consecutive synapses of source ``i``."""
    pre, post, any_post = sides
    own, other = tables
    for k in range(n):
        room.ids[k] = begin + k
    _read(n, variables, room)
    for z in range(3):
        if plan.first[z] == plan.first[z + 1]:
            continue
        _begin(n, room.before[z], plan.fraction, room.total)
        for p in range(plan.first[z], plan.first[z + 1]):
            if plan.when[p] == AT_POST:
                if not any_post:
                    continue
                _far_own(n, begin, i, own[p], other[p], post.last, wiring.targets, room.product)
            elif own[p, i] != 0:
                t = pre.last[i] if plan.when[p] == AT_PRE else other.shape[1] - 1
                _far_row(n, begin, own[p, i], other[p, t], wiring.targets, room.product)
            else:
                continue
            _variable_factors(plan, p, n, room)
            _add(n, room.product, plan.down[p], plan.up[p], plan.top, room.total)
        _finish(plan, z, n, ranges, words, away, True, room)
    return _store(plan, n, variables, room, count, out_changed)


@inner()
def _column_block(plan, j, n, sources, t, tables, variables, ranges, words, away, room, count, out_changed):
    """Update the listed synapses of target ``j``, whose sources do not act."""
    own, other = tables
    _read(n, variables, room)
    for z in range(3):
        if plan.first[z] == plan.first[z + 1]:
            continue
        _begin(n, room.before[z], plan.fraction, room.total)
        for p in range(plan.first[z], plan.first[z + 1]):
            if plan.when[p] == AT_POST and own[p, j] != 0:
                _far_column(n, own[p, j], other[p, t], sources, room.product)
                _variable_factors(plan, p, n, room)
                _add(n, room.product, plan.down[p], plan.up[p], plan.top, room.total)
        _finish(plan, z, n, ranges, words, away, False, room)
    return _store(plan, n, variables, room, count, out_changed)


# --- an epoch --------------------------------------------------------------------------------
@inner()
def _acts(plan, own, i, at_post):
    """Whether a product of neuron ``i`` may be other than zero."""
    found = False
    for p in range(plan.when.size):
        found |= (plan.when[p] == AT_POST) == at_post and own[p, i] != 0
    return found


@inner()
def _column(plan, j, t, tables, wiring, variables, ranges, words, away, room, visited, sources, count, out_changed):
    """Update the synapses of target ``j`` whose rows were not visited; returns how many, and the count of changes."""
    n, total = 0, 0
    for k in range(wiring.columns[j], wiring.columns[j + 1]):
        i = wiring.sources[k]
        room.ids[n], sources[n] = wiring.synapses[k], i
        n += np.int64(not visited[i])
        if n == BLOCK:
            count = _column_block(plan, j, n, sources, t, tables, variables, ranges, words, away, room, count, out_changed)
            total, n = total + n, 0
    if n > 0:
        count = _column_block(plan, j, n, sources, t, tables, variables, ranges, words, away, room, count, out_changed)
    return total + n, count


@entry()
def update(plan, pre, post, tables, wiring, variables, ranges, base, epoch, away, room, out_visited, out_sources, out_words, out_changed):
    """Update all synapses for one epoch.

    Parameters
    ----------
    plan, pre, post, wiring, ranges, room
        :class:`.Plan`, :class:`Side` twice, :class:`Wiring`, :class:`Ranges`, :class:`Scratch`.
    tables
        ``own`` and ``other`` of :func:`.fill_tables`.
    variables
        Weights, delays and tags, int16, shape (n_synapses,) or (0,) if the rules do not touch them; changed in place.
    base, epoch
        Stream of random numbers (uint64) and number of the epoch.
    away
        Round changes away from zero, not at random.
    out_visited, out_sources, out_words
        Scratch: bool (n_pre,), int32 (BLOCK,), uint64 (3,).
    out_changed
        int64, shape (n_synapses + 1,): the synapses whose weight or delay changed, in the order they were visited.

    Returns
    -------
    tuple of int
        How many changed, and how many were visited.
    """
    own, count, n_visited = tables[0], np.int64(0), np.int64(0)
    for z in range(3):
        out_words[z] = word_of(base, epoch * 3 + z)
    any_post = False
    for j in range(post.last.size):
        any_post |= post.last[j] > 0 and _acts(plan, own, j, True)
    sides = (pre, post, any_post)
    for i in range(pre.last.size):
        out_visited[i] = _acts(plan, own, i, False)
        if out_visited[i]:
            end = wiring.indptr[i + 1]
            n_visited += end - wiring.indptr[i]
            for begin in range(wiring.indptr[i], end, BLOCK):
                n = min(np.int64(BLOCK), end - begin)
                count = _row_block(plan, i, begin, n, sides, tables, wiring, variables, ranges, out_words, away, room, count, out_changed)
    if any_post:
        for j in range(post.last.size):
            t = post.last[j]
            if t > 0 and _acts(plan, own, j, True):
                n, count = _column(
                    plan, j, t, tables, wiring, variables, ranges, out_words, away, room, out_visited, out_sources, count, out_changed
                )
                n_visited += n
    return count, n_visited
