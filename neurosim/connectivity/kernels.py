"""Kernels that draw the targets of rows; plain loops over arrays, compiled once per function.

Conventions: ``base`` is the stream (uint64) of the rule, ``start`` the presynaptic index of the
first row, ``indptr`` int64 (n_rows + 1,), ``excluded`` int64 with the one partner that each row
(or column) may not have, -1 if there is none. Targets are int32.

A word of 64 random bits gives two cells, each from 32 bits: the probability of a cell is off by
at most ``n_cells / 2**32`` of itself. Distinct cells are drawn by Floyd's algorithm: draw ``k`` of
``n`` from the first ``limit - n + k + 1`` cells, and take the last of these if the cell is taken
already. ``marks`` tell what is taken: ``stamp`` there, a number that changes from row to row.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry, inner
from neurosim.connectivity.quantiles import fill_places
from neurosim.connectivity.random import mix, row_key, row_step, uniform

_HALF = np.uint64(32)
_LOW_WORD = np.uint64(0xFFFFFFFF)


@inner()
def draw_cells(key, limit, skipped, marks, stamp, out_cells):
    """``len(out_cells)`` cells of ``0 .. limit``, never ``skipped``; ``limit`` counts the others.

    Distinct ones if there are ``marks`` (uint8, one per cell). Returns the stamp used.
    """
    step = row_step(key)
    n = len(out_cells)
    distinct = len(marks) > 0
    bound, growth = (limit - n + 1, 1) if distinct else (limit, 0)
    pairs, first = n >> 1, n - (n >> 1)
    late = out_cells[first:]
    for k in range(pairs):  # no jumps and no calls: this is where the compiler vectorises
        word = mix(key + np.uint64(k) * step)
        a = np.int64(((word & _LOW_WORD) * np.uint64(bound + growth * k)) >> _HALF)
        b = np.int64(((word >> _HALF) * np.uint64(bound + growth * (first + k))) >> _HALF)
        out_cells[k] = a if distinct else a + (a >= skipped)
        late[k] = b if distinct else b + (b >= skipped)
    if first > pairs:
        word = mix(key + np.uint64(pairs) * step)
        a = np.int64(((word & _LOW_WORD) * np.uint64(bound + growth * pairs)) >> _HALF)
        out_cells[pairs] = a if distinct else a + (a >= skipped)
    if not distinct:
        return stamp
    stamp += 1
    if stamp == 256:
        marks[:] = 0
        stamp = 1
    for k in range(n):
        cell = np.int64(out_cells[k])
        cell = limit - n + k if marks[cell] == stamp else cell
        marks[cell] = stamp
        out_cells[k] = cell + (cell >= skipped)
    return stamp


@entry(nogil=True)
def fill_drawn(base, start, n_post, excluded, marks, indptr, out_post):
    """As many cells as each row of ``indptr`` has room for; distinct ones if there are ``marks``."""
    stamp = np.int64(0)
    for row in range(len(indptr) - 1):
        skipped = excluded[row] if excluded[row] >= 0 else n_post
        limit = n_post - (1 if excluded[row] >= 0 else 0)
        stamp = draw_cells(row_key(base, start + row), limit, skipped, marks, stamp, out_post[indptr[row] : indptr[row + 1]])


@entry(nogil=True)
def fill_bernoulli(base, start, row, n_post, cubics, mean_skip, excluded, p, segment, indptr, out_post):
    """Each cell with one probability, by geometric skips; from row ``row`` of the block on.

    A skip is ``mean_skip = -1 / log(1 - probability)`` times an exponential number (``cubics``),
    rounded down. ``p`` and ``segment`` are working space, as long as the chunks of words to draw
    at once. Returns the first row that might not fit into ``out_post`` (the number of
    rows if all did).
    """
    chunk = len(p)
    at = indptr[row]
    while row < len(indptr) - 1:
        if at + n_post > len(out_post):
            return row
        key = row_key(base, start + row)
        step = row_step(key)
        cell, ordinal = -1.0, np.int64(0)
        while cell < n_post:
            fill_places(key, step, ordinal, chunk, p, segment)
            ordinal += chunk
            for k in range(chunk):
                s = segment[k]
                value = cubics[s, 0] + p[k] * (cubics[s, 1] + p[k] * (cubics[s, 2] + p[k] * cubics[s, 3]))
                p[k] = 1.0 + np.floor(max(value, 0.0) * mean_skip)
            for k in range(chunk):
                cell += p[k]
                if cell >= n_post:
                    break
                out_post[at] = cell
                at += np.int64(cell) != excluded[row]
        row += 1
        indptr[row] = at
    return row


@entry(nogil=True)
def fill_thinned(base, start, first, probability, excluded, indptr, out_post):
    """Each pair of the dense block ``probability`` (n_rows, n_post) on its own.

    Row ``r`` of the block is row ``first + r`` of ``indptr``; returns the number of synapses
    written from ``out_post[0]`` on. ``indptr`` holds numbers of synapses, not yet summed.
    """
    at = 0
    for r in range(probability.shape[0]):
        row = first + r
        key = row_key(base, start + row)
        before = at
        for cell in range(probability.shape[1]):
            if uniform(key, cell) < probability[r, cell] and cell != excluded[row]:
                out_post[at] = cell
                at += 1
        indptr[row + 1] = at - before
    return at


@entry(nogil=True)
def draw_columns(base, counts, leaves, edges, excluded, marks, start, out_picks, out_kept, out_rows):
    """Draw every column's sources in leaves ``leaves[0] .. leaves[1] - 1`` and keep the rows asked for.

    ``counts`` int32 (n_columns, n_leaves): synapses of each column from the rows of each leaf,
    ``edges`` the first row of each leaf. Rows ``start .. start + len(out_rows) - 1`` are kept:
    their synapses are counted in ``out_rows``, their sources less ``start`` put into ``out_picks``
    column by column, ``out_kept`` of each. Returns how many are kept.
    """
    at, stamp, n_leaves = np.int64(0), np.int64(0), counts.shape[1]
    for column in range(len(counts)):
        before = at
        for leaf in range(leaves[0], leaves[1]):
            size, own = edges[leaf + 1] - edges[leaf], excluded[column] - edges[leaf]
            inside = 0 <= own < size
            picks = out_picks[at : at + counts[column, leaf]]
            key = row_key(base, column * n_leaves + leaf)
            stamp = draw_cells(key, size - (1 if inside else 0), own if inside else size, marks, stamp, picks)
            shift = edges[leaf] - start
            for k in range(len(picks)):
                row = picks[k] + shift
                if 0 <= row < len(out_rows):
                    out_rows[row] += 1
                    out_picks[at] = row
                    at += 1
        out_kept[column] = at - before
    return at


@entry(nogil=True)
def place_columns(picks, kept, out_cursor, out_post):
    """Put each column into its rows, whose next free places are ``out_cursor``; rows come out ascending."""
    at = 0
    for column in range(len(kept)):
        for _ in range(kept[column]):
            row = picks[at]
            out_post[out_cursor[row]] = column
            out_cursor[row] += 1
            at += 1
