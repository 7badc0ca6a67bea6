"""What a product has of its neurons, multiplied out once per epoch, so that a synapse multiplies two numbers.

A product acts at the time of one neuron, its *owner*: the presynaptic one (``x0``; ``uk`` too), or the
postsynaptic one (``y0``). ``own[p, i]`` holds the mantissa times the owner's factors at that time, and 0
where the product does not act; ``other[p, t, j]`` holds the factors of the neuron at the far end after
step t, for every step at which some owner acts (``rows[p, j, t]`` where the owner is
postsynaptic). All is whole numbers, so the order of multiplying does not matter.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry, inner
from neurosim.chips.loihi.learning.plan import AT_END, AT_POST, DECIMATED, GLOBAL, POST, PRE


@inner(inline="always")
def saturated(value, width):
    """A factor between -2^width and 2^width - 1."""
    limit = np.int64(1) << np.int64(width)
    return min(max(value, -limit), limit - 1)


@inner()
def _reading(number, history, last, t, i):
    """Spike (number 0) or trace of a neuron after step ``t``."""
    return np.int64(last[i] > 0) if number == 0 else np.int64(history[t, number - 1, i])


@inner()
def _times(plan, p, side, history, last, t, i, start):
    """``start`` times the factors of product ``p`` that belong to neuron ``i`` of a side."""
    value = start
    for f in range(plan.factors[p], plan.factors[p + 1]):
        if plan.side[f] == side:
            value *= saturated(_reading(plan.number[f], history, last, t, i) + plan.constant[f], plan.width[f])
    return value


@inner()
def _globals(plan, p, reward, decimated, t, start):
    """``start`` times the factors of product ``p`` that all synapses share."""
    value = start
    for f in range(plan.factors[p], plan.factors[p + 1]):
        if plan.side[f] == GLOBAL:
            number = plan.number[f]
            read = np.int64(decimated) if number == DECIMATED else _reading(number, reward.history, reward.last, t, 0)
            value *= saturated(read + plan.constant[f], plan.width[f])
    return value


@entry()
def fill_tables(plan, pre, post, reward, decimated, out_own, out_other, out_rows, out_used):
    """Fill the tables of one epoch.

    Parameters
    ----------
    plan
        :class:`.Plan` of P products.
    pre, post, reward
        :class:`.Side` of the neurons before and behind the synapses, and of the reward (one neuron).
    decimated
        Whether ``uk`` acts in this epoch.
    out_own
        int32, shape (P, n).
    out_other
        int32, shape (P, T + 1, n_post).
    out_rows
        int32, shape (P, n_pre, T + 1).
    out_used
        bool, shape (T + 1,): scratch.
    """
    n_steps = pre.history.shape[0] - 1
    for p in range(plan.when.size):
        by_post = plan.when[p] == AT_POST
        owner, far = (post, pre) if by_post else (pre, post)
        own_side, far_side = (POST, PRE) if by_post else (PRE, POST)
        out_used[:] = False
        for i in range(owner.last.size):
            acts = decimated if plan.when[p] == AT_END else owner.last[i] > 0
            t = n_steps if plan.when[p] == AT_END else owner.last[i]
            value = _globals(plan, p, reward, decimated, t, np.int64(plan.mantissa[p])) if acts else np.int64(0)
            if value != 0:
                value = _times(plan, p, own_side, owner.history, owner.last, t, i, value)
                out_used[t] = True
            out_own[p, i] = value
        for t in range(n_steps + 1):
            if out_used[t]:
                for j in range(far.last.size):
                    value = _times(plan, p, far_side, far.history, far.last, t, j, np.int64(1))
                    if by_post:
                        out_rows[p, j, t] = value
                    else:
                        out_other[p, t, j] = value
