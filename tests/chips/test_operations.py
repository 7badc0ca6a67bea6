"""Memory and operations of a run as papers count them, and the word sizes of chips."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from chip_networks import balanced, cond, connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips import operations as module
from neurosim.chips.operations import MEMBRANE_STATES, RECEPTOR_STATES, WordBits, n_states, operations
from neurosim.connectivity import AllToAll, expand
from neurosim.errors import ParameterError, UnsupportedError
from neurosim.models import MODELS
from neurosim.models.layout import RECEPTOR_KINDS

WORDS = WordBits(8, 24)


def spikes_of(net, n_steps=50, seed=0):
    rng = np.random.default_rng(seed)
    return {p.id: (rng.integers(0, n_steps, 3 * p.size), rng.integers(0, p.size, 3 * p.size)) for p in net.populations}


def test_every_spike_is_added_at_every_synapse():
    net = balanced(0.05, curr())
    spikes = spikes_of(net)
    found = operations(net, spikes, 50, WORDS)
    events = synapses = 0
    for projection in net.projections:
        fired = spikes[projection.pre.parts[0][0]][1].tolist()
        rows = expand(net, projection)
        synapses += rows.size
        events += sum(fired.count(source) for source in rows.pre().tolist())
    assert (found.synaptic_additions, found.n_synapses) == (events, synapses)
    assert found.synaptic_multiplications == 0
    assert found.n_spikes == 3 * 220
    assert found.n_neurons == 200


def test_memory_is_words_times_bits():
    net = balanced(0.05, curr())
    found = operations(net, {}, 1, WORDS)
    assert found.weight_bits == 8 * found.n_synapses
    assert found.state_bits == 200 * 3 * 24
    assert found.spike_bits == 220
    assert found.memory_bits == found.weight_bits + found.state_bits + found.spike_bits


def test_neurons_decay_and_take_up_input_once_a_step():
    net = network([lif(0, 10, curr()), lif(1, 10, cond())])
    found = operations(net, {}, 7, WORDS)
    assert found.neuron_additions == found.additions == 7 * 20 * 3
    # each of two conductances is multiplied by the distance from its reversal potential as well
    assert found.neuron_multiplications == found.multiplications == 7 * (10 * 3 + 10 * 5)


def test_short_term_plasticity_multiplies_each_weight():
    source, post = poisson(0, 4), lif(1, 5, curr())
    columns = {"U": 0.5, "tau_rec": 100.0, "tau_facil": 0.0}
    net = network((source, post), [connect(0, source, post, AllToAll(), 0.1, model="tsodyks_markram", **columns)])
    found = operations(net, {0: ([0, 1], [0, 3])}, 2, WORDS)
    assert found.synaptic_additions == found.synaptic_multiplications == 10


def test_every_model_and_receptor_is_known():
    assert set(MEMBRANE_STATES) == {name for name, model in MODELS.items() if not model.is_source}
    assert set(RECEPTOR_STATES) == set(RECEPTOR_KINDS)
    assert n_states(lif(0, 1, curr(kind="curr_alpha"))) == 5


def test_what_a_chip_drops_is_not_counted():
    chip = chips.load("hicann")
    net = chip.translate(balanced(0.05), frozenset()).network
    lossy = chip.realise(net, place(net, chip)).network
    kept = sum(expand(lossy, projection).size for projection in lossy.projections)
    assert operations(lossy, {}, 1, WORDS).n_synapses == kept


@pytest.mark.parametrize(("name", "words"), [("loihi", (8, 24, 1)), ("spinnaker", (16, 32, 1)), ("hicann", (4, 0, 1))])
def test_word_sizes_of_chips(name, words):
    assert chips.load(name).word_bits() == words


def test_the_line_names_memory_and_operations():
    line = operations(balanced(0.05, curr()), {}, 10, WORDS).line
    assert "KiB of weights" in line
    assert "0 additions at synapses; 6,000 more and 6,000 multiplications" in line


@pytest.mark.parametrize(
    ("spikes", "n_steps", "words"),
    [
        ({0: ([0], [10])}, 5, "there is a spike at cell 10; there are 10 cells"),
        ({0: ([5], [0])}, 5, "there is a spike at step 5"),
        ({0: ([0, 1], [0])}, 5, "2 steps for 1 cells"),
        ({1: ([0], [0])}, 5, "population 1; there are 1"),
        ({}, 0, "number of steps is 0"),
    ],
)
def test_spikes_that_do_not_fit_are_refused(spikes, n_steps, words):
    with pytest.raises(ParameterError, match=words):
        operations(network([lif(0, 10, curr())]), spikes, n_steps, WORDS)


@pytest.mark.parametrize("name", ["spinnaker", "hicann"])
def test_a_chip_without_a_model_of_cost_says_what_there_is(name):
    chip, net = chips.load(name), network([lif(0, 10, curr())])
    with pytest.raises(UnsupportedError, match=r"has no model of time and energy.*chips\.operations\.operations"):
        chip.cost(net, place(net, chip), {}, 5)


def test_a_chip_without_word_sizes_says_so():
    from neurosim.chips.chip import Chip

    chip = chips.load("loihi")
    with pytest.raises(UnsupportedError, match=r"has no word sizes.*WordBits"):
        Chip.word_bits(chip)


def test_the_example_runs():
    done = doctest.testmod(module)
    assert (done.failed, done.attempted > 0) == (0, True)
