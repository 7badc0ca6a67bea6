"""What a slice of a population takes of a Loihi core."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.chips.loihi.sheet import FamilySheet, LoihiSheet
from neurosim.chips.usage import MARGIN, expected, incoming, outgoing, reaching_sources, slice_synapses
from neurosim.chips.values import parameter, receptor_parameter, statistics, synaptic_column
from neurosim.network import Network, Population, Projection

#: Bits of a target's index when a list of synapses is sparse.
INDEX_BITS = 10


def compartments_per_neuron(population: Population) -> int:
    """One compartment for each synaptic time constant, since a compartment has one current, and one for adaptation."""
    held = sum(r.kind == "fixed" for r in population.receptors)
    if held:  # in registers already
        return held + bool(np.any(parameter(population, "decay_a")) if "decay_a" in population.parameters else 0)
    decaying = [r for r in population.receptors if r.kind != "curr_delta"]
    found = {np.asarray(receptor_parameter(population, r, "tau_syn")).tobytes() for r in decaying}
    return max(1, len(found) + (len(decaying) < len(population.receptors) and bool(found))) + (population.model == "adex")


def delay_bits(network: Network, projection: Projection, sheet: FamilySheet) -> int:
    """Delay bits that the synapses of a projection need; 0 if all take one step, which is no delay on the chip."""
    known = statistics(synaptic_column(projection, "delay"), expected(network, projection))
    longest = sheet.synapses.longest_delay.value
    steps = longest if known is None else min(longest, round(known.high / network.dt) - 1)
    low, high = sheet.synapses.delay_bits.value
    return 0 if steps <= 0 else min(high, max(low, math.ceil(math.log2(steps + 2))))


@dataclass(frozen=True)
class SharedLoad(ABC):
    """Use of a core's resources by slices of the populations of one network, in what both generations share."""

    network: Network
    sheet: FamilySheet

    @abstractmethod
    def inner_use(self, population: Population, n_neurons: int) -> dict[str, int]:
        """Use of every resource but output axons, by its name in the limits."""

    @abstractmethod
    def inner_limits(self) -> dict[str, int]:
        """Limits of the same."""

    def delay_slots(self, population: Population) -> int:
        """Steps that inputs of a neuron can wait for: 2^(delay bits)."""
        low = self.sheet.synapses.delay_bits.value[0]
        bits = [delay_bits(self.network, projection, self.sheet) for projection, _ in incoming(self.network, population.id)]
        return 2 ** max([low, *bits])

    def input_axons(self, population: Population, n_neurons: int) -> int:
        """Sources that reach the slice; learning ones count twice."""
        return sum(self._axons(projection, n_neurons) for projection, _ in incoming(self.network, population.id))

    def _axons(self, projection: Projection, n_neurons: int) -> int:
        cost = self.sheet.synapses.learning_axon.value if projection.synapse.model == "stdp" else 1
        return cost * reaching_sources(self.network, projection, n_neurons)

    def memory(self, population: Population, n_neurons: int) -> int:
        """Words of synaptic memory."""
        return sum(self._words(projection, n_neurons) for projection, _ in incoming(self.network, population.id))

    def _words(self, projection: Projection, n_neurons: int) -> int:
        rule = self.sheet.synapses
        synapses = slice_synapses(self.network, projection, n_neurons)
        lists = reaching_sources(self.network, projection, n_neurons)
        each = rule.weight_bits.value + delay_bits(self.network, projection, self.sheet)
        bits = min(synapses * (each + INDEX_BITS), max(lists * n_neurons, synapses) * each + lists * INDEX_BITS)
        headers = rule.header_bits.value * (lists + synapses // rule.per_entry.value)
        # a list starts at a word; half a word is lost on average
        return math.ceil((bits + headers) / self.sheet.core.word_bits.value + lists / 2)

    def output_axons(self, population: Population, n_neurons: int, per_core: dict[int, int]) -> int:
        """Entries for the cores that the slice sends to, if targets are cut into slices of ``per_core``."""
        total = 0.0
        for projection, _ in outgoing(self.network, population.id):
            chance = expected(self.network, projection) / max(projection.pre.size * projection.post.size, 1)
            for target, indices in projection.post.parts:
                total += _reached(n_neurons, len(indices), per_core[target], min(chance, 1.0))
        return math.ceil(total)

    def neurons_per_core(self) -> dict[int, int]:
        """Neurons of each population that fit on a core by all limits, estimated together."""
        groups = [population for population in self.network.populations if not population.is_source]
        found = {population.id: self._fit(population) for population in groups}
        for _ in range(8):
            before, found = found, {population.id: self._fit_axons(population, found) for population in groups}
            if found == before:
                break
        return found

    def _fit_axons(self, population: Population, per_core: dict[int, int]) -> int:
        limit = self.sheet.core.output_axons.value
        return _largest(lambda n: self.output_axons(population, n, per_core) <= limit, per_core[population.id])

    def _fit(self, population: Population) -> int:
        limits = self.inner_limits()

        def fits(n: int) -> bool:
            return all(used <= limits[name] for name, used in self.inner_use(population, n).items())

        return _largest(fits, min(population.size, max(limits.values())))


class Load(SharedLoad):
    """Use of a core of Loihi 1."""

    sheet: LoihiSheet  # pyright: ignore[reportIncompatibleVariableOverride]

    def compartments(self, population: Population, n_neurons: int) -> int:
        """Compartments of a slice."""
        return n_neurons * compartments_per_neuron(population)

    def accumulators(self, population: Population, n_neurons: int) -> int:
        """Places for inputs that wait for their delay: compartments times 2^(delay bits)."""
        return self.compartments(population, n_neurons) * self.delay_slots(population)

    def inner_use(self, population: Population, n_neurons: int) -> dict[str, int]:
        """Use of every resource but output axons."""
        return {
            "compartments": self.compartments(population, n_neurons),
            "dendritic accumulators": self.accumulators(population, n_neurons),
            "synaptic memory": self.memory(population, n_neurons),
            "input axons": self.input_axons(population, n_neurons),
        }

    def inner_limits(self) -> dict[str, int]:
        """Limits of the same."""
        core = self.sheet.core
        return {
            "compartments": core.compartments.value,
            "dendritic accumulators": core.accumulators.value,
            "synaptic memory": core.synapse_memory.value,
            "input axons": core.input_axons.value,
        }


def _reached(n_neurons: int, n_targets: int, per_core: int, chance: float) -> float:
    cores = math.ceil(n_targets / max(per_core, 1))
    share = 1 - (1 - chance) ** (n_targets / max(cores, 1))
    mean = n_neurons * cores * share
    return mean + MARGIN * math.sqrt(mean * (1 - share))


def _largest(fits: Callable[[int], bool], at_most: int) -> int:
    """Largest n from 1 to ``at_most`` that fits; 1 if none does."""
    low, high = 1, max(at_most, 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
