"""Why a network does not fit its chip, asked from a script."""

from __future__ import annotations

import pytest

import neurosim as sim
from neurosim.errors import PlacementError, StateError

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")


def crowded(size: int = 200_000):
    """A population on one Loihi chip, which holds 131,072 cells."""
    sim.setup(timestep=1.0, chip="loihi")
    return sim.Population(size, sim.IF_curr_exp(tau_refrac=1.0), label="exc")


@pytest.mark.parametrize("ask", [lambda: sim.run(1.0), sim.mapping, sim.losses], ids=["run", "mapping", "losses"])
def test_a_refusal_names_the_function_that_says_more(ask):
    crowded()
    with pytest.raises(PlacementError, match=r"n_boards=2.* explain\(\) shows the numbers\.$") as refused:
        ask()
    assert (refused.value.population, refused.value.used, refused.value.limit) == ("exc", 196, 128)


def test_a_refused_network_is_explained():
    crowded()
    with pytest.raises(PlacementError):
        sim.run(1.0)
    found = sim.explain()
    assert (found.fits, found.kind, found.needed, found.available) == (False, "population", 196, 128)
    assert {"n_boards": 2} in [remedy.change for remedy in found.remedies]


def test_pins_and_places_to_avoid_are_minded():
    cells = crowded(2000)
    sim.place(cells, on=0)
    found = sim.explain()
    assert found.kind == "pin"
    assert found.remedies[0].text == "Pin only 1,024 of these 2,000 neurons to core 0."


def test_a_network_that_fits_is_explained_before_and_after_it_ran_and_as_it_stands():
    crowded(1000)
    assert (sim.explain().fits, sim.explain().needed) == (True, 1)
    sim.run(1.0)
    assert sim.explain().needed == 1
    sim.Population(1025, sim.IF_curr_exp(tau_refrac=1.0), label="more")
    assert sim.explain().needed == 2
    sim.end()
    assert sim.explain().needed == 1  # the network that ran


def test_a_network_that_grew_too_large_is_refused_with_the_pointer():
    crowded(1000)
    sim.run(1.0)
    sim.Population(200_000, sim.IF_curr_exp(tau_refrac=1.0), label="more")
    with pytest.raises(PlacementError, match=r"explain\(\) shows"):
        sim.run(1.0)
    assert sim.explain().kind == "population"


def test_without_a_chip_there_is_nothing_to_explain():
    sim.setup()
    with pytest.raises(StateError, match=r"the ideal reference has room for everything\. Give setup\(chip="):
        sim.explain()


def test_after_the_end_of_nothing_there_is_nothing_to_explain():
    crowded(10)
    sim.end()
    with pytest.raises(StateError, match=r"explain\(\) needs a simulation that was set up"):
        sim.explain()
