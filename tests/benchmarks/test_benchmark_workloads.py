"""Workloads as descriptions: sides, bodies, targets; parameters against the published figures; statistics of spikes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from benchmarks import building, identity, loihi_registers, network, parameters, scaling
from benchmarks.harness import machine, pages, registry, results, trains
from benchmarks.harness.cases import NEUROSIM, Case, Size

SIZES = (Size(), Size(full=True))
EVERY_CASE = [(name, case) for name in registry.NAMES for size in SIZES for case in registry.workload(name).cases(size)]


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_workload_says_what_it_measures(name: str) -> None:
    assert registry.question(registry.workload(name)).endswith(".")


def test_every_workload_file_is_registered() -> None:
    folder = Path(parameters.__file__).parent
    shared = {"__init__", "__main__", "parameters", "network"}
    assert {path.stem for path in folder.glob("*.py")} - shared == set(registry.NAMES)


@pytest.mark.parametrize(("name", "case"), EVERY_CASE, ids=lambda part: getattr(part, "label", part))
def test_every_case_can_be_run_and_judged(name: str, case) -> None:
    module = registry.workload(name)
    labels = [side.label for side in case.sides]
    assert len(set(labels)) == len(labels)
    assert case.sides[0].environment == NEUROSIM
    assert all(callable(getattr(module, side.body)) for side in case.sides)
    assert all(target.against in (*labels, "") for target in case.targets)
    assert all(target.at_least is not None or target.at_most is not None for target in case.targets)
    json.dumps([case.options, *(side.options for side in case.sides), case.warm])
    assert not [gate for gate in module.gates(case, {}) if gate.passed]


@pytest.mark.parametrize("size", SIZES, ids=["small", "full"])
def test_labels_are_not_used_twice(size: Size) -> None:
    labels = [case.label for name in registry.NAMES for case in registry.workload(name).cases(size)]
    assert len(set(labels)) == len(labels)


def test_the_microcircuit_has_the_published_numbers_of_neurons_and_synapses() -> None:
    circuit = parameters.microcircuit(1.0, "poisson")
    assert sum(circuit.sizes) == 77_169
    assert circuit.synapses.sum() == pytest.approx(298.9e6, rel=2e-3)
    assert circuit.external_weight_pa == pytest.approx(87.81, abs=0.01)
    assert circuit.weights_pa[0, 2] == pytest.approx(2 * 87.81, abs=0.02)
    assert circuit.weights_pa[3, 1] == pytest.approx(-4 * 87.81, abs=0.04)
    assert circuit.currents_pa == [0.0] * 8


def test_a_constant_drive_carries_the_mean_of_the_poisson_drive() -> None:
    circuit = parameters.microcircuit(1.0, "dc")
    per_spike = circuit.external_weight_pa * 0.5e-3
    assert circuit.currents_pa == pytest.approx([per_spike * k * 8.0 for k in parameters.Microcircuit().external_indegrees])


@pytest.mark.parametrize("scale", [0.1, 0.5])
def test_scaling_down_keeps_the_mean_and_the_variance_of_the_input(scale: float) -> None:
    def moments(share: float) -> tuple[np.ndarray, np.ndarray]:
        circuit = parameters.microcircuit(share, "poisson")
        rates, sizes = np.array(parameters.Microcircuit().rates_hz), np.array(circuit.sizes)
        indegree, external = circuit.synapses / sizes[:, None], np.array(circuit.external_hz)
        mean = 0.5e-3 * ((circuit.weights_pa * indegree * rates).sum(axis=1) + circuit.external_weight_pa * external)
        variance = (circuit.weights_pa**2 * indegree * rates).sum(axis=1) + circuit.external_weight_pa**2 * external
        return mean + circuit.currents_pa, variance

    (mean, variance), (full_mean, full_variance) = moments(scale), moments(1.0)
    assert mean == pytest.approx(full_mean, rel=0.01, abs=2.0)
    assert variance == pytest.approx(full_variance, rel=0.01)


def test_peaks_of_potentials_agree_with_a_fine_integration() -> None:
    t = np.arange(0.0, 20.0, 1e-4)
    exponential, alpha = np.exp(-t / 0.5), np.e / 0.5 * t * np.exp(-t / 0.5)
    assert parameters.psp_peak_mv_per_pa(10.0, 0.5, 250.0) == pytest.approx(potential(exponential, 1e-4).max(), rel=1e-3)
    assert parameters.alpha_peak_mv_per_pa(10.0, 0.5, 250.0) == pytest.approx(potential(alpha, 1e-4).max(), rel=1e-3)


def potential(current_pa: np.ndarray, dt_ms: float) -> np.ndarray:
    """Of a leaky cell of 10 ms and 250 pF."""
    return lfilter([dt_ms / 250.0], [1.0, -np.exp(-dt_ms / 10.0)], current_pa)


def test_the_power_law_network_has_the_published_weight_and_rate() -> None:
    model = parameters.PowerLawNetwork()
    assert model.weight_pa == pytest.approx(45.6, rel=0.02)
    assert model.scaled(0.25).psp_mv == pytest.approx(2 * model.psp_mv)
    assert model.scaled(0.25).k_exc == 2250


def test_brunels_external_rate_is_twice_what_reaches_threshold() -> None:
    assert parameters.Brunel().external_hz == pytest.approx(20_000.0)


def test_numbers_of_synapses_asked_for() -> None:
    assert [building.wanted_synapses(kind, 10_000_000) for kind in building.BULK_NS] == [10_000_000] * 3 + [1_000_000, 10_000_000]


@pytest.mark.parametrize("kind", building.BULK_NS)
def test_building_times_all_rows_and_the_whole_way_to_the_next_step(kind: str) -> None:
    found = building.pynn({"simulator": NEUROSIM, "connector": kind, "synapses": 100_000, "threads": 1})
    wanted = building.wanted_synapses(kind, 100_000)
    assert found["synapses"] == pytest.approx(wanted, rel=0.05)
    assert min(found["rows_ns"], found["per_synapse_ns"]) > 0.0


def test_building_holds_rows_and_the_way_to_the_next_step_against_the_same_limits() -> None:
    for case in building.cases(Size()):
        rows, wait = case.targets
        assert (rows.quantity, wait.quantity) == ("rows_ns", "per_synapse_ns")
        assert (rows.at_most, rows.aim) == (wait.at_most, wait.aim)
        assert "stricter" in wait.words


def test_rows_of_a_projection_are_all_its_synapses_as_the_engine_takes_them() -> None:
    sim, connect = building.prepared({"simulator": NEUROSIM, "connector": "FixedNumberPre", "synapses": 100_000})
    rows = building.rows_of(connect())
    sim.end()
    assert rows.size == 100_000
    assert rows.post.dtype == np.int32
    assert np.bincount(rows.post).tolist() == [100] * 1000
    assert (rows.columns["weight"], rows.columns["delay"]) == (building.WEIGHT, 10.0)


def test_the_current_of_the_chosen_rate_follows_from_the_cell() -> None:
    current = network.current_na(4.0)
    drive_mv = current / network.C_NF * network.TAU_M_MS
    reach_ms = -network.TAU_M_MS * np.log1p(-(network.V_THRESH_MV - network.V_REST_MV) / drive_mv)
    assert 1e3 / (reach_ms + network.T_REFRAC_MS) == pytest.approx(4.0)


def test_irregularity_is_zero_for_a_clock_and_one_for_a_poisson_process() -> None:
    rng = np.random.default_rng(1)
    clock = np.arange(50) * 10.0
    assert trains.cv_isi(np.zeros(50, int), clock) == pytest.approx(0.0, abs=1e-6)
    poisson = np.cumsum(rng.exponential(10.0, (40, 2000)), axis=1)
    assert trains.cv_isi(np.repeat(np.arange(40), 2000), poisson.ravel()) == pytest.approx(1.0, abs=0.02)
    assert np.isnan(trains.cv_isi(np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0])))
    assert np.isnan(trains.cv_isi(np.zeros(0, int), np.zeros(0)))


def test_correlation_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(2)
    counts = (rng.random((12, 300)) < 0.1).astype(float)
    counts[1] = counts[0]
    cells, bins = np.nonzero(counts)
    expected = np.corrcoef(counts)[np.triu_indices(12, 1)].mean()
    assert trains.correlation(cells, bins * trains.BIN_MS + 100.5, 100.0, 700.0) == pytest.approx(expected, abs=1e-6)
    assert np.isnan(trains.correlation(cells[:0], np.zeros(0), 0.0, 10.0))


def test_a_summary_counts_within_the_window() -> None:
    cells, times = np.array([0, 0, 1, 1]), np.array([50.0, 150.0, 250.0, 1100.0])
    assert trains.summary([(cells, times)], [2], 100.0, 1100.0, 500.0)["rates_hz"] == [1.0]


def test_a_fingerprint_forgets_the_order_and_keeps_every_bit() -> None:
    cells, times = np.array([3, 1, 2]), np.array([1.0, 2.0, 2.0])
    order = np.array([2, 0, 1])
    assert trains.digest([(cells, times)]) == trains.digest([(cells[order], times[order])])
    assert trains.digest([(cells, times)]) != trains.digest([(cells, np.nextafter(times, 9.0))])


def test_different_spikes_on_other_numbers_of_threads_fail_the_gate() -> None:
    case = identity.cases(Size())[0]
    same = {side.label: {"digest": "a", "spikes": 9} for side in case.sides}
    assert identity.gates(case, same)[0].passed
    assert identity.gates(case, {**same, "2 threads": {"digest": "b", "spikes": 9}})[0].passed is False
    assert identity.gates(case, dict(list(same.items())[:3]))[0].passed is False


@pytest.mark.parametrize("fanout", [0, 4])
def test_compartments_in_registers_give_one_fingerprint_whoever_steps_them(fanout: int) -> None:
    options = {"compartments": 600, "fanout": fanout, "settle": 60, "steps": 40, "threads": 1}
    found = loihi_registers.ours(options)
    assert found == loihi_registers.ours({**options, "threads": 2}) | {
        name: found[name] for name in found if name.endswith(("_s", "ms", "ns", "gib"))
    }
    given, fired = loihi_registers.registers(options), []
    u, v, arrived = (np.zeros(600, np.int64) for _ in range(3))
    for _ in range(100):
        u = np.sign(u) * (np.abs(u) * (4096 - 1 - given.decay_u) >> 12) + arrived
        v = np.sign(v) * (np.abs(v) * (4096 - given.decay_v) >> 12) + u + given.bias
        fired.append(np.flatnonzero(v > 64 * given.threshold))
        v[fired[-1]], arrived = 0, np.zeros(600, np.int64)
        np.add.at(arrived, given.targets[fired[-1]], 64 * given.mantissa[fired[-1]])
    steps = np.repeat(np.arange(100), [len(cells) for cells in fired])
    expected = loihi_registers._spikes(options, steps, np.concatenate(fired))
    assert (found["spikes"], found["spikes_per_step"]) == (expected["spikes"], expected["spikes_per_step"])
    assert found["spikes_per_step"] > 0
    assert found["voltages"] == loihi_registers._digest(v)


def test_other_spikes_or_voltages_than_an_emulator_fail_the_gates() -> None:
    case = loihi_registers.cases(Size())[0]
    one = {"spikes": "a", "voltages": "b", "spikes_per_step": 3.0}
    found = {side.label: one for side in case.sides}
    assert [gate.passed for gate in loihi_registers.gates(case, found)] == [True] * 4
    assert [gate.passed for gate in loihi_registers.gates(case, {**found, "lava": {"voltages": "c"}})] == [True, True, True, False]
    assert [gate.passed for gate in loihi_registers.gates(case, {**found, "nengo-loihi": {**one, "spikes": "c"}})] == [
        True,
        False,
        True,
        True,
    ]
    silent = {label: {**one, "spikes_per_step": 0.0} for label in found}
    assert [gate.passed for gate in loihi_registers.gates(case, silent)] == [False] * 4


def kept_case(case: Case, medians: dict) -> results.KeptCase:
    return results.KeptCase(label=case.label, options=case.options, shown=[], records={}, medians=medians, absent={}, targets=[], gates=[])


def test_lines_are_fitted_through_the_points_of_one_axis() -> None:
    cases = scaling.cases(Size())
    kept = []
    for case in cases:
        cost = {"run_factor": case.options["neurons"] * 1e-3 * 2 + 1, "build_s": 1.0, "rss_gib": 1.0}
        kept.append(kept_case(case, {"1 thread": cost}))
    report = results.report("scaling", "?", kept, full=False, repeats=1, facts={})
    lines = [line for line in scaling.lines(report) if line.cost == "run_factor"]
    assert [len(line.x) for line in lines] == [len(axis.values) for axis in scaling.AXES]
    assert lines[0].fit == pytest.approx((2.0, 1.0, 1.0))
    assert "| run (s per s) | neurons (thousands) | 1 thread | 2 | 1 | 1.0000 |" in scaling.notes(report)


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    costs = [{"2 threads": {"run_factor": 1.0 + i, "build_s": 1.0, "rss_gib": 1.0}} for i in range(99)]
    kept = [kept_case(case, cost) for case, cost in zip(scaling.cases(Size()), costs, strict=False)]
    scaling.draw(results.report("scaling", "?", kept, full=False, repeats=1, facts={}), tmp_path)
    assert (tmp_path / scaling.PLOT).stat().st_size > 10_000


def test_facts_of_the_machine_are_there() -> None:
    facts = machine.facts()
    assert {"processor", "cores", "caches", "memory_gib", "system", "python", "packages", "load"} <= set(facts)
    assert facts["cores"] >= 1
    assert "numba" in facts["packages"]


def test_caches_are_read_as_the_system_lists_them(tmp_path: Path) -> None:
    for index, (level, kind, size) in enumerate([("1", "Data", "48K"), ("2", "Unified", "1024K")]):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(f"{text}\n")
    assert machine.caches(tmp_path) == ["L1d 48K", "L2 1024K"]


def test_the_readme_quotes_the_results_that_are_kept() -> None:
    text = pages.README.read_text(encoding="utf-8")
    assert pages.update(text, results.load_all(registry.NAMES)) == text
