"""Limits counted again for the independent check of a mapping, with code of its own; see :mod:`.verify`.

Sources and targets of a core are counted synapse by synapse where rules have structure and placement looked at
their synapses too. Elsewhere they are bounded: the number that the rules let expect and four standard deviations.
What synapses take of a core is counted from them by the chip, with code that only verification uses.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neurosim.chips.chip import Chip, Limit
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal
from neurosim.mapping.options import EFFORTS
from neurosim.network import Network, Projection

_EVEN = (AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal)
#: Most synapses that are expanded to count what they take of a core.
MAX_EXPANDED = 20_000_000
_MAX_MARKS = 500_000_000
_ROWS = 1 << 12


def limit_faults(network: Network, chip: Chip, counts: dict[int, Counter[int]], mapping: Any) -> Iterator[str]:
    """Every hard limit of a core or chip that is broken; ``counts`` has per core the neurons of each population."""
    counted = [limit for limit in chip.limits() if limit.counts == "synapses"]
    found = chip.recount(network, mapping.core_of, mapping.local_of, len(chip.cores().core)) if counted and _few(network) else {}
    summed = [limit for limit in chip.limits() if limit.counts == "neurons" or (limit in counted and limit.resource not in found)]
    yield from _summed(network, chip, counts, summed)
    for limit in counted:
        if limit.hard and limit.resource in found:
            yield from _too_many_synapses(network, chip, limit, found[limit.resource], counts)
    for limit in chip.limits():
        if limit.counts == "settings" and limit.hard:
            used = _settings(chip.settings(network)[limit.resource], mapping.core_of)
            yield from _exceeded(limit, used, chip)
    joint = [limit for limit in chip.limits() if limit.counts in ("sources", "targets") and limit.hard]
    if joint and counts:
        yield from _joint(network, chip, sorted(counts), joint, mapping)


def _summed(network: Network, chip: Chip, counts: dict[int, Counter[int]], limits: Sequence[Limit]) -> Iterator[str]:
    chip_number = chip.cores().chip
    on_core: Counter[tuple[int, str]] = Counter()
    on_chip: Counter[tuple[int, str]] = Counter()
    known: dict[tuple[int, int], dict[str, int]] = {}
    for core, members in counts.items():
        for slice_ in members.items():
            if slice_ not in known:
                known[slice_] = chip.slice_usage(network, *slice_)
            for resource, amount in known[slice_].items():
                on_core[core, resource] += amount
                on_chip[int(chip_number[core]), resource] += amount
    for limit in limits:
        if limit.hard and limit.scope in ("core", "chip"):
            table = on_core if limit.scope == "core" else on_chip
            yield from _exceeded(limit, {place: n for (place, name), n in sorted(table.items()) if name == limit.resource}, chip)


def _exceeded(limit: Limit, used: dict[int, int], chip: Chip, note: str = "") -> Iterator[str]:
    for place, amount in sorted(used.items()):
        if amount > limit.capacity:
            where = chip.core_label(place) if limit.scope == "core" else f"{chip.name} chip {place}"
            yield f"{where} uses {amount:,} {limit.resource}{note}, the limit of a {limit.scope} is {limit.capacity:,}"


def _few(network: Network) -> bool:
    """Whether there are not too many synapses to expand them all."""
    return sum(p.rule.expected(network.ends(p)) for p in network.projections) <= MAX_EXPANDED


def _too_many_synapses(network: Network, chip: Chip, limit: Limit, used: np.ndarray, counts: dict[int, Counter[int]]) -> Iterator[str]:
    """Cores with too many synapses, and to whose account most of them go."""
    for core in np.flatnonzero(used > limit.capacity).tolist():
        blame = ""
        if counts.get(core):
            population = network.populations[counts[core].most_common(1)[0][0]]
            onto = [(p, sum(len(i) for q, i in p.post.parts if q == population.id) / max(p.post.size, 1)) for p in network.projections]
            expected = [p.rule.expected(network.ends(p)) * part for p, part in onto]
            label = network.projections[int(np.argmax(expected))].label if expected else ""
            blame = f", mostly for projection '{label}' onto the {counts[core][population.id]:,} neurons of population '{population.label}'"
        yield (
            f"{chip.core_label(core)} uses {int(used[core]):,} {limit.unit} of {limit.resource}, counted synapse by synapse{blame}, "
            f"the limit of a core is {limit.capacity:,}: put fewer of its neurons there, or make the projection sparser"
        )


def _settings(numbers: Sequence[np.ndarray], core_of: Sequence[np.ndarray]) -> dict[int, int]:
    """Different settings of each core."""
    held: dict[int, set[int]] = {}
    for table, cores in zip(numbers, core_of, strict=True):
        if len(table) == 1:
            for core in np.unique(cores[cores >= 0]).tolist():
                held.setdefault(core, set()).update(table[0].tolist())
            continue
        for core, own in zip(cores.tolist(), table.tolist(), strict=True):
            if core >= 0:
                held.setdefault(core, set()).update(own)
    return {core: len(own - {-1}) for core, own in held.items()}


# --- what neurons of a core share -----------------------------------------------------------------
def _joint(network: Network, chip: Chip, cores: Sequence[int], limits: Sequence[Limit], mapping: Any) -> Iterator[str]:
    rank = np.full(len(chip.cores().core) + 1, -1, np.int64)
    rank[list(cores)] = np.arange(len(cores))
    placed = [rank[column] for column in mapping.core_of]
    home = np.asarray(chip.chip_numbers(np.array(cores)), np.int64)
    exact = _expanded(network, mapping) and sum(p.size for p in network.populations) * len(cores) <= _MAX_MARKS
    note = "" if exact else " (expected, and four standard deviations)"
    for limit in limits:
        if limit.counts == "sources":
            used = _sources(network, chip, placed, len(cores), exact)
        else:
            used = _targets(network, limit, placed, home, exact)
        yield from _exceeded(limit, dict(zip(cores, used.tolist(), strict=True)), chip, note)


def _expanded(network: Network, mapping: Any) -> bool:
    """Whether placement looked at the synapses one by one."""
    options = getattr(mapping, "options", None)
    structured = [p for p in network.projections if not isinstance(p.rule, _EVEN) and p.pre.size and p.post.size]
    expected = sum(p.rule.expected(network.ends(p)) for p in network.projections)
    return bool(structured) and expected <= EFFORTS["normal" if options is None else options.effort]


def _sources(network: Network, chip: Chip, placed: Sequence[np.ndarray], n_cores: int, exact: bool) -> np.ndarray:
    cost = [chip.source_cost(network, p) for p in network.projections]
    total = np.zeros(n_cores, np.int64)
    for level in range(max(cost, default=0)):
        projections = [p for p, each in zip(network.projections, cost, strict=True) if each > level]
        total += (
            _reached(network, projections, placed, n_cores).sum(axis=0)
            if exact
            else _bounded_sources(network, projections, placed, n_cores)
        )
    return total


def _targets(network: Network, limit: Limit, placed: Sequence[np.ndarray], home: np.ndarray, exact: bool) -> np.ndarray:
    """Of each core: pairs of its cells and cores they reach, those on other chips counted more."""
    price = 1 + limit.abroad * (home[:, None] != home[None, :])
    n_cores = len(home)
    if exact:
        cells, marks = np.concatenate(placed), _reached(network, network.projections, placed, n_cores)
        total = np.zeros(n_cores, np.int64)
        for core in range(n_cores):
            total[core] = int((marks[cells == core].sum(axis=0) * price[core]).sum())
        return total
    mean, variance = np.zeros(n_cores), np.zeros(n_cores)
    for population, miss in _misses(network, network.projections, placed, n_cores).items():
        here = np.bincount(placed[population][placed[population] >= 0], minlength=n_cores)
        mean += here * (price @ (1 - miss))
        variance += here * (price**2 @ (miss * (1 - miss)))
    return np.ceil(mean + 4 * np.sqrt(variance) - 1e-6).astype(np.int64)


def _reached(network: Network, projections: Sequence[Projection], placed: Sequence[np.ndarray], n_cores: int) -> np.ndarray:
    """Whether each cell has a target on each core, bool (n_cells, n_cores)."""
    starts = np.cumsum([0, *(p.size for p in network.populations)])
    marks = np.zeros((int(starts[-1]), n_cores + 1), bool)  # the last column is for targets on no core
    for projection in projections:
        pre = np.concatenate([np.empty(0, np.int64), *(starts[p] + i for p, i in projection.pre.parts)])
        post = np.concatenate([np.empty(0, np.int64), *(placed[p][i] for p, i in projection.post.parts)])
        for first in range(0, len(pre), _ROWS):
            last = min(first + _ROWS, len(pre))
            indptr, targets = projection.rule.expand(first, last, network.ends(projection))
            marks[np.repeat(pre[first:last], np.diff(indptr)), post[targets]] = True
    return marks[:, :n_cores]


def _bounded_sources(network: Network, projections: Sequence[Projection], placed: Sequence[np.ndarray], n_cores: int) -> np.ndarray:
    mean, variance = np.zeros(n_cores), np.zeros(n_cores)
    for population, miss in _misses(network, projections, placed, n_cores).items():
        size = network.populations[population].size
        mean += size * (1 - miss)
        variance += size * miss * (1 - miss)
    return np.ceil(mean + 4 * np.sqrt(variance) - 1e-6).astype(np.int64)


def _misses(network: Network, projections: Sequence[Projection], placed: Sequence[np.ndarray], n_cores: int) -> dict[int, np.ndarray]:
    """Per population the probability that one of its cells has no target on each core."""
    found: dict[int, np.ndarray] = {}
    for projection in projections:
        if not projection.pre.size or not projection.post.size:
            continue
        post = np.concatenate([placed[p][i] for p, i in projection.post.parts])
        there = np.bincount(post[post >= 0], minlength=n_cores)
        chance = projection.rule.expected(network.ends(projection)) / (projection.pre.size * projection.post.size)
        repeated = getattr(projection.rule, "with_replacement", False)
        logarithm = -chance if repeated else (math.log1p(-chance) if chance < 1 else -math.inf)
        none = np.where(there > 0, np.exp(np.maximum(there, 1) * logarithm), 1.0)
        for population, indices in projection.pre.parts:
            part = len(indices) / max(network.populations[population].size, 1)
            found[population] = found.get(population, np.ones(n_cores)) * (1 - part * (1 - none))
    return found
