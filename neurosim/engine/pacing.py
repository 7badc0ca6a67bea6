"""How fast a run goes: as fast as it can, or paced to the wall clock; progress and Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import ParameterError

PACES = ("accelerated", "realtime")


@dataclass(slots=True)
class RealTime:
    """Paces a run so that simulated and wall time pass together; counts the steps that were late.

    Attributes
    ----------
    overruns, n_slices
        Late slices and all slices.
    late_ms
        By how much each late slice was late, in ms.
    """

    overruns: int = 0
    n_slices: int = 0
    late_ms: list[float] = field(default_factory=list)
    _origin_s: float = 0.0
    _origin_ms: float = 0.0

    def start(self, t_ms: float) -> None:
        """Tie the simulated time ``t_ms`` to now."""
        self._origin_s, self._origin_ms = time.perf_counter(), t_ms

    def wait(self, t_ms: float) -> None:
        """Sleep until simulated time ``t_ms`` is due, or note that it is overdue."""
        due = self._origin_s + (t_ms - self._origin_ms) / 1000.0
        left = due - time.perf_counter()
        self.n_slices += 1
        if left > 0:
            time.sleep(left)
        elif left < -1e-3:
            self.overruns += 1
            self.late_ms.append(-left * 1000.0)

    def __str__(self) -> str:
        worst = max(self.late_ms, default=0.0)
        middle = float(np.median(self.late_ms)) if self.late_ms else 0.0
        return f"real time: {self.overruns:,} of {self.n_slices:,} slices late, median {middle:.3g} ms, worst {worst:.3g} ms"


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


@contextmanager
def message(text: str, after_s: float = 1.0) -> Iterator[None]:
    """Say ``text`` on stderr if the work inside takes longer than ``after_s`` seconds."""
    timer = threading.Timer(after_s, lambda: print(f"neurosim: {text}", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Progress:
    """A progress bar that appears on stderr when a run takes longer than a second."""

    def __init__(self, total_ms: float, shown: bool | None) -> None:
        self._total = total_ms
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._begun = time.perf_counter()
        self._bar: object | None = None
        self._task: object = None

    def update(self, done_ms: float) -> None:
        """Show that ``done_ms`` of the run are done."""
        if not self._shown or time.perf_counter() - self._begun < 1.0:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            bar = Bar(console=Console(stderr=True), transient=True)
            bar.start()
            self._bar, self._task = bar, bar.add_task("simulating", total=self._total)
        self._bar.update(self._task, completed=done_ms)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()  # type: ignore[attr-defined]
