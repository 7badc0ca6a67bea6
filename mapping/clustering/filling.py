"""Fill cores one after the other with neurons in an order: the baseline, and what orders are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.errors import PlacementError
from neurosim.mapping.clustering.inputs import Fanin
from neurosim.mapping.clustering.limits import UNLIMITED, Rules, fewest_cores
from neurosim.mapping.clustering.state import empty_cores, fits, put

Int32 = NDArray[np.int32]


def fill_in_order(rules: Rules, fanin: Fanin, order: Int32, *, shares_fixed: bool = True) -> Int32:
    """Cores of neurons put down in an order: on the core in hand while it has room, then on the next.

    Fixed neurons are put down first, on their cores. All limits are kept but ``outbound``, which
    nobody can tell before all targets are placed.

    Parameters
    ----------
    rules
        Limits and neurons.
    fanin
        Sources of every neuron.
    order
        int32: neurons to place, each once; fixed ones are skipped.
    shares_fixed
        May others join fixed neurons?

    Returns
    -------
    int32 (n,)
        Core of each neuron; -1 if it is not to be placed.

    Raises
    ------
    PlacementError
        If fixed neurons do not fit on their core together.
    """
    fixed = np.flatnonzero(rules.fixed >= 0).astype(np.int32)
    fixed = fixed[np.argsort(rules.fixed[fixed], kind="stable")]
    n_fixed_cores = int(rules.fixed.max(initial=-1)) + 1
    n_cores = n_fixed_cores + fewest_cores(rules) + 16
    while (core_of := _filled(rules, fanin, order, fixed, n_cores, shares_fixed)) is None:
        n_cores *= 2
    return core_of


def _filled(rules: Rules, fanin: Fanin, order: Int32, fixed: Int32, n_cores: int, shares_fixed: bool) -> Int32 | None:
    """The same with so many cores; ``None`` if they are too few."""
    core_of, seen = np.full((2, len(rules.population)), -1, np.int32)
    cores = empty_cores(rules, n_cores)
    if not shares_fixed:
        cores.closed[rules.fixed[fixed]] = 1
    failed = _put_fixed(rules, fanin, fixed, cores, seen, core_of)
    if failed >= 0:
        raise _fixed_error(rules, fixed, int(failed))
    first = np.searchsorted(rules.fixed[fixed], np.arange(int(rules.fixed.max(initial=-1)) + 2)).astype(np.int64)
    seen[:] = -1
    done = _fill(rules, fanin, order, fixed, first, cores, seen, core_of)
    return core_of if done else None


def _fixed_error(rules: Rules, fixed: Int32, neuron: int) -> PlacementError:
    core, population = int(rules.fixed[neuron]), int(rules.population[neuron])
    there = int((rules.fixed[fixed] == core).sum())
    return PlacementError(
        f"{there:,} neurons are fixed on core {core}, which cannot hold them together: neuron {neuron} "
        f"of population {population} is the first without room.",
        population=str(population),
        core=f"core {core}",
        resource="fixed neurons",
        used=there,
        limit=int(np.flatnonzero(fixed[rules.fixed[fixed] == core] == neuron)[0]),
        remedy="Fix fewer neurons there, or spread them over several cores.",
    )


@inner()
def _receive(fanin, v, core, seen, room):
    """How many sources of ``v`` are new to a core; marked as seen if there is room for them. 0 where nobody counts."""
    new = 0
    if room > UNLIMITED // 2:
        return new
    for j in range(fanin.indptr[v], fanin.indptr[v + 1]):
        new += seen[fanin.source[j]] != core
    if new <= room:
        for j in range(fanin.indptr[v], fanin.indptr[v + 1]):
            seen[fanin.source[j]] = core
    return new


@entry()
def _put_fixed(rules, fanin, fixed, cores, seen, out_core_of):
    """Put down the fixed neurons, sorted by core; gives the first without room, or -1."""
    for k in range(len(fixed)):
        v = fixed[k]
        core = rules.fixed[v]
        if not fits(rules, cores, v, core):
            return v
        new = _receive(fanin, v, core, seen, rules.inbound - cores.inbound[core])
        if cores.inbound[core] + new > rules.inbound:
            return v
        cores.inbound[core] += new
        put(rules, cores, v, core, 1)
        out_core_of[v] = core
    return -1


@entry()
def _fill(rules, fanin, order, fixed, first, cores, seen, out_core_of):
    """Put down the others; ``seen`` (n,) begins with -1; ``first`` says where the fixed ones of a core begin. False: too few cores."""
    core, entered = 0, -1
    for k in range(len(order)):
        v = order[k]
        if rules.fixed[v] >= 0 or rules.population[v] < 0:
            continue
        while True:
            if entered != core and core < len(first) - 1:
                for f in range(first[core], first[core + 1]):
                    _receive(fanin, fixed[f], core, seen, rules.inbound)
            entered = core
            if cores.closed[core] == 0 and fits(rules, cores, v, core):
                new = _receive(fanin, v, core, seen, rules.inbound - cores.inbound[core])
                if cores.inbound[core] + new <= rules.inbound:
                    cores.inbound[core] += new
                    put(rules, cores, v, core, 1)
                    out_core_of[v] = core
                    break
            core += 1
            if core == len(cores.size):
                return False
    return True
