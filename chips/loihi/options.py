"""What a user may choose of a machine: how its registers count, and noise of its cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim.chips.loihi.arithmetic import Arithmetic, one
from neurosim.chips.loihi.registers import Registers
from neurosim.errors import ParameterError, UnknownNameError, UnsupportedError
from neurosim.losses import Loss
from neurosim.network import Network, Population, Receptor

#: Where voltages end that have no limits.
FREE = 2.0**50
#: Ranges of the noise's exponent and offset, and of whether it is added to the voltage.
_RANGES = {"exponent": (0, 23), "offset": (-64, 63), "on_v": (0, 1)}


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise of a population: (r + 64 offset) 2^(exponent - 7) registers in every step, r from -127 to 127, all equally likely.

    It is added to the current, or with ``on_v`` = 1 to the voltage; exponents below 7 act as the next one (nengo-loihi 1.1.0).
    All compartments of a core share one such setting, and each may do without.
    """

    exponent: int
    offset: int = 0
    on_v: int = 0

    def registers(self) -> tuple[float, float]:
        """Mean and standard deviation of what is added in a step."""
        factor = 2.0 ** (self.exponent + (self.exponent < 7) - 7)
        return 64.0 * self.offset * factor, float(np.sqrt((255**2 - 1) / 12)) * factor


def noise_of(given: Any, where: str) -> dict[str, Noise]:
    """Noise by label of a population: an exponent, or (exponent, offset) or (exponent, offset, on_v).

    Raises
    ------
    ParameterError
        If it is no such mapping, or a number is not whole or outside its range.
    """
    remedy = "Give for example noise={'cells': (9, 0)}: an exponent and an offset by label."
    if not isinstance(given, Mapping):
        raise ParameterError(f"noise={given!r} is no mapping from labels.", where=where, used=given, remedy=remedy)
    found = {}
    for label, value in given.items():
        numbers = tuple(value) if isinstance(value, tuple | list | np.ndarray) else (value,)
        if not 1 <= len(numbers) <= len(_RANGES):
            text = f"the noise of '{label}' has {len(numbers)} numbers; there are an exponent, an offset and on_v."
            raise ParameterError(text, where=where, used=value, limit=len(_RANGES), remedy=remedy)
        named = zip(numbers, _RANGES.items(), strict=False)
        found[str(label)] = Noise(
            *(one(number, *limits, f"the {name} of the noise of '{label}'", where) for number, (name, limits) in named)
        )
    return found


def check_noise(noise: Mapping[str, Noise], network: Network, where: str) -> None:
    """Refuse noise for what has none.

    Raises
    ------
    UnknownNameError
        If there is no population of that label.
    UnsupportedError
        If it is a source of spikes.
    """
    known = {population.label: population for population in network.populations}
    for label in noise:
        if label not in known:
            raise UnknownNameError.among("population with noise", label, known, where=where)
        if known[label].is_source:
            text = "sources of spikes have no registers, so no noise."
            raise UnsupportedError(text, where=f"Population '{label}'", used="noise", remedy="Give noise to the neurons that they reach.")


def noisy(registers: Registers, noise: Noise | None, population: Population, seed: int) -> Registers:
    """Registers with noise, and what it is in mV; the chip's random numbers are not published, ours are others."""
    if noise is None:
        return registers
    keys = np.random.default_rng([seed % 2**64, population.id]).integers(0, 2**24, population.size).astype(np.float64)
    own = {"noise_exponent": float(noise.exponent), "noise_offset": float(noise.offset), "noise_on_v": float(noise.on_v), "noise_key": keys}
    mean, deviation = (size * registers.unit_mv for size in noise.registers())
    detail = f"Noise on the {'voltage' if noise.on_v else 'current'}: in every step {mean:.3g} mV, standard deviation {deviation:.3g} mV; "
    detail += "the chip's random numbers are not published, these are others."
    loss = Loss("uncertain", f"Population '{population.label}'", "noise", population.size, population.size, detail=detail)
    return replace(registers, parameters={**registers.parameters, **own}, losses=(*registers.losses, loss))


def under(registers: Registers, choices: Arithmetic) -> Registers:
    """Registers that count as a description of the chip says.

    Weights have all their bits and no negative exponents here, decays are what acts (the register plus its offset) and
    delays are those from spike to effect, whichever register holds them. What is left is where registers end.
    """
    if choices.name == "chip":
        return registers
    limits = {} if choices.wraps else {"bits": 0.0, "v_low": -FREE, "v_high": FREE}
    own = {name: limits.get(name, value) for name, value in registers.parameters.items()}
    return replace(registers, parameters=own, receptors=tuple(_receptor(r, choices) for r in registers.receptors))


def _receptor(receptor: Receptor, choices: Arithmetic) -> Receptor:
    if receptor.kind != "fixed":  # it follows another one
        return receptor
    limits = {} if choices.wraps else {"bits": 0.0, "bits_in": 0.0}
    changed = {"grain": 64.0 if choices.exponent_of_sum else 1.0, "closed": float(choices.closed), **limits}
    return replace(receptor, parameters={**receptor.parameters, **changed})


def described(network: Network, choices: Arithmetic, chip: str) -> list[Loss]:
    """Ledger entry of an arithmetic that is not the best supported one."""
    if choices.name == "chip" or not network.n_neurons:
        return []
    detail = f"Registers count as {choices.name} does; arithmetic='chip' is what is best supported."
    return [Loss("approximation", f"Chip '{chip}'", "arithmetic", network.n_neurons, network.n_neurons, detail=detail)]
