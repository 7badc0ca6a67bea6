"""What was recorded: spikes of chosen cells and samples of chosen variables, chunk by chunk."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import build, memory
from neurosim.engine.layout import Layout
from neurosim.engine.program import Probes, Program
from neurosim.engine.records import SampleRecord, SpikeRecord, WeightRecord
from neurosim.network import Network, WeightProbe

if TYPE_CHECKING:
    from neurosim.engine.event_log import EventLog
    from neurosim.engine.record_file import RecordFile

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

#: Recordings go to their file when they are older than this, and at the end of a run.
WRITE_EVERY_S = 0.1
#: Samples (float64) that one chunk may take at most, so that the memory of a run stays flat.
CHUNK_BYTES = 16_000_000


def sample_buffer(probes: Probes, step: int, n_steps: int) -> Floats:
    """Buffer for the samples of the next ``n_steps`` steps; notes in the table where each probe writes."""
    at = 0
    for row in probes.table:
        first = step // row[1] + 1
        count = (step + n_steps) // row[1] - first + 1
        row[3], row[4] = at, first
        at += max(count, 0) * row[2]
    return np.empty(at)


def most_steps(probes: Probes) -> int:
    """Steps after which the samples of a chunk fill ``CHUNK_BYTES``."""
    per_step = float(np.sum(probes.table[:, 2] / np.maximum(probes.table[:, 1], 1))) * 8
    return max(1, int(CHUNK_BYTES / per_step)) if per_step else np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Sorting:
    """Whose spikes are recorded, as tables by global id, for one network and layout.

    Attributes
    ----------
    probe_of
        Row of ``populations`` by global id; cells that are not recorded have the number after the last.
    populations, bases
        Recorded populations, and the global id of their first cell.
    first_left_out
        Smallest global id whose spikes are not recorded; the number of cells if there is none.
    """

    network: Network
    layout: Layout
    probe_of: NDArray[np.unsignedinteger[Any]]
    populations: tuple[int, ...]
    bases: tuple[int, ...]
    first_left_out: int

    @classmethod
    def of(cls, network: Network, layout: Layout) -> Sorting:
        """Tables for the spikes that ``network`` records."""
        probes = [probe for probe in network.probes if probe.variable == "spikes"]
        probe_of = np.full(layout.n_cells, len(probes), np.min_scalar_type(len(probes)))
        bases = tuple(layout.base(probe.population) for probe in probes)
        for number, (probe, base) in enumerate(zip(probes, bases, strict=True)):
            probe_of[base + np.asarray(probe.indices)] = number
        left_out = np.flatnonzero(probe_of == len(probes))
        first = int(left_out[0]) if len(left_out) else layout.n_cells
        return cls(network, layout, probe_of, tuple(p.population for p in probes), bases, first)

    def keep(self, gids: Int64, times_ms: Floats) -> tuple[Ints, Floats]:
        """Those spikes that are recorded; the times are the same array where that is all of them."""
        if gids.max() < self.first_left_out:
            return gids.astype(np.int32), times_ms
        kept = np.flatnonzero(self.probe_of[gids] < len(self.populations)) if self.populations else np.empty(0, np.int64)
        return gids[kept].astype(np.int32), times_ms[kept]

    def split(self, gids: Ints, times_ms: Floats) -> list[tuple[Ints, Floats]]:
        """Cell indices and times by recorded population, each in the order of arrival."""
        owner = self.probe_of[gids]
        order = np.argsort(owner, kind="stable")
        ends = np.cumsum(np.bincount(owner, minlength=len(self.populations)))
        gids, times_ms = gids[order], times_ms[order]
        starts = np.concatenate([[0], ends[:-1]])
        return [(gids[a:b] - np.int32(base), times_ms[a:b]) for a, b, base in zip(starts, ends, self.bases, strict=True)]


class Recordings:
    """All that a simulation recorded: by population, by (population, variable), by projection.

    Spikes wait as they came until someone asks for them or they go to a file; only then are they
    sorted by population.

    Attributes
    ----------
    spikes, samples, weights
        Records by population id, (population id, variable) and (projection id, variable).
    currents
        Pieces of recorded currents (nA) by current id.
    log
        Where all spikes go, recorded or not; ``None`` if nobody asked for them.
    """

    def __init__(self) -> None:
        self._spikes: defaultdict[int, SpikeRecord] = defaultdict(SpikeRecord)
        self.samples: defaultdict[tuple[int, str], SampleRecord] = defaultdict(SampleRecord)
        self.weights: defaultdict[tuple[int, str], WeightRecord] = defaultdict(WeightRecord)
        self.currents: defaultdict[int, list[Floats]] = defaultdict(list)
        self.log: EventLog | None = None
        self._sorting: Sorting | None = None
        self._waiting: list[tuple[Ints, Floats]] = []
        self._file: RecordFile | None = None
        self._segment = 0
        self._network: Network | None = None
        self._bytes, self._written_s = 0, 0.0

    # --- taking ------------------------------------------------------------------------------
    def add_spikes(self, network: Network, layout: Layout, gids: Int64, steps: Int64, times_ms: Floats) -> None:
        """Keep the spikes of the cells whose spikes are recorded; ``times_ms`` must not change afterwards.

        Parameters
        ----------
        gids, steps, times_ms
            Global ids, steps at whose end they are sent, and times of one chunk, in order of time.
        """
        if not len(gids):
            return
        if self.log is not None:
            self.log.add(layout, gids, steps)
        sorting = self._sorting
        if sorting is None or sorting.network is not network or sorting.layout is not layout:
            self._sort()
            sorting = self._sorting = Sorting.of(network, layout)
        kept = sorting.keep(gids, times_ms)
        if len(kept[0]):
            self._waiting.append(kept)

    def _sort(self) -> None:
        """Give the spikes that wait to the records of their populations."""
        waiting, self._waiting = self._waiting, []
        if not waiting or self._sorting is None:
            return
        gids, times = waiting[0] if len(waiting) == 1 else (np.concatenate(column) for column in zip(*waiting, strict=True))
        for population, piece in zip(self._sorting.populations, self._sorting.split(gids, times), strict=True):
            self._spikes[population].add(*piece)

    def add_samples(self, network: Network, probes: Probes, buffer: Floats, step_after: int) -> None:
        """Keep what the probes wrote to the buffer up to ``step_after``."""
        self._bytes += buffer.nbytes
        for probe, row in zip(build.analog(network), probes.table.tolist(), strict=True):
            _, every, n_cells, at, first = row
            count = step_after // every - first + 1
            values = buffer[at : at + count * n_cells].reshape(count, n_cells)
            self.samples[probe.population, probe.variable].add(probe.indices, first, every, network.dt, values)

    def add_now(self, network: Network, layout: Layout, program: Program, step: int) -> None:
        """Sample all probes that are due at ``step`` and have no sample of it yet."""
        now_ms = step * network.dt
        for probe, row in zip(build.analog(network), program.probes.table.tolist(), strict=True):
            record = self.samples[probe.population, probe.variable]
            if step % row[1] == 0 and record.last_ms < now_ms - 0.5 * network.dt:
                index = build.probe_source(network, layout, probe)
                values = program.cells.state[index][None, :].astype(np.float64)
                record.add(probe.indices, step // row[1], row[1], network.dt, values)

    def add_currents(self, network: Network, rows: Sequence[Floats]) -> None:
        """Keep the values of the currents that are recorded."""
        for current, row in zip(network.currents, rows, strict=True):
            if current.recorded:
                self.currents[current.id].append(row)

    def add_weights(self, probe: WeightProbe, time_ms: float, values: Callable[[], Floats]) -> None:
        """Keep the weights at one time, once."""
        record = self.weights[probe.projection, probe.variable]
        if not record.times_ms or record.times_ms[-1] < time_ms:
            record.add(time_ms, values())

    def begin_run(self, network: Network, t_ms: float, until_ms: float) -> None:
        """Prepare for a run, so that samples need not be moved while it goes on."""
        self._network, self._written_s = network, time.perf_counter()
        for probe in network.probes:
            if probe.variable == "spikes":
                self._spikes[probe.population]  # there from now on, if without a spike
        for probe, n_samples in memory.samples(network, t_ms, until_ms):
            self.samples[probe.population, probe.variable].expect(n_samples if self._file is None else 0)

    # --- giving ------------------------------------------------------------------------------
    @property
    def spikes(self) -> defaultdict[int, SpikeRecord]:
        """Spikes by population id."""
        self._sort()
        return self._spikes

    def clear(self, population: int) -> None:
        """Forget what was recorded of one population; what is due to be in a file stays there."""
        self.write()
        self.spikes.pop(population, None)
        for key, record in self.samples.items():
            if key[0] == population:
                record.clear()

    # --- a file ------------------------------------------------------------------------------
    @property
    def to_file(self) -> bool:
        """True if spikes and samples go to a file."""
        return self._file is not None

    def successor(self) -> Recordings:
        """Empty recordings that go on where these do; in a file they begin a segment unless this one is empty too."""
        after = Recordings()
        if self._file is not None:
            is_new = not (self._waiting or self._spikes or self.samples)
            after._file, after._segment = self._file, self._segment if is_new else self._file.next_segment()
        return after

    def write_to(self, file: RecordFile) -> None:
        """Let spikes and samples go to the next segment of a file instead of staying in memory."""
        self._file, self._segment = file, file.next_segment()

    def write(self, t_ms: float | None = None, *, now: bool = True) -> None:
        """Write what is in memory to the file, if there is one.

        Parameters
        ----------
        t_ms
            Time that the simulation has reached, if it moved.
        now
            Write at once; else only what is older than ``WRITE_EVERY_S`` or larger than ``CHUNK_BYTES``.

        Raises
        ------
        RecordFileError
            If the file cannot be written; what could not be written stays in memory.
        """
        file, network = self._file, self._network
        waits = self._bytes < CHUNK_BYTES and time.perf_counter() - self._written_s < WRITE_EVERY_S
        if file is None or network is None or (waits and not now):
            return
        for population, record in self.spikes.items():
            record.write(partial(file.new_spikes, self._segment, network, population))
        for (population, variable), record in self.samples.items():
            record.write(partial(file.new_samples, self._segment, network, population, variable))
        file.flush(self._segment, t_ms)
        self._bytes, self._written_s = 0, time.perf_counter()

    def after_chunk(self, on_chunk: Callable[[float], None] | None) -> Callable[[float], None] | None:
        """What to do after every chunk: ``write`` where there is a file, then ``on_chunk``."""
        if self._file is None:
            return on_chunk

        def after(now_ms: float) -> None:
            self.write(now_ms, now=False)
            if on_chunk is not None:
                on_chunk(now_ms)

        return after


class Results:
    """Reads recordings; still the same ones after the simulation was reset and began new ones."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    def spikes(self, population: int) -> tuple[Int64, Floats]:
        """Recorded spikes of a population: cell indices and times in ms, sorted by time."""
        return self._recordings.spikes[population].arrays()

    def samples(self, population: int, variable: str, cells: Ints | None = None) -> tuple[Int64, Floats, Floats]:
        """Cells, times in ms and values (n_samples, n_cells); see :meth:`SampleRecord.arrays`."""
        return self._recordings.samples[population, variable].arrays(cells)
