"""What is on every core, and which sources reach it: kept up to date while neurons move.

``pins[u, c]`` counts what neuron ``u`` has on core ``c``: 2 for every target, 1 for itself. Its packets
go to the cores with more than 0, less one; it is one of the inbound sources of those with more than 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.mapping.clustering.limits import UNLIMITED, Rules
from neurosim.mapping.structures import Fanout

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


#: Added to a core in a list where a neuron has one target and nothing else.
LONE = 1 << 15


class Cores(NamedTuple):
    """What is on every core.

    Attributes
    ----------
    count
        int32 (n_cores, P): neurons of each population.
    size
        int32 (n_cores,): neurons.
    used
        int64 (n_cores, K): use of each resource.
    inbound, outbound
        int64 (n_cores,): see :class:`neurosim.mapping.clustering.counting.Counts`.
    closed
        uint8 (n_cores,): 1 where only fixed neurons may be.
    """

    count: Int32
    size: Int32
    used: Int64
    inbound: Int64
    outbound: Int64
    closed: NDArray[np.uint8]


class Pins(NamedTuple):
    """Which neurons reach which core; see the module.

    Attributes
    ----------
    pins
        uint16 or uint32 (n_rows, n_cores of the block).
    row
        int32 (n,): row of each neuron, -1 if it reaches no core of the block.
    first
        First core of the block.
    present
        uint16 (n_rows, longest + 1): length of a list, then the cores of the block with pins, in any
        order, with :data:`LONE` added where there is one target and nothing else. Most neurons
        reach few cores: a list lies in one line of the cache.
    reach
        int32 (n,): cores each neuron has targets on, in the block or not.
    over
        int64 (1,): how many cores have more inbound or outbound than they can.
    """

    pins: NDArray[np.uint16] | NDArray[np.uint32]
    row: Int32
    first: int
    present: NDArray[np.uint16]
    reach: Int32
    over: Int64


def empty_cores(rules: Rules, n_cores: int) -> Cores:
    """Cores with nothing on them."""
    n_populations, n_resources = len(rules.most), len(rules.capacity)
    zeros = np.zeros
    return Cores(
        zeros((n_cores, n_populations), np.int32),
        zeros(n_cores, np.int32),
        zeros((n_cores, n_resources), np.int64),
        zeros(n_cores, np.int64),
        zeros(n_cores, np.int64),
        zeros(n_cores, np.uint8),
    )


@inner()
def fits(rules, cores, v, core):
    """Whether there is room for neuron ``v``, distinct connections aside."""
    p = rules.population[v]
    have = cores.count[core, p]
    if have + 1 > rules.most[p] or (rules.mixes == 0 and cores.size[core] > have):
        return False
    row = rules.start[p] + have
    over = 0
    for k in range(len(rules.capacity)):
        over += cores.used[core, k] + rules.use[row + 1, k] - rules.use[row, k] > rules.capacity[k]
    return over == 0


@inner()
def put(rules, cores, v, core, sign):
    """Add neuron ``v`` to what a core holds, or take it away with ``sign`` -1."""
    p = rules.population[v]
    row = rules.start[p] + cores.count[core, p]
    for k in range(len(rules.capacity)):
        cores.used[core, k] += rules.use[row + sign, k] - rules.use[row, k]
    cores.count[core, p] += sign
    cores.size[core] += sign


def pins_of(fanout: Fanout, core_of: Int32, first: int, n_cores: int) -> Pins:
    """Pins of all neurons on a block of cores.

    Parameters
    ----------
    fanout
        Checked.
    core_of
        int32 (n,): core of each neuron.
    first, n_cores
        The block.
    """
    n = fanout.n_sources
    last, row, reach = np.full(n, -1, np.int32), np.arange(n, dtype=np.int32), np.zeros(n, np.int32)
    n_rows, all_cores = n, int(core_of.max(initial=-1)) + 1
    whole = first == 0 and n_cores >= all_cores
    if not whole:
        n_rows = _rows(fanout.indptr, fanout.target, core_of, first, n_cores, np.full(all_cores, -1, np.int32), row, reach)
    most = int(np.bincount(core_of[core_of >= 0], minlength=1).max())
    # A core can become fuller than it is, but hardly holds as many neurons as 16 bits can count.
    pins = np.zeros((n_rows, n_cores), np.uint16 if 4 * most < 65_536 else np.uint32)
    longest = min(int(np.diff(fanout.indptr).max(initial=0)) + 2, n_cores)
    present = np.zeros((n_rows, longest + 1), np.uint16)
    _pin(fanout.indptr, fanout.target, core_of, last, row, first, pins)
    _list_present(pins, present)
    if whole:
        reach = _reach(pins)
    return Pins(pins, row, first, present, reach, np.zeros(1, np.int64))


def _reach(pins: NDArray[np.uint16] | NDArray[np.uint32]) -> Int32:
    """Cores each row has targets on."""
    blocks = [np.count_nonzero(pins[k : k + 8192] > 1, axis=1) for k in range(0, len(pins), 8192)]
    return np.concatenate([np.empty(0, np.int32), *blocks]).astype(np.int32)


@entry()
def _rows(indptr, target, core_of, first, n_cores, seen, out_row, out_reach):
    """Number the neurons that are on a core of the block or have targets there; gives how many."""
    n_rows = 0
    for u in range(len(indptr) - 1):
        inside, reach = first <= core_of[u] < first + n_cores, 0
        for j in range(indptr[u], indptr[u + 1]):
            core = core_of[target[j]]
            if core >= 0 and seen[core] != u:
                seen[core] = u
                reach += 1
                inside |= first <= core < first + n_cores
        out_reach[u] = reach
        out_row[u] = n_rows if inside else -1
        n_rows += inside
    return n_rows


@entry()
def _pin(indptr, target, core_of, last, row, first, out_pins):
    """Count pins; ``last`` (n,) begins with -1."""
    n_cores = out_pins.shape[1]
    for u in range(len(indptr) - 1):
        if row[u] < 0:
            continue
        if first <= core_of[u] < first + n_cores:
            out_pins[row[u], core_of[u] - first] += 1
        for j in range(indptr[u], indptr[u + 1]):
            t = target[j]
            core = core_of[t]
            if last[t] != u and first <= core < first + n_cores:
                out_pins[row[u], core - first] += 2
            last[t] = u


@entry()
def _list_present(pins, out_present):
    """Cores with pins, per row."""
    for row in range(len(pins)):
        n = 0
        for core in range(pins.shape[1]):
            if pins[row, core] > 0:
                n += 1
                out_present[row, n] = core + (LONE if pins[row, core] == 2 else 0)
        out_present[row, 0] = n


@inner()
def change(pins, row, core, n):
    """Add pins of a row on a core; gives how many there were and are."""
    before = np.int64(pins.pins[row, core])
    after = before + n
    pins.pins[row, core] = after
    length = np.int64(pins.present[row, 0])
    place = length
    if before == 0:
        place += 1
        pins.present[row, 0] = length + 1
    elif after == 0 or before == 2 or after == 2:
        listed = core + (LONE if before == 2 else 0)
        while pins.present[row, place] != listed:
            place -= 1
    if after == 0:
        pins.present[row, place] = pins.present[row, length]
        pins.present[row, 0] = length - 1
    elif before == 0 or before == 2 or after == 2:
        pins.present[row, place] = core + (LONE if after == 2 else 0)
    return before, after


@inner()
def bump(values, core, more, limit, out_over):
    """Change a count and, if it passes its limit, the number of those that are over it."""
    before = values[core] > limit
    values[core] += more
    out_over[0] += (values[core] > limit) - np.int64(before)


@inner()
def shift(fanin, rules, cores, pins, core_of, v, a, b):
    """Move the connections of neuron ``v`` from core ``a`` to ``b``; -1 is no core."""
    lost, gained, counts_out = 0, 0, rules.outbound < UNLIMITED
    core_of[v] = -1
    if counts_out and a >= 0:
        bump(cores.outbound, a, -pins.reach[v], rules.outbound, pins.over)
    for j in range(fanin.indptr[v], fanin.indptr[v + 1]):
        u, more = fanin.source[j], 0
        if a >= 0:
            _, left = change(pins, pins.row[u], a - pins.first, -2)
            lost += left < 2
            more -= left < 2
        if b >= 0:
            before, _ = change(pins, pins.row[u], b - pins.first, 2)
            gained += before < 2
            more += before < 2
        pins.reach[u] += more
        if counts_out and more != 0 and core_of[u] >= 0:
            bump(cores.outbound, core_of[u], more, rules.outbound, pins.over)
    if a >= 0:
        change(pins, pins.row[v], a - pins.first, -1)
        bump(cores.inbound, a, -lost, rules.inbound, pins.over)
    if b >= 0:
        change(pins, pins.row[v], b - pins.first, 1)
        bump(cores.inbound, b, gained, rules.inbound, pins.over)
        if counts_out:
            bump(cores.outbound, b, pins.reach[v], rules.outbound, pins.over)
    core_of[v] = b
