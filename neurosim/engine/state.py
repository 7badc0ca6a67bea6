"""Saves the state of a simulation and continues from it, exactly.

All that evolves is written in the terms of the network (population and cell, projection and synapse),
not of the layout, so that it can be continued with another number of threads. Numbers drawn while
the network runs depend on counters only, and the values of currents and of stochastic synapses on
the time; so the counters and the time are all there is to save of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.engine import build, drives, plastic_store, state_checks, state_file, stores
from neurosim.engine.event_log import EventLog
from neurosim.engine.identity import describe, differences
from neurosim.engine.recording import Recordings
from neurosim.engine.state_file import StateFile
from neurosim.errors import StateFileError
from neurosim.network import Network, Population

if TYPE_CHECKING:
    from neurosim.engine.simulation import Simulation

Arrays = dict[str, NDArray[Any]]

_OTHER = "Build the network and set parameters as they were when the state was saved; change what you like after loading."


# --- saving ------------------------------------------------------------------------------------
def save(simulation: Simulation, path: Any, *, version: str = "", chip: str = "ideal", about: Mapping[str, Any] | None = None) -> None:
    """Write the state of a simulation to a file; it can run on afterwards.

    Parameters
    ----------
    version, chip
        Of neurosim; the name of the chip that the network was made for.
    about
        Settings of the front end, of plain values; :func:`read` gives them back.

    Raises
    ------
    StateFileError
        If the file cannot be written; an earlier one of that name is then unharmed.
    """
    state_file.checked_path(path)
    plastic_store.settle_all(simulation.stores.plastic, simulation.step)
    samples, arrays = _recorded(simulation.recordings)
    manifest = {
        "neurosim": version,
        "step": simulation.step,
        "t_ms": simulation.t_ms,
        "primed": simulation._primed == simulation.step,
        "network": describe(simulation.network, precision=np.dtype(simulation.dtype).name, chip=chip),
        "driving": {str(i): {"since": list(r.since), "mean": list(r.mean)} for i, r in simulation.rates.items() if i in simulation.driving},
        "recorded": samples,
        "about": dict(about or {}),
    }
    state_file.write(path, manifest, {**dict(_cells(simulation)), **_spikes(simulation), **dict(_synapses(simulation)), **arrays})


def _cells(simulation: Simulation) -> Iterator[tuple[str, NDArray[Any]]]:
    program, layout = simulation.program, simulation.layout
    for population in simulation.network.populations:
        number = population.id
        yield f"cells/{number}/counts", simulation._counts[build.cell_indices(layout, population)]
        if population.is_source:
            where = build.source_index(layout, population)
            yield f"sources/{number}/draws", program.sources.draws[where] - _first_draw(simulation, population)
            yield f"sources/{number}/next_ms", program.sources.next_ms[where]
        else:
            n_rows, gids = layout.group(number).n_rows, build.cell_indices(layout, population)
            yield f"cells/{number}/state", build.gathered(layout, program.cells.state, gids, n_rows)


def _first_draw(simulation: Simulation, population: Population) -> NDArray[np.int64] | int:
    """What the counter of each source begins with: the place of its first spike where these are listed."""
    if population.model != "array_source":
        return 0
    stop = simulation.program.sources.stop_index[build.source_index(simulation.layout, population)]
    return stop - np.array([len(train) for train in population.spike_times or ()], np.int64)


def _spikes(simulation: Simulation) -> Arrays:
    """Spikes on their way, in the order they were sent in."""
    gids, steps = simulation._history
    alive = steps > simulation.step - simulation.stores.max_delay
    gids, steps, layout = gids[alive], steps[alive], simulation.layout
    id_of = np.argsort(layout.number_of)
    number = np.searchsorted(layout.bases, gids, side="right") - 1
    return {"spikes/population": id_of[number], "spikes/cell": gids - layout.bases[number], "spikes/step": steps}


def _synapses(simulation: Simulation) -> Iterator[tuple[str, NDArray[Any]]]:
    for projection in simulation.network.projections:
        memory = stores.remember(simulation.stores, projection)
        if memory is not None:
            for name, values in _flat(memory).items():
                yield f"synapses/{projection.id}/{name}", values


def _flat(memory: Any) -> Arrays:
    """Arrays of a memory of synapses by name; those in dictionaries by the names of both."""
    found: Arrays = {}
    for field in fields(memory):
        value = getattr(memory, field.name)
        found |= {f"{field.name}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {field.name: value}
    return found


def _recorded(recordings: Recordings) -> tuple[list[dict[str, Any]], Arrays]:
    """Recordings that are in memory, and of all samples when the last one was taken."""
    arrays: Arrays = {}
    samples = []
    for (population, variable), record in recordings.samples.items():
        stretches = [] if recordings.to_file else record.stretches
        rows = [{"first": s.first, "every": s.every} for s in stretches]
        samples.append({"population": population, "variable": variable, "last_ms": record.last_ms, "stretches": rows})
        for k, stretch in enumerate(stretches):
            values = np.empty((stretch.n_rows, len(stretch.cells)))
            stretch.read(values)
            arrays |= {f"recorded/{population}/{variable}/{k}/cells": stretch.cells, f"recorded/{population}/{variable}/{k}/values": values}
    for population, record in ({} if recordings.to_file else recordings.spikes).items():
        cells, times_ms = record.arrays()
        arrays |= {f"recorded/{population}/spikes/cells": cells, f"recorded/{population}/spikes/times": times_ms}
    for (projection, variable), record in recordings.weights.items():
        if record.times_ms:
            names = f"recorded/weights/{projection}/{variable}"
            arrays |= dict(zip((f"{names}/times", f"{names}/values"), record.arrays(), strict=True))
    for current, pieces in recordings.currents.items():
        arrays[f"recorded/currents/{current}"] = np.concatenate(pieces or [np.empty(0)])
    return samples, arrays


# --- loading -----------------------------------------------------------------------------------
def read(path: Any, network: Network, *, precision: str, chip: str = "ideal") -> StateFile:
    """Read a state file that belongs to a network; nothing is built for it.

    Raises
    ------
    StateFileError
        If the file cannot be read or is damaged, or says that it belongs to another network; names
        what differs.
    """
    file = state_file.read(path)
    with _whole(file):
        state_checks.about(file.manifest)
        driving = set(state_checks.rates(file.manifest, network))
    saved = file.manifest.get("network")
    found = list(differences(saved if isinstance(saved, dict) else {}, describe(network, precision=precision, chip=chip)))
    known = drives.candidates(network)
    for number in sorted(driving - known):
        label = network.populations[number].label
        found.append((f"Population '{label}': its spikes were not recorded, nor all its parameters as now", "recorded", "not recorded"))
    if not found:
        return file
    text, own, there = found[0]
    more = f" And {len(found) - 1} more differences." if len(found) > 1 else ""
    raise StateFileError(f"belongs to another simulation: {text}.{more}", where=file.where, used=own, limit=there, remedy=_OTHER)


@contextmanager
def _whole(file: StateFile) -> Iterator[None]:
    """Turn what goes wrong with the content of a file into one error that names the field."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).strip(".")
        text, remedy = f"is incomplete or was edited: {reason}.", "Give another copy, or save the state again."
        raise StateFileError(text, where=file.where, remedy=remedy) from None


@dataclass(frozen=True, slots=True, eq=False)
class _Restored:
    """Everything that a file holds, checked, in the terms of one simulation.

    ``rebuild`` says that its synapses have to be built anew, because they learn and have run.
    """

    step: int
    primed: bool
    cells: Arrays
    sent: tuple[NDArray[np.int64], ...]
    rates: dict[int, drives.Rates]
    memories: dict[int, Any]
    rebuild: bool
    recordings: Recordings


def load(simulation: Simulation, file: StateFile) -> None:
    """Let a simulation go on from a state that :func:`read` found to belong to its network.

    Raises
    ------
    StateFileError
        If the content of the file is not complete or does not belong together; names the field. The
        simulation is then unchanged.
    """
    with _whole(file):
        restored = _restored(simulation, file)
    before = dict(vars(simulation))
    try:
        _apply(simulation, restored)
    except BaseException:
        vars(simulation).update(before)  # what is built anew is built beside the old
        raise


def _restored(simulation: Simulation, file: StateFile) -> _Restored:
    network = simulation.network
    (step, primed), rates = state_checks.clock(file.manifest, network.dt), state_checks.rates(file.manifest, network)
    cells = {name: _checked(file, name, values) for name, values in _cells(simulation)}
    sent = tuple(_checked(file, f"spikes/{name}", np.empty(0, np.int64), any_length=True) for name in ("population", "cell", "step"))
    state_checks.cells(network, cells, step, rates)
    state_checks.sent(network, sent, step)
    memories: dict[int, Any] = {}
    rebuild = bool(simulation.stores.places) and simulation.step > 0
    for projection in network.projections:
        own = stores.remember(simulation.stores, projection)
        if own is not None:
            memories[projection.id] = _filled(file, projection.id, own)
            state_checks.memory(f"synapses/{projection.id}", memories[projection.id], own, step, network.dt)
    return _Restored(step, primed, cells, sent, rates, memories, rebuild, _recordings(simulation, file, step))


def _checked(file: StateFile, name: str, like: NDArray[Any], *, any_length: bool = False) -> NDArray[Any]:
    """An array of the file that has the type and shape of another one."""
    if name not in file.arrays:
        raise ValueError(f"'{name}' is missing")
    found = file.arrays[name]
    if found.dtype != like.dtype or found.ndim != like.ndim or (not any_length and found.shape != like.shape):
        raise ValueError(f"'{name}' has type {found.dtype} and shape {found.shape}")
    return found


def _filled(file: StateFile, number: int, memory: Any) -> Any:
    """A memory of the same kind as ``memory`` with the values of the file."""
    found = {name: _checked(file, f"synapses/{number}/{name}", values, any_length=True) for name, values in _flat(memory).items()}
    values = {}
    for field in fields(memory):
        own = getattr(memory, field.name)
        values[field.name] = {k: found[f"{field.name}.{k}"] for k in own} if isinstance(own, dict) else found[field.name]
    return replace(memory, **values)


def _recordings(simulation: Simulation, file: StateFile, step: int) -> Recordings:
    recordings, network = simulation.recordings.successor(), simulation.network
    recordings.log = None if simulation.recordings.log is None else EventLog(step)
    until_ms = state_checks.until_ms(step, network.dt)
    for row in file.manifest["recorded"]:
        number = state_checks.listed("recorded", row["population"], network.populations)
        name = f"recorded/{number}/{row['variable']}"
        record = recordings.samples[number, str(row["variable"])]
        for k, stretch in enumerate(row["stretches"]):
            cells, values = file.arrays[f"{name}/{k}/cells"], file.arrays[f"{name}/{k}/values"]
            state_checks.recorded_samples(f"{name}/{k}", stretch, cells, values, network.populations[number].size, step)
            record.add(cells, stretch["first"], stretch["every"], network.dt, values)
        taken_ms = record.last_ms if row["stretches"] else None
        record.last_ms = state_checks.last_sample(f"{name}, last_ms", row["last_ms"], taken_ms, until_ms)
    for name in file.arrays:
        _others(recordings, file, name, network, until_ms)
    return recordings


def _others(recordings: Recordings, file: StateFile, name: str, network: Network, until_ms: float) -> None:
    """Take what one array says of recorded spikes, weights or currents."""
    array = file.arrays[name]
    match name.split("/"):
        case ["recorded", "weights", projection, variable, "times"]:
            values = file.arrays[f"recorded/weights/{projection}/{variable}/values"]
            state_checks.within(name, state_checks.alike(name, array, np.float64, (None,)), 0.0, until_ms)
            values_name = f"recorded/weights/{projection}/{variable}/values"
            state_checks.within(values_name, state_checks.alike(values_name, values, np.float64, (len(array), None)))
            number = state_checks.listed(name, projection, network.projections)
            for time_ms, weights in zip(array.tolist(), values, strict=True):
                recordings.weights[number, variable].add(time_ms, weights)
        case ["recorded", "currents", current]:
            state_checks.within(name, state_checks.alike(name, array, np.float64, (None,)))
            if len(array) * network.dt > until_ms:
                raise ValueError(f"'{name}' has values of later than now")
            recordings.currents[state_checks.listed(name, current, network.currents)].append(array)
        case ["recorded", population, "spikes", "cells"]:
            number, times_ms = (
                state_checks.listed(name, population, network.populations),
                file.arrays[f"recorded/{population}/spikes/times"],
            )
            state_checks.recorded_spikes(f"recorded/{number}/spikes", array, times_ms, network.populations[number], until_ms)
            recordings.spikes[number].add(array.astype(np.int32), times_ms)


def _apply(simulation: Simulation, restored: _Restored) -> None:
    _rewind(simulation, restored)
    layout, program = simulation.layout, simulation.program
    for population in simulation.network.populations:
        number, gids = population.id, build.cell_indices(layout, population)
        simulation._counts[gids] = restored.cells[f"cells/{number}/counts"]
        if population.is_source:
            where = build.source_index(layout, population)
            program.sources.draws[where] = restored.cells[f"sources/{number}/draws"] + _first_draw(simulation, population)
            program.sources.next_ms[where] = restored.cells[f"sources/{number}/next_ms"]
        else:
            build.scatter(layout, program.cells.state, gids, 0, restored.cells[f"cells/{number}/state"])
    population, cell, step = restored.sent
    simulation._history = simulation._pending = (layout.bases[layout.number_of[population]] + cell, step)
    simulation._primed = restored.step if restored.primed else -1
    simulation.recordings = restored.recordings
    if simulation.live is not None:
        simulation.live.clear()


def _rewind(simulation: Simulation, restored: _Restored) -> None:
    """Go to another time, with nothing on its way and the memory of synapses from there."""
    simulation.rates = dict(restored.rates)
    simulation.watched = set(drives.candidates(simulation.network) - restored.rates.keys())
    if restored.rebuild or simulation.driving != restored.rates.keys():
        simulation._load(simulation.network, restored.memories, step=restored.step)
        return
    simulation.step = restored.step
    cells = simulation.program.cells
    for array in (cells.acc, cells.codes, cells.i_inj, *simulation._work):
        array[...] = 0
    simulation._assemble(cells, simulation.program.sources)
    simulation._new_queue()
    for number, memory in restored.memories.items():
        stores.restore(simulation.stores, simulation.network.projections[number], memory)
