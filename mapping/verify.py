"""Independent check of a mapping, written from the chip's rules.

Shares no code with the partitioner, the placer or the tables of use: it sees only the network,
the chip and the result, and counts everything again in its own way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from neurosim.chips.chip import Chip
from neurosim.errors import VerificationError
from neurosim.losses import Loss
from neurosim.mapping.verify_limits import limit_faults
from neurosim.mapping.verify_routes import route_faults
from neurosim.network import Network

#: Largest number of synapses for which the packets are counted again.
MAX_RECOUNT = 1_000_000
_MAX_SHOWN = 5


def verify(mapping: Any) -> None:
    """Check a mapping; anything with ``network``, ``chip``, ``core_of``, ``local_of``, ``pins`` and ``losses``.

    Raises
    ------
    VerificationError
        With every fault found in ``faults``.
    """
    found = tuple(faults(mapping))
    if not found:
        return
    shown = " ".join(f"({number}) {text}." for number, text in enumerate(found[:_MAX_SHOWN], 1))
    more = f" And {len(found) - _MAX_SHOWN} more, see .faults." if len(found) > _MAX_SHOWN else ""
    raise VerificationError(
        f"{len(found)} rules are broken: {shown}{more}",
        where=f"Mapping on '{mapping.chip.name}'",
        faults=found,
        used=len(found),
        limit=0,
        remedy="Map the network again; if the mapping was made by map_network, report a bug.",
    )


def faults(mapping: Any) -> list[str]:
    """Every broken rule as one sentence without a full stop; empty if the mapping is valid."""
    network, chip = mapping.network, mapping.chip
    found = [*_core_table(chip), *_shapes(network, mapping)]
    if found:  # what follows needs arrays it can index
        return found
    found += _arrays(network, chip, mapping)
    if any("does not exist" in text for text in found):
        return found
    found += [*_places(network, chip, mapping.core_of, mapping.losses), *_locals(network, chip, mapping)]
    counts = _census(mapping.core_of)
    found += [*_sharing(network, chip, counts), *_pins(network, chip, mapping)]
    if getattr(mapping, "complete", True):  # a mapping loaded without its network cannot be counted again
        found += [*limit_faults(network, chip, counts, mapping), *_traffic(network, chip, mapping)]
    return [*found, *route_faults(mapping, MAX_RECOUNT)] if hasattr(mapping, "routed") else found


def _core_table(chip: Chip) -> Iterator[str]:
    table = chip.cores()
    if len({len(column) for column in table}) != 1:
        yield "the chip's core table has columns of different lengths"
        return
    places = Counter(zip(table.chip.tolist(), table.core.tolist(), strict=True))
    for (number, core), times in places.items():
        if times > 1:
            yield f"the chip's core table lists chip {number} core {core} {times} times"


def _shapes(network: Network, mapping: Any) -> Iterator[str]:
    for name in ("core_of", "local_of"):
        columns = getattr(mapping, name)
        if len(columns) != len(network.populations):
            yield f"{name} has {len(columns)} arrays for {len(network.populations)} populations"
            continue
        for population, column in zip(network.populations, columns, strict=True):
            if np.shape(column) != (population.size,):
                yield f"{name} of population '{population.label}' has shape {np.shape(column)}, not ({population.size},)"
            elif column.dtype != np.int32:
                yield f"{name} of population '{population.label}' is {column.dtype}, not int32"


def _arrays(network: Network, chip: Chip, mapping: Any) -> Iterator[str]:
    n_cores = len(chip.cores().core)
    for population, core, local in zip(network.populations, mapping.core_of, mapping.local_of, strict=True):
        for neuron in np.flatnonzero((core < -1) | (core >= n_cores))[:3]:
            yield f"neuron {neuron} of '{population.label}' is on core {core[neuron]}, which does not exist (there are {n_cores})"
        for neuron in np.flatnonzero((core >= 0) & (local < 0))[:3]:
            yield f"neuron {neuron} of '{population.label}' is on core {core[neuron]} without a local number ({local[neuron]})"
        for neuron in np.flatnonzero((core == -1) & (local != -1))[:3]:
            yield f"neuron {neuron} of '{population.label}' is off chip, but has the local number {local[neuron]}"


def _places(network: Network, chip: Chip, core_of: Sequence[np.ndarray], losses: Iterable[Loss]) -> Iterator[str]:
    """Every neuron on a core or reported lost; sources where the chip wants them."""
    reported: Counter[str] = Counter()
    for loss in losses:
        if loss.kind == "neuron":
            reported[loss.where] += loss.count
    missing: Counter[str] = Counter()
    for population, core in zip(network.populations, core_of, strict=True):
        n_off = int((core == -1).sum())
        if population.is_source and not chip.places_sources:
            if n_off < population.size:
                yield f"{population.size - n_off} sources of '{population.label}' are on cores, but this chip takes sources from the host"
        else:
            missing[f"Population '{population.label}'"] += n_off
    for where in missing.keys() | reported.keys():
        if missing[where] > reported[where]:
            yield f"{where}: {missing[where]} neurons are on no core, {reported[where]} are reported lost"
        elif missing[where] < reported[where]:
            yield f"{where}: {reported[where]} neurons are reported lost, but only {missing[where]} are on no core"


def _locals(network: Network, chip: Chip, mapping: Any) -> Iterator[str]:
    seen: dict[tuple[int, int], tuple[str, int]] = {}
    stride = 1 << 32
    columns = zip(mapping.core_of, mapping.local_of, strict=True)
    keys = [core[core >= 0].astype(np.int64) * stride + local[core >= 0] for core, local in columns]
    values, times = np.unique(np.concatenate([np.empty(0, np.int64), *keys]), return_counts=True)
    doubled = {divmod(int(value), stride) for value in values[times > 1]}
    if not doubled:
        return
    for population, core, local in zip(network.populations, mapping.core_of, mapping.local_of, strict=True):
        for neuron, place in enumerate(zip(core.tolist(), local.tolist(), strict=True)):
            if place not in doubled:
                continue
            if place in seen:
                other, index = seen[place]
                where = f"local number {place[1]} of {chip.core_label(place[0])}"
                yield f"neuron {neuron} of '{population.label}' and neuron {index} of '{other}' share {where}"
            seen[place] = (population.label, neuron)


def _census(core_of: Sequence[np.ndarray]) -> dict[int, Counter[int]]:
    """Per core how many neurons of each population it holds."""
    counts: dict[int, Counter[int]] = {}
    for population, core in enumerate(core_of):
        for number, n_neurons in Counter(core.tolist()).items():
            if number >= 0:
                counts.setdefault(number, Counter())[population] = n_neurons
    return counts


def _sharing(network: Network, chip: Chip, counts: dict[int, Counter[int]]) -> Iterator[str]:
    if chip.mixes_populations:
        return
    for core, members in counts.items():
        if len(members) > 1:
            labels = ", ".join(f"'{network.populations[p].label}'" for p in sorted(members))
            yield f"{chip.core_label(core)} holds neurons of {labels}, but a core may hold one population only"


def _pins(network: Network, chip: Chip, mapping: Any) -> Iterator[str]:
    for pin in mapping.pins:
        if pin.coordinate is None:
            continue
        allowed = _allowed(chip, pin.coordinate)
        population = network.populations[pin.population]
        neurons = range(population.size) if pin.indices is None else np.asarray(pin.indices).tolist()
        astray = [neuron for neuron in neurons if int(mapping.core_of[pin.population][neuron]) not in allowed]
        if astray:
            core = int(mapping.core_of[pin.population][astray[0]])
            found = chip.core_label(core) if core >= 0 else "no core"
            yield f"{len(astray)} neurons of '{population.label}' are not where they are pinned, first neuron {astray[0]}: it is on {found}"


def _allowed(chip: Chip, coordinate: Any) -> set[int]:
    table = chip.cores()
    if isinstance(coordinate, int | np.integer):
        return {int(coordinate)}
    if isinstance(coordinate, tuple | list):
        wanted = dict(zip(("x", "y", "core"), coordinate, strict=False))
    else:
        wanted = {name: getattr(coordinate, name, None) for name in ("x", "y", "core")}
        wanted["chip"] = getattr(coordinate, "router", getattr(coordinate, "chip", None))
    there = np.ones(len(table.core), bool)
    for name, value in wanted.items():
        if isinstance(value, int | np.integer):
            there &= np.asarray(getattr(table, name)) == value
    return set(np.flatnonzero(there).tolist())


def _traffic(network: Network, chip: Chip, mapping: Any) -> Iterator[str]:
    """Packets counted again with sets of targets, if there are few synapses and a count to compare with."""
    traffic = mapping.__dict__.get("traffic") if hasattr(mapping, "__dict__") else None
    if traffic is None or traffic.method != "exact" or traffic.synapses > MAX_RECOUNT:
        return
    reached = _reached(network, mapping.core_of)
    chip_number = chip.cores().chip.astype(np.int32)
    packets = host = hops = 0
    for (population, neuron), cores in reached.items():
        home = int(mapping.core_of[population][neuron])
        if home < 0:
            host += len(cores)
            continue
        away = np.array(sorted(cores - {home}), np.int64)
        packets += len(away)
        hops += int(np.sum(chip.hops(np.full(len(away), chip_number[home], np.int32), chip_number[away])))
    for name, counted in (("packets", packets), ("host_packets", host), ("hops", hops)):
        if getattr(traffic, name) != counted:
            yield f"the mapping states {getattr(traffic, name):,} {name}, counted again they are {counted:,}"


def _reached(network: Network, core_of: Sequence[np.ndarray]) -> dict[tuple[int, int], set[int]]:
    """Per source the cores that hold a target of it."""
    reached: dict[tuple[int, int], set[int]] = {}
    for projection in network.projections:
        pre = [(p, int(i)) for p, indices in projection.pre.parts for i in indices]
        post = np.concatenate([np.empty(0, np.int64), *(core_of[p][i] for p, i in projection.post.parts)])
        indptr, targets = projection.rule.expand(0, len(pre), network.ends(projection))
        for row, source in enumerate(pre):
            cores = np.unique(post[targets[indptr[row] : indptr[row + 1]]])
            reached.setdefault(source, set()).update(cores[cores >= 0].tolist())
    return reached
