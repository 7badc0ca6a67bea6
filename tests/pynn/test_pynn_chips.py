"""Chips as ``setup()`` takes them, and what of a script goes along to another chip."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as sim
from neurosim.compare import fit_script
from neurosim.connectivity import expand
from neurosim.errors import ParameterError

SCRIPT = """
import neurosim as sim
sim.setup(timestep=1.0, chip="spinnaker", n_boards=3)
cells = sim.Population(200_000, sim.IF_curr_exp(tau_refrac=2.0), label="cells")
sim.place(cells[:10], on=(3, 3))
sim.run(1.0)
"""


@pytest.mark.parametrize("chip", [5, ["loihi"], object()])
def test_what_is_no_chip_is_refused(chip):
    with pytest.raises(ParameterError, match=r"is not a chip\. Give a name"):
        sim.setup(chip=chip)


def test_a_chip_object_gets_the_number_of_boards():
    for n_boards, expected in ((3, 3), (None, 2)):
        sim.setup(chip=sim.chips.load("spinnaker", n_boards=2), n_boards=n_boards)
        sim.Population(3, sim.IF_curr_exp())
        assert sim.mapping().chip.n_boards == expected
    sim.end()


def test_boards_and_places_of_a_script_hold_for_its_own_chip(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    loihi, spinnaker = fit_script(path, chips=("loihi", "spinnaker"))
    assert "needs 196 cores, the limit is 128" in loihi.error
    assert not spinnaker.error
    assert (spinnaker.n_cores, spinnaker.n_chips) == (783, 50)
    small = path.read_text().replace("200_000", "1000").replace("(3, 3)", "(60, 15)").replace("spinnaker", "loihi")
    path.write_text(small.replace("n_boards=3", "n_boards=32"))
    loihi, spinnaker = fit_script(path, chips=("loihi", "spinnaker"))
    assert (loihi.error, spinnaker.error) == ("", "")
    assert [loss.what for loss in spinnaker.losses if loss.kind == "ignored"] == ["manual placement"]


@pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
@pytest.mark.parametrize("chip", ["loihi", "loihi2", "spinnaker"])
def test_static_weights_are_given_as_set_and_the_running_network_has_those_that_are_held(chip):
    sim.setup(timestep=0.1, chip=chip)
    source, cells = sim.Population(3, sim.SpikeSourceArray(spike_times=[1.0])), sim.Population(2, sim.IF_curr_exp())
    weights = np.array([[1.0, 0.00123], [0.3, 0.4], [0.5, 0.6]])
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weights, delay=0.1))
    sim.run(2.0)
    assert projection.get("weight", format="array").tolist() == weights.tolist()
    running = sim.simulator.state.session.fit.network
    error = np.abs(np.reshape(expand(running, running.projections[0]).columns["weight"], (3, 2)) - weights)
    (told,) = [loss for loss in sim.losses() if (loss.kind, loss.what) == ("rounded", "weight")]
    assert told.error_max == pytest.approx(error.max())
    assert 0 < error.max() < 1 / 255
