"""Spike trains in Neo's list: made when wanted, otherwise like any list, in memory and in files."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Sequence
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
from neo.core.spiketrainlist import SpikeTrainList

from neurosim.pynn.trains import BLOCK, TrainList, joined

TIMES = np.array([1.0, 2.0, 2.0, 4.5, 6.0])
CELLS = np.array([2, 0, 2, 1, 2])


def small(first_id: int = 10) -> TrainList:
    ids = np.arange(4) + first_id
    return TrainList(TIMES, CELLS, ids, t_start_ms=0.0, t_stop_ms=10.0, source_population="exc", source_index=np.arange(4))


def like_neo(first_id: int = 10) -> SpikeTrainList:
    ids = np.arange(4) + first_id
    times = {"t_start": 0.0 * pq.ms, "t_stop": 10.0 * pq.ms, "units": "ms"}
    return SpikeTrainList.from_spike_time_array(TIMES * pq.ms, ids[CELLS], ids, source_population="exc", source_index=np.arange(4), **times)


def same(a: neo.SpikeTrain, b: neo.SpikeTrain) -> bool:
    """Equal in all that neo keeps of a train."""
    keys = ("t_start", "t_stop", "units", "sampling_rate", "annotations", "array_annotations", "waveforms", "name")
    return type(a) is type(b) and np.array_equal(a.magnitude, b.magnitude) and all(getattr(a, k) == getattr(b, k) for k in keys)


def test_trains_are_what_neo_would_make() -> None:
    ours, neos = small(), like_neo()
    assert len(ours) == len(neos) == 4
    assert all(same(a, b) for a, b in zip(ours, neos, strict=True))
    assert [a.tolist() for a in ours[-2:]] == [[1.0, 2.0, 6.0], []]


def test_the_flat_arrays_are_neos() -> None:
    ids, times = small().multiplexed
    assert ids.tolist() == [12, 10, 12, 11, 12]
    assert (times == TIMES * pq.ms).all()
    assert (small().t_start, small().t_stop) == (0.0 * pq.ms, 10.0 * pq.ms)
    assert small().all_channel_ids == [10, 11, 12, 13]


def test_it_is_a_list() -> None:
    trains = small()
    assert isinstance(trains, Sequence)
    assert isinstance(trains, SpikeTrainList)
    assert trains[2] is trains[-2] is trains[1:3][1]
    assert [len(t) for t in reversed(trains)] == [0, 3, 1, 1]
    assert trains[::2][1] is trains[2]
    assert str(trains) == "<TrainList of 4 spike trains>"
    for position in (4, -5):
        with pytest.raises(IndexError, match="of 4"):
            trains[position]
    with pytest.raises(AttributeError):
        trains["exc"]
    assert trains.index(trains[0]) == 0
    assert len(TrainList(np.empty(0), np.empty(0, int), np.empty(0, int), t_start_ms=0.0, t_stop_ms=1.0)) == 0


def test_a_train_asked_for_twice_is_the_same_and_keeps_what_was_noted() -> None:
    trains = small()
    trains.segment = segment = neo.Segment()
    trains[1].annotate(kind="fast")
    assert [t.annotations.get("kind") for t in trains] == [None, "fast", None, None]
    assert trains[3].segment is segment


def test_a_changed_list_is_like_any_other() -> None:
    trains, extra = small(), neo.SpikeTrain([3.0] * pq.ms, t_stop=10.0)
    kept = trains[0]
    trains.append(extra)
    assert (len(trains), trains[0], trains[-1]) == (5, kept, extra)
    assert trains.pop() is extra
    trains[1] = extra
    assert trains[1] is extra
    trains.extend([neo.SpikeTrain([7.0] * pq.ms, t_stop=10.0)])
    ids, times = trains.multiplexed
    assert times.magnitude.tolist() == [2.0, 3.0, 1.0, 2.0, 6.0, 7.0]
    assert len(ids) == 6
    assert [len(t) for t in small() + small(20)] == [1, 1, 3, 0] * 2
    both = small()
    both += small(20)
    assert [t.annotations["channel_id"] for t in both] == [10, 11, 12, 13, 20, 21, 22, 23]


@pytest.mark.parametrize("touched", [False, True])
def test_a_pickle_needs_no_neurosim(touched: bool) -> None:
    trains = small()
    if touched:
        trains[2].annotate(kind="fast")
    text = pickle.dumps(trains)
    assert b"neurosim" not in text
    back = pickle.loads(text)
    assert type(back) is SpikeTrainList
    assert all(same(a, b) for a, b in zip(back, trains, strict=True))
    assert ("kind" in back[2].annotations) == touched
    assert [t.tolist() for t in copy.deepcopy(trains)] == [t.tolist() for t in trains]


def test_lists_of_several_populations_are_joined() -> None:
    whole = joined([small(), small(20)])
    assert [t.tolist() for t in whole] == [t.tolist() for t in small()] * 2
    assert [t.annotations["channel_id"] for t in whole] == [10, 11, 12, 13, 20, 21, 22, 23]
    assert whole[4].annotations["source_population"] == "exc"
    assert (np.diff(whole.multiplexed[1].magnitude) >= 0).all()


def test_many_trains_are_complete_and_sorted() -> None:
    n = 3 * BLOCK
    random = np.random.default_rng(1)
    times, cells = np.sort(random.uniform(0, 1000.0, 5 * n)), random.integers(0, n, 5 * n)
    trains = TrainList(times, cells, np.arange(n), t_start_ms=0.0, t_stop_ms=1000.0, source_index=np.arange(n))
    assert sum(len(t) for t in trains) == 5 * n
    assert all((np.diff(t.magnitude) >= 0).all() for t in trains[:100])


@pytest.mark.parametrize("suffix", ["pkl", "mat", "nix"])
def test_recordings_are_written_in_pynns_formats(sim: Any, suffix: str, tmp_path: Any) -> None:
    if suffix == "nix":
        pytest.importorskip("nixio")
    cells = sim.Population(3, sim.SpikeSourceArray(spike_times=[[1.0, 5.0], [], [2.0]]), label="in")
    cells.record("spikes")
    sim.run(10.0)
    path = str(tmp_path / f"data.{suffix}")
    cells.write_data(path)
    (block,) = neo.io.get_io(path, **({"mode": "ro"} if suffix == "nix" else {})).read()
    assert [t.magnitude.tolist() for t in block.segments[0].spiketrains] == [[1.0, 5.0], [], [2.0]]


def test_an_assembly_gives_one_block(sim: Any) -> None:
    a = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0], [3.0]]), label="a")
    b = sim.Population(2, sim.IF_curr_exp(i_offset=5.0), label="b")
    both = a + b
    a.record("spikes")
    b.record(["spikes", "v"])
    sim.run(10.0)
    sim.reset()
    sim.run(5.0)
    block = both.get_data()
    first, second = block.segments
    assert (block.name, first.block, first.spiketrains[0].segment) == (both.label, block, first)
    assert [t.annotations["source_population"] for t in first.spiketrains] == ["a", "a", "b", "b"]
    assert [t.annotations["channel_id"] for t in first.spiketrains] == [int(i) for i in both.all_cells]
    (signal,) = first.analogsignals
    assert signal.array_annotations["channel_index"].tolist() == [2, 3]
    assert (len(first.analogsignals[0]), len(second.analogsignals[0])) == (101, 51)
    assert both.get_spike_counts() == {**a.get_spike_counts(), **b.get_spike_counts()}


def test_counts_and_views_see_their_cells_in_all_segments(sim: Any) -> None:
    cells = sim.Population(4, sim.SpikeSourceArray(spike_times=[[1.0], [2.0, 3.0], [], [4.0]]), label="in")
    cells.record("spikes")
    sim.run(10.0)
    ids = [int(c) for c in cells]
    assert cells.get_spike_counts() == dict(zip(ids, (1, 2, 0, 1), strict=True))
    assert cells[1:3].mean_spike_count() == 1.0
    assert (cells[1:3].get_spike_counts(), cells[[3]].mean_spike_count()) == ({ids[1]: 2, ids[2]: 0}, 1.0)
    sim.reset()
    sim.run(2.5)
    block = cells[1:3].get_data()
    assert [[t.magnitude.tolist() for t in s.spiketrains] for s in block.segments] == [[[2.0, 3.0], []], [[2.0], []]]
    cells.record(None)
    assert cells.mean_spike_count() == 0.0


def test_data_of_many_neurons_come_at_once(sim: Any) -> None:
    cells = sim.Population(20_000, sim.SpikeSourcePoisson(rate=5.0), label="many")
    cells.record("spikes")
    sim.run(1000.0)
    begun = time.process_time()
    trains = cells.get_data().segments[0].spiketrains
    took = time.process_time() - begun
    assert len(trains) == 20_000
    assert took < 0.2  # 0.02 s; a fourth of a full-scale microcircuit, which has 0.2 s
    assert sum(len(t) for t in trains) == sum(cells.get_spike_counts().values()) > 95_000


def test_traces_of_an_assembly_are_columns_of_one_signal_as_pynn_gives_them(sim: Any) -> None:
    first, second = sim.Population(2, sim.IF_curr_exp(i_offset=0.1)), sim.Population(3, sim.IF_curr_exp(i_offset=0.2))
    cells = first + second
    cells.record("v")
    sim.run(1.0)
    (signal,) = cells.get_data().segments[0].analogsignals
    own = second.get_data().segments[0].analogsignals[0]
    assert signal.shape == (11, 5)
    assert np.array_equal(signal.magnitude[:, 2:], own.magnitude)
    assert signal.array_annotations["channel_index"].tolist() == [0, 1, 2, 3, 4]


def test_traces_of_other_times_stay_signals_of_their_own(sim: Any) -> None:
    first, second = sim.Population(2, sim.IF_curr_exp()), sim.Population(3, sim.IF_curr_exp())
    first.record("v")
    second.record("v", sampling_interval=0.2)
    sim.run(1.0)
    signals = (first + second).get_data().segments[0].analogsignals
    assert [signal.shape for signal in signals] == [(11, 2), (6, 3)]
