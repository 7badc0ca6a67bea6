"""Driving sources: Poisson cells that nobody watches, each with its own target.

Networks are often driven by one Poisson source per neuron at many thousand spikes a second. As
cells that fire, log and deliver, they would cost far more than the network. Where a whole Poisson
population goes one to one, through static synapses of one delay, to populations of its size, and
nothing records it, only how many spikes arrive at each target in each step is drawn: a Poisson
number, from its cumulative distribution, with 32 random bits. That is the same process, seen
at the resolution of delivery. The number for a cell and step depends on nothing but the seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numba import uint32, uint64
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim._jit import entry, inner
from neurosim.columns import is_homogeneous
from neurosim.connectivity import OneToOne
from neurosim.connectivity.random import GOLDEN, mix
from neurosim.engine import layout as lay
from neurosim.engine.layout import Layout
from neurosim.engine.program import Drives
from neurosim.engine.randomness import keys
from neurosim.models._tile import TILE
from neurosim.network import Network, Population, Projection

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Most spikes of one source in a step, on average, for which counts are drawn.
LARGEST_MEAN = 50.0
_FOREVER = np.iinfo(np.int64).max
#: Random numbers of 32 bits that a tile may need: pairs of cells begin at even ones. A multiple of a cache line.
_DRAWN = TILE + 16
#: Scratch (uint32) that a block needs: the counts of a tile and the random numbers they come from.
SCRATCH = TILE + _DRAWN
#: Columns of the table of drives.
ACC, SIZE, FIRST, DELAY, SOURCE, WEIGHT, RECEPTOR_LANE = range(7)
_N_COLUMNS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """One projection of a driving population; ``weight`` (n,) has the sign the receptor wants."""

    source: int
    projection: Projection
    weight: Floats
    delay: int


def candidates(network: Network, watched: Iterable[int] = ()) -> frozenset[int]:
    """Populations that only drive: ids of Poisson sources that are not recorded, reward nothing and go one to one."""
    seen = {p.population for p in network.probes} | {p for c in network.currents for p, _ in c.targets.parts} | set(watched)
    seen |= {p for one in network.projections if one.synapse.reward is not None for p, _ in one.synapse.reward.parts}
    found = {p.id for p in network.populations if p.model == "poisson_source" and p.id not in seen and _is_plain(network, p)}
    weighed = {probe.projection for probe in network.weight_probes}
    for projection in network.projections:
        ids = {p for p, _ in projection.pre.parts}
        if ids & found and (projection.id in weighed or not _is_drive(network, projection)):
            found -= ids
    used = {p for projection in network.projections for p, _ in projection.pre.parts}
    return frozenset(found & used)


def _is_plain(network: Network, population: Population) -> bool:
    if not all(is_homogeneous(column) for column in population.parameters.values()):
        return False
    return 0.0 <= float(population.parameters["rate"]) * network.dt / 1000.0 <= LARGEST_MEAN  # type: ignore[arg-type]


def _is_drive(network: Network, projection: Projection) -> bool:
    if projection.synapse.model != "static" or not isinstance(projection.rule, OneToOne):
        return False
    delay = projection.synapse.columns.get("delay")
    one = len(projection.pre.parts) == 1 and len(projection.post.parts) == 1
    if not one or delay is None or not is_homogeneous(delay):
        return False
    sizes = {network.populations[side.parts[0][0]].size for side in (projection.pre, projection.post)}
    return len(sizes) == 1 and all(_is_whole(network, side.parts[0]) for side in (projection.pre, projection.post))


def _is_whole(network: Network, part: tuple[int, Int64]) -> bool:
    size = network.populations[part[0]].size
    return len(part[1]) == size and bool(np.array_equal(part[1], np.arange(size)))


def expand(network: Network, driving: frozenset[int]) -> list[Drive]:
    """The projections of driving populations."""
    out = []
    for projection in network.projections:
        source = projection.pre.parts[0][0] if projection.pre.parts else -1
        if source not in driving:
            continue
        rows = connectivity.Expansion(network, projection).expand(dtypes={"delay": np.int32})
        steps = int(np.max(np.asarray(rows.columns["delay"])))
        weight = np.broadcast_to(np.asarray(rows.columns["weight"], np.float64), (rows.size,))
        out.append(Drive(source, projection, weight, steps))
    return out


@dataclass(slots=True)
class Rates:
    """Mean count per step of one population over time: from step ``since[k]`` on it is ``mean[k]``.

    A step here is the one at whose end a spike is sent.
    """

    since: list[int]
    mean: list[float]

    @classmethod
    def of(cls, population: Population, dt_ms: float, step: int) -> Rates:
        """Rates of a population that exists from ``step`` on."""
        rates = cls([0], [0.0])
        rates.change(population, dt_ms, step)
        return rates

    def change(self, population: Population, dt_ms: float, step: int) -> None:
        """Take a population's parameters for all that is sent after ``step``."""
        keep = [k for k, since in enumerate(self.since) if since <= step]
        self.since, self.mean = [self.since[k] for k in keep], [self.mean[k] for k in keep]
        p = {name: float(value) for name, value in population.parameters.items()}  # type: ignore[arg-type]
        begin, end = p["start"] / dt_ms, (p["start"] + p["duration"]) / dt_ms
        edges = {step + 1.0}
        for time in (begin, end):
            if np.isfinite(time) and time < 2**53:
                edges |= {np.floor(time) + 1, np.floor(time) + 2}
        for edge in sorted(e for e in edges if e >= step + 1):
            share = max(0.0, min(end, edge) - max(begin, edge - 1.0))
            self.since.append(int(edge))
            self.mean.append(share * p["rate"] * dt_ms / 1000.0)


def thresholds(mean: float) -> NDArray[np.uint32]:
    """Cumulative distribution of a Poisson number, times 2^32: the number is how many of them a uniform one reaches."""
    out, p, total, k = [], np.exp(-mean), 0.0, 0
    while mean > 0.0 and k < 400:
        total += p
        bound = np.rint(total * 2.0**32)
        if bound >= 2.0**32:
            break
        out.append(bound)
        k += 1
        p *= mean / k
    return np.array(out, np.float64).astype(np.uint32)


def build(
    network: Network, layout: Layout, drives: list[Drive], rates: Mapping[int, Rates], units: Mapping[tuple[int, int], float], dtype: type
) -> Drives:
    """Arrays of the drives of every block."""
    sources = sorted({d.source for d in drives})
    number = {source: k for k, source in enumerate(sources)}
    table, ptr, weights, codes = [], [0], [], []
    for block in range(layout.n_blocks):
        for drive in drives:
            receptor, group, part, first, begin, size = _piece(network, layout, drive, block)
            row = layout.parts[part]
            unit = units.get((group, receptor), 0.0)
            acc = lay.first_accumulator(row, receptor) + first
            lane = row[lay.O_LANE] + receptor
            table.append([acc, size, begin, drive.delay, number[drive.source], sum(map(len, weights)), lane])
            own = drive.weight[begin : begin + size]
            weights.append(own)
            codes.append(np.rint(own / unit).astype(np.int32) if unit else np.zeros(size, np.int32))
        ptr.append(len(table))
    since, levels, pieces, rate_ptr = [], [0], [], [0]
    for source in sources:
        for step, mean in zip(rates[source].since, rates[source].mean, strict=True):
            since.append(step)
            pieces.append(thresholds(mean))
            levels.append(levels[-1] + len(pieces[-1]))
        rate_ptr.append(len(since))
    key = [keys(np.uint64(network.seed), np.uint64(source), -1, 1)[0] for source in sources]
    weight, code = np.concatenate([*weights, np.empty(0)]).astype(dtype), np.concatenate([*codes, np.empty(0, np.int32)])
    return Drives(
        np.array(ptr, np.int64), np.array(table, np.int64).reshape(-1, _N_COLUMNS), weight, code, np.array(key, np.uint64),
        np.array(rate_ptr, np.int64), np.array(since, np.int64), np.array(levels, np.int64),
        np.concatenate([*pieces, np.empty(0, np.uint32)]),
    )  # fmt: skip


def _piece(network: Network, layout: Layout, drive: Drive, block: int) -> tuple[int, int, int, int, int, int]:
    """Receptor, group, part, first place in it, first cell and size of what a block has of a drive's target."""
    post = drive.projection.post.parts[0][0]
    receptor = network.populations[post].receptor_index(drive.projection.receptor)
    number = layout.number_of[post]
    group = int(layout.group_of[number])
    begin, end = layout.bounds[number, block : block + 2]
    return receptor, group, int(layout.block_ptr[block]) + group, int(layout.first[number, block]), int(begin), int(end - begin)


@inner()
def entry_at(source, step, drives):
    """Which entry of the rates is valid for spikes sent at ``step``; -1 before all."""
    for e in range(drives.rate_ptr[source + 1] - 1, drives.rate_ptr[source] - 1, -1):
        if drives.since[e] <= step:
            return e
    return -1


@inner()
def add_reached(size, bits, a, b, c, d, counts):
    """Add how many of four thresholds the numbers of the first ``size`` cells reach."""
    for j in range(uint64(size)):
        u = bits[j]
        counts[j] += uint32(u >= a) + uint32(u >= b) + uint32(u >= c) + uint32(u >= d)


@inner()
def draw(key, first, size, thresholds, low, high, room, counts):
    """Numbers of spikes of the cells ``first .. first + size - 1`` (at most a tile) in one step.

    Two cells share the 64 bits of one random number; ``room`` is for ``_DRAWN`` of 32 bits.
    """
    words, pair = room.view(np.uint64), uint64(first // 2)
    for p in range(uint64((first + size + 1) // 2 - first // 2)):
        words[p] = mix(key + (pair + p) * GOLDEN)
    bits = room[first % 2 :]
    most = uint32(0)
    for j in range(uint64(size)):
        counts[j] = 0
        most = max(most, bits[j])
    k = low
    while k < high and thresholds[k] <= most:  # few cells have many spikes: most of the thresholds are above all of them
        if k + 4 <= high:
            add_reached(size, bits, thresholds[k], thresholds[k + 1], thresholds[k + 2], thresholds[k + 3], counts)
            k += 4
        else:
            for j in range(uint64(size)):
                counts[j] += uint32(bits[j] >= thresholds[k])
            k += 1


@inner()
def deliver_drives(block, now_step, drives, acc, codes, lanes, counting):
    """Add what the driving sources of a block send to arrive at ``now_step``; ``counting`` is scratch (n_blocks, SCRATCH)."""
    counts, bits = counting[block, :TILE], counting[block, TILE:]
    for row in range(drives.ptr[block], drives.ptr[block + 1]):
        source, sent = drives.table[row, SOURCE], now_step - drives.table[row, DELAY]
        entry = entry_at(source, sent, drives)
        if entry < 0 or drives.levels[entry] == drives.levels[entry + 1]:
            continue
        key = mix(drives.key[source] ^ mix(uint64(sent)))
        size, packed = drives.table[row, SIZE], lanes[2 * drives.table[row, RECEPTOR_LANE]] != 0
        for start in range(0, size, TILE):
            n = min(TILE, size - start)
            draw(key, drives.table[row, FIRST] + start, n, drives.thresholds, drives.levels[entry], drives.levels[entry + 1], bits, counts)
            to, weight = drives.table[row, ACC] + start, drives.table[row, WEIGHT] + start
            if packed:
                add_counts(counts, drives.code[weight:], codes[to:], n)
            else:
                add_counts(counts, drives.weight[weight:], acc[to:], n)


@inner()
def add_counts(counts, weight, sums, n):
    """Add ``n`` counts times their weights."""
    number = weight.dtype.type
    for j in range(uint64(n)):
        sums[j] += number(counts[j]) * weight[j]


@entry()
def tally(key, size, since, until, thresholds, low, high, bits, counts, out):
    """Add the counts of all cells for the steps ``since .. until - 1`` to ``out``."""
    for step in range(since, until):
        own = mix(key ^ mix(uint64(step)))
        for start in range(0, size, TILE):
            n = min(TILE, size - start)
            draw(own, start, n, thresholds, low, high, bits, counts)
            for j in range(n):
                out[start + j] += counts[j]


@entry()
def spread(key, size, since, until, thresholds, low, high, bits, counts, out_step, out_cell):
    """Write the step and cell of each spike of the steps ``since .. until - 1``; returns how many there are."""
    n = 0
    for step in range(since, until):
        own = mix(key ^ mix(uint64(step)))
        for start in range(0, size, TILE):
            here = min(TILE, size - start)
            draw(own, start, here, thresholds, low, high, bits, counts)
            for j in range(here):
                for _ in range(counts[j]):
                    out_step[n], out_cell[n] = step, start + j
                    n += 1
    return n


def events(network: Network, population: Population, rates: Rates, first: int, last: int) -> tuple[Int64, Int64]:
    """Steps and cells of all spikes sent at steps ``first .. last``: those that :func:`counts` counts."""
    n = int(counts(network, population, rates, first, last).sum())
    steps, cells, at = np.empty(n, np.int64), np.empty(n, np.int64), 0
    for begin, end, limits in _spans(rates, first, last):
        key, bits, numbers = _key(network, population), np.zeros(_DRAWN, np.uint32), np.zeros(TILE, np.uint32)
        at += spread(key, population.size, begin, end, limits, 0, len(limits), bits, numbers, steps[at:], cells[at:])
    return steps, cells


def counts(network: Network, population: Population, rates: Rates, first: int, last: int) -> Int64:
    """Spikes of every cell sent at steps ``first .. last``."""
    out = np.zeros(population.size, np.int64)
    key, bits, numbers = _key(network, population), np.zeros(_DRAWN, np.uint32), np.zeros(TILE, np.uint32)
    for begin, end, limits in _spans(rates, first, last):
        tally(key, population.size, begin, end, limits, 0, len(limits), bits, numbers, out)
    return out


def _key(network: Network, population: Population) -> np.uint64:
    return keys(np.uint64(network.seed), np.uint64(population.id), -1, 1)[0]


def _spans(rates: Rates, first: int, last: int) -> Iterator[tuple[int, int, NDArray[np.uint32]]]:
    """Steps ``begin .. end - 1`` among ``first .. last`` with one rate, and the distribution of numbers then."""
    for k, (since, mean) in enumerate(zip(rates.since, rates.mean, strict=True)):
        until = rates.since[k + 1] if k + 1 < len(rates.since) else _FOREVER
        begin, end, limits = max(since, first), min(until, last + 1), thresholds(mean)
        if begin < end and len(limits):
            yield begin, end, limits
