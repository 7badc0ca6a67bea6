"""Limits of a Loihi core, as the mapper takes them."""

from __future__ import annotations

from neurosim.chips.chip import Limit
from neurosim.chips.datasheet import Constant
from neurosim.chips.loihi.settings import COMPARTMENTS, CORE_WIDE, FORMATS, NOISE, THRESHOLDS, TRACES
from neurosim.chips.loihi.sheet import FamilySheet, LoihiSheet

MEMORY, LONGEST = "synaptic memory", "longest axon list"
#: Settings that a core has once.
_ONCE = ((CORE_WIDE, "delay bits are one register"), (NOISE, "exponent, offset and target of the noise are one setting"))


def limits_of(sheet: LoihiSheet) -> tuple[Limit, ...]:
    """All limits of a core of the first generation."""
    core = sheet.core
    summed = (
        ("compartments", core.compartments, "compartments"),
        ("dendritic accumulators", core.accumulators, "accumulators"),
        (MEMORY, core.synapse_memory, "words"),
        (LONGEST, core.words_per_axon, "words"),
    )
    named = tuple(_limit(name, constant, unit) for name, constant, unit in summed)
    shared = (
        (COMPARTMENTS, core.compartment_profiles, "profiles"),
        (THRESHOLDS, core.threshold_profiles, "profiles"),
        (FORMATS, core.synapse_formats, "formats"),
        (TRACES, core.pre_traces, "configurations"),
    )
    settings = tuple(Limit(name, "core", constant.value, unit, constant.source, counts="settings") for name, constant, unit in shared)
    once = tuple(Limit(name, "core", 1, "settings", f"NxTF, nengo-loihi: {what} of a core", counts="settings") for name, what in _ONCE)
    return (*named, *axon_limits(sheet), *settings, *once)


def axon_limits(sheet: FamilySheet) -> tuple[Limit, Limit]:
    """Axons of a core, into it and out of it; of both generations."""
    into, out, abroad = sheet.core.input_axons, sheet.core.output_axons, sheet.synapses.axon_other_chip.value
    return (
        Limit("input axons", "core", into.value, "axons", into.source, counts="sources"),
        Limit("output axons", "core", out.value, "axons", out.source, counts="targets", abroad=abroad),
    )


def _limit(name: str, constant: Constant[int], unit: str) -> Limit:
    """What slices take of it adds, or synapses are counted."""
    return Limit(name, "core", constant.value, unit, constant.source, counts="synapses" if name in (MEMORY, LONGEST) else "neurons")
