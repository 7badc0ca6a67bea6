"""A line on stderr where work takes longer than one would wait without a word."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
