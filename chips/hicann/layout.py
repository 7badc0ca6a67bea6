"""Which denmems the neurons of a placed network use, and what they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from neurosim.chips.chip import Placed
from neurosim.chips.hicann.sheet import Hicann
from neurosim.chips.hicann.wafer import pack
from neurosim.chips.values import compact, parameter
from neurosim.columns import Floats, Integers
from neurosim.losses import Loss
from neurosim.network import Network


def denmems_on(mapping: Placed, core: int, sizes: Mapping[int, int], hicann: Hicann) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Denmems ``(row, column)`` of every neuron on a HICANN, by (population, neuron); the first one fires."""
    groups: list[tuple[int, Integers]] = []
    for population, cores in enumerate(mapping.core_of):
        here = np.flatnonzero(np.asarray(cores) == core)
        if len(here):
            groups.append((population, here[np.argsort(np.asarray(mapping.local_of[population])[here], kind="stable")]))
    slices = [(len(neurons), sizes[population]) for population, neurons in groups]
    columns = hicann.block_columns.value
    places = pack(slices, columns * hicann.neuron_rows.value, columns)
    return {(p, int(n)): place for (p, neurons), row in zip(groups, places, strict=True) for n, place in zip(neurons, row, strict=True)}


def share_reset(network: Network, mapping: Placed, sizes: Mapping[int, int], hicann: Hicann) -> tuple[Network, list[Loss]]:
    """Network in which neurons that share a reset potential have its mean.

    On a HICANN the reset potential is one for all neurons whose firing denmem has the same row and
    the same parity of its column.
    """
    wanted = {p.id: np.broadcast_to(parameter(p, "v_reset"), (p.size,)) for p in network.populations if not p.is_source and p.size}
    if len({float(v) for values in wanted.values() for v in np.unique(values)}) <= 1:
        return network, []
    held = {p: values.astype(np.float64) for p, values in wanted.items()}
    for core in sorted({int(c) for p in wanted for c in np.unique(mapping.core_of[p]) if c >= 0}):
        _share_on(denmems_on(mapping, core, sizes, hicann), wanted, held)
    populations, losses = list(network.populations), []
    for p, values in held.items():
        group = network.populations[p]
        error = np.abs(values - wanted[p])
        count = int(np.count_nonzero(error > 1e-9))
        if count:
            losses.append(_loss(group.label, count, group.size, error[error > 1e-9]))
            populations[p] = replace(group, parameters={**group.parameters, "v_reset": compact(values)})
    return replace(network, populations=tuple(populations)), losses


def _share_on(places: Mapping[tuple[int, int], list[tuple[int, int]]], wanted: Mapping[int, Floats], held: Mapping[int, Floats]) -> None:
    groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for neuron, ((row, column), *_) in places.items():
        groups.setdefault((row, column % 2), []).append(neuron)
    for neurons in groups.values():
        mean = float(np.mean([wanted[p][n] for p, n in neurons]))
        for p, n in neurons:
            held[p][n] = mean


def _loss(label: str, count: int, size: int, error: Floats) -> Loss:
    detail = "Neurons of one HICANN share the reset potential by row and parity of their column; it is set to their mean."
    return Loss("shared", f"Population '{label}'", "v_reset", count, size, float(error.mean()), float(error.max()), "mV", detail)
