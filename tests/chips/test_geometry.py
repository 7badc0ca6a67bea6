"""Where cores are: wafer, boards and meshes, against counts of the makers' tools."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest

from neurosim import chips
from neurosim.chips.loihi.mesh import grid_of
from neurosim.errors import ParameterError, UnknownNameError


def hops_are_shortest_paths(chip, sources):
    graph = chip.topology()
    nodes = np.array(sorted(graph))
    for source in sources:
        exact = nx.single_source_shortest_path_length(graph, source)
        assert (chip.hops(np.full(len(nodes), source), nodes) == [exact[int(node)] for node in nodes]).all()


@pytest.mark.parametrize(("name", "boards"), [("hicann", 1), ("spinnaker", 1), ("spinnaker", 3), ("loihi", 1), ("loihi", 6)])
def test_hops_are_the_lengths_of_shortest_paths(name, boards):
    chip = chips.load(name, n_boards=boards)
    n_routers = len(chip.topology())
    hops_are_shortest_paths(chip, range(0, n_routers, max(1, n_routers // 12)))


@pytest.mark.parametrize("name", chips.available())
def test_cores_and_topology_agree(name):
    chip = chips.load(name)
    table, graph = chip.cores(), chip.topology()
    assert nx.is_connected(graph)
    assert all(column.dtype == np.int32 for column in table)
    for router, x, y, _ in zip(*table, strict=True):
        assert (graph.nodes[int(router)]["x"], graph.nodes[int(router)]["y"]) == (x, y)
    assert len(set(zip(*table, strict=True))) == len(table.core)


def test_the_wafer_has_384_hicanns_in_48_reticles():
    wafer = chips.load("hicann").wafer
    assert len(wafer.xy) == 384
    assert (wafer.number[12, 0], wafer.number[0, 6], wafer.number[23, 15]) == (0, 120, 383)
    assert set(Counter(wafer.reticles.tolist()).values()) == {8}
    assert len(set(wafer.reticles.tolist())) == 48
    assert sorted({wafer.fpga(hicann) for hicann in range(384)}) == list(range(48))


def test_a_coordinate_names_a_hicann_or_is_refused():
    place = chips.hicann.coordinate(x=5, y=5)
    assert (place.x, place.y, place.enum) == (5, 5, 93)
    assert str(place) == "HICANN 93 (x=5, y=5)"
    with pytest.raises(ParameterError, match=r"no HICANN at x=0, y=0. Row y=0 has x from 12 to 23"):
        chips.hicann.coordinate(x=0, y=0)
    with pytest.raises(ParameterError, match=r"Rows are y = 0 to 15"):
        chips.hicann.coordinate(x=12, y=16)


def test_a_board_has_48_chips_856_cores_and_759_for_applications():
    machine = chips.load("spinnaker").machine
    assert len(machine.places) == 48
    assert sum(machine.working_cores(place) for place in machine.places.values()) == 856
    assert len(machine.cores.core) == 759
    assert Counter(Counter(machine.cores.chip.tolist()).values()) == {16: 39, 15: 9}


def test_three_boards_are_a_triad_of_144_chips():
    machine = chips.load("spinnaker", n_boards=3).machine
    assert len(machine.places) == 144
    assert {max(xy) for xy in zip(*machine.places, strict=True)} == {15}
    assert all(x % 4 == 0 and (x + y) % 12 == 0 for x, y in chips.load("spinnaker", n_boards=11).machine.ethernet)


def test_two_boards_are_connected():
    assert nx.is_connected(chips.load("spinnaker", n_boards=2).topology())


def test_the_distance_in_a_hexagonal_mesh():
    chip = chips.load("spinnaker")
    number = {xy: chip_number for chip_number, xy in enumerate(chip.machine.places)}
    pairs = {((0, 0), (3, 3)): 3, ((0, 0), (4, 2)): 4, ((0, 3), (4, 0)): 7, ((2, 2), (2, 2)): 0}
    for (a, b), hops in pairs.items():
        assert chip.hops(np.array([number[a]]), np.array([number[b]]))[0] == hops


def test_loihi_has_128_cores_in_32_tiles():
    chip = chips.load("loihi")
    table = chip.cores()
    assert len(table.core) == 128
    assert len(set(table.chip.tolist())) == 32
    # tiles are numbered down the columns of the 8 x 4 grid
    assert (table.x[4 * 5], table.y[4 * 5]) == (1, 1)
    assert (table.x.max(), table.y.max()) == (7, 3)
    assert chip.core_label(22) == "loihi chip 0 tile (1, 1) core 2"


def test_loihi_boards(tmp_path):
    assert grid_of(32) == (8, 4)
    assert grid_of(768) == (32, 24)
    assert grid_of(5) == (5, 1)
    chip = chips.load("loihi", n_boards=2)
    assert len(chip.cores().core) == 256
    assert chip.core_label(128).startswith("loihi chip 1 tile (8, 0)")
    text = (tmp_path / "bay.toml", chips.__path__[0] + "/loihi/loihi.toml")
    with open(text[1], encoding="utf-8") as sheet:
        text[0].write_text(sheet.read().replace('board = "chip"', 'board = "kapoho_bay"'))
    assert chips.load(text[0]).n_chips == 2


BOARDS = [
    ("loihi:kapoho_bay", 1, 2),
    ("loihi:nahuku8", 1, 8),
    ("loihi:nahuku32", 1, 32),
    ("loihi:nahuku32", 24, 768),
    ("loihi:pohoiki_springs", 1, 768),
]


@pytest.mark.parametrize(("name", "n_boards", "n_chips"), BOARDS)
def test_a_kind_of_board_follows_the_name_of_the_chip(name, n_boards, n_chips):
    chip = chips.load(name, n_boards=n_boards)
    assert (chip.full_name, chip.name, len(chip.cores().core)) == (name, "loihi", 128 * n_chips)
    assert chip.with_boards(1).full_name == name
    assert chips.load("loihi").full_name == "loihi"


def test_there_are_no_larger_machines_than_pohoiki_springs():
    with pytest.raises(ParameterError, match="whole number from 1 to 24"):
        chips.load("loihi:nahuku32", n_boards=25)


def test_an_unknown_board_is_refused_by_name():
    with pytest.raises(UnknownNameError, match=r"Chip 'loihi': unknown board 'kapoho'. Did you mean 'kapoho_bay'\?"):
        chips.load("loihi:kapoho")
    with pytest.raises(UnknownNameError, match=r"Chip 'spinnaker': unknown board 'spin5'; there is only one kind\. Use 'spinnaker'"):
        chips.load("spinnaker:spin5")


@pytest.mark.parametrize("n_boards", [True, 0, 2.0, "2", 1201])
def test_numbers_of_boards_are_whole(n_boards):
    with pytest.raises(ParameterError, match=r"number of boards is .* whole number from 1 to 1,200"):
        chips.load("spinnaker", n_boards=n_boards)
    assert chips.load("spinnaker", n_boards=np.int64(2)).n_boards == 2  # type: ignore[arg-type]
