"""All live inputs and outputs of one simulation, and what the simulation asks of them slice by slice."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import LossWarning, NetworkError, ParameterError, StateError
from neurosim.live.inputs import LiveInput
from neurosim.live.outputs import LiveOutput, Sender
from neurosim.live.ports import Port, check_host, check_port, resolved
from neurosim.live.report import LiveReport, Traffic
from neurosim.losses import users_level

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Where ports listen and datagrams go if nothing else is said: this machine only.
LOOPBACK = "127.0.0.1"
#: Most spikes that may wait at one input: 3.2 GB.
LARGEST_CAPACITY = 100_000_000


class Hub:
    """Live inputs and outputs of one simulation.

    The simulation's thread calls :meth:`open_slice`, :meth:`due`, :meth:`next_step`,
    :meth:`collect` and :meth:`close_slice`; everything else may be called from any other.

    Attributes
    ----------
    exchanging
        True while a callback is called; the run must not be changed or run on from inside it.
    """

    def __init__(self) -> None:
        self.inputs: dict[int, LiveInput] = {}
        self.outputs: list[LiveOutput] = []
        self.exchanging = False
        self.ports: list[Port] = []
        self._senders: list[Sender] = []
        self._told = LiveReport()
        self._finalizer = weakref.finalize(self, _close, self.ports, self._senders)

    # --- what there is ---------------------------------------------------------------------------
    def add_input(
        self,
        population: int,
        size: int,
        label: str,
        *,
        port: int | None = None,
        host: str = LOOPBACK,
        key: int | None = None,
        callback: Callable[[str, float, float], Any] | None = None,
        capacity: int | None = None,
    ) -> LiveInput:
        """Open a way into a population; see :func:`neurosim.live_input`.

        Raises
        ------
        NetworkError
            If the population has one already, or another one at the port has its key.
        ParameterError
            For a port, key or capacity that cannot be.
        SocketError
            If nothing can listen there.
        """
        if population in self.inputs:
            raise NetworkError("has a live input already.", where=f"Population '{label}'", remedy="Give port and callback in one call.")
        check_callback(callback)
        check_host(host)
        _check_capacity(capacity)
        made = LiveInput(population, size, label, key=_checked_key(key, population), capacity=capacity)
        made.callback = callback
        if port is not None:
            self._port(host, port, made).route(made)
        self.inputs[population] = made
        return made

    def _port(self, host: str, number: int, wanted: LiveInput) -> Port:
        for port in self.ports:
            if (port.host, port.number) == (host, number):
                taken = port.serves(wanted.key)
                if taken is not None:
                    text = f"key {wanted.key} belongs to population '{taken.label}' at port {port.number}."
                    raise NetworkError(text, where=f"Population '{wanted.label}'", used=wanted.key, remedy="Give another key.")
                return port
        self.ports.append(Port(host, number))
        return self.ports[-1]

    def add_output(
        self,
        population: int,
        size: int,
        label: str,
        *,
        callback: Callable[[str, Floats, Int64], Any] | None = None,
        port: int | None = None,
        host: str = LOOPBACK,
        key: int | None = None,
    ) -> LiveOutput:
        """Open a way out of a population; see :func:`neurosim.live_output`."""
        if callback is None and port is None:
            text = "a live output needs somebody to give the spikes to."
            raise ParameterError(text, where=f"Population '{label}'", remedy="Give callback= or port=.")
        check_callback(callback)
        check_host(host)
        made = LiveOutput(population, size, label, key=_checked_key(key, population))
        made.callback = callback
        if port is not None:
            check_port(port)
            made.address, made.sender = (resolved(host), int(port)), self._sender()
        self.outputs.append(made)
        return made

    def _sender(self) -> Sender:
        if not self._senders:
            self._senders.append(Sender())
        return self._senders[0]

    # --- what the simulation asks ------------------------------------------------------------------
    def open_slice(self, step: int, stop: int, dt_ms: float) -> None:
        """Ask the callbacks for the slice's spikes and take over what came in since the last one."""
        with self._exchange():
            for live_input in tuple(self.inputs.values()):
                if live_input.callback is not None:
                    live_input.take(live_input.callback(live_input.label, step * dt_ms, stop * dt_ms))
                live_input.fetch(step, dt_ms)

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        self._check_idle()
        self.exchanging = True
        try:
            yield
        finally:
            self.exchanging = False

    def _check_idle(self) -> None:
        """Refuse to run on, or back to the beginning, inside a callback."""
        if self.exchanging:
            text = "a live callback cannot run the simulation that called it, nor reset it."
            raise StateError(text, where="live", remedy="Do it after the run has ended.")

    def due(self, step: int) -> Iterator[tuple[int, Int64, Floats]]:
        """Population, cells and times (ms) of what fires at this step."""
        for live_input in tuple(self.inputs.values()):
            cells, times = live_input.due(step)
            if len(cells):
                yield live_input.population, cells, times

    def next_step(self, stop: int) -> int:
        """First step before ``stop`` at which something fires, else ``stop``."""
        waiting = (live_input.next_step() for live_input in self.inputs.values())
        return min([stop, *(step for step in waiting if step is not None)])

    def close_slice(self, t_ms: float) -> None:
        """Hand out the spikes of the slice that ended at ``t_ms``."""
        with self._exchange():
            for output in tuple(self.outputs):
                output.hand_out(t_ms)

    def clear(self) -> None:
        """Forget what waits, because time begins anew.

        Raises
        ------
        StateError
            In a callback.
        """
        self._check_idle()
        for live_input in tuple(self.inputs.values()):
            live_input.clear()
        for output in tuple(self.outputs):
            output.clear()

    # --- counts ------------------------------------------------------------------------------------
    def report(self) -> LiveReport:
        """Counts up to now."""
        inputs = (Traffic(f"Population '{i.label}'", "in", "spikes", i.injected, dict(i.dropped)) for i in self.inputs.values())
        outputs = (Traffic(_name(o), "out", "spikes", o.handed_out, dict(o.dropped)) for o in self.outputs)
        return LiveReport(tuple(inputs), tuple(outputs), tuple(_traffic(port) for port in self.ports))

    def warn(self) -> None:
        """One warning that names everything dropped since the last one."""
        report = self.report()
        text, self._told = report.losses(self._told), report
        if text:
            warnings.warn(f"live: dropped at {text}. live_report() has the counts.", LossWarning, stacklevel=users_level())

    def close(self) -> None:
        """Close all sockets and end their threads; counts stay."""
        _close(self.ports, self._senders)


def _name(output: LiveOutput) -> str:
    return f"Population '{output.label}'" + ("" if output.address is None else " to {}:{}".format(*output.address))


def _traffic(port: Port) -> Traffic:
    lost = port.lost_by_system()
    dropped = {**port.dropped, **({"lost by the system": lost} if lost else {})}
    return Traffic(f"UDP {port.host}:{port.number}", "in", "datagrams", port.datagrams, dropped)


def _close(ports: list[Port], senders: list[Sender]) -> None:
    for port in ports:
        port.close()
    for sender in senders:
        sender.close()


def check_callback(callback: object) -> None:
    """Refuse what cannot be called."""
    if callback is not None and not callable(callback):
        raise ParameterError(f"callback={callback!r} cannot be called.", where="live", used=callback, remedy="Give a function.")


def _check_capacity(value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= LARGEST_CAPACITY):
        text = f"capacity={value!r} is not a whole number from 1 to {LARGEST_CAPACITY:,}."
        raise ParameterError(text, where="live", used=value, limit=LARGEST_CAPACITY, remedy="For example 10000.")


def _checked_key(key: object, default: int) -> int:
    if key is None:
        return default
    if isinstance(key, bool) or not isinstance(key, int | np.integer) or not 0 <= key < 2**32:
        raise ParameterError(f"key={key!r} does not fit 32 bits.", where="live", used=key, limit=2**32 - 1, remedy="Give 0 to 4294967295.")
    return int(key)
