"""Graded spikes of inputs: payload times weight, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim.loihi
from neurosim.chips.loihi.arithmetic import acting_weights
from neurosim.errors import ParameterError
from neurosim.loihi import Compartments, Graded, Synapses, run
from tests.support.loihi_twin import decayed, wrap

payloads = st.integers(-(2**31), 2**31 - 1) | st.integers(-3, 3)


@pytest.mark.filterwarnings("ignore:.*their registers")
@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.integers(0, 19), payloads, max_size=6), st.integers(-128, 127), st.integers(0, 7), st.integers(0, 5))
def test_a_graded_spike_acts_with_payload_times_weight(spikes, mantissa, exponent, delay):
    cells = Compartments(2, decay_u=409, decay_v=4096, threshold=2**17 - 1)
    train = Graded(np.array(list(spikes), int), np.array(list(spikes.values()), int))
    wires = Synapses([0, 1, 0], [0, 1, 1], [2 * mantissa, 10, 6], delay=[delay, 0, 1], exponent=exponent)
    found = run(cells, [wires], [train, [2, 3]], n_steps=30)
    acts = acting_weights([2 * mantissa, 10, 6], exponent)
    arrived = np.zeros((2, 40), object)
    for step, payload in spikes.items():
        arrived[0, step + 1 + delay] += int(acts[0]) * payload
        arrived[1, step + 2] += int(acts[2]) * payload
    for step in (2, 3):
        arrived[1, step + 1] += int(acts[1])
    for cell in range(2):
        u, wanted = 0, []
        for step in range(30):
            u = wrap(decayed(u, 410) + wrap(arrived[cell, step], 22), 24)
            wanted.append(u)
        assert found.u[cell].tolist() == wanted


def test_a_payload_of_one_is_a_plain_spike():
    cells, wires = Compartments(1, decay_u=100, threshold=50), [Synapses([0], [0], 40)]
    plain, graded = (run(cells, wires, [train], n_steps=20) for train in ([1, 5], Graded([5, 1], 1)))
    assert plain.u.tolist() == graded.u.tolist()
    assert plain.u.any()


def test_an_input_may_have_no_graded_spikes():
    assert not run(Compartments(1), [Synapses([0, 1], [0, 0], 40)], [Graded([], []), []], n_steps=5).u.any()


@pytest.mark.parametrize("payload", [2**31, -(2**31) - 1, 0.5])
def test_a_payload_beyond_32_bits_is_refused(payload):
    with pytest.raises(ParameterError, match=r"a payload is .* whole number from -2,147,483,648 to 2,147,483,647") as error:
        run(Compartments(1), [], [Graded([0], [payload])], n_steps=1)
    assert error.value.used == payload


def test_payloads_and_spikes_are_as_many():
    with pytest.raises(ParameterError, match=r"Input 1: there are 3 payloads for 2 spikes\. Give one, or one for each"):
        run(Compartments(1), [], [[], Graded([0, 1], [1, 2, 3])], n_steps=2)


def test_two_graded_spikes_in_a_step_are_refused():
    with pytest.raises(ParameterError, match="spikes twice in one step"):
        run(Compartments(1), [], [Graded([1, 1], [1, 2])], n_steps=2)


def test_the_example_in_the_docstring_holds():
    import doctest

    assert doctest.testmod(neurosim.loihi).failed == 0
