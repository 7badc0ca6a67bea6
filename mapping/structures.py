"""What the stages of placement hand to each other: plain arrays, of which the names are here.

Communication is rooted at the sources: one spike costs one packet per *core* that holds a target of
it, whatever the number of synapses there. So neurons have a :class:`Fanout`, cores have
:class:`Nets`, and a pair of cores has a row of a :class:`CoreGraph`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Floats = NDArray[np.float64]


class Fanout(NamedTuple):
    """Targets of every source, rows one after the other.

    Attributes
    ----------
    indptr
        int64 (n + 1,): where the row of each source begins.
    target
        int32 (n_synapses,): target neurons. A target may occur twice; it counts once.
    rate
        float32 (n,): packets a source sends, in spikes per second where rates are known, else 1.
    """

    indptr: Int64
    target: Int32
    rate: Float32

    @property
    def n_sources(self) -> int:
        """Number of sources."""
        return len(self.indptr) - 1


class CoreGraph(NamedTuple):
    """Packets between pairs of different cores, one row per ordered pair that has any, sorted by source and target.

    Attributes
    ----------
    source, target
        int64 (n,): cores.
    packets
        float64 (n,): packets from one to the other.
    """

    source: Int64
    target: Int64
    packets: Floats


class Nets(NamedTuple):
    """What is sent as one multicast: a source core and all cores that its packets go to.

    Attributes
    ----------
    source
        int32 (n,): core that sends.
    indptr
        int64 (n + 1,): where the row of each net begins.
    target
        int32 (n_pins,): cores that receive, sorted within a row; the source's own core may be among them.
    weight
        float32 (n,): packets sent.
    """

    source: Int32
    indptr: Int64
    target: Int32
    weight: Float32

    @property
    def n_nets(self) -> int:
        """Number of nets."""
        return len(self.source)


class Topology(NamedTuple):
    """Routers and their links.

    Attributes
    ----------
    x, y
        int32 (n,): coordinates of each router.
    neighbour
        int32 (n, n_links): router behind each link, -1 where there is none or it is dead.
    step
        int32 (n_links, 2): direction (x, y) of each link. Link ``l`` is answered by the link of
        the opposite direction.
    wrap
        Columns and rows of a torus, or (0, 0) where there are edges.
    room
        int32 (n,): usable cores at each router.
    """

    x: Int32
    y: Int32
    neighbour: Int32
    step: Int32
    wrap: tuple[int, int]
    room: Int32

    @property
    def n_routers(self) -> int:
        """Number of routers."""
        return len(self.x)

    @property
    def opposite(self) -> Int32:
        """Link that leads back, for each link."""
        steps = [tuple(step) for step in self.step.tolist()]
        return np.array([steps.index((-x, -y)) for x, y in steps], np.int32)


class Routes(NamedTuple):
    """The tree of every net: which links its packets pass, from the source's router outward.

    Attributes
    ----------
    indptr
        int64 (n_nets + 1,): where the links of each net begin.
    router
        int32 (n_hops,): router at which a link begins; a parent comes before its children.
    link
        int8 (n_hops,): number of the link there.
    """

    indptr: Int64
    router: Int32
    link: Int8

    def tree_hops(self, weight: NDArray[Any]) -> float:
        """Sum over nets of weight times links."""
        return float(np.diff(self.indptr) @ np.asarray(weight, np.float64))


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """Different values, sorted. NumPy's own way hashes whole numbers, which takes a hundred times as long on large arrays."""
    found = np.sort(values)
    return found[np.append(True, found[1:] != found[:-1])] if len(found) else found


def among(values: NDArray[Any], known: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each value is among the known ones, which are sorted here; quick where the values nearly are."""
    if not len(known):
        return np.zeros(len(values), bool)
    ordered = np.sort(known)
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
