"""A network whose size, in-degree and rate can be chosen one by one; for ``scaling`` and ``recording``.

Each cell is driven by a current of its own to the rate asked for (a leaky cell with a long time
constant, so that float32 resolves its approach to the threshold) and receives from ``indegree`` random
cells, with random delays as in the microcircuit, through synapses too weak to change anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness import driver, trains
from benchmarks.harness.cases import Found
from benchmarks.harness.clock import Clock
from benchmarks.parameters import TIMESTEP_MS

TAU_M_MS, C_NF, T_REFRAC_MS = 1000.0, 0.25, 2.0
V_REST_MV, V_THRESH_MV = -65.0, -50.0
WEIGHT_NA = 1e-7
SETTLE_MS = 100.0


def current_na(rate_hz: float) -> float:
    """The current that makes a cell without input fire at ``rate_hz``."""
    interval_ms = 1e3 / rate_hz - T_REFRAC_MS
    drive_mv = (V_THRESH_MV - V_REST_MV) / -np.expm1(-interval_ms / TAU_M_MS)
    return float(drive_mv * C_NF / TAU_M_MS)


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN: ``neurons``, ``indegree``, ``wanted_hz``, ``threads``, ``run_ms``, ``record``."""
    clock, run_ms = Clock(), options["run_ms"]
    sim = driver.start(options, min_delay=TIMESTEP_MS)
    clock.mark("import")
    cells = build(sim, options)
    sim.run(TIMESTEP_MS)
    clock.mark("build")
    sim.run(SETTLE_MS - TIMESTEP_MS)
    clock.mark("settle")
    sim.run(run_ms)
    clock.mark("run")
    found = clock.result(run_ms, synapses=options["neurons"] * options["indegree"], **driver.facts(options))
    return {**found, **(_read(clock, cells, run_ms) if options.get("record", True) else {})}


def _read(clock: Clock, cells: Any, run_ms: float) -> Found:
    clock.mark("between")
    cells.get_data("spikes")
    clock.mark("get_data")
    index, times_ms = driver.spikes(cells)
    rate = driver.rate_hz(int((times_ms > SETTLE_MS).sum()), cells.size, run_ms)
    get_data_s = clock.result(run_ms)["get_data_s"]
    return {"get_data_s": get_data_s, "rate_hz": rate, "spikes": len(index), "digest": trains.digest([(index, times_ms)])}


def build(sim: Any, options: dict[str, Any]) -> Any:
    """The cells, connected."""
    cell = sim.IF_curr_exp(
        cm=C_NF, tau_m=TAU_M_MS, tau_refrac=T_REFRAC_MS, v_rest=V_REST_MV, v_reset=V_REST_MV, v_thresh=V_THRESH_MV,
        i_offset=current_na(options["wanted_hz"]), tau_syn_E=0.5, tau_syn_I=0.5,
    )  # fmt: skip
    start = sim.RandomDistribution("uniform", low=V_REST_MV, high=V_THRESH_MV)
    cells = sim.Population(options["neurons"], cell, initial_values={"v": start}, label="cells")
    if options.get("record", True):
        cells.record("spikes")
    delay = sim.RandomDistribution("normal_clipped", mu=1.5, sigma=0.75, low=TIMESTEP_MS, high=np.inf)
    connector = sim.FixedNumberPreConnector(options["indegree"], with_replacement=True, rng=driver.generator(sim, options))
    sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=WEIGHT_NA, delay=delay), receptor_type="excitatory")
    return cells
