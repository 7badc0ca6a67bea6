"""Records without a simulation: spikes sorted out by population, samples in stretches, what they need of memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import machine
from neurosim.engine import memory
from neurosim.engine.recording import CHUNK_BYTES, Recordings, most_steps
from neurosim.engine.records import FIRST_ROWS, MANY_ROWS, SampleRecord, SpikeRecord, in_order
from neurosim.errors import MemoryLimitError
from neurosim.network import Network, Population, Probe

SIZES = (5, 1, 40, 7)


def a_network(*probes: Probe) -> Network:
    populations = tuple(Population(i, f"p{i}", n, "lif") for i, n in enumerate(SIZES))
    return Network(0.1, 1, populations, probes=probes)


def a_layout(shift: int = 0) -> Any:
    """Populations one after another; ``shift`` turns them round, as a recompilation may."""
    order = np.roll(np.arange(len(SIZES)), shift)
    bases = dict(zip(order.tolist(), np.cumsum([0, *np.array(SIZES)[order][:-1]]).tolist(), strict=True))
    return SimpleNamespace(base=bases.__getitem__, n_cells=sum(SIZES))


def some_spikes(n: int, begin_ms: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of all cells on a coarse grid, so that many fall together, in order of time and cell."""
    random = np.random.default_rng(n)
    gids, times = random.integers(0, sum(SIZES), n), begin_ms + random.integers(0, 20, n) * 0.1
    order = np.lexsort((gids, times))
    return gids[order], times[order]


def test_spikes_reach_the_record_of_their_population() -> None:
    chosen = np.array([3, 4, 30])
    network = a_network(Probe(0, "spikes", np.arange(5)), Probe(2, "spikes", chosen), Probe(3, "v", np.arange(7), 0.1))
    recordings, pieces = Recordings(), []
    for chunk in range(4):
        layout = a_layout(shift=chunk // 2)  # the second half ran on another layout
        gids, times = some_spikes(300, 2.0 * chunk)
        recordings.add_spikes(network, layout, gids, np.rint(times / 0.1).astype(np.int64), times)
        pieces.append((gids, times, layout))
        gids[:], times[:] = -1, np.nan  # what was given was copied
    expected: dict[int, list[tuple[float, int]]] = {0: [], 2: []}
    for chunk, (_, _, layout) in enumerate(pieces):
        for gid, time in zip(*some_spikes(300, 2.0 * chunk), strict=True):
            for population, allowed in ((0, range(5)), (2, chosen)):
                cell = int(gid) - layout.base(population)
                if cell in allowed:
                    expected[population].append((float(time), cell))
    for population, spikes in expected.items():
        indices, times = recordings.spikes[population].arrays()
        assert indices.dtype == np.int64
        assert list(zip(times.tolist(), indices.tolist(), strict=True)) == sorted(spikes)
    assert set(recordings.spikes) == {0, 2}


def test_spikes_in_order_are_not_sorted_again_and_others_are() -> None:
    cells, times = np.array([1, 4, 2], np.int32), np.array([0.1, 0.1, 0.3])
    assert in_order(cells, times)[0] is cells
    for cells, times in ((np.array([4, 1, 2]), np.array([0.1, 0.1, 0.3])), (np.array([1, 2, 4]), np.array([0.1, 0.3, 0.1]))):
        found, when = in_order(cells, times)
        assert (found.tolist(), when.tolist()) == ([1, 4, 2], [0.1, 0.1, 0.3])


def test_reading_spikes_gives_arrays_of_ones_own() -> None:
    record = SpikeRecord()
    record.add(np.array([1, 2], np.int32), np.array([0.5, 1.5]))
    indices, times = record.arrays()
    indices[:], times[:] = 0, 0
    assert [a.tolist() for a in record.arrays()] == [[1, 2], [0.5, 1.5]]


def test_samples_of_a_run_are_one_stretch_and_those_of_new_cells_have_no_past() -> None:
    record, few, more = SampleRecord(), np.array([2, 5]), np.array([1, 2, 5])
    record.add(few, 0, 2, 0.1, np.array([[1.0, 2.0]]))
    record.add(few, 1, 2, 0.1, np.full((FIRST_ROWS, 2), 3.0))
    assert record.last_ms == pytest.approx(FIRST_ROWS * 0.2)
    record.add(more, FIRST_ROWS + 1, 2, 0.1, np.array([[7.0, 8.0, 9.0]]))
    cells, times, values = record.arrays()
    assert cells.tolist() == [1, 2, 5]
    assert np.allclose(times, np.arange(FIRST_ROWS + 2) * 0.2)
    assert np.isnan(values[:-1, 0]).all()
    assert values[0, 1:].tolist() == [1.0, 2.0]
    assert values[-1].tolist() == [7.0, 8.0, 9.0]
    _, _, values = record.arrays(np.array([5, 6, 2]))  # in the order asked for; cell 6 was never recorded
    assert values[0, [0, 2]].tolist() == [2.0, 1.0]
    assert np.isnan(values[:, 1]).all()
    assert record.arrays(np.array([5]))[2].tolist() == [[2.0], *[[3.0]] * FIRST_ROWS, [9.0]]


def test_a_long_run_gets_its_memory_once() -> None:
    record, cells = SampleRecord(), np.arange(3)
    record.expect(MANY_ROWS + 1)
    for first in range(0, MANY_ROWS, 1000):
        record.add(cells, first, 1, 0.1, np.full((1000, 3), float(first)))
    (stretch,) = record._stretches
    assert len(stretch._buffer) == MANY_ROWS + 1
    record.expect(MANY_ROWS + 1)
    record.add(cells, MANY_ROWS, 1, 0.1, np.zeros((1, 3)))
    assert len(record._stretches) == 2  # the first run's samples were not moved
    _, times, values = record.arrays()
    assert (len(times), values[-2, 0], values[-1, 0]) == (MANY_ROWS + 1, MANY_ROWS - 1000.0, 0.0)


def test_chunks_are_short_where_much_is_sampled() -> None:
    probes: Any = SimpleNamespace(table=np.array([[0, 1, 1000, 0, 0], [0, 10, 5000, 0, 0]]))
    assert most_steps(probes) == CHUNK_BYTES // (1500 * 8)
    assert most_steps(SimpleNamespace(table=np.zeros((0, 5), np.int64))) > 10**12  # type: ignore[arg-type]


def test_samples_that_cannot_fit_are_refused_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    network = a_network(Probe(2, "v", np.arange(40), 0.1), Probe(3, "v", np.arange(7), 1.0))
    monkeypatch.setattr(memory, "available_bytes", lambda: 100_000_000)
    memory.check_samples(network, 0.0, 10_000.0)
    with pytest.raises(MemoryLimitError, match="is recorded in 100,000 ms takes 326 MB of memory, 100 MB are available") as caught:
        memory.check_samples(network, 0.0, 100_000.0)
    assert "320 MB of it for 'v' of 40 cells of 'p2'" in str(caught.value)
    assert "record_to='FILE.h5'" in caught.value.remedy
    assert (caught.value.limit, caught.value.used) == (100_000_000, 8 * (40 * 1_000_001 + 7 * 100_001))
    assert isinstance(caught.value, MemoryError)


def test_memory_is_what_machine_and_container_leave(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    info, limit, used = tmp_path / "meminfo", tmp_path / "max", tmp_path / "current"
    info.write_text("MemTotal:  900 kB\nMemAvailable:     500 kB\n")
    monkeypatch.setattr(machine, "MEMINFO", info)
    monkeypatch.setattr(machine, "CONTAINER", (limit, used))
    assert machine.available_bytes() == 500 * 1024
    limit.write_text("300000\n")
    used.write_text("100000\n")
    assert machine.available_bytes() == 200_000
    limit.write_text("max\n")
    assert machine.available_bytes() == 500 * 1024
    info.write_text("")
    assert (machine.available_bytes() or 0) > 100_000_000  # of the whole machine


def test_sizes_read_well() -> None:
    assert [machine.size_text(n) for n in (12, 1500, 8e8, 1.2345e12)] == ["12 B", "1.5 kB", "800 MB", "1,234 GB"]
