"""Scripts written for other simulators."""

from __future__ import annotations

import importlib
import sys

import pytest

from neurosim.compare.arguments import asks_for_simulator, with_simulator
from neurosim.pynn.stand_in import standing_in


@pytest.mark.parametrize("line", ["sim, options = get_simulator(('benchmark', ''))", "name = pyNN.utility.get_script_args(1)[0]"])
def test_the_name_is_put_first_where_a_script_asks_for_it(line):
    assert with_simulator(line, ["COBA"]) == ["neurosim", "COBA"]
    assert with_simulator(line, []) == ["neurosim"]


def test_a_name_that_is_given_is_left_alone():
    source = "sim, options = get_simulator()"
    assert with_simulator(source, ["neurosim", "COBA"]) == ["neurosim", "COBA"]
    assert with_simulator(source, ["--plot-figure", "nest"]) == ["--plot-figure", "nest"]


def test_scripts_that_do_not_ask_get_their_own_arguments():
    assert with_simulator("import neurosim as sim  # get_simulator()", ["1"]) == ["1"]


def test_a_script_with_a_syntax_error_asks_for_nothing():
    assert not asks_for_simulator("def (")


def test_other_backends_mean_neurosim_inside_only():
    before = sys.modules.get("pyNN.nest")
    with standing_in() as front_end:
        assert importlib.import_module("pyNN.nest") is front_end
        from pyNN import neuron

        assert neuron is front_end
    assert sys.modules.get("pyNN.nest") is before
