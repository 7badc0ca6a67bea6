"""Made-up runs, so that tables, pictures and pages are tested without simulating anything."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.compare.comparison import Comparison
from neurosim.compare.results import ChipRun, CoreUse, failed
from neurosim.compare.statistics import Spikes
from neurosim.losses import Loss

LOSSES = (
    Loss("approximation", "exc", "conductance", 32, 40, detail="Conductances became currents."),
    Loss("rounded", "exc -> inh", "weight", 30, 60, error_mean=0.02, error_max=0.05, unit="uS"),
    Loss("clipped", "exc -> exc", "weight", 10, 60, error_mean=0.10, error_max=0.20, unit="uS"),
    Loss("synapse", "exc -> exc", "synapse", 1234, 20000),
)


def spikes(label: str, n_cells: int, seed: int) -> Spikes:
    """Poisson spikes at 20 Hz for 500 ms."""
    random = np.random.default_rng(seed)
    n_spikes = random.poisson(10.0 * n_cells)
    return Spikes(label, np.arange(n_cells), random.integers(0, n_cells, n_spikes), np.sort(random.uniform(0, 500.0, n_spikes)), 500.0)


def chip_run(chip: str, seed: int, **fields) -> ChipRun:
    """A run of 40 neurons."""
    return ChipRun(
        chip, chip.upper(), n_neurons=40, n_synapses=320, spikes=(spikes("exc", 32, seed), spikes("inh", 8, seed + 50)), duration_ms=500.0,
        stages={"build": 0.5, "place": 0.25, "run": 1.0}, **fields,
    )  # fmt: skip


@pytest.fixture
def comparison() -> Comparison:
    """Ideal reference, two chips that worked and one that did not."""
    cores = tuple(CoreUse(n // 4, n // 4, 0, n % 4, 2, 0.05 * n, "circuits") for n in range(1, 20))
    made = {"weight_error": 0.04, "hardware_s": 5e-5}
    hicann = chip_run("hicann", 2, n_cores=19, n_chips=5, binding="circuits 95 %", cores=cores, losses=LOSSES[1:], **made)
    loihi = chip_run("loihi", 3, n_cores=1, n_chips=1, losses=LOSSES, approximations=("conductance",), cores=cores[:1])
    return Comparison("net.py", (chip_run("ideal", 1), hicann, failed("spinnaker", "Population 'exc' does not fit."), loihi))
