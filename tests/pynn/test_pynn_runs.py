"""Scripts that run: recordings, segments, changes between runs, weights over time, callbacks."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import quantities as pq


def driven(sim: Any, n: int = 3) -> tuple[Any, Any, Any]:
    """``n`` sources that fire at 1, 2, ... ms, one cell each."""
    sources = sim.Population(n, sim.SpikeSourceArray(spike_times=[[1.0 + i, 11.0 + i] for i in range(n)]), label="in")
    cells = sim.Population(n, sim.IF_curr_delta(), label="out")
    projection = sim.Projection(sources, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=20.0, delay=1.0))
    return sources, cells, projection


def test_spikes_come_as_flat_arrays_and_as_neo(sim: Any) -> None:
    sources, cells, _ = driven(sim)
    (sources + cells).record("spikes")
    sim.run(20.0)
    index, time = sources.spikes()
    assert (index.tolist(), time.tolist()) == ([0, 1, 2, 0, 1, 2], [1.0, 2.0, 3.0, 11.0, 12.0, 13.0])
    assert sources[1:].spikes()[0].tolist() == [0, 1, 0, 1]
    index, time = (sources[2:] + cells[:2]).spikes()
    assert index.tolist() == [1, 0, 2, 1, 0, 2]
    assert np.all(np.diff(time) >= 0)
    trains = cells.get_data().segments[0].spiketrains
    assert [t.annotations["source_index"] for t in trains] == [0, 1, 2]
    assert np.allclose(trains[1].magnitude, [3.0, 13.0], atol=0.11)
    assert cells.get_spike_counts() == {int(c): 2 for c in cells}
    assert cells[:2].mean_spike_count() == 2.0


def test_traces_begin_at_zero_and_keep_their_interval(sim: Any) -> None:
    _, cells, _ = driven(sim)
    cells[[0, 2]].record("v", sampling_interval=0.5)
    sim.run(10.0)
    (signal,) = cells.get_data().segments[0].analogsignals
    assert signal.shape == (21, 2)
    assert (signal.t_start, signal.sampling_period, signal.units) == (0 * pq.ms, 0.5 * pq.ms, pq.mV)
    assert signal.array_annotations["channel_index"].tolist() == [0, 2]
    assert signal[0, 0] == -65.0 * pq.mV


def test_recording_that_begins_later_has_its_own_start(sim: Any) -> None:
    _, cells, _ = driven(sim)
    sim.run(2.0)
    cells.record("v")
    sim.run(3.0)
    (signal,) = cells.get_data().segments[0].analogsignals
    assert float(signal.t_start) == pytest.approx(2.0)
    assert signal.shape == (31, 3)


def test_cleared_data_begin_where_they_were_cleared(sim: Any) -> None:
    sources, cells, _ = driven(sim)
    cells.record("v")
    sources.record("spikes")
    sim.run(5.0)
    assert len(sources.get_data(clear=True).segments[0].spiketrains[0]) == 1
    cells.get_data(clear=True)
    sim.run(5.0)
    (signal,) = cells.get_data().segments[0].analogsignals
    assert float(signal.t_start) == pytest.approx(5.1)  # the sample at 5.0 went with the first piece
    assert signal.shape == (50, 3)
    assert len(sources.spikes()[0]) == 0


def test_reset_begins_a_segment_and_repeats_the_run(sim: Any) -> None:
    _, cells, _ = driven(sim)
    cells.record(["v", "spikes"])
    for _ in range(3):
        sim.run(15.0)
        sim.reset()
    block = cells.get_data("v")
    assert len(block.segments) == 3
    first, second, third = (segment.analogsignals[0].magnitude for segment in block.segments)
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    assert sim.get_current_time() == 0.0


def test_a_segment_that_was_cleared_in_between_is_not_lost(sim: Any) -> None:
    _, cells, _ = driven(sim)
    cells.record("spikes")
    sim.run(5.0)
    cells.get_data(clear=True)
    sim.run(10.0)
    sim.reset()
    (segment,) = cells.get_data().segments
    assert len(segment.spiketrains[0]) == 1


def test_data_before_the_first_run_are_an_empty_block(sim: Any) -> None:
    _, cells, _ = driven(sim)
    cells.record("spikes")
    assert len(cells.get_data().segments) == 0
    assert len(cells.spikes()[0]) == 0


def test_results_outlive_end_and_files_are_written_by_it(sim: Any, tmp_path: Any) -> None:
    _, cells, _ = driven(sim)
    target = tmp_path / "spikes.pkl"
    cells.record("spikes", to_file=str(target))
    sim.run(15.0)
    sim.end()
    assert len(cells.spikes()[0]) == 6
    with target.open("rb") as file:
        assert len(pickle.load(file).segments[0].spiketrains) == 3


def test_parameters_and_weights_change_between_runs(sim: Any) -> None:
    sources, cells, projection = driven(sim)
    cells.record("spikes")
    sim.run(10.0)
    projection.set(weight=1.0)
    sources[2].spike_times = [12.0]
    projection[2].weight = 30.0
    sim.run(10.0)
    index, time = cells.spikes()
    assert index.tolist() == [0, 1, 2, 2]
    assert time[-1] == pytest.approx(13.0, abs=0.11)


def test_cells_and_connections_can_be_added_between_runs(sim: Any) -> None:
    sources, cells, _ = driven(sim)
    cells.record("spikes")
    sim.run(10.0)
    more = sim.Population(2, sim.IF_curr_delta())
    more.record("spikes")
    sim.Projection(sources, more, sim.AllToAllConnector(), sim.StaticSynapse(weight=20.0, delay=0.5))
    sim.run(10.0)
    assert len(cells.spikes()[0]) == 6
    assert more.spikes()[0].tolist() == [0, 1, 0, 1, 0, 1]


def test_initial_values_set_between_runs_act_at_once(sim: Any) -> None:
    cells = sim.Population(2, sim.IF_curr_exp())
    cells.record("v")
    sim.run(1.0)
    cells[1:].initialize(v=-60.0)
    sim.run(1.0)
    v = cells.get_data().segments[0].analogsignals[0].magnitude
    assert v[-1, 0] == -65.0
    assert -60.0 < v[11, 1] + 0.1 < -59.8


def plastic(sim: Any) -> tuple[Any, Any]:
    pre = sim.Population(2, sim.SpikeSourceArray(spike_times=[[5.0, 25.0], [15.0, 35.0]]))
    post = sim.Population(1, sim.IF_curr_delta(tau_refrac=0.1))
    teacher = sim.Population(1, sim.SpikeSourceArray(spike_times=[9.0, 29.0]))
    sim.Projection(teacher, post, sim.AllToAllConnector(), sim.StaticSynapse(weight=40.0, delay=1.0))
    rule = sim.STDPMechanism(
        sim.SpikePairRule(A_plus=0.1, A_minus=0.1),
        sim.AdditiveWeightDependence(w_max=1.0),
        dendritic_delay_fraction=0,
        weight=0.5,
        delay=1.0,
    )
    return sim.Projection(pre, post, sim.AllToAllConnector(), rule, receptor_type="excitatory"), post


def test_weights_are_recorded_over_time(sim: Any) -> None:
    projection, _ = plastic(sim)
    projection.record("weight", sampling_interval=10.0)
    sim.run(50.0)
    times_ms, weights = projection.get_recorded("weight")
    assert times_ms.tolist() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert weights.shape == (6, 2)
    assert weights[0].tolist() == [0.5, 0.5]
    assert weights[-1, 0] > 0.5 > weights[-1, 1]
    assert projection.get("weight", format="list", with_address=False) == weights[-1].tolist()
    signal = projection.get_signal()
    assert (signal.sampling_period, signal.units, signal.shape) == (10 * pq.ms, pq.mV, (6, 2))


def test_setting_a_delay_keeps_what_was_learned_until_reset(sim: Any) -> None:
    projection, _ = plastic(sim)
    sim.run(50.0)
    learned = projection.get("weight", format="list", with_address=False)
    projection.set(delay=2.0)
    assert projection.get("weight", format="list", with_address=False) == learned
    sim.run(1.0)
    assert projection.get("weight", format="list", with_address=False) == pytest.approx(learned)
    sim.reset()
    assert projection.get("weight", format="list", with_address=False) == [0.5, 0.5]


def test_recorded_currents_have_one_value_per_step(sim: Any) -> None:
    cells = sim.Population(1, sim.IF_curr_exp())
    electrode = sim.ACSource(start=2.0, stop=8.0, frequency=100.0)
    electrode.inject_into(cells)
    electrode.record()
    sim.run(5.0)
    electrode.amplitude = 2.0
    sim.run(5.0)
    signal = electrode.get_data()
    assert signal.shape == (101, 1)
    assert signal.units == pq.nA
    assert float(signal[10, 0]) == 0.0


def test_callbacks_are_called_when_they_ask_to_be(sim: Any) -> None:
    sim.Population(1, sim.IF_curr_exp())
    seen: list[float] = []

    def note(now: float) -> float:
        seen.append(round(now, 6))
        return now + 2.5

    sim.run(10.0, callbacks=[note])
    assert seen == [0.0, 2.5, 5.0, 7.5, 10.0]


def test_run_until_reaches_its_time_and_no_other(sim: Any) -> None:
    sim.Population(1, sim.IF_curr_exp())
    assert sim.run_until(3.7) == pytest.approx(3.7)
    assert sim.run_until(3.7) == pytest.approx(3.7)
    with pytest.raises(ValueError, match="past"):
        sim.run_until(2.0)


def test_two_runs_with_random_drive_are_identical(sim: Any) -> None:
    found = []
    for _ in range(2):
        sim.setup(rng_seed=5)
        noise = sim.Population(20, sim.SpikeSourcePoisson(rate=200.0))
        cells = sim.Population(10, sim.IF_cond_exp())
        sim.Projection(noise, cells, sim.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG()), sim.StaticSynapse(weight=0.02, delay=1.0))
        cells.record("spikes")
        sim.run(100.0)
        found.append(cells.spikes())
    assert len(found[0][0]) > 10
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_registered_backend_is_found_by_name(sim: Any) -> None:
    import importlib

    sim.register()
    assert importlib.import_module("pyNN.neurosim") is sim
    assert "IF_cond_exp" in sim.list_standard_models()
