"""A progress bar on stderr for work that takes longer than one would wait without a sign."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

#: Seconds after which a bar appears.
PATIENCE_S = 1.0


class Progress:
    """A progress bar that appears on stderr when work takes longer than a second; a context that removes it at the end.

    Parameters
    ----------
    text
        What is going on.
    total
        What is done at the end, in any unit; ``None`` if that is not known.
    shown
        Whether there is a bar at all; ``None``: if stderr is a terminal.
    """

    def __init__(self, text: str, total: float | None, shown: bool | None) -> None:
        self._text, self._total, self._done = text, total, 0.0
        self.shown = sys.stderr.isatty() if shown is None else shown
        self._begun = time.perf_counter()
        self._bar: RichProgress | None = None
        self._task = None
        self._closed = False
        self._lock = threading.RLock()

    def update(self, done: float, text: str | None = None) -> None:
        """Show what is done, and what is going on if that has changed."""
        with self._lock:
            self._done, self._text = done, self._text if text is None else text
            if self._bar is None and time.perf_counter() - self._begun >= PATIENCE_S:
                self.appear()
            elif self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self._done, total=self._total_now, description=self._text)

    @property
    def _total_now(self) -> float | None:
        return self._total if self._done else None  # a bar that only moves, where it is not known how far one is

    def appear(self) -> None:
        """Show the bar now, unless there is to be none."""
        with self._lock:
            if not self.shown or self._closed or self._bar is not None:
                return
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._text, total=self._total_now)
            self._bar.update(self._task, completed=self._done)

    def close(self) -> None:
        """Remove the bar."""
        with self._lock:
            self._closed = True
            if self._bar is not None:
                self._bar.stop()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def stages(title: str, shown: bool | None) -> Iterator[Callable[[str, float], None] | None]:
    """A bar for work in stages, which may say nothing for long: gives what is to be told the stage and its part done (0 to 1).

    Gives ``None`` if there is to be no bar.
    """
    with Progress(title, 1.0, shown) as bar:
        if not bar.shown:
            yield None
            return
        timer = threading.Timer(PATIENCE_S, bar.appear)
        timer.daemon = True
        timer.start()
        try:
            yield lambda stage, part: bar.update(part, f"{title}: {stage}")
        finally:
            timer.cancel()
