"""Building synapses through PyNN: ns per synapse for five connectors, ten million synapses.

Two times, both from ``Projection(...)`` on. To its rows: until sources, targets, weights and delays of
all synapses are at hand, sorted by source, with the types the engine takes. That is what the bulk
figures are of, where the targets come from: a prototype that expanded rows with one thread, and
delivered nothing.
To the next step: until the first time step after it ends, which includes the store that spikes are
delivered from and the step itself; the same limits are held against it as a stricter reading.
neurosim builds when a projection is first needed, others when it is made. Weight and delay are
constant, as in the bulk figures. NEST runs the same script with a hundredth of the synapses, to the
next step only; more would take it minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.harness import driver
from benchmarks.harness.cases import NEST, NEUROSIM, Case, Found, Gate, Side, Size, Target
from benchmarks.harness.clock import peak_gib

BULK_NS = {"FixedProbability": 13.0, "FixedNumberPre": 9.7, "FixedTotalNumber": 1.1, "OneToOne": 80.0, "FromList": 60.0}
"""ns per synapse of the bulk prototype, one thread, 1e7 synapses (OneToOne: 1e6 cells, 59 to 80 ns a cell)."""

PEER_SHARE, WARM_SHARE = 100, 10
SYNAPSES = 10_000_000
WEIGHT, DELAY_MS, TIMESTEP_MS = 0.001, 1.0, 0.1


def cases(size: Size) -> list[Case]:
    """One case per connector."""
    return [_case(name, bulk) for name, bulk in BULK_NS.items()]


def _case(connector: str, bulk_ns: float) -> Case:
    return Case(
        label=f"building {connector}",
        sides=(Side(NEUROSIM, "pynn"), Side(NEST, "pynn", {"synapses": SYNAPSES // PEER_SHARE})),
        options={"connector": connector, "synapses": SYNAPSES, "threads": 1},
        shown=("rows_ns", "cpu_rows_ns", "per_synapse_ns", "cpu_per_synapse_ns", "synapses", "rss_gib"),
        targets=(
            Target("rows_ns", "rows per synapse", at_most=1.5 * bulk_ns, aim=bulk_ns),
            Target("per_synapse_ns", "wait per synapse, to the next step (stricter)", at_most=1.5 * bulk_ns, aim=bulk_ns),
        ),
        warm={"synapses": SYNAPSES // WARM_SHARE},
    )


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """As many synapses as asked for; FixedProbability within five standard deviations."""
    if NEUROSIM not in found:
        return []
    built, wanted = found[NEUROSIM]["synapses"], wanted_synapses(case.options["connector"], case.options["synapses"])
    allowed = 5 * (wanted * 0.9) ** 0.5 if case.options["connector"] == "FixedProbability" else 0.0
    return [Gate(f"{case.label}: number of synapses", abs(built - wanted) <= allowed, f"{built:,.0f} of {wanted:,}")]


def wanted_synapses(connector: str, synapses: int) -> int:
    """Synapses that the connector shall make."""
    n = cells(connector, synapses)
    return {"FixedProbability": n * n // 10, "FixedNumberPre": n * (n // 10), "OneToOne": n}.get(connector, synapses)


def cells(connector: str, synapses: int) -> int:
    """Cells on either side."""
    return synapses // 10 if connector == "OneToOne" else round((10 * synapses) ** 0.5)


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN: a tenth first, which calls the same kernels, so that what happens once in a process is not counted."""
    smaller = {**options, "synapses": options["synapses"] // WARM_SHARE}
    ours = options["simulator"] == NEUROSIM
    rows = [rows_only(size) for size in (smaller, options)][-1] if ours else {}
    once(smaller)
    return {**rows, **once(options), "rss_gib": peak_gib(), **driver.facts(options)}


def once(options: dict[str, Any]) -> Found:
    """One projection between populations that have run before, to the end of the next step."""
    sim, connect = prepared(options)
    begun = time.perf_counter(), time.process_time()
    projection = connect()
    sim.run(TIMESTEP_MS)
    wall_s, cpu_s = time.perf_counter() - begun[0], time.process_time() - begun[1]
    made = projection.size()
    sim.end()
    return {"per_synapse_ns": wall_s / made * 1e9, "cpu_per_synapse_ns": cpu_s / made * 1e9, "build_s": wall_s, "synapses": made}


def rows_only(options: dict[str, Any]) -> Found:
    """The same projection to its rows; neurosim only."""
    sim, connect = prepared(options)
    begun = time.perf_counter(), time.process_time()
    rows = rows_of(connect())
    wall_s, cpu_s = time.perf_counter() - begun[0], time.process_time() - begun[1]
    made = rows.size
    sim.end()
    return {"rows_ns": wall_s / made * 1e9, "cpu_rows_ns": cpu_s / made * 1e9, "rows_s": wall_s}


def rows_of(projection: Any) -> Any:
    """All synapses of a projection, by source and in one piece, in single precision; columns that are one number stay so."""
    from neurosim import connectivity
    from neurosim.pynn import simulator

    dtypes = {"post": np.int32, "delay": np.int16, "weight": np.float32}
    return connectivity.expand(simulator.state.freeze(), projection.freeze(), columns=("weight", "delay"), dtypes=dtypes)


def prepared(options: dict[str, Any]) -> tuple[Any, Callable[[], Any]]:
    """The simulator with two populations that have run, and what connects them."""
    sim = driver.start(options, min_delay=TIMESTEP_MS, max_delay=2.0)
    n = cells(options["connector"], options["synapses"])
    pre, post = (sim.Population(n, sim.IF_curr_exp(), label=label) for label in ("pre", "post"))
    connector = make(sim, options["connector"], n, options["synapses"])
    synapse = sim.StaticSynapse(weight=WEIGHT, delay=DELAY_MS)
    sim.run(TIMESTEP_MS)
    return sim, lambda: sim.Projection(pre, post, connector, synapse, receptor_type="excitatory")


def make(sim: Any, kind: str, n: int, synapses: int) -> Any:
    """The connector; the list of FromList is made here, outside the time measured."""
    if kind == "FromList":
        rng = np.random.default_rng(1)
        ends = rng.integers(0, n, (synapses, 2))
        return sim.FromListConnector(np.column_stack([ends, np.full(synapses, WEIGHT), np.full(synapses, DELAY_MS)]))
    makers: dict[str, Callable[[], Any]] = {
        "FixedProbability": lambda: sim.FixedProbabilityConnector(0.1),
        "FixedNumberPre": lambda: sim.FixedNumberPreConnector(n // 10),
        "FixedTotalNumber": lambda: sim.FixedTotalNumberConnector(synapses, with_replacement=True),
        "OneToOne": sim.OneToOneConnector,
    }
    return makers[kind]()
