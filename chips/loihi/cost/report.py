"""Time and energy of a run as a value that answers questions, prints and saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.loihi.cost.arrays import EVENTS, UPDATE, Counts, Floats
from neurosim.chips.loihi.cost.energy import by_event, by_row
from neurosim.chips.loihi.cost.profile import Barrier, Evidence, Profile
from neurosim.chips.operations import Operations

#: What no number of a report contains, and why.
NOT_MODELLED: tuple[str, ...] = (
    "energy of the barrier between steps: not published",
    "writing weights and parameters before the run: not published",
    "the x86 cores of each chip, their instructions and power",
    "host and its links: spikes that it feeds in count from where a core receives them, recorded ones cost nothing",
    "hops between chips cost as much as hops within one: no figure is published",
    "voltage and temperature: the figures are for the conditions they were found at",
)
_STATIC = "static power (ask for it with static=True; low confidence)"


@dataclass(frozen=True, eq=False, repr=False)
class CostReport:
    """What a run takes on the chip.

    Attributes
    ----------
    title
        The chip.
    dt_ms
        Biological time of a step.
    profile
        Table of costs.
    counts
        Events by step, core and population.
    work_s
        float64 (n_steps,): duration of each step without its barrier.
    detailed
        Were messages followed through the mesh? Else times are sums over cores.
    barrier
        Added to every step.
    all_updated
        Was every neuron taken to be updated in every step, because nobody said which are?
    core_labels, population_labels
        Names of the rows of ``counts``.
    n_chips
        Chips in use.
    static
        Does the energy include static power?
    operations
        Memory and operations as papers count them.
    begin_ms
        When the first step begins.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> chip = chips.load("loihi")
    >>> network = Network(1.0, 1, (Population(0, "exc", 100, "lif"),))
    >>> report = chip.cost(network, map_network(network, chip), {0: ([0, 0, 3], [1, 2, 7])}, 10)
    >>> f"{report.energy_uj:.5f} uJ in {report.time_s * 1e6:.1f} us"
    '0.07301 uJ in 15.8 us'
    """

    title: str
    dt_ms: float
    profile: Profile
    counts: Counts
    work_s: Floats
    detailed: bool
    barrier: Barrier
    all_updated: bool
    core_labels: Sequence[str]
    population_labels: Sequence[str]
    n_chips: int
    static: bool
    operations: Operations
    begin_ms: float = 0.0

    # --- time ------------------------------------------------------------------------------
    @property
    def n_steps(self) -> int:
        """Number of steps: the algorithmic time."""
        return len(self.work_s)

    @cached_property
    def step_s(self) -> Floats:
        """Duration of each step, s, float64 (n_steps,)."""
        return self.work_s + self.barrier.seconds

    @property
    def time_s(self) -> float:
        """Duration of the run, s, if steps follow each other without a pause."""
        return float(self.step_s.sum())

    @property
    def biological_s(self) -> float:
        """Time that the network lived through, s."""
        return self.n_steps * self.dt_ms * 1e-3

    # --- energy ----------------------------------------------------------------------------
    @property
    def dynamic_uj(self) -> float:
        """Energy of all events, uJ."""
        return float(self.counts.total @ self.profile.energy_pj) * 1e-6

    @property
    def static_uj(self) -> float:
        """Static power of the chips in use times the duration, uJ; 0 unless it was asked for."""
        return self.profile.static_power_mw * self.n_chips * self.time_s * 1e3 if self.static else 0.0

    @property
    def energy_uj(self) -> float:
        """Energy of the run, uJ."""
        return self.dynamic_uj + self.static_uj

    @property
    def power_mw(self) -> float:
        """Mean power during the run, mW."""
        return self.energy_uj * 1e-3 / self.time_s

    @property
    def least_uj(self) -> float:
        """Energy if no neuron had been updated, uJ: a lower bound where updates are not known."""
        spared = self.counts.total[UPDATE] * self.profile.energy_pj[UPDATE]
        return self.energy_uj - float(spared) * 1e-6

    @cached_property
    def step_pj(self) -> Floats:
        """Energy of the events of each step, pJ, float64 (n_steps,)."""
        return by_row(self.counts.step, self.profile.energy_pj)

    @cached_property
    def core_pj(self) -> Floats:
        """Energy of the events on each core, pJ, float64 (n_cores,)."""
        return by_row(self.counts.core, self.profile.energy_pj)

    @cached_property
    def population_pj(self) -> Floats:
        """Energy of each population, pJ, float64 (n_populations,): its neurons, their messages and what these read."""
        return by_row(self.counts.population, self.profile.energy_pj)

    @cached_property
    def event_pj(self) -> Floats:
        """Energy of each kind of event, pJ, float64 (12,); see ``EVENTS``."""
        return by_event(self.counts.step, self.profile.energy_pj)

    def n(self, event: str) -> int:
        """Number of events of a kind, one of ``EVENTS``."""
        return int(self.counts.total[EVENTS.index(event)])

    # --- what it rests on --------------------------------------------------------------------
    @property
    def evidence(self) -> list[Evidence]:
        """Every constant that the numbers rest on, with source, confidence and kind of evidence."""
        own = f"cost.{self.profile.name}."
        names = [name for name in self.profile.constants if name.startswith(own) and not name.endswith(".barrier")]
        names += [self.barrier.constant]
        names += ["cost.machine.link_buffer"] * self.detailed + ["cost.machine.static_power"] * self.static
        return self.profile.evidence(*names)

    @property
    def not_modelled(self) -> tuple[str, ...]:
        """What the numbers do not contain."""
        total = self.counts.total
        missing = [event for event in self.profile.unknown if total[EVENTS.index(event)]]
        found = [f"{event} ({total[EVENTS.index(event)]:,} of them): '{self.profile.name}' has no figure" for event in missing]
        learning = [
            "learning at the end of epochs: an update is counted per spike that passes; reward spikes reach cores at no cost"
        ] * bool(self.n("learning update"))
        return (*NOT_MODELLED, *([] if self.static else [_STATIC]), *found, *learning)

    @property
    def formula(self) -> str:
        """How energy and time follow from events, in words and symbols."""
        from neurosim.chips.loihi.cost.text import formula_text

        return formula_text(self)

    # --- text and files ----------------------------------------------------------------------
    def summary(self) -> str:
        """One screen of text."""
        from neurosim.chips.loihi.cost.text import summary_text

        return summary_text(self)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"<CostReport: {self.energy_uj:.4g} uJ and {self.time_s:.4g} s for {self.n_steps:,} steps>"

    def to_csv(self, path: str | Path | None = None, *, what: str = "steps") -> str:
        """A table as CSV text with a line of names, also written to ``path`` if given.

        Parameters
        ----------
        what
            ``"steps"``, ``"cores"``, ``"populations"``, ``"events"`` or ``"evidence"``.

        Raises
        ------
        UnknownNameError
            If there is no such table.
        """
        from neurosim.chips.loihi.cost.files import to_csv

        return to_csv(self, path, what=what)

    def to_json(self, path: str | Path | None = None) -> str:
        """All of the report but its steps as JSON text, also written to ``path`` if given."""
        from neurosim.chips.loihi.cost.files import to_json

        return to_json(self, path)


def busiest(values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Positions of the ``n`` largest values, the largest first."""
    return np.argsort(-values, kind="stable")[:n]
