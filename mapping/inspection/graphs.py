"""Views as networkx graphs, for algorithms and drawings that expect one; never of neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError
from neurosim.mapping.inspection.files import known_graph
from neurosim.mapping.inspection.loads import LinkLoad
from neurosim.mapping.structures import Routes, Topology

if TYPE_CHECKING:
    import networkx as nx

    from neurosim.mapping.mapping import Mapping

#: Most edges of a graph of cores; networkx takes some 200 bytes for each.
MAX_EDGES = 200_000


def machine_graph(mapping: Mapping, *, links: LinkLoad | None = None) -> nx.DiGraph:
    """Routers and links of the machine with what is on them.

    Parameters
    ----------
    links
        Loads of the links, if there are any.

    Returns
    -------
    networkx.DiGraph
        Nodes are router numbers with the chip's attributes (``x``, ``y``, ...), ``cores`` and
        ``cores_used`` (numbers of them) and ``neurons``. Edges go both ways; with ``links`` they
        have a ``load``, and a torus's wrap-around links are there.

    Raises
    ------
    ParameterError
        If the loads are those of another machine.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> machine_graph(map_network(network, chips.load("loihi"))).nodes[0]["neurons"]
    100
    """
    import networkx as nx

    base = mapping.chip.topology()
    router = np.asarray(mapping.chip.cores().chip, np.int64)
    placed = np.concatenate([np.empty(0, np.int64), *mapping.core_of])
    size = base.number_of_nodes()
    counts = zip(
        np.bincount(router, minlength=size).tolist(),
        np.bincount(router[mapping.cores_used], minlength=size).tolist(),
        np.bincount(router[placed[placed >= 0]], minlength=size).tolist(),
        strict=True,
    )
    graph = nx.DiGraph()
    graph.add_nodes_from(sorted(base.nodes(data=True)))
    for node, (cores, used, neurons) in enumerate(counts):
        graph.add_node(node, cores=cores, cores_used=used, neurons=neurons)
    graph.add_edges_from(edge for a, b in base.edges for edge in ((a, b), (b, a)))
    if links is not None:
        for source, _, target, load in links.checked(size, "Mapping.machine_graph").links():
            graph.add_edge(source, target, load=load)
    return graph


def core_graph(mapping: Mapping) -> nx.DiGraph:
    """Used cores and the packets between them if every neuron fires once.

    Returns
    -------
    networkx.DiGraph
        Nodes are positions in the chip's core table with ``router``, ``x``, ``y`` and ``place``;
        edges have ``packets`` and ``links`` (between the routers, on a shortest path).

    Raises
    ------
    ParameterError
        If there are more than 200,000 pairs of cores with packets, or the pairs are not known.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> core_graph(map_network(network, chips.load("loihi"))).number_of_nodes()
    1
    """
    import networkx as nx

    packets = known_graph(mapping)
    if len(packets.source) > MAX_EDGES:
        raise ParameterError(
            f"the graph of cores would have {len(packets.source):,} edges; networkx is of use up to {MAX_EDGES:,}.",
            where=f"Mapping on '{mapping.chip.name}'",
            used=len(packets.source),
            limit=MAX_EDGES,
            remedy="Use the arrays of mapping.traffic.graph, or machine_graph() or population_traffic.",
        )
    table = mapping.chip.cores()
    graph = nx.DiGraph()
    for core in mapping.cores_used.tolist():
        place = mapping.chip.core_label(core)
        graph.add_node(core, router=int(table.chip[core]), x=int(table.x[core]), y=int(table.y[core]), place=place)
    router = np.asarray(table.chip, np.int32)
    links = mapping.chip.hops(router[packets.source], router[packets.target])
    for source, target, amount, n_links in zip(*(column.tolist() for column in (*packets, links)), strict=True):
        graph.add_edge(source, target, packets=amount, links=n_links)
    return graph


def route_tree(routes: Routes, topology: Topology, net: int, *, source: int | None = None) -> nx.DiGraph:
    """The tree of one net.

    Parameters
    ----------
    routes, topology
        Trees of all nets, and the routers and links they run on.
    net
        Number of the net, from 0.
    source
        Router it starts from; only needed for a net that passes no link.

    Returns
    -------
    networkx.DiGraph
        From the source outward; nodes are router numbers with ``x`` and ``y``, edges have ``link``
        (its number at the router where it begins).

    Raises
    ------
    ParameterError
        If there is no such net.

    Examples
    --------
    >>> from neurosim import chips
    >>> topology = LinkLoad.of(chips.load("loihi"), {}).topology
    >>> routes = Routes(np.array([0, 2]), np.array([0, 4], np.int32), np.array([0, 0], np.int8))
    >>> sorted(route_tree(routes, topology, 0).edges)
    [(0, 4), (4, 8)]
    """
    import networkx as nx

    n_nets = len(routes.indptr) - 1
    if not 0 <= net < n_nets:
        raise ParameterError(
            f"there is no net {net}; there are {n_nets:,}.", where="route_tree", used=net, limit=n_nets - 1, remedy="Nets count from 0."
        )
    tree = nx.DiGraph()
    hops = slice(int(routes.indptr[net]), int(routes.indptr[net + 1]))
    for router, link in zip(routes.router[hops].tolist(), routes.link[hops].tolist(), strict=True):
        tree.add_edge(router, int(topology.neighbour[router, link]), link=link)
    if source is not None:
        tree.add_node(int(source))
    for node in tree:
        tree.nodes[node].update(x=int(topology.x[node]), y=int(topology.y[node]))
    return tree
