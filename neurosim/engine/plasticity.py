"""Synapses with memory: Tsodyks-Markram, stochastic release and pair STDP.

STDP synapses are brought up to date when their presynaptic spike arrives, from the stored recent
spikes of their targets. With delay d and dendritic fraction f, a presynaptic spike passes the
synapse at t_pre + (1 - f) d and a postsynaptic one at t_post + f d; pairs at exactly equal times
do not interact, as in NEST (of a tie, the presynaptic spike counts first). On the normalised weight u = (w - w_min) / (w_max - w_min)::

    post after pre:  u += A_plus  (1 - u)^mu_plus  K_plus
    pre after post:  u -= A_minus  u^mu_minus      K_minus

with all-pairs traces K. ``mu = 0`` is additive, ``mu = 1`` multiplicative, anything between is the
dependence of Guetig et al. (2003), J. Neurosci. 23:3697.
"""

from __future__ import annotations

import math

from numba import uint64

from neurosim._jit import entry, inner
from neurosim.engine.randomness import uniform

#: Columns of the STDP rule table.
TAU_PLUS, TAU_MINUS, A_PLUS, A_MINUS, W_MIN, W_MAX, MU_PLUS, MU_MINUS, FRACTION, FIRST_SLOT, N_SLOTS, MAX_DENDRITIC = range(12)
N_RULE_COLUMNS = 12


@inner(inline="always")
def inactivated(active, gap, tau_syn, tau_rec):
    """Share of the resources that is inactive ``gap`` ms after a share ``active`` was released."""
    if tau_syn <= 0.0:
        return active * math.exp(-gap / tau_rec)
    ratio = tau_syn / tau_rec
    if abs(ratio - 1.0) < 1e-6:
        return active * gap / tau_rec * math.exp(-gap / tau_rec)
    return active * (math.exp(-gap / tau_syn) - math.exp(-gap / tau_rec)) / (ratio - 1.0)


@inner()
def deliver_depressing(row, start, stop, now_ms, synapses, acc):
    """Short-term plasticity after Tsodyks, Uziel and Markram (2000), J. Neurosci. 20:RC50.

    Resources are recovered (x), active (y, decaying with the postsynaptic current) or inactive.
    """
    last = synapses.last_ms[row]
    gap = now_ms - last
    for k in range(start, stop):
        u, x, y = synapses.u0[k], 1.0, 0.0
        if last >= 0.0:
            tau_rec, tau_syn = synapses.tau_rec_ms[k], synapses.tau_syn_ms[k]
            x, y = synapses.x[k], synapses.y[k]
            idle = (1.0 - x - y) * math.exp(-gap / tau_rec) + inactivated(y, gap, tau_syn, tau_rec)
            y = y * math.exp(-gap / tau_syn) if tau_syn > 0.0 else 0.0
            x = 1.0 - y - idle
            if synapses.tau_facil_ms[k] > 0.0:
                u += synapses.u[k] * (1.0 - synapses.u0[k]) * math.exp(-gap / synapses.tau_facil_ms[k])
        released = x * u
        synapses.x[k] = x - released
        synapses.y[k] = y + released
        synapses.u[k] = u
        acc[synapses.target[k]] += synapses.weight[k] * released
    synapses.last_ms[row] = now_ms


@inner()
def deliver_stochastic(start, stop, now_step, synapses, acc):
    """Each synapse transmits with its probability, drawn from its own stream."""
    for k in range(start, stop):
        if uniform(synapses.key[k] ^ uint64(now_step), 0) < synapses.p[k]:
            acc[synapses.target[k]] += synapses.weight[k]


@inner(inline="always")
def potentiate(rule, weight, trace):
    """Weight after a postsynaptic spike that sees the presynaptic trace ``trace``."""
    low, high = rule[4], rule[5]
    u = (weight - low) / (high - low)
    room = max(1.0 - u, 0.0)
    u += rule[2] * trace * (1.0 if rule[6] == 0.0 else room if rule[6] == 1.0 else room ** rule[6])
    return low + (high - low) * min(u, 1.0) if u < 1.0 else high


@inner(inline="always")
def depress(rule, weight, trace):
    """Weight after a presynaptic spike that sees the postsynaptic trace ``trace``."""
    low, high = rule[4], rule[5]
    u = (weight - low) / (high - low)
    room = max(u, 0.0)
    u -= rule[3] * trace * (1.0 if rule[7] == 0.0 else room if rule[7] == 1.0 else room ** rule[7])
    return low + (high - low) * u if u > 0.0 else low


@inner(inline="always")
def catch_up(rule, weight, slot, dendritic_ms, since_ms, until_ms, last_ms, trace, plastic):
    """Weight after the postsynaptic spikes that reached the synapse in [since, until).

    A spike that passes together with the last presynaptic one is counted here, whether it was
    stored before or after that was processed, and pairs only with the earlier ones.
    """
    n = plastic.hist_n[slot] if trace > 0.0 and rule[2] != 0.0 else 0
    first = n
    while first > 0 and plastic.hist_ms[slot, first - 1] + dendritic_ms > since_ms - 1e-6:
        first -= 1
    for h in range(first, n):
        at = plastic.hist_ms[slot, h] + dendritic_ms
        if at >= until_ms - 1e-6:
            break
        if at > last_ms + 1e-6:
            weight = potentiate(rule, weight, trace * math.exp((last_ms - at) / rule[0]))
        elif at > last_ms - 1e-6:
            weight = potentiate(rule, weight, trace - 1.0)
    return weight


@inner(inline="always")
def post_trace(rule, slot, dendritic_ms, at_ms, plastic):
    """Postsynaptic trace seen at the synapse just before ``at_ms``."""
    then, trace = plastic.base_ms[slot] + dendritic_ms, plastic.base_trace[slot]
    for h in range(plastic.hist_n[slot] - 1, -1, -1):
        if plastic.hist_ms[slot, h] + dendritic_ms < at_ms - 1e-6:
            then, trace = plastic.hist_ms[slot, h] + dendritic_ms, plastic.hist_trace[slot, h]
            break
    return trace * math.exp((then - at_ms) / rule[1]) if trace > 0.0 else 0.0


@inner()
def deliver_plastic(rule_row, segment, start, stop, now_ms, delay_ms, plastic, acc):
    """Update and transmit one run of STDP synapses whose presynaptic spike arrives now."""
    rule = plastic.rules[rule_row]
    dendritic = rule[8] * delay_ms
    at = now_ms - dendritic
    last, trace, since = plastic.last_ms[segment], plastic.trace[segment], plastic.settled_ms[segment]
    for k in range(start, stop):
        slot = plastic.slot[k]
        weight = catch_up(rule, plastic.weight[k], slot, dendritic, since, at, last, trace, plastic)
        weight = depress(rule, weight, post_trace(rule, slot, dendritic, at, plastic))
        plastic.weight[k] = weight
        acc[plastic.target[k]] += weight
    plastic.trace[segment] = 1.0 + (trace * math.exp((last - at) / rule[0]) if trace > 0.0 else 0.0)
    plastic.last_ms[segment] = at
    plastic.settled_ms[segment] = at


@inner()
def settle(block, n_rules, rule_row, now_ms, dt_ms, segments, plastic):
    """Bring all STDP synapses of one rule in one block up to date.

    Presynaptic spikes that passed the synapse less than a dendritic delay ago are still on their
    way to the soma and not yet counted, so each synapse is settled up to that much before now.
    """
    rule = plastic.rules[rule_row]
    row = block * n_rules + rule_row
    for e in range(plastic.seg_range[row], plastic.seg_range[row + 1]):
        segment = plastic.seg_list[e]
        dendritic = rule[8] * segments.delay[segment] * dt_ms
        last, trace, since = plastic.last_ms[segment], plastic.trace[segment], plastic.settled_ms[segment]
        until = now_ms - dendritic
        if until <= since:
            continue
        for k in range(segments.start[segment], segments.stop[segment]):
            plastic.weight[k] = catch_up(rule, plastic.weight[k], plastic.slot[k], dendritic, since, until, last, trace, plastic)
        plastic.settled_ms[segment] = until


#: The same for Python.
settle_now = entry()(settle.py_func)


@inner(inline="always")
def forget(slot, before_ms, plastic):
    """Drop a slot's stored spikes up to ``before_ms``, keeping the trace of the last one."""
    n = plastic.hist_n[slot]
    gone = 0
    while gone < n and plastic.hist_ms[slot, gone] <= before_ms + 1e-6:
        gone += 1
    if gone > 0:
        plastic.base_ms[slot] = plastic.hist_ms[slot, gone - 1]
        plastic.base_trace[slot] = plastic.hist_trace[slot, gone - 1]
        for h in range(gone, n):
            plastic.hist_ms[slot, h - gone] = plastic.hist_ms[slot, h]
            plastic.hist_trace[slot, h - gone] = plastic.hist_trace[slot, h]
        plastic.hist_n[slot] = n - gone


@inner(inline="always")
def make_room(block, rule_row, now_ms, dt_ms, segments, plastic):
    """Settle one rule in one block and forget the spikes that no synapse still needs."""
    rule = plastic.rules[rule_row]
    settle(block, plastic.rules.shape[0], rule_row, now_ms, dt_ms, segments, plastic)
    for slot in range(int(rule[9]), int(rule[9] + rule[10])):
        if plastic.slot_block[slot] == block:
            forget(slot, now_ms - 2.0 * rule[11], plastic)


@inner()
def log_spike(block, gid, time_ms, dt_ms, segments, plastic):
    """Store a postsynaptic spike in all slots of its cell, settling a rule whose store is full."""
    capacity = plastic.hist_ms.shape[1]
    for e in range(plastic.slot_ptr[gid], plastic.slot_ptr[gid + 1]):
        slot = plastic.slots[e]
        r = plastic.slot_rule[slot]
        rule = plastic.rules[r]
        n = plastic.hist_n[slot]
        if n == capacity:
            make_room(block, r, time_ms - 1e-5, dt_ms, segments, plastic)
            n = plastic.hist_n[slot]
            if n == capacity:
                plastic.overflow[0] += 1  # an exception here would leave the other threads waiting
                continue
        last = plastic.hist_ms[slot, n - 1] if n else plastic.base_ms[slot]
        trace = plastic.hist_trace[slot, n - 1] if n else plastic.base_trace[slot]
        plastic.hist_ms[slot, n] = time_ms
        plastic.hist_trace[slot, n] = 1.0 + (trace * math.exp((last - time_ms) / rule[1]) if trace > 0.0 else 0.0)
        plastic.hist_n[slot] = n + 1
