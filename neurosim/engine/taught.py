"""Synapses that something else teaches: at the end of every epoch it is told who fired and says which weights change.

The synapses themselves are in the store of stochastic ones, with a probability of 1, since that one
knows where each synapse is. What teaches them (:class:`~neurosim.network.Teacher`) knows nothing of
blocks and threads: synapses are in the order of expansion, spikes are indices and steps. Epochs end
before live spikes of that step come in, so these count as the first step of the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurosim import connectivity
from neurosim.engine import synapses
from neurosim.engine.layout import Layout
from neurosim.engine.program import Stochastic
from neurosim.errors import ParameterError
from neurosim.network import Learner, Network, Projection, Selection

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Whose spikes synapses are told of.
SIDES = ("pre", "post", "reward")


@dataclass(slots=True, eq=False)
class Memory:
    """What taught synapses remember: weights, the learner's own, and the spikes of the epoch that has begun."""

    values: dict[str, NDArray[np.generic]]


@dataclass(slots=True, eq=False)
class Side:
    """Cells of one side of a projection: global ids in order, and the index of each."""

    gids: Int64
    index: Int64

    @classmethod
    def of(cls, gids: Int64, label: str) -> Side:
        """The side with these cells.

        Raises
        ------
        ParameterError
            If a cell is in it twice.
        """
        order = np.argsort(gids, kind="stable")
        if len(gids) and (np.diff(gids[order]) == 0).any():
            text = "a cell is twice on one side of a projection that learns by epochs."
            raise ParameterError(text, where=f"Projection '{label}'", used=2, limit=1, remedy="Connect every cell once.")
        return cls(gids[order], order)

    def find(self, gids: Int64) -> tuple[Int64, NDArray[np.bool_]]:
        """Index of those cells that are on this side, and which these are."""
        if not len(self.gids):
            return np.empty(0, np.int64), np.zeros(len(gids), bool)
        at = np.minimum(np.searchsorted(self.gids, gids), len(self.gids) - 1)
        here = self.gids[at] == gids
        return self.index[at[here]], here


@dataclass(slots=True, eq=False)
class Lesson:
    """One projection that is taught; ``position`` and ``sign`` are those of each synapse in the store.

    The sides are :data:`SIDES`: the two ends, and the cells whose spikes are rewards.
    """

    learner: Learner
    epoch_steps: int
    sides: tuple[Side, Side, Side]
    position: Int64
    sign: Floats
    spikes: tuple[list[Int64], ...] = field(default_factory=lambda: ([], [], []))
    stamps: tuple[list[Int64], ...] = field(default_factory=lambda: ([], [], []))

    def note(self, gids: Int64, stamps: Int64) -> None:
        """Remember the spikes of all sides until the epoch ends."""
        for side, kept, when in zip(self.sides, self.spikes, self.stamps, strict=True):
            index, here = side.find(gids)
            if len(index):
                kept.append(index)
                when.append(stamps[here])

    def teach(self, step: int, store: Stochastic) -> None:
        """End an epoch at ``step`` and write the weights that change."""
        first = step - self.epoch_steps
        told = [self._told(side) for side in range(len(SIDES))]
        (pre, pre_at), (post, post_at), (_, reward_at) = [(index, np.clip(stamps - first, 1, self.epoch_steps)) for index, stamps in told]
        changed, weights = self.learner.advance(pre, pre_at, post, post_at, reward_at)
        store.weight[self.position[changed]] = weights * self.sign[changed]
        for lists in (*self.spikes, *self.stamps):
            lists.clear()

    def _told(self, side: int) -> tuple[Int64, Int64]:
        empty = [np.empty(0, np.int64)]
        return np.concatenate(empty + self.spikes[side]), np.concatenate(empty + self.stamps[side])

    def learned(self, store: Stochastic) -> dict[str, Floats]:
        """Weights now, as the user means them, and what else was learned; in expansion order."""
        return {**self.learner.learned(), "weight": store.weight[self.position] * self.sign}

    def remember(self, store: Stochastic) -> Memory:
        """Everything that evolves."""
        spikes = {}
        for side, name in enumerate(SIDES):
            spikes[name], spikes[f"{name}_at"] = self._told(side)
        weight = store.weight[self.position] * self.sign
        return Memory({"weight": weight, **spikes, **{f"learner/{k}": v for k, v in self.learner.state().items()}})

    def restore(self, store: Stochastic, values: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from what :meth:`remember` gave."""
        store.weight[self.position] = values["weight"] * self.sign  # type: ignore[operator]
        for side, name in enumerate(SIDES):
            self.spikes[side][:], self.stamps[side][:] = [values[name]], [values[f"{name}_at"]]  # type: ignore[list-item]
        self.learner.restore({k.removeprefix("learner/"): v for k, v in values.items() if k.startswith("learner/")})


def teach_all(lessons: Iterable[Lesson], step: int, store: Stochastic) -> None:
    """End the epochs that end at ``step``."""
    for one in lessons:
        if step % one.epoch_steps == 0:
            one.teach(step, store)


def lesson(network: Network, projection: Projection, layout: Layout, position: Int64) -> Lesson:
    """Begin to teach a projection whose synapses are at ``position`` of the store."""
    teacher = projection.synapse.teacher
    if teacher is None:
        text = "its synapses are taught, but there is no teacher."
        raise ParameterError(text, where=f"Projection '{projection.label}'", used=None, limit="a teacher", remedy="Set Synapse.teacher.")
    rows = connectivity.expand(network, projection)
    learner = teacher.begin(rows, projection.pre.size, projection.post.size, network.seed + projection.seed)
    ends = (projection.pre, projection.post, projection.synapse.reward or Selection(()))
    sides = tuple(Side.of(layout.gids(selection), projection.label) for selection in ends)
    return Lesson(learner, teacher.epoch_steps, sides, position, synapses.signs(network, projection)[rows.post])  # type: ignore[arg-type]
