"""What runs take, in the tables, JSON and pages of the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import neurosim as sim
from neurosim.cli import app
from neurosim.compare.comparison import Comparison
from neurosim.compare.cost_table import cost_table, sections
from neurosim.compare.costs import cost_of
from neurosim.compare.runner import network_run
from neurosim.compare.tables import as_text
from neurosim.errors import StateError
from neurosim.report import html

SCRIPT = """
import neurosim as sim
sim.setup(timestep=1.0, rng_seed=3)
cell = sim.IF_curr_exp(tau_refrac=2.0, i_offset=1.0)
a, b = (sim.Population(n, cell, label=label) for n, label in ((12, "a"), (3, "b")))
sim.Projection(a, b, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.04, delay=1.0))
sim.run(100.0)
"""
REASONS = {"reason": "it has no model of them."}


@pytest.fixture(scope="module")
def measured() -> dict:
    """A cost of Loihi with static power, as it goes to JSON."""
    sim.setup(timestep=1.0, chip="loihi", cost=True)
    cells = sim.Population(20, sim.IF_curr_exp(i_offset=1.0), label="cells")
    sim.Projection(cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1, delay=2.0))
    with pytest.warns(sim.LossWarning):
        sim.run(100.0)
    content = json.loads(sim.cost(static=True).to_json())
    sim.end()
    return content


@pytest.fixture
def priced(comparison, measured) -> Comparison:
    runs = {run.chip: run for run in comparison.runs}
    runs["ideal"] = replace(runs["ideal"], cost=REASONS | {"operations": measured["operations"]})
    runs["hicann"] = replace(runs["hicann"], cost={"reason": "cost(): not recorded in full."})
    runs["loihi"] = replace(runs["loihi"], cost=measured)
    return Comparison("net.py", tuple(runs.values()))


def test_each_run_has_a_line_and_a_dash_where_nothing_is_known(priced, measured):
    text = as_text(cost_table(priced.runs))
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert lines["hicann"][1:] == ["-"] * 7
    assert "hicann: no time and energy: cost(): not recorded in full." in text
    assert f"{measured['energy_uj']:.4g} uJ" in text
    assert f"{measured['power_mw']:.4g} mW" in text
    assert "ideal: no time and energy: it has no model of them." in text
    assert "spinnaker" not in text  # it failed


def test_low_confidence_and_what_is_left_out_are_said(priced, measured):
    text = as_text(cost_table(priced.runs))
    assert "low confidence: static_power" in text
    assert f"loihi: {len(measured['not_modelled'])} things are not in it; --json and --report list them" in text
    assert "19 fit to measurements" in text
    later = replace(priced.runs[3], cost=measured | {"begin_ms": 20.0})
    assert "from 20 ms on: the network was another one before" in as_text(cost_table([later]))


def test_memory_and_operations_need_no_model(priced, measured):
    ideal, hicann, loihi = sections(priced.runs)
    assert ideal["cells"][:4] == hicann["cells"][:4] == ["-"] * 4
    assert ideal["cells"][4:] == loihi["cells"][4:]
    counted = measured["operations"]
    assert loihi["cells"][5] == f"{counted['synaptic_additions'] + counted['neuron_additions']:.4g}"
    assert hicann["cells"][4:] == ["-"] * 3


def test_no_table_where_no_run_has_a_cost(comparison):
    assert as_text(cost_table(comparison.runs)) == ""


def test_the_page_has_formula_evidence_and_what_is_not_modelled(priced, measured):
    page = html(priced)
    assert "Time and energy on the chip" in page
    assert "Energy of a step: the sum over all events" in page
    assert "energy of the barrier between steps: not published" in page
    assert '<td class="error">low</td>' in page
    assert all(row["source"].split("'")[0].split("&")[0] in page for row in measured["evidence"])
    assert "ideal: no time and energy: it has no model of them." in page


def test_a_page_without_costs_has_no_such_section(comparison):
    assert "Time and energy on the chip" not in html(comparison)


def test_a_run_is_not_lost_because_its_cost_cannot_be_said():
    def refuse():
        raise StateError("nothing has run yet.", where="cost()")

    assert cost_of(SimpleNamespace(cost=refuse)) == {"reason": "cost(): nothing has run yet."}


def test_networks_that_are_compared_in_process_have_a_cost():
    from chip_networks import curr, lif, network

    found = network_run(network([lif(0, 5, curr(), i_offset=1.0)], dt=1.0), "loihi", duration_ms=50.0)
    assert found.cost["energy_uj"] > 0
    assert found.cost["operations"]["n_spikes"] > 0


def test_the_command_gives_it_as_json_and_as_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.py").write_text(SCRIPT)
    done = CliRunner().invoke(app, ["run", "small.py", "--chip", "loihi", "--json"])
    cost = json.loads(done.stdout)["cost"]
    assert cost["energy_uj"] > 0
    assert cost["formula"].startswith("Energy of a step")
    assert cost["profile"] == "nahuku_fit"
    shown = CliRunner().invoke(app, ["run", "small.py", "--chip", "spinnaker"]).stdout
    assert "time and energy on the chip" in shown
    assert "spinnaker: no time and energy: SpiNNaker has no model of them." in shown
    fitted = json.loads(CliRunner().invoke(app, ["fit", "small.py", "--chip", "loihi", "--json"]).stdout)["rows"][0]
    assert "cost" not in fitted
