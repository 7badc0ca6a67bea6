"""A mapping as CSV text, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping.serial import runs
from neurosim.mapping.structures import CoreGraph

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping

#: Tables and their columns, with what is in each. Packets, hops and synapses are those of every neuron firing once.
COLUMNS: dict[str, dict[str, str]] = {
    "placement": {
        "population": "label",
        "population_id": "position in the network, from 0",
        "first": "first neuron of the run",
        "last": "last neuron of the run, included",
        "n_neurons": "neurons in the run",
        "core_index": "position in the chip's core table, -1 on the host",
        "router": "number of the router, -1 on the host",
        "x": "column of the router, -1 on the host",
        "y": "row of the router, -1 on the host",
        "core": "number of the core at its router, -1 on the host",
        "first_local": "number of the first neuron within its core, -1 on the host; those of the run follow one another",
        "place": "the chip's name of the core",
    },
    "cores": {
        "place": "the chip's name of the core",
        "core": "position in the chip's core table",
        "resource": "name of the limited resource",
        "used": "use, in units",
        "capacity": "limit, in units",
        "fraction": "used / capacity",
        "unit": "unit of used and capacity",
        "hard": "True if the limit may never be exceeded",
    },
    "chips": {
        "place": "the chip's name of the router",
        "chip": "number of the router",
        "resource": "name of the limited resource",
        "used": "use, in units",
        "capacity": "limit, in units",
        "fraction": "used / capacity",
        "unit": "unit of used and capacity",
        "hard": "True if the limit may never be exceeded",
    },
    "traffic": {
        "source": "core that sends, position in the chip's core table",
        "target": "core that receives, position in the chip's core table",
        "packets": "packets from source to target",
        "links": "links between routers on a shortest path",
        "source_place": "the chip's name of the source",
        "target_place": "the chip's name of the target",
    },
    "populations": {
        "source": "label of the sending population",
        "source_id": "its position in the network, from 0",
        "target": "label of the receiving population",
        "target_id": "its position in the network, from 0",
        "packets": "packets between cores",
        "hops": "links passed by these packets, each sent on its own",
        "local": "neurons with a target on their own core",
        "host_packets": "packets from sources that the host feeds in",
        "synapses": "number of synapses, nan where it is not known",
    },
}


def to_csv(mapping: Mapping, path: str | Path | None = None, *, what: str = "placement") -> str:
    """One table of a mapping as CSV text with a line of names, also written to ``path`` if given.

    Parameters
    ----------
    path
        File to write; ``None`` only gives the text.
    what
        ``"placement"`` (runs of neurons), ``"cores"`` or ``"chips"`` (use of limited resources),
        ``"traffic"`` (packets between cores) or ``"populations"`` (packets between populations).
        :data:`COLUMNS` says what is in each column, with units.

    Raises
    ------
    UnknownNameError
        If there is no such table.
    ParameterError
        If packets per pair of cores are not known, or the file cannot be written.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> print(to_csv(map_network(network, chips.load("loihi"))).splitlines()[1])
    exc,0,0,99,100,0,0,0,0,0,0,"loihi chip 0 tile (0, 0) core 0"
    """
    if what not in COLUMNS:
        raise UnknownNameError.among("table", what, COLUMNS, where="Mapping.to_csv")
    text = _text(COLUMNS[what], _rows(mapping, what))
    if path is not None:
        write(path, text)
    return text


def write(path: str | Path, text: str) -> None:
    """Write a text file and the folders it needs.

    Raises
    ------
    ParameterError
        If it cannot be written.
    """
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ParameterError(
            f"the file cannot be written: {error.strerror}.", where=str(path), remedy="Give a file in a folder you may write to."
        ) from error


def _text(columns: Iterable[str], rows: Iterable[dict[str, object]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _rows(mapping: Mapping, what: str) -> Iterable[dict[str, object]]:
    if what == "placement":
        return _placement(mapping)
    if what == "traffic":
        return _traffic(mapping)
    if what == "populations":
        return mapping.population_traffic.rows()
    return mapping.utilisation(what.removesuffix("s")).rows()


def _placement(mapping: Mapping) -> Iterator[dict[str, object]]:
    table, names = mapping.chip.cores(), _Names(mapping)
    for population, cores, locals_ in zip(mapping.network.populations, mapping.core_of, mapping.local_of, strict=True):
        for first, size, core, local in runs(cores, locals_):
            router, x, y, number = (int(column[core]) for column in table) if core >= 0 else (-1, -1, -1, -1)
            yield {
                "population": population.label,
                "population_id": population.id,
                "first": first,
                "last": first + size - 1,
                "n_neurons": size,
                "core_index": core,
                "router": router,
                "x": x,
                "y": y,
                "core": number,
                "first_local": local,
                "place": names[core],
            }


def _traffic(mapping: Mapping) -> Iterator[dict[str, object]]:
    graph, names = known_graph(mapping), _Names(mapping)
    router = np.asarray(mapping.chip.cores().chip, np.int32)
    links = mapping.chip.hops(router[graph.source], router[graph.target])
    for source, target, packets, n_links in zip(*(column.tolist() for column in (*graph, links)), strict=True):
        yield {
            "source": source,
            "target": target,
            "packets": packets,
            "links": n_links,
            "source_place": names[source],
            "target_place": names[target],
        }


def known_graph(mapping: Mapping) -> CoreGraph:
    """Packets per pair of cores.

    Raises
    ------
    ParameterError
        If the table was too large to keep.
    """
    graph = mapping.traffic.graph
    if graph is None:
        raise ParameterError(
            "packets per pair of cores are not known: the table was too large to be kept.",
            where=f"Mapping on '{mapping.chip.name}'",
            remedy="Load the mapping with its network, or use fewer cores; mapping.traffic has the sums.",
        )
    return graph


class _Names(dict[int, str]):
    """Names of cores, made once each."""

    def __init__(self, mapping: Mapping) -> None:
        super().__init__({-1: "host"})
        self._label = mapping.chip.core_label

    def __missing__(self, core: int) -> str:
        return self.setdefault(core, self._label(core))
