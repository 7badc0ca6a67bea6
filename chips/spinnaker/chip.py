"""SpiNNaker behind the chip interface."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from neurosim.chips.cache import Remembered
from neurosim.chips.chip import Chip, CoreTable, Int32, Limit, Placed, Translation
from neurosim.chips.native import Native
from neurosim.chips.operations import WordBits
from neurosim.chips.parameters import Parameters
from neurosim.chips.realise import Measured, Words, realise, weight_unit
from neurosim.chips.spinnaker.machine import LINKS, Machine
from neurosim.chips.spinnaker.sheet import SpinnakerSheet
from neurosim.chips.spinnaker.weights import RingBufferFormat, format_of, shifts, step_of
from neurosim.chips.synapses import TOLERANCE_MS, limit_delays, refuse_delay
from neurosim.chips.translate import OPTIONS, translate
from neurosim.chips.uncertain import uncertain
from neurosim.chips.usage import incoming, longest_row
from neurosim.chips.values import statistics, synaptic_column
from neurosim.errors import UnsupportedError
from neurosim.losses import Loss
from neurosim.network import Network, Population, Projection

if TYPE_CHECKING:
    import networkx as nx

_SOURCES = frozenset({"poisson_source", "array_source"})
_RECEPTORS = frozenset({"curr_exp", "curr_alpha", "curr_delta", "cond_exp"})
_OPTIONS = ("adex", "cells", "alpha", "sources", "stdp", "short_term_plasticity", "stochastic_synapses", "delay")


class SpinnakerChip(Chip):
    """SpiNNaker machine of 48-chip boards with the sPyNNaker tool chain's rules."""

    name = "spinnaker"
    map_shape = "hexagon"
    map_group = "board"
    mixes_populations = False
    places_sources = True
    delivery = "multicast"
    router_steps = LINKS
    keys_per_neuron = 16  # the lower four bits tell the time step of sending: ``colour_bits`` of the datasheet
    approximations: ClassVar[Mapping[str, str]] = {name: OPTIONS[name] for name in _OPTIONS}
    sheet: SpinnakerSheet

    @cached_property
    def machine(self) -> Machine:
        """Boards, chips and links."""
        return Machine(self.sheet, self.n_boards)

    @cached_property
    def _remembered(self) -> Remembered[dict[int, dict[str, int]]]:
        return Remembered()

    def cores(self) -> CoreTable:
        """Application cores, chip by chip in x-major order."""
        return self.machine.cores

    def topology(self) -> nx.Graph:
        """Chips and their six links."""
        return self.machine.graph

    def hops(self, chip_a: Int32, chip_b: Int32) -> Int32:
        """Links on a shortest path in the hexagonal mesh."""
        return self.machine.hops(chip_a, chip_b)

    def limits(self) -> tuple[Limit, ...]:
        """Neurons or sources of a core, the shared memory and the routing table of a chip."""
        core, memory, entries = self.sheet.core, self.sheet.memory, self.sheet.board.router_entries
        free = memory.usable.value - memory.system.value - memory.gatherer.value
        return (
            Limit("neurons", "core", core.neurons.value, "neurons", core.neurons.source),
            Limit("Poisson sources", "core", core.poisson_sources.value, "sources", core.poisson_sources.source),
            Limit("array sources", "core", core.array_sources.value, "sources", core.array_sources.source),
            Limit("SDRAM", "chip", free, "B", memory.usable.source),
            Limit("routing entries", "router", entries.value, "entries", entries.source),
        )

    def slice_usage(self, network: Network, population: int, n_neurons: int) -> dict[str, int]:
        """Neurons or sources, and bytes of shared memory."""
        group = network.populations[population]
        poisson = group.model == "poisson_source"
        array = group.is_source and not poisson
        return {
            "neurons": 0 if group.is_source else n_neurons,
            "Poisson sources": n_neurons if poisson else 0,
            "array sources": n_neurons if array else 0,
            "SDRAM": self._memory(network, group, n_neurons),
        }

    def _memory(self, network: Network, group: Population, n_neurons: int) -> int:
        memory = self.sheet.memory
        if group.spike_times is not None:
            stored = sum(len(times) for times in group.spike_times) / max(group.size, 1)
            return math.ceil(n_neurons * stored * memory.spike_time.value)
        matrices = sum(self._matrix(network, projection, n_neurons) for projection, _ in incoming(network, group.id))
        return n_neurons * memory.neuron.value + matrices

    def _matrix(self, network: Network, projection: Projection, n_neurons: int) -> int:
        """Rows of one length for all sources of a projection."""
        memory, row = self.sheet.memory, longest_row(network, projection, n_neurons)
        plastic = projection.synapse.model == "stdp"
        synapse = memory.plastic_synapse.value if plastic else memory.static_synapse.value
        header = memory.row_header.value + (memory.plastic_history.value if plastic else 0)
        return projection.pre.size * (header + row * synapse) + memory.table_entry.value if row else 0

    def delay_slots(self, population: Population) -> int:
        """Delay steps that the ring buffer of a population's cores holds without extension."""
        core = self.sheet.core
        neurons = _bits(min(population.size, core.neurons.value))
        return 2 ** (core.ring_buffer_bits.value - neurons - _bits(len(population.receptors)))

    def longest_delay_ms(self, network: Network, projection: Projection) -> float:
        """Longest delay of a projection, with delay extension."""
        targets = [network.populations[p] for p, indices in projection.post.parts if len(indices)]
        slots = min((self.delay_slots(population) for population in targets), default=1)
        return slots * (1 + self.sheet.core.delay_stages.value) * network.dt

    def translate(self, network: Network, approximate: frozenset[str]) -> Translation:
        """Network with the tool chain's models and parameters in s16.15."""
        native = Native(
            models=frozenset({"lif", "izhikevich"}),
            receptors=_RECEPTORS,
            sources=_SOURCES,
            dependences=frozenset({"additive", "multiplicative"}),
            full_dendritic_delay=True,
            injection=True,
            shortest_tau_ms=self.sheet.shortest_tau.value,
        )
        draft = translate(self, network, approximate, native)
        limit_delays(draft, self.longest_delay_ms)
        for population in draft.network.populations:
            self._check_receptors(population)
        changed = [self._fixed_point(population, draft.network.dt) for population in draft.network.populations]
        changes = [loss for item in changed for loss in item.losses]
        losses = [*draft.losses, *self._uncounted(draft.network), *changes, *uncertain(self.sheet, _doubtful(draft.network))]
        return Translation(replace(draft.network, populations=tuple(item.result() for item in changed)), tuple(losses))

    def _uncounted(self, network: Network) -> list[Loss]:
        """Cores that the tool chain would add and that placement does not."""
        steps = self.sheet.core.split_below.value
        split = [p for p in network.projections if p.post.size and network.dt < steps]
        extended = [p for p in network.projections if self._needs_extension(network, p)]
        reasons = (
            (split, "synapse cores", f"Below {steps:g} ms a step the tool chain gives synapses cores of their own; they are not counted."),
            (extended, "delay cores", "Longer delays than the ring buffer holds take cores for delay extension; they are not counted."),
        )
        where, n = f"Chip '{self.name}'", len(network.projections)
        return [Loss("ignored", where, what, len(found), n, detail=detail) for found, what, detail in reasons if found]

    def _needs_extension(self, network: Network, projection: Projection) -> bool:
        known = statistics(synaptic_column(projection, "delay"))
        native = self.longest_delay_ms(network, projection) / (1 + self.sheet.core.delay_stages.value)
        return known is not None and known.high > native + TOLERANCE_MS

    def _check_receptors(self, population: Population) -> None:
        where, kinds = f"Population '{population.label}'", {receptor.kind for receptor in population.receptors}
        if len(kinds) > 1:
            nearest = "Use receptors of one kind in a population."
            raise self.refuse(f"neurons with receptors of several kinds ({', '.join(sorted(kinds))})", where, option=None, nearest=nearest)
        most = self.sheet.core.synapse_types.value
        if len(population.receptors) > most:
            text = f"{self.title} has at most {most} synapse types per population."
            raise UnsupportedError(text, where=where, used=len(population.receptors), limit=most, remedy="Use fewer receptors.")

    def _fixed_point(self, population: Population, dt_ms: float) -> Parameters:
        """Parameters in s16.15; refractory times in whole steps."""
        parameters = Parameters.of(population)
        if population.is_source:
            return parameters
        unit = 2.0**-self.sheet.arithmetic.fraction_bits.value
        top = 2.0**self.sheet.arithmetic.integer_bits.value - unit
        if "tau_refrac" in parameters.values:
            detail = "The refractory time is a whole number of steps, rounded up."
            parameters.change("tau_refrac", lambda t: np.ceil(t / dt_ms - 1e-9) * dt_ms, "rounded", detail)
        for key in parameters.values:
            parameters.clip(key, -top, top, "Range of s16.15")
            if key != "tau_refrac":
                parameters.change(key, lambda x: _at_least(np.rint(x / unit) * unit, x, unit), "rounded", "Parameters are held in s16.15.")
        return parameters

    def shifts(self, network: Network) -> dict[int, dict[str, int]]:
        """Ring-buffer shift of each receptor of each population of neurons."""
        return self._remembered.get(
            network, lambda: {p.id: shifts(network, p, self.sheet.weights) for p in network.populations if not p.is_source}
        )

    def word_bits(self) -> WordBits:
        """Weights have 16 bits, states are s16.15 numbers."""
        numbers = self.sheet.arithmetic
        return WordBits(weight=self.sheet.weights.bits.value, state=1 + numbers.integer_bits.value + numbers.fraction_bits.value)

    def realise(self, network: Network, mapping: Placed) -> Translation:
        """Network with 16-bit weights and delays on the grid; placement changes neither."""
        found = self.shifts(network)

        def make(projection: Projection) -> tuple[RingBufferFormat, Words]:
            form = format_of(network, projection, self.sheet.weights, found, self.longest_delay_ms(network, projection))
            return form, self._words(network, projection, found)

        def check(projection: Projection, measured: Measured) -> None:
            limit = self.longest_delay_ms(network, projection)
            if measured.longest_ms > limit + network.dt / 2 + TOLERANCE_MS:
                refuse_delay(self, projection, measured.longest_ms, limit)

        realised, losses = realise(network, make, check)
        return Translation(realised, tuple(losses))

    def _words(self, network: Network, projection: Projection, found: dict[int, dict[str, int]]) -> Words:
        group = network.populations[projection.post.parts[0][0]]
        shift = found[group.id][projection.receptor]
        conductance = group.receptors[group.receptor_index(projection.receptor)].kind.startswith("cond")
        bits, step = self.sheet.weights.bits.value, step_of(shift, self.sheet.weights, conductance=conductance)
        unit = weight_unit(network, projection)
        return Words(
            rounded=f"{bits}-bit weights, ring-buffer shift {shift}: grid of {step:.3g} {unit}.",
            clipped=f"The largest weight at shift {shift} is {step * (2**bits - 1):.4g} {unit}.",
            zeroed=f"Below half the grid of {step:.3g} {unit} (ring-buffer shift {shift}); fewer inputs or larger weights avoid it.",
            delay="Delays are whole time steps.",
        )


def _doubtful(network: Network) -> list[str]:
    """Constants that are not certain and that this network depends on."""
    stored = any(population.is_source and population.model != "poisson_source" for population in network.populations)
    names = ["memory.neuron"] if any(population.spike_times is None for population in network.populations) else []
    return names + (["memory.spike_time", "core.array_sources"] if stored else [])


def _bits(n: int) -> int:
    """Bits of an index below n, at least 1."""
    return max(1, math.ceil(math.log2(max(n, 1))))


def _at_least(rounded: np.ndarray, asked: np.ndarray, unit: float) -> np.ndarray:
    """Rounded values, but never 0 where a positive value was asked for."""
    return cast(np.ndarray, np.where((asked > 0) & (rounded == 0), unit, rounded))
