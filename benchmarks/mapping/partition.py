"""Partition of neurons on cores: packets relative to filling cores in the given order, time and memory.

``python -m benchmarks.mapping.partition [NAME ...] [--repeats N]`` prints one row per network. Cores
hold 256 neurons. Of the small clustered networks they also hold 8,400 inbound sources: with that the
given order needs as many cores as in the study the targets come from (164 and 177; 165 and 173 there).
Each network runs in a process of its own, once on a small network first, so that compiling is not
counted; ``cpu`` is what the process used, ``wall`` what one waits beside other work.
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

from benchmarks.mapping import nets_neurons as nets
from neurosim.mapping.clustering import Limits, cluster_neurons, count_packets, graphs


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement and what it should reach."""

    make: Callable[[], nets.NeuronNet]
    ratio: float
    seconds: float
    gib: float = 2.0
    inbound: int | None = None
    positions: bool = False
    metis: bool = True


def _sheet20k() -> nets.NeuronNet:
    return nets.sheet(125, 160, 100, sigma=10)


def _sheet100k(*, scrambled: bool = True) -> nets.NeuronNet:
    return nets.sheet(250, 400, 100, sigma=14, scrambled=scrambled)


def _dense() -> nets.NeuronNet:
    return nets.sheet(250, 400, 3000, sigma=30)


ROWS = {
    "M8 sheet 20k": Row(_sheet20k, 0.15, 5, inbound=8400),
    "M8 clustered 20k": Row(nets.clustered, 0.28, 5, inbound=8400),
    "M9 VA 4000": Row(nets.vogels_abbott, 1.0, 5),
    "M9 PD14, 100 synapses each": Row(nets.microcircuit, 1.0, 40),
    "M10 sheet 100k, positions": Row(_sheet100k, 0.20, 40, positions=True),
    "M10 sheet 100k, scrambled": Row(_sheet100k, 0.20, 40),
    "M10 sheet 100k, row by row": Row(lambda: _sheet100k(scrambled=False), 0.40, 40),
    "M11 3e8 synapses, positions": Row(_dense, 0.60, 60, gib=4.0, positions=True),
    "M11 3e8 synapses, scrambled": Row(_dense, 0.60, 60, gib=4.0),
    "M18 sheet 20k, no METIS": Row(_sheet20k, 0.17, 5, inbound=8400, metis=False),
    "M18 clustered 20k, no METIS": Row(nets.clustered, 0.28, 5, inbound=8400, metis=False),
}


def measure(row: Row, repeats: int) -> dict[str, float | str]:
    """One row, in this process; the quickest of some repeats."""
    if not row.metis:
        graphs.has_metis = lambda: False
    _partition(row, nets.sheet(20, 20, 20, sigma=3))
    net = row.make()
    times = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        found = _partition(row, net)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    begun = time.perf_counter()
    packets = count_packets(net.fanout, found.core_of, found.n_cores).packets
    return {
        "ratio": packets / found.stages[0].packets,
        "cores": found.n_cores,
        "of": found.stages[0].cores,
        "wall": min(times)[0],
        "cpu": min(cpu for _, cpu in times),
        "evaluation": time.perf_counter() - begun,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "chosen": found.chosen,
    }


def _partition(row: Row, net: nets.NeuronNet):
    limits = Limits.linear(256, n_populations=int(net.population.max()) + 1, inbound=row.inbound)
    return cluster_neurons(net.fanout, net.population, limits, positions=net.positions if row.positions else None)


def main(words: list[str] | None = None) -> int:
    """Print the table; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping.partition", description="Partition of neurons on cores.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of rows, for example M8 (default: all)")
    parser.add_argument("--repeats", type=int, default=3, help="partitions of each network (default: 3)")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.only:
        print(json.dumps(measure(ROWS[given.only], given.repeats)))
        return 0
    print("| network | ratio | target | cores | wall s | cpu s | evaluation s | GiB | best |\n|---|---|---|---|---|---|---|---|---|")
    missed = 0
    for name in ROWS:
        if not given.names or any(name.startswith(word) for word in given.names):
            missed += _print(name, given.repeats)
    return int(missed > 0)


def _print(name: str, repeats: int) -> bool:
    command = [sys.executable, "-m", "benchmarks.mapping.partition", "--only", name, "--repeats", str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row, found = ROWS[name], json.loads(done.stdout.splitlines()[-1])
    print(
        f"| {name} | {found['ratio']:.4f} | <= {row.ratio}, {row.seconds:g} s, {row.gib:g} GiB | {found['cores']} of {found['of']} "
        f"| {found['wall']:.2f} | {found['cpu']:.2f} | {found['evaluation']:.3f} | {found['gib']:.2f} | {found['chosen']} |",
        flush=True,
    )
    return found["ratio"] > row.ratio or found["wall"] > row.seconds or found["gib"] > row.gib


if __name__ == "__main__":
    sys.exit(main())
