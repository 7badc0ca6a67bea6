"""Kernels that draw the targets of rows; plain loops over arrays, compiled once per function.

Conventions: ``base`` is the stream (uint64) of the rule, ``start`` the presynaptic index of the
first row, ``indptr`` int64 (n_rows + 1,), ``excluded`` int64 with the one partner that each row
(or column) may not have, -1 if there is none. Targets come out in ascending order within a row.

Sets of chosen cells are bit sets of two levels (a bit per cell, and a summary bit per word of 64
cells), so that reading them in order costs little even when few of many cells are chosen.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from neurosim.connectivity.random import below, row_key, uniform

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@intrinsic
def trailing_zeros(typingctx, word):
    """Position (uint64) of the lowest set bit of a uint64; 64 if there is none."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), codegen


@njit(cache=True, nogil=True)
def _is_set(words, index):
    return (words[index >> 6] >> np.uint64(index & 63)) & _ONE != _ZERO


@njit(cache=True, nogil=True)
def _set(words, index):
    words[index >> 6] |= _ONE << np.uint64(index & 63)


@njit(cache=True, nogil=True)
def fill_all(excluded, indptr, out_post):
    """Every cell but the excluded one, for each row."""
    for row in range(len(indptr) - 1):
        at = indptr[row]
        cell = 0
        while at < indptr[row + 1]:
            if cell != excluded[row]:
                out_post[at] = cell
                at += 1
            cell += 1


@njit(cache=True, nogil=True, error_model="numpy")
def fill_bernoulli(base, start, row, n_post, p, excluded, indptr, out_post):
    """Each cell with probability ``p``, by geometric skips; from row ``row`` of the block on.

    Returns the first row that did not fit into ``out_post`` (the number of rows if all did).
    """
    scale = 1.0 / math.log1p(-p)
    at = indptr[row]
    while row < len(indptr) - 1:
        key = row_key(base, start + row)
        cell = np.int64(-1)
        ordinal = 0
        while True:
            skip = math.log(uniform(key, ordinal)) * scale
            if skip >= n_post - 1 - cell:
                break
            cell += 1 + np.int64(skip)
            ordinal += 1
            if cell != excluded[row]:
                if at == len(out_post):
                    return row
                out_post[at] = cell
                at += 1
        row += 1
        indptr[row] = at
    return row


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _mark(out_words, out_summary, index):
    _set(out_words, index)
    _set(out_summary, index >> 6)


@njit(cache=True, nogil=True)
def _drain(at, skipped, words, summary, times, out_post):
    """Write the set cells to ``out_post[at:]`` in order, stepping over ``skipped``; clear the sets.

    A cell is written ``times[cell]`` times, once if ``times`` is empty.
    """
    for group in range(len(summary)):
        while summary[group] != _ZERO:
            word = (group << 6) + np.int64(trailing_zeros(summary[group]))  # pyright: ignore[reportCallIssue]
            chosen = words[word]
            while chosen != _ZERO:
                cell = (word << 6) + np.int64(trailing_zeros(chosen))  # pyright: ignore[reportCallIssue]
                chosen &= chosen - _ONE
                out_post[at] = cell + 1 if cell >= skipped else cell
                at += 1
                if len(times) > 0:
                    for _ in range(times[cell] - 1):
                        out_post[at] = out_post[at - 1]
                        at += 1
                    times[cell] = 0
            words[word] = _ZERO
            summary[group] &= summary[group] - _ONE


@njit(cache=True, nogil=True)
def fill_drawn(base, start, n_post, replace, excluded, indptr, out_post):
    """As many cells as each row of ``indptr`` has room for; distinct ones unless ``replace``.

    Distinct cells are drawn by Floyd's algorithm.
    """
    words = np.zeros((n_post >> 6) + 1, np.uint64)
    summary = np.zeros((len(words) >> 6) + 1, np.uint64)
    times = np.zeros(n_post if replace else 0, np.int64)
    for row in range(len(indptr) - 1):
        closed = excluded[row] >= 0
        limit = n_post - (1 if closed else 0)
        key = row_key(base, start + row)
        count = indptr[row + 1] - indptr[row]
        for drawn in range(count):
            if replace:
                cell = below(key, drawn, limit)
                times[cell] += 1
            else:
                last = limit - count + drawn
                cell = below(key, drawn, last + 1)
                cell = last if _is_set(words, cell) else cell
            _mark(words, summary, cell)
        if count > 0:
            _drain(indptr[row], excluded[row] if closed else n_post, words, summary, times, out_post)


@njit(cache=True, nogil=True)
def _draw_column(key, count, limit, replace, words, out_picks):
    """Draw ``count`` sources below ``limit``; ``words`` is all zero before and after."""
    for drawn in range(count):
        if replace:
            out_picks[drawn] = below(key, drawn, limit)
            continue
        last = limit - count + drawn
        source = below(key, drawn, last + 1)
        if _is_set(words, source):
            source = last
        _set(words, source)
        out_picks[drawn] = source
    if not replace:
        for drawn in range(count):
            words[out_picks[drawn] >> 6] = _ZERO


@njit(cache=True, nogil=True)
def scatter_columns(base, counts, n_pre, excluded, replace, start, out_cursor, out_post):
    """Draw each column's sources and drop it into their rows ``start .. start + len(out_cursor)``.

    ``out_cursor[r]`` is the next free place of row ``start + r`` and is advanced. With an empty
    ``out_post`` nothing is written: the cursors then count. Columns come in ascending order, so
    that every row is ascending.
    """
    words = np.zeros((n_pre >> 6) + 1, np.uint64)
    picks = np.zeros(max(1, counts.max()) if len(counts) else 1, np.int64)
    write = len(out_post) > 0
    for column in range(len(counts)):
        closed = excluded[column] >= 0
        limit = n_pre - (1 if closed else 0)
        _draw_column(row_key(base, column), counts[column], limit, replace, words, picks)
        for drawn in range(counts[column]):
            source = picks[drawn]
            row = (source + 1 if closed and source >= excluded[column] else source) - start
            if 0 <= row < len(out_cursor):
                if write:
                    out_post[out_cursor[row]] = column
                out_cursor[row] += 1
