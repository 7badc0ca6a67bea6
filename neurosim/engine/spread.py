"""Keeps the threads of a run on different cores.

Threads that wake each other ten thousand times a second look to the scheduler of Linux like one
task and are moved to one core, beside another that is idle. Here each gets a share of the
cores for the time of a run, and within its share the scheduler is free.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def shares(cores: set[int], n: int) -> list[set[int]]:
    """Cores of each of ``n`` threads, disjoint; empty if there are fewer cores than threads.

    Examples
    --------
    >>> shares({0, 1, 2, 3, 4}, 2)
    [{0, 2, 4}, {1, 3}]
    """
    own = sorted(cores)
    return [set(own[t::n]) for t in range(n)] if len(own) >= n > 1 else []


def available() -> set[int]:
    """Cores that this process may use; empty where the system does not tell."""
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else set()


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Keep the calling thread on some cores, if any are given."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores)
    except OSError:  # a container may forbid it, or have lost the core
        yield
        return
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
