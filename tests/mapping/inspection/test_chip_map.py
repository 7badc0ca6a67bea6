"""Maps of chips as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import chip_networks as cn
from mapping_networks import network, toy
from neurosim import chips
from neurosim.connectivity import AllToAll, OneToOne
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping import Mapping, map_network
from neurosim.mapping.inspection import LinkLoad
from neurosim.mapping.inspection.colours import BLUES, OTHERS, POPULATIONS, ramp, text_on
from neurosim.mapping.inspection.map_layout import layout
from neurosim.mapping.inspection.map_legend import Names, Scale, compact

SVG = "{http://www.w3.org/2000/svg}"
NAMES = sorted(chips.available())
COLOURS = ("neurons", "populations", "sent", "received", "fullest")


def shapes(text, kind):
    """Elements of a class in a map."""
    return [element for element in ET.fromstring(text).iter() if element.get("class") == kind]


def tooltip(element):
    return element.findtext(f"{SVG}title")


@pytest.fixture(scope="module")
def mappings():
    """A small network on every chip, on two boards where there are several."""
    receptors = {"hicann": cn.cond(), "loihi": cn.curr(), "loihi2": cn.curr(), "spinnaker": cn.curr()}
    made = {}
    for name in NAMES:
        pops = [cn.lif(i, 300, receptors[name], f"a<b&{i}") for i in range(2)]
        net = cn.network(pops, [cn.connect(0, *pops, OneToOne(), 0.01)])
        chip = chips.load(name)
        made[name] = map_network(net, chip if chip.sheet.max_boards == 1 else chip.with_boards(2))
    return made


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_map_is_well_formed_with_one_shape_per_router(mappings, name, colour):
    mapping = mappings[name]
    text = mapping.chip_map(colour=colour)
    assert len(shapes(text, "router")) == mapping.n_routers
    assert text.count("<title>") == 1 + mapping.n_routers + len(shapes(text, "core"))


@pytest.mark.parametrize("name", NAMES)
def test_every_limited_resource_can_be_shown(mappings, name):
    mapping = mappings[name]
    for scope in ("core", "chip"):
        for resource in mapping.utilisation(scope).resources:
            assert len(shapes(mapping.chip_map(colour=resource), "router")) == mapping.n_routers


@pytest.mark.parametrize("name", NAMES)
def test_routers_do_not_overlap_and_cores_lie_inside_their_router(mappings, name):
    from scipy.spatial import cKDTree

    lay = layout(mappings[name].chip)
    apart = np.sort(cKDTree(lay.centre).query(lay.centre, k=2)[0][:, 1])
    assert apart[0] >= lay.unit - 1e-9
    for x, y, width, height in lay.cells(0, 4):
        corners = np.array([(x, y), (x + width, y), (x, y + height), (x + width, y + height)]) - lay.centre[0]
        for k in range(len(lay.sides)):
            a, b = lay.corner[k - 1], lay.corner[k]
            turns = (b[0] - a[0]) * (corners[:, 1] - a[1]) - (b[1] - a[1]) * (corners[:, 0] - a[0])
            inside = (b[0] - a[0]) * -a[1] - (b[1] - a[1]) * -a[0]
            assert (turns * np.sign(inside) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_everything_lies_inside_the_picture(mappings, name):
    root = ET.fromstring(mappings[name].chip_map())
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    size = layout(mappings[name].chip).size
    assert (size[0] < width, size[1] < height) == (True, True)
    texts = list(root.iter(f"{SVG}text"))
    assert all(-40 <= float(t.get("x", 0)) <= width and 0 <= float(t.get("y", 0)) <= height for t in texts)


def test_tooltips_say_what_is_there(mappings):
    text = mappings["spinnaker"].chip_map(colour="neurons")
    first = next(group for group in ET.fromstring(text).iter(f"{SVG}g") if group.find(f"{SVG}polygon") is not None)
    assert tooltip(first).splitlines() == [
        "chip (0, 0), board 0",
        "4 of 15 cores used, 600 neurons",
        "a<b&0 300, a<b&1 300",
        "Neurons per chip: 600 neurons",
    ]
    used = [tooltip(core) for core in shapes(text, "core") if "unused" not in tooltip(core)]
    assert used[0].splitlines()[1:] == ["a<b&0[0-255]", "Neurons per core: 256 neurons"]


def test_routers_with_one_core_are_coloured_themselves():
    text = map_network(network(20, 10, rule=AllToAll()), toy(cores_per_chip=1)).chip_map(colour="neurons")
    assert not shapes(text, "core")
    fills = [shape.get("fill") for shape in shapes(text, "router")]
    assert fills[0] == Scale.of(np.array([16.0, 14.0]), "neurons").colour(16)
    assert [value.text for value in shapes(text, "value")] == ["16", "14"]


def test_rows_are_counted_from_the_side_the_chip_counts_from():
    down, up = layout(chips.load("hicann")), layout(toy())
    assert down.centre[0, 1] == down.centre[:, 1].min()
    assert up.centre[0, 1] == up.centre[:, 1].max()


def test_outlines_part_the_boards():
    one, two = layout(chips.load("spinnaker")), layout(chips.load("spinnaker").with_boards(2))
    assert len(list(one.borders())) == 48 * 6 - 2 * chips.load("spinnaker").topology().number_of_edges()
    assert len(np.unique(two.group)) == 2


def test_loads_of_links_are_drawn_from_the_router_that_sends(mappings, tmp_path):
    mapping = mappings["spinnaker"]
    links = LinkLoad.of(mapping.chip, {(0, 1): 4.0, (1, 0): 8.0}, unit="spikes/s")
    text = mapping.chip_map(tmp_path / "map.svg", colour="links", links=links)
    assert (tmp_path / "map.svg").read_text() == text
    drawn = shapes(text, "link")
    assert [tooltip(line) for line in drawn] == ["(0, 0) to (0, 1): 4 spikes/s", "(0, 1) to (0, 0): 8 spikes/s"]
    assert (drawn[0].get("x2"), drawn[0].get("y2")) == (drawn[1].get("x2"), drawn[1].get("y2"))  # they meet half way
    assert len(shapes(text, "router")) == mapping.n_routers


def test_entries_of_routing_tables_are_shown_per_router():
    mapping = map_network(network(20), toy())
    text = mapping.chip_map(colour="entries", entries=np.array([7, 0, 0, 3, 0, 0]))
    assert [value.text for value in shapes(text, "value")] == ["7", "3"]
    assert "Router entries per chip" in text


def test_a_machine_of_thousands_of_routers_stays_readable():
    lay = layout(toy(width=80, height=60))
    assert lay.unit >= 8.5
    assert len(shapes(map_network(network(20), toy(width=80, height=60)).chip_map(), "router")) == 4800


def test_an_empty_mapping_has_a_map():
    for colour in ("neurons", "populations", "fullest", "sent"):
        assert shapes(map_network(network(), toy()).chip_map(colour=colour), "router")


def test_what_is_missing_or_unknown_is_told(mappings, tmp_path):
    mapping = mappings["loihi"]
    with pytest.raises(UnknownNameError, match=r"unknown colour 'neuron'. Did you mean 'neurons'"):
        mapping.chip_map(colour="neuron")
    with pytest.raises(ParameterError, match=r"no loads of links were given. Give links="):
        Mapping.from_json(mapping.to_json()).chip_map(colour="links")
    with pytest.raises(ParameterError, match="no entries were given; the machine has 64 routers"):
        mapping.chip_map(colour="entries")
    with pytest.raises(ParameterError, match=r"the shape \(3,\)"):
        mapping.chip_map(colour="entries", entries=np.ones(3))
    with pytest.raises(ParameterError, match="cannot be written"):
        mapping.chip_map(tmp_path)


# --- colours and numbers -------------------------------------------------------------------------
def test_scales_have_round_ends():
    assert Scale.of(np.array([np.nan, 204.0]), "neurons").ticks == (0, 50, 100, 150, 200, 250)
    assert Scale.of(np.array([2.0]), "neurons").ticks == (0, 1, 2)
    assert Scale.of(np.array([37.0]), "% of the limit").top == 100
    assert Scale.of(np.array([250.0]), "% of the limit").top >= 250
    assert Scale.of(np.array([np.nan]), "packets").top == 1
    assert Scale.of(np.array([0.004]), "packets").ticks[1] == pytest.approx(0.001)


def test_colours_run_from_light_to_dark_and_text_can_be_read_on_them():
    assert (ramp(BLUES, 0.0), ramp(BLUES, 2.0)) == (BLUES[0], BLUES[-1])
    assert text_on(BLUES[0]) != text_on(BLUES[-1])


def test_small_populations_share_grey_where_there_are_many():
    names = Names(tuple(f"p{i}" for i in range(14)), (0, *range(1, 14)))
    assert len(names.shown()) == len(POPULATIONS)
    assert (names.colour(1), names.colour(3)) == (OTHERS, POPULATIONS[0])
    assert any("2 others" in part for part in names.legend(0, 0)[0])


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (999, "999"), (1234, "1,234"), (12345, "12.3k"), (2.5e6, "2.5M"), (0.25, "0.25")])
def test_numbers_are_short(value, text):
    assert compact(value) == text
