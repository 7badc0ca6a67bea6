"""One task of placement: what is given, checked, and the arrays that all stages share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.placement.curves import compact, hilbert_order
from neurosim.mapping.placement.graph import adjacency, check_graph, placement_cost
from neurosim.mapping.placement.kernels import Adjacency, State, Thinned, random_state, thin, weighted_hops
from neurosim.mapping.placement.positions import Positions
from neurosim.mapping.structures import CoreGraph, Floats, Int32, Int64

#: Neighbours of a core that diffusion looks at; more of them change nothing but its time.
_MOST_NEIGHBOURS = 48
_WHERE = "place_cores()"


@dataclass(frozen=True, eq=False)
class Problem:
    """Cores with packets between them, positions, and cores that are fixed to positions.

    Attributes
    ----------
    graph
        Packets between cores.
    n_cores
        Number of cores.
    positions
        Where cores may stand; at least as many as cores.
    pins
        Position of each fixed core.
    seed
        Of everything random.
    found
        What one start computed and another needs again, by name.

    Raises
    ------
    ParameterError
        If there are no cores, or core, position or packets are out of range, or two pins name one position.
    PlacementError
        If there are fewer positions than cores.
    """

    graph: CoreGraph
    n_cores: int
    positions: Positions
    pins: Mapping[int, int]
    seed: int = 0
    found: dict[str, Floats] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.n_cores < 1:
            raise ParameterError("there are no cores to place.", where=_WHERE, used=self.n_cores, limit=1, remedy="Give at least one core.")
        check_graph(self.graph, self.n_cores)
        if len(self.positions) < self.n_cores:
            raise PlacementError(
                f"{self.n_cores:,} cores do not fit on {len(self.positions):,} positions.",
                resource="positions",
                used=self.n_cores,
                limit=len(self.positions),
                remedy="Use a larger machine, or put more neurons on each core.",
            )
        _check_pins(self.pins, self.n_cores, len(self.positions))

    # --- what is free --------------------------------------------------------------------
    @cached_property
    def free_cores(self) -> Int64:
        """Cores that may move, int64 (n_free,)."""
        return np.setdiff1d(np.arange(self.n_cores), np.array(list(self.pins), np.int64))

    @cached_property
    def free_positions(self) -> Int64:
        """Positions without a fixed core, in their given order."""
        return np.setdiff1d(np.arange(len(self.positions)), np.array(list(self.pins.values()), np.int64))

    @cached_property
    def compact_positions(self) -> Int64:
        """As many free positions as free cores, close together: round the fixed cores, or in the middle."""
        at = np.array(list(self.pins.values()) or range(len(self.positions)), np.int64)
        x, y = self.positions.x, self.positions.y
        centre = int(np.argmin(np.hypot(x - x[at].mean(), y - y[at].mean())))
        return compact(self.positions, self.free_positions, len(self.free_cores), centre)

    @cached_property
    def held(self) -> np.ndarray:
        """True for fixed cores, bool (n_cores,)."""
        held = np.ones(self.n_cores, np.bool_)
        held[self.free_cores] = False
        return held

    def placed(self, free: Int64) -> Int32:
        """int32 (n_cores,): free cores at the positions given in their order, fixed cores where they belong."""
        position_of = np.empty(self.n_cores, np.int32)
        position_of[np.array(list(self.pins), np.int64)] = np.array(list(self.pins.values()), np.int32)
        position_of[self.free_cores] = free
        return position_of

    # --- for kernels ---------------------------------------------------------------------
    @cached_property
    def adjacency(self) -> Adjacency:
        """All neighbours of each core."""
        return adjacency(self.graph, self.n_cores, self.positions.diameter * int(self.positions.sites.stride.max()))

    @cached_property
    def thinned(self) -> Thinned:
        """Some of the neighbours of each core, for diffusion."""
        full = self.adjacency
        weight = np.zeros(len(full.weight), np.float32)
        thin(full, _MOST_NEIGHBOURS, random_state(self.seed), weight)
        kept = weight > 0
        indptr = np.concatenate([[0], np.cumsum(kept)])[full.indptr]
        return Thinned(indptr, full.neighbour[kept], weight[kept])

    @cached_property
    def curve(self) -> Int64:
        """Free positions along the Hilbert curve."""
        order = hilbert_order(self.positions)
        free = np.zeros(len(self.positions), np.bool_)
        free[self.free_positions] = True
        return order[free[order]]

    @cached_property
    def coordinates(self) -> Floats:
        """float64 (n_positions, 2)."""
        return np.stack([self.positions.x, self.positions.y], axis=1).astype(np.float64)

    @cached_property
    def _slot_of_position(self) -> Int32:
        slot = np.empty(len(self.positions), np.int32)
        slot[self.positions.slots] = np.arange(len(slot), dtype=np.int32)
        return slot

    def state(self, position_of: Int32) -> State:
        """A placement in the form that kernels change."""
        sites, slot_of = self.positions.sites, self._slot_of_position[position_of]
        core_at = np.full(len(self.positions), -1, np.int32)
        core_at[slot_of] = np.arange(self.n_cores, dtype=np.int32)
        fixed = np.zeros(len(self.positions), np.uint8)
        fixed[slot_of[self.held]] = 1
        return State(slot_of, core_at, np.ascontiguousarray(sites.place[sites.site[slot_of]]), fixed)

    def position_of(self, state: State) -> Int32:
        """A placement from the form that kernels change."""
        return self.positions.slots[state.slot_of].astype(np.int32)

    def reseeded(self, stream: int) -> Problem:
        """The same with other random numbers."""
        return replace(self, seed=self.seed + 1_000_003 * stream, found={})

    def check_placement(self, position_of: Int32) -> None:
        """Refuse what does not give every core a position of its own and fixed cores theirs.

        Raises
        ------
        ParameterError
            Naming the first core that is wrong.
        """
        given = np.asarray(position_of)
        if given.shape != (self.n_cores,) or given.dtype.kind not in "iu":
            raise _wrong_placement(f"has the shape {given.shape} and the type {given.dtype}", given.shape, (self.n_cores,))
        outside = np.flatnonzero((given < 0) | (given >= len(self.positions)))
        if len(outside):
            used = int(given[outside[0]])
            raise _wrong_placement(f"has core {outside[0]} at position {used:,}", used, len(self.positions) - 1)
        order = np.argsort(given, kind="stable")
        twice = np.flatnonzero(np.diff(given[order]) == 0)
        if len(twice):
            one, other = order[twice[0]], order[twice[0] + 1]
            raise _wrong_placement(f"has cores {one} and {other} at position {given[one]}", int(given[one]), 1)
        for core, position in self.pins.items():
            if given[core] != position:
                at = int(given[core])
                raise _wrong_placement(f"has core {core} at position {at}, but it is fixed to {position}", at, position)

    # --- what it costs -------------------------------------------------------------------
    def cost(self, position_of: Int32) -> float:
        """Sum of packets times hops."""
        return placement_cost(self.graph, self.positions, position_of)

    def scaled_cost(self, position_of: Int32) -> int:
        """The same in whole numbers, twice, and sooner: for comparisons."""
        sites = self.positions.sites
        return int(weighted_hops(self.adjacency, sites, sites.place[sites.site[self._slot_of_position[position_of]]]))


class Deadline:
    """When to stop."""

    def __init__(self, seconds: float | None) -> None:
        self._start_s = time.perf_counter()
        self._limit_s = seconds
        self.met = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._start_s

    @property
    def over(self) -> bool:
        """Whether time is up; ``met`` then stays true."""
        if self._limit_s is not None and self.elapsed_s > self._limit_s:
            self.met = True
        return self.met


def _wrong_placement(what: str, used: object, limit: object) -> ParameterError:
    remedy = "Give every core a position of its own."
    return ParameterError(f"the current placement {what}.", where=_WHERE, used=used, limit=limit, remedy=remedy)


def _check_pins(pins: Mapping[int, int], n_cores: int, n_positions: int) -> None:
    owner: dict[int, int] = {}
    for core, position in pins.items():
        for what, used, limit in (("core", core, n_cores), ("position", position, n_positions)):
            if not 0 <= used < limit:
                raise ParameterError(
                    f"core {core} is fixed to position {position}, but {what}s go from 0 to {limit - 1:,}.",
                    where=_WHERE,
                    used=used,
                    limit=limit - 1,
                    remedy="Correct the pin.",
                )
        if position in owner:
            raise ParameterError(
                f"cores {owner[position]} and {core} are both fixed to position {position}.",
                where=_WHERE,
                used=position,
                limit=1,
                remedy="Fix each core to a position of its own.",
            )
        owner[position] = core
