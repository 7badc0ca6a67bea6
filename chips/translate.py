"""A network in the terms of a chip: cell types, receptors and synapse models it has.

:func:`translate` is what chips call. It refuses what the chip does not have, naming the option
that would accept it, and carries out the approximations that were opted in. Each approximation is
in the ledger with the error it makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from neurosim.chips import working_point as wp
from neurosim.chips.native import Native, Programs
from neurosim.chips.neurons import only_spikes_adapt, to_adaptive, to_lif
from neurosim.chips.receptors import Ported, port
from neurosim.chips.synapses import Convert, plasticity_error, release_error, static_synapse, usable_plasticity
from neurosim.chips.values import Values, on_post
from neurosim.losses import Loss
from neurosim.network import Network, Population, Projection

if TYPE_CHECKING:
    from neurosim.chips.chip import Chip

#: Every approximation of any chip, by name. A chip lists those it needs.
OPTIONS: dict[str, str] = {
    "conductance": "conductance synapses become currents at a working point: measured on the ideal reference, given, or midway.",
    "current": "current synapses become conductances at a working point: measured on the ideal reference, given, or midway.",
    "alpha": "alpha-shaped synapses become exponential ones of equal area and equal mean time.",
    "delta": "voltage steps become short exponential currents of equal charge.",
    "adex": "AdEx neurons become leaky integrate-and-fire neurons without adaptation.",
    "programs": "the neuron is an integer program of ours; the chip's microcode is not public.",
    "cells": "Izhikevich and Hodgkin-Huxley neurons become leaky integrate-and-fire neurons.",
    "sources": "spike trains of this source are drawn beforehand and stored as a spike array.",
    "stdp": "plasticity the chip has not becomes the nearest rule it has, or static synapses if it has none.",
    "short_term_plasticity": "short-term plastic synapses become static ones with their mean efficacy at 10 Hz.",
    "stochastic_synapses": "synapses that release at random become static ones with the mean weight.",
    "injection": "injected currents are applied in floating point, as from an ideal source.",
    "delay": "delays beyond the chip's longest are shortened to it.",
}

#: Rate at which short-term plastic synapses are replaced by static ones.
SHORT_TERM_RATE_HZ = 10.0

_MODEL_WORDS = {
    "lif": "leaky integrate-and-fire neurons",
    "adex": "adaptive exponential integrate-and-fire neurons (AdEx)",
    "izhikevich": "Izhikevich neurons",
    "hh": "Hodgkin-Huxley neurons",
}
_MODEL_OPTIONS = {"adex": "adex", "izhikevich": "cells", "hh": "cells"}


@dataclass(slots=True)
class Draft:
    """A translation under way."""

    chip: Chip
    network: Network
    native: Native
    approximate: frozenset[str]
    losses: list[Loss] = field(default_factory=list)
    factors: dict[tuple[int, str], Values] = field(default_factory=dict)

    def need(self, option: str, what: str, where: str, nearest: str) -> None:
        """Go on if an approximation was opted in, else refuse."""
        if option not in self.approximate:
            raise self.chip.refuse(what, where, option=option, nearest=nearest)

    def approximated(self, option: str, where: str, what: str, count: int, error: tuple[float, float], unit: str, detail: str = "") -> None:
        """Note an approximation in the ledger."""
        text = f"'{option}': {self.chip.approximations[option]} {detail}".strip()
        self.losses.append(Loss("approximation", where, what, count, count, error[0], error[1], unit, text))


#: Cell type of sources that are told to fire while the network runs.
LIVE = "SpikeInjector"


def translate(chip: Chip, network: Network, approximate: frozenset[str], native: Native) -> Draft:
    """Network with models, receptors and synapses that the chip has.

    Raises
    ------
    UnsupportedError
        For what the chip does not have and was not opted in.
    """
    draft = Draft(chip, network, native, approximate)
    _check_currents(draft)
    populations = tuple(_population(draft, population) for population in network.populations)
    middle = replace(network, populations=populations)
    projections = tuple(_projection(draft, middle, projection) for projection in network.projections)
    probes = tuple(probe for probe in network.probes if _measurable(draft, populations[probe.population], probe.variable))
    draft.network = replace(middle, projections=projections, probes=probes)
    return draft


def _population(draft: Draft, population: Population) -> Population:
    where = f"Population '{population.label}'"
    if population.is_source:
        _check_source(draft, population, where)
        return population
    programs = draft.native.programs
    if programs is not None and programs.runs(population.model):
        _program(draft, programs, population, where)
    elif population.model not in draft.native.models and not (draft.native.adaptation and only_spikes_adapt(population)):
        population = _simplify(draft, population, where)
    return _receptors(draft, population, where)


def _check_source(draft: Draft, population: Population, where: str) -> None:
    if population.cell_type == LIVE and draft.native.speedup != 1.0:
        detail = f"The chip runs {draft.native.speedup:,.0f} times faster than biology; live spikes come and go at biological pace."
        draft.losses.append(Loss("ignored", where, "speed of the chip", population.size, population.size, detail=detail))
    known = draft.native.sources
    if known is None or population.model in known:
        return
    what = f"spike source of the type {population.cell_type or population.model}"
    draft.need("sources", what, where, "Use SpikeSourcePoisson or SpikeSourceArray.")
    draft.approximated("sources", where, "spike times", population.size, (0.0, 0.0), "ms", "Exact, but the trains use memory like arrays.")


def _program(draft: Draft, programs: Programs, population: Population, where: str) -> None:
    """The model stays; the chip runs it as a program."""
    words = _words(population)
    draft.need("programs", f"{words} in hardware", where, f"The nearest it has is {_nearest_cell(draft.native, population)}.")
    detail = "Error is that of the firing rate at 1.25 to 2 times the threshold current."
    draft.approximated("programs", where, "cell type", population.size, programs.rate_error(population), "Hz", detail)


def _words(population: Population) -> str:
    name = f" ({population.cell_type})" if population.cell_type else ""
    return _MODEL_WORDS.get(population.model, population.model) + name


def _simplify(draft: Draft, population: Population, where: str) -> Population:
    words = _words(population)
    nearest = f"The nearest it has is {_nearest_cell(draft.native, population)}."
    if population.model not in _MODEL_OPTIONS:
        raise draft.chip.refuse(words, where, option=None, nearest=nearest)
    option = _MODEL_OPTIONS[population.model]
    draft.need(option, words, where, nearest + _elsewhere(draft, population))
    adapts = population.model == "adex" and draft.native.adaptation
    simple = to_adaptive(population) if adapts else to_lif(population)
    left_out = simple.left_out[0].upper() + simple.left_out[1:]
    detail = f"{left_out}; error is that of the firing rate at 1.25 to 2 times the threshold current."
    draft.approximated(option, where, "cell type", population.size, simple[1:3], "Hz", detail)
    initial = {name: value for name, value in population.initial.items() if name == "v" or (adapts and name == "w")}
    return replace(population, model="adex" if adapts else "lif", parameters=dict(simple.parameters), initial=initial)


def _elsewhere(draft: Draft, population: Population) -> str:
    """Another chip that runs the model as a program."""
    other = draft.native.runs_elsewhere.get(population.model)
    return f" Chip '{other}' runs it as a program in whole numbers." if other else ""


def _nearest_cell(native: Native, population: Population) -> str:
    """The chip's nearest neuron in words, with the names of its cell types."""
    carriers = [f"{kind}_exp" for kind in ("curr", "cond") if f"{kind}_exp" in native.receptors]
    if "adex" in native.models and population.model != "adex":
        return f"the AdEx neuron ({' or '.join(f'EIF_{kind}_isfa_ista' for kind in carriers)})"
    return f"the leaky integrate-and-fire neuron ({' or '.join(f'IF_{kind}' for kind in carriers)})"


def _receptors(draft: Draft, population: Population, where: str) -> Population:
    ported = []
    for receptor in population.receptors:
        new, steps = port(draft.network, population, receptor, draft.native)
        for step in steps:
            draft.need(step.option, step.what, where, step.nearest)
            error = (step.conversion.error_mean, step.conversion.error_max)
            draft.approximated(step.option, where, f"receptor '{receptor.name}'", population.size, error, "1", step.detail)
        if steps:
            draft.factors[population.id, receptor.name] = _product(steps)
        ported.append(new)
    changed = any(a is not b for a, b in zip(ported, population.receptors, strict=True))
    return replace(population, receptors=tuple(ported)) if changed else population


def _product(steps: list[Ported]) -> Values:
    factor: Values = 1.0
    for step in steps:
        factor = factor * step.conversion.factor
    return factor


def _projection(draft: Draft, network: Network, projection: Projection) -> Projection:
    where = f"Projection '{projection.label}'"
    if projection.synapse.model == "stdp":
        asked = projection.synapse.plasticity
        plasticity, detail = usable_plasticity(asked, draft.native)
        if asked is not None and detail is not None:
            nearest = "Use static synapses or the pair rule with a weight dependence it has."
            draft.need("stdp", f"plasticity like this: {detail}", where, nearest)
            words = f"{detail[0].upper()}{detail[1:]}. Error is that of the size of a weight change, from w_min to w_max."
            draft.approximated("stdp", where, "plasticity", 1, plasticity_error(asked, plasticity), "1", words)
            model = "static" if plasticity is None else "stdp"
            projection = replace(projection, synapse=replace(projection.synapse, model=model, plasticity=plasticity))
    if projection.synapse.model == "sum_of_products" and not draft.native.products:
        nearest = "Use STDPMechanism, or chip='loihi'."
        raise draft.chip.refuse("synapses that learn by sums of products", where, option=None, nearest=nearest)
    factor = on_post(network, projection, lambda population: draft.factors.get((population.id, projection.receptor), 1.0))
    if projection.synapse.model in ("tsodyks_markram", "stochastic"):
        return _averaged(draft, projection, factor, where)
    if isinstance(factor, float) and factor == 1.0:
        return projection
    return replace(_rescaled(projection, factor), realisation=Convert(factor))


def _rescaled(projection: Projection, factor: Values) -> Projection:
    """Weight bounds of plasticity in the new unit; one factor for the whole projection."""
    rule, products, scale = projection.synapse.plasticity, projection.synapse.products, float(np.mean(factor))
    if products is not None:
        products = replace(products, w_max=products.w_max * scale)
        return replace(projection, synapse=replace(projection.synapse, products=products))
    if rule is None:
        return projection
    bounds = replace(rule, w_min=rule.w_min * scale, w_max=rule.w_max * scale, w_0=rule.w_0 * scale)
    return replace(projection, synapse=replace(projection.synapse, plasticity=bounds))


def _averaged(draft: Draft, projection: Projection, factor: Values, where: str) -> Projection:
    if projection.synapse.model == "stochastic":
        draft.need("stochastic_synapses", "synapses that release at random", where, "Use static synapses.")
        error = release_error(projection.synapse.columns["p"])
        detail = "Error is that of a single spike." if error else "Error not measured: the probabilities differ by synapse."
        draft.approximated("stochastic_synapses", where, "synapse model", 1, error or (0.0, 0.0), "1", detail)
        return static_synapse(projection, Convert(factor, column="p"))
    draft.need("short_term_plasticity", "short-term plasticity", where, "Use static synapses.")
    columns = cast(Mapping[str, float], projection.synapse.columns)
    names = ("U", "tau_rec", "tau_facil")
    known = all(isinstance(columns[name], int | float) for name in names)
    error = wp.efficacy_error(columns["U"], columns["tau_rec"], columns["tau_facil"], SHORT_TERM_RATE_HZ) if known else (0.0, 0.0)
    detail = "Error is that of the efficacy from 1 to 50 Hz." if known else "Error not measured: the parameters differ by synapse."
    draft.approximated("short_term_plasticity", where, "synapse model", 1, error, "1", detail)
    return static_synapse(projection, Convert(factor, rate_hz=SHORT_TERM_RATE_HZ))


def _check_currents(draft: Draft) -> None:
    if draft.native.injection or not draft.network.currents:
        return
    for current in draft.network.currents:
        labels = ", ".join(draft.network.populations[p].label for p, _ in current.targets.parts)
        where = f"Current source ({current.kind}) into '{labels}'"
        draft.need("injection", "arbitrary injected currents", where, "Use i_offset for a constant current.")
        draft.approximated("injection", where, "current", current.targets.size, (0.0, 0.0), "nA")


def _measurable(draft: Draft, population: Population, variable: str) -> bool:
    gone = {"w": {"adex", "izhikevich"}, "u": {"izhikevich"}}.get(variable)
    if gone is None or population.model in gone:
        return True
    where = f"Population '{population.label}'"
    draft.losses.append(Loss("ignored", where, f"record {variable}", 1, detail=f"The model on the chip has no variable '{variable}'."))
    return False
