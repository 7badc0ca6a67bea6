"""A small PyNN network for tests of saved states."""

from __future__ import annotations

from typing import Any

import numpy as np


def small(sim: Any, **changed: Any) -> dict[str, Any]:
    """A small network, with something of it changed."""
    options = {"timestep": 0.1, "rng_seed": 3, "size": 10, "tau_m": 20.0, "weight": 0.5, "p": 0.5, "amplitude": 0.9, "n": 1, **changed}
    sim.setup(**{k: options[k] for k in ("timestep", "rng_seed", "threads", "precision", "chip", "record_to") if k in options})
    cells = sim.Population(options["size"], sim.IF_curr_exp(tau_m=options["tau_m"]), label="cells")
    drive = sim.Population(10, sim.SpikeSourcePoisson(rate=options.get("rate", 100.0)), label="drive")
    connector = options.get("connector") or sim.FixedProbabilityConnector(options["p"])
    synapse = sim.StaticSynapse(weight=options["weight"], delay=1.0)
    nets = [sim.Projection(drive, cells, connector, synapse, label="link") for _ in range(options["n"])]
    current = sim.DCSource(amplitude=options["amplitude"])
    current.inject_into(cells)
    cells.record(["spikes", "v"])
    return {"cells": cells, "drive": drive, "nets": nets, "current": current}


def spikes(population: Any) -> list[list[float]]:
    return [np.asarray(train).tolist() for train in population.get_data("spikes").segments[-1].spiketrains]
