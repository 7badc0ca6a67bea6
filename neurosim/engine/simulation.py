"""A running network: compiles, runs, records, and takes changes between runs."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim._message import message
from neurosim._progress import Progress
from neurosim.engine import (
    budget,
    build,
    carry,
    currents,
    drives,
    kernels,
    live,
    meeting,
    options,
    pacing,
    parts,
    plastic_store,
    room,
    sound,
    stores,
    taught,
)
from neurosim.engine import layout as lay
from neurosim.engine.program import Cells, Drives, Dynamic, Program, Sources
from neurosim.engine.recording import Recordings, most_steps, sample_buffer
from neurosim.models._redo import MAX_SPIKES
from neurosim.network import Network, Rows, WeightProbe

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Wall time aimed at per chunk, so that Ctrl-C and the progress bar feel immediate.
CHUNK_S = 0.1
#: Steps of the first chunk, and the most steps a chunk may have.
FIRST_CHUNK, LARGEST_CHUNK = 100, 20_000
#: Spikes that a block's log has room for beside the most of one batch; upper bound of the latter, which shortens batches.
SMALLEST_LOG, LARGEST_RESERVE = 65_536, 32_000_000


class Simulation:
    """A network that runs.

    Parameters
    ----------
    network
        What to run.
    threads
        Blocks the network is cut into, one thread each; results do not depend on it.
    precision
        ``"float64"`` or ``"float32"``, of neuron states and static weights.
    pace
        ``"accelerated"`` (as fast as possible) or ``"realtime"``.
    slice_ms
        Simulated time between two looks at the clock, in real time or with live input and output.
    max_memory
        Memory in GB that the network may take; by default what is available.

    Attributes
    ----------
    live
        What comes in and goes out while it runs; see :mod:`neurosim.engine.live`.

    Raises
    ------
    ParameterError
        For parameters no model can have, delays below the step, unknown pace or precision.
    MemoryLimitError
        If the network would not fit in memory.
    """

    def __init__(
        self,
        network: Network,
        *,
        threads: int = 1,
        precision: str = "float64",
        pace: str = "accelerated",
        slice_ms: float = pacing.SLICE_MS,
        max_memory: float | None = None,
    ) -> None:
        options.check(network, precision, int(threads))
        self.threads = int(threads)
        self.dtype = np.float64 if precision == "float64" else np.float32
        self.pace = pacing.check_pace(pace)
        self.slice_steps = max(round(slice_ms / network.dt), 1)
        self.realtime = pacing.RealTime(slice_ms=self.slice_steps * network.dt)
        self.live: live.Exchange | None = None
        self._team = meeting.Team(self.threads)
        self.warned_of: set[int] = set()
        self.interrupted = False
        self.wall_s = {"compile": 0.0, "kernels": 0.0, "run": 0.0}
        self._cold = True
        self._addresses: Int64 | None = None
        self.recordings = Recordings()
        self.watched: set[int] = set()
        self.rates: dict[int, drives.Rates] = {}
        self.max_memory = max_memory
        budget.check(network, self.dtype, self.threads, max_memory)
        self._load(network, {}, step=0)

    # --- compile ---------------------------------------------------------------------------
    def _load(self, network: Network, memories: dict[int, stores.AnyMemory], *, step: int, kept: bool = False) -> None:
        begun = time.perf_counter()
        self.network, self.step, self._addresses = network, step, None
        self.driving = drives.candidates(network, self.watched)
        self.rates = {i: self._rates_of(i, step) for i in self.driving}
        self.layout = lay.plan(network, self.threads, self.driving)
        for current in network.currents:
            currents.check(current)
        cells = build.kept_cells(self.layout, self.program.cells) if kept else build.new_cells(network, self.layout, self.dtype)
        self.stores = stores.build(network, self.layout, self.dtype, memories, self.threads, drives.expand(network, self.driving))
        build.write_lanes(self.layout, cells, self.stores.lanes)
        self._work = room.scratch_of(self.layout, self.dtype)
        self._team.gather(self.layout.n_blocks)
        sources = build.build_sources(network, self.layout, self.driving, now_ms=step * network.dt, now_step=step if step else -1)
        self._assemble(cells, sources)
        self._history = self._pending = (np.empty(0, np.int64), np.empty(0, np.int64))
        self._primed = -1
        self._counts = np.zeros(self.layout.n_cells, np.int64)
        self._new_queue()
        self.wall_s["compile"] += time.perf_counter() - begun

    def _assemble(self, cells: Cells, sources: Sources) -> None:
        s = self.stores
        injection, probes = build.build_injection(self.network, self.layout), build.build_probes(self.network, self.layout)
        dynamic = Dynamic(s.segments, s.depressing, s.stochastic, s.plastic) if s.has_memory else None
        self.program = Program(cells, sources, s.static, dynamic, self._drives(), injection, probes)

    def _rates_of(self, population: int, step: int) -> drives.Rates:
        """Rates of a driving source, those it has had if it had any."""
        if step and population in self.rates:
            return self.rates[population]
        return drives.Rates.of(self.network.populations[population], self.network.dt, step)

    def watch(self, populations: set[int]) -> None:
        """Have the spikes of these populations made one by one from now on, also where nothing records them."""
        self.watched |= populations
        if populations & self.driving:
            carry.rebuild(self, self.network)

    def _drives(self) -> Drives | None:
        if not self.stores.drives:
            return None
        units = {key: unit for key, (unit, _) in self.stores.lanes.items()}
        return drives.build(self.network, self.layout, self.stores.drives, self.rates, units, self.dtype)

    def _new_queue(self) -> None:
        shape = (self.layout.n_blocks, self.stores.max_delay + 2)
        self._queues = room.Queues(shape, with_memory=self.stores.has_memory)
        sizes = self.layout.parts[:, lay.SIZE].reshape(self.layout.n_blocks, -1).sum(axis=1)
        per_step = MAX_SPIKES * int(sizes.max(initial=0)) + build.most_spikes_per_step(self.network, self.program.sources)
        batch = min(max(self.stores.min_delay, 1), 64) if self.stores.n_synapses else 16
        self._batch = max(1, min(batch, LARGEST_RESERVE // max(per_step, 1)))
        self._reserve = per_step * self._batch
        size = self._reserve + max(self._reserve, SMALLEST_LOG)
        self._log = (np.empty((self.layout.n_blocks, size), np.int32), np.empty((self.layout.n_blocks, size)))

    # --- time ------------------------------------------------------------------------------
    @property
    def scratch(self) -> NDArray[np.generic]:
        """Scratch of the kernels, (n_blocks, n)."""
        return self._work[2]

    @property
    def t_ms(self) -> float:
        """Simulated time in ms."""
        return self.step * self.network.dt

    def run_until(self, t_ms: float, *, progress: bool | None = None, on_chunk: Callable[[float], None] | None = None) -> None:
        """Run until ``t_ms``.

        Parameters
        ----------
        progress
            Show a progress bar; by default when stderr is a terminal.
        on_chunk
            Called with the simulated time after every chunk.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, at the next chunk; all that was recorded stays.
        """
        last = round(t_ms / self.network.dt)
        if self.live is not None:
            self.watch({outlet.population for outlet in self.live.outputs})
        self._warm()
        begun = time.perf_counter()
        bar = Progress("simulating", (last - self.step) * self.network.dt, progress)
        first = self.step
        with bar, pacing.interruptible() as interrupt:
            self._prime()
            self.realtime.start(self.t_ms)
            size = FIRST_CHUNK
            while self.step < last and not interrupt.pressed:
                if self.live is not None or self.pace == "realtime":
                    live.run_slice(self, last)
                else:
                    size = self._next_chunk(size, last)
                sound.check(self)
                bar.update((self.step - first) * self.network.dt)
                if self.pace == "realtime":
                    self.realtime.wait(self.t_ms)
                if on_chunk is not None:
                    on_chunk(self.t_ms)
        self.wall_s["run"] += time.perf_counter() - begun
        if interrupt.pressed:
            self.interrupted = True
            raise KeyboardInterrupt

    def _warm(self) -> None:
        """Compile the kernels, or load them from the cache, before the clock of the run starts."""
        if self._addresses is not None:
            return
        begun = time.perf_counter()
        with message(parts.announcement(self.layout, self.dtype)):
            self._addresses = parts.addresses(self.layout, self.dtype)
            if self._cold:
                self._advance(0)
        self.wall_s["kernels"] += time.perf_counter() - begun

    def _next_chunk(self, size: int, last: int) -> int:
        """Run one chunk of about ``size`` steps; returns the size of the next one."""
        n = min(size, last - self.step, self._until_stop(), most_steps(self.program.probes))
        begun = time.perf_counter()
        self._chunk(n)
        took = time.perf_counter() - begun
        per_step = max(took / n, 1e-9)
        return int(np.clip(CHUNK_S / per_step, 1, min(LARGEST_CHUNK, 4 * size)))

    def _chunk(self, n_steps: int) -> None:
        """Run ``n_steps`` steps and keep what they recorded."""
        self._advance(n_steps)
        self.step += n_steps
        taught.teach_all(self.stores.lessons.values(), self.step, self.stores.stochastic)
        self._sample_weights()

    def _advance(self, n_steps: int) -> None:
        samples, amplitudes = sample_buffer(self.program.probes, self.step, n_steps), self._amplitudes(n_steps)
        done, per_step = 0, 2 * max(len(self.layout.groups), 1)
        while done < n_steps or self._cold:
            rest = n_steps - done
            gids, stamps = self._pending
            self._queues.make_room(len(gids) * self.stores.most)
            ends = np.zeros((self.layout.n_blocks, rest * per_step), np.int64)
            fixed = (self.step + done, rest, self._batch, self.network.dt, self.stores.most, self._reserve, self._addresses, *self.program)
            found = (
                np.ascontiguousarray(amplitudes[:, done:]),
                samples,
                np.stack([gids, stamps]),
                self._queues.arrays(),
                self._queues.filling,
                *self._log,
                ends,
                *self._work,
            )
            went = self._team.run(kernels.run, *fixed, *found)
            self._cold = False
            self._collect(self.step + done, went, per_step, ends)
            done += went
        self.recordings.add_samples(self.network, self.program.probes, samples, self.step + n_steps)
        plastic_store.check_history(self.stores.plastic)

    def _collect(self, first_step: int, n_steps: int, per_step: int, ends: Int64) -> None:
        """Keep the spikes of a call; those of its last batch are still to be queued."""
        if n_steps == 0:
            return
        n = int(ends[:, n_steps * per_step - 1].sum())
        gids, stamps, times = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)
        heads = self._work[0]
        kernels.collect(0, first_step, n_steps * per_step, per_step, self.network.dt, *self._log, ends, heads, gids, stamps, times)  # pyright: ignore[reportCallIssue]
        last_batch = (n_steps - 1) // self._batch * self._batch
        late = np.searchsorted(stamps, first_step + last_batch, side="right")
        self._pending = (gids[late:], stamps[late:])
        self._keep(gids, stamps, times, first_step + n_steps)

    def _prime(self) -> None:
        """Samples at the current time, and source spikes due exactly now."""
        if self._primed == self.step:
            return
        self._primed = self.step
        gids, stamps, times = build.take_due(self.network, self.layout, self.program.sources, self.step)
        if len(gids):
            self._pending = tuple(np.concatenate(pair) for pair in zip(self._pending, (gids, stamps), strict=True))
            self._keep(gids, stamps, times, self.step)
        self._sample_now()
        self._sample_weights()

    def _keep(self, gids: Int64, stamps: Int64, times: Floats, now: int) -> None:
        """Count and record new spikes up to step ``now``, and remember those that are still on their way."""
        if not len(gids):
            return
        kernels.tally(gids, self._counts)  # pyright: ignore[reportCallIssue]
        for lesson in self.stores.lessons.values():
            lesson.note(gids, stamps)
        oldest = now - self.stores.max_delay
        recent, new = self._history[1] > oldest, np.searchsorted(stamps, oldest, side="right")
        self._history = (np.concatenate([self._history[0][recent], gids[new:]]), np.concatenate([self._history[1][recent], stamps[new:]]))
        self.recordings.add_spikes(self.network, self.layout, gids, stamps, times)
        live.collect(self, gids, times)

    def _sample_now(self) -> None:
        """Sample all probes at the current time, unless they were sampled by the last step."""
        self.recordings.add_now(self.network, self.layout, self.program, self.step)

    def _amplitudes(self, n_steps: int) -> Floats:
        rows = [currents.amplitudes(c, self.step, n_steps, self.network.dt) for c in self.network.currents]
        self.recordings.add_currents(self.network, rows)
        return np.stack(rows) if rows else np.zeros((0, n_steps))

    def _until_stop(self) -> int:
        """Steps to the next sample of weights, or the next end of an epoch."""
        lengths = [*map(self._weight_steps, self.network.weight_probes), *(one.epoch_steps for one in self.stores.lessons.values())]
        return min((s - self.step % s for s in lengths), default=LARGEST_CHUNK)

    def _weight_steps(self, probe: WeightProbe) -> int:
        return max(round(probe.interval / self.network.dt), 1)

    def _sample_weights(self) -> None:
        for probe in self.network.weight_probes:
            if self.step % self._weight_steps(probe) == 0:
                self.recordings.add_weights(probe, self.t_ms, lambda probe=probe: self._column(probe.projection, probe.variable))

    # --- results -----------------------------------------------------------------------------
    def spikes(self, population: int) -> tuple[Int64, Floats]:
        """Recorded spikes of a population: cell indices and times in ms, sorted by time."""
        return self.recordings.spikes[population].arrays()

    def samples(self, population: int, variable: str) -> tuple[Int64, Floats, Floats]:
        """Recorded cells, times in ms and values (n_samples, n_cells) of one variable."""
        return self.recordings.samples[population, variable].arrays()

    def counts(self, population: int) -> Int64:
        """Number of spikes of every cell since the start, recorded or not."""
        base, member = self.layout.base(population), self.network.populations[population]
        logged = self._counts[base : base + member.size].copy()
        if population in self.driving:
            logged += drives.counts(self.network, member, self.rates[population], 1, self.step)
        return logged

    def weights(self, projection: int) -> Rows:
        """Synapses of a projection with their present weights, and tags if they learn them, in expansion order."""
        rows = connectivity.expand(self.network, self.network.projections[projection])
        plastic_store.settle_all(self.stores.plastic, self.step)
        now = stores.learned(self.stores, self.network.projections[projection])
        return Rows(rows.start, rows.indptr, rows.post, {**rows.columns, **now})

    def _column(self, projection: int, variable: str) -> Floats:
        rows = self.weights(projection)
        return np.full(rows.size, rows.columns[variable], np.float64)

    def weight_samples(self, projection: int, variable: str = "weight") -> tuple[Floats, Floats]:
        """Times in ms and weights (n_times, n_synapses) recorded by a weight probe."""
        return self.recordings.weights[projection, variable].arrays()

    def currents(self, current: int) -> tuple[Floats, Floats]:
        """Times in ms and values in nA of a recorded current, now included."""
        spec = self.network.currents[current]
        now = currents.amplitudes(spec, self.step, 1, self.network.dt)
        values = np.concatenate([*self.recordings.currents[current], now])
        times = (self.step + 1 - len(values) + np.arange(len(values))) * self.network.dt
        return times.astype(np.float64), values

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far."""
        self.recordings.clear(population)
        self._primed = -1

    def state(self, population: int, variable: str) -> Floats:
        """Present value of a state variable of every cell, shape (size,)."""
        return carry.read_state(self, population, variable)

    # --- changes -----------------------------------------------------------------------------
    def update(self, network: Network) -> None:
        """Continue with a changed network.

        Parts that are the same objects as before keep their state; changed populations keep their
        membrane state and take the new parameters; new parts start from their initial state.
        """
        carry.update(self, network)

    def reset(self) -> None:
        """Back to time zero and the initial state; recordings are cleared."""
        self.recordings, self.watched = Recordings(), set()
        self._load(self.network, {}, step=0)
        if self.live is not None:
            self.live.clear()
