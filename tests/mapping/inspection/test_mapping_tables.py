"""CSV files and the table of use."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, reject, settings

from mapping_networks import chips, network, networks, toy
from neurosim.connectivity import AllToAll
from neurosim.errors import ParameterError, PlacementError, UnknownNameError
from neurosim.mapping import map_network
from neurosim.mapping.inspection import COLUMNS


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def mapping():
    return map_network(network(20, 10, rule=AllToAll()), toy(chip_memory=1000))


@settings(max_examples=40, deadline=None)
@given(net=networks(), chip=chips)
def test_the_placement_can_be_read_back(net, chip):
    try:
        mapping = map_network(net, chip)
    except PlacementError:
        reject()
    core_of = [np.full(p.size, -9) for p in net.populations]
    local_of = [np.full(p.size, -9) for p in net.populations]
    for row in rows(mapping.to_csv()):
        run = np.arange(int(row["first"]), int(row["last"]) + 1)
        core, local = int(row["core_index"]), int(row["first_local"])
        core_of[int(row["population_id"])][run] = core
        local_of[int(row["population_id"])][run] = local + np.arange(len(run)) if core >= 0 else -1
    for read, known in ((core_of, mapping.core_of), (local_of, mapping.local_of)):
        assert all(np.array_equal(a, b) for a, b in zip(read, known, strict=True))


@pytest.mark.parametrize("what", COLUMNS)
def test_every_table_has_the_columns_it_documents(mapping, what, tmp_path):
    path = tmp_path / "folder" / f"{what}.csv"
    text = mapping.to_csv(path, what=what)
    assert path.read_text() == text
    found = rows(text)
    assert found
    assert list(found[0]) == list(COLUMNS[what])


def test_a_row_of_the_placement(mapping):
    second = rows(mapping.to_csv())[1]
    assert second == {
        "population": "p0",
        "population_id": "0",
        "first": "16",
        "last": "19",
        "n_neurons": "4",
        "core_index": "1",
        "router": "0",
        "x": "0",
        "y": "0",
        "core": "1",
        "first_local": "0",
        "place": "toy chip (0, 0) core 1",
    }


def test_rows_of_traffic_sum_to_the_packets(mapping):
    assert sum(float(row["packets"]) for row in rows(mapping.to_csv(what="traffic"))) == mapping.traffic.packets
    assert sum(float(row["hops"]) for row in rows(mapping.to_csv(what="populations"))) == mapping.traffic.hops


def test_wrong_tables_and_files_are_refused(mapping, tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown table 'core'. Did you mean 'cores'"):
        mapping.to_csv(what="core")
    with pytest.raises(ParameterError, match="cannot be written"):
        mapping.to_csv(tmp_path)
    bare = map_network(mapping.network, toy())
    bare.__dict__["traffic"] = replace(mapping.traffic, graph=None)
    with pytest.raises(ParameterError, match="packets per pair of cores are not known"):
        bare.to_csv(what="traffic")


# --- the table of use --------------------------------------------------------------------------
@pytest.fixture(scope="module")
def usage():
    return map_network(network(20, 10), toy(cost={"p1": 6})).utilisation()


def places(text):
    return [line.split("  ")[0] for line in text.splitlines()[2:] if line.startswith("toy")]


def test_the_binding_limit_is_marked_and_bars_show_how_full(usage):
    lines = usage.text().splitlines()
    assert lines[2].split() == ["toy", "chip", "(0,", "0)", "core", "0", "██████████", "16/16", "100", "%*", "37/100", "37", "%"]
    assert lines[-1] == "binding: neurons 100 % (16 of 16 on toy chip (0, 0) core 0) (*)"


def test_rows_are_sorted_filtered_and_cut(usage):
    assert places(usage.text(sort="memory"))[0].endswith("core 1")
    assert places(usage.text(sort="place")) == list(usage.labels)
    cut = usage.text(sort="memory", top=1).splitlines()
    assert cut[-2] == "... and 1 more"
    assert "(*)" not in cut[-1]  # the marked row is not among those shown
    high = usage.text(at_least=0.9)
    assert places(high) == ["toy chip (0, 0) core 0"]
    assert "1 below 90 % left out" in high


def test_a_wrong_key_is_answered_with_the_nearest(usage):
    with pytest.raises(UnknownNameError, match=r"unknown sort key 'neuron'. Did you mean 'neurons'"):
        usage.text(sort="neuron")
