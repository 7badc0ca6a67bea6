"""Acceptance checks of whole maps by code that shares nothing with the mapper: ``python -m benchmarks.mapping.checks [ROW ...]``.

M1 counts finished maps anew and follows every packet; M14 asks for the same map again and for what is where; M15
explains networks that do not fit; M16 compares counted packets with those expected from the rules; M8 compares
packets with those of a partitioner of hypergraphs; M9 compares random networks with their given order, M18 does so
without METIS. Prints one line per check and returns 1 if a target is missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from benchmarks.mapping import many_networks, nets_neurons, whole
from benchmarks.mapping.misfits import MISFITS, Misfit
from benchmarks.mapping.packets_by_hand import packet_faults
from benchmarks.mapping.recount import Synapses, limit_faults, packets_of, place_faults, synapses_of
from neurosim import chips
from neurosim.errors import PlacementError
from neurosim.mapping import Mapping, Options, explain, map_network
from neurosim.mapping.clustering import Limits, cluster_neurons, count_packets, graphs
from neurosim.mapping.fanout import rate_of
from neurosim.mapping.reach import expected_reach
from neurosim.network import Network

N_RANDOM = 200
#: Packets of Mt-KaHyPar 1.7 (default preset, km1, 83 blocks of at most 256 neurons, seed 1, one thread: 166 s, 94 s).
HYPERGRAPH = {"sheet of 20,000": 177_796, "clusters, 20,000": 352_947}


class Row(NamedTuple):
    """One check: what was found and wanted; ``reached`` is ``None`` for what is only told."""

    name: str
    what: str
    found: str
    wanted: str
    reached: bool | None
    seconds: float = 0.0

    def __str__(self) -> str:
        verdict = {True: "reached", False: "MISSED", None: ""}[self.reached]
        wanted = f"wanted {self.wanted}" if self.wanted else ""
        return f"{self.name:<4} {self.what:<38} {self.found}  {wanted}  {self.seconds:.1f} s  {verdict}".rstrip()


def violations(mapping: Mapping, synapses: Synapses) -> list[str]:
    """Every broken rule that the second opinion finds; what cannot be indexed any more is not looked at further."""
    found = list(place_faults(mapping))
    return found or [*limit_faults(mapping, synapses), *packet_faults(mapping, synapses)]


# --- whole maps ----------------------------------------------------------------------------------
def whole_maps(names: tuple[str, ...] = tuple(many_networks.WHOLE), row: str = "M1") -> Iterator[Row]:
    """Networks of all kinds on all machines: no violation, the same map again, where and on inverse."""
    for name in names:
        make, n_boards = many_networks.WHOLE[name]
        network = make()
        for chip_name in ("spinnaker", "loihi", "hicann"):
            chip = chips.load(chip_name, n_boards=n_boards if chip_name == "loihi" else 1)
            begun = time.perf_counter()
            mapping = map_network(network, chip)
            synapses = synapses_of(mapping)
            found = violations(mapping, synapses)
            told = f"{len(found)} violations on {mapping.n_cores_used} cores, all {synapses.number:,} synapses followed"
            what = f"{name}, {chip.title}"
            yield Row(row, what, "; ".join([told, *found[:3]]), "0", not found, time.perf_counter() - begun)
            begun = time.perf_counter()
            failed = whole._questions(mapping, map_network(network, chip))
            seconds = time.perf_counter() - begun
            yield Row("M14" if row == "M1" else row, what, f"{4 - failed} of 4 questions answered alike", "4", not failed, seconds)


# --- networks that do not fit ---------------------------------------------------------------------
def explanations() -> Iterator[Row]:
    """Each names object, limit, use and capacity, and its first change maps when it is applied."""
    n_right = 0
    for name, make in MISFITS.items():
        begun, case = time.perf_counter(), make()
        wrong = unexplained(case)
        n_right += not wrong
        yield Row("M15", name, "; ".join(wrong) or "explained, first change maps", "both", not wrong, time.perf_counter() - begun)
    yield Row("M15", "all of them", f"{n_right} of {len(MISFITS)}", f"{len(MISFITS)}", n_right == len(MISFITS))


def unexplained(case: Misfit) -> list[str]:
    """What is wrong with the explanation of a network that does not fit."""
    told = explain(case.network, case.chip, pins=case.pins, options=case.options)
    wrong = [] if not told.fits else ["it is said to fit"]
    for what, found, wanted in (
        ("kind", told.kind, case.kind),
        ("resource", told.resource, case.resource),
        ("capacity", told.available, case.available),
    ):
        wrong += [] if found == wanted else [f"{what} is {found!r}, not {wanted!r}"]
    if case.named not in f"{told.population} {told.place}":
        wrong.append(f"'{case.named}' is not named")
    if case.available is not None and not (isinstance(told.needed, int) and told.needed > case.available):
        wrong.append(f"{told.needed} are said to be needed")
    shown = str(told)
    wrong += [f"'{word}' is not shown" for word in (case.named, f"{case.available:,}" if case.available else "") if word not in shown]
    if not told.remedies:
        return [*wrong, "no change is offered"]
    changed = told.remedies[0].apply(case.network, case.chip, case.pins, case.options)
    try:
        map_network(changed.network, changed.chip, pins=changed.pins, options=changed.options)
    except PlacementError as error:
        wrong.append(f"the first change does not help: {error}")
    return wrong


# --- packets -------------------------------------------------------------------------------------
def expectations() -> Iterator[Row]:
    """Packets between cores from the rules, beside those counted synapse by synapse."""
    network = whole.circuit(0.1)
    for chip_name, n_boards in (("spinnaker", 1), ("loihi", 5), ("hicann", 1)):
        begun = time.perf_counter()
        mapping = map_network(network, chips.load(chip_name, n_boards=n_boards))
        n_cores = len(mapping.chip.cores().core)
        graph, _ = expected_reach(network, mapping.core_of, n_cores, rate_of(network, None))
        counted, expected = between_populations(mapping, synapses_of(mapping), graph)
        off = float(expected.sum() / counted.sum() - 1)
        many = counted >= 100  # chance alone moves fewer than a hundred packets by a tenth
        most = float(np.abs(expected[many] / counted[many] - 1).max())
        told = f"{expected.sum():,.0f} packets expected, {counted.sum():,.0f} counted ({100 * off:+.2f} %); "
        told += f"by pair of populations at most {100 * most:.1f} % off"
        yield Row("M16", f"microcircuit at a tenth, {mapping.chip.title}", told, "2 %", abs(off) <= 0.02, time.perf_counter() - begun)


def between_populations(mapping: Mapping, synapses: Synapses, graph) -> tuple[np.ndarray, np.ndarray]:
    """Packets counted and expected, by the first populations on the sending and on the receiving core."""
    n = len(mapping.network.populations)
    home = np.concatenate(mapping.core_of)
    owner = np.zeros(len(mapping.chip.cores().core), np.int64)
    for population in reversed(range(n)):
        owner[mapping.core_of[population]] = population
    counted, expected = np.zeros((n, n)), np.zeros((n, n))
    sender = home[synapses.source]
    away = sender != synapses.core
    np.add.at(counted, (owner[sender[away]], owner[synapses.core[away]]), 1.0)
    np.add.at(expected, (owner[graph.source], owner[graph.target]), graph.packets)
    return counted, expected


def hypergraphs() -> Iterator[Row]:
    """Packets of clustered neurons beside those of a partitioner that takes minutes, on the very same networks."""
    made = {"sheet of 20,000": lambda: nets_neurons.sheet(125, 160, 100, sigma=10), "clusters, 20,000": nets_neurons.clustered}
    for name, make in made.items():
        net = make()
        begun = time.perf_counter()
        found = cluster_neurons(net.fanout, net.population, Limits.linear(256, n_populations=1, inbound=8400))
        seconds = time.perf_counter() - begun
        packets = count_packets(net.fanout, found.core_of, found.n_cores).packets
        ratio = packets / HYPERGRAPH[name]
        told = f"{packets:,.0f} packets, {ratio:.3f} of Mt-KaHyPar's {HYPERGRAPH[name]:,} ({found.n_cores} cores, there 83)"
        yield Row("M8", name, told, "at most 1.04", ratio <= 1.04, seconds)


# --- never worse ---------------------------------------------------------------------------------
def random_maps(row: str = "M9", n: int = N_RANDOM) -> Iterator[Row]:
    """Random networks: cores and packets never above those of the given order, and no violations."""
    for chip_name in ("spinnaker", "loihi", "hicann"):
        begun, worst, n_fewer, n_refused, wrong = time.perf_counter(), [0.0, 0.0, 0.0], 0, 0, list[str]()
        for seed in range(n):
            network = many_networks.drawn(seed)
            searched, given = (_mapped(network, chip_name, effort) for effort in ("normal", "fast"))
            if searched is None or given is None:
                n_refused += 1
                wrong += [] if searched is None and given is None else [f"network {seed} fits with one effort only"]
                continue
            synapses = synapses_of(searched)
            wrong += [f"network {seed}: {text}" for text in violations(searched, synapses)]
            packets, before = packets_of(searched, synapses), packets_of(given, synapses_of(given))
            pairs = ((packets, before), (searched.n_cores_used, given.n_cores_used), (searched.routing.hops, given.routing.hops))  # type: ignore[union-attr]
            worst = [max(old, a / b if b else float(a > 0)) for old, (a, b) in zip(worst, pairs, strict=True)]
            n_fewer += packets < before
        told = (
            f"at most {worst[0]:.4f} of packets, {worst[1]:.3f} of cores, {worst[2]:.4f} of links (only told); {n_fewer} with fewer packets"
        )
        told = "; ".join([told, f"{n_refused} do not fit", f"{len(wrong)} violations", *wrong[:3]])
        reached = max(worst[:2]) <= 1.0 and not wrong
        yield Row(row, f"{n} random networks, {chip_name}", told, "1, 1, 0 violations", reached, time.perf_counter() - begun)


def _mapped(network: Network, chip_name: str, effort: str) -> Mapping | None:
    try:
        return map_network(network, chips.load(chip_name), options=Options(effort))
    except PlacementError:
        return None


@contextmanager
def no_metis() -> Iterator[None]:
    """As if METIS were not installed; only clustering asks for it."""
    asked, graphs.has_metis = graphs.has_metis, lambda: False
    try:
        yield
    finally:
        graphs.has_metis = asked


def without_metis() -> Iterator[Row]:
    """Random maps, and the one whole map that clusters; nothing else asks for METIS."""
    with no_metis():
        yield from random_maps("M18")
        yield from whole_maps(("sheet of 20,000",), "M18")


def distributed() -> Iterator[Row]:
    """What there is nothing to check of."""
    yield Row("M17", "several processes and machines", "not done: MPI and Dask", "", None)


ROWS: dict[str, Callable[[], Iterator[Row]]] = {
    "M1": whole_maps,
    "M15": explanations,
    "M16": expectations,
    "M8": hypergraphs,
    "M9": random_maps,
    "M18": without_metis,
    "M17": distributed,
}


def main(names: list[str]) -> int:
    """Print the rows that are asked for (M14 comes with M1); 1 if a target is missed."""
    missed = 0
    for name in names or ROWS:
        for row in ROWS[name]():
            print(row, flush=True)
            missed += row.reached is False
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
