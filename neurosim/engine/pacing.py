"""How fast a run goes: as fast as it can, or paced to the wall clock; Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from neurosim.engine.timing import Histogram
from neurosim.errors import ParameterError

PACES = ("accelerated", "realtime")
#: A slice that ends later than this after it was due counts as late.
TOLERANCE_MS = 1.0
#: Last part of a wait that is not slept.
LOOK_S = 1.2e-4
#: Simulated length of a slice if nothing else is said.
SLICE_MS = 5.0


@dataclass(slots=True)
class RealTime:
    """Paces a run so that simulated and wall time pass together, and measures how well it does.

    Attributes
    ----------
    n_slices, overruns
        All slices, and those that ended more than ``TOLERANCE_MS`` after they were due.
    lateness
        By how much slices ended after they were due; 0 for those in time.
    work
        Wall time that slices took, callbacks included.
    jitter
        By how much the wait before the next slice ended too late; slices that were late have none.
    slice_ms
        Simulated length of a full slice.
    """

    n_slices: int = 0
    overruns: int = 0
    lateness: Histogram = field(default_factory=Histogram)
    work: Histogram = field(default_factory=Histogram)
    jitter: Histogram = field(default_factory=Histogram)
    slice_ms: float = 0.0
    _origin_s: float = 0.0
    _origin_ms: float = 0.0
    _begun_s: float = 0.0

    def start(self, t_ms: float) -> None:
        """Tie the simulated time ``t_ms`` to now."""
        self._origin_s = self._begun_s = time.perf_counter()
        self._origin_ms = t_ms

    def wait(self, t_ms: float) -> None:
        """Wait until simulated time ``t_ms`` is due, or note that it is overdue."""
        due_s, now_s = self._origin_s + (t_ms - self._origin_ms) / 1000.0, time.perf_counter()
        self.work.add((now_s - self._begun_s) * 1000.0)
        late_ms = max(now_s - due_s, 0.0) * 1000.0
        self.lateness.add(late_ms)
        self.n_slices += 1
        self.overruns += late_ms > TOLERANCE_MS
        if now_s < due_s:
            sleep_until(due_s)
            self.jitter.add((time.perf_counter() - due_s) * 1000.0)
        self._begun_s = time.perf_counter()

    @property
    def late_share(self) -> float:
        """Share of the slices that were late, 0 to 1."""
        return self.overruns / self.n_slices if self.n_slices else 0.0

    def table(self) -> dict[str, object]:
        """All figures as a plain dictionary; quantiles in ms."""
        figures = {name: getattr(self, name).quantiles() for name in ("lateness", "work", "jitter")}
        return {"slices": self.n_slices, "slice_ms": self.slice_ms, "late": self.overruns, "late_share": self.late_share, **figures}

    def summary(self) -> str:
        """Late slices and their lateness in one line."""
        late = f"{self.overruns:,} of {self.n_slices:,} slices late by more than {TOLERANCE_MS:g} ms ({100 * self.late_share:.3g} %)"
        return f"real time: {late}; lateness of all: {self.lateness}"

    def __str__(self) -> str:
        rows = [(name, getattr(self, name).quantiles()) for name in ("lateness", "work", "jitter")]
        head = " " * 10 + "".join(f"{name:>9}" for name in rows[0][1]) + "  ms"
        lines = [f"  {name:<8}" + "".join(f"{value:>9.3g}" for value in values.values()) for name, values in rows]
        return "\n".join([f"{self.summary()}; slices of {self.slice_ms:g} ms", head, *lines])


def sleep_until(due_s: float) -> None:
    """Sleep until just before ``due_s`` (``time.perf_counter``), then look at the clock for the rest.

    A sleep ends some 0.1 ms late; the look at the clock takes no more than that of every slice.
    """
    left = due_s - time.perf_counter()
    if left > LOOK_S:
        time.sleep(left - LOOK_S)
    while time.perf_counter() < due_s:
        pass


def check_pace(pace: str) -> str:
    """The pace, if it is one."""
    if pace not in PACES:
        raise ParameterError(
            f"pace '{pace}' is not known.", where="setup()", used=pace, limit=PACES, remedy=f"Use one of {', '.join(PACES)}."
        )
    return pace


class Interrupt:
    """Remembers that Ctrl-C was pressed."""

    pressed = False


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """While active, Ctrl-C sets a flag instead of raising in the middle of a step."""
    flag = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def note(signum: int, frame: object) -> None:
        flag.pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, before)
