"""What a slice of a population takes of a Loihi core."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neurosim.chips.loihi.lists import Lists
from neurosim.chips.loihi.sheet import FamilySheet, LoihiSheet
from neurosim.chips.usage import MARGIN, expected, incoming, outgoing, reaching_sources
from neurosim.chips.values import parameter, receptor_parameter, statistics, synaptic_column
from neurosim.network import Network, Population, Projection, Receptor
from neurosim.plasticity import LEARNING


def compartment_receptors(population: Population) -> list[Receptor]:
    """One receptor for each compartment of a neuron: those of one time constant share one, since a compartment has one current."""
    if population.model.endswith("_fixed"):
        return [receptor for receptor in population.receptors if receptor.kind == "fixed"]
    found: dict[bytes, Receptor] = {}
    for receptor in population.receptors:
        key = b"" if receptor.kind == "curr_delta" else np.asarray(receptor_parameter(population, receptor, "tau_syn")).tobytes()
        found.setdefault(key, receptor)
    return list(found.values())


def compartments_per_neuron(population: Population) -> int:
    """One compartment for each synaptic time constant, and one for adaptation."""
    adapts = population.model == "adex" or (population.model == "lif_fixed" and bool(np.any(parameter(population, "step_a"))))
    return max(1, len(compartment_receptors(population))) + adapts


def delay_bits(network: Network, projection: Projection, sheet: FamilySheet) -> int:
    """Delay bits that the synapses of a projection need; 0 if all take one step, which is no delay on the chip."""
    known = statistics(synaptic_column(projection, "delay"), expected(network, projection))
    longest = sheet.synapses.longest_delay.value
    steps = longest if known is None else min(longest, round(known.high / network.dt) - 1)
    low, high = sheet.synapses.delay_bits.value
    return 0 if steps <= 0 else min(high, max(low, math.ceil(math.log2(steps + 2))))


@dataclass(frozen=True)
class SharedLoad(ABC):
    """Use of a core's resources by slices of the populations of one network, in what both generations share; lists are kept."""

    network: Network
    sheet: FamilySheet
    _lists: dict[int, Lists] = field(default_factory=dict, repr=False, compare=False)

    @abstractmethod
    def inner_use(self, population: Population, n_neurons: int) -> dict[str, int]:
        """Use of every resource but output axons and settings, by its name in the limits."""

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
        cost = self.sheet.synapses.learning_axon.value if projection.synapse.model in LEARNING else 1
        return cost * reaching_sources(self.network, projection, n_neurons)

    def lists(self, projection: Projection) -> Lists:
        """How the synapses of a projection lie in the memory."""
        if id(projection) not in self._lists:
            self._lists[id(projection)] = Lists(self.network, projection, self.sheet, delay_bits(self.network, projection, self.sheet))
        return self._lists[id(projection)]

    def memory(self, population: Population, n_neurons: int) -> int:
        """Words of synaptic memory."""
        return sum(self.lists(projection).words(n_neurons) for projection, _ in incoming(self.network, population.id))

    def longest_list(self, population: Population, n_neurons: int) -> int:
        """Words of the longest list of one source, whose projections follow each other in it."""
        found: dict[int, int] = {}
        for projection, _ in incoming(self.network, population.id):
            words = self.lists(projection).longest(n_neurons)
            for source in {source for source, _ in projection.pre.parts}:
                found[source] = found.get(source, 0) + words
        return max(found.values(), default=0)

    def output_axons(self, population: Population, n_neurons: int, per_core: dict[int, int]) -> int:
        """Entries for the cores that the slice sends to, if targets are cut into slices of ``per_core`` and are on the same chip."""
        total, each = 0.0, self.sheet.synapses.axon_discrete.value
        for projection, _ in outgoing(self.network, population.id):
            chance = expected(self.network, projection) / max(projection.pre.size * projection.post.size, 1)
            for target, indices in projection.post.parts:
                total += each * _reached(n_neurons, len(indices), per_core[target], min(chance, 1.0))
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
        """Use of every resource but output axons and settings."""
        return {
            "compartments": self.compartments(population, n_neurons),
            "dendritic accumulators": self.accumulators(population, n_neurons),
            "synaptic memory": self.memory(population, n_neurons),
            "longest axon list": self.longest_list(population, n_neurons),
            "input axons": self.input_axons(population, n_neurons),
        }

    def inner_limits(self) -> dict[str, int]:
        """Limits of the same."""
        core = self.sheet.core
        return {
            "compartments": core.compartments.value,
            "dendritic accumulators": core.accumulators.value,
            "synaptic memory": core.synapse_memory.value,
            "longest axon list": core.words_per_axon.value,
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
