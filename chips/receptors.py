"""Receptors of another kind: which steps lead from a receptor to one that a chip has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from neurosim.chips import working_point as wp
from neurosim.chips.values import Values, parameter, receptor_parameter, statistics, synaptic_column
from neurosim.network import Network, Population, Receptor

if TYPE_CHECKING:
    from neurosim.chips.native import Native


@dataclass(frozen=True, slots=True)
class Ported:
    """One step of a conversion: the option it needs, its factor and error, and words for messages."""

    option: str
    what: str
    nearest: str
    conversion: wp.Conversion
    detail: str


def port(network: Network, population: Population, receptor: Receptor, native: Native) -> tuple[Receptor, list[Ported]]:
    """Receptor of a kind the chip has, and the steps that lead there; none if it has the kind itself."""
    steps: list[Ported] = []
    if receptor.kind in native.receptors:
        return receptor, steps
    carriers = {kind.split("_")[0] for kind in native.receptors}
    # the shape first, so that the other carrier starts from an exponential
    if not (receptor.kind.split("_")[0] not in carriers and _with_carrier(receptor.kind, carriers) in native.receptors):
        receptor, step = _reshape(population, receptor, native)
        steps += [step] if step else []
    if receptor.kind not in native.receptors:
        receptor, step = _recarry(network, population, receptor, native)
        steps.append(step)
    return receptor, steps


def _with_carrier(kind: str, carriers: set[str]) -> str:
    return f"{sorted(carriers)[0]}_{kind.split('_', 1)[1]}"


def _reshape(population: Population, receptor: Receptor, native: Native) -> tuple[Receptor, Ported | None]:
    carrier, shape = receptor.kind.split("_")
    if shape == "exp":
        return receptor, None
    name = f"{carrier}_exp"
    if shape == "delta":
        tau: Values = native.shortest_tau_ms
        conversion = wp.step_to_exponential(population, native.shortest_tau_ms)
        detail = f"Time constant {native.shortest_tau_ms:g} ms; error is by how much the peak of the potential is too small."
        step = Ported("delta", "synapses that step the potential", "Use exponential synapses.", conversion, detail)
    else:
        tau, conversion = _exponential(population, receptor)
        words = "alpha-shaped" if shape == "alpha" else "two-exponential"
        detail = "Error is that of the peak of the postsynaptic potential."
        step = Ported("alpha", f"{words} synapses", "Use exponential synapses.", conversion, detail)
    kept = {key: value for key, value in receptor.parameters.items() if key == "e_rev"}
    return replace(receptor, kind=name, parameters={**kept, "tau_syn": tau}), step


def _exponential(population: Population, receptor: Receptor) -> tuple[Values, wp.Conversion]:
    tau_m = parameter(population, "tau_m")
    if receptor.kind.endswith("alpha"):
        return wp.alpha_to_exponential(receptor_parameter(population, receptor, "tau_syn"), tau_m)
    rise, decay = (receptor_parameter(population, receptor, name) for name in ("tau_rise", "tau_decay"))
    return wp.beta_to_exponential(rise, decay, tau_m)


def _recarry(network: Network, population: Population, receptor: Receptor, native: Native) -> tuple[Receptor, Ported]:
    kept = {name: value for name, value in receptor.parameters.items() if name != "e_rev"}
    carrier, shape = receptor.kind.split("_")
    mean = float(np.mean(wp.mean_potential(population)))
    point = f"Working point {mean:.4g} mV, {wp.how_found(population)}; error is that of the synaptic current from v_rest to v_thresh"
    if carrier == "cond":
        e_rev = receptor_parameter(population, receptor, "e_rev")
        conversion = wp.to_current(population, e_rev)
        signed = conversion._replace(factor=receptor.sign * conversion.factor)
        new = replace(receptor, kind=f"curr_{shape}", parameters=kept, sign=1)
        return new, Ported("conductance", "conductance-based synapses", "Use a current-based cell type (IF_curr_exp).", signed, point + ".")
    distance = native.reversal_mv[1 if _inhibitory(network, population, receptor) else 0]
    e_rev = wp.mean_potential(population) + distance
    conversion = wp.to_conductance(population, e_rev)
    signed = conversion._replace(factor=cast(Values, receptor.sign * conversion.factor))
    new = replace(receptor, kind=f"cond_{shape}", parameters={**kept, "e_rev": e_rev}, sign=1)
    detail = f"{point}. Reversal potential {float(np.mean(e_rev)):.4g} mV."
    return new, Ported("current", "current-based synapses", "Use a conductance-based cell type (IF_cond_exp).", signed, detail)


def _inhibitory(network: Network, population: Population, receptor: Receptor) -> bool:
    """True if the synapses on a current receptor act negatively, by their weights or else by its name."""
    for projection in network.projections:
        if projection.receptor == receptor.name and any(p == population.id for p, _ in projection.post.parts):
            known = statistics(synaptic_column(projection, "weight"))
            if known is not None and known.mean != 0:
                return receptor.sign * known.mean < 0
    return receptor.name.lower().startswith("inh")
