"""Saved mappings: round trip, and every way a file can be wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings

from mapping_networks import chips, network, networks, toy
from neurosim.columns import Expression
from neurosim.connectivity import Bernoulli, DistanceDependent, FixedIn
from neurosim.errors import MappingFileError, PlacementError
from neurosim.losses import Loss
from neurosim.mapping import Mapping, Pin, Place, map_network
from neurosim.mapping.fingerprint import network_fingerprint
from neurosim.mapping.serial import _checksum

PINS = [Pin(0, np.array([4, 2]), (1, 1)), Pin(1, None, Place(2, 0, 1)), Pin(0, np.array([9]), 7)]


@pytest.fixture
def mapping():
    made = map_network(network(20, 10, rule=Bernoulli(0.3)), toy(), pins=PINS, seed=5)
    made.losses.add(Loss("rounded", "Projection 'c0'", "weight", 3, 10, 0.1, 0.2, "nA", "on the grid"))
    return made


@settings(max_examples=40, deadline=None)
@given(net=networks(), chip=chips)
def test_a_round_trip_changes_nothing(net, chip):
    try:
        mapping = map_network(net, chip)
    except PlacementError:
        assume(False)
        return
    text = mapping.to_json()
    for known in (net, None):
        loaded = Mapping.from_json(text, known, chip)
        assert loaded == mapping
        assert loaded.to_json() == text
        assert loaded.complete == (known is not None)
        loaded.verify()


def test_a_loaded_mapping_answers_without_its_network(mapping, tmp_path):
    path = tmp_path / "mapping.json"
    assert mapping.to_json(path) == path.read_text()
    loaded = Mapping.from_json(path, chip=toy())
    assert loaded.where(("p0", slice(None))) == mapping.where("p0")
    assert [str(r) for r in loaded.on((2, 0))] == [str(r) for r in mapping.on((2, 0))]
    assert str(loaded.utilisation()) == str(mapping.utilisation())
    known = [line for line in mapping.summary().splitlines() if not line.startswith(("  time", "  routes"))]
    assert loaded.summary().splitlines() == known
    assert list(loaded.losses) == list(mapping.losses)
    assert loaded.traffic.graph is not None
    assert loaded.traffic.mean_hops == mapping.traffic.mean_hops
    assert [(p.population, p.coordinate) for p in loaded.pins] == [(0, Place(1, 1)), (1, Place(2, 0, 1)), (0, 7)]
    assert Mapping.from_json(str(path), mapping.network, toy()) == mapping


def test_mappings_of_different_placement_differ(mapping):
    other = map_network(mapping.network, toy(neurons=15))
    assert other != mapping
    assert mapping != "a mapping"


def test_a_fingerprint_tells_connectivity_and_sizes_but_not_weights():
    def near(d):
        return np.exp(-d)

    base = network(20, 10, rule=Bernoulli(0.3))
    assert network_fingerprint(base) == network_fingerprint(network(20, 10, rule=Bernoulli(0.3)))
    rules = (Bernoulli(0.31), FixedIn(3), FixedIn(np.full(10, 3)), DistanceDependent(Expression("distance", near)))
    others = [network_fingerprint(network(20, 10, rule=rule)) for rule in rules if not isinstance(rule, FixedIn)]
    others += [network_fingerprint(network(10, 10, rule=rule)) for rule in rules]
    assert len({network_fingerprint(base), *others}) == len(others) + 1


def edited(mapping, change, *, sign=False):
    content = json.loads(mapping.to_json())
    change(content)
    if sign:
        content["checksums"] = {name: _checksum(content[name]) for name in content["checksums"] if name in content}
    return json.dumps(content)


@pytest.mark.parametrize(
    ("change", "sign", "text"),
    [
        (lambda c: c["placement"][0][0].__setitem__(2, 3), False, "field 'placement': was edited"),
        (lambda c: c["chip"].update(n_boards=2), False, "field 'chip': was edited"),
        (lambda c: c["network"]["populations"][0].update(label="x"), False, "field 'network': was edited"),
        (lambda c: c.update(seed=6), False, "field 'seed': was edited"),
        (lambda c: c["losses"].clear(), False, "field 'losses': was edited"),
        (lambda c: c["traffic"].update(hops=0.0), False, "field 'traffic': was edited"),
        (lambda c: c["usage"]["core"]["used"][0].__setitem__(0, 99), False, "field 'usage': was edited"),
        (lambda c: c["pins"].pop(), False, "field 'pins': was edited"),
        (lambda c: c["checksums"].update(seed="0"), False, "field 'seed': was edited"),
        (lambda c: c.pop("checksums"), False, "field 'checksums': is missing"),
        (lambda c: c.pop("traffic"), False, "field 'traffic': is missing"),
        (lambda c: c.update(format="other"), False, "field 'format': is not 'neurosim mapping'"),
        (lambda c: c.update(version=1), False, "field 'version': version 1 is not the one this release reads (2). Map the network again"),
        (lambda c: c.update(extra=1), True, "field 'extra': Extra inputs are not permitted"),
        (lambda c: c["chip"].update(n_boards="many"), True, "field 'chip.n_boards': Input should be a valid integer"),
        (lambda c: c["chip"].update(name="other"), True, "field 'chip.name': the mapping was made for 'other', the chip given has 'toy'"),
        (lambda c: c["chip"].update(n_boards=2), True, "field 'chip.n_boards': the mapping was made for 2"),
        (lambda c: c["chip"].update(sheet="0"), True, "field 'chip.sheet': the mapping was made for '0'"),
        (lambda c: c["network"].update(fingerprint="0"), True, "field 'network.fingerprint': the mapping belongs to another network"),
        (lambda c: c["placement"].pop(), True, "field 'placement': does not have one row per population"),
        (lambda c: c["placement"][0].pop(), True, "field 'placement.0': does not place every neuron"),
        (lambda c: c["placement"][1][0].__setitem__(2, 99), True, "field 'placement.1': does not place every neuron on a core that exists"),
        (lambda c: c["usage"].pop("chip"), True, "field 'usage.chip': is missing"),
        (lambda c: c["pins"][0].update(neuron_size=4), True, "field 'pins': the chip refuses them: "),
        (lambda c: c["pins"][0].update(population=7), True, "field 'pins': the chip refuses them: Pin: unknown population '7'"),
        (lambda c: c["pins"][0].update(indices=[999]), True, "neuron 999 is pinned, but the population has"),
        (lambda c: c["losses"][0].update(kind="theft"), True, "field 'losses': unknown kind of loss 'theft'"),
        (lambda c: c["usage"]["core"]["used"][0].pop(), True, "field 'usage.core': is not a full table"),
        (lambda c: c["traffic"].update(graph=[[1], [2, 3], [1.0]]), True, "field 'traffic.graph': has columns of different lengths"),
        (lambda c: c.update(seed=-1), True, "field 'seed': Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_file_is_refused_by_field(mapping, change, sign, text):
    with pytest.raises(MappingFileError) as caught:
        Mapping.from_json(edited(mapping, change, sign=sign), mapping.network, toy())
    assert text in str(caught.value)
    assert str(caught.value).startswith("Mapping text: ")


def test_a_mapping_of_another_network_or_chip_is_refused(mapping):
    text = mapping.to_json()
    with pytest.raises(MappingFileError, match=r"'network\.fingerprint'"):
        Mapping.from_json(text, network(20, 10, rule=Bernoulli(0.4)), toy())
    with pytest.raises(MappingFileError, match=r"'chip\.sheet'.*Pass the chip it was made for"):
        Mapping.from_json(text, mapping.network, toy(neurons=17))
    with pytest.raises(MappingFileError, match=r"'chip\.name': there is no such chip.*Pass chip="):
        Mapping.from_json(text)


@pytest.mark.parametrize(("content", "text"), [("{not json", "is not valid JSON"), ("{}", "field 'format'")])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, text):
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(MappingFileError, match=text) as caught:
        Mapping.from_json(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(MappingFileError, match=r"cannot be read: .*No such file.*Check the path"):
        Mapping.from_json(tmp_path / "none.json")
    with pytest.raises(MappingFileError, match="cannot be read: expected str"):
        Mapping.from_json(5)  # type: ignore[arg-type]
