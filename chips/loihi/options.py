"""What a user may choose of a machine: how its registers count."""

from __future__ import annotations

from dataclasses import replace

from neurosim.chips.loihi.arithmetic import Arithmetic
from neurosim.chips.loihi.registers import Registers
from neurosim.losses import Loss
from neurosim.network import Network, Receptor

#: Where voltages end that have no limits.
FREE = 2.0**50


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
