"""Parameter values as a chip holds them, with one ledger entry per parameter that changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from neurosim.chips.values import Values, compact, parameter, receptor_parameter
from neurosim.columns import Floats
from neurosim.losses import Loss
from neurosim.network import Population

UNITS = {
    "tau_m": "ms", "tau_refrac": "ms", "tau_syn": "ms", "tau_w": "ms", "tau_rise": "ms", "tau_decay": "ms",
    "cm": "nF", "i_offset": "nA", "b": "nA", "a": "nS",
    "v_rest": "mV", "v_thresh": "mV", "v_reset": "mV", "v_spike": "mV", "e_rev": "mV", "delta_T": "mV", "v": "mV",
}  # fmt: skip


#: Parameters of other models that share a name with one above.
OTHER_UNITS = {("izhikevich", "a"): "1/ms", ("izhikevich", "b"): "1/ms", ("izhikevich", "c"): "mV", ("izhikevich", "d"): "mV/ms"}


def unit_of(model: str, key: str) -> str:
    """Unit of a parameter of a neuron model or of one of its receptors."""
    name = key.rsplit(".", 1)[-1]
    return OTHER_UNITS.get((model, name), UNITS.get(name, ""))


@dataclass(slots=True)
class Parameters:
    """Parameters of one population on their way to the chip.

    ``values`` holds each parameter evaluated; a receptor's are called ``"receptor.parameter"``.
    """

    population: Population
    values: dict[str, Values] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)

    @classmethod
    def of(cls, population: Population) -> Parameters:
        """Parameters of a population and of its receptors, evaluated."""
        values = {name: parameter(population, name) for name in population.parameters}
        for receptor in population.receptors:
            values |= {f"{receptor.name}.{name}": receptor_parameter(population, receptor, name) for name in receptor.parameters}
        return cls(population, values)

    def named(self, *names: str) -> list[str]:
        """Keys whose parameter is one of ``names``, of the neuron or of any receptor."""
        return [key for key in self.values if key.rsplit(".", 1)[-1] in names]

    def change(self, key: str, to: Callable[[Floats], Floats], kind: str, detail: str = "") -> None:
        """Replace a parameter's values; an error above one part in 10^12 is a loss."""
        before = np.atleast_1d(self.values[key])
        after = np.asarray(to(before), np.float64)
        error = np.abs(after - before)
        affected = error > 1e-12 * np.maximum(np.abs(before), 1e-3)
        self.values[key] = compact(after)
        if affected.any():
            unit = unit_of(self.population.model, key)
            self.losses.append(loss_of(self.population, key, kind, error, affected, unit, detail))

    def clip(self, key: str, low: float, high: float, detail: str) -> None:
        """Keep a parameter within the chip's range."""
        span = f"{low:.4g} to {high:.4g} {unit_of(self.population.model, key)}".strip()
        self.change(key, lambda values: np.clip(values, low, high), "clipped", f"{detail} ({span}).")

    def result(self) -> Population:
        """The population with these values."""
        own = {name: self.values[name] for name in self.population.parameters}
        receptors = tuple(
            replace(r, parameters={name: self.values[f"{r.name}.{name}"] for name in r.parameters}) for r in self.population.receptors
        )
        return replace(self.population, parameters=own, receptors=receptors)


def loss_of(population: Population, what: str, kind: str, error: Floats, affected: np.ndarray, unit: str, detail: str) -> Loss:
    """Ledger entry of a parameter that some cells have wrong.

    Parameters
    ----------
    error, affected
        Absolute errors, and which of them count: one for all cells, or one per cell.
    """
    count = population.size if len(affected) == 1 else int(np.count_nonzero(affected))
    chosen, where = error[affected], f"Population '{population.label}'"
    return Loss(kind, where, what, count, population.size, float(chosen.mean()), float(chosen.max()), unit, detail)
