"""Balanced network with power-law STDP (Morrison et al. 2007, as NEST's hpc_benchmark): 11,250 neurons, 126 million synapses.

Two in three synapses, those among excitatory neurons, are plastic. NEST runs a script of its own.

The network oscillates, and potentiation makes it more synchronous: with some seeds it fires twice as
often after a quarter of a second, with others it stays at 10 Hz. So the time before that is measured,
repeats have different seeds, and what is compared is the time for each synaptic event (each spike at
each of its synapses). NEST's weights are those of the last presynaptic spike, ours those of the end of
the run, which are a few parts in a thousand larger.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness import driver
from benchmarks.harness.cases import NEST, NEUROSIM, Case, Found, Gate, Side, Size, Target
from benchmarks.harness.clock import Clock
from benchmarks.harness.gates import near
from benchmarks.parameters import TIMESTEP_MS, PowerLawNetwork

SMALL_SCALE = 0.2
"""Of neurons and of in-degrees, so 1 / 25 of the synapses."""

RUN_MS = 150.0
RATE_TOLERANCE = 0.4
"""By so much the rate in such a short time differs from seed to seed, on both sides."""


def cases(size: Size) -> list[Case]:
    """``RUN_MS`` after 50 ms."""
    scale = 1.0 if size.full else SMALL_SCALE
    label = "W5a power-law STDP" if size.full else f"power-law STDP at {SMALL_SCALE:.0%}"
    goal = Target("event_ns", "simulation, per synaptic event", against=NEST, at_least=20.0)
    return [
        Case(
            label=label,
            sides=(Side(NEUROSIM, "pynn"), Side(NEST, "nest")),
            options={"scale": scale, "threads": size.threads, "run_ms": RUN_MS},
            shown=("build_s", "run_factor", "event_ns", "rss_gib", "rate_hz", "weight_pa"),
            targets=(goal,) if size.full else (),
            warm={"scale": 0.02, "run_ms": 1.0},
        )
    ]


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """The mean plastic weight is NEST's, and the rate as far as it can be compared; more spikes change weights more."""
    weight = near(f"{case.label}: mean weight", "weight_pa", found, NEST, 0.01)
    return [near(f"{case.label}: rate", "rate_hz", found, NEST, RATE_TOLERANCE), weight]


def _event_ns(model: PowerLawNetwork, n_spikes: int, found: Found) -> float:
    """Time of the run for each spike at each synapse; a cell has as many targets as inputs, on average."""
    return float(found["run_s"] * 1e9 / max(n_spikes * (model.k_exc + model.k_inh), 1))


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN."""
    clock, run_ms = Clock(), options["run_ms"]
    model = PowerLawNetwork().scaled(options["scale"])
    sim = driver.start(options, min_delay=model.delay_ms)
    clock.mark("import")
    cells, plastic = _build(sim, model, driver.generator(sim, options))
    sim.run(TIMESTEP_MS)
    clock.mark("build")
    sim.run(model.settle_ms - TIMESTEP_MS)
    clock.mark("settle")
    sim.run(run_ms)
    clock.mark("run")
    found = clock.result(run_ms, **driver.facts(options))
    _, times_ms = driver.spikes(cells)
    n_spikes = int((times_ms > model.settle_ms).sum())
    rate = driver.rate_hz(n_spikes, cells.size, run_ms)
    return {**found, "rate_hz": rate, "event_ns": _event_ns(model, n_spikes, found), "weight_pa": _mean_weight(plastic) * 1e3}


def _mean_weight(projection: Any) -> float:
    return float(np.mean(projection.get("weight", format="list", with_address=False)))


def _build(sim: Any, model: PowerLawNetwork, rng: Any) -> tuple[Any, Any]:
    cell = sim.IF_curr_alpha(
        cm=model.c_pf * 1e-3, tau_m=model.tau_m_ms, tau_refrac=model.t_refrac_ms, tau_syn_E=model.tau_syn_ms, tau_syn_I=model.tau_syn_ms,
        v_rest=0.0, v_reset=model.v_reset_mv, v_thresh=model.v_thresh_mv,
    )  # fmt: skip
    start = sim.RandomDistribution("normal", mu=model.v_mean_mv, sigma=model.v_sd_mv)
    cells = sim.Population(model.n_exc + model.n_inh, cell, initial_values={"v": start}, label="cells")
    cells.record("spikes")
    noise = sim.Population(cells.size, sim.SpikeSourcePoisson(rate=model.external_hz), label="noise")
    exc, inh = cells[: model.n_exc], cells[model.n_exc :]
    exciting = sim.StaticSynapse(weight=model.weight_pa * 1e-3, delay=model.delay_ms)
    inhibiting = sim.StaticSynapse(weight=-model.g * model.weight_pa * 1e-3, delay=model.delay_ms)
    from_exc = sim.FixedNumberPreConnector(model.k_exc, with_replacement=True, allow_self_connections=False, rng=rng)
    from_inh = sim.FixedNumberPreConnector(model.k_inh, with_replacement=True, allow_self_connections=False, rng=rng)
    sim.Projection(noise, cells, sim.OneToOneConnector(), exciting, receptor_type="excitatory")
    plastic = sim.Projection(exc, exc, from_exc, _power_law(sim, model), receptor_type="excitatory")
    sim.Projection(exc, inh, from_exc, exciting, receptor_type="excitatory")
    sim.Projection(inh, cells, from_inh, inhibiting, receptor_type="inhibitory")
    return cells, plastic


def _power_law(sim: Any, model: PowerLawNetwork) -> Any:
    """Potentiation by ``rate * w0^(1 - mu) * w^mu`` with w0 = 1 pA, depression by ``alpha * rate * w``.

    The one place that names the rule: the PyNN API has none of this kind, neurosim has its own.
    """
    rule = sim.PowerLawWeightDependence(w_0=1e-3, mu_plus=model.mu)
    timing = sim.SpikePairRule(
        tau_plus=model.tau_plus_ms,
        tau_minus=model.tau_minus_ms,
        A_plus=model.learning_rate,
        A_minus=model.alpha * model.learning_rate,
    )
    return sim.STDPMechanism(timing_dependence=timing, weight_dependence=rule, weight=model.weight_pa * 1e-3, delay=model.delay_ms)


def nest(options: dict[str, Any]) -> Found:
    """In NEST."""
    clock, run_ms = Clock(), options["run_ms"]
    model = PowerLawNetwork().scaled(options["scale"])
    sim = driver.start_nest(options)
    clock.mark("import")
    recorder, exc = _build_nest(sim, model)
    sim.Prepare()
    sim.Run(TIMESTEP_MS)
    clock.mark("build")
    sim.Run(model.settle_ms - TIMESTEP_MS)
    clock.mark("settle")
    sim.Run(run_ms)
    clock.mark("run")
    sim.Cleanup()
    found = clock.result(run_ms, **driver.nest_facts())
    rate = driver.rate_hz(recorder.n_events, model.n_exc + model.n_inh, run_ms)
    return {**found, "rate_hz": rate, "event_ns": _event_ns(model, recorder.n_events, found), "weight_pa": _nest_mean_weight(sim, exc)}


def _nest_mean_weight(sim: Any, exc: Any) -> float:
    """Over the targets of at most 100 cells: NEST lists connections slowly."""
    return float(np.mean(sim.GetConnections(exc[:100], exc, "stdp_pl_synapse_hom_hpc").get("weight")))


def _build_nest(sim: Any, model: PowerLawNetwork) -> tuple[Any, Any]:
    cell = {
        "C_m": model.c_pf, "tau_m": model.tau_m_ms, "t_ref": model.t_refrac_ms,
        "tau_syn_ex": model.tau_syn_ms, "tau_syn_in": model.tau_syn_ms,
        "E_L": 0.0, "V_reset": model.v_reset_mv, "V_th": model.v_thresh_mv, "tau_minus": model.tau_minus_ms,
    }  # fmt: skip
    exc, inh = sim.Create("iaf_psc_alpha", model.n_exc, cell), sim.Create("iaf_psc_alpha", model.n_inh, cell)
    cells = exc + inh
    cells.V_m = sim.random.normal(model.v_mean_mv, model.v_sd_mv)
    noise = sim.Create("poisson_generator", 1, {"rate": model.external_hz})
    recorder = sim.Create("spike_recorder", 1, {"start": model.settle_ms})
    _nest_models(sim, model)
    from_exc = {"rule": "fixed_indegree", "indegree": model.k_exc, "allow_autapses": False}
    from_inh = {"rule": "fixed_indegree", "indegree": model.k_inh, "allow_autapses": False}
    sim.Connect(noise, cells, "all_to_all", "exciting")
    sim.Connect(exc, exc, from_exc, "stdp_pl_synapse_hom_hpc")
    sim.Connect(exc, inh, from_exc, "exciting")
    sim.Connect(inh, cells, from_inh, "inhibiting")
    sim.Connect(cells, recorder)
    return recorder, exc


def _nest_models(sim: Any, model: PowerLawNetwork) -> None:
    sim.SetDefaults("static_synapse_hpc", {"delay": model.delay_ms})
    sim.CopyModel("static_synapse_hpc", "exciting", {"weight": model.weight_pa})
    sim.CopyModel("static_synapse_hpc", "inhibiting", {"weight": -model.g * model.weight_pa})
    rule = {"lambda": model.learning_rate, "alpha": model.alpha, "mu": model.mu, "tau_plus": model.tau_plus_ms}
    sim.SetDefaults("stdp_pl_synapse_hom_hpc", {"weight": model.weight_pa, "delay": model.delay_ms, **rule})
