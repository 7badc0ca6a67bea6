"""How long steps take on Loihi 2: the largest of some sums over any core, with coefficients of your own.

A step takes ``max over terms k and cores c of (sum over events e of coefficient[k][e] * number[c][e])``, and no
less than the shortest step: a max-affine lower bound, the shape that measurements on silicon follow (Timcheck 2026,
arXiv:2601.10035, which gives its coefficients in a figure only). Those of the datasheet are candidates of low
confidence. No energy of an operation is published, so there is none unless you give figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim.chips.chip import Placed
from neurosim.chips.loihi.cost.arrays import Activity, Cells, Cores, Fanout, Floats, Int64
from neurosim.chips.loihi.cost.fanout import fanout_of
from neurosim.chips.loihi.cost.place import activity, placed
from neurosim.chips.loihi.second.programs import PROGRAMS
from neurosim.chips.loihi.second.sheet import Loihi2Sheet, Timing
from neurosim.chips.spikes import Events
from neurosim.errors import ParameterError, UnknownNameError, UnsupportedError
from neurosim.models._program_constants import n_parts
from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.chips.loihi.second.chip import Loihi2Chip

#: What is counted on a core in a step. ``"step"`` is 1; ``"update"`` counts the parts of a step of every neuron.
EVENTS = ("step", "neuron", "update", "spike", "message out", "message in", "synapse")
_STEP, _NEURON, _UPDATE, _SPIKE, _OUT, _IN, _SYNAPSE = range(7)
_NS = 1e-9
#: Numbers of one array that are held at a time.
_ROOM = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class MaxAffine:
    """Terms of the time of a step, float64 (n_terms, 7) in ns per event of a core, and the shortest step in ns.

    Examples
    --------
    >>> MaxAffine.of([{"neuron": 5.0, "spike": 3.0}, {"synapse": 0.8}], shortest_ns=200.0).terms.shape
    (2, 7)
    """

    terms: Floats
    shortest_ns: float
    source: str = "given by the user"

    @classmethod
    def of(cls, terms: Iterable[Mapping[str, float]], *, shortest_ns: float = 0.0) -> MaxAffine:
        """From a dictionary per term.

        Raises
        ------
        UnknownNameError
            If an event is not known.
        ParameterError
            If there is no term, or a coefficient is no number from 0.
        """
        rows = [_row(term, "Time of a step") for term in terms]
        if not rows:
            text = "a time model without terms says nothing."
            raise ParameterError(text, where="Time of a step", used=0, limit=1, remedy='Give one, for example {"synapse": 0.8}.')
        return cls(np.array(rows), float(shortest_ns))

    @classmethod
    def candidate(cls, timing: Timing, n_tiles: int) -> MaxAffine:
        """The datasheet's candidate: the neurons of a core, or the synapses it reads, and the barrier of some tiles."""
        points = timing.barrier.value
        barrier = [ns for tiles, ns in points if tiles <= max(n_tiles, 1)][-1]
        neurons = {"neuron": timing.neuron_access.value, "update": timing.neuron_update.value, "spike": timing.spike_out.value}
        rows = [_row({"step": barrier, **term}, "") for term in (neurons, {"synapse": timing.synapse_read.value})]
        return cls(np.array(rows), timing.shortest_step.value, "candidates of the datasheet, low confidence, not calibrated")


def _row(term: Mapping[str, float], where: str) -> Floats:
    row = np.zeros(len(EVENTS))
    for name, value in term.items():
        if name not in EVENTS:
            raise UnknownNameError.among("event", name, EVENTS, where=where)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < np.inf:
            text = f"the coefficient of '{name}' is {value!r}; it must be a number from 0."
            raise ParameterError(text, where=where, used=value, limit=0, remedy="Give one from 0.")
        row[EVENTS.index(name)] = value
    return row


@dataclass(frozen=True, eq=False, repr=False)
class TimeReport:
    """How long the steps of a run take.

    Attributes
    ----------
    step_s
        float64 (n_steps,): duration of each step.
    model
        What it was found with.
    term, core
        int64 (n_steps,): term and core (position in ``core_labels``) that a step waits for; -1 where it is the shortest step.
    totals
        int64 (7,): events of the run; see :data:`EVENTS`.
    dt_ms
        Biological time of a step.
    core_labels
        Names of the cores in use.
    energy_pj
        Energy of each event as the user gave it, float64 (7,); ``None`` if not given.
    """

    step_s: Floats
    model: MaxAffine
    term: Int64
    core: Int64
    totals: Int64
    dt_ms: float
    core_labels: list[str]
    energy_pj: Floats | None

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.step_s)

    @property
    def time_s(self) -> float:
        """Duration of the run, s, if steps follow each other without a pause."""
        return float(self.step_s.sum())

    @cached_property
    def energy_uj(self) -> float:
        """Energy of the run, uJ.

        Raises
        ------
        UnsupportedError
            If no figures were given: none are published.
        """
        if self.energy_pj is None:
            text = "no energy of an operation on this chip is published, so there is no energy of a run."
            raise UnsupportedError(
                text, where="Cost", used="energy", remedy="Give figures of your own: cost(..., energy_pj={'synapse': 5.0})."
            )
        return float(self.totals @ self.energy_pj) * 1e-6

    def summary(self) -> str:
        """One screen: time, what it waits for, what it rests on."""
        mean = self.time_s / self.n_steps
        speed = self.dt_ms * 1e-3 / mean if mean else float("inf")
        rows = [
            f"{self.n_steps:,} steps of {self.dt_ms:g} ms: {self.time_s * 1e3:.4g} ms, {speed:.3g} times as fast as biology",
            f"a step takes {mean * 1e9:,.0f} ns on average, {self.step_s.max() * 1e9:,.0f} ns at most (step {int(self.step_s.argmax()):,})",
            f"steps wait for {self._waits()}",
            f"coefficients: {self.model.source}; a lower bound, links and hosts are not in it",
            "energy: " + ("none; no figure is published" if self.energy_pj is None else f"{self.energy_uj:.4g} uJ by the user's figures"),
            "events: " + ", ".join(f"{n:,} {name}" for name, n in zip(EVENTS, self.totals.tolist(), strict=True) if n),
        ]
        return "Time on Loihi 2 (max-affine)\n" + "\n".join(f"  {row}" for row in rows)

    def _waits(self) -> str:
        found = [(int((self.term == k).sum()), f"term {k}") for k in range(len(self.model.terms))]
        found += [(int((self.term < 0).sum()), f"the shortest step of {self.model.shortest_ns:g} ns")]
        return ", ".join(f"{what} ({n:,})" for n, what in found if n)

    def to_json(self, path: str | Path | None = None) -> str:
        """All of the report but its steps as JSON text, also written to ``path`` if given."""
        known = {
            "time_s": self.time_s,
            "n_steps": self.n_steps,
            "dt_ms": self.dt_ms,
            "longest_step_s": float(self.step_s.max()),
            "shortest_step_ns": self.model.shortest_ns,
            "terms_ns": [dict(zip(EVENTS, row, strict=True)) for row in self.model.terms.tolist()],
            "source": self.model.source,
            "events": dict(zip(EVENTS, self.totals.tolist(), strict=True)),
            "energy_uj": None if self.energy_pj is None else self.energy_uj,
        }
        text = json.dumps(known, indent=1)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text


def step_times(
    chip: Loihi2Chip,
    network: Network,
    mapping: Placed,
    spikes: Events,
    n_steps: int,
    *,
    model: MaxAffine | Iterable[Mapping[str, float]] | None = None,
    energy_pj: Mapping[str, float] | None = None,
) -> TimeReport:
    """Time of a run; see :meth:`neurosim.chips.loihi.second.chip.Loihi2Chip.cost`."""
    energy = None if energy_pj is None else _row(energy_pj, "Energy")
    cores, cells, places = placed(chip, network, mapping)
    active = activity(network, cells, places, spikes, n_steps)
    fanout = fanout_of(network, places, chip.sheet)
    chosen = _model(model, chip.sheet, cores)
    parts = [0 if p.is_source else _parts(p.model, network.dt) for p in network.populations]
    still = _still(cells, np.array(parts, np.int64), cores.n_cores)
    totals, found = np.zeros(len(EVENTS), np.int64), []
    for counts in _by_steps(cores, cells, fanout, active, still):
        totals += counts.sum(axis=(0, 1))
        found.append(_longest(counts, chosen))
    step_ns, term, core = (np.concatenate(column) for column in zip(*found, strict=True))
    totals[_STEP] = active.n_steps
    labels = [chip.core_label(number) for number in cores.core.tolist()]
    return TimeReport(step_ns * _NS, chosen, term, core, totals, network.dt, labels, energy)


def _model(model: MaxAffine | Iterable[Mapping[str, float]] | None, sheet: Loihi2Sheet, cores: Cores) -> MaxAffine:
    if model is None:
        return MaxAffine.candidate(sheet.timing, cores.n_tiles)
    return model if isinstance(model, MaxAffine) else MaxAffine.of(model, shortest_ns=sheet.timing.shortest_step.value)


def _parts(model: str, dt_ms: float) -> int:
    return n_parts(dt_ms) if model in PROGRAMS or model in PROGRAMS.values() else 1


def _still(cells: Cells, parts: Int64, n_cores: int) -> Int64:
    """Events of every step, int64 (n_cores, 7)."""
    found = np.zeros((n_cores, len(EVENTS)), np.int64)
    home = cells.core >= 0
    found[:, _STEP] = 1
    found[:, _NEURON] = np.bincount(cells.core[home], minlength=n_cores)
    found[:, _UPDATE] = np.bincount(cells.core[home], weights=parts[cells.population[home]], minlength=n_cores)
    return found


def _by_steps(cores: Cores, cells: Cells, fanout: Fanout, active: Activity, still: Int64) -> Iterator[Int64]:
    """Events of each core, int64 (steps, n_cores, 7), some steps at a time."""
    n_cores, home = cores.n_cores, cells.core
    reads, sent = fanout.reads[:, :3].sum(axis=1), np.diff(fanout.indptr)
    size = max(1, _ROOM // max(1, n_cores * len(EVENTS)))
    for start in range(0, active.n_steps, size):
        n_steps = min(size, active.n_steps - start)
        pointer = active.spike_ptr[start : start + n_steps + 1]
        fired, step = active.spike[pointer[0] : pointer[-1]], np.repeat(np.arange(n_steps), np.diff(pointer))
        each = sent[fired]
        first = fanout.indptr[fired] - (np.cumsum(each) - each)
        message, when = np.repeat(first, each) + np.arange(int(each.sum())), np.repeat(step, each)
        own, at = home[fired] >= 0, when * n_cores + fanout.core[message]
        sender = step[own] * n_cores + home[fired[own]]
        counts = np.repeat(still[None], n_steps, axis=0)
        for event, place, weights in ((_SPIKE, sender, None), (_OUT, sender, each[own]), (_IN, at, None), (_SYNAPSE, at, reads[message])):
            counts[:, :, event] = np.bincount(place, weights, n_steps * n_cores).reshape(n_steps, n_cores)
        yield counts


def _longest(counts: Int64, model: MaxAffine) -> tuple[Floats, Int64, Int64]:
    """Duration (ns) of each step, and the term and the core that it waits for."""
    n_steps, n_cores, _ = counts.shape
    if not n_cores:
        nothing = np.full(n_steps, -1)
        return np.full(n_steps, model.shortest_ns), nothing, nothing
    times = (counts @ model.terms.T).reshape(n_steps, -1)
    best = times.argmax(axis=1)
    longest = times[np.arange(n_steps), best]
    short = longest < model.shortest_ns
    core, term = np.divmod(best, len(model.terms))
    return np.where(short, model.shortest_ns, longest), np.where(short, -1, term), np.where(short, -1, core)
