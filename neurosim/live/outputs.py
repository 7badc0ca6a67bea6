"""Spikes on their way out: to callbacks at once, to UDP through a bounded queue and a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.live.events import MOST_EVENTS, pack

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]
Address = tuple[str, int]

#: Datagrams that may wait to be sent.
CAPACITY = 4096


class LiveOutput:
    """The way out of one population.

    Attributes
    ----------
    population, label, size
        Whose spikes they are.
    key
        What datagrams call the population.
    address
        ``(host, port)`` that datagrams are sent to, or ``None``.
    handed_out
        Spikes given to the callback or to the queue of the sender.
    dropped
        Spikes that were not sent, by reason: ``queue full``, ``not sent`` (refused by the network).
    """

    def __init__(self, population: int, size: int, label: str, *, key: int) -> None:
        self.population, self.size, self.label, self.key = population, size, label, key
        self.callback: Callable[[str, Floats, Int64], Any] | None = None
        self.address: Address | None = None
        self.sender: Sender | None = None
        self.handed_out = 0
        self.dropped: Counter[str] = Counter()
        self._sequence = 0
        self._cells: list[Int64] = []
        self._times: list[Floats] = []

    def __repr__(self) -> str:
        address = "" if self.address is None else ", to {}:{}".format(*self.address)
        return f"<LiveOutput of '{self.label}', key {self.key}{address}>"

    def collect(self, cells: Int64, times_ms: Floats) -> None:
        """Keep spikes until the slice is over."""
        if len(cells):
            self._cells.append(cells)
            self._times.append(times_ms)

    def hand_out(self, slice_ms: float) -> None:
        """Give the spikes of a slice to whoever wants them, in order of time."""
        if not self._cells:
            return
        cells, times = np.concatenate(self._cells), np.concatenate(self._times)
        self.clear()
        order = np.lexsort((cells, times))
        cells, times = cells[order], times[order]
        self.handed_out += len(cells)
        if self.sender is not None and self.address is not None:
            self._post(self.sender, self.address, cells, times, slice_ms)
        if self.callback is not None:
            self.callback(self.label, times, cells)

    def _post(self, sender: Sender, address: Address, cells: Int64, times_ms: Floats, slice_ms: float) -> None:
        datagrams = pack(self.key, cells, times_ms, slice_ms=slice_ms, sequence=self._sequence)
        self._sequence += len(datagrams)
        accepted = sender.post([(datagram, address, self) for datagram in datagrams])
        if accepted < len(datagrams):
            self.dropped["queue full"] += len(cells) - accepted * MOST_EVENTS

    def clear(self) -> None:
        """Forget what was collected."""
        self._cells, self._times = [], []


class Sender:
    """Sends datagrams from a thread of its own, so that the network never holds up a simulation.

    Parameters
    ----------
    capacity
        Datagrams that may wait; what does not fit is dropped, newest first.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._waiting: deque[tuple[bytes, Address, LiveOutput]] = deque()
        self._changed = threading.Condition()
        self._closing = self._busy = False
        self._thread = threading.Thread(target=self._send, name="neurosim-live-sender", daemon=True)
        self._thread.start()

    def post(self, datagrams: list[tuple[bytes, Address, LiveOutput]]) -> int:
        """Queue datagrams; returns how many were accepted."""
        with self._changed:
            accepted = 0 if self._closing else min(len(datagrams), self.capacity - len(self._waiting))
            self._waiting.extend(datagrams[:accepted])
            self._changed.notify_all()
        return accepted

    def _send(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not self._waiting:
                    if self._closing:
                        return
                    self._changed.wait()
                datagram, address, output = self._waiting.popleft()
                self._busy = True
            try:
                self._socket.sendto(datagram, address)
            except OSError:
                with self._changed:
                    output.dropped["not sent"] += _n_events(datagram)

    def flush(self, timeout_s: float = 1.0) -> bool:
        """Wait until everything was sent; false if that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout_s)

    @property
    def closed(self) -> bool:
        """True once nothing is sent any more."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Send what waits, for at most a second, then stop."""
        self.flush()
        with self._changed:
            self._closing = True
            for datagram, _, output in self._waiting:
                output.dropped["not sent"] += _n_events(datagram)
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(1.0)
        self._socket.close()


def _n_events(datagram: bytes) -> int:
    return int.from_bytes(datagram[6:8], "little")
