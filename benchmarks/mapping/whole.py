"""Whole maps, from a network in a chip's terms to verified routes: time, memory, faults, determinism.

``python -m benchmarks.mapping.whole [NAME ...]`` prints one row per map, each made in a process of its own
after a small one, so that compiling is not counted. Every map is verified: limits counted again, every
packet followed through the routing tables.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.mapping import nets_neurons as nets
from benchmarks.parameters import Microcircuit
from benchmarks.parameters import microcircuit as circuit_at
from neurosim import chips
from neurosim.connectivity import AllToAll, Bernoulli, FixedTotal, Table
from neurosim.mapping import Mapping, Options, map_network
from neurosim.mapping.verify import faults
from neurosim.network import Network, Population, Projection, Receptor, Rule, Selection, Synapse


@dataclass(frozen=True, slots=True)
class Row:
    """A map, and what it may take."""

    make: Callable[[], Network]
    chip: str
    seconds: float
    gib: float = 2.0
    boards: int = 1
    effort: str = "normal"


def _population(number: int, label: str, size: int, positions: np.ndarray | None = None) -> Population:
    receptors = (Receptor("excitatory", "curr_exp", {"tau_syn": 5.0}), Receptor("inhibitory", "curr_exp", {"tau_syn": 5.0}))
    return Population(number, label, size, "lif", receptors=receptors, positions=positions)


def _network(populations: list[Population], links: list[tuple[int, int, Rule]]) -> Network:
    synapse, whole = Synapse("static", {"weight": 0.1, "delay": 1.0}), Selection.whole
    projections = tuple(
        Projection(
            n,
            f"{populations[a].label} to {populations[b].label}",
            whole(populations[a]),
            whole(populations[b]),
            "excitatory",
            rule,
            synapse,
            n,
        )  # type: ignore[arg-type]
        for n, (a, b, rule) in enumerate(links)
    )
    return Network(1.0, 1, tuple(populations), projections)


def circuit(scale: float = 1.0) -> Network:
    """The cortical microcircuit from its rules, which are never expanded."""
    made = circuit_at(scale, "dc")
    populations = [_population(n, name, size) for n, (name, size) in enumerate(zip(Microcircuit().names, made.sizes, strict=True))]
    pairs = [(int(b), int(a)) for a, b in zip(*np.nonzero(made.synapses), strict=True)]
    return _network(populations, [(b, a, FixedTotal(int(made.synapses[a, b]), with_replacement=True)) for b, a in pairs])


def sheet(rows: int = 250, columns: int = 400, degree: int = 100) -> Network:
    """A sheet of neurons with local synapses, numbered at random, given as a list."""
    made = nets.sheet(rows, columns, degree, sigma=14)
    n = made.fanout.n_sources
    flat = None if made.positions is None else np.pad(made.positions, ((0, 0), (0, 3 - made.positions.shape[1])))
    cells = _population(0, "sheet", n, flat)
    pre = np.repeat(np.arange(n), np.diff(made.fanout.indptr))
    return _network([cells], [(0, 0, Table(pre, made.fanout.target.astype(np.int64)))])


def layers(n: int = 60, size: int = 512) -> Network:
    """A chain of populations."""
    populations = [_population(k, f"l{k:02d}", size) for k in range(n)]
    return _network(populations, [(k, k + 1, Bernoulli(0.05)) for k in range(n - 1)])


def balanced() -> Network:
    """Two populations, all to all with probability 0.02."""
    cells = [_population(0, "E", 3200), _population(1, "I", 800)]
    return _network(cells, [(a, b, Bernoulli(0.02)) for a in (0, 1) for b in (0, 1)])


def tiny() -> Network:
    """A few cells, to compile with."""
    cells = [_population(0, "a", 600), _population(1, "b", 600)]
    return _network(cells, [(0, 1, Table(np.arange(600), np.arange(600))), (1, 0, AllToAll())])


ROWS = {
    "PD14 on SpiNNaker, from rules": Row(circuit, "spinnaker", 5.0),
    "sheet of 1e5, 1e7 synapses, SpiNNaker": Row(sheet, "spinnaker", 40.0, boards=5),
    "chain of 60 layers, SpiNNaker": Row(layers, "spinnaker", 30.0),
    "chain of 60 layers, Loihi": Row(layers, "loihi", 30.0),
    "balanced network, SpiNNaker": Row(balanced, "spinnaker", 5.0),
    "balanced network, Loihi": Row(balanced, "loihi", 5.0),
    "balanced network, HICANN": Row(balanced, "hicann", 5.0),
    "microcircuit at a tenth, Loihi": Row(lambda: circuit(0.1), "loihi", 15.0, boards=9),
}


def measure(name: str) -> dict[str, float | str]:
    """One map; wall time and what was found wrong with it."""
    row = ROWS[name]
    map_network(tiny(), chips.load(row.chip), options=Options(row.effort))
    chip, network = chips.load(row.chip, n_boards=row.boards), row.make()
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    mapping = map_network(network, chip, options=Options(row.effort))
    wall_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    again = map_network(network, chip, options=Options(row.effort))
    plain = map_network(network, chip, options=Options("fast"))
    routing, first = mapping.routing, plain.routing
    assert routing is not None and first is not None
    return {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "cores": mapping.n_cores_used,
        "cores_ratio": mapping.n_cores_used / plain.n_cores_used,
        "links_ratio": routing.hops / first.hops if first.hops else 1.0,
        "packets_ratio": mapping.traffic.packets / plain.traffic.packets if plain.traffic.packets else 1.0,
        "entries": int(routing.entries_used.max(initial=0)),
        "faults": len(faults(mapping)) + _questions(mapping, again),
        "stages": ", ".join(f"{stage} {spent:.2f}" for stage, spent in mapping.seconds.items()),
    }


def _questions(mapping: Mapping, again: Mapping) -> int:
    """How many of these do not hold: the same map again; no differences to itself; where and on are inverse; it can be saved and read."""
    found = [
        mapping.to_json() != again.to_json(),
        bool(mapping.diff(mapping)),
        Mapping.from_json(mapping.to_json(), mapping.network) != mapping,
    ]
    there = {core: mapping.on(int(core)) for core in mapping.cores_used}
    back = [np.full(len(cores), -1, np.int32) for cores in mapping.core_of]
    for core, residents in there.items():
        for resident in residents:
            back[resident.population_id][resident.indices] = core
    found.append(any(not np.array_equal(a, b) for a, b in zip(back, mapping.core_of, strict=True)))
    return sum(found)


def main(words: list[str] | None = None) -> int:
    """Measure what is asked for; 0 if every target is reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping.whole", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"maps: {'; '.join(ROWS)} (default: all)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.inside:
        print(json.dumps(measure(given.names[0])))
        return 0
    missed = 0
    for name in given.names or ROWS:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.mapping.whole", "--inside", name], capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"{name}: FAILED\n{done.stderr}", flush=True)
            missed += 1
            continue
        found, row = json.loads(done.stdout.splitlines()[-1]), ROWS[name]
        reached = found["wall_s"] <= row.seconds and found["gib"] <= row.gib and not found["faults"]
        reached = reached and max(found["cores_ratio"], found["packets_ratio"], found["links_ratio"]) <= 1.0 + 1e-9
        ratios = f"cores {found['cores_ratio']:.2f}, packets {found['packets_ratio']:.3f}, links {found['links_ratio']:.3f} of given order"
        print(
            f"{name:<40} {found['wall_s']:6.2f} s (wanted {row.seconds:g}), {found['gib']:.2f} GiB, {found['cores']} cores; {ratios}; "
            f"{found['entries']} entries, {found['faults']} faults  {'reached' if reached else 'MISSED'}",
            flush=True,
        )
        print(f"    {found['stages']}", flush=True)
        missed += not reached
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
