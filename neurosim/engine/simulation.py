"""A running network: compiles, runs, records, and takes changes between runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim.engine import barrier, build, carry, currents, kernels, pacing, plastic_store, stores
from neurosim.engine import layout as lay
from neurosim.engine.program import Program
from neurosim.engine.recording import Recordings, sample_buffer
from neurosim.errors import ParameterError, StateError
from neurosim.network import Network, Rows, WeightProbe

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Wall time aimed at per chunk, so that Ctrl-C and the progress bar feel immediate.
CHUNK_S = 0.1
#: Steps of the first chunk, and the most steps a chunk may have.
FIRST_CHUNK, LARGEST_CHUNK = 100, 20_000


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

    Raises
    ------
    ParameterError
        For parameters no model can have, delays below the step, unknown pace or precision.
    """

    def __init__(self, network: Network, *, threads: int = 1, precision: str = "float64", pace: str = "accelerated") -> None:
        if precision not in ("float64", "float32"):
            raise ParameterError(
                f"precision '{precision}' is not known.",
                where="setup()",
                used=precision,
                limit="float64, float32",
                remedy="Use one of these.",
            )
        if not 1 <= int(threads) <= 1024:
            raise ParameterError(
                "the number of threads must be 1 to 1024.", where="setup()", used=threads, limit=1024, remedy="Use the number of cores."
            )
        if not (network.dt > 0 and np.isfinite(network.dt)):
            raise ParameterError(
                f"the time step {network.dt} ms is not positive.",
                where="setup()",
                used=network.dt,
                limit=0.0,
                remedy="Use for example 0.1.",
            )
        self.threads = int(threads)
        self.dtype = np.float64 if precision == "float64" else np.float32
        self.pace = pacing.check_pace(pace)
        self.realtime = pacing.RealTime()
        self._barrier = barrier.make(self.threads)
        self._pool = ThreadPoolExecutor(self.threads - 1, "neurosim") if self._barrier else None
        self.interrupted = False
        self.wall_s = {"compile": 0.0, "kernels": 0.0, "run": 0.0}
        self._cold = True
        self.recordings = Recordings()
        self._load(network, {}, step=0)

    # --- compile ---------------------------------------------------------------------------
    def _load(self, network: Network, memories: dict[int, stores.Memory | plastic_store.Memory], *, step: int) -> None:
        begun = time.perf_counter()
        self.network, self.step = network, step
        self.layout = lay.plan(network, self.threads)
        for current in network.currents:
            currents.check(current)
        cells = build.empty_cells(self.layout, self.dtype)
        for population in network.populations:
            if not population.is_source:
                values = build.write_parameters(network, self.layout, cells, population)
                build.write_state(self.layout, cells, population, values)
        self.stores = stores.build(network, self.layout, self.dtype, memories)
        sources = build.build_sources(network, self.layout, now_ms=step * network.dt, now_step=step if step else -1)
        self._assemble(cells, sources)
        self._history = self._pending = (np.empty(0, np.int64), np.empty(0, np.int64))
        self._primed = -1
        self._counts = np.zeros(self.layout.n_cells, np.int64)
        self._new_queue()
        self.wall_s["compile"] += time.perf_counter() - begun

    def _assemble(self, cells: object, sources: object) -> None:
        s = self.stores
        injection, probes = build.build_injection(self.network, self.layout), build.build_probes(self.network, self.layout)
        self.program = Program(cells, sources, s.segments, s.static, s.depressing, s.stochastic, s.plastic, injection, probes)  # type: ignore[arg-type]

    def _new_queue(self) -> None:
        n_blocks, slots = self.layout.n_blocks, self.stores.max_delay + 2
        self._queue = np.zeros((n_blocks, slots, 64), np.int64)
        self._n_queued = np.zeros((n_blocks, slots), np.int64)
        self._batch = min(max(self.stores.min_delay, 1), 64) if self.stores.n_synapses else 16
        capacity = self._capacity()
        self._out = (np.empty((n_blocks, capacity), np.int64), np.empty((n_blocks, capacity)))
        self._out_ptr = np.zeros((n_blocks, self._batch, 2, max(len(self.layout.groups), 1)), np.int64)

    def _capacity(self) -> int:
        """Spikes a block may emit in one batch: 8 a neuron in one step, 2 a neuron and step on average."""
        sizes = self.layout.parts[:, lay.SIZE].reshape(self.layout.n_blocks, -1).sum(axis=1)
        per_step = build.most_spikes_per_step(self.network, self.program.sources)
        return int(sizes.max(initial=0)) * (16 + 2 * self._batch) + per_step * (self._batch + 8)

    # --- time ------------------------------------------------------------------------------
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
        self._warm()
        begun = time.perf_counter()
        bar = pacing.Progress((last - self.step) * self.network.dt, progress)
        first = self.step
        self._prime()
        self.realtime.start(self.t_ms)
        with pacing.interruptible() as interrupt:
            size = FIRST_CHUNK
            while self.step < last and not interrupt.pressed:
                size = self._next_chunk(size, last)
                bar.update((self.step - first) * self.network.dt)
                if self.pace == "realtime":
                    self.realtime.wait(self.t_ms)
                if on_chunk is not None:
                    on_chunk(self.t_ms)
        bar.close()
        self.wall_s["run"] += time.perf_counter() - begun
        if interrupt.pressed:
            self.interrupted = True
            raise KeyboardInterrupt

    def _warm(self) -> None:
        """Compile the kernels, or load them from the cache, before the clock of the run starts."""
        if not self._cold:
            return
        begun = time.perf_counter()
        with pacing.message("compiling kernels; this happens once per installation and precision and takes 15 to 30 s"):
            self._advance(0)
        self.wall_s["kernels"] += time.perf_counter() - begun

    def _next_chunk(self, size: int, last: int) -> int:
        """Run one chunk of about ``size`` steps; returns the size of the next one."""
        n = min(size, last - self.step, self._until_weight_sample())
        begun = time.perf_counter()
        self._chunk(n)
        took = time.perf_counter() - begun
        aim = 0.005 if self.pace == "realtime" else CHUNK_S
        per_step = max(took / n, 1e-9)
        limit = max(1, round(5.0 / self.network.dt)) if self.pace == "realtime" else LARGEST_CHUNK
        return int(np.clip(aim / per_step, 1, min(limit, 4 * size)))

    def _chunk(self, n_steps: int) -> None:
        """Run ``n_steps`` steps and keep what they recorded."""
        self._advance(n_steps)
        self.step += n_steps
        self._sample_weights()

    def _advance(self, n_steps: int) -> None:
        samples, amplitudes = sample_buffer(self.program.probes, self.step, n_steps), self._amplitudes(n_steps)
        gids, stamps = self._pending
        size = max(4096, 4 * len(gids))
        store = [_padded(gids, size, np.int64), _padded(stamps, size, np.int64), np.zeros(size)]
        clock = np.array([0, len(gids), 0, kernels.GO_ON], np.int64)
        self._make_room(clock, store)
        while clock[kernels.DONE] < n_steps or self._cold:
            fixed = (clock, self.step, n_steps, self._batch, self.network.dt, self.stores.most, *self.program, amplitudes, samples)
            self._run_blocks(*fixed, *store, self._queue, self._n_queued, *self._out, self._out_ptr)
            self._make_room(clock, store, min(self._batch, n_steps - int(clock[kernels.DONE])))
            self._cold = False
        first, (count, pending) = len(gids), clock[[kernels.COUNT, kernels.PENDING]]
        self._pending = (store[0][pending:count].copy(), store[1][pending:count].copy())
        self._keep(store[0][first:count], store[1][first:count], store[2][first:count])
        self.recordings.add_samples(self.network, self.program.probes, samples, self.step + n_steps)
        self._check_history()

    def _check_history(self) -> None:
        if self.program.plastic.overflow.any():
            raise StateError(
                "a postsynaptic cell fired more often within two dendritic delays than the STDP store holds.",
                where="STDP", used=int(self.program.plastic.overflow.sum()), limit=self.program.plastic.hist_step.shape[1],
                remedy="Its rate is far above one spike a step; check weights and refractory time.",
            )  # fmt: skip

    def _run_blocks(self, *work: object) -> None:
        """Run all blocks, one thread each, or one after another without a barrier."""
        n_blocks = self.layout.n_blocks
        if self._barrier is None or self._pool is None:
            kernels.run(0, n_blocks, barrier.NO_BARRIER, *work)
            return
        share = n_blocks // self.threads
        others = [self._pool.submit(kernels.run, t * share, (t + 1) * share, self._barrier.address, *work) for t in range(1, self.threads)]
        kernels.run(0, share, self._barrier.address, *work)
        for other in others:
            other.result()

    def _make_room(self, clock: Int64, store: list[NDArray[np.generic]], n_steps: int = 0) -> None:
        """Enlarge the stores that a run found full, and finish its exchange."""
        if clock[kernels.STATUS] == kernels.SPIKES_FULL:
            size = 2 * (int(clock[kernels.COUNT]) + int(kernels.total_spikes(n_steps, self._out_ptr)))
            store[:] = [_padded(array, size, array.dtype.type) for array in store]
            first = self.step + int(clock[kernels.DONE])
            room = self._queue.shape[2]
            batch = (*self._out, self._out_ptr, *store, self._n_queued, room)
            kernels.exchange(clock, first, n_steps, self.network.dt, self.stores.most, *batch)  # pyright: ignore[reportCallIssue]
        needed = int(self._n_queued.max()) + int(clock[kernels.COUNT] - clock[kernels.PENDING]) * self.stores.most
        if needed > self._queue.shape[2]:
            wider = np.empty((*self._queue.shape[:2], 2 * needed), np.int64)
            wider[:, :, : self._queue.shape[2]] = self._queue
            self._queue = wider
        clock[kernels.STATUS] = kernels.GO_ON

    def _prime(self) -> None:
        """Samples at the current time, and source spikes due exactly now."""
        if self._primed == self.step:
            return
        self._primed = self.step
        sources = self.program.sources
        found = []
        for population in self.network.populations:
            if population.model == "array_source":
                where = build.source_index(self.layout, population)
                for cell, i in enumerate(where):
                    while sources.draws[i] < sources.stop_index[i] and sources.stamps[sources.draws[i]] <= self.step:
                        if sources.stamps[sources.draws[i]] == self.step:
                            found.append((self.layout.base(population.id) + cell, self.step, sources.times_ms[sources.draws[i]]))
                        sources.draws[i] += 1
        if found:
            gids, stamps, times = (np.array(column) for column in zip(*found, strict=True))
            self._pending = tuple(np.concatenate(pair) for pair in zip(self._pending, (gids, stamps), strict=True))
            self._keep(gids, stamps, times)
        self._sample_now()
        self._sample_weights()

    def _keep(self, gids: Int64, stamps: Int64, times: Floats) -> None:
        """Count and record new spikes, and remember those that are still on their way."""
        if not len(gids):
            return
        self._counts += np.bincount(gids, minlength=self.layout.n_cells)
        recent = self._history[1] > self.step - self.stores.max_delay
        self._history = (np.concatenate([self._history[0][recent], gids]), np.concatenate([self._history[1][recent], stamps]))
        self.recordings.add_spikes(self.network, self.layout, gids, times)

    def _sample_now(self) -> None:
        """Sample all probes at the current time, unless they were sampled by the last step."""
        self.recordings.add_now(self.network, self.layout, self.program, self.step)

    def _amplitudes(self, n_steps: int) -> Floats:
        rows = [currents.amplitudes(c, self.step, n_steps, self.network.dt) for c in self.network.currents]
        self.recordings.add_currents(self.network, rows)
        return np.stack(rows) if rows else np.zeros((0, n_steps))

    def _until_weight_sample(self) -> int:
        waits = [s - self.step % s for s in map(self._weight_steps, self.network.weight_probes)]
        return min(waits, default=LARGEST_CHUNK)

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
        base = self.layout.base(population)
        return self._counts[base : base + self.network.populations[population].size].copy()

    def weights(self, projection: int) -> Rows:
        """Synapses of a projection with their present weights, in expansion order."""
        rows = connectivity.expand(self.network, self.network.projections[projection])
        plastic_store.settle_all(self.stores.plastic, self.step)
        now = self._plastic_weights(projection)
        return rows if now is None else Rows(rows.start, rows.indptr, rows.post, {**rows.columns, "weight": now})

    def _plastic_weights(self, projection: int) -> Floats | None:
        now = stores.current_weights(self.stores, self.network.projections[projection])
        return None if now is None else now.astype(np.float64)

    def _column(self, projection: int, variable: str) -> Floats:
        rows = self.weights(projection)
        return np.broadcast_to(np.asarray(rows.columns[variable], np.float64), (rows.size,)).copy()

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
        self.recordings = Recordings()
        self._load(self.network, {}, step=0)


def _padded(values: NDArray[np.generic], size: int, dtype: type) -> NDArray[np.generic]:
    out = np.zeros(size, dtype)
    out[: len(values)] = values
    return out
