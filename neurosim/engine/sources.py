"""Spike sources: array, Poisson, gamma and Poisson with dead time.

Each source knows the time of its next spike; a step emits all spikes up to its end. Intervals are
drawn one by one, so spike times are exact, not on the grid. A source sends in few steps: of every
``WATCHED`` sources the soonest spike is known, and only where it is due are they gone through.
"""

from __future__ import annotations

import math

from neurosim._jit import entry, inner
from neurosim.engine.layout import SOURCE_KINDS
from neurosim.engine.randomness import normal, uniform

ARRAY, GAMMA, REFRACTORY = (SOURCE_KINDS[k] for k in ("array_source", "gamma_source", "poisson_refractory_source"))
#: Sources of which only the next spike of all is looked at in every step.
WATCHED = 32


@inner()
def gamma_variate(key, draw, shape):
    """Gamma number of unit scale and the next draw (Marsaglia and Tsang 2000)."""
    boost = 1.0
    a = shape
    if a < 1.0:
        boost = uniform(key, draw) ** (1.0 / a)
        draw += 1
        a += 1.0
    d = a - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(key, (draw + 1) // 2)
        draw = 2 * ((draw + 1) // 2) + 2
        v = (1.0 + c * x) ** 3
        u = uniform(key, draw)
        draw += 1
        if v > 0.0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
            return boost * d * v, draw


@inner()
def interval_ms(kind, key, draw, rate_hz, scale, refrac_ms):
    """Next inter-spike interval in ms and the next draw; infinite where the rate is zero."""
    if rate_hz <= 0.0:
        return math.inf, draw
    if kind == GAMMA:
        value, draw = gamma_variate(key, draw, rate_hz)
        return 1000.0 * value / scale, draw
    mean = 1000.0 / rate_hz - (refrac_ms if kind == REFRACTORY else 0.0)
    value = -math.log(uniform(key, draw)) * max(mean, 0.0)
    return value + (refrac_ms if kind == REFRACTORY else 0.0), draw + 1


@entry()
def restart(kind, first, count, now_ms, sources):
    """Draw the next spike of each source after ``now_ms`` (or its start, if later)."""
    for i in range(first, first + count):
        begin = max(now_ms, sources.parameters[3, i])
        gap, draw = interval_ms(
            kind, sources.key[i], sources.draws[i], sources.parameters[0, i], sources.parameters[1, i], sources.parameters[2, i]
        )
        sources.next_ms[i] = begin + gap
        sources.draws[i] = draw


@inner()
def foresee(kind, first, stop, sources):
    """Note when the next of the sources ``first .. stop - 1`` sends: its step for arrays, its time in ms for the others."""
    soonest = math.inf
    if kind == ARRAY:
        for i in range(first, stop):
            if sources.draws[i] < sources.stop_index[i]:
                soonest = min(soonest, float(sources.stamps[sources.draws[i]]))
    else:
        for i in range(first, stop):
            soonest = min(soonest, sources.next_ms[i])
    sources.soonest[first] = soonest


@inner()
def foresee_all(kind, first, count, sources):
    """Do so for all sources of a part: their next spikes may have been changed from outside."""
    for begin in range(first, first + count, WATCHED):
        foresee(kind, begin, min(begin + WATCHED, first + count), sources)


@inner()
def emit(kind, first, count, step, dt_ms, sources, block, log_index, log_offset, n_out):
    """Append the spikes of the step that starts at ``step * dt_ms`` to a block's log; returns the new count."""
    bound = float(step + 1) if kind == ARRAY else step * dt_ms + dt_ms
    for begin in range(first, first + count, WATCHED):
        if sources.soonest[begin] <= bound:
            stop = min(begin + WATCHED, first + count)
            n_out = emit_some(kind, first, begin, stop, step, dt_ms, sources, block, log_index, log_offset, n_out)
            foresee(kind, begin, stop, sources)
    return n_out


@inner()
def emit_some(kind, first, begin, stop, step, dt_ms, sources, block, log_index, log_offset, n_out):
    """The same for the sources ``begin .. stop - 1`` of the part whose first is ``first``."""
    t0 = step * dt_ms
    end = t0 + dt_ms
    for i in range(begin, stop):
        if kind == ARRAY:
            while sources.draws[i] < sources.stop_index[i] and sources.stamps[sources.draws[i]] <= step + 1:
                if n_out == log_index.shape[1]:
                    return n_out
                log_index[block, n_out] = i - first
                log_offset[block, n_out] = sources.times_ms[sources.draws[i]] - t0
                n_out += 1
                sources.draws[i] += 1
            continue
        while sources.next_ms[i] <= end:
            if sources.next_ms[i] >= sources.parameters[4, i]:
                sources.next_ms[i] = math.inf
                break
            if n_out == log_index.shape[1]:
                return n_out
            log_index[block, n_out] = i - first
            log_offset[block, n_out] = sources.next_ms[i] - t0
            n_out += 1
            gap, draw = interval_ms(
                kind, sources.key[i], sources.draws[i], sources.parameters[0, i], sources.parameters[1, i], sources.parameters[2, i]
            )
            sources.next_ms[i] += gap
            sources.draws[i] = draw
    return n_out
