"""What must work with the installed wheel; run outside the checkout, which is the first argument."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import neurosim as sim
import neurosim.chips
import neurosim.mapping
from neurosim.cli.demo import example


def installed_outside(checkout: Path) -> None:
    """Fail if what was imported lies in the checkout."""
    for module in (sim, neurosim.chips, neurosim.mapping):
        path = Path(str(module.__file__)).resolve()
        if path.is_relative_to(checkout.resolve()):
            raise SystemExit(f"{module.__name__} was imported from the checkout, not from the wheel: {path}")


def every_module_imports() -> int:
    """Import each module of the wheel; the number of them."""
    optional = "neurosim.report"  # needs the extra [report], which a plain install has not
    names = [info.name for info in pkgutil.walk_packages(sim.__path__, "neurosim.", onerror=_raise) if not info.name.startswith(optional)]
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    return len(names)


def _raise(name: str) -> None:
    raise SystemExit(f"package {name} cannot be imported")


def small_network(chip: str | None) -> int:
    """Spikes of ten cells in 20 ms on ``chip``."""
    sim.setup(timestep=0.1, chip=chip, rng_seed=1)
    cells = sim.Population(10, sim.IF_cond_exp(i_offset=1.5 if chip != "hicann" else 0.0), label="cells")
    source = sim.Population(10, sim.SpikeSourceArray(spike_times=[2.0, 4.0, 6.0]), label="source")
    sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1, delay=1.0), receptor_type="excitatory")
    cells.record("spikes")
    sim.run(20.0)
    count = sum(len(train) for train in cells.get_data().segments[0].spiketrains)
    if chip is not None:
        print(sim.mapping().summary())
    sim.end()
    return count


def main() -> None:
    """Print what was found; a fault ends with a non-zero status."""
    installed_outside(Path(sys.argv[1]))
    print(f"neurosim {sim.__version__}: {every_module_imports()} modules import")
    if set(sim.chips.available()) < {"hicann", "loihi", "spinnaker"}:
        raise SystemExit(f"chips missing from the wheel: {sim.chips.available()}")
    for name in sim.chips.available():
        sim.chips.load(name)
    if not example().is_file():
        raise SystemExit(f"the script of the demo is missing from the wheel: {example()}")
    for chip in (None, "spinnaker"):
        count = small_network(chip)
        print(f"chip {chip}: {count} spikes")
        if not count:
            raise SystemExit(f"no spikes on chip {chip!r}")


if __name__ == "__main__":
    main()
