"""Loihi in registers: a million compartments beside two emulators, the same spikes and voltages to the last bit.

nengo-loihi's emulator and lava's bit-accurate models get the same numbers: decays, threshold, biases, weights.
Without synapses a step of the compartments alone is measured; with them each compartment that fires reaches ten
others a step later. All compartments are one block of the emulator, or one process of lava: their fastest way.
What is read out of the emulator between its steps is not timed; neurosim records its spikes while it is. The emulators
have one thread; neurosim is measured with several and with one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.cases import LAVA, NENGO_LOIHI, NEUROSIM, Case, Found, Gate, Side, Size, Target
from benchmarks.harness.clock import peak_gib

Int64 = NDArray[np.int64]

COMPARTMENTS, FANOUT = 1_000_000, 10
SETTLE, STEPS = 60, 100
"""Steps until compartments fire at their rates, which are not timed, and steps that are."""
AT_LEAST = 20.0
ONE = "1 thread"
STRIDE = 99_991
"""Targets of a compartment lie so far apart: a prime, so that none comes twice; the emulator would add only one of two."""


@dataclass(frozen=True)
class Registers:
    """What all are given: numbers, biases (n,), mantissas and targets (n, fanout)."""

    bias: Int64
    mantissa: Int64
    targets: Int64
    decay_u: int = 1024
    decay_v: int = 128
    threshold: int = 300


def registers(options: dict[str, Any]) -> Registers:
    """Biases around that which just reaches the threshold: some compartments in a thousand fire in a step. Weights of both signs."""
    n, fanout = options["compartments"], options["fanout"]
    rng = np.random.default_rng(options.get("seed", 1))
    bias, mantissa = rng.integers(200, 900, n), 2 * rng.integers(-10, 11, (n, fanout))
    targets = (rng.integers(0, n, (n, 1)) + STRIDE * np.arange(1, fanout + 1)) % n
    return Registers(bias, mantissa, targets)


def cases(size: Size) -> list[Case]:
    """Without and with synapses."""
    return [_case("Loihi, no synapses", 0, size.threads), _case("Loihi, ten synapses each", FANOUT, size.threads)]


def _case(label: str, fanout: int, threads: int) -> Case:
    return Case(
        label=label,
        sides=(
            Side(NEUROSIM, "ours", {"threads": threads}),
            Side(NEUROSIM, "ours", {"threads": 1}, ONE),
            Side(NENGO_LOIHI, "emulator"),
            Side(LAVA, "lava"),
        ),
        options={"compartments": COMPARTMENTS, "fanout": fanout, "settle": SETTLE, "steps": STEPS},
        shown=("build_s", "step_ms", "compartment_ns", "spikes_per_step", "rss_gib"),
        targets=(Target("step_ms", f"a step of {COMPARTMENTS:,} compartments", against=NENGO_LOIHI, at_least=AT_LEAST),),
        warm={"compartments": 1000, "settle": 2, "steps": 2},
    )


def gates(case: Case, found: dict[str, Found]) -> list[Gate]:
    """Every spike, and every voltage at the end, is the emulator's; lava does not say its spikes, but the voltages."""
    spikes = [_same(f"{case.label}: spikes of every step, as {peer}", "spikes", found, peer) for peer in (ONE, NENGO_LOIHI)]
    return [*spikes, *(_same(f"{case.label}: voltages at the end, as {peer}", "voltages", found, peer) for peer in (NENGO_LOIHI, LAVA))]


def _same(what: str, quantity: str, found: dict[str, Found], peer: str) -> Gate:
    if NEUROSIM not in found or peer not in found:
        return Gate(what, None, "not checked: one side is missing")
    mine, theirs, rate = found[NEUROSIM][quantity], found[peer][quantity], found[NEUROSIM]["spikes_per_step"]
    return Gate(what, mine == theirs and rate > 0, f"fingerprints {mine} and {theirs}; {rate:,.0f} spikes a step")


def ours(options: dict[str, Any]) -> Found:
    """In neurosim, through its registers."""
    begun = time.perf_counter()
    simulation = _simulation(options)
    simulation.run_until(1.0)
    build_s, last = time.perf_counter() - begun, options["settle"] + options["steps"]
    simulation.run_until(float(options["settle"]))
    run_s = _seconds(lambda: simulation.run_until(float(last)))
    cells, times = simulation.spikes(1)
    order = np.lexsort((cells, times))
    spikes = _spikes(options, times[order].astype(np.int64) - 1, cells[order])
    return {**_times(options, build_s, run_s), **spikes, "voltages": _digest(np.rint(simulation.state(1, "v")).astype(np.int64))}


def _simulation(options: dict[str, Any]) -> Any:
    from neurosim.chips.loihi.arithmetic import ARITHMETIC
    from neurosim.engine import Simulation
    from neurosim.loihi import Compartments, Synapses, network_of

    given, n = registers(options), options["compartments"]
    cells = Compartments(n, given.decay_u, given.decay_v, given.threshold, given.bias)
    sources = np.repeat(np.arange(n), options["fanout"])
    synapses = [Synapses(sources, given.targets.ravel(), given.mantissa.ravel(), source="compartments")] if len(sources) else []
    network = network_of(cells, synapses, (), ARITHMETIC["nengo_loihi"])
    spikes = tuple(probe for probe in network.probes if probe.variable == "spikes")
    return Simulation(replace(network, probes=spikes), threads=options["threads"])


def emulator(options: dict[str, Any]) -> Found:
    """In the emulator of nengo-loihi."""
    begun = time.perf_counter()
    chip = _emulator(options)
    build_s, run_s, fired = time.perf_counter() - begun, 0.0, []
    for step in range(options["settle"] + options["steps"]):
        spent = _seconds(chip.step)
        run_s += spent if step >= options["settle"] else 0.0
        fired.append(np.flatnonzero(chip.compartment.spiked))
    steps = np.repeat(np.arange(len(fired)), [len(cells) for cells in fired])
    spikes = _spikes(options, steps, np.concatenate(fired))
    return {**_times(options, build_s, run_s), **spikes, "voltages": _digest(chip.compartment.voltage)}


def _emulator(options: dict[str, Any]) -> Any:
    from nengo_loihi.block import LoihiBlock  # pyright: ignore[reportMissingImports]
    from nengo_loihi.builder import Model  # pyright: ignore[reportMissingImports]
    from nengo_loihi.builder.discretize import discretize_model  # pyright: ignore[reportMissingImports]
    from nengo_loihi.emulator import EmulatorInterface  # pyright: ignore[reportMissingImports]

    given, model = registers(options), Model()
    block = LoihiBlock(options["compartments"])
    block.compartment.configure_relu()
    model.add_block(block)
    discretize_model(model)  # makes whole numbers of what is there; the registers are set below
    chip = block.compartment
    chip.decay_u[:], chip.decay_v[:], chip.vth[:] = given.decay_u, given.decay_v, 64 * given.threshold
    chip.bias[:], chip.refract_delay[:] = given.bias, 1
    chip.vmin, chip.vmax = -(2**23) + 1, 2**23 - 1
    if given.targets.size:
        _connect(block, given)
    return EmulatorInterface(model, seed=1)


def _connect(block: Any, given: Registers) -> None:
    from nengo_loihi.block import Axon, Synapse  # pyright: ignore[reportMissingImports]

    n = len(given.bias)
    synapse, axon = Synapse(n), Axon(n)
    synapse.weights = list((64 * given.mantissa).astype(np.int32)[:, None, :])
    synapse.indices = list(given.targets.astype(np.int32)[:, None, :])
    synapse.format(weight_bits=7, fanout_type=1)
    axon.target = synapse
    block.add_synapse(synapse)
    block.add_axon(axon)


def lava(options: dict[str, Any]) -> Found:
    """In the bit-accurate models of lava."""
    from lava.magma.core.run_conditions import RunSteps  # pyright: ignore[reportMissingImports]
    from lava.magma.core.run_configs import Loihi1SimCfg  # pyright: ignore[reportMissingImports]

    begun, given = time.perf_counter(), registers(options)
    cells, config = _lava_cells(given), Loihi1SimCfg(select_tag="fixed_pt")
    cells.run(condition=RunSteps(num_steps=1), run_cfg=config)
    build_s = time.perf_counter() - begun
    cells.run(condition=RunSteps(num_steps=options["settle"] - 1), run_cfg=config)
    run_s = _seconds(lambda: cells.run(condition=RunSteps(num_steps=options["steps"]), run_cfg=config))
    voltages = _digest(cells.v.get())
    cells.stop()
    return {**_times(options, build_s, run_s), "voltages": voltages}


def _lava_cells(given: Registers) -> Any:
    from lava.proc.lif.process import LIF  # pyright: ignore[reportMissingImports]

    n = len(given.bias)
    cells = LIF(shape=(n,), du=given.decay_u, dv=given.decay_v, vth=given.threshold, bias_mant=given.bias)
    if given.targets.size:
        from lava.proc.sparse.process import Sparse  # pyright: ignore[reportMissingImports]
        from scipy.sparse import csr_matrix

        sources = np.repeat(np.arange(n), given.targets.shape[1])
        weights = csr_matrix((given.mantissa.ravel(), (given.targets.ravel(), sources)), shape=(n, n))
        synapses = Sparse(weights=weights)
        cells.s_out.connect(synapses.s_in)
        synapses.a_out.connect(cells.a_in)
    return cells


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _times(options: dict[str, Any], build_s: float, run_s: float) -> Found:
    step_ms = run_s / options["steps"] * 1e3
    return {"build_s": build_s, "step_ms": step_ms, "compartment_ns": step_ms / options["compartments"] * 1e6, "rss_gib": peak_gib()}


def _spikes(options: dict[str, Any], steps: Int64, cells: Int64) -> Found:
    timed = int((steps >= options["settle"]).sum())
    return {"spikes_per_step": timed / options["steps"], "spikes": _digest(np.stack([steps, cells]))}


def _digest(numbers: NDArray[np.integer]) -> str:
    return hashlib.sha256(np.ascontiguousarray(numbers, "<i8").tobytes()).hexdigest()[:16]
