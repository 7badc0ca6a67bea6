"""Placement on every chip there is, through the chip interface alone."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from mapping_networks import projection
from neurosim import chips, mapping
from neurosim.connectivity import Bernoulli
from neurosim.mapping import Mapping, Pin, map_network
from neurosim.network import Network, Population, Receptor, Selection

CELL = {"tau_m": 20.0, "cm": 0.2, "v_rest": -60.0, "v_thresh": -50.0, "v_reset": -60.0, "tau_refrac": 5.0, "i_offset": 0.0}
PORTS = (Receptor("excitatory", "cond_exp", {"tau_syn": 5.0, "e_rev": 0.0}),)


def two_populations() -> Network:
    sizes = {"exc": 320, "inh": 80}
    cells = tuple(
        Population(i, label, size, "lif", CELL, PORTS, {"v": -60.0}, cell_type="IF_cond_exp")
        for i, (label, size) in enumerate(sizes.items())
    )
    whole = [Selection.whole(p) for p in cells]
    return Network(0.1, 1, cells, tuple(projection(i, whole[i], whole[1 - i], Bernoulli(0.05)) for i in (0, 1)))


@pytest.mark.parametrize("name", chips.available())
def test_a_network_is_placed_checked_saved_and_loaded(name):
    chip = chips.load(name)
    translated = chip.translate(two_populations(), chip.check_approximations(["all"])).network
    first = map_network(translated, chip)
    first.verify()
    place = first.where(("exc", 17))[0]
    assert 17 in next(r for r in first.on(place) if r.population == "exc").indices
    assert first.traffic.packets + first.traffic.local > 0
    last = int(len(chip.cores().core) - 1)
    pinned = map_network(translated, chip, pins=[Pin(1, np.array([3, 4]), last)])
    assert pinned.core_of[1][[3, 4]].tolist() == [last, last]
    loaded = Mapping.from_json(pinned.to_json())
    assert loaded == pinned
    assert loaded.where("inh") == pinned.where("inh")


def test_no_chip_is_named_in_the_code_of_placement():
    folder = Path(mapping.__file__).parent
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text())
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
        words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)} - docstrings
        words |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not [word for word in words if word is not None and any(name in word.lower() for name in chips.available())], path


def test_chips_are_counted_as_chips_where_a_chip_has_several_routers():
    cells = (Population(0, "many", 9000, "lif", CELL, (Receptor("excitatory", "curr_exp", {"tau_syn": 5.0}),)),)
    found = map_network(Network(0.1, 1, cells), chips.load("loihi", n_boards=2), pins=[Pin(0, np.array([5]), (8, 0, 3))])
    assert (found.n_cores_used, found.n_routers_used, found.n_chips_used) == (10, 4, 2)
    assert (found.n_routers, found.n_chips) == (64, 2)
    assert "chips          2 of 2 used" in found.summary()
    assert "tiles          4 of 64 used" in found.summary()
    place = found.where((0, 5))[0]
    assert (place.chip, place.router, place.label) == (1, 32, "loihi chip 1 tile (8, 0) core 3")
    assert found.on(place)[0].indices.tolist() == [5]
    again = map_network(found.network, chips.load("loihi", n_boards=2), pins=[Pin(0, np.array([5]), place)])
    assert again == found
    assert Mapping.from_json(again.to_json()).where((0, 5)) == [place]


@pytest.mark.parametrize("name", ["hicann", "spinnaker"])
def test_a_chip_with_one_router_has_one_row_in_the_summary(name):
    chip = chips.load(name)
    found = map_network(Network(0.1, 1), chip)
    assert (found.n_chips, found.n_routers) == (len(chip.topology()),) * 2
    assert found.summary().count(" used (0 %)") == 2


def test_keys_of_spinnaker_leave_room_for_the_time_of_sending():
    """256 neurons take 4,096 keys, as in the tool chain."""
    receptor = Receptor("excitatory", "curr_exp", {"tau_syn": 5.0})
    cells = Population(0, "exc", 300, "lif", receptors=(receptor,))
    net = Network(1.0, 1, (cells,), (projection(0, Selection.whole(cells), Selection.whole(cells), Bernoulli(0.5)),))
    chip = chips.load("spinnaker")
    routing = map_network(net, chip).routing
    assert routing is not None
    assert routing.keys is not None
    assert routing.keys.key.tolist() == [0, 4096]
    assert routing.keys.size.tolist() == [4096, 4096]
    assert routing.keys.key_of(1, 3) == 4096 + 3 * 16
    assert routing.keys.per_neuron == 2 ** chip.sheet.facts["colour_bits"].value
