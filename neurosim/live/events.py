"""The datagrams in which spikes travel: a header of 20 bytes, then 16 bytes per spike, all little endian.

========  ======  ====================================================================
bytes     type    header
========  ======  ====================================================================
0 to 3    char    ``NSEV``
4         uint8   version, 1
5         uint8   flags, 0
6 to 7    uint16  number of spikes that follow
8 to 11   uint32  number of this datagram among those of its population; inputs may say 0
12 to 19  double  outputs: simulated time (ms) at the end of the slice; inputs may say 0
========  ======  ====================================================================

A spike is a uint32 key, which names the population, a uint32 index of the cell, and a double: the
simulated time in ms. In an input a time below 0 (or NaN) stands for "as soon as possible".
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import ParameterError

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

MAGIC, VERSION = b"NSEV", 1
HEADER = struct.Struct("<4sBBHId")
EVENT = np.dtype([("key", "<u4"), ("index", "<u4"), ("time", "<f8")])
#: Largest datagram, so that it passes an Ethernet in one piece, and the spikes that it holds.
LARGEST_BYTES = 1400
MOST_EVENTS = (LARGEST_BYTES - HEADER.size) // EVENT.itemsize
#: Time of a spike that is to be injected as soon as possible.
NOW = -1.0


class Events(NamedTuple):
    """Contents of one datagram.

    Attributes
    ----------
    keys, indices
        Population key and cell index of each spike, int64 (n,).
    times_ms
        Simulated times, float64 (n,); below 0 for "as soon as possible".
    slice_ms
        Simulated time at the end of the slice the spikes are from.
    sequence
        Number of the datagram among those of its population.
    """

    keys: Int64
    indices: Int64
    times_ms: Floats
    slice_ms: float
    sequence: int


def pack(key: int, indices: ArrayLike, times_ms: ArrayLike | None = None, *, slice_ms: float = 0.0, sequence: int = 0) -> list[bytes]:
    """Datagrams with the spikes of one population, each of at most 1400 bytes.

    Parameters
    ----------
    key
        Key of the population.
    indices
        Cells that fire.
    times_ms
        When they fire; ``None`` for "as soon as possible".
    slice_ms, sequence
        What the header says; the sequence number of the first datagram.

    Examples
    --------
    >>> [len(datagram) for datagram in pack(3, range(100))]
    [1396, 244]
    """
    cells = np.atleast_1d(np.asarray(indices, np.int64))
    events = np.empty(len(cells), EVENT)
    events["key"], events["index"] = key, cells
    events["time"] = NOW if times_ms is None else times_ms
    pieces = [events[i : i + MOST_EVENTS] for i in range(0, len(events), MOST_EVENTS)]
    return [
        HEADER.pack(MAGIC, VERSION, 0, len(piece), (sequence + number) & 0xFFFFFFFF, slice_ms) + piece.tobytes()
        for number, piece in enumerate(pieces)
    ]


def unpack(datagram: bytes) -> Events:
    """Spikes of one datagram.

    Raises
    ------
    ParameterError
        If it is not one: wrong magic, version, flags or length.

    Examples
    --------
    >>> unpack(pack(3, [5, 7])[0]).indices.tolist()
    [5, 7]
    """
    sequence, slice_ms = check(datagram)
    return Events(*columns(datagram[HEADER.size :]), slice_ms, sequence)


def check(datagram: bytes) -> tuple[int, float]:
    """Sequence number and slice time of a datagram that is one; see :func:`unpack`."""
    if len(datagram) < HEADER.size:
        raise _bad(f"it has {len(datagram)} bytes, fewer than the header.")
    magic, version, flags, count, sequence, slice_ms = HEADER.unpack_from(datagram)
    if magic != MAGIC:
        raise _bad(f"it begins with {magic!r}, not {MAGIC!r}.")
    if version != VERSION or flags != 0:
        raise _bad(f"version {version} with flags {flags} is not known; this is version {VERSION} with flags 0.")
    if len(datagram) != HEADER.size + count * EVENT.itemsize:
        raise _bad(f"{count} spikes take {HEADER.size + count * EVENT.itemsize} bytes; it has {len(datagram)}.")
    return sequence, slice_ms


def columns(spikes: bytes) -> tuple[Int64, Int64, Floats]:
    """Keys, indices and times (ms) of the spikes that follow a header, or of those of several datagrams joined."""
    events = np.frombuffer(spikes, EVENT)
    times = events["time"].astype(np.float64)
    times[~(times >= 0)] = NOW
    return events["key"].astype(np.int64), events["index"].astype(np.int64), times


def _bad(what: str) -> ParameterError:
    return ParameterError(f"this is no datagram of spikes: {what}", where="live", remedy="See docs/live.md for the format.")
