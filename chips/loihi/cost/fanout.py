"""Which cores each cell of a network sends to, with how many synapses, from its rules and a placement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from neurosim._jit import entry
from neurosim.chips.loihi.cost.arrays import READS, Fanout, Int64
from neurosim.chips.loihi.load import Load
from neurosim.chips.loihi.sheet import FamilySheet
from neurosim.connectivity import Expansion
from neurosim.network import Network, Projection, Selection, Synapse
from neurosim.plasticity import LEARNING

#: Synapses that are expanded at a time.
BLOCK = 2_000_000


class Places(NamedTuple):
    """Where the cells of a network are, per population.

    Attributes
    ----------
    number
        int64 (size,) each: number of every cell in ``Cells``.
    core
        int64 (size,) each: position of its core in ``Cores``, -1 on the host.
    """

    number: Sequence[Int64]
    core: Sequence[Int64]


def memory_kind(network: Network, projection: Projection, sheet: FamilySheet) -> str:
    """``"dense"`` or ``"sparse"``: how the lists of a projection are written, see :class:`neurosim.chips.loihi.lists.Lists`.

    Run-length lists are priced like sparse ones. No projection here has shared kernels, so none is read
    as ``"convolution"``.
    """
    return "dense" if Load(network, sheet).lists(projection).compression == "dense" else "sparse"


def fanout_of(network: Network, places: Places, sheet: FamilySheet) -> Fanout:
    """Messages of a spike of each cell: one per core that holds a target, in ascending order of cores.

    Rules are expanded once, without weights; a cell that is connected twice to another one reads
    two synapses. Synapses that learn are counted as read and as learning.
    """
    n_cells = sum(len(cells) for cells in places.number)
    found = list(_messages(network, places, sheet))
    source, core, n, kind, learns = (
        (np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*found, strict=True)) if found else _none()
    )
    base = int(core.max(initial=0)) + 1
    key = source * base + core
    keys, row = np.unique(key, return_inverse=True)
    reads = np.zeros((len(keys), len(READS)), np.int64)
    for column in range(len(READS) - 1):
        np.add.at(reads[:, column], row[kind == column], n[kind == column])
    np.add.at(reads[:, -1], row, n * learns)
    lengths = np.bincount(keys // base, minlength=n_cells)
    return Fanout(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), keys % base, reads)


def bare(network: Network) -> Network:
    """The same synapses without weights and delays; the chip drops none of them."""
    return replace(network, projections=tuple(map(_plain, network.projections)))


def _plain(projection: Projection) -> Projection:
    return replace(projection, synapse=Synapse(projection.synapse.model, {}), realisation=None)


def _none() -> Iterator[Int64]:
    return iter([np.empty(0, np.int64)] * 5)


def _messages(network: Network, places: Places, sheet: FamilySheet) -> Iterator[tuple[Int64, Int64, Int64, Int64, Int64]]:
    """Source, core, synapses, kind of memory and whether they learn, block by block."""
    n_cores = max((int(core.max(initial=-1)) for core in places.core), default=-1) + 1
    for projection in network.projections:
        kind, learns = READS.index(memory_kind(network, projection, sheet)), projection.synapse.model in (*LEARNING, "taught")
        sources, cores = _of(places.number, projection.pre), _of(places.core, projection.post)
        expansion = Expansion(network, _plain(projection))
        for start, stop in expansion.blocks(BLOCK):
            rows = expansion.expand(start, stop, columns=(), dtypes={"post": np.int32})
            row, core, n = np.empty((3, len(rows.post)), np.int64)
            size = _count(rows.indptr, rows.post, cores, np.zeros(n_cores, np.int64), row, core, n)
            yield sources[start + row[:size]], core[:size], n[:size], np.full(size, kind), np.full(size, int(learns))


def _of(values: Sequence[Int64], selection: Selection) -> Int64:
    return np.concatenate([np.empty(0, np.int64), *(values[p][i] for p, i in selection.parts)])


@entry(nogil=True)
def _count(indptr, post, core_of, seen, out_row, out_core, out_n):
    """Distinct cores of each row with their synapses; ``seen`` is where each core was last written, plus one."""
    size = 0
    for row in range(indptr.size - 1):
        begin = size
        for k in range(indptr[row], indptr[row + 1]):
            core = core_of[post[k]]
            if core < 0:
                continue
            at = seen[core] - 1
            if at < begin:
                at = size
                out_row[at], out_core[at], out_n[at] = row, core, 0
                seen[core] = at + 1
                size += 1
            out_n[at] += 1
    return size
