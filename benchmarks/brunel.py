"""Brunel (2000): 12,500 neurons, 15.6 million delta synapses, asynchronous irregular at 37 Hz.

NEST runs a script of its own: through PyNN it would build for minutes.
"""

from __future__ import annotations

from typing import Any

from benchmarks.harness import driver
from benchmarks.harness.cases import NEST, NEUROSIM, Case, Found, Gate, Side, Size, Target
from benchmarks.harness.clock import Clock
from benchmarks.harness.gates import near
from benchmarks.parameters import TIMESTEP_MS, Brunel

SETTLE_MS = 50.0


def cases(size: Size) -> list[Case]:
    """One second after 50 ms."""
    return [
        Case(
            label="W3 Brunel",
            sides=(Side(NEUROSIM, "pynn"), Side(NEST, "nest")),
            options={"threads": size.threads, "run_ms": 1000.0},
            targets=(Target("run_factor", "simulation", against=NEST, at_least=8.0),),
            warm={"run_ms": 1.0, "share": 0.1},
        )
    ]


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """The rate is NEST's."""
    return [near("Brunel rate", "rate_hz", found, NEST, 0.02)]


def pynn(options: dict[str, Any]) -> Found:
    """Through PyNN; ``share`` of the cells for a trial."""
    clock, model, run_ms = Clock(), Brunel(), options["run_ms"]
    sim = driver.start(options, min_delay=model.delay_ms)
    clock.mark("import")
    cells = _build(sim, model, options.get("share", 1.0), driver.generator(sim, options))
    sim.run(TIMESTEP_MS)
    clock.mark("build")
    sim.run(SETTLE_MS - TIMESTEP_MS)
    clock.mark("settle")
    sim.run(run_ms)
    clock.mark("run")
    _, times_ms = driver.spikes(cells)
    rate = driver.rate_hz(int((times_ms > SETTLE_MS).sum()), cells.size, run_ms)
    return clock.result(run_ms, rate_hz=rate, **driver.facts(options))


def _build(sim: Any, model: Brunel, share: float, rng: Any) -> Any:
    cell = sim.IF_curr_delta(
        cm=model.c_pf * 1e-3, tau_m=model.tau_m_ms, tau_refrac=model.t_refrac_ms,
        v_rest=0.0, v_reset=model.v_reset_mv, v_thresh=model.v_thresh_mv,
    )  # fmt: skip
    n_exc, n_inh = round(model.n_exc * share), round(model.n_inh * share)
    cells = sim.Population(n_exc + n_inh, cell, initial_values={"v": 0.0}, label="cells")
    cells.record("spikes")
    noise = sim.Population(cells.size, sim.SpikeSourcePoisson(rate=model.external_hz), label="noise")
    exciting = sim.StaticSynapse(weight=model.w_exc_mv, delay=model.delay_ms)
    inhibiting = sim.StaticSynapse(weight=-model.g * model.w_exc_mv, delay=model.delay_ms)
    from_exc = sim.FixedNumberPreConnector(model.k_exc, with_replacement=True, rng=rng)
    from_inh = sim.FixedNumberPreConnector(model.k_inh, with_replacement=True, rng=rng)
    sim.Projection(noise, cells, sim.OneToOneConnector(), exciting, receptor_type="excitatory")
    sim.Projection(cells[:n_exc], cells, from_exc, exciting, receptor_type="excitatory")
    sim.Projection(cells[n_exc:], cells, from_inh, inhibiting, receptor_type="inhibitory")
    return cells


def nest(options: dict[str, Any]) -> Found:
    """In NEST."""
    clock, model, run_ms = Clock(), Brunel(), options["run_ms"]
    sim = driver.start_nest(options)
    clock.mark("import")
    recorder = _build_nest(sim, model)
    sim.Prepare()
    sim.Run(TIMESTEP_MS)
    clock.mark("build")
    sim.Run(SETTLE_MS - TIMESTEP_MS)
    clock.mark("settle")
    sim.Run(run_ms)
    clock.mark("run")
    sim.Cleanup()
    rate = driver.rate_hz(recorder.n_events, model.n_exc + model.n_inh, run_ms)
    return clock.result(run_ms, rate_hz=rate, **driver.nest_facts())


def _build_nest(sim: Any, model: Brunel) -> Any:
    cell = {
        "C_m": model.c_pf, "tau_m": model.tau_m_ms, "t_ref": model.t_refrac_ms,
        "E_L": 0.0, "V_reset": model.v_reset_mv, "V_th": model.v_thresh_mv, "V_m": 0.0,
    }  # fmt: skip
    cells = sim.Create("iaf_psc_delta", model.n_exc + model.n_inh, cell)
    noise = sim.Create("poisson_generator", 1, {"rate": model.external_hz})
    recorder = sim.Create("spike_recorder", 1, {"start": SETTLE_MS})
    exciting = {"weight": model.w_exc_mv, "delay": model.delay_ms}
    inhibiting = {"weight": -model.g * model.w_exc_mv, "delay": model.delay_ms}
    sim.CopyModel("static_synapse", "exciting", exciting)
    sim.CopyModel("static_synapse", "inhibiting", inhibiting)
    sim.Connect(noise, cells, "all_to_all", "exciting")
    sim.Connect(cells[: model.n_exc], cells, {"rule": "fixed_indegree", "indegree": model.k_exc}, "exciting")
    sim.Connect(cells[model.n_exc :], cells, {"rule": "fixed_indegree", "indegree": model.k_inh}, "inhibiting")
    sim.Connect(cells, recorder)
    return recorder
