"""What a slice of a population takes of a Loihi 2 core: bytes of a memory that everything shares."""

from __future__ import annotations

import numpy as np

from neurosim.chips.loihi.load import SharedLoad
from neurosim.chips.loihi.second.sheet import Loihi2Sheet
from neurosim.chips.values import parameter, receptor_parameter
from neurosim.network import Population

#: State of a neuron without its currents: voltage and refractory counter, and what adapts.
_STATES = {"lif": 2, "adex": 3, "izhikevich": 2}


def words_per_neuron(population: Population) -> int:
    """State variables of a neuron: its own, a current per time constant, and every parameter that differs between neurons."""
    decaying = [np.asarray(receptor_parameter(population, r, "tau_syn")) for r in population.receptors if r.kind != "curr_delta"]
    own = sum(np.ndim(parameter(population, name)) > 0 for name in population.parameters)
    currents = {tau.tobytes() for tau in decaying}
    return _STATES.get(population.model, 2) + len(currents) + own + sum(tau.ndim > 0 for tau in decaying)


class Load2(SharedLoad):
    """Use of a core of Loihi 2."""

    sheet: Loihi2Sheet  # pyright: ignore[reportIncompatibleVariableOverride]

    def bytes_used(self, population: Population, n_neurons: int) -> int:
        """Bytes of states, inputs that wait for their delay, the program and synapses."""
        return self.state_bytes(population, n_neurons) + self.memory(population, n_neurons) * self.sheet.core.word_bits.value // 8

    def state_bytes(self, population: Population, n_neurons: int) -> int:
        """Bytes without synapses."""
        core = self.sheet.core
        each = words_per_neuron(population) * core.state_word.value + self.delay_slots(population) * core.delay_word.value
        return n_neurons * each + core.program.value

    def inner_use(self, population: Population, n_neurons: int) -> dict[str, int]:
        """Use of every resource but output axons."""
        return {
            "neurons": n_neurons,
            "core memory": self.bytes_used(population, n_neurons),
            "synaptic memory": self.memory(population, n_neurons),
            "input axons": self.input_axons(population, n_neurons),
        }

    def inner_limits(self) -> dict[str, int]:
        """Limits of the same."""
        core = self.sheet.core
        return {
            "neurons": core.neurons.value,
            "core memory": core.memory.value,
            "synaptic memory": core.synapse_memory.value,
            "input axons": core.input_axons.value,
        }
