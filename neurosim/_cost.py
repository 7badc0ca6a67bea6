"""What the run of a session took so far: who fired when, gathered for the chip's model, or counted for operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim._continued import unchanged
from neurosim._fit import Fit
from neurosim.chips.chip import Cost
from neurosim.errors import MemoryLimitError, StateError, UnsupportedError
from neurosim.machine import available_bytes, size_text
from neurosim.mapping import Mapping as Placement
from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.engine import Simulation
    from neurosim.engine.event_log import Fired

Int64 = NDArray[np.int64]
#: Memory that counting takes for each spike, at most: steps, cells, their order and copies of them.
SPIKE_BYTES = 100
#: Recorded times lie inside a step or at its end, up to this part of one.
TOLERANCE_STEPS = 1e-6


@dataclass(frozen=True, slots=True)
class Counted:
    """From where on a run is counted: its step, and how often each cell had fired before, by population id.

    A run is counted anew where the network on the chip became another one: what came before took place on other cores.
    """

    since: int = 0
    before: Mapping[int, Int64] = field(default_factory=dict)

    @classmethod
    def now(cls, simulation: Simulation) -> Counted:
        """Count from the present step on, and let the log of spikes begin there too."""
        if simulation.recordings.log is not None:
            simulation.recordings.log.begin(simulation.step)
        return cls(simulation.step, {p.id: simulation.counts(p.id) for p in simulation.network.populations})


def costs_alike(old: Network, placed: Placement | None, new: Network, now: Placement | None) -> bool:
    """True if one spike causes the same in two networks: same projections, same places, same kinds of neurons."""
    if not unchanged(old.projections, new.projections) or len(old.populations) != len(new.populations):
        return False
    kinds = [[(p.size, p.model, [r.kind for r in p.receptors]) for p in network.populations] for network in (old, new)]
    if kinds[0] != kinds[1] or (placed is None) != (now is None):
        return False
    if placed is None or now is None or placed is now:
        return True
    pairs = zip((*placed.core_of, *placed.local_of), (*now.core_of, *now.local_of), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def cost_of(simulation: Simulation, fit: Fit, counted: Counted, options: Mapping[str, Any]) -> Cost:
    """Cost of the run since ``counted``; see :meth:`neurosim.session.Session.cost`."""
    n_steps = simulation.step - counted.since
    if n_steps < 1:
        since = f" since the network was changed at {simulation.t_ms:g} ms" if counted.since else ""
        raise StateError(f"nothing has run yet{since}.", where="cost()", remedy="Call run() before.")
    begin_ms, chip = counted.since * fit.network.dt, fit.chip
    if chip is None or not chip.has_cost:
        return _operations(simulation, fit, counted, options)
    if fit.mapping is None:
        raise StateError("the network is not placed.", where="cost()", remedy="Call run() before.")
    return chip.cost(fit.network, fit.mapping, _spikes(simulation, counted), n_steps, begin_ms=begin_ms, **options)


def _operations(simulation: Simulation, fit: Fit, counted: Counted, options: Mapping[str, Any]) -> Cost:
    """Memory and operations only: for them the engine's counts will do."""
    from neurosim.chips.operations import WordBits, operations_of_counts
    from neurosim.chips.operations_report import OperationsReport

    chip, title = fit.chip, "the ideal reference" if fit.chip is None else fit.chip.title
    reason = f"{title} is no hardware." if chip is None else f"{title} has no model of them."
    if options:
        name = next(iter(options))
        remedy = f"Leave '{name}' out: without it memory and operations are counted."
        raise UnsupportedError(f"{title} has no model of time and energy.", where="cost()", used=name, remedy=remedy)
    bits = simulation.dtype(0).itemsize * 8
    words = WordBits(bits, bits) if chip is None else chip.word_bits()
    n_steps = simulation.step - counted.since
    found = operations_of_counts(fit.network, _counts(simulation, counted), n_steps, words)
    return OperationsReport(title, reason, fit.network.dt, counted.since * fit.network.dt, n_steps, words, found)


def _counts(simulation: Simulation, counted: Counted) -> list[Int64]:
    """Spikes of each cell since the run is counted."""
    return [simulation.counts(p.id) - counted.before.get(p.id, 0) for p in simulation.network.populations]


def _spikes(simulation: Simulation, counted: Counted) -> Fired:
    """Steps and cells of all spikes.

    Raises
    ------
    StateError
        If they were neither kept nor recorded; names the populations.
    MemoryLimitError
        If there are too many to count.
    """
    from neurosim.engine import event_log

    counts = _counts(simulation, counted)
    n_spikes, available = sum(int(column.sum()) for column in counts), available_bytes()
    if available is not None and n_spikes * SPIKE_BYTES > available:
        text = f"counting {n_spikes:,} spikes takes {size_text(n_spikes * SPIKE_BYTES)} of memory, {size_text(available)} are available."
        remedy = "Run for a shorter time, or reset() and run again."
        raise MemoryLimitError(text, where="cost()", used=n_spikes * SPIKE_BYTES, limit=available, remedy=remedy)
    if simulation.recordings.log is not None:
        return event_log.fired(simulation)
    found = {p.id: _recorded(simulation, p.id, counted.since) for p in simulation.network.populations}
    missing = [
        f"'{p.label}' ({len(found[p.id][0]):,} of {n.sum():,} spikes are)"
        for p, n in zip(simulation.network.populations, counts, strict=True)
        if not np.array_equal(np.bincount(found[p.id][1], minlength=p.size), n)
    ]
    if missing:
        some = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        remedy = "Give setup(cost=True) before the run, or record the spikes of all their cells."
        raise StateError(f"not recorded in full: {some}. The cost would be too low.", where="cost()", used=len(missing), remedy=remedy)
    return found


def _recorded(simulation: Simulation, population: int, since: int) -> tuple[Int64, Int64]:
    record = simulation.recordings.spikes.get(population)
    if record is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    cells, times_ms = record.arrays()
    ends = np.ceil(times_ms / simulation.network.dt - TOLERANCE_STEPS).astype(np.int64)
    late = ends > since if since else ends >= 0
    return np.maximum(ends[late] - since - 1, 0), cells[late]
