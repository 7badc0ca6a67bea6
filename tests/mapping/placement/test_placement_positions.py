"""Positions: distances are those one walks, neighbours lead back, curves visit everything once, bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import ParameterError, UnknownNameError
from neurosim.mapping.placement import Positions
from neurosim.mapping.placement.curves import compact, hilbert_order, raster_order, zigzag_order
from neurosim.mapping.placement.positions import Sites
from placement_cases import links, meshes, walked


def all_distances(positions: Positions) -> np.ndarray:
    ids = np.arange(len(positions))
    return positions.distances(np.repeat(ids, len(ids)), np.tile(ids, len(ids))).reshape(len(ids), len(ids))


@pytest.mark.parametrize("metric", ["manhattan", "hexagonal"])
@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize(("width", "height"), [(5, 5), (6, 4), (3, 7), (2, 2), (1, 6)])
def test_closed_forms_are_what_one_walks(metric: str, torus: bool, width: int, height: int) -> None:
    positions = Positions.grid(width, height, metric, torus=torus)
    if metric == "hexagonal" and torus and min(width, height) == 1:
        pytest.skip("a torus of one column joins every router to itself")
    assert (all_distances(positions) == walked(links(positions))).all()


@pytest.mark.parametrize("name", meshes())
def test_directions_lead_back_and_slots_belong_to_their_sites(name: str) -> None:
    positions = meshes()[name]
    sites: Sites = positions.sites
    for site, direction in np.argwhere(sites.near >= 0):
        assert sites.near[sites.near[site, direction], direction ^ 1] == site
        assert sites.near[site, direction] != site
    assert (np.repeat(np.arange(len(sites.place)), np.diff(sites.begin)) == sites.site).all()
    for slot, position in enumerate(positions.slots):
        row, column = sites.cell[sites.site[slot]]
        assert sites.raster[row, column] == sites.site[slot]
        assert np.unique(positions.y)[row] == positions.y[position]
        assert np.unique(positions.x)[column] == positions.x[position]


def test_a_full_mesh_has_all_its_links_as_neighbours() -> None:
    for metric, torus in (("manhattan", False), ("manhattan", True), ("hexagonal", False), ("hexagonal", True)):
        positions = Positions.grid(4, 5, metric, torus=torus)
        near = positions.sites.near
        found = np.zeros((20, 20), np.bool_)
        one, direction = np.nonzero(near >= 0)
        found[one, near[one, direction]] = True
        order = positions.slots
        assert (found == links(positions)[np.ix_(order, order)]).all()


@pytest.mark.parametrize("name", meshes())
@pytest.mark.parametrize("order", [hilbert_order, zigzag_order, raster_order])
def test_a_curve_visits_every_position_once(name: str, order) -> None:
    positions = meshes()[name]
    assert sorted(order(positions).tolist()) == list(range(len(positions)))


@pytest.mark.parametrize("side", [2, 4, 8, 16, 32])
def test_hilbert_and_zigzag_go_to_a_neighbour_each_time(side: int) -> None:
    positions = Positions.grid(side, side)
    for order in (hilbert_order(positions), zigzag_order(positions)):
        assert (positions.distances(order[:-1], order[1:]) == 1).all()


def test_compact_takes_the_nearest() -> None:
    positions = Positions.grid(9, 9)
    taken = compact(positions, np.arange(81), 13, 40)
    assert positions.distances(taken, np.full(13, 40)).max() == 2


def test_scattered_positions_need_no_raster() -> None:
    apart = np.arange(6000, dtype=np.int32)
    assert Positions(apart, apart).sites.raster.shape == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "message", "used"),
    [
        (([0.5], [1]), "x has the shape (1,) and the type float64.", "float64"),
        (([0, 1], [1]), "there are 2 x and 1 y.", 1),
        (([0, 5], [0, 0], "manhattan", (5, 5)), "x of position 1 is 5; it must be 0 to 4.", 5),
        (([0], [0], "table"), "metric 'table' came without a table.", None),
        (([0], [0], "manhattan", (0, 0), [[0]]), "metric 'manhattan' came with a table.", None),
        (([0, 1], [0, 0], "table", (0, 0), [[0]]), "the table has the shape (1, 1)", (1, 1)),
        (([0, 1], [0, 0], "table", (0, 0), [[0, -1], [-1, 0]]), "the table has a distance of -1.", -1),
        (([0, 1], [0, 0], "table", (0, 0), [[0, 40000], [40000, 0]]), "the table has a distance of 40,000.", 40000),
        (([0, 1], [0, 0], "table", (0, 0), [[0, 1], [2, 0]]), "the table is not symmetric", None),
        (([0, 1], [0, 0], "table", (0, 0), [[1, 1], [1, 0]]), "the table is not symmetric with zeros", None),
    ],
)
def test_bad_positions_are_refused(arguments, message: str, used: object) -> None:
    with pytest.raises(ParameterError) as caught:
        Positions(*arguments)
    assert message in str(caught.value)
    assert used is None or caught.value.used == used


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'manhattan'"):
        Positions(np.zeros(1, np.int32), np.zeros(1, np.int32), "manhatan")
