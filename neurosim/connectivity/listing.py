"""Putting listed synapses into row order.

Many synapses are dealt out to buckets of neighbouring rows first, which reads and writes memory in
order; each bucket is then sorted in the cache, by a number made of row, target and place.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry
from neurosim.columns import Floats, Integers

FEW = 100_000
"""Synapses up to which they are sorted at once: about the time that loading a compiled kernel takes."""
_BUCKET = 1 << 15
_MOST_BUCKETS = 1 << 11


def in_row_order(pre: Integers, post: Integers, given: Floats, n_pre: int, n_post: int) -> tuple[Integers, Integers, list[Floats]]:
    """Synapses sorted by source, then target, else as they come.

    Parameters
    ----------
    pre, post
        Indices below ``n_pre`` and ``n_post``.
    given
        float64 (n_synapses, n_columns).

    Returns
    -------
    tuple
        New arrays: sources, targets, and each column of its own.
    """
    counts = np.bincount(pre, minlength=n_pre)
    sources = np.repeat(np.arange(n_pre), counts)
    shift = max(0, n_pre.bit_length() - min(len(pre) // _BUCKET, _MOST_BUCKETS).bit_length())
    sizes = np.add.reduceat(counts, np.arange(0, n_pre, 1 << shift)) if n_pre else counts
    place_bits = int(sizes.max(initial=0)).bit_length()
    if len(pre) <= FEW or shift + n_post.bit_length() + place_bits > 64:
        order = np.lexsort((post, pre))
        return sources, post[order], [column[order] for column in given.T]
    edges = np.concatenate([[0], np.cumsum(sizes)])
    keys, values = np.empty(len(pre), np.uint64), np.empty((given.shape[1], len(pre)))
    deal(pre, post, given, shift, n_post.bit_length(), edges[:-1].copy(), keys, values)
    for lo, hi in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        _sort_bucket(keys[lo:hi], values[:, lo:hi], n_post.bit_length(), place_bits)
    return sources, keys.view(np.int64), list(values)


def _sort_bucket(out_keys: np.ndarray, out_values: Floats, post_bits: int, place_bits: int) -> None:
    """Sort values by key, stably, and leave the targets in place of the keys."""
    bits = np.uint64(place_bits)
    numbers = (out_keys << bits) | np.arange(len(out_keys), dtype=np.uint64)
    numbers.sort()
    order = (numbers & np.uint64((1 << place_bits) - 1)).astype(np.int64)
    out_keys[:] = (numbers >> bits) & np.uint64((1 << post_bits) - 1)
    for column in out_values:
        column[:] = column[order]


@entry(nogil=True)
def deal(pre, post, given, shift, post_bits, places, out_keys, out_values):
    """Put synapses into buckets of ``2**shift`` rows, whose next free places are ``places``.

    A key holds the row within its bucket, and below that, in ``post_bits``, the target.
    """
    for k in range(len(pre)):
        bucket = pre[k] >> shift
        at = places[bucket]
        places[bucket] = at + 1
        out_keys[at] = ((pre[k] - (bucket << shift)) << post_bits) | post[k]
        for column in range(given.shape[1]):
            out_values[column, at] = given[k, column]
