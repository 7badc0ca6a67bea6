"""PyNN on neurosim or on NEST: the one place that knows how they are set up and read."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.harness.cases import NEST, NEUROSIM
from benchmarks.parameters import TIMESTEP_MS

MODULES = {NEUROSIM: "neurosim", NEST: "pyNN.nest"}


def start(options: dict[str, Any], *, min_delay: float, max_delay: float | str = "auto") -> Any:
    """The backend named by ``options["simulator"]``, set up.

    Reads ``simulator``, ``threads``, ``seed`` and, for neurosim, ``precision`` (of the state; float32 by default here).
    """
    sim = importlib.import_module(MODULES[options["simulator"]])
    delays = {"min_delay": min_delay} if max_delay == "auto" else {"min_delay": min_delay, "max_delay": max_delay}
    sim.setup(timestep=TIMESTEP_MS, **delays, threads=options.get("threads", 1), **_own_keywords(options))
    return sim


def _own_keywords(options: dict[str, Any]) -> dict[str, Any]:
    seed = options.get("seed", 1)
    if options["simulator"] == NEUROSIM:
        # Networks drawn the way stock PyNN draws them are built no faster than by stock PyNN.
        return {"rng_seed": seed, "rng": "fast", "precision": options.get("precision", "float32"), "progress": False}
    return {"rng_seed": seed, "verbosity": "error"}


def generator(sim: Any, options: dict[str, Any]) -> Any:
    """Random numbers for all connectors of a network.

    PyNN gives every connector that is made without a generator the same fixed seed: projections of one
    shape would have the same synapses, and others related ones.
    """
    return sim.NumpyRNG(seed=options.get("seed", 1))


def facts(options: dict[str, Any]) -> dict[str, str]:
    """What the simulator computes with: version, precision of the state, where thresholds are crossed."""
    if options["simulator"] == NEUROSIM:
        from neurosim import __version__

        return {"version": __version__, "state": options.get("precision", "float32"), "crossings": "in the step"}
    return nest_facts()


def nest_facts() -> dict[str, str]:
    """The same of NEST."""
    return {"version": version("nest-simulator"), "state": "float64", "crossings": "on the grid"}


def spikes(cells: Any) -> tuple[np.ndarray, np.ndarray]:
    """Cell and time in ms of every recorded spike."""
    if hasattr(cells, "spikes"):
        index, times = cells.spikes()
    else:
        index, times = cells.get_data("spikes").segments[0].spiketrains.multiplexed
    return np.asarray(index), np.asarray(getattr(times, "magnitude", times), dtype=float)


def rate_hz(n_spikes: float, n_cells: int, duration_ms: float) -> float:
    """Mean rate."""
    return n_spikes / n_cells / duration_ms * 1e3


def start_nest(options: dict[str, Any]) -> Any:
    """NEST itself, for networks that PyNN's NEST backend would build for hours."""
    import nest  # pyright: ignore[reportMissingImports]

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=TIMESTEP_MS, local_num_threads=options.get("threads", 1), rng_seed=options.get("seed", 1))
    return nest
