"""Memory and operations of a run as papers on spiking networks count them, for any chip.

Nothing here depends on where neurons are or on how a chip works; only the sizes of its words do.

* *Weight memory*: synapses times bits of a weight. *State memory*: neurons times state variables
  times bits of one. *Spike memory*: one bit for every cell, whether it fires in a step. The first
  two are what [1]_ calls footprint; all three are compared in [2]_.
* *Additions of synapses*: one for every spike at every synapse, since a spike is 0 or 1 and needs no
  product ("effective accumulates" in [1]_). Where short-term plasticity scales the weight, each is a
  multiplication too ("effective multiply-accumulates").
* *Multiplications and additions of neurons*: each state variable decays and takes up what arrives
  once a step, whether or not anything does ([3]_); a conductance is multiplied by the distance from
  its reversal potential besides. Exponentials of a model and the decays of learning are not counted.

References
----------
.. [1] Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing algorithms and
   systems", Nature Communications 16, 1545 (2025), section on the metrics of the algorithm track.
.. [2] Yin et al., "MINT: Multiplier-less integer quantization for energy efficient spiking neural
   networks", arXiv:2305.09850 (2023).
.. [3] Lemaire et al., "An analytical estimation of spiking neural networks energy efficiency",
   ICONIP 2022, arXiv:2210.13107.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.spikes import Events, checked, checked_steps
from neurosim.connectivity import Expansion
from neurosim.network import Network, Population

Int64 = NDArray[np.int64]

#: Variables of a membrane that change from step to step, by model.
MEMBRANE_STATES: dict[str, int] = {"lif": 1, "adex": 2, "izhikevich": 2, "hh": 4, "lif_fixed": 1, "adex_fixed": 2, "izhikevich_fixed": 2}
#: The same of a receptor, by kind.
RECEPTOR_STATES: dict[str, int] = {
    "curr_delta": 0,
    "curr_exp": 1,
    "cond_exp": 1,
    "curr_alpha": 2,
    "cond_alpha": 2,
    "cond_beta": 2,
    "fixed": 1,
    "fixed_joined": 0,
}
#: Models of synapses that multiply the weight whenever a spike passes.
_SCALED = frozenset({"tsodyks_markram"})


class WordBits(NamedTuple):
    """Sizes of a chip's words, bits; 0 where a quantity is analogue.

    ``weight`` of a synapse, ``state`` of a state variable, ``spike`` of a cell that fires or not.
    """

    weight: int
    state: int
    spike: int = 1


@dataclass(frozen=True, slots=True)
class Operations:
    """Memory in bits and numbers of operations of a run; see the module for what is counted.

    Attributes
    ----------
    n_synapses, n_neurons, n_spikes
        Synapses, neurons without sources, spikes of neurons and sources.
    weight_bits, state_bits, spike_bits
        Memory.
    synaptic_additions, synaptic_multiplications
        Of all spikes at all synapses.
    neuron_additions, neuron_multiplications
        Of all neurons in all steps.
    """

    n_synapses: int
    n_neurons: int
    n_spikes: int
    weight_bits: int
    state_bits: int
    spike_bits: int
    synaptic_additions: int
    synaptic_multiplications: int
    neuron_additions: int
    neuron_multiplications: int

    @property
    def memory_bits(self) -> int:
        """Weights, states and spikes together."""
        return self.weight_bits + self.state_bits + self.spike_bits

    @property
    def additions(self) -> int:
        """Of synapses and neurons."""
        return self.synaptic_additions + self.neuron_additions

    @property
    def multiplications(self) -> int:
        """Of synapses and neurons."""
        return self.synaptic_multiplications + self.neuron_multiplications

    @property
    def line(self) -> str:
        """Memory and operations in one line."""
        kib = [bits / 8 / 1024 for bits in (self.weight_bits, self.state_bits, self.spike_bits)]
        memory = f"{kib[0]:,.4g} KiB of weights, {kib[1]:,.4g} of states, {kib[2]:,.4g} of spikes"
        synapses = f"{self.synaptic_additions:,} additions at synapses"
        return f"{memory}; {synapses}; {self.neuron_additions:,} more and {self.multiplications:,} multiplications"


def operations(network: Network, spikes: Events, n_steps: int, words: WordBits) -> Operations:
    """Memory and operations of a run.

    Parameters
    ----------
    network
        As the chip has it: what it drops is not counted.
    spikes
        By population id: steps from 0, and indices of the cells that fired, integers (n,) each.
    n_steps
        Number of steps, 1 or more.
    words
        Sizes of the chip's words, :meth:`neurosim.chips.chip.Chip.word_bits`.

    Raises
    ------
    ParameterError
        If spikes are of cells or steps that do not exist, or there is no step.

    Examples
    --------
    >>> from neurosim.connectivity import AllToAll
    >>> from neurosim.network import Projection, Receptor, Selection, Synapse
    >>> receptors = (Receptor("excitatory", "curr_exp", {"tau_syn": 5.0}),)
    >>> exc = Population(0, "exc", 10, "lif", {}, receptors)
    >>> every = Selection.whole(exc)
    >>> synapse = Synapse("static", {"weight": 0.1, "delay": 1.0})
    >>> ring = Projection(0, "ring", every, every, "excitatory", AllToAll(), synapse, 1)
    >>> found = operations(Network(1.0, 1, (exc,), (ring,)), {0: ([3, 4], [0, 1])}, 100, WordBits(8, 24))
    >>> found.weight_bits, found.state_bits, found.spike_bits, found.synaptic_additions
    (800, 480, 10, 20)
    """
    n_steps = checked_steps(n_steps)
    known = checked(network, spikes, n_steps)
    fired = [np.bincount(known[p.id][1] if p.id in known else [], minlength=p.size) for p in network.populations]
    return operations_of_counts(network, fired, n_steps, words)


def operations_of_counts(network: Network, fired: Sequence[Int64], n_steps: int, words: WordBits) -> Operations:
    """The same from how often each cell fired: it does not matter when.

    Parameters
    ----------
    fired
        Number of spikes of every cell of each population, int64 (size,) each.
    """
    neurons = [population for population in network.populations if not population.is_source]
    n_synapses = additions = multiplications = 0
    for projection in network.projections:
        expansion = Expansion(network, projection)
        spiked = np.concatenate([np.empty(0, np.int64), *(fired[p][i] for p, i in projection.pre.parts)])
        for start, stop in expansion.blocks():
            degree = np.diff(expansion.expand(start, stop, columns=()).indptr)
            n_synapses += int(degree.sum())
            events = int(degree @ spiked[start:stop])
            additions += events
            multiplications += events if projection.synapse.model in _SCALED else 0
    states = [population.size * n_states(population) for population in neurons]
    products = [population.size * (n_states(population) + _n_conductances(population)) for population in neurons]
    return Operations(
        n_synapses=n_synapses,
        n_neurons=sum(population.size for population in neurons),
        n_spikes=sum(int(counts.sum()) for counts in fired),
        weight_bits=n_synapses * words.weight,
        state_bits=sum(states) * words.state,
        spike_bits=sum(population.size for population in network.populations) * words.spike,
        synaptic_additions=additions,
        synaptic_multiplications=multiplications,
        neuron_additions=sum(states) * n_steps,
        neuron_multiplications=sum(products) * n_steps,
    )


def n_states(population: Population) -> int:
    """State variables of a neuron: those of its membrane and of its receptors."""
    return MEMBRANE_STATES[population.model] + sum(RECEPTOR_STATES[receptor.kind] for receptor in population.receptors)


def _n_conductances(population: Population) -> int:
    return sum(receptor.kind.startswith("cond") for receptor in population.receptors)
