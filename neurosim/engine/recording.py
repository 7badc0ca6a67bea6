"""What was recorded: spikes of chosen cells and samples of chosen variables, chunk by chunk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import build
from neurosim.engine.layout import Layout
from neurosim.engine.program import Probes, Program
from neurosim.network import Network, WeightProbe

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


class SpikeRecord:
    """Spikes of one population: parallel arrays of cell index and time, in order of time."""

    def __init__(self) -> None:
        self._indices: list[Int64] = []
        self._times: list[Floats] = []

    def add(self, indices: Int64, times_ms: Floats) -> None:
        """Append the spikes of one chunk."""
        if len(indices):
            self._indices.append(indices)
            self._times.append(times_ms)

    def arrays(self) -> tuple[Int64, Floats]:
        """All spikes, sorted by time, ties by cell."""
        if len(self._indices) != 1:
            self._indices = [np.concatenate(self._indices or [np.empty(0, np.int64)])]
            self._times = [np.concatenate(self._times or [np.empty(0)])]
        order = np.lexsort((self._indices[0], self._times[0]))
        return self._indices[0][order], self._times[0][order]

    def clear(self) -> None:
        """Forget everything."""
        self._indices, self._times = [], []


class SampleRecord:
    """Samples of one variable of one population, shape (n_samples, n_cells) in pieces.

    When the set of cells changes between runs, earlier samples of new cells are NaN. ``last_ms`` is
    the time of the newest sample, minus infinity if there was none.
    """

    def __init__(self) -> None:
        self._pieces: list[tuple[Int64, Floats, Floats]] = []
        self.last_ms = -np.inf

    def add(self, indices: Int64, times_ms: Floats, values: Floats) -> None:
        """Append samples (n_samples, n_cells) taken at ``times_ms``."""
        if len(times_ms):
            self._pieces.append((indices, times_ms, values))
            self.last_ms = float(times_ms[-1])

    def arrays(self) -> tuple[Int64, Floats, Floats]:
        """Cells, times in ms and values (n_samples, n_cells)."""
        if not self._pieces:
            return np.empty(0, np.int64), np.empty(0), np.empty((0, 0))
        first = self._pieces[0][0]
        if all(np.array_equal(first, piece[0]) for piece in self._pieces):
            cells, values = first, np.concatenate([piece[2] for piece in self._pieces])
        else:
            cells = np.unique(np.concatenate([piece[0] for piece in self._pieces]))
            values = np.concatenate([_spread(cells, piece[0], piece[2]) for piece in self._pieces])
        times = np.concatenate([piece[1] for piece in self._pieces])
        self._pieces = [(cells, times, values)]
        return cells, times, values

    def clear(self) -> None:
        """Forget the samples, but not when the last one was taken: it is not taken again."""
        self._pieces = []


def _spread(cells: Int64, own: Int64, values: Floats) -> Floats:
    wide = np.full((len(values), len(cells)), np.nan)
    wide[:, np.searchsorted(cells, own)] = values
    return wide


class WeightRecord:
    """Weights of one projection over time."""

    def __init__(self) -> None:
        self.times_ms: list[float] = []
        self.values: list[Floats] = []

    def add(self, time_ms: float, values: Floats) -> None:
        """Append the weights at one time."""
        self.times_ms.append(time_ms)
        self.values.append(values)

    def arrays(self) -> tuple[Floats, Floats]:
        """Times (n_times,) in ms and weights (n_times, n_synapses)."""
        values: Sequence[Floats] = self.values
        return np.array(self.times_ms), np.stack(values) if values else np.empty((0, 0))

    def clear(self) -> None:
        """Forget everything."""
        self.times_ms, self.values = [], []


def sample_buffer(probes: Probes, step: int, n_steps: int) -> Floats:
    """Buffer for the samples of the next ``n_steps`` steps; notes in the table where each probe writes."""
    at = 0
    for row in probes.table:
        first = step // row[1] + 1
        count = (step + n_steps) // row[1] - first + 1
        row[3], row[4] = at, first
        at += max(count, 0) * row[2]
    return np.empty(at)


class Recordings:
    """All that a simulation recorded: by population, by (population, variable), by projection.

    Attributes
    ----------
    spikes, samples, weights
        Records by population id, (population id, variable) and (projection id, variable).
    currents
        Pieces of recorded currents (nA) by current id.
    """

    def __init__(self) -> None:
        self.spikes: defaultdict[int, SpikeRecord] = defaultdict(SpikeRecord)
        self.samples: defaultdict[tuple[int, str], SampleRecord] = defaultdict(SampleRecord)
        self.weights: defaultdict[tuple[int, str], WeightRecord] = defaultdict(WeightRecord)
        self.currents: defaultdict[int, list[Floats]] = defaultdict(list)

    def add_spikes(self, network: Network, layout: Layout, gids: Int64, times_ms: Floats) -> None:
        """Keep the spikes of the cells whose spikes are recorded."""
        for probe in network.probes:
            if probe.variable != "spikes":
                continue
            base, size = layout.base(probe.population), network.populations[probe.population].size
            inside = np.flatnonzero((gids >= base) & (gids < base + size))
            if len(probe.indices) < size:
                mask = np.zeros(size, bool)
                mask[probe.indices] = True
                inside = inside[mask[gids[inside] - base]]
            self.spikes[probe.population].add(gids[inside] - base, times_ms[inside])

    def add_samples(self, network: Network, probes: Probes, buffer: Floats, step_after: int) -> None:
        """Keep what the probes wrote to the buffer up to ``step_after``."""
        for probe, row in zip(build.analog(network), probes.table, strict=True):
            count = step_after // row[1] - row[4] + 1
            values = buffer[row[3] : row[3] + count * row[2]].reshape(count, row[2])
            times = (row[4] + np.arange(count)) * row[1] * network.dt
            self.samples[probe.population, probe.variable].add(probe.indices, times, values)

    def add_now(self, network: Network, layout: Layout, program: Program, step: int) -> None:
        """Sample all probes that are due at ``step`` and have no sample of it yet."""
        now_ms = step * network.dt
        for probe, row in zip(build.analog(network), program.probes.table, strict=True):
            record = self.samples[probe.population, probe.variable]
            if step % row[1] == 0 and record.last_ms < now_ms - 0.5 * network.dt:
                index = build.probe_source(network, layout, probe)
                record.add(probe.indices, np.array([now_ms]), program.cells.state[index][None, :].astype(np.float64))

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

    def clear(self, population: int) -> None:
        """Forget what was recorded of one population."""
        self.spikes.pop(population, None)
        for key, record in self.samples.items():
            if key[0] == population:
                record.clear()
