"""What this machine has: processor cores."""

from __future__ import annotations

import os

from neurosim.errors import ParameterError

#: Threads for every core from which on a number of threads is taken for a mistake, and the number that always passes.
MOST_PER_CORE, ALWAYS = 4, 16


def cores() -> int:
    """Cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def check_threads(threads: int) -> str:
    """What to warn of with a number of threads; ``""`` if it is sensible.

    Raises
    ------
    ParameterError
        If it is below one or far beyond the cores there are.
    """
    n_cores = cores()
    limit, remedy = max(MOST_PER_CORE * n_cores, ALWAYS), f"Use threads={n_cores}; results do not depend on it."
    if not 1 <= threads <= limit:
        text = f"the number of threads is {threads:,}; it must be 1 to {limit} with the {n_cores} cores this process may use."
        raise ParameterError(text, where="setup()", used=threads, limit=limit, remedy=remedy)
    if threads > n_cores:
        return f"threads={threads}, but this process may use {n_cores} cores; more only make a run slower. {remedy}"
    return ""
