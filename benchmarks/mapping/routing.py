"""How short the trees of placed and routed cores are, next to the real tool chain, and how long it takes.

``python -m benchmarks.mapping.routing [NAME ...]`` measures in one process, prints a table and returns
1 if a target is missed. Rows M7 are networks on one 48-chip board beside what the tool did (or, for the
grid, natural order on our router); row M12 is ten thousand cores on 26 x 26 chips. Everything that is
reported has been walked, entry by entry.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.mapping import core_networks as networks
from neurosim.mapping.grouping import Demand, Options, group_cores
from neurosim.mapping.routing import allocate_keys, check_entries, link_loads, metric_of, route_trees, table_entries, walk_entries
from neurosim.mapping.structures import Topology

#: Entries of a router that applications can use (SpiNNaker datasheet: 1024; the tool keeps one).
ENTRIES = 1023


class Case(NamedTuple):
    """A network, a machine, what to compare with (``None``: natural order) and what to reach."""

    row: str
    network: Callable[[], networks.CoreNetwork]
    machine: Callable[[], Topology]
    reference: str | None
    ratio: float
    entries: int
    seconds: float
    effort: str


CASES = {
    "va": Case("M7", networks.fully_connected, networks.board, "va_64", 0.80, ENTRIES, 30.0, "normal"),
    "ff": Case("M7", networks.chain, networks.board, "ff", 0.65, ENTRIES, 30.0, "normal"),
    "ffshuf": Case(
        "M7", lambda: networks.chain(networks.creation_order("ffshuf")), networks.board, "ffshuf", 0.25, ENTRIES, 30.0, "normal"
    ),
    "grid": Case("M7", networks.grid, networks.board, None, 0.40, ENTRIES, 30.0, "normal"),
    "sheet": Case("M12", networks.sheet, lambda: networks.chips(26), None, 0.13, 450, 10.0, "fast"),
}


class Row(NamedTuple):
    """What was measured; ``seconds`` by the clock, ``cpu_s`` of the processor, ``faults`` those of the walk."""

    name: str
    case: Case
    hops: float
    reference: float
    max_load: float
    max_entries: int
    entries: int
    unmerged: int
    seconds: float
    cpu_s: float
    faults: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Packets times links, divided by those of the reference."""
        return self.hops / self.reference

    @property
    def is_reached(self) -> bool:
        """Whether all targets are met and the walk found nothing wrong."""
        case = self.case
        return not self.faults and self.ratio <= case.ratio and self.max_entries <= case.entries and self.seconds <= case.seconds

    def __str__(self) -> str:
        load, entries = f"{self.max_load:10,.0f}", f"{self.max_entries:8,d} {self.entries:9,d} {self.unmerged:9,d}"
        words = "reached" if self.is_reached else "MISSED " + "; ".join(self.faults)
        head = f"{self.case.row:4} {self.name:7} {self.hops:12,.0f} {self.reference:12,.0f}"
        return f"{head} {self.ratio:6.3f} {self.case.ratio:6.2f} {load} {entries} {self.seconds:7.2f} {self.cpu_s:6.2f}  {words}"


HEAD = "row  network         hops    reference  ratio target   max link max/chip   entries  unmerged seconds  cpu_s"


def measure(name: str, seed: int = 0) -> Row:
    """Group, place, route, make tables and walk them; the time is that of grouping, placing and routing."""
    case = CASES[name]
    network, machine = case.network(), case.machine()
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    metric = metric_of(machine)
    found = group_cores(network.nets, Demand(network.n_cores), machine, options=Options(case.effort, seed=seed), metric=metric)
    routes = route_trees(network.nets, found.router_of, machine, metric=metric)
    seconds, cpu_s = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
    keys = allocate_keys(network.population, network.n_neurons)
    tables = [table_entries(network.nets, routes, found.router_of, machine, keys, merge=merge) for merge in (True, False)]
    used = check_entries(tables[0], machine, ENTRIES)
    walk = walk_entries(network.nets, tables[0], found.router_of, machine, keys)
    loads = link_loads(routes, network.nets.weight, machine)
    faults = walk.faults if abs(walk.loads - loads).max() == 0 else (*walk.faults, "loads differ from those walked")
    reference = found.natural_hops if case.reference is None else networks.reference(case.reference).hops
    counts = len(tables[0].key), len(tables[1].key)
    return Row(name, case, walk.loads.sum(), reference, walk.loads.max(), int(used.max()), *counts, seconds, cpu_s, faults)


def main(words: list[str] | None = None) -> int:
    """Measure what is asked for; 0 if every target is reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping.routing", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"networks: {', '.join(CASES)} (default: all)")
    parser.add_argument("--repeats", type=int, default=1, help="measurements of each, with seeds 0, 1, ... (default: 1)")
    given = parser.parse_args(words)
    unknown = [name for name in given.names if name not in CASES]
    if unknown:
        parser.error(f"unknown network '{unknown[0]}'; known: {', '.join(CASES)}")
    measure("va")  # kernels are compiled, or loaded, before the clock counts
    measure("ff")
    print(HEAD)
    missed = 0
    for name in given.names or CASES:
        for seed in range(given.repeats):
            row = measure(name, seed)
            print(row, flush=True)
            missed += not row.is_reached
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
