"""One network on one chip: translate, map, realise, compile, run.

On the ideal reference (no chip) the network runs as it is described, in float64. On a chip it is
first written in the chip's terms, placed, and given the weights and delays of its place; what was
lost on the way is in ``session.ledger``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim._continued import continued, unchanged, with_initial
from neurosim._cost import Counted, cost_of, costs_alike
from neurosim._fit import Fit, explain, fit, recarries  # noqa: F401 - rooms above take them from here
from neurosim._working_points import Choice, Kept, checked
from neurosim.chips.chip import Chip, Cost
from neurosim.chips.synapses import in_own_unit
from neurosim.errors import LossWarning, RecordFileError
from neurosim.losses import Ledger, Loss, users_level
from neurosim.mapping import Mapping, Options, Pin
from neurosim.network import Network, Rows

if TYPE_CHECKING:
    from neurosim.engine import Simulation
    from neurosim.engine.record_file import RecordFile
    from neurosim.engine.recording import Results

_NEEDS_DOUBLE = "The chip's neurons count in whole numbers, which only double precision holds exactly; it is used."

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


class Session:
    """A network, placed on a chip (or on none), that can run.

    Parameters
    ----------
    network
        As described by the user.
    chip
        ``None`` is the ideal reference.
    threads, precision, pace, slice_ms, max_memory
        See :class:`neurosim.engine.Simulation`. Chips whose neurons count in whole numbers run in double
        precision whatever is asked for, which is then in the ledger.
    approximate, pins, placing, progress
        See :func:`fit`.
    record_to, overwrite
        HDF5 file for spikes and samples, which then stay out of memory; whether it may replace one.
    working_point
        Where a chip writes conductances as currents, or currents as conductances: ``"measured"``, the mean
        potential of each population in a short run on the ideal reference, once; ``"midway"`` between ``v_rest``
        and ``v_thresh``; a potential in mV; or potentials by label, the others measured.
    cost
        Keep who fired when, of all cells, so that :meth:`cost` knows; 8 bytes a spike, on chips with a model only.

    Attributes
    ----------
    live
        A :class:`neurosim.live.Hub` through which spikes come and go while it runs, or ``None``.

    Examples
    --------
    >>> from neurosim.network import Network
    >>> session = Session(Network(dt=0.1, seed=1))
    >>> session.run_until(1.0)
    >>> session.t_ms
    1.0
    """

    def __init__(
        self,
        network: Network,
        chip: Chip | None = None,
        *,
        threads: int = 1,
        precision: str = "float64",
        pace: str = "accelerated",
        slice_ms: float = 5.0,
        max_memory: float | None = None,
        approximate: Iterable[str] = (),
        pins: Sequence[Pin] = (),
        placing: Options | None = None,
        progress: bool | None = None,
        record_to: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        working_point: Choice = "measured",
        cost: bool = False,
    ) -> None:
        self._single = precision == "float32" and chip is not None and chip.whole_numbers  # asked for what would not be exact
        held = "float64" if self._single else precision
        self._options = {"threads": threads, "precision": held, "pace": pace, "slice_ms": slice_ms, "max_memory": max_memory}
        self._approximate, self.pins, self._placing = tuple(approximate), tuple(pins), placing
        self._progress = progress
        self._points = Kept("midway" if chip is None else checked(working_point, where="Session"))
        self._keeps_spikes, self._counted = cost and chip is not None and chip.has_cost, Counted()
        self.chip, self.network = chip, network
        self.live: Any = None
        self._warned: set[str] = set()
        self._simulation: Simulation | None = None
        self.fit = self._fitted(network)
        self._start = self.fit.network
        self._file = None if record_to is None else self._record_file(record_to, overwrite)

    def _record_file(self, path: str | os.PathLike[str], overwrite: bool) -> RecordFile:
        from neurosim import __version__
        from neurosim.engine.record_file import RecordFile

        precision, chip = str(self._options["precision"]), _chip_name(self.chip)
        about = {"neurosim_version": __version__, "dt_ms": self.network.dt, "seed": self.network.seed, "precision": precision, "chip": chip}
        return RecordFile(record_path(path, overwrite=overwrite), overwrite=overwrite, dtype=precision, about=about)

    def _fitted(self, network: Network) -> Fit:
        network = self._pointed(network)
        result = fit(network, self.chip, approximate=self._approximate, pins=self.pins, placing=self._placing, progress=self._progress)
        if self._single:
            result.ledger.add(Loss("ignored", "setup()", "precision='float32'", 1, detail=_NEEDS_DOUBLE))
        result.wall_s |= self._points.wall_s
        self._warn(result.ledger)
        return result

    def _pointed(self, network: Network) -> Network:
        """The network with its working points, which are measured when the chip first needs them."""
        needed = partial(recarries, network, self.chip, approximate=self._approximate, pins=self.pins)
        return self._points.put(network, needed, threads=self._options["threads"], max_memory=self._options["max_memory"])

    def _warn(self, losses: Iterable[Loss]) -> None:
        """One warning per kind of loss that was not warned of before."""
        fresh = Ledger([loss for loss in losses if loss.kind not in self._warned])
        self._warned |= set(fresh.kinds())
        fresh.warn()

    # --- what it is ------------------------------------------------------------------------
    @property
    def mapping(self) -> Mapping | None:
        """Where everything is; ``None`` on the ideal reference."""
        return self.fit.mapping

    @property
    def ledger(self) -> Ledger:
        """All losses so far."""
        return self.fit.ledger

    @property
    def simulation(self) -> Simulation:
        """The running network; compiled when first asked for."""
        if self._simulation is None:
            from neurosim.engine import Simulation

            self._simulation = Simulation(self.fit.network, **self._options)  # type: ignore[arg-type]
            self._record_to_file()
            self._keep_spikes()
        return self._simulation

    @property
    def t_ms(self) -> float:
        """Simulated time in ms."""
        return 0.0 if self._simulation is None else self._simulation.t_ms

    @property
    def wall_s(self) -> dict[str, float]:
        """Seconds spent per stage so far."""
        return {**self.fit.wall_s, **(self._simulation.wall_s if self._simulation else {})}

    # --- life ------------------------------------------------------------------------------
    def update(self, network: Network) -> None:
        """Continue with a changed network; parts that are the same objects are unchanged. If it fails all stays as it was."""
        if network is self.network:
            return
        before, old, fitted, start = self.network, self.fit.network, self.fit, self._start
        placed = self.fit.mapping
        if unchanged(before.populations, network.populations) and unchanged(before.projections, network.projections):
            running = self._observed(network)
        else:
            fitted = self._fitted(network)
            running = start = fitted.network
            if self.chip is not None and self._simulation is not None:
                running = continued(before, network, old, running)
        if self._simulation is not None:
            self._simulation.update(running)
        fitted.network, self.fit, self._start, self.network = running, fitted, start, network
        if self._simulation is not None and not costs_alike(old, placed, running, fitted.mapping):
            self._counted = Counted.now(self._simulation)

    def _observed(self, network: Network) -> Network:
        """The running network with other currents and probes, as far as the chip has them."""
        if self.fit.chip is not None:
            translation = self.fit.chip.translate(self._pointed(network), self.fit.chip.check_approximations(self._approximate))
            known = set(self.ledger)
            fresh = [loss for loss in translation.losses if loss not in known]
            self.ledger.extend(fresh)
            self._warn(fresh)
            network = translation.network
        changed = {"currents": network.currents, "probes": network.probes, "weight_probes": network.weight_probes}
        return replace(self.fit.network, **changed)

    def run_until(self, t_ms: float, *, progress: bool | None = None, on_chunk: Callable[[float], None] | None = None) -> None:
        """Run until ``t_ms``; see :meth:`neurosim.engine.Simulation.run_until`.

        Raises
        ------
        MemoryLimitError
            If what is recorded would not fit in memory.
        RecordFileError
            If the file of recordings cannot be written, or the disk has no room for it.
        """
        self._check_room(t_ms)
        self.simulation.live = self.live
        recordings = self.simulation.recordings
        recordings.begin_run(self.fit.network, self.t_ms, t_ms)
        try:
            self.simulation.run_until(t_ms, progress=progress, on_chunk=recordings.after_chunk(on_chunk))
        except RecordFileError:
            self._close_file()
            raise
        except BaseException:
            recordings.write(self.t_ms)
            self._close_file()
            self._tell()
            raise
        recordings.write(self.t_ms)
        self._close_file()
        self._tell()

    def _tell(self) -> None:
        """Warn of slices that were late and of live spikes that were dropped."""
        if self.simulation.realtime.overruns and "realtime" not in self._warned:
            self._warned.add("realtime")
            warnings.warn(f"{self.simulation.realtime.summary()}. realtime_report() has more.", LossWarning, stacklevel=users_level())
        if self.live is not None:
            self.live.warn()

    def _check_room(self, t_ms: float) -> None:
        """Refuse a run whose samples fit neither in memory nor, where they go to a file, on its disk."""
        from neurosim.engine import memory

        if self._file is None:
            memory.check_samples(self.fit.network, self.t_ms, t_ms)
        else:
            self._file.check_run(self.fit.network, self.t_ms, t_ms)

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    def _record_to_file(self) -> None:
        if self._file is not None and self._simulation is not None:
            self._simulation.recordings.write_to(self._file)

    def _keep_spikes(self) -> None:
        """Begin to count what the run takes, from time zero."""
        self._counted = Counted()
        if self._keeps_spikes and self._simulation is not None:
            from neurosim.engine import event_log

            event_log.begin(self._simulation)

    def reset(self) -> None:
        """Back to time zero and the initial state; recordings are cleared."""
        if self._simulation is not None:
            self.fit.network = with_initial(self.fit.network, self._start)
            self._simulation.update(self.fit.network)
            self._simulation.reset()
            self._record_to_file()
            self._keep_spikes()

    def save_state(self, path: str | os.PathLike[str], *, about: MappingOf[str, Any] | None = None) -> None:
        """Write everything that evolves, and plain values ``about`` it, to a file; :meth:`load_state` continues exactly.

        Raises
        ------
        StateFileError
            If the file cannot be written; one that was there is unharmed.
        """
        from neurosim import __version__
        from neurosim.engine import state

        state.save(self.simulation, path, version=__version__, chip=_chip_name(self.chip), about=about)

    def load_state(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Continue from a state that was saved of the same network; gives back what ``about`` was.

        Raises
        ------
        StateFileError
            If the file cannot be read, or belongs to another network, chip or version. Nothing has
            changed then.
        """
        from neurosim import __version__
        from neurosim.engine import state

        file = state.read(path, self.fit.network, precision=str(self._options["precision"]), chip=_chip_name(self.chip))
        written_by = file.manifest.get("neurosim")
        if written_by != __version__:
            text = f"{file.where} was written by neurosim {written_by}, this is {__version__}: the run may not go on bit for bit."
            warnings.warn(text, UserWarning, stacklevel=users_level())
        state.load(self.simulation, file)
        self._counted = Counted.now(self.simulation)
        return dict(file.manifest.get("about") or {})

    # --- results ---------------------------------------------------------------------------
    def spikes(self, population: int) -> tuple[Int64, Floats]:
        """Recorded spikes: cell indices and times in ms, sorted by time."""
        return self.simulation.spikes(population)

    def samples(self, population: int, variable: str, cells: Int64 | None = None) -> tuple[Int64, Floats, Floats]:
        """Cells, times in ms and values (n_samples, n_cells): of all recorded cells, or of ``cells`` in their order."""
        return self.results().samples(population, variable, cells)

    def results(self) -> Results:
        """Reads spikes and samples recorded since the last reset, and goes on reading those after another one."""
        from neurosim.engine.recording import Results

        return Results(self.simulation.recordings)

    def counts(self, population: int) -> Int64:
        """Number of spikes of every cell since the start."""
        return self.simulation.counts(population)

    def cost(self, **options: Any) -> Cost:
        """What the run takes on the chip, since time zero or since the network on the chip last became another one.

        Parameters
        ----------
        options
            Those of the chip's model, for Loihi ``profile``, ``detailed`` and ``static``.

        Returns
        -------
        Cost
            Time and energy, by step, core and population, where the chip has a model
            (:class:`neurosim.chips.loihi.cost.report.CostReport`); memory and operations on any chip
            (:class:`neurosim.chips.operations_report.OperationsReport`).

        Raises
        ------
        StateError
            If nothing ran yet, or spikes are missing because neither ``cost=True`` was given nor all recorded.
        UnsupportedError
            If options are given and the chip has no model.
        UnknownNameError
            If there is no such profile.
        MemoryLimitError
            If there are too many spikes to count.
        """
        return cost_of(self.simulation, self.fit, self._counted, options)

    def weights(self, projection: int) -> Rows:
        """Synapses of a projection with their present weights, in the user's unit."""
        rows = self.simulation.weights(projection)
        own = in_own_unit(self.fit.network.projections[projection], rows.columns["weight"], rows.post)
        return replace(rows, columns={**rows.columns, "weight": own})

    def weight_samples(self, projection: int, variable: str = "weight") -> tuple[Floats, Floats]:
        """Times in ms and recorded weights (n_times, n_synapses), in the user's unit."""
        times_ms, values = self.simulation.weight_samples(projection, variable)
        if variable == "weight" and self.chip is not None:
            post = self.simulation.weights(projection).post
            values = np.asarray(in_own_unit(self.fit.network.projections[projection], values, post))
        return times_ms, values

    def currents(self, current: int) -> tuple[Floats, Floats]:
        """Times in ms and values in nA of a recorded current."""
        return self.simulation.currents(current)

    def state(self, population: int, variable: str) -> Floats:
        """Present value of a state variable of every cell."""
        return self.simulation.state(population, variable)

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far."""
        if self._simulation is not None:
            self._simulation.clear(population)
            self._close_file()


def record_path(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """The absolute path of a file for recordings; see :func:`neurosim.engine.record_file.check_path`."""
    from neurosim.engine.record_file import check_path

    return check_path(path, overwrite=overwrite)


def _chip_name(chip: Chip | None) -> str:
    return "ideal" if chip is None else chip.name
