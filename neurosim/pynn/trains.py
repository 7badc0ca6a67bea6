"""Spike trains of a population as a list that makes each train when it is asked for."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import quantities as pq
from neo.core.spiketrain import SpikeTrain
from neo.core.spiketrainlist import SpikeTrainList

#: Trains made at once where all are wanted.
BLOCK = 4096


class TrainList(SpikeTrainList):
    """Neo's list of spike trains, kept as flat arrays until single trains are wanted.

    A train is made when it is indexed or iterated over, and stays the same object from then on.
    What needs all of them (``append``, ``sort``, ``in``, ...) makes them all, and from then on this
    is a list like any other. Pickled, it is a plain :class:`neo.core.spiketrainlist.SpikeTrainList`.

    Parameters
    ----------
    times_ms, cells
        All spikes, in order of time; ``cells`` are positions in the list.
    channels
        Channel id of each train.
    t_start_ms, t_stop_ms
        Bounds of the recording.
    annotations
        Of every train; those that are arrays have one value per train.
    """

    def __init__(
        self, times_ms: np.ndarray, cells: np.ndarray, channels: np.ndarray, *, t_start_ms: float, t_stop_ms: float, **annotations: Any
    ) -> None:
        super().__init__()
        self._made: list[Any] | None = [None] * len(channels)
        self._all: list[SpikeTrain] = []
        self._cells = cells
        self._by_cell: tuple[SpikeTrain, list[int]] | None = None
        self._spike_time_array = pq.Quantity(times_ms, "ms")
        self._channel_id_array = channels[cells]
        self._channels: list[int] = channels.tolist()
        self._all_channel_ids = self._channels
        self._spiketrain_metadata = {"t_start": t_start_ms * pq.ms, "t_stop": t_stop_ms * pq.ms}
        self._annotations = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in annotations.items()}

    # --- trains when asked for -------------------------------------------------------------------
    def _train(self, position: int) -> SpikeTrain:
        """The train at a position, made at the first call."""
        made = self._made
        if made is None:
            return self._all[position]
        train = made[position]
        if train is None:
            whole, ends = self._sorted()
            # what SpikeTrain() would give for these times, which are known to lie between the bounds
            train = cast(SpikeTrain, np.ndarray.__getitem__(whole, slice(ends[position], ends[position + 1])))
            train.annotations = {name: value[position] if isinstance(value, list) else value for name, value in self._annotations.items()}
            train.annotations["channel_id"] = self._channels[position]
            train.segment = self.segment
            made[position] = train
        return train

    def _make(self, start: int, stop: int) -> None:
        """Make the trains of a range; the garbage collector, which would look through all of them again and again, waits."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            for position in range(start, stop):
                self._train(position)
        finally:
            if collecting:
                gc.enable()

    def _times(self) -> Any:
        """Times of all spikes."""
        return self._spike_time_array

    def _sorted(self) -> tuple[SpikeTrain, list[int]]:
        """All spikes by cell, and where each cell's begin."""
        if self._by_cell is None:
            order = np.argsort(self._cells, kind="stable")
            counts = np.bincount(self._cells, minlength=len(self))
            whole = SpikeTrain(self._times()[order], **self._spiketrain_metadata)
            self._by_cell = whole, np.concatenate([[0], np.cumsum(counts)]).tolist()
        return self._by_cell

    @property
    def _items(self) -> list[SpikeTrain] | None:
        """All trains in a list, which may then be changed: the flat arrays are given up."""
        if "_made" not in self.__dict__:  # neo's own constructor looks before there is anything
            return None
        if self._made is not None:
            self._items = list(self)
        return self._all

    @_items.setter
    def _items(self, items: list[SpikeTrain] | None) -> None:
        if items is None:
            return
        self._all, self._made, self._by_cell = items, None, None
        self._spike_time_array = self._channel_id_array = self._all_channel_ids = None

    # --- a list ----------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self._all if self._made is None else self._made)

    def __iter__(self) -> Iterator[SpikeTrain]:
        for position in range(len(self)):
            if position % BLOCK == 0:
                self._make(position, min(position + BLOCK, len(self)))
            yield self._train(position)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return SpikeTrainList(items=[self._train(k) for k in range(*i.indices(len(self)))], parent=self.segment)
        position = int(i.__index__())
        if not -len(self) <= position < len(self):
            raise IndexError(f"spike train {position} of {len(self)}.")
        return self._train(position % len(self))

    def __repr__(self) -> str:
        return f"<TrainList of {len(self)} spike trains>"

    __str__ = __repr__

    def _add_spiketrainlists(self, other: Any, in_place: bool = False) -> Any:
        if in_place:
            self._items = [*self, *other]
            return self
        return SpikeTrainList(items=[*self, *other], parent=self.segment)

    def __reduce__(self) -> Any:
        state = {name: self.__dict__[name] for name in ("_spike_time_array", "_channel_id_array", "_all_channel_ids", "segment")}
        state |= {"_spiketrain_metadata": self._spiketrain_metadata, "_annotations": self._annotations, "_items": None}
        if self._made is None or any(train is not None for train in self._made):
            state["_items"] = list(self)
        return SpikeTrainList, (), state


Sequence.register(TrainList)  # type: ignore[attr-defined]


def joined(lists: Sequence[TrainList]) -> TrainList:
    """One list with the trains of several that were recorded over the same time."""
    first = lists[0]
    offsets = np.cumsum([0, *(len(trains) for trains in lists[:-1])])
    times = np.concatenate([trains._times().magnitude for trains in lists])
    cells = np.concatenate([trains._cells + offset for trains, offset in zip(lists, offsets, strict=True)])
    order = np.argsort(times, kind="stable")
    names = dict.fromkeys(name for trains in lists for name in trains._annotations)
    annotations = {name: np.array([value for trains in lists for value in _each(trains, name)]) for name in names}
    start, stop = (float(first._spiketrain_metadata[name].magnitude) for name in ("t_start", "t_stop"))
    channels = np.concatenate([np.array(trains._channels, dtype=int) for trains in lists])
    return TrainList(times[order], cells[order], channels, t_start_ms=start, t_stop_ms=stop, **annotations)


def _each(trains: TrainList, name: str) -> list[Any]:
    value = trains._annotations.get(name)
    return value if isinstance(value, list) else [value] * len(trains)
