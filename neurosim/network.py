"""The network description: frozen, free of PyNN, free of chips.

A :class:`Network` is what every later stage reads: populations, projections (as rules, not as
synapses), injected currents and probes. Units are PyNN's: ms, mV, nF, nA, uS, Hz. Nothing here
computes; :mod:`neurosim.connectivity` expands rules, :mod:`neurosim.models` knows the equations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.columns import Column, Floats
from neurosim.errors import NetworkError
from neurosim.plasticity import Plasticity, SumOfProducts

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Receptor:
    """One synaptic input port of a population.

    Attributes
    ----------
    name
        Port name used by projections, for example ``"excitatory"``.
    kind
        ``curr_exp``, ``curr_alpha``, ``curr_delta``, ``cond_exp``, ``cond_alpha`` or ``cond_beta``; on chips also
        ``fixed`` and ``fixed_joined`` (currents in whole numbers, see :mod:`neurosim.models._fixed`).
    parameters
        ``tau_syn`` (ms), for conductances ``e_rev`` (mV), for ``cond_beta`` ``tau_rise`` and
        ``tau_decay`` (ms); none for ``curr_delta``, whose weights are in mV.
    sign
        -1 if weights, given as positive numbers, act negatively (current-based inhibition uses
        negative weights and sign +1).
    """

    name: str
    kind: str
    parameters: Mapping[str, Column] = field(default_factory=dict)
    sign: int = 1


class WorkingPoint(NamedTuple):
    """Potential (mV), of all cells or of each, at which a conductance and a current are equal, and how it was found."""

    mv: float | Floats
    found: str


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """A group of neurons or spike sources of one model.

    Attributes
    ----------
    id
        Position in ``Network.populations``.
    model
        Key of :data:`neurosim.models.MODELS`, for example ``"lif"``, ``"adex"``, ``"poisson_source"``.
    parameters, initial
        Column per parameter and per state variable; every parameter of the model is present.
    spike_times
        Array sources only: one sorted float64 array (ms) per cell.
    positions
        (size, 3) in um, or ``None``.
    cell_type
        Name the user wrote (``"IF_cond_exp"``), for messages and for the chips' refusals.
    working_point
        For chips that have conductances or currents only; ``None``: midway between ``v_rest`` and ``v_thresh``.
    """

    id: int
    label: str
    size: int
    model: str
    parameters: Mapping[str, Column] = field(default_factory=dict)
    receptors: tuple[Receptor, ...] = ()
    initial: Mapping[str, Column] = field(default_factory=dict)
    spike_times: tuple[Floats, ...] | None = None
    positions: Floats | None = None
    cell_type: str = ""
    working_point: WorkingPoint | None = None

    @property
    def is_source(self) -> bool:
        """True for spike sources, which have no membrane."""
        return self.model.endswith("_source")

    def receptor_index(self, name: str) -> int:
        """Position of the receptor called ``name``."""
        for index, receptor in enumerate(self.receptors):
            if receptor.name == name:
                return index
        known = ", ".join(repr(r.name) for r in self.receptors) or "none"
        raise NetworkError(f"has no receptor '{name}'.", where=f"Population '{self.label}'", used=name, remedy=f"Receptors: {known}.")


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Ordered cells of one or several populations: a population, a view or an assembly.

    ``parts`` holds ``(population id, int64 indices)``. A cell's position in the concatenation of
    all parts is its index in the selection.
    """

    parts: tuple[tuple[int, Indices], ...]

    @property
    def size(self) -> int:
        """Number of cells selected."""
        return sum(len(indices) for _, indices in self.parts)

    @classmethod
    def whole(cls, population: Population) -> Selection:
        """All cells of a population."""
        return cls(((population.id, np.arange(population.size, dtype=np.int64)),))

    def populations(self) -> Indices:
        """Population id of each selected cell, shape (size,)."""
        return np.concatenate([np.full(len(i), p, np.int64) for p, i in self.parts] or [np.empty(0, np.int64)])

    def indices(self) -> Indices:
        """Index within its population of each selected cell, shape (size,)."""
        return np.concatenate([np.asarray(i, np.int64) for _, i in self.parts] or [np.empty(0, np.int64)])


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Synapses of the presynaptic indices ``start .. start + len(indptr) - 1``, by source.

    Attributes
    ----------
    start
        First presynaptic index (in the projection's ``pre`` selection).
    indptr
        int64, shape (n_rows + 1,); synapses of row ``start + r`` are ``indptr[r]:indptr[r + 1]``.
    post
        int64 (n_synapses,): index in the ``post`` selection. Multapses appear several times.
    columns
        Per-synapse values, a float or a float64 array (n_synapses,): ``weight``, ``delay`` (ms)
        and the synapse model's own parameters.
    """

    start: int
    indptr: Indices
    post: Indices
    columns: Mapping[str, float | Floats]

    @property
    def size(self) -> int:
        """Number of synapses."""
        return len(self.post)

    def pre(self) -> Indices:
        """Presynaptic index of each synapse, shape (n_synapses,)."""
        return np.repeat(np.arange(self.start, self.start + len(self.indptr) - 1), np.diff(self.indptr))


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """What a rule may know of the two sides of its projection.

    Attributes
    ----------
    n_pre, n_post
        Sizes of the selections.
    same
        int64 (n_pre,): for each presynaptic cell the postsynaptic index of the very same cell, -1
        if it is not among them. ``None`` when the two sides share no cell.
    pre_positions, post_positions
        Function without arguments giving (n, 3) positions in um.
    seed
        Seed of the projection.
    """

    n_pre: int
    n_post: int
    same: Indices | None
    pre_positions: Callable[[], Floats]
    post_positions: Callable[[], Floats]
    seed: int


class Rule(Protocol):
    """A connection rule; see :mod:`neurosim.connectivity` for the ones there are."""

    def expected(self, ends: Ends) -> float:
        """Expected number of synapses."""
        ...

    def degree_bound(self, ends: Ends, quantile: float = 0.9999, *, side: str = "in") -> int:
        """Number of synapses that no cell of one side exceeds with probability ``quantile``.

        ``side`` is ``"in"`` (per postsynaptic cell) or ``"out"`` (per presynaptic cell). Rules
        with fixed numbers return the exact value.
        """
        ...

    def expand(self, start: int, stop: int, ends: Ends) -> tuple[Indices, Indices]:
        """``(indptr, post)`` of presynaptic rows start..stop-1, the same for any blocking."""
        ...


class Realisation(Protocol):
    """What a chip does to the synapses of one projection: rounds, clips, drops, delays."""

    def apply(self, rows: Rows) -> Rows:
        """Synapses as the chip realises them; must be deterministic per row."""
        ...


class Learner(Protocol):
    """The synapses of one projection while they learn; in the order of expansion, by source."""

    def advance(self, pre: Indices, pre_at: Indices, post: Indices, post_at: Indices, reward_at: Indices) -> tuple[Indices, Floats]:
        """End an epoch: which synapses have another weight, and these.

        Spikes are given as indices of the two selections, and steps from 1 to the length of the epoch; of rewards steps only.
        """
        ...

    def learned(self) -> Mapping[str, Floats]:
        """What else each synapse has learned, by name: (n_synapses,)."""
        ...

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Copies of everything that evolves, by name."""
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what :meth:`state` gave."""
        ...


class Teacher(Protocol):
    """How the weights of a projection change at the end of epochs; set by chips only."""

    epoch_steps: int

    def begin(self, rows: Rows, n_pre: int, n_post: int, seed: int) -> Learner:
        """Start with the synapses of a projection as they are realised."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Synapse:
    """Model of the synapses of one projection.

    Attributes
    ----------
    model
        ``static``, ``tsodyks_markram``, ``stochastic``, ``stdp``, ``sum_of_products`` (some chips only) or ``taught``.
    columns
        ``weight`` (nA, uS or mV by receptor; sign as in PyNN), ``delay`` (ms); for
        ``tsodyks_markram`` also ``U``, ``tau_rec``, ``tau_facil``; for ``stochastic`` ``p``.
    plasticity
        For ``stdp``: the rule; see :class:`Plasticity`.
    products, reward
        For ``sum_of_products``: the rules, see :class:`~neurosim.plasticity.SumOfProducts`; cells whose spikes are rewards.
    teacher
        For ``taught``: what changes the weights at the end of every epoch.
    """

    model: str
    columns: Mapping[str, Column]
    plasticity: Plasticity | None = None
    products: SumOfProducts | None = None
    teacher: Teacher | None = None
    reward: Selection | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Connections from one selection to another, as a rule.

    ``realisation`` is set by chips only. ``seed`` keys the rule and its random columns.
    """

    id: int
    label: str
    pre: Selection
    post: Selection
    receptor: str
    rule: Rule
    synapse: Synapse
    seed: int
    realisation: Realisation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Current:
    """A current (nA) injected into cells.

    Attributes
    ----------
    kind
        ``dc`` (amplitude, start, stop), ``step`` (times, amplitudes), ``ac`` (amplitude, offset,
        frequency in Hz, phase in degrees, start, stop) or ``noise`` (mean, stdev, dt, start,
        stop). Times in ms, currents in nA.
    """

    id: int
    kind: str
    parameters: Mapping[str, float | Floats]
    targets: Selection
    seed: int = 0
    recorded: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What to record: a variable of some cells of one population.

    ``variable`` is ``"spikes"``, a state variable of the model (``"v"``, ``"w"``, ``"u"``) or
    ``"gsyn_exc"`` / ``"gsyn_inh"`` / ``"<receptor>.g"``. ``interval`` in ms; ignored for spikes.
    """

    population: int
    variable: str
    indices: Indices
    interval: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class WeightProbe:
    """Record all weights of one projection every ``interval`` ms."""

    projection: int
    variable: str
    interval: float


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A whole network.

    Attributes
    ----------
    dt
        Time step in ms.
    seed
        Root of all random numbers that are drawn while the network runs.
    """

    dt: float
    seed: int
    populations: tuple[Population, ...] = ()
    projections: tuple[Projection, ...] = ()
    currents: tuple[Current, ...] = ()
    probes: tuple[Probe, ...] = ()
    weight_probes: tuple[WeightProbe, ...] = ()

    def ends(self, projection: Projection) -> Ends:
        """The two sides of a projection, as its rule sees them."""
        pre, post = projection.pre, projection.post
        return Ends(
            n_pre=pre.size,
            n_post=post.size,
            same=_same_cells(pre, post),
            pre_positions=lambda: self.positions(pre),
            post_positions=lambda: self.positions(post),
            seed=projection.seed,
        )

    def positions(self, selection: Selection) -> Floats:
        """Positions (n, 3) in um of selected cells; a population without any lies on a line."""
        return np.concatenate([_positions(self.populations[p])[i] for p, i in selection.parts] or [np.empty((0, 3))])

    @property
    def n_neurons(self) -> int:
        """Number of neurons, without spike sources."""
        return sum(p.size for p in self.populations if not p.is_source)


def _positions(population: Population) -> Floats:
    if population.positions is not None:
        return population.positions
    line = np.zeros((population.size, 3))
    line[:, 0] = np.arange(population.size)
    return line


def _same_cells(pre: Selection, post: Selection) -> Indices | None:
    shared = {p for p, _ in pre.parts} & {p for p, _ in post.parts}
    if not shared:
        return None
    base = 1 + max(int(np.max(i, initial=0)) for _, i in (*pre.parts, *post.parts))
    post_keys = post.populations() * base + post.indices()
    pre_keys = pre.populations() * base + pre.indices()
    order = np.argsort(post_keys, kind="stable")
    found = np.searchsorted(post_keys[order], pre_keys).clip(0, max(len(order) - 1, 0))
    match = order[found] if len(order) else np.full(len(pre_keys), -1)
    same = np.where(post_keys[match] == pre_keys, match, -1) if len(order) else match
    return same if (same >= 0).any() else None
