"""Networks whose cost on Loihi is known, random ones, and slow twins of the models of time."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.chips.loihi.cost.arrays import Activity, Cells, Cores, Fanout
from neurosim.chips.loihi.cost.events import activity_of, cells_of

DATA = json.loads((Path(__file__).parents[1] / "data" / "loihi" / "sanafe_cases.json").read_text(encoding="utf-8"))
KINDS = ("dense", "sparse", "conv")
CORES_PER_TILE, ROWS = 4, 4


@dataclass
class Case:
    """Arrays of one network."""

    cores: Cores
    cells: Cells
    fanout: Fanout
    activity: Activity

    @property
    def parts(self):
        return self.cores, self.cells, self.fanout, self.activity


def cores_of(used, *, chip=0):
    """Cores of one chip by their numbers, tiles down the columns."""
    used = np.asarray(used, np.int64)
    tile = used // CORES_PER_TILE
    return Cores(used, tile, np.full(len(used), chip), tile // ROWS, tile % ROWS)


def fanout(messages, n_cells):
    """From rows (source, core, reads); kept in the order given within a source."""
    messages = sorted(messages, key=lambda message: message[0])
    lengths = np.bincount([message[0] for message in messages], minlength=n_cells) if messages else np.zeros(n_cells, np.int64)
    core = np.array([message[1] for message in messages], np.int64)
    reads = np.array([message[2] for message in messages], np.int64).reshape(-1, 4)
    return Fanout(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), core, reads)


def reference(name, *, recorded_order):
    """A network of the reference data; targets in the order recorded there, or ascending."""
    data = DATA[name]
    core = np.array(data["core"])
    used, rank = np.unique(core, return_inverse=True)
    cells, number = cells_of(rank, np.zeros(len(core), int))
    messages = []
    for neuron in range(len(core)):
        targets = core[[post for pre, post in data["edges"] if pre == neuron]]
        order = data["axon_order"].get(str(neuron)) if recorded_order else None
        for target in np.unique(targets) if order is None else order:
            reads = np.zeros(4, int)
            reads[KINDS.index(data["synapse"])] = np.count_nonzero(targets == target)
            messages.append((number[neuron], np.searchsorted(used, target), reads))
    step, neuron = np.array(data["spikes"], int).reshape(-1, 2).T
    bits = np.array([np.unpackbits(np.frombuffer(bytes.fromhex(row), np.uint8))[: len(core)] for row in data["updated"]])
    updated_at, updated = np.nonzero(bits)
    activity = activity_of((step, number[neuron]), data["steps"], updates=(updated_at, number[updated]), n_cells=len(core))
    return Case(cores_of(used), cells, fanout(messages, len(core)), activity)


def random_case(seed, *, n_cells=30, n_cores=6, n_steps=5, all_updated=False, busy=0.3):
    """A random network with some cells on the host and all kinds of memory.

    Neurons have so many different numbers of compartments that no two cores send at the same time.
    """
    rng = np.random.default_rng(seed)
    used = np.sort(rng.choice(128, n_cores, replace=False))
    core = np.concatenate([np.arange(n_cores), rng.integers(-1, n_cores, n_cells - n_cores)])
    population = rng.integers(0, 3, n_cells)
    cells, _ = cells_of(core, population, compartments=rng.integers(1, 1000, n_cells), noisy=rng.random(n_cells) < 0.5)
    messages = [
        (source, target, rng.integers(0, 9, 4) * (rng.random(4) < 0.5))
        for source in range(n_cells)
        for target in np.flatnonzero(rng.random(n_cores) < 0.6)
    ]
    spikes = np.nonzero(rng.random((n_steps, n_cells)) < busy)
    updates = None if all_updated else np.nonzero(rng.random((n_steps, n_cells)) < 0.5)
    activity = activity_of(spikes, n_steps, updates=updates, n_cells=n_cells)
    return Case(cores_of(used), cells, fanout(messages, n_cells), activity)


def fired_at(case, step):
    """Cells that fire in a step."""
    return case.activity.spike[case.activity.spike_ptr[step] : case.activity.spike_ptr[step + 1]].tolist()


def updated_at(case, step):
    """Cells that are updated in a step."""
    if case.activity.all_updated:
        return list(range(case.cells.n_placed))
    return case.activity.update[case.activity.update_ptr[step] : case.activity.update_ptr[step + 1]].tolist()


def messages_of(case, cell):
    """Target cores and reads of a cell."""
    rows = range(case.fanout.indptr[cell], case.fanout.indptr[cell + 1])
    return [(int(case.fanout.core[row]), case.fanout.reads[row]) for row in rows]


def work(case, cell, step, table):
    """Time of a core for one neuron, without its messages."""
    compartments = case.cells.compartments[cell]
    spikes = fired_at(case, step).count(cell)
    return compartments * (table.access + (table.update if cell in updated_at(case, step) else 0.0)) + table.spike * spikes


def taking(reads, table):
    """Time of a receiver for a message."""
    return table.message_in + float(reads @ table.reads)


def simple_twin(case, table):
    """Time of each step by the sums of its cores."""
    found = []
    for step in range(case.activity.n_steps):
        busy, received = np.zeros(case.cores.n_cores), np.zeros(case.cores.n_cores)
        for cell in range(case.cells.n_placed):
            busy[case.cells.core[cell]] += work(case, cell, step, table)
        for cell in fired_at(case, step):
            for target, reads in messages_of(case, cell):
                received[target] += taking(reads, table)
                if case.cells.core[cell] >= 0:
                    busy[case.cells.core[cell]] += table.message_out
        found.append(max(busy.max(), received.max()))
    return np.array(found)


def outbox(case, core, step, table) -> list[tuple[float, Any]]:
    """Delays and messages of a core, at the end what is left to do without a message."""
    found, time = [], 0.0
    for cell in range(case.cells.first[core], case.cells.first[core + 1]):
        time += work(case, cell, step, table)
        for message in messages_of(case, cell) * fired_at(case, step).count(cell):
            found.append((time + table.message_out, message))
            time = 0.0
    return [*found, (time, None)]


def route(case, source, target):
    """Links of a message as names, and how many lead east-west and north-south."""
    x, y = case.cores.x, case.cores.y
    across = range(x[source], x[target], 1 if x[target] > x[source] else -1)
    along = range(y[source], y[target], 1 if y[target] > y[source] else -1)
    links = [("into", source), *(("x", at, y[source], across.step) for at in across), *(("y", x[target], at, along.step) for at in along)]
    return links, len(across), len(along)


def detailed_twin(case, table):
    """Time of each step with a list of all messages on their way, searched again and again."""
    return np.array([_step(case, step, table) for step in range(case.activity.n_steps)])


def _step(case, step, table):
    free = np.zeros(case.cores.n_cores)
    for cell in fired_at(case, step):
        for target, reads in messages_of(case, cell) if case.cells.core[cell] < 0 else []:
            free[target] += taking(reads, table)
    boxes = {core: outbox(case, core, step, table) for core in range(case.cores.n_cores)}
    queue = [(boxes[core][0][0], core) for core in boxes]
    heapq.heapify(queue)
    last, flying = float(free.max()), []
    while queue:
        now, core = heapq.heappop(queue)
        _, message = boxes[core].pop(0)
        if message is not None:
            flying = [flight for flight in flying if flight[0] > now]
            mean = float(np.mean([flight[1] for flight in flying])) if flying else 0.0
            target, reads = message
            links, n_x, n_y = route(case, core, target)
            carried = sum(1 / (len(other) + 1) for _, _, other in flying for link in other if link in links)
            now += max(0.0, carried - table.link_buffer * len(links)) * mean
            arrival = max(now + max(n_x * table.hop_x + n_y * table.hop_y, carried * mean / len(links)), free[target])
            free[target] = arrival + taking(reads, table)
            flying.append((arrival, taking(reads, table), links))
            last = max(last, free[target])
        last = max(last, now)
        if boxes[core]:
            heapq.heappush(queue, (now + boxes[core][0][0], core))
    return last
