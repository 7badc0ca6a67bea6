"""What one core can hold, and what neurons use there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError, PlacementError

Int64 = NDArray[np.int64]

#: Stands for no limit.
UNLIMITED = np.iinfo(np.int64).max // 4
_WHERE = "Limits"


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Limits of a core. The use of a core is the sum over the populations that have neurons there.

    Attributes
    ----------
    capacity
        int64 (K,): what a core has of each resource.
    use
        Per population int64 (m + 1, K): use by 0, 1, ... m of its neurons on one core, growing with
        the number and 0 for none; a core holds at most m of them.
    mixes
        May neurons of different populations share a core?
    inbound
        Largest number of different neurons with a target on a core; ``None``: no limit.
    outbound
        Largest sum over the neurons of a core of the cores each has targets on, its own
        included; ``None``: no limit.
    shares_fixed
        May other neurons fill the room on cores that hold fixed ones?
    names
        Name of each resource, for messages.

    Raises
    ------
    ParameterError
        If a table has the wrong shape, begins above 0 or falls, or a limit is negative.
    PlacementError
        If one neuron of a population is too large for an empty core.

    Examples
    --------
    >>> Limits.linear(256, n_populations=2).use[1][3]
    array([3])
    """

    capacity: Int64
    use: tuple[Int64, ...]
    mixes: bool = True
    inbound: int | None = None
    outbound: int | None = None
    shares_fixed: bool = True
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        capacity = np.ascontiguousarray(self.capacity, np.int64)
        if capacity.ndim != 1 or len(capacity) == 0:
            raise ParameterError(f"capacity has shape {capacity.shape}.", where=_WHERE, used=capacity.shape, limit="(K,), K >= 1")
        object.__setattr__(self, "capacity", capacity)
        object.__setattr__(self, "use", tuple(np.ascontiguousarray(table, np.int64) for table in self.use))
        for name, limit in (("inbound", self.inbound), ("outbound", self.outbound)):
            if limit is not None and limit < 0:
                raise ParameterError(f"the {name} limit is negative.", where=_WHERE, used=limit, limit=0, remedy="Use None for no limit.")
        for population, table in enumerate(self.use):
            self._check_table(population, table)

    def _check_table(self, population: int, table: Int64) -> None:
        where = f"{_WHERE}.use[{population}]"
        if table.ndim != 2 or table.shape[1] != len(self.capacity) or len(table) < 2:
            wanted = f"(m + 1, {len(self.capacity)}), m >= 1"
            raise ParameterError(f"the table has shape {table.shape}.", where=where, used=table.shape, limit=wanted)
        if table[0].any() or (np.diff(table, axis=0) < 0).any():
            raise ParameterError("a table of use starts at 0 and never falls.", where=where, used=int(table[0].max()), limit=0)
        for resource, (one, limit) in enumerate(zip(table[1].tolist(), self.capacity.tolist(), strict=True)):
            if one > limit:
                raise PlacementError(
                    f"One neuron of population {population} alone does not fit on an empty core: "
                    f"it needs {one:,} {self.name(resource)}, the limit is {limit:,}.",
                    population=str(population),
                    resource=self.name(resource),
                    used=one,
                    limit=limit,
                    remedy="A neuron cannot be split: let each need less of that, or use a larger core.",
                )

    def name(self, resource: int) -> str:
        """Name of a resource."""
        return self.names[resource] if resource < len(self.names) else f"resource {resource}"

    @classmethod
    def linear(
        cls, capacity: int | Sequence[int], each: Sequence[Sequence[int]] | None = None, *, n_populations: int = 1, **others: object
    ) -> Limits:
        """Limits where every neuron of a population uses the same, whatever else is on its core.

        Parameters
        ----------
        capacity
            What a core has, one number per resource.
        each
            (P, K): what one neuron of each population uses; 1 of everything if left out.
        n_populations
            P, if ``each`` is left out.
        others
            The other attributes.
        """
        has = np.atleast_1d(np.asarray(capacity, np.int64))
        needs = np.ones((n_populations, len(has)), np.int64) if each is None else np.asarray(each, np.int64)
        tables = []
        for row in needs:
            most = int((has[row > 0] // row[row > 0]).min(initial=np.iinfo(np.int32).max // 4))
            tables.append(np.arange(max(min(most, _MOST), 1) + 1, dtype=np.int64)[:, None] * row)
        return cls(has, tuple(tables), **others)  # type: ignore[arg-type]


#: Neurons of one population that a core may hold where nothing else limits them.
_MOST = 65_536


class Rules(NamedTuple):
    """Limits as kernels read them.

    Attributes
    ----------
    population
        int32 (n,): of each neuron, -1 if it is not to be placed.
    fixed
        int32 (n,): core that a neuron must be on, -1 if free.
    capacity
        int64 (K,).
    use, start, most
        int64 (rows, K), (P,), (P,): tables one after the other, where each begins, and its last row.
    mixes
        1 if populations may share a core.
    inbound, outbound
        Limits, or :data:`UNLIMITED`.
    """

    population: NDArray[np.int32]
    fixed: NDArray[np.int32]
    capacity: Int64
    use: Int64
    start: Int64
    most: Int64
    mixes: int
    inbound: int
    outbound: int


def rules_of(limits: Limits, population: NDArray[np.int32], fixed: NDArray[np.int32]) -> Rules:
    """Limits and neurons in one tuple of arrays."""
    lengths = np.array([len(table) for table in limits.use], np.int64)
    return Rules(
        population,
        fixed,
        limits.capacity,
        np.concatenate([np.zeros((0, len(limits.capacity)), np.int64), *limits.use]),
        np.cumsum(lengths) - lengths,
        lengths - 1,
        int(limits.mixes),
        UNLIMITED if limits.inbound is None else int(limits.inbound),
        UNLIMITED if limits.outbound is None else int(limits.outbound),
    )


def fewest_cores(rules: Rules) -> int:
    """Number of cores that no partition can do without, from the summed uses alone."""
    count = np.bincount(rules.population[rules.population >= 0], minlength=len(rules.most))
    full = np.array([_fullest(rules, p) for p in range(len(count))], np.int64)
    if not rules.mixes:
        return int(np.ceil(count / full).sum())
    # A table may bend: of all core loads a population's cheapest per neuron bounds its use from below.
    least = np.zeros(len(rules.capacity))
    for p, n in enumerate(count.tolist()):
        rows = np.arange(1, full[p] + 1)
        least += n * (rules.use[rules.start[p] + rows] / rows[:, None]).min(axis=0)
    positive = rules.capacity > 0
    return max(int(np.ceil((least[positive] / rules.capacity[positive]).max(initial=0) - 1e-9)), int(count.any()))


def _fullest(rules: Rules, population: int) -> int:
    """Most neurons of one population on an empty core."""
    table = rules.use[rules.start[population] : rules.start[population] + rules.most[population] + 1]
    return max(int((table <= rules.capacity).all(axis=1).sum()) - 1, 1)
