"""Working points: given, measured on the ideal reference, or midway; where they are kept and what the ledger says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import neurosim as sim
from chip_networks import cond, connect, curr, lif, network, poisson
from neurosim import _working_points as points
from neurosim import chips
from neurosim.compare import fit_script
from neurosim.connectivity import OneToOne
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.network import Network, Probe, WorkingPoint
from neurosim.session import Session, fit

ALL = ("all",)
LOIHI = chips.load("loihi")

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")


def driven(n=60, rate_hz=(3500.0, 500.0), weights=(0.001, 0.002), **cell) -> Network:
    """Neurons that each have one excitatory and one inhibitory Poisson source."""
    cells = lif(0, n, cond(), "cells", **{"v_rest": -70.0, "v_reset": -65.0, **cell})
    noise = [poisson(k + 1, n, label) for k, label in enumerate(("exc noise", "inh noise"))]
    noise = [replace(p, parameters={**p.parameters, "rate": rate}) for p, rate in zip(noise, rate_hz, strict=True)]
    rows = [connect(k, p, cells, OneToOne(), weights[k], cells.receptors[k].name) for k, p in enumerate(noise)]
    return network((cells, *noise), rows, probes=(Probe(0, "spikes", np.arange(n)),))


def notes(ledger) -> list[str]:
    """What the ledger says of working points."""
    return [loss.detail.partition("Working point ")[2].partition(";")[0] for loss in ledger if "Working point" in loss.detail]


def rate_hz(session: Session, t_ms=400.0) -> float:
    session.run_until(t_ms)
    return session.counts(0).mean() / t_ms * 1e3


# --- how it is chosen --------------------------------------------------------------------------
@pytest.mark.parametrize("choice", ["mid", float("nan"), True, {"cells": "x"}, {3: -55.0}, None, [-55.0]])
def test_what_is_no_potential_is_refused(choice):
    with pytest.raises(ParameterError, match=r"is no potential in mV\. Give a number, a dictionary"):
        points.checked(choice)


def test_numbers_and_words_are_taken():
    assert [points.checked(choice) for choice in (-58, np.float64(-58.0), "midway", "measured", {"a": -58})] == [
        -58.0, -58.0, "midway", "measured", {"a": -58.0},
    ]  # fmt: skip


def test_points_are_given_to_all_neurons_or_by_label():
    net = driven()
    everywhere = points.given(net, -58.0)
    assert [p.working_point for p in everywhere.populations] == [WorkingPoint(-58.0, "given"), None, None]
    assert points.given(net, {"cells": -61.0}).populations[0].working_point == WorkingPoint(-61.0, "given")
    assert points.given(net, "measured") is net
    with pytest.raises(UnknownNameError, match=r"unknown population 'cell'.*Did you mean 'cells'"):
        points.given(net, {"cell": -61.0})


# --- how it is measured ------------------------------------------------------------------------
def test_samples_before_spikes_are_found():
    times, cells = np.arange(0.0, 40.0, 0.5), np.array([3, 5, 9])
    fired, fired_ms = np.array([3, 9, 9, 3]), np.array([20.2, 2.0, 30.0, 22.0])
    expected = np.array(
        [[any(c == f and t - points.BEFORE_MS <= s < t for f, t in zip(fired, fired_ms, strict=True)) for c in cells] for s in times]
    )
    assert np.array_equal(points.before_spikes(cells, times, fired, fired_ms), expected)


def test_the_measured_point_brings_rates_closer_to_the_ideal_ones():
    net = driven()
    ideal = rate_hz(Session(net))
    found = {choice: rate_hz(Session(net, LOIHI, approximate=ALL, working_point=choice)) for choice in ("midway", "measured")}
    assert ideal > 50.0
    assert abs(found["measured"] / ideal - 1) < 0.04 < abs(found["midway"] / ideal - 1)


def test_the_measurement_is_the_same_on_any_number_of_threads():
    one, two = (points.measured(driven(), threads=n)[0] for n in (1, 2))
    assert one == two
    assert one.found == "the mean in the 7 ms before spikes of 200 ms on the ideal reference"
    assert -60.0 < one.mv < -50.0


def test_refractory_cells_do_not_count():
    slow = driven(tau_refrac=40.0, v_reset=-90.0)
    assert points.measured(slow)[0].mv > -70.0


def test_neurons_that_do_not_fire_have_their_mean_potential():
    (point,) = points.measured(driven(rate_hz=(300.0, 100.0))).values()
    assert point.found == "the mean (nothing fires) of 200 ms on the ideal reference"
    assert -70.0 < point.mv < -60.0


def test_each_cell_is_as_far_from_its_own_midway():
    thresholds = np.where(np.arange(60) % 2, -50.0, -54.0)
    (point,) = points.measured(driven(v_thresh=thresholds)).values()
    assert isinstance(point.mv, np.ndarray)
    assert np.ptp(point.mv - (-70.0 + thresholds) / 2) < 1e-9
    assert point.mv[1] - point.mv[0] == pytest.approx(2.0)


def test_midway_is_taken_where_nothing_fires_or_nothing_fits():
    silent = points.measured(driven(rate_hz=(0.0, 0.0)))[0]
    assert silent == WorkingPoint(-60.0, "midway between v_rest and v_thresh, since nothing fires in 200 ms on the ideal reference")
    huge = points.measured(driven(), max_memory=1e-6)[0]
    assert huge == WorkingPoint(-60.0, "midway between v_rest and v_thresh, since the network fits in no memory on the ideal reference")
    mad = driven(weights=(1e300, 1e300))
    assert points.measured(mad)[0].found.endswith("since the network runs away on the ideal reference")
    assert points.measured(network([poisson(0, 3)])) == {}


def test_large_networks_are_measured_for_a_shorter_time(monkeypatch):
    monkeypatch.setattr(points, "MOST_CELL_STEPS", 180 * 400)
    assert points.measured(driven())[0].found.endswith("of 40 ms on the ideal reference")


# --- how sessions keep it ----------------------------------------------------------------------
def test_the_ledger_says_which_point_and_how_it_was_found():
    net = driven()
    for choice, text in (
        (-58.0, "-58 mV, given"),
        ("midway", "-60 mV, midway between v_rest and v_thresh"),
        ({"cells": -61.0}, "-61 mV, given"),
    ):
        assert notes(Session(net, LOIHI, approximate=ALL, working_point=choice).ledger) == [text] * 2
    measured = notes(Session(net, LOIHI, approximate=ALL).ledger)
    assert measured[0].endswith("mV, the mean in the 7 ms before spikes of 200 ms on the ideal reference")


def test_it_is_measured_once_and_only_where_it_is_needed(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "neurosim._working_points.measured", lambda net, **options: asked.append(net) or {0: WorkingPoint(-57.0, "made up")}
    )
    net = driven()
    for chip in (None, chips.load("spinnaker")):
        Session(net, chip, approximate=ALL)
    currents = lif(0, 3, curr(), "cells")
    Session(network([currents]), LOIHI, approximate=ALL)
    Session(net, LOIHI, approximate=ALL, working_point="midway")
    assert asked == []
    session = Session(net, LOIHI, approximate=ALL)
    session.run_until(1.0)
    cells = net.populations[0]
    changed = replace(net, populations=(replace(cells, parameters={**cells.parameters, "tau_m": 15.0}), *net.populations[1:]))
    session.update(changed)
    more = lif(3, 4, cond(), "more")
    session.update(replace(changed, populations=(*changed.populations, more)))
    session.update(replace(changed, populations=(*changed.populations, more), probes=()))
    assert asked == [net]
    assert notes(session.ledger)[::2] == ["-57 mV, made up", "-55 mV, midway between v_rest and v_thresh"]


def test_currents_become_conductances_at_a_measured_point_too():
    net = network([lif(0, 30, curr(), "cells", i_offset=0.15)])
    session = Session(net, chips.load("hicann"), approximate=ALL)
    assert notes(session.ledger)[0].endswith("mV, the mean in the 7 ms before spikes of 200 ms on the ideal reference")


def test_a_fit_simulates_nothing_and_takes_what_is_given():
    assert notes(fit(driven(), LOIHI, approximate=ALL).ledger)[0] == "-60 mV, midway between v_rest and v_thresh"
    assert notes(fit(driven(), LOIHI, approximate=ALL, working_point=-58.0).ledger)[0] == "-58 mV, given"


# --- scripts -----------------------------------------------------------------------------------
SCRIPT = """
import neurosim as sim
sim.setup(timestep=0.1, {options})
cells = sim.Population(10, sim.IF_cond_exp(i_offset=0.6), label="cells")
sim.run(1.0)
"""


def test_scripts_say_it_in_setup(tmp_path):
    path = tmp_path / "script.py"
    for options, text in (("working_point={'cells': -58.0}", "-58 mV, given"), ("", "-57.5 mV, midway between v_rest and v_thresh")):
        path.write_text(SCRIPT.format(options=options))
        (run,) = fit_script(path, chips=["loihi"])
        assert notes(run.losses)[0] == text
    with pytest.raises(ParameterError, match="working_point='median' is no potential"):
        sim.setup(working_point="median")
    sim.setup(timestep=0.1, chip="loihi", approximate=["conductance"], working_point={"cells": -58.0})
    sim.Population(3, sim.IF_cond_exp(), label="others")
    for ask in (sim.losses, lambda: sim.run(1.0)):
        with pytest.raises(UnknownNameError, match=r"setup\(working_point=...\): unknown population 'cells'"):
            ask()
    sim.setup(timestep=0.1, chip="loihi", approximate=["conductance"], working_point=-58)
    sim.Population(3, sim.IF_cond_exp(), label="others")
    assert notes(sim.losses())[0] == "-58 mV, given"
    sim.run(1.0)
    assert notes(sim.losses())[0] == "-58 mV, given"
    sim.end()
