"""Settings that neurons on a core share: profiles, formats of synapses, and what the whole core has once.

A core has a few of each; neurons with equal settings share one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.loihi.lists import Lists
from neurosim.chips.loihi.load import compartment_receptors, delay_bits
from neurosim.chips.loihi.sheet import LoihiSheet
from neurosim.chips.usage import expected, incoming
from neurosim.chips.values import Values, parameter, receptor_parameter, statistics, synaptic_column
from neurosim.network import Network, Population, Projection

Int32 = NDArray[np.int32]

COMPARTMENTS, THRESHOLDS, FORMATS = "compartment profiles", "threshold profiles", "synapse formats"
TRACES, CORE_WIDE, NOISE = "pre-trace configurations", "core-wide settings", "noise settings"


def settings_of(network: Network, sheet: LoihiSheet, noise: Mapping[str, Hashable]) -> dict[str, tuple[Int32, ...]]:
    """Per kind of setting and population the numbers of the settings that each neuron needs.

    int32 (size, m), or (1, m) where all neurons need the same; equal numbers are equal settings. Sources
    of spikes need none. ``noise`` has that of some populations, by label; the others need none.
    """
    kinds: dict[str, Callable[[Population], list[Sequence[Hashable]]]] = {
        COMPARTMENTS: lambda group: _profiles(group, noisy=group.label in noise),
        THRESHOLDS: lambda group: [_thresholds(network, group, sheet)],
        FORMATS: lambda group: [[key] for key in _formats(network, group, sheet)],
        TRACES: lambda group: [[key] for key in _traces(network, group)],
        CORE_WIDE: lambda group: [[_delay_bits(network, group, sheet)]],
        NOISE: lambda group: [[noise[group.label]]] if group.label in noise else [],
    }
    return {name: _numbered([[] if group.is_source else of(group) for group in network.populations]) for name, of in kinds.items()}


def _numbered(columns: Sequence[list[Sequence[Hashable]]]) -> tuple[Int32, ...]:
    """Numbers for equal settings, counted through all populations."""
    known: dict[Hashable, int] = {}
    found = []
    for group in columns:
        numbers = [[known.setdefault(key, len(known)) for key in column] for column in group]
        size = max((len(column) for column in numbers), default=1)
        table = np.full((size, len(numbers)), -1, np.int32)
        for k, column in enumerate(numbers):
            table[:, k] = column
        found.append(table)
    return tuple(found)


def _rows(*values: Values) -> list[tuple[float, ...]]:
    """Tuples of values per cell; one if no value differs between cells."""
    return list(zip(*(np.atleast_1d(column).tolist() for column in np.broadcast_arrays(*values)), strict=True))


def _profiles(group: Population, *, noisy: bool) -> list[Sequence[Hashable]]:
    """One for each compartment of a neuron: decays of current and voltage, refractory time, noise, place in the chain."""
    taus: list[Values] = [receptor_parameter(group, r, "tau_syn") if r.kind != "curr_delta" else 0.0 for r in compartment_receptors(group)]
    own = [parameter(group, name) if name in group.parameters else 0.0 for name in ("tau_m", "tau_refrac")]
    return [_rows(float(k), float(noisy), tau, *own) for k, tau in enumerate(taus or [0.0])]


def _thresholds(network: Network, group: Population, sheet: LoihiSheet) -> Sequence[Hashable]:
    """Threshold above the reset potential in units of the weights, which differ between populations."""
    names = ("v_thresh", "v_reset", "cm")
    if any(name not in group.parameters for name in names):
        return ["none"]
    v_thresh, v_reset, cm = (parameter(group, name) for name in names)
    return [("threshold", *row) for row in _rows(v_thresh, v_reset, cm, _top(network, group))]


def _top(network: Network, group: Population) -> float:
    """Largest weight onto a population as its rules tell it; minus its id where they do not."""
    found = [statistics(synaptic_column(p, "weight"), expected(network, p)) for p, _ in incoming(network, group.id)]
    known = [max(abs(item.low), abs(item.high)) for item in found if item is not None]
    return max(known, default=0.0) if len(known) == len(found) else -1.0 - group.id


def projected(network: Network) -> list[tuple[int, int]]:
    """Position of every projection with each of the populations (id) that it leads to."""
    return [(k, population) for k, p in enumerate(network.projections) for population in dict.fromkeys(q for q, _ in p.post.parts)]


def format_groups(network: Network, sheet: LoihiSheet) -> dict[tuple[int, int], int]:
    """Number of the synapse format of every projection (its position) onto each of its populations (id)."""
    known: dict[Hashable, int] = {}
    keys = {(k, q): _format(network, network.projections[k], network.populations[q], sheet) for k, q in projected(network)}
    return {pair: known.setdefault(key, len(known)) for pair, key in keys.items()}


def _formats(network: Network, group: Population, sheet: LoihiSheet) -> list[Hashable]:
    return list(dict.fromkeys(_format(network, projection, group, sheet) for projection, _ in incoming(network, group.id)))


def _format(network: Network, projection: Projection, group: Population, sheet: LoihiSheet) -> Hashable:
    """What tells formats apart: how lists are written, bits, signs, exponent, and whether weights are learned."""
    bits = delay_bits(network, projection, sheet)
    known = statistics(synaptic_column(projection, "weight"), expected(network, projection))
    scale: Hashable = ("unknown", projection.id)
    if known is not None:
        largest = max(abs(known.low), abs(known.high))
        top = _top(network, group)
        exponent = int(np.floor(np.log2(top / largest) + 1e-12)) if largest > 0 and top > 0 else 0
        scale = (known.low < 0, known.high > 0, exponent)
    return Lists(network, projection, sheet, bits).compression, bits, scale, projection.synapse.model


def _traces(network: Network, group: Population) -> list[Hashable]:
    """Settings of the presynaptic traces of learning synapses."""
    found: list[Hashable] = []
    for projection, _ in incoming(network, group.id):
        rule, products = projection.synapse.plasticity, projection.synapse.products
        if projection.synapse.model == "stdp" and rule is not None:
            found.append((rule.tau_plus, rule.A_plus))
        elif products is not None:
            found.append(tuple(sorted((name, *values) for name, values in products.traces.items() if name in ("x1", "x2"))))
    return list(dict.fromkeys(found))


def _delay_bits(network: Network, group: Population, sheet: LoihiSheet) -> int:
    bits = [delay_bits(network, projection, sheet) for projection, _ in incoming(network, group.id)]
    return max([sheet.synapses.delay_bits.value[0], *bits])
