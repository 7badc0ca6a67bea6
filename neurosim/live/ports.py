"""UDP ports that listen: a thread that reads datagrams and sorts their spikes into the queues."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import NeurosimError, ParameterError, SocketError
from neurosim.live.events import HEADER, check, columns
from neurosim.live.inputs import FARTHEST_MS, LiveInput

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Datagrams read in a row before the thread rests, so that a flood leaves the interpreter to the simulation.
BURST, REST_S = 64, 0.0005
#: Bytes asked for the system's own buffer of the socket; the system may give less.
SYSTEM_BUFFER = 1 << 20
LARGEST_DATAGRAM = 65_535


class Port:
    """One UDP socket and the populations it feeds.

    Attributes
    ----------
    host, number
        Where it listens.
    datagrams
        Datagrams read.
    dropped
        Counts by reason: ``bad packet`` (datagrams), ``unknown key`` (spikes).
    """

    def __init__(self, host: str, number: int) -> None:
        self._socket = _bound(host, number)
        self.host, self.number = host, int(self._socket.getsockname()[1])
        self.datagrams = 0
        self.dropped: Counter[str] = Counter()
        self._lost = 0
        self._routes: dict[int, LiveInput] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name=f"neurosim-live-{self.number}", daemon=True)
        self._thread.start()

    def route(self, live_input: LiveInput) -> None:
        """Give spikes with the input's key to it."""
        self._routes[live_input.key] = live_input
        live_input.address = (self.host, self.number)

    def serves(self, key: int) -> LiveInput | None:
        """The input that has a key here."""
        return self._routes.get(key)

    @property
    def closed(self) -> bool:
        """True once nothing listens any more."""
        return not self._thread.is_alive()

    def _listen(self) -> None:
        while not self._closing.is_set():
            datagrams = self._burst()
            if datagrams and not self._closing.is_set():
                self._take(datagrams)
            if len(datagrams) == BURST:
                time.sleep(REST_S)

    def _burst(self) -> list[bytes]:
        """Wait for a datagram, then read what else is there, up to a bound."""
        found: list[bytes] = []
        try:
            self._socket.settimeout(0.2)
            found.append(self._socket.recv(LARGEST_DATAGRAM))
            self._socket.setblocking(False)
            while len(found) < BURST:
                found.append(self._socket.recv(LARGEST_DATAGRAM))
        except (TimeoutError, BlockingIOError):  # nothing more is there
            pass
        except OSError:  # the network complains of an earlier datagram, or is gone
            time.sleep(REST_S)
        return found

    def _take(self, datagrams: list[bytes]) -> None:
        good = []
        for datagram in datagrams:
            try:
                check(datagram)
            except NeurosimError:
                self.dropped["bad packet"] += 1
            else:
                good.append(datagram[HEADER.size :])
        keys, cells, times_ms = columns(b"".join(good))
        for key in np.unique(keys).tolist():
            mine = keys == key
            self._sort(key, cells[mine], times_ms[mine])
        self.datagrams += len(datagrams)

    def _sort(self, key: int, cells: Int64, times_ms: Floats) -> None:
        live_input = self._routes.get(key)
        if live_input is None:
            self.dropped["unknown key"] += len(cells)
            return
        exists, timed = cells < live_input.size, times_ms <= FARTHEST_MS
        live_input.drop("unknown cell", len(cells) - int(exists.sum()))
        live_input.drop("bad time", int((exists & ~timed).sum()))
        live_input.put(cells[exists & timed], times_ms[exists & timed])

    def lost_by_system(self) -> int:
        """Datagrams that the system dropped because its buffer was full; 0 where it does not tell (only Linux does)."""
        if self._socket.fileno() >= 0:
            self._lost = max(self._lost, _drops(self._socket))
        return self._lost

    def close(self) -> None:
        """Stop listening; the thread has ended when this returns."""
        self.lost_by_system()
        self._closing.set()
        with contextlib.suppress(OSError):  # wakes the thread
            self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join(1.0)
        self._socket.close()


def _bound(host: str, number: int) -> socket.socket:
    check_port(number, lowest=0)
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BUFFER)
        opened.bind((host, number))
    except UnicodeError as fault:
        opened.close()
        raise SocketError(f"the host is not known ({fault}).", where=f"UDP {host}", used=host, remedy="Check it.") from fault
    except OSError as fault:
        opened.close()
        raise _refused(host, number, fault) from fault
    return opened


def check_port(number: object, *, lowest: int = 1) -> None:
    """Refuse what is no number of a UDP port."""
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not lowest <= number <= 65_535:
        raise ParameterError(
            f"{number!r} is not the number of a UDP port.", where="live", used=number, limit=65_535, remedy=f"Give {lowest} to 65535."
        )


def check_host(host: object) -> None:
    """Refuse what is no name or address of a host."""
    if not isinstance(host, str) or not host.isascii() or "\0" in host:
        raise ParameterError(
            f"host={host!r} is no name or address of a machine.", where="live", used=host, remedy="For example '127.0.0.1'."
        )


def resolved(host: str) -> str:
    """The address of a host, looked up once."""
    try:
        return socket.gethostbyname(host)
    except (OSError, UnicodeError) as fault:
        raise SocketError(
            f"the host is not known ({getattr(fault, 'strerror', None) or fault}).", where=f"UDP {host}", used=host, remedy="Check it."
        ) from fault


def _refused(host: str, number: int, fault: OSError) -> SocketError:
    where = f"UDP {host}:{number}"
    if fault.errno == errno.EADDRINUSE:
        return SocketError(
            "the port is in use by another program.", where=where, used=number, remedy="Choose another, or port=0 for a free one."
        )
    if fault.errno in (errno.EACCES, errno.EPERM):
        return SocketError("this port is reserved for the system.", where=where, used=number, remedy="Choose one above 1023.")
    remedy = "Give an address of this machine, for example '127.0.0.1'."
    return SocketError(f"nothing can listen there ({fault.strerror or fault}).", where=where, used=host, remedy=remedy)


def _drops(opened: socket.socket) -> int:
    """Drops of one socket as Linux tells them."""
    try:
        inode = str(os.fstat(opened.fileno()).st_ino)
        lines = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return 0
    return sum(int(fields[-1]) for fields in map(str.split, lines) if len(fields) > 12 and fields[9] == inode)
