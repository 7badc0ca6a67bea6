"""Additive STDP (after Song et al. 2000): 1000 Poisson sources onto 100 neurons, 100,000 plastic synapses, 10 s.

The PyNN script is the same on neurosim and NEST; Brian2 runs its equations in C++ standalone mode, one thread.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.harness import driver, standalone
from benchmarks.harness.cases import BRIAN2, NEST, NEUROSIM, Case, Found, Gate, Side, Size, Target
from benchmarks.harness.clock import Clock
from benchmarks.harness.gates import lists_near, near
from benchmarks.parameters import TIMESTEP_MS, SongAbbott

MODEL = SongAbbott()


def cases(size: Size) -> list[Case]:
    """Ten seconds from uniform weights, one thread."""
    return [
        Case(
            label="W5b additive STDP",
            sides=(Side(NEUROSIM, "pynn"), Side(BRIAN2, "brian2"), Side(NEST, "pynn")),
            options={"threads": 1, "run_ms": 10_000.0},
            shown=("build_s", "run_factor", "rss_gib", "rate_hz", "weights"),
            targets=(Target("run_factor", "simulation", against=BRIAN2, at_least=2.5),),
            warm={"run_ms": 1.0},
        )
    ]


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """Rate and distribution of weights (mean, share below 0.1 and above 0.9 of the largest) are the peers'.

    The mean drive stands at the threshold, so that the rate moves by 5 % from seed to seed. Brian2 fires a fifth more
    and is not asked for its rate: its exponential Euler holds a conductance for a step, which adds one per cent to
    the drive; with a step of 0.02 ms its rate comes down to the others'.
    """
    rate = near("additive STDP: rate", "rate_hz", found, NEST, 0.12)
    return [rate] + [lists_near("additive STDP: weights", "weights", found, peer, absolute=0.01) for peer in (NEST, BRIAN2)]


def distribution(weights: np.ndarray) -> list[float]:
    """Mean, share below a tenth and share above nine tenths; of weights as shares of the largest possible."""
    return [float(weights.mean()), float((weights < 0.1).mean()), float((weights > 0.9).mean())]


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN."""
    clock, run_ms = Clock(), options["run_ms"]
    sim = driver.start(options, min_delay=MODEL.delay_ms)
    clock.mark("import")
    cells, plastic = _build(sim)
    sim.run(TIMESTEP_MS)
    clock.mark("build")
    sim.run(run_ms - TIMESTEP_MS)
    clock.mark("run")
    found = clock.result(run_ms, **driver.facts(options))
    weights = np.array(plastic.get("weight", format="list", with_address=False)) / (MODEL.w_max_ns * 1e-3)
    index, _ = driver.spikes(cells)
    return {**found, "rate_hz": driver.rate_hz(len(index), cells.size, run_ms), "weights": distribution(weights)}


def _build(sim: Any) -> tuple[Any, Any]:
    cell = sim.IF_cond_exp(
        cm=MODEL.c_pf * 1e-3, tau_m=MODEL.tau_m_ms, tau_refrac=MODEL.t_refrac_ms, tau_syn_E=MODEL.tau_exc_ms, e_rev_E=MODEL.e_exc_mv,
        v_rest=MODEL.v_rest_mv, v_reset=MODEL.v_reset_mv, v_thresh=MODEL.v_thresh_mv,
    )  # fmt: skip
    cells = sim.Population(MODEL.n_cells, cell, initial_values={"v": MODEL.v_rest_mv}, label="cells")
    cells.record("spikes")
    sources = sim.Population(MODEL.n_sources, sim.SpikeSourcePoisson(rate=MODEL.source_hz), label="sources")
    w_max = MODEL.w_max_ns * 1e-3
    timing = sim.SpikePairRule(tau_plus=MODEL.tau_stdp_ms, tau_minus=MODEL.tau_stdp_ms, A_plus=MODEL.a_plus, A_minus=MODEL.a_minus)
    synapse = sim.STDPMechanism(
        timing_dependence=timing,
        weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=w_max),
        weight=sim.RandomDistribution("uniform", low=0.0, high=w_max),
        delay=MODEL.delay_ms,
    )
    return cells, sim.Projection(sources, cells, sim.AllToAllConnector(), synapse, receptor_type="excitatory")


def brian2(options: dict[str, Any]) -> Found:
    """In Brian2."""
    begun, run_ms = time.perf_counter(), options["run_ms"]
    b = standalone.prepare(options)
    sources = b.PoissonGroup(MODEL.n_sources, MODEL.source_hz * b.Hz)
    cells = _brian2_cells(b)
    synapses = _brian2_synapses(b, sources, cells)
    monitor = b.SpikeMonitor(cells)
    b.Network(sources, cells, synapses, monitor).run(run_ms * b.ms)
    times = standalone.compile_and_run(b, options, begun)
    return {
        **times,
        "run_factor": times["run_s"] / run_ms * 1e3,
        "run_ms": run_ms,
        "rate_hz": driver.rate_hz(int(monitor.num_spikes), MODEL.n_cells, run_ms),
        "weights": distribution(np.asarray(synapses.w[:] / (MODEL.w_max_ns * b.nS))),
        **standalone.facts(b),
    }


def _brian2_cells(b: Any) -> Any:
    cells = b.NeuronGroup(
        MODEL.n_cells,
        """dv/dt = (v_rest - v + ge * (e_exc - v) / g_leak) / tau_m : volt (unless refractory)
           dge/dt = -ge / tau_exc : siemens""",
        threshold="v > v_thresh",
        reset="v = v_reset",
        refractory=MODEL.t_refrac_ms * b.ms,
        method="exponential_euler",
        namespace={
            "v_rest": MODEL.v_rest_mv * b.mV, "v_thresh": MODEL.v_thresh_mv * b.mV, "v_reset": MODEL.v_reset_mv * b.mV,
            "e_exc": MODEL.e_exc_mv * b.mV, "g_leak": MODEL.g_leak_ns * b.nS,
            "tau_m": MODEL.tau_m_ms * b.ms, "tau_exc": MODEL.tau_exc_ms * b.ms,
        },
    )  # fmt: skip
    cells.v = MODEL.v_rest_mv * b.mV
    return cells


def _brian2_synapses(b: Any, sources: Any, cells: Any) -> Any:
    synapses = b.Synapses(
        sources,
        cells,
        """w : siemens
           dpre/dt = -pre / tau : 1 (event-driven)
           dpost/dt = -post / tau : 1 (event-driven)""",
        on_pre="ge_post += w\npre += a_plus\nw = clip(w - post * w_max, 0 * siemens, w_max)",
        on_post="post += a_minus\nw = clip(w + pre * w_max, 0 * siemens, w_max)",
        delay=MODEL.delay_ms * b.ms,
        namespace={"tau": MODEL.tau_stdp_ms * b.ms, "a_plus": MODEL.a_plus, "a_minus": MODEL.a_minus, "w_max": MODEL.w_max_ns * b.nS},
    )
    synapses.connect()
    synapses.w = "rand() * w_max"
    return synapses
