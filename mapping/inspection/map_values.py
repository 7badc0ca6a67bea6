"""What a map shows by colour: one value per core or per router, with its unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping.inspection.files import known_graph

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping

Floats = NDArray[np.float64]
Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Shading:
    """Values that become colours; NaN where nothing is used.

    Attributes
    ----------
    core, router
        float64 (n_cores,) and (n_routers,). ``core`` is ``None`` for what only routers have. In
        percent for shares; population ids where ``is_population``.
    core_title, router_title
        What the values are.
    unit
        Their unit, for the legend.
    """

    core: Floats | None
    router: Floats
    core_title: str
    router_title: str
    unit: str
    is_population: bool = False


def shading(mapping: Mapping, colour: str, entries: NDArray[np.integer] | None = None) -> Shading:
    """Values for ``"neurons"``, ``"populations"``, ``"sent"``, ``"received"``, ``"fullest"``, ``"entries"``, ``"links"`` or a resource.

    Raises
    ------
    UnknownNameError
        If there is nothing of that name to show.
    ParameterError
        If what it takes was not given, has the wrong shape, or is not known.
    """
    named: dict[str, Callable[[], Shading]] = {
        "neurons": lambda: _neurons(mapping),
        "populations": lambda: _populations(mapping),
        "sent": lambda: _packets(mapping, outward=True),
        "received": lambda: _packets(mapping, outward=False),
        "fullest": lambda: _fullest(mapping),
        "entries": lambda: _entries(mapping, entries),
        "links": lambda: _neurons(mapping),
    }
    scopes = {name: scope for scope in ("chip", "core") for name in mapping.utilisation(scope).resources}
    if colour in named:
        return named[colour]()
    if colour in scopes:
        return _resource(mapping, scopes[colour], colour)
    raise UnknownNameError.among("colour", colour, [*named, *scopes], where="Mapping.chip_map")


def routers_of(mapping: Mapping) -> Int64:
    """Router of every core of the machine."""
    return np.asarray(mapping.chip.cores().chip, np.int64)


def n_routers(mapping: Mapping) -> int:
    """Number of routers of the machine, those without usable cores included."""
    return mapping.chip.topology().number_of_nodes()


def neurons_per_core(mapping: Mapping) -> Int64:
    """Cells by population and core, int64 (n_populations, n_cores)."""
    return np.array([np.bincount(core[core >= 0], minlength=mapping.n_cores) for core in mapping.core_of]).reshape(-1, mapping.n_cores)


def _per_router(mapping: Mapping, values: Floats, gather: np.ufunc) -> Floats:
    """Sum or maximum over the used cores of each router; NaN where there is none."""
    found = np.full(n_routers(mapping), np.nan)
    used, router = ~np.isnan(values), routers_of(mapping)
    found[router[used]] = 0.0
    gather.at(found, router[used], values[used])
    return found


def _where_used(mapping: Mapping, values: Floats) -> Floats:
    result = np.full(mapping.n_cores, np.nan)
    result[mapping.cores_used] = values[mapping.cores_used]
    return result


def _neurons(mapping: Mapping) -> Shading:
    counts = _where_used(mapping, neurons_per_core(mapping).sum(axis=0).astype(np.float64))
    noun = mapping.chip.router_noun
    return Shading(counts, _per_router(mapping, counts, np.add), "Neurons per core", f"Neurons per {noun}", "neurons")


def _populations(mapping: Mapping) -> Shading:
    counts = neurons_per_core(mapping)
    by_router = np.zeros((len(counts), n_routers(mapping)), np.int64)
    for row, column in zip(by_router, counts, strict=True):
        np.add.at(row, routers_of(mapping), column)
    core, router = (
        np.where(c.any(axis=0), c.argmax(axis=0), np.nan) if len(c) else np.full(c.shape[1], np.nan) for c in (counts, by_router)
    )
    noun = mapping.chip.router_noun
    return Shading(core, router, "Largest population of each core", f"Largest population of each {noun}", "", is_population=True)


def _packets(mapping: Mapping, *, outward: bool) -> Shading:
    graph = known_graph(mapping)
    packets = np.bincount(graph.source if outward else graph.target, graph.packets, mapping.n_cores)
    values = _where_used(mapping, packets)
    word, noun = "sent" if outward else "received", mapping.chip.router_noun
    titles = (f"Packets {word} by each core", f"Packets {word} by the cores of each {noun}")
    return Shading(values, _per_router(mapping, values, np.add), *titles, "packets")


def _resource(mapping: Mapping, scope: str, name: str) -> Shading:
    usage = mapping.utilisation(scope)
    percent = 100.0 * usage.fraction[:, usage.resources.index(name)]
    noun = mapping.chip.router_noun
    if scope == "chip":
        values = np.full(n_routers(mapping), np.nan)
        values[usage.places] = percent
        return Shading(None, values, "", f"{_capital(name)} used per {noun}", "% of the limit")
    core = _spread(mapping, usage.places, percent)
    titles = (f"{_capital(name)} used per core", f"{_capital(name)} used on the fullest core of each {noun}")
    return Shading(core, _per_router(mapping, core, np.maximum), *titles, "% of the limit")


def _fullest(mapping: Mapping) -> Shading:
    usage = mapping.utilisation("core")
    core = _spread(mapping, usage.places, 100.0 * usage.fraction.max(axis=1, initial=0.0))
    titles = ("Fullest resource of each core", f"Fullest resource of the cores of each {mapping.chip.router_noun}")
    return Shading(core, _per_router(mapping, core, np.maximum), *titles, "% of its limit")


def _spread(mapping: Mapping, cores: Int64, values: Floats) -> Floats:
    result = np.full(mapping.n_cores, np.nan)
    result[cores] = values
    return result


def _entries(mapping: Mapping, entries: NDArray[np.integer] | None) -> Shading:
    expected = (n_routers(mapping),)
    if entries is None or np.shape(entries) != expected:
        found = "no entries were given" if entries is None else f"the entries have the shape {np.shape(entries)}"
        raise ParameterError(
            f"{found}; the machine has {expected[0]:,} routers.",
            where="Mapping.chip_map",
            used=None if entries is None else np.shape(entries),
            limit=expected,
            remedy="Give entries=, the number of entries of every router.",
        )
    values = np.asarray(entries, np.float64)
    return Shading(None, np.where(values > 0, values, np.nan), "", f"Router entries per {mapping.chip.router_noun}", "entries")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
