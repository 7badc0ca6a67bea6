"""How long each step takes without its barrier, every message followed through the mesh of tiles.

A queue holds, for each core, when its next message is ready; the earliest goes first, of several at
the same time that of the lowest core. A core goes on with its neurons only when its message has
left. A message on its way weighs 1 / (links + 2) on each link of its route: the way into the mesh,
the links east-west, then those north-south. Where a route carries more than its links can buffer,
the sender waits; where it carries any, the message is slowed down. A receiver takes one message
after the other, and with that the message has left the mesh.

References
----------
The model is that of SANA-FE (Boyle, TCAD 2025), written anew from its description. Ours sends the
messages of a spike in ascending order of target cores, SANA-FE in the order of addresses in memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim._jit import entry, inner
from neurosim.chips.loihi.cost.arrays import OUT, Activity, Cells, Cores, Counts, Fanout, Floats, Int64
from neurosim.chips.loihi.cost.heap import drop_first, put
from neurosim.chips.loihi.cost.profile import TimeTable


class _Mesh(NamedTuple):
    """Tiles of the used cores; links are numbered injection links first, then four for each tile."""

    x: Int64
    y: Int64
    width: int
    weight: Floats  # on each link


class _Walk(NamedTuple):
    """Where each core is in its work of one step, int64 (n_cores,)."""

    cell: Int64  # all cells before are done
    update: Int64  # next update to count
    update_end: Int64
    spike: Int64
    spike_end: Int64
    message: Int64
    message_end: Int64


class _Flights(NamedTuple):
    """Messages on their way: a heap of arrivals and what is known of each."""

    arrival: Floats
    number: Int64
    source: Int64
    target: Int64
    taking: Floats


class _Queue(NamedTuple):
    """Heap of the next message of each core."""

    ready: Floats
    core: Int64


def detailed(cores: Cores, cells: Cells, fanout: Fanout, activity: Activity, table: TimeTable, counts: Counts) -> Floats:
    """Duration of each step without its barrier, s, float64 (n_steps,); a million messages take some 0.3 s.

    Parameters
    ----------
    counts
        Events of the same run; says how many messages a step has.
    """
    out, n = np.zeros(activity.n_steps), cores.n_cores
    if not n:
        return out
    x, y = cores.x - cores.x.min(), cores.y - cores.y.min()
    width, height = int(x.max()) + 1, int(y.max()) + 1
    mesh = _Mesh(x, y, width, np.zeros(n + 4 * width * height))
    most = int(counts.step[:, OUT].max(initial=0))
    number, source, target = np.zeros((3, most), np.int64)
    flights = _Flights(np.zeros(most), number, source, target, np.zeros(most))
    walk = _Walk(*np.zeros((7, n), np.int64))
    queue = _Queue(np.zeros(n), np.zeros(n, np.int64))
    _detailed(cells.first, cells.before, fanout, activity, table, mesh, walk, flights, queue, np.zeros(n), out)
    return out


@entry(nogil=True)
def _detailed(first, before, fanout, activity, table, mesh, walk, flights, queue, free, out_s):
    for step in range(out_s.size):
        for link in range(mesh.weight.size):
            mesh.weight[link] = 0.0
        last = _begin(step, first, before, fanout, activity, table, walk, free)
        size = 0
        for core in range(free.size):
            work, sends = _work(core, first, before, fanout, activity, table, walk)
            if sends:
                size = put(queue.ready, queue.core, size, work, core)
            last = max(last, work)
        out_s[step] = max(last, _deliver(size, first, before, fanout, activity, table, mesh, walk, flights, queue, free))


@inner()
def _begin(step, first, before, fanout, activity, table, walk, free):
    """Set cores to the start of a step and hand out what the host feeds in; gives when that is taken up."""
    s, stop = activity.spike_ptr[step], activity.spike_ptr[step + 1]
    u, last_update = activity.update_ptr[step], activity.update_ptr[step + 1]
    for core in range(free.size):
        free[core] = 0.0
        walk.cell[core] = first[core]
        walk.message[core], walk.message_end[core] = 0, 0
        walk.spike[core] = s
        while s < stop and activity.spike[s] < first[core + 1]:
            s += 1
        walk.spike_end[core] = s
        walk.update[core] = u
        while u < last_update and activity.update[u] < first[core + 1]:
            u += 1
        walk.update_end[core] = u
    last = 0.0
    for k in range(s, stop):
        for m in range(fanout.indptr[activity.spike[k]], fanout.indptr[activity.spike[k] + 1]):
            free[fanout.core[m]] += _taking(m, fanout, table)
            last = max(last, free[fanout.core[m]])
    return last


@inner()
def _taking(m, fanout, table):
    """How long a receiver is busy with a message."""
    time = table.message_in
    for kind in range(table.reads.size):
        time += fanout.reads[m, kind] * table.reads[kind]
    return time


@inner()
def _work(core, first, before, fanout, activity, table, walk):
    """Time until the next message of a core is ready, or until all its neurons are done; and which of both."""
    time = 0.0
    while walk.message[core] == walk.message_end[core]:
        if walk.spike[core] == walk.spike_end[core]:
            return time + _neurons(core, first[core + 1], before, activity, table, walk), False
        cell = activity.spike[walk.spike[core]]
        walk.spike[core] += 1
        time += _neurons(core, cell + 1, before, activity, table, walk) + table.spike
        walk.message[core], walk.message_end[core] = fanout.indptr[cell], fanout.indptr[cell + 1]
    return time + table.message_out, True


@inner()
def _neurons(core, stop, before, activity, table, walk):
    """Time for the neurons up to a cell."""
    start = walk.cell[core]
    if stop <= start:
        return 0.0
    walk.cell[core] = stop
    accessed = before[stop] - before[start]
    if activity.all_updated:
        return accessed * table.access + accessed * table.update
    updated, u = 0, walk.update[core]
    while u < walk.update_end[core] and activity.update[u] < stop:
        updated += before[activity.update[u] + 1] - before[activity.update[u]]
        u += 1
    walk.update[core] = u
    return accessed * table.access + updated * table.update


@inner()
def _deliver(size, first, before, fanout, activity, table, mesh, walk, flights, queue, free):
    """Send all messages, the earliest first; gives when the last core is done."""
    last = taking = 0.0
    n_flights = n_sent = 0
    while size > 0:
        now, core = queue.ready[0], queue.core[0]
        size = drop_first(queue.ready, queue.core, size)
        while n_flights > 0 and flights.arrival[0] <= now:
            gone = flights.number[0]
            n_flights = drop_first(flights.arrival, flights.number, n_flights)
            taking -= flights.taking[gone]
            _weigh(mesh, free.size, flights.source[gone], flights.target[gone], -1.0)
        mean = taking / n_flights if n_flights > 0 else 0.0
        m = walk.message[core]
        target = fanout.core[m]
        n_x, n_y = abs(mesh.x[target] - mesh.x[core]), abs(mesh.y[target] - mesh.y[core])
        carried, links = _carried(mesh, free.size, core, target), n_x + n_y + 1
        sent = now + max(carried - table.link_buffer * links, 0.0) * mean
        arrival = max(sent + max(n_x * table.hop_x + n_y * table.hop_y, carried * mean / links), free[target])
        flights.source[n_sent], flights.target[n_sent] = core, target
        flights.taking[n_sent] = _taking(m, fanout, table)
        free[target] = arrival + flights.taking[n_sent]
        taking += flights.taking[n_sent]
        _weigh(mesh, free.size, core, target, 1.0)
        n_flights = put(flights.arrival, flights.number, n_flights, arrival, n_sent)
        n_sent += 1
        walk.message[core] = m + 1
        work, sends = _work(core, first, before, fanout, activity, table, walk)
        last = max(last, free[target], sent + work)
        if sends:
            size = put(queue.ready, queue.core, size, sent + work, core)
    return last


@inner()
def _carried(mesh, n_cores, source, target):
    """Sum of what the links of a route carry."""
    total = mesh.weight[source]
    x, y, to_x, to_y = mesh.x[source], mesh.y[source], mesh.x[target], mesh.y[target]
    while x != to_x:
        total += mesh.weight[n_cores + 4 * (y * mesh.width + x) + (0 if to_x > x else 1)]
        x += 1 if to_x > x else -1
    while y != to_y:
        total += mesh.weight[n_cores + 4 * (y * mesh.width + x) + (2 if to_y > y else 3)]
        y += 1 if to_y > y else -1
    return total


@inner()
def _weigh(mesh, n_cores, source, target, sign):
    """Put a message on the links of its route, or (``sign`` -1) take it off."""
    x, y, to_x, to_y = mesh.x[source], mesh.y[source], mesh.x[target], mesh.y[target]
    weight = sign / (abs(to_x - x) + abs(to_y - y) + 2)
    mesh.weight[source] += weight
    while x != to_x:
        mesh.weight[n_cores + 4 * (y * mesh.width + x) + (0 if to_x > x else 1)] += weight
        x += 1 if to_x > x else -1
    while y != to_y:
        mesh.weight[n_cores + 4 * (y * mesh.width + x) + (2 if to_y > y else 3)] += weight
        y += 1 if to_y > y else -1
