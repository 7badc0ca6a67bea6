"""The format of a datagram: what is packed is unpacked, and what is no datagram is refused with a reason."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from neurosim.errors import ParameterError
from neurosim.live import pack, unpack
from neurosim.live.events import LARGEST_BYTES, MOST_EVENTS


def test_the_bytes_are_those_of_the_documentation() -> None:
    (datagram,) = pack(7, [3], [1.5], slice_ms=2.0, sequence=9)
    assert datagram == struct.pack("<4sBBHId", b"NSEV", 1, 0, 1, 9, 2.0) + struct.pack("<IId", 7, 3, 1.5)


def test_spikes_survive_the_way_there_and_back() -> None:
    cells = np.arange(2 * MOST_EVENTS + 1)
    datagrams = pack(2, cells, 0.1 * cells, slice_ms=5.0, sequence=10)
    assert all(len(datagram) <= LARGEST_BYTES for datagram in datagrams)
    back = [unpack(datagram) for datagram in datagrams]
    assert [events.sequence for events in back] == [10, 11, 12]
    assert {events.slice_ms for events in back} == {5.0}
    np.testing.assert_array_equal(np.concatenate([events.indices for events in back]), cells)
    np.testing.assert_array_equal(np.concatenate([events.times_ms for events in back]), 0.1 * cells)
    assert set(np.concatenate([events.keys for events in back])) == {2}


def test_no_spikes_are_no_datagram() -> None:
    assert pack(1, []) == []


def test_a_negative_time_and_nan_mean_at_once() -> None:
    datagram = struct.pack("<4sBBHId", b"NSEV", 1, 0, 2, 0, 0.0) + struct.pack("<IIdIId", 1, 1, -7.0, 1, 2, float("nan"))
    assert unpack(datagram).times_ms.tolist() == [-1.0, -1.0]
    assert unpack(pack(1, [1])[0]).times_ms.tolist() == [-1.0]


GOOD = pack(1, [1, 2])[0]


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        (b"", "it has 0 bytes, fewer than the header"),
        (GOOD[:19], "it has 19 bytes, fewer than the header"),
        (b"XSEV" + GOOD[4:], "it begins with b'XSEV', not b'NSEV'"),
        (GOOD[:4] + b"\x02" + GOOD[5:], "version 2 with flags 0 is not known; this is version 1 with flags 0"),
        (GOOD[:5] + b"\x01" + GOOD[6:], "version 1 with flags 1 is not known"),
        (GOOD[:-1], "2 spikes take 52 bytes; it has 51"),
        (GOOD + b"\0", "2 spikes take 52 bytes; it has 53"),
    ],
)
def test_what_is_no_datagram_is_refused(datagram: bytes, message: str) -> None:
    with pytest.raises(ParameterError, match=r"live: this is no datagram of spikes: .* See docs/live.md") as caught:
        unpack(datagram)
    assert message in str(caught.value)
