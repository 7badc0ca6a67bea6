"""COBA and CUBA: 4000 neurons that keep themselves active, with conductance and current synapses (Brette et al. 2007).

The PyNN script is the same on neurosim and NEST; Brian2 runs its equations in C++ standalone mode, one thread.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.harness import driver, standalone
from benchmarks.harness.cases import BRIAN2, NEST, NEUROSIM, Case, Found, Gate, Side, Size, Target
from benchmarks.harness.clock import Clock
from benchmarks.harness.gates import near
from benchmarks.parameters import COBA, CUBA, TIMESTEP_MS, VogelsAbbott

MODELS = {"COBA": COBA, "CUBA": CUBA}
RUN_MS = 5000.0
"""One second of CUBA takes us less than 30 ms, which is too short to be measured on a shared machine."""

RATE_TOLERANCE = 0.15
"""The activity is chaotic: on one simulator the rate of a single second of COBA is 17 to 19 Hz, depending on the seed."""


def cases(size: Size) -> list[Case]:
    """Both networks, one thread, five seconds."""
    return [_case("W1 COBA", "COBA"), _case("W2 CUBA", "CUBA")]


def _case(label: str, kind: str) -> Case:
    return Case(
        label=label,
        sides=(Side(NEUROSIM, "pynn"), Side(BRIAN2, "brian2"), Side(NEST, "pynn")),
        options={"kind": kind, "threads": 1, "run_ms": RUN_MS},
        targets=(Target("run_factor", "simulation", against=BRIAN2, at_least=2.0),),
        warm={"run_ms": 1.0},
    )


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """The rate is that of the peers."""
    return [near(f"{case.label} rate", "rate_hz", found, peer, RATE_TOLERANCE) for peer in (BRIAN2, NEST)]


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN; the clock of ``run`` begins after the first step."""
    clock, model, run_ms = Clock(), MODELS[options["kind"]], options["run_ms"]
    sim = driver.start(options, min_delay=model.delay_ms)
    clock.mark("import")
    cells = build(sim, model, driver.generator(sim, options))
    sim.run(TIMESTEP_MS)
    clock.mark("build")
    sim.run(run_ms - TIMESTEP_MS)
    clock.mark("run")
    index, _ = driver.spikes(cells)
    return clock.result(run_ms, rate_hz=driver.rate_hz(len(index), cells.size, run_ms), **driver.facts(options))


def build(sim: Any, model: VogelsAbbott, rng: Any) -> Any:
    """The network; gives its cells, excitatory ones first."""
    start = sim.RandomDistribution("uniform", low=model.v_low_mv, high=model.v_high_mv)
    cells = sim.Population(model.n_exc + model.n_inh, _cell(sim, model), initial_values={"v": start}, label="cells")
    cells.record("spikes")
    stimulus = sim.SpikeSourcePoisson(
        rate=model.stimulus_hz, start=model.stimulus_begin_ms, duration=model.stimulus_end_ms - model.stimulus_begin_ms
    )
    sources = sim.Population(model.n_stimulated, stimulus, label="stimulus")
    some = sim.FixedProbabilityConnector(model.probability, allow_self_connections=False, rng=rng)
    exciting = sim.StaticSynapse(weight=model.w_exc * 1e-3, delay=model.delay_ms)
    inhibiting = sim.StaticSynapse(weight=model.w_inh * 1e-3, delay=model.delay_ms)
    sim.Projection(cells[: model.n_exc], cells, some, exciting, receptor_type="excitatory")
    sim.Projection(cells[model.n_exc :], cells, some, inhibiting, receptor_type="inhibitory")
    sim.Projection(sources, cells[: model.n_stimulated], sim.OneToOneConnector(), exciting, receptor_type="excitatory")
    return cells


def _cell(sim: Any, model: VogelsAbbott) -> Any:
    common = {
        "cm": model.c_pf * 1e-3, "tau_m": model.c_pf / model.g_leak_ns, "tau_refrac": model.t_refrac_ms,
        "v_rest": model.v_rest_mv, "v_thresh": model.v_thresh_mv, "v_reset": model.v_reset_mv,
        "tau_syn_E": model.tau_exc_ms, "tau_syn_I": model.tau_inh_ms,
    }  # fmt: skip
    if model.conductances:
        return sim.IF_cond_exp(**common, e_rev_E=model.e_exc_mv, e_rev_I=model.e_inh_mv)
    return sim.IF_curr_exp(**common)


EQUATIONS = {
    "COBA": """dv/dt = (v_rest - v + (ge * (e_exc - v) + gi * (e_inh - v)) / g_leak) / tau_m : volt (unless refractory)
               dge/dt = -ge / tau_exc : siemens
               dgi/dt = -gi / tau_inh : siemens""",
    "CUBA": """dv/dt = (v_rest - v + (ge + gi) / g_leak) / tau_m : volt (unless refractory)
               dge/dt = -ge / tau_exc : amp
               dgi/dt = -gi / tau_inh : amp""",
}


def brian2(options: dict[str, Any]) -> Found:
    """In Brian2."""
    begun, kind, run_ms = time.perf_counter(), options["kind"], options["run_ms"]
    model = MODELS[kind]
    b = standalone.prepare(options)
    cells = _brian2_cells(b, kind, model)
    monitor = b.SpikeMonitor(cells)
    parts = [cells, monitor, *_brian2_synapses(b, cells, model)]
    b.Network(*parts).run(run_ms * b.ms)
    times = standalone.compile_and_run(b, options, begun)
    rate = driver.rate_hz(int(monitor.num_spikes), model.n_exc + model.n_inh, run_ms)
    return {**times, "run_factor": times["run_s"] / run_ms * 1e3, "run_ms": run_ms, "rate_hz": rate, **standalone.facts(b)}


def _brian2_cells(b: Any, kind: str, model: VogelsAbbott) -> Any:
    names = {
        "v_rest": model.v_rest_mv * b.mV, "v_thresh": model.v_thresh_mv * b.mV, "v_reset": model.v_reset_mv * b.mV,
        "e_exc": model.e_exc_mv * b.mV, "e_inh": model.e_inh_mv * b.mV, "g_leak": model.g_leak_ns * b.nS,
        "tau_m": model.c_pf / model.g_leak_ns * b.ms, "tau_exc": model.tau_exc_ms * b.ms, "tau_inh": model.tau_inh_ms * b.ms,
    }  # fmt: skip
    cells = b.NeuronGroup(
        model.n_exc + model.n_inh,
        EQUATIONS[kind],
        threshold="v > v_thresh",
        reset="v = v_reset",
        refractory=model.t_refrac_ms * b.ms,
        method="exponential_euler" if model.conductances else "exact",
        namespace=names,
    )
    cells.v = f"({model.v_low_mv} + rand() * {model.v_high_mv - model.v_low_mv}) * mV"
    return cells


def _brian2_synapses(b: Any, cells: Any, model: VogelsAbbott) -> list[Any]:
    unit = b.nS if model.conductances else b.pA
    rates = [model.stimulus_hz if model.stimulus_begin_ms <= t < model.stimulus_end_ms else 0.0 for t in range(60)]
    sources = b.PoissonGroup(model.n_stimulated, "stimulus(t)", namespace={"stimulus": b.TimedArray(rates * b.Hz, dt=1.0 * b.ms)})
    delay = model.delay_ms * b.ms
    exciting = b.Synapses(cells[: model.n_exc], cells, on_pre="ge += w", delay=delay, namespace={"w": model.w_exc * unit})
    exciting.connect("i != j", p=model.probability)
    inhibiting = b.Synapses(cells[model.n_exc :], cells, on_pre="gi += w", delay=delay, namespace={"w": model.w_inh * unit})
    inhibiting.connect(f"i + {model.n_exc} != j", p=model.probability)
    stimulating = b.Synapses(sources, cells, on_pre="ge += w", delay=delay, namespace={"w": model.w_exc * unit})
    stimulating.connect("i == j")
    return [sources, exciting, inhibiting, stimulating]
