"""Continues a running simulation with a changed network.

Networks are compared part by part by identity: what is the same object is unchanged. Changed
values are patched; a changed structure is compiled anew and the state is carried over: membrane
and synaptic states, plastic weights and traces, random streams and the spikes on their way.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim.columns import is_homogeneous
from neurosim.engine import budget, build, currents, drives, plastic_store, stores
from neurosim.engine import layout as lay
from neurosim.engine.program import Program, Sources
from neurosim.errors import NetworkError, UnknownNameError
from neurosim.models.layout import STATE_ROWS, WAITS
from neurosim.network import Network, Population, Projection

if TYPE_CHECKING:
    from neurosim.engine.simulation import Simulation

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def same_shape(old: Network, new: Network) -> bool:
    """True if no population, size, receptor or projection differs."""
    if len(old.populations) != len(new.populations) or len(old.projections) != len(new.projections):
        return False
    if any(a is not b for a, b in zip(old.projections, new.projections, strict=True)):
        return False
    return all(_alike(a, b) for a, b in zip(old.populations, new.populations, strict=True))


def _alike(a: Population, b: Population) -> bool:
    return a is b or (
        a.size == b.size and lay.group_key(a) == lay.group_key(b) and [r.name for r in a.receptors] == [r.name for r in b.receptors]
    )


def _rejoined(a: Population, b: Population) -> bool:
    """True if all that differs is which currents in whole numbers share one."""
    receptors = (*a.receptors, *b.receptors)
    whole = bool(receptors) and all(receptor.kind in ("fixed", "fixed_joined") for receptor in receptors)
    return whole and a.model == b.model and a.size == b.size and {r.name for r in a.receptors} == {r.name for r in b.receptors}


def update(simulation: Simulation, new: Network) -> None:
    """Make ``simulation`` continue with ``new``; if that fails or is interrupted it goes on as it was."""
    before = {**vars(simulation), "rates": copy.deepcopy(simulation.rates)}
    try:
        _update(simulation, new)
    except BaseException:
        vars(simulation).update(before)
        raise


def _update(simulation: Simulation, new: Network) -> None:
    old = simulation.network
    if new is old:
        return
    if new.dt != old.dt:
        raise NetworkError(
            "the time step cannot change while a simulation runs.", where="update", used=new.dt, limit=old.dt, remedy="Call setup() again."
        )
    simulation.watched = simulation.watched | ({p.id for p in old.populations if p.model == "poisson_source"} - simulation.driving)
    if same_shape(old, new) and drives.candidates(new, simulation.watched) == simulation.driving:
        _patch(simulation, new)
    else:
        rebuild(simulation, new)
    simulation._sample_now()


def _patch(simulation: Simulation, new: Network) -> None:
    old, layout, cells = simulation.network, simulation.layout, simulation.program.cells
    simulation.network = new
    sources = simulation.program.sources
    for before, after in zip(old.populations, new.populations, strict=True):
        if before is not after and after.id in simulation.driving:
            simulation.rates[after.id].change(after, new.dt, simulation.step)
    if any(a is not b for a, b in zip(old.populations, new.populations, strict=True) if a.is_source):
        sources = _new_sources(simulation, old, new)
    changed = False
    for before, after in zip(old.populations, new.populations, strict=True):
        if before is not after and not after.is_source:
            changed = True
            _set_states(simulation, before, after)
    if changed:
        cells = build.write_coefficients(new, layout, cells)
    for current in new.currents:
        currents.check(current)
    simulation._assemble(cells, sources)
    if len(new.currents) != len(old.currents) or any(a is not b for a, b in zip(old.currents, new.currents, strict=False)):
        cells.i_inj[:] = 0


def _set_states(simulation: Simulation, before: Population, after: Population) -> None:
    """Write the state variables whose initial values the user changed; no cell waits longer than it now does after a spike."""
    wait = WAITS.get(after.model)
    if wait is not None and before.parameters.get(wait[1]) is not after.parameters.get(wait[1]):
        index = simulation.layout.state_index(build.cell_indices(simulation.layout, after), wait[0])
        longest = build.parameters(after)[wait[1]] - 1.0
        simulation.program.cells.state[index] = np.minimum(simulation.program.cells.state[index], longest)
    for name, column in after.initial.items():
        if column is before.initial.get(name) or (is_homogeneous(column) and column == before.initial.get(name)):
            continue
        value = build.values_of(after, {name: column}, "initial")[name]
        simulation.program.cells.state[_state_index(simulation, after, name)] = value


def read_state(simulation: Simulation, number: int, name: str) -> Floats:
    """One state variable of every cell."""
    index = _state_index(simulation, simulation.network.populations[number], name)
    return simulation.program.cells.state[index].astype(np.float64)


def _state_index(simulation: Simulation, population: Population, name: str) -> Indices:
    """Index in the state of one variable of every cell."""
    row = build.variable_row(simulation.layout, population, name)
    if row is None:
        known = STATE_ROWS.get(population.model, {})
        raise UnknownNameError.among("state variable", name, known, where=f"Population '{population.label}'")
    return simulation.layout.state_index(build.cell_indices(simulation.layout, population), row)


def _new_sources(simulation: Simulation, old: Network, new: Network) -> Sources:
    """Source arrays for the new parameters; unchanged populations go on as they were."""
    layout, before = simulation.layout, simulation.program.sources
    after = build.build_sources(new, layout, simulation.driving, now_ms=simulation.t_ms, now_step=simulation.step)
    for was, now in zip(old.populations, new.populations, strict=False):
        if now.is_source and now.id not in simulation.driving and _alike(was, now):
            _continue_source(simulation, after, build.source_index(layout, now), before, build.source_index(layout, was), was, now)
    simulation._primed = -1
    return after


def _continue_source(
    simulation: Simulation, after: Sources, here: Indices, before: Sources, there: Indices, was: Population, now: Population
) -> None:
    """Let a source population in new arrays go on where it was; changed ones draw anew from now on."""
    step = simulation.step
    if now.model == "array_source":
        if was is now and (step > 0 or simulation._primed == 0):  # what is due at this very step has gone out
            pairs = zip(after.draws[here], after.stop_index[here], strict=True)
            after.draws[here] = [a + np.searchsorted(after.stamps[a:b], step + 1, side="left") for a, b in pairs]
        return
    after.draws[here] = before.draws[there]
    if was is now:
        after.next_ms[here] = before.next_ms[there]
    else:
        build.write_source(after, simulation.layout, now, None, now_ms=simulation.t_ms, now_step=step)


def rebuild(simulation: Simulation, new: Network) -> None:
    """Compile ``new`` and carry all state over to it."""
    budget.check(new, simulation.dtype, simulation.threads, simulation.max_memory)
    old, layout, program = simulation.network, simulation.layout, simulation.program
    drawn = _drawn(simulation, new)
    history, counts, were_driving = _end_drives(simulation, new)
    plastic_store.settle_all(simulation.stores.plastic, simulation.step)
    kept = {p.id for p, q in zip(old.projections, new.projections, strict=False) if p is q}
    revalued = {p.id for p, q in zip(old.projections, new.projections, strict=False) if p is not q and _same_synapses(old, p, new, q)}
    memories = {p.id: stores.remember(simulation.stores, p) for p in old.projections if p.id in kept | revalued}
    carried = {k: m for k, m in memories.items() if m is not None}
    step, primed = simulation.step, simulation._primed
    same_cells = _same_cells(simulation, new)
    simulation._load(new, {k: m for k, m in carried.items() if k in kept}, step=step, kept=same_cells)
    simulation._primed = primed
    for number in revalued & carried.keys():
        _recall(simulation, new.projections[number], carried[number])
    moved = np.arange(layout.n_cells) if same_cells else np.full(layout.n_cells, -1, np.int64)
    for was, now in zip(old.populations, new.populations, strict=False):
        if not (_alike(was, now) or _rejoined(was, now)):
            continue
        if not same_cells:
            moved[build.cell_indices(layout, was)] = build.cell_indices(simulation.layout, now)
        if was.id in were_driving:
            build.write_source(simulation.program.sources, simulation.layout, now, None, now_ms=simulation.t_ms, now_step=step)
        elif was.id not in simulation.driving:
            _carry_cells(simulation, layout, program, was, now)
    simulation._counts[moved[moved >= 0]] = counts[moved >= 0]
    _carry_spikes(simulation, moved, history)
    simulation._primed = -1
    for gids, steps in drawn:  # only now, as what came before may fail
        simulation.recordings.log.add(layout, gids, steps)  # pyright: ignore[reportOptionalMemberAccess]


def _same_cells(simulation: Simulation, new: Network) -> bool:
    """True if all cells stay where they are, with their parameters: then there is nothing to write or to carry."""
    old, driving = simulation.network, drives.candidates(new, simulation.watched)
    if driving != simulation.driving or len(old.populations) != len(new.populations):
        return False
    return all(a is b for a, b in zip(old.populations, new.populations, strict=True))


def _drawn(simulation: Simulation, new: Network) -> list[tuple[Indices, Indices]]:
    """Global ids and steps of all spikes of sources that will no longer only drive, where all spikes are kept."""
    log, found = simulation.recordings.log, []
    if log is None:
        return []
    for number in simulation.driving - drives.candidates(new, simulation.watched):
        population, rates = simulation.network.populations[number], simulation.rates[number]
        steps, cells = drives.events(simulation.network, population, rates, log.since + 1, simulation.step)
        found.append((simulation.layout.base(number) + cells, steps))
    return found


def _end_drives(simulation: Simulation, new: Network) -> tuple[tuple[Indices, Indices], Indices, set[int]]:
    """Spikes on their way, and counts so far, with those of the sources that will no longer only drive; their ids."""
    ended = simulation.driving - drives.candidates(new, simulation.watched)
    gids, stamps, counts = [simulation._history[0]], [simulation._history[1]], simulation._counts.copy()
    for number in ended:
        population, rates = simulation.network.populations[number], simulation.rates[number]
        cells = simulation.layout.base(number) + np.arange(population.size)
        counts[cells] += drives.counts(simulation.network, population, rates, 1, simulation.step)
        longest = max(d.delay for d in simulation.stores.drives if d.source == number)
        for step in range(max(1, simulation.step - longest), simulation.step + 1):
            gids.append(np.repeat(cells, drives.counts(simulation.network, population, rates, step, step)))
            stamps.append(np.full(len(gids[-1]), step, np.int64))
    return (np.concatenate(gids), np.concatenate(stamps)), counts, set(ended)


def _same_synapses(old: Network, was: Projection, new: Network, now: Projection) -> bool:
    """True if a changed projection still has the very same connections, so that its synapses keep their memory."""
    if was.id != now.id or was.synapse.model != now.synapse.model or now.synapse.model not in ("tsodyks_markram", "stdp"):
        return False
    if was.pre.size != now.pre.size or was.post.size != now.post.size:
        return False
    a, b = connectivity.expand(old, was), connectivity.expand(new, now)
    return np.array_equal(a.indptr, b.indptr) and np.array_equal(a.post, b.post)


def _recall(simulation: Simulation, projection: Projection, memory: stores.AnyMemory) -> None:
    """Give synapses with new values the memory of the old ones: resources and traces, but not weights."""
    if isinstance(memory, plastic_store.Memory):
        place = simulation.stores.places[projection.id]
        plastic_store.restore(simulation.stores.plastic, place, memory, with_weights=False)
        return
    where, depressing = simulation.stores.placed[projection.id], simulation.stores.depressing
    for name in ("x", "y", "u"):
        getattr(depressing, name)[where.position] = memory.values[name]
    depressing.last_ms[where.row] = memory.values["last"]


def _carry_cells(simulation: Simulation, old_layout: lay.Layout, old_program: Program, was: Population, now: Population) -> None:
    program = simulation.program
    if program.cells.state is old_program.cells.state and not now.is_source:
        return
    here, there = build.cell_indices(simulation.layout, now), build.cell_indices(old_layout, was)
    if now.is_source:
        there_in_sources, here_in_sources = build.source_index(old_layout, was), build.source_index(simulation.layout, now)
        _continue_source(simulation, program.sources, here_in_sources, old_program.sources, there_in_sources, was, now)
        return
    n_rows = simulation.layout.group(now.id).n_rows
    rows = build.gathered(old_layout, old_program.cells.state, there, n_rows)
    build.scatter(simulation.layout, program.cells.state, here, 0, rows if _alike(was, now) else _rejoin(was, now, rows))
    if was is not now:
        _set_states(simulation, was, now)


def _rejoin(was: Population, now: Population, rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """State rows of cells whose currents share others now; one that joins adds what it has to the current it joins."""
    first, lead, found = len(rows) - 2 * len(now.receptors), 0, rows.copy()
    found[first:] = 0
    for number, receptor in enumerate(now.receptors):
        lead = lead if receptor.kind == "fixed_joined" else number
        before = was.receptor_index(receptor.name)
        found[first + 2 * lead : first + 2 * lead + 2] += rows[first + 2 * before : first + 2 * before + 2]
    return found


def _carry_spikes(simulation: Simulation, moved: NDArray[np.int64], history: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
    """Queue anew all spikes that have not arrived everywhere yet."""
    gids, stamps = moved[history[0]], history[1]
    alive = (gids >= 0) & (stamps > simulation.step - simulation.stores.max_delay)
    simulation._history = (gids[alive], stamps[alive])
    simulation._pending = (gids[alive], stamps[alive])
