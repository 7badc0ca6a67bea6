"""Fills a program's arrays from a network: parameters, states, sources, currents and probes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from neurosim.columns import Column, is_homogeneous
from neurosim.connectivity.columns import population_values
from neurosim.engine import layout as lay
from neurosim.engine import sources as source_kernels
from neurosim.engine.layout import Layout
from neurosim.engine.program import Cells, Injection, Probes, Sources
from neurosim.engine.randomness import keys
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.models import layout as model_layout
from neurosim.models import validate, validate_receptor, validate_spike_times
from neurosim.models._tile import TILE, n_tiles, zeros
from neurosim.network import Network, Population, Probe

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Source parameter held by each row of ``Sources.parameters``, per model.
_SOURCE_ROWS = {
    "poisson_source": ("rate", None, None, "start", "duration"),
    "gamma_source": ("alpha", "beta", None, "start", "duration"),
    "poisson_refractory_source": ("rate", None, "tau_refrac", "start", "duration"),
}
#: Receptors whose conductance or current has a name of its own.
_RECEPTOR_OF = {"gsyn_exc": "excitatory", "gsyn_inh": "inhibitory"}


def values_of(population: Population, columns: Mapping[str, Column], stream: str) -> dict[str, Floats]:
    """Columns of a population as float64 arrays of shape (size,)."""
    return {name: population_values(column, population.size, f"{population.id}/{stream}/{name}") for name, column in columns.items()}


def receptor_values(population: Population) -> tuple[tuple[str, dict[str, Floats]], ...]:
    """Kind and parameter arrays of each receptor, validated."""
    out = []
    for receptor in population.receptors:
        values = values_of(population, receptor.parameters, receptor.name)
        validate_receptor(receptor.kind, values, where=f"Population '{population.label}', receptor '{receptor.name}'")
        out.append((receptor.kind, values))
    return tuple(out)


def cell_indices(layout: Layout, population: Population) -> Int64:
    """Global ids of all cells of a population."""
    return layout.base(population.id) + np.arange(population.size)


def empty_cells(layout: Layout, dtype: type) -> Cells:
    """State arrays of the right sizes, all zero, without coefficients."""
    sizes = layout.sizes
    state, acc, i_inj = (zeros(sizes[name], dtype) for name in ("state", "acc", "cell"))
    codes, lanes = zeros(sizes["acc"], np.int32), np.zeros(2 * sizes["lane"], dtype)
    tile_at, coeff = np.zeros(sizes["tile"], np.int64), np.empty(0, dtype)
    return Cells(layout.parts, layout.block_ptr, layout.receptor_kinds, tile_at, layout.cell_gids(), state, coeff, acc, codes, lanes, i_inj)


def new_cells(network: Network, layout: Layout, dtype: type) -> Cells:
    """Cells with their coefficients and initial states."""
    cells = write_coefficients(network, layout, empty_cells(layout, dtype))
    for population in network.populations:
        if not population.is_source:
            write_state(layout, cells, population, parameters(population))
    return cells


def kept_cells(layout: Layout, cells: Cells) -> Cells:
    """Cells as they are, for a layout like theirs; nothing has arrived at them yet."""
    places = {"parts": layout.parts, "block_ptr": layout.block_ptr, "receptor_kinds": layout.receptor_kinds}
    blank = {name: zeros(getattr(cells, name).shape, getattr(cells, name).dtype) for name in ("acc", "codes", "lanes", "i_inj")}
    return cells._replace(**places, **blank)


def scatter(layout: Layout, state: NDArray[np.floating], gids: Int64, first_row: int, rows: NDArray[np.floating]) -> None:
    """Write ``rows`` (n_rows, n_cells) of the state of cells, from ``first_row`` on."""
    for row, values in enumerate(rows):
        state[layout.state_index(gids, first_row + row)] = values


def gathered(layout: Layout, state: NDArray[np.floating], gids: Int64, n_rows: int) -> NDArray[np.floating]:
    """The first ``n_rows`` rows of the state of cells, (n_rows, n_cells); the inverse of :func:`scatter`."""
    first = layout.state_index(gids, 0)
    return np.stack([state[first + row * TILE] for row in range(n_rows)]) if n_rows else np.empty((0, len(gids)))


def parameters(population: Population) -> dict[str, Floats]:
    """Validated parameters of a neuron population, arrays (size,)."""
    values = values_of(population, population.parameters, "parameters")
    validate(population.model, values, where=f"Population '{population.label}'")
    return values


def _coefficients(network: Network, population: Population, dtype: np.dtype) -> NDArray[np.floating]:
    """Coefficients of a population, (n_coeff, size), or (n_coeff, 1) if its cells are all alike."""
    values, receptors = parameters(population), receptor_values(population)
    columns = [*population.parameters.values(), *(c for r in population.receptors for c in r.parameters.values())]
    size = population.size
    if all(is_homogeneous(column) for column in columns):
        size = min(size, 1)
        values = {name: value[:size] for name, value in values.items()}
        receptors = tuple((kind, {name: value[:size] for name, value in of.items()}) for kind, of in receptors)
    kernel = lay.group_key(population)[0]
    return model_layout.coefficients(kernel, values, receptors, network.dt, size, dtype)


def write_coefficients(network: Network, layout: Layout, cells: Cells) -> Cells:
    """Validate all parameters and make the tiles of coefficients; equal cells of a population share one."""
    pieces: list[NDArray[np.floating]] = []
    size = 0

    def add(tile: NDArray[np.floating]) -> int:
        nonlocal size
        pieces.append(tile.reshape(-1))
        size += tile.size
        return size - tile.size

    for number, group in enumerate(layout.groups):
        if group.is_source:
            continue
        columns = [_coefficients(network, network.populations[p], cells.state.dtype) for p in group.populations]
        shared: dict[int, int] = {}
        for block in range(layout.n_blocks):
            spans = _spans(layout, number, block)
            row = layout.parts[layout.block_ptr[block] + number]
            for t in range(n_tiles(int(row[lay.SIZE]))):
                inside = [span for span in spans if span[0] < (t + 1) * TILE and span[1] > t * TILE]
                k = inside[0][2]
                if len(inside) == 1 and columns[k].shape[1] == 1:
                    if k not in shared:
                        shared[k] = add(model_layout.uniform_tile(columns[k]))
                    cells.tile_at[row[lay.O_TILE] + t] = shared[k]
                else:
                    cells.tile_at[row[lay.O_TILE] + t] = add(_mixed_tile(group.kernel, t * TILE, inside, columns))
    coeff = zeros(size, cells.state.dtype)
    np.concatenate([*pieces, np.empty(0, coeff.dtype)], out=coeff)
    return cells._replace(coeff=coeff)


def _spans(layout: Layout, group: int, block: int) -> list[tuple[int, int, int, int]]:
    """Pieces of a part: first and last place, which population of the group, its first cell there."""
    numbers = np.flatnonzero(layout.group_of == group)
    first = layout.first[numbers, block]
    size = layout.bounds[numbers, block + 1] - layout.bounds[numbers, block]
    return [
        (int(f), int(f + n), k, int(layout.bounds[q, block])) for k, (q, f, n) in enumerate(zip(numbers, first, size, strict=True)) if n
    ]


def _mixed_tile(
    kernel: int, start: int, inside: list[tuple[int, int, int, int]], columns: list[NDArray[np.floating]]
) -> NDArray[np.floating]:
    """Coefficients of a tile whose cells differ."""
    tile = np.zeros((len(columns[0]), TILE), columns[0].dtype)
    for first, last, k, cell in inside:
        a, b = max(first, start), min(last, start + TILE)
        own = columns[k]
        tile[:, a - start : b - start] = own if own.shape[1] == 1 else own[:, cell + a - first : cell + b - first]
    model_layout.note_alike(kernel, tile, max(last for _, last, _, _ in inside) - start)
    return tile


def write_lanes(layout: Layout, cells: Cells, lanes: Mapping[tuple[int, int], tuple[float, bool]]) -> None:
    """Note how weights arrive at each receptor of each part."""
    cells.lanes[:] = 0
    for (group, receptor), (unit, has_sums) in lanes.items():
        for block in range(layout.n_blocks):
            lane = layout.parts[layout.block_ptr[block] + group, lay.O_LANE] + receptor
            cells.lanes[2 * lane : 2 * lane + 2] = unit, has_sums


def write_state(layout: Layout, cells: Cells, population: Population, parameters: dict[str, Floats]) -> None:
    """Write the initial state of a neuron population."""
    initial = values_of(population, population.initial, "initial")
    kernel = layout.group(population.id).kernel
    gids = cell_indices(layout, population)
    state = model_layout.initial_state(kernel, parameters, initial, population.size, cells.state.dtype)
    scatter(layout, cells.state, gids, 0, state)
    for name, value in initial.items():
        row = variable_row(layout, population, name)
        if row is not None and row >= len(state):
            cells.state[layout.state_index(gids, row)] = value


def variable_row(layout: Layout, population: Population, variable: str) -> int | None:
    """Row of the state that holds a variable, ``None`` if there is none.

    Variables are those of the membrane, and the conductance or current of a receptor: ``gsyn_exc``,
    ``gsyn_inh``, ``name.gsyn``.
    """
    receptor = _RECEPTOR_OF.get(variable, variable.rpartition(".")[0])
    if receptor:
        return layout.group(population.id).n_states + 2 * population.receptor_index(receptor)
    return model_layout.STATE_ROWS.get(population.model, {}).get(variable)


def build_sources(network: Network, layout: Layout, driving: Collection[int] = (), *, now_ms: float = 0.0, now_step: int = -1) -> Sources:
    """Arrays of all spike sources, starting at ``now``; cells are in the order of the parts. Those that drive never fire here."""
    n = layout.sizes["source"]
    stamps, times, ranges = _array_spikes(network)
    sources = Sources(
        np.zeros(n, np.uint64),
        np.zeros(n, np.int64),
        np.full(n, np.inf),
        np.zeros((lay.N_SOURCE_PARAMETERS, n)),
        np.zeros(n, np.int64),
        stamps,
        times,
        np.full(n, np.inf),
    )
    for population in network.populations:
        if population.is_source and population.id in driving:
            validate(population.model, values_of(population, population.parameters, "parameters"), where=f"Population '{population.label}'")
        elif population.is_source:
            where = source_index(layout, population)
            sources.key[where] = keys(np.uint64(network.seed), np.uint64(population.id), 0, population.size)
            write_source(sources, layout, population, ranges.get(population.id), now_ms=now_ms, now_step=now_step)
    return sources


def source_index(layout: Layout, population: Population) -> Int64:
    """Index of each cell of a source population in the source arrays."""
    return layout.flat(lay.O_SOURCE, cell_indices(layout, population))


def write_source(
    sources: Sources,
    layout: Layout,
    population: Population,
    ranges: tuple[Int64, Int64] | None,
    *,
    now_ms: float,
    now_step: int,
) -> None:
    """Write a source population's parameters and let it continue from ``now``."""
    where = source_index(layout, population)
    if population.model == "array_source":
        assert ranges is not None
        first, stop = ranges
        sources.draws[where] = [a + np.searchsorted(sources.stamps[a:b], now_step, side="left") for a, b in zip(first, stop, strict=True)]
        sources.stop_index[where] = stop
        return
    values = values_of(population, population.parameters, "parameters")
    validate(population.model, values, where=f"Population '{population.label}'")
    for row, name in enumerate(_SOURCE_ROWS[population.model]):
        sources.parameters[row, where] = values[name] if name else 0.0
    sources.parameters[4, where] += sources.parameters[3, where]
    for run in np.split(where, np.flatnonzero(np.diff(where) != 1) + 1):
        source_kernels.restart(lay.SOURCE_KINDS[population.model], run[0] if len(run) else 0, len(run), now_ms, sources)


def _array_spikes(network: Network) -> tuple[Int64, Floats, dict[int, tuple[Int64, Int64]]]:
    times, ranges, at = [], {}, 0
    for population in network.populations:
        if population.model != "array_source":
            continue
        trains = population.spike_times or ()
        if len(trains) != population.size:
            raise ParameterError(
                f"has {len(trains)} spike trains for {population.size} cells.", where=f"Population '{population.label}'",
                used=len(trains), limit=population.size, remedy="Give one array of spike times per cell.",
            )  # fmt: skip
        for number, train in enumerate(trains):
            validate_spike_times(train, where=f"Population '{population.label}', cell {number}")
        lengths = np.array([len(t) for t in trains], np.int64)
        stop = at + np.cumsum(lengths)
        ranges[population.id] = (stop - lengths, stop)
        times.extend(trains)
        at = int(stop[-1]) if len(stop) else at
    flat = np.concatenate(times).astype(np.float64) if times else np.empty(0)
    return np.ceil(flat / network.dt - 1e-6).astype(np.int64), flat, ranges


def take_due(network: Network, layout: Layout, sources: Sources, step: int) -> tuple[Int64, Int64, Floats]:
    """Global ids, send steps and times (ms) of the spikes of array sources due exactly now; earlier ones are passed over."""
    found: list[tuple[int, int, float]] = []
    for population in network.populations:
        if population.model != "array_source":
            continue
        for cell, i in enumerate(source_index(layout, population)):
            while sources.draws[i] < sources.stop_index[i] and sources.stamps[sources.draws[i]] <= step:
                if sources.stamps[sources.draws[i]] == step:
                    found.append((layout.base(population.id) + cell, step, float(sources.times_ms[sources.draws[i]])))
                sources.draws[i] += 1
    gids, stamps, times = zip(*found, strict=True) if found else ((), (), ())
    return np.array(gids, np.int64), np.array(stamps, np.int64), np.array(times, np.float64)


def most_spikes_per_step(network: Network, sources: Sources) -> int:
    """Bound on the spikes that all sources together emit in one step."""
    most = 0
    if len(sources.stamps):
        _, counts = np.unique(sources.stamps, return_counts=True)
        most += int(counts.max())
    rate = np.where(sources.parameters[1] > 0, sources.parameters[1] / np.maximum(sources.parameters[0], 1e-12), sources.parameters[0])
    mean = rate * network.dt / 1000.0
    return most + int(np.sum(mean + 12.0 * np.sqrt(mean)) + 2 * len(mean)) + 64


def build_injection(network: Network, layout: Layout) -> Injection:
    """Lists of (cell, current) pairs by block."""
    gids = [layout.gids(c.targets) for c in network.currents]
    current = np.concatenate([np.full(len(g), i, np.int64) for i, g in enumerate(gids)] or [np.empty(0, np.int64)])
    cells = np.concatenate(gids or [np.empty(0, np.int64)])
    layout.parts[:, lay.INJECTED] = 0
    if not len(cells):
        return Injection(np.zeros(layout.n_blocks + 1, np.int64), cells, current)
    layout.parts[np.unique(layout.locate(cells)[0]), lay.INJECTED] = 1
    block = layout.block_of(cells)
    order = np.argsort(block, kind="stable")
    ptr = np.concatenate([[0], np.cumsum(np.bincount(block, minlength=layout.n_blocks))]).astype(np.int64)
    return Injection(ptr, layout.flat(lay.O_CELL, cells)[order], current[order])


def analog(network: Network) -> list[Probe]:
    """Probes that sample a variable, in order."""
    return [p for p in network.probes if p.variable != "spikes"]


def probe_source(network: Network, layout: Layout, probe: Probe) -> Int64:
    """Index in the state of what a probe reads, per recorded cell."""
    population = network.populations[probe.population]
    row = variable_row(layout, population, probe.variable)
    if row is None:
        known = ("spikes", *model_layout.STATE_ROWS.get(population.model, {}))
        raise UnknownNameError.among("variable to record", probe.variable, known, where=f"Population '{population.label}'")
    return layout.state_index(layout.base(population.id) + np.asarray(probe.indices, np.int64), row)


def build_probes(network: Network, layout: Layout) -> Probes:
    """Probe table and, per block and probe, what to read and where to write it."""
    probes = analog(network)
    table = np.zeros((len(probes), 5), np.int64)
    entries: list[tuple[Int64, Int64, Int64]] = []
    for number, probe in enumerate(probes):
        index = probe_source(network, layout, probe)
        steps = max(round(probe.interval / network.dt), 1)
        if abs(steps * network.dt - probe.interval) > 1e-6 * network.dt and probe.interval > 0:
            raise ParameterError(
                f"the sampling interval {probe.interval:g} ms is not a multiple of the time step.", where=f"Population {probe.population}",
                used=probe.interval, limit=network.dt, remedy=f"Use a multiple of {network.dt:g} ms.",
            )  # fmt: skip
        table[number, :3] = probe.population, steps, len(index)
        block = layout.block_of(layout.base(probe.population) + np.asarray(probe.indices, np.int64))
        entries.append((block, index, np.arange(len(index))))
    ptr, flat, column = [0], [], []
    for block in range(layout.n_blocks):
        for owner, index, columns in entries:
            mine = owner == block
            flat.append(index[mine])
            column.append(columns[mine])
            ptr.append(ptr[-1] + int(mine.sum()))
    empty = np.empty(0, np.int64)
    return Probes(table, np.array(ptr, np.int64), np.concatenate(flat) if flat else empty, np.concatenate(column) if column else empty)
