"""The sum of products: what an epoch makes of weights, delays and tags.

Arithmetic, all in whole numbers (lava b6822fbc, bit-approximate; Davies et al. 2018, Table 1):

* a variable is shifted left by 7 bits into a 16-bit accumulator;
* a product is the mantissa times its factors, each saturated at its width; it is shifted right
  by what it has more than 15 bits (see :meth:`.Product.shift`), left by its exponent plus 7, and saturated;
* products are added in the order they were written in, and the sum saturates every time;
* the result is rounded at random to the precision of the variable and saturates in its range.

With ``away`` the change is rounded away from zero instead, as brian2_loihi 0.5.2 does.

Rows of synapses whose source acts are updated whole; where only targets act, their columns are
visited instead, unless these hold so many synapses that all rows are faster. What has no term that can be
other than zero keeps its value whether it is visited or not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.chips.loihi.learning.draws import word_of
from neurosim.chips.loihi.learning.loops import (
    add,
    begin,
    copy,
    count_up,
    gather,
    mark,
    round_at_random,
    round_away,
    scatter,
    times_far,
    times_own,
    times_variable,
)
from neurosim.chips.loihi.learning.plan import AT_POST, AT_PRE, SYNAPSE

BLOCK = 512
"""Synapses worked on together; their scratch stays in the nearest cache."""


CHEAPER_ROWS = 2
"""A synapse in a row takes about one part in this of the time of one in a column, which lies apart from its neighbours."""


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
    synapses: NDArray[np.uint32]
    sources: NDArray[np.int32]


class Ranges(NamedTuple):
    """Smallest and largest value, and binary logarithm of the precision, of weight, delay and tag; int32, shape (3,)."""

    low: NDArray[np.int32]
    high: NDArray[np.int32]
    coarse: NDArray[np.int32]


class Scratch(NamedTuple):
    """Room for one block of synapses."""

    ids: NDArray[np.uint32]
    product: NDArray[np.int32]
    total: NDArray[np.int32]
    before: NDArray[np.int32]
    after: NDArray[np.int32]


def scratch() -> Scratch:
    """Room for one block, shapes (BLOCK,) and (3, BLOCK)."""
    row, table = np.zeros((2, BLOCK), np.int32), np.zeros((2, 3, BLOCK), np.int32)
    return Scratch(np.zeros(BLOCK, np.uint32), row[0], row[1], table[0], table[1])


# --- blocks ----------------------------------------------------------------------------------
@inner()
def _add_product(plan, p, n, room):
    """Take the factors of the synapse into product ``p``, and add it."""
    product = room.product[:n]
    for f in range(plan.factors[p], plan.factors[p + 1]):
        if plan.side[f] == SYNAPSE:
            times_variable(room.before[plan.number[f], :n], plan.constant[f], plan.width[f], plan.sign[f], product)
    add(product, plan.down[p], plan.up[p], plan.top, room.total[:n])


@inner()
def _finish(plan, z, n, ranges, words, away, room):
    """Round the sums of variable ``z``."""
    ids, total, before, after = room.ids[:n], room.total[:n], room.before[z, :n], room.after[z, :n]
    low, high, coarse, word = ranges.low[z], ranges.high[z], ranges.coarse[z], words[z]
    if away:
        round_away(ids, total, before, plan.fraction, coarse, low, high, word, after)
    else:
        round_at_random(ids, total, plan.fraction, coarse, low, high, word, after)


@inner()
def _list_changed(plan, n, room, count, out_changed):
    """List the synapses whose weight or delay is another one now; returns how many are listed."""
    differs, found = room.product[:n], np.int32(0)
    differs[:] = 0
    for z in range(2):
        if plan.first[z + 1] > plan.first[z]:
            found = mark(room.before[z, :n], room.after[z, :n], differs)
    if found > 0:
        for k in range(n):
            out_changed[count] = room.ids[k]
            count += np.int64(differs[k])
    return count


@inner()
def _row_block(plan, i, first, n, sides, tables, wiring, variables, ranges, words, away, room, count, out_changed):
    """Update consecutive synapses of source ``i``."""
    pre, post, any_post = sides
    own, other, rows = tables
    targets = wiring.targets[first : first + n]
    count_up(first, room.ids[:n])
    for z in range(3):
        if variables[z].size > 0:
            copy(variables[z][first : first + n], room.before[z, :n])
    for z in range(3):
        if plan.first[z] == plan.first[z + 1]:
            continue
        begin(room.before[z, :n], plan.fraction, room.total[:n])
        for p in range(plan.first[z], plan.first[z + 1]):
            if plan.when[p] == AT_POST:
                if not any_post:
                    continue
                times_own(own[p], rows[p, i], post.last, targets, room.product[:n])
            elif own[p, i] != 0:
                t = pre.last[i] if plan.when[p] == AT_PRE else pre.history.shape[0] - 1
                times_far(own[p, i], other[p, t], targets, room.product[:n])
            else:
                continue
            _add_product(plan, p, n, room)
        _finish(plan, z, n, ranges, words, away, room)
    for z in range(3):
        if plan.first[z + 1] > plan.first[z]:
            copy(room.after[z, :n], variables[z][first : first + n])
    return _list_changed(plan, n, room, count, out_changed)


@inner()
def _column_block(plan, j, n, sources, t, tables, variables, ranges, words, away, room, count, out_changed):
    """Update the listed synapses of target ``j``, whose rows are not visited."""
    own, _, rows = tables
    ids = room.ids[:n]
    for z in range(3):
        if variables[z].size > 0:
            gather(ids, variables[z], room.before[z, :n])
    for z in range(3):
        if plan.first[z] == plan.first[z + 1]:
            continue
        begin(room.before[z, :n], plan.fraction, room.total[:n])
        for p in range(plan.first[z], plan.first[z + 1]):
            if plan.when[p] == AT_POST and own[p, j] != 0:
                times_far(own[p, j], rows[p, :, t], sources[:n], room.product[:n])
                _add_product(plan, p, n, room)
        _finish(plan, z, n, ranges, words, away, room)
    for z in range(3):
        if plan.first[z + 1] > plan.first[z]:
            scatter(ids, room.after[z, :n], variables[z])
    return _list_changed(plan, n, room, count, out_changed)


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
        ``own``, ``other`` and ``rows`` of :func:`.fill_tables`.
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
    in_columns = np.int64(0)
    for j in range(post.last.size):
        if post.last[j] > 0 and _acts(plan, own, j, True):
            in_columns += wiring.columns[j + 1] - wiring.columns[j]
    any_post, all_rows = in_columns > 0, in_columns * CHEAPER_ROWS > wiring.targets.size
    sides = (pre, post, any_post)
    for i in range(pre.last.size):
        out_visited[i] = all_rows or _acts(plan, own, i, False)
        if out_visited[i]:
            end = wiring.indptr[i + 1]
            n_visited += end - wiring.indptr[i]
            for begin in range(wiring.indptr[i], end, BLOCK):
                n = min(np.int64(BLOCK), end - begin)
                count = _row_block(plan, i, begin, n, sides, tables, wiring, variables, ranges, out_words, away, room, count, out_changed)
    if any_post and not all_rows:
        for j in range(post.last.size):
            t = post.last[j]
            if t > 0 and _acts(plan, own, j, True):
                n, count = _column(
                    plan, j, t, tables, wiring, variables, ranges, out_words, away, room, out_visited, out_sources, count, out_changed
                )
                n_visited += n
    return count, n_visited
