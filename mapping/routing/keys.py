"""Keys of packets: an aligned power-of-two block for every sender, side by side within a population.

A packet carries a key and nothing else. A sender, which is one source core or one of its axon
groups, has a block of keys, one or a few per neuron; (key, mask) describes it: what is a packet's
is found by ``packet & mask == key``. Senders of one population have blocks of one size, next to
each other in an aligned block of the population, so that routers can treat several of them alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError, PlacementError
from neurosim.mapping.structures import Int32, Int64


class Keys(NamedTuple):
    """Blocks of keys.

    Attributes
    ----------
    key, mask
        int64 (n_senders,): block of each sender.
    population
        int32 (n_senders,): population of each sender, an index of the next two.
    block_key, block_mask
        int64 (n_populations,): block that holds those of all its senders.
    per_neuron
        Keys of a neuron, for example 16 if the lower four bits tell the time of sending.
    width
        Bits of a key.
    """

    key: Int64
    mask: Int64
    population: Int32
    block_key: Int64
    block_mask: Int64
    per_neuron: int
    width: int

    @property
    def size(self) -> Int64:
        """Keys of each sender's block, int64 (n_senders,)."""
        return (np.int64(1) << self.width) - self.mask

    def key_of(self, sender: int, local: int = 0) -> int:
        """First key of a neuron, by its index ``local`` within its sender.

        Raises
        ------
        ParameterError
            If there is no such sender, or its block has no room for such a neuron.
        """
        if not 0 <= sender < len(self.key) or not 0 <= local * self.per_neuron < self.size[sender]:
            text = f"sender {sender} has no neuron {local}."
            raise ParameterError(text, where="key_of", used=(sender, local), remedy="Count senders and their neurons from 0.")
        return int(self.key[sender]) + local * self.per_neuron

    def owner_of(self, key: int) -> tuple[int, int] | None:
        """Sender and local index of the neuron that a key belongs to; ``None`` if it belongs to no block."""
        order = np.argsort(self.key)
        at = int(np.searchsorted(self.key[order], key, side="right")) - 1
        if at < 0 or (key & int(self.mask[order[at]])) != self.key[order[at]]:
            return None
        sender = int(order[at])
        return sender, (key - int(self.key[sender])) // self.per_neuron


def allocate_keys(population: ArrayLike, n_neurons: ArrayLike, *, per_neuron: int = 1, width: int = 32) -> Keys:
    """Blocks of keys for senders, largest populations first, without gaps between populations.

    Parameters
    ----------
    population
        int (n_senders,): population of each sender, any numbers from 0 on. Within a population,
        blocks follow the order of its senders.
    n_neurons
        int (n_senders,): neurons of each sender; at least 1 is reserved.
    per_neuron
        Keys per neuron, a power of two.
    width
        Bits of a key, up to 62.

    Raises
    ------
    PlacementError
        If the blocks need more keys than there are.
    ParameterError
        If ``per_neuron`` is no power of two.

    Examples
    --------
    >>> keys = allocate_keys([0, 0, 1], [64, 40, 3])
    >>> keys.key.tolist(), keys.owner_of(65)
    ([0, 64, 128], (1, 1))
    """
    owner, neurons = np.asarray(population, np.int32).reshape(-1), np.asarray(n_neurons, np.int64).reshape(-1)
    if per_neuron < 1 or per_neuron & (per_neuron - 1):
        raise ParameterError(
            f"{per_neuron} keys per neuron is no power of two.", where="allocate_keys", used=per_neuron, remedy="Use 1, 2, 4 ..."
        )
    n_blocks = int(owner.max(initial=-1)) + 1
    largest = np.ones(n_blocks, np.int64)
    np.maximum.at(largest, owner, neurons)
    size = _power_of_two(largest) * per_neuron
    whole = _power_of_two(np.maximum(np.bincount(owner, minlength=n_blocks), 1)) * size
    order = np.argsort(-whole, kind="stable")
    block_key = np.zeros(n_blocks, np.int64)
    block_key[order] = np.cumsum(whole[order]) - whole[order]  # falling powers of two: each start is aligned
    total, space = int(whole.sum()), 1 << width
    if total > space:
        remedy = "Use fewer neurons per core, or fewer keys per neuron."
        raise PlacementError(
            f"The network needs {total:,} keys; {width} bits give {space:,}.", resource="keys", used=total, limit=space, remedy=remedy
        )
    key = block_key[owner] + _rank(owner) * size[owner]
    return Keys(key, space - size[owner], owner, block_key, space - whole, per_neuron, width)


def _power_of_two(n: Int64) -> Int64:
    """Smallest power of two that is no smaller, elementwise; ``n`` from 1 to 2**52."""
    return np.int64(1) << np.ceil(np.log2(n)).astype(np.int64)


def _rank(owner: Int32) -> Int64:
    """Position of each sender among those of its population."""
    order = np.argsort(owner, kind="stable")
    begin = np.searchsorted(owner[order], owner[order])
    rank = np.empty(len(owner), np.int64)
    rank[order] = np.arange(len(owner)) - begin
    return rank
