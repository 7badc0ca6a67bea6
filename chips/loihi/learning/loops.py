"""Loops over a block of synapses, each over few arrays: the compiler makes vector code of them."""

from __future__ import annotations

import numpy as np

from neurosim._jit import inner
from neurosim.chips.loihi.learning.draws import draw


@inner(separate=True)
def count_up(first, out_ids):
    """Numbers of consecutive synapses."""
    for k in range(out_ids.size):
        out_ids[k] = np.uint32(first + k)


@inner(separate=True)
def copy(values, out_values):
    """Values of consecutive synapses, wider or narrower."""
    kind = out_values.dtype.type
    for k in range(out_values.size):
        out_values[k] = kind(values[k])


@inner(separate=True)
def gather(ids, values, out_values):
    """Values of listed synapses."""
    for k in range(ids.size):
        out_values[k] = np.int32(values[np.uint64(ids[k])])


@inner(separate=True)
def scatter(ids, values, out_values):
    """Give listed synapses their values."""
    for k in range(ids.size):
        out_values[np.uint64(ids[k])] = np.int16(values[k])


@inner(separate=True)
def times_far(own, far, ends, out_product):
    """``own`` times a number of the neuron at the far end."""
    own = np.int32(own)
    for k in range(ends.size):
        out_product[k] = np.int32(own * far[np.uint64(ends[k])])


@inner(separate=True)
def times_own(own, far, last, ends, out_product):
    """A number of the neuron at the far end times ``far`` at the step it fired."""
    for k in range(ends.size):
        j = np.uint64(ends[k])
        out_product[k] = np.int32(own[j] * far[np.uint64(last[j])])


@inner(separate=True)
def times_variable(values, constant, width, sign, out_product):
    """Multiply by a variable of the synapse and a constant, saturated, or by their sign."""
    limit = np.int32(np.int32(1) << np.int32(width))
    low, high = np.int32(-limit), np.int32(limit - 1)
    for k in range(out_product.size):
        value = np.int32(min(max(np.int32(values[k] + constant), low), high))
        if sign:
            value = np.int32(np.int32(value > 0) - np.int32(value < 0))
        out_product[k] = np.int32(out_product[k] * value)


@inner(separate=True)
def add(product, down, up, top, out_total):
    """Shift and saturate products, add them, saturate again."""
    low, high = np.int32(-top - 1), np.int32(top)
    for k in range(out_total.size):
        value = np.int32(np.int32(product[k] >> down) << up)
        value = np.int32(min(max(value, low), high))
        out_total[k] = np.int32(min(max(np.int32(out_total[k] + value), low), high))


@inner(separate=True)
def begin(values, fraction, out_total):
    """Variables in the accumulator."""
    for k in range(out_total.size):
        out_total[k] = np.int32(values[k] << fraction)


@inner(separate=True)
def round_at_random(ids, total, fraction, coarse, low, high, word, out_after):
    """Sums rounded to the precision of the variable, in its range."""
    bits = np.int32(fraction + coarse)
    mask = np.uint32((np.uint32(1) << np.uint32(bits)) - np.uint32(1))
    for k in range(out_after.size):
        noise = np.int32(draw(ids[k], word) & mask)
        value = np.int32(np.int32(np.int32(total[k] + noise) >> bits) << coarse)
        out_after[k] = np.int32(min(max(value, low), high))


@inner(separate=True)
def round_away(ids, total, before, fraction, coarse, low, high, word, out_after):
    """Changes rounded away from zero to whole numbers, then at random to the precision."""
    unit, mask = np.int64(1) << fraction, np.uint32((np.uint32(1) << np.uint32(coarse)) - np.uint32(1))
    for k in range(out_after.size):
        change = np.int64(total[k]) - np.int64(before[k]) * unit
        size = (abs(change) + unit - 1) >> fraction
        size = ((size + np.int64(draw(ids[k], word) & mask)) >> coarse) << coarse
        out_after[k] = np.int32(min(max(before[k] + (size if change > 0 else -size), low), high))


@inner(separate=True)
def mark(before, after, out_differs):
    """Note where values differ; returns how many are noted now."""
    count = np.int32(0)
    for k in range(out_differs.size):
        out_differs[k] |= np.int32(before[k] != after[k])
        count += out_differs[k]
    return count
