"""Networks, pins, rates and files that cannot be placed give one clear error from a script; nothing places as nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

import neurosim as sim
from neurosim.errors import MappingFileError, NeurosimError, PlacementError
from neurosim.mapping import Mapping

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
CHIPS = ("loihi", "spinnaker", "hicann")


def cells(size: int = 10, chip: str = "loihi"):
    """One population on a chip."""
    sim.setup(timestep=1.0, chip=chip, rng_seed=1)
    celltype = sim.IF_cond_exp if chip == "hicann" else sim.IF_curr_exp
    return sim.Population(size, celltype(tau_refrac=1.0), label="exc")


def a_million_inputs():
    reader = cells(1)
    noise = sim.Population(1_000_000, sim.SpikeSourcePoisson(rate=1.0), label="noise")
    sim.Projection(noise, reader, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=1.0))


def pinned(size: int, *places, **more):
    exc = cells(size)
    for part, on in places:
        sim.place(exc[part], on=on)
    sim.place(**more)


def too_many_together():
    for label in "ab":
        sim.Population(70_000, sim.IF_curr_exp(tau_refrac=1.0), label=label)


def every_chip_dead():
    exc = cells()
    table = sim.chips.load("loihi").cores()
    sim.place(avoid=sorted({(int(x), int(y)) for x, y in zip(table.x, table.y, strict=True)}))
    return exc


REFUSED = {
    "a million inputs": (a_million_inputs, r"Population 'exc'.*synaptic memory.*16,384", True),
    "one population too large": (lambda: cells(200_000), r"needs 196 cores, the limit is 128.*'exc'.*n_boards=2", True),
    "all too large together": (lambda: (cells(), too_many_together()), r"needs 137 cores, the limit is 128.*'b'.*n_boards=2", True),
    "pins that collide": (
        lambda: pinned(2000, (slice(0, 1000), (0, 0, 0)), (slice(1000, 2000), (0, 0, 0))),
        r"'exc' does not fit on \(0, 0\) core 0, where it is pinned: together .* it needs 2,000 compartments, the limit is 1,024",
        True,
    ),
    "a neuron pinned twice": (lambda: pinned(20, (slice(0, 9), (0, 0)), (slice(5, 8), (1, 0))), "neuron 5 is pinned twice", False),
    "a pin outside": (lambda: pinned(20, (slice(0, 9), (50, 50))), r"pinned to \(50, 50\), which Loihi \(1 board\) does not have", True),
    "a pin on what is dead": (lambda: pinned(9, (slice(0, 9), (0, 0)), avoid=[(0, 0)]), "pinned to .* which is to be avoided", False),
    "every chip dead": (every_chip_dead, r"Every core of Loihi \(1 board\) is dead or to be avoided", True),
}


@pytest.mark.parametrize(("build", "words", "numbers"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_with_numbers_and_a_remedy_that_works(build, words, numbers):
    build()
    with pytest.raises(PlacementError, match=words) as refused:
        sim.run(1.0)
    error = refused.value
    assert error.remedy.endswith("explain() shows the numbers.") and len(error.remedy) > 40
    assert not numbers or None not in (error.used, error.limit)
    found = sim.explain()
    assert not found.fits and found.remedies


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        (lambda exc: {exc: -1.0}, r"Population 'exc': a firing rate is -1\. Give rates of 0 Hz or more"),
        (lambda exc: {exc: np.full(10, np.nan)}, "Population 'exc': a firing rate is nan"),
        (lambda exc: {exc: "fast"}, "the firing rate 'fast' is no number"),
        (lambda exc: {exc: [1.0, 2.0]}, "there are 2 rates for 10 cells"),
        (lambda exc: {exc[:3]: 1.0}, r"rates are given for a part of population 'exc'\. Give one array"),
        (lambda exc: {"exc": 1.0}, "rates are given for 'exc', which is no population"),
        (lambda exc: [1.0], r"rates=\[1\.0\] is no dictionary"),
    ],
)
def test_rates_that_cannot_be_are_refused(rates, words):
    exc = cells()

    def ask():
        sim.place(rates=rates(exc))
        sim.mapping()

    with pytest.raises(NeurosimError, match=words) as refused:
        ask()
    assert refused.value.remedy


def test_rates_of_an_earlier_setup_are_refused():
    old = cells()
    cells()
    with pytest.raises(NeurosimError, match=r"Population 'exc': belongs to an earlier setup\(\)"):
        sim.place(rates={old: 1.0})


@pytest.mark.parametrize("chip", CHIPS)
def test_an_empty_network_places_as_nothing(chip):
    sim.setup(timestep=1.0, chip=chip)
    mapping = sim.mapping()
    mapping.verify()
    assert (mapping.n_placed, mapping.n_cores_used, mapping.traffic.packets) == (0, 0, 0)
    assert not mapping.diff(mapping)
    assert Mapping.from_json(mapping.to_json()) == mapping
    assert "0 placed" in mapping.summary() and "<svg" in mapping.chip_map()
    assert sim.explain().fits
    assert sim.run(2.0) == 2.0


def saved() -> dict:
    cells()
    return json.loads(sim.mapping().to_json())


def moved(content: dict) -> None:
    content["placement"][0][0][2] += 1


FILES = {
    "edited by hand": (moved, "field 'placement': was edited"),
    "of another version": (lambda content: content.update(version=99), "field 'version': version 99 is not the one this release reads"),
    "of another program": (lambda content: content.update(format="x"), "field 'format': is not "),
    "cut off": (lambda content: content.pop("traffic"), "field 'traffic': is missing"),
}


@pytest.mark.parametrize(("edit", "words"), FILES.values(), ids=FILES)
def test_a_file_that_was_changed_is_refused_by_field(edit, words, tmp_path):
    content = saved()
    edit(content)
    (tmp_path / "map.json").write_text(json.dumps(content))
    with pytest.raises(MappingFileError, match=rf"map\.json'.*{words}") as refused:
        Mapping.from_json(tmp_path / "map.json")
    assert refused.value.remedy


def test_a_file_of_another_network_or_chip_is_refused():
    text = json.dumps(saved())
    cells(11)
    with pytest.raises(MappingFileError, match=r"'network\.fingerprint': the mapping belongs to another network.*Load it with the network"):
        Mapping.from_json(text, network=sim.mapping().network)
    with pytest.raises(MappingFileError, match=r"'chip\.name': the mapping was made for 'loihi', the chip given has 'spinnaker'"):
        Mapping.from_json(text, chip=sim.chips.load("spinnaker"))
