"""What users may point at, and what they get."""

from __future__ import annotations

import numpy as np
import pytest

from mapping_networks import network, population, toy
from neurosim.errors import NetworkError, ParameterError, UnknownNameError
from neurosim.mapping import map_network
from neurosim.network import Network


class Cells:
    """A population as the front end has it."""

    def __init__(self, network_id, size):
        self.network_id, self.all_cells = network_id, np.arange(1000, 1000 + size)

    def id_to_index(self, cells):
        return np.asarray(cells, dtype=int) - 1000


class View:
    def __init__(self, parent, cells):
        self.parent = self.grandparent = parent
        self.all_cells = np.asarray(cells)


class Assembly:
    def __init__(self, *populations):
        self.populations = populations


class Cell(int):
    parent: Cells


@pytest.fixture(scope="module")
def mapping():
    return map_network(network(20, 10), toy())


def neurons(places):
    return [(place.population, place.neuron) for place in places]


def test_cells_populations_views_and_assemblies_are_found(mapping):
    cells = Cells(1, 10)
    cell = Cell(1003)
    cell.parent = cells
    assert neurons(mapping.where(cell)) == [("p1", 3)]
    assert neurons(mapping.where(cells)) == [("p1", i) for i in range(10)]
    assert neurons(mapping.where(View(cells, [1004, 1002]))) == [("p1", 4), ("p1", 2)]
    both = Assembly(View(Cells(0, 20), [1001]), View(cells, [1000]))
    assert neurons(mapping.where(both)) == [("p0", 1), ("p1", 0)]
    assert neurons(mapping.where((cells, 2))) == [("p1", 2)]


def test_labels_ids_and_indices_are_found(mapping):
    assert neurons(mapping.where(("p0", -1))) == [("p0", 19)]
    assert neurons(mapping.where((1, slice(0, 2)))) == [("p1", 0), ("p1", 1)]
    assert neurons(mapping.where((np.int64(1), np.array([7])))) == [("p1", 7)]
    assert len(mapping.where("p0")) == 20
    assert mapping.where((0, np.array([], int))) == []


@pytest.mark.parametrize(
    ("item", "kind", "text"),
    [
        ("q0", UnknownNameError, "unknown population 'q0'. Did you mean 'p0'?"),
        ((5, 0), UnknownNameError, "unknown population '5'"),
        (("p1", 10), ParameterError, "there is no neuron 10; the population has 10."),
        (("p1", -11), ParameterError, "there is no neuron -11"),
        (("p1", 0.5), ParameterError, "0.5 is not an index"),
        (17, ParameterError, "17 cannot be looked up. Give a cell"),
        (None, ParameterError, "None cannot be looked up"),
    ],
)
def test_unknown_things_are_refused(mapping, item, kind, text):
    with pytest.raises(kind) as caught:
        mapping.where(item)
    assert text in str(caught.value)


def test_a_label_that_is_not_unique_is_refused():
    twins = Network(0.1, 1, (population(0, 2, label="a"), population(1, 2, label="a")))
    with pytest.raises(ParameterError, match=r"2 populations are called 'a'. Use an id: \[0, 1\]"):
        map_network(twins, toy()).where("a")


def test_on_takes_cores_and_coordinates(mapping):
    assert [str(r) for r in mapping.on(1)] == ["p0[16-19]", "p1[0-9]"]
    assert [r.core for r in mapping.on((0, 0))] == [0, 1, 1]
    assert mapping.on((1, 1)) == []
    assert mapping.on(0)[0].ranges == ((0, 15),)
    with pytest.raises(ParameterError, match=r"has no place \(7, 7\). There are usable cores at x 0 to 2"):
        mapping.on((7, 7))


def test_utilisation_reads_as_a_table(mapping):
    usage = mapping.utilisation()
    assert usage.used.tolist() == [[16, 37], [14, 38]]
    assert usage.fraction[0, 0] == 1.0
    row = {"place": "toy chip (0, 0) core 0", "core": 0, "resource": "neurons", "used": 16, "capacity": 16}
    assert usage.rows()[0] == {**row, "fraction": 1.0, "unit": "1", "hard": True}
    assert "toy chip (0, 0) core 0  ██████████  16/16 100 %*  37/100 37 %" in str(usage)
    assert str(usage).endswith("binding: neurons 100 % (16 of 16 on toy chip (0, 0) core 0) (*)")
    with pytest.raises(UnknownNameError, match="unknown scope 'board'"):
        mapping.utilisation("board")


def test_long_tables_are_cut():
    assert "... and 5 more, less full" in str(map_network(network(25), toy(neurons=1, width=9)).utilisation())


def test_the_summary_fits_one_screen(mapping):
    lines = mapping.summary().splitlines()
    assert lines[0] == "Mapping on Toy (1 board)"
    assert len(lines) < 15
    assert "cores          2 of 12 used (16.7 %)" in mapping.summary()
    assert repr(mapping) == "<Mapping on toy: 30 neurons on 2 cores>"
    assert repr(mapping.on(0)[0]) == f"<{mapping.on(0)[0]} on core 0>"


@pytest.mark.parametrize(
    ("number", "label", "size", "text"),
    [
        (1, "p0", 10, "Population 'p0': it is not in this mapping, which has 'p1' with 10 neurons in its place"),
        (1, "p1", 11, "'p1' with 10 neurons in its place. Look up cells of the set-up"),
        (2, "p2", 10, "Population 'p2': it is not in this mapping, which has 2 populations"),
    ],
)
def test_objects_of_another_set_up_are_refused(mapping, number, label, size, text):
    cells = Cells(number, size)
    cells.label, cells.size = label, size
    cell = Cell(1003)
    cell.parent = cells
    for item in (cells, (cells, 3), cell, View(cells, [1002]), Assembly(cells)):
        with pytest.raises(NetworkError) as caught:
            mapping.where(item)
        assert text in str(caught.value)
