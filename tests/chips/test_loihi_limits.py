"""Loihi: every limit of a core is kept, and one more is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from chip_networks import connect, curr, lif, network, poisson
from neurosim import chips
from neurosim.columns import Random
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, OneToOne, Table
from neurosim.errors import PlacementError
from neurosim.mapping import Options, Pin, map_network
from neurosim.network import Plasticity

CHIP = chips.load("loihi")
FAST = Options("fast")


def fits(net, *pinned: int, chip=CHIP):
    """Mapping with some populations pinned to core 0."""
    return map_network(net, chip, pins=[Pin(p, None, 0) for p in pinned], options=FAST)


def used(mapping, resource: str) -> int:
    """Most of a resource on any core."""
    table = mapping.utilisation("core")
    return int(table.used[:, table.resources.index(resource)].max())


def group(*, size=1, ident=1, label="post", **changes):
    return lif(ident, size, curr(), label, **changes)


def alone(size, **changes):
    return network([lif(0, size, curr(), "post", **changes)])


def onto(size, n_sources=1, rule=None, weight=0.1, delay=0.1, **more):
    """Sources that the host feeds, onto a population that lies on one core."""
    source, post = poisson(0, n_sources), group(size=size)
    return network((source, post), [connect(0, source, post, rule or AllToAll(), weight, delay=delay, **more)])


def formats(n):
    """A population with n projections, each with another exponent."""
    source, post = poisson(0, 1), group()
    return network((source, post), [connect(k, source, post, AllToAll(), 0.5**k, delay=0.1) for k in range(n)])


def learned(n):
    """A population with n learning projections of different traces."""
    source, post = poisson(0, 1), group()
    rules = [Plasticity("pair", "additive", 10.0 + k, 20, 0.01, 0.01, 0.0, 0.2) for k in range(n)]
    rows = [connect(k, source, post, AllToAll(), 0.1, delay=0.1, model="stdp", plasticity=rule) for k, rule in enumerate(rules)]
    return network((source, post), rows)


def repeated(n):
    """A pair of cells with n synapses."""
    return onto(1, rule=Table(np.zeros(n, np.int64), np.zeros(n, np.int64), {}))


def dense(n_pre):
    """Sources and targets without weights in common, 500 of them."""
    pre, post = lif(0, n_pre, curr(), "pre"), group(size=500)
    weights = Random("uniform", {"low": -1.0, "high": 1.0}, 3)
    return network((pre, post), [connect(0, pre, post, AllToAll(), weights, delay=0.1)])


def different(n, name):
    values = {"tau_m": 10.0 + np.arange(n), "v_thresh": -50.0 + 0.1 * np.arange(n)}
    return alone(n, **{name: values[name]})


STDP = Plasticity("pair", "additive", 10.0, 20, 0.01, 0.01, 0.0, 0.2)
CASES = [
    ("compartments", lambda n: alone(n), 1024, 1024, (0,)),
    ("dendritic accumulators", lambda n: onto(n, delay=6.2), 128, 8192, (1,)),
    ("dendritic accumulators", lambda n: onto(n, delay=0.8), 512, 8192, (1,)),
    ("synaptic memory", lambda n: onto(n, n_sources=4096), 28, 16384, (1,)),
    ("longest axon list", repeated, 901, 256, (1,)),
    ("input axons", lambda n: onto(1, n_sources=n), 4096, 4096, (1,)),
    (
        "input axons",
        lambda n: onto(1, n_sources=n, model="stdp", plasticity=STDP),
        2048,
        4096,
        (1,),
    ),
    ("compartment profiles", lambda n: different(n, "tau_m"), 32, 32, (0,)),
    ("threshold profiles", lambda n: different(n, "v_thresh"), 16, 16, (0,)),
    ("synapse formats", formats, 15, 15, (1,)),
    ("pre-trace configurations", learned, 3, 3, (1,)),
]


@pytest.mark.parametrize(("resource", "make", "most", "limit", "pinned"), CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_a_core_holds_what_the_limit_allows_and_not_one_more(resource, make, most, limit, pinned):
    full = fits(make(most), *pinned)
    assert full.n_cores_used == 1
    assert used(full, resource) <= limit
    with pytest.raises(PlacementError) as error:
        fits(make(most + 1), *pinned)
    found = error.value
    assert (found.resource, found.limit) == (resource, limit)
    assert found.used > limit  # type: ignore[operator]
    assert found.population == "post"
    assert found.core
    assert found.remedy
    assert f"the limit is {limit:,}" in found.message or f"is {limit:,}." in found.message


@pytest.mark.parametrize("resource", ["compartments", "input axons", "synaptic memory", "compartment profiles", "threshold profiles"])
def test_what_does_not_fit_on_one_core_goes_on_two(resource):
    makes = {"input axons": None, **{case[0]: case for case in CASES}}
    _, make, most, limit, _ = makes[resource]
    if resource == "input axons":
        a, b = poisson(0, 4096, "a"), poisson(1, 1, "b")
        ends = [group(ident=2, label="x"), group(ident=3, label="y")]
        rows = [connect(0, a, ends[0], AllToAll(), 0.1, delay=0.1), connect(1, b, ends[1], AllToAll(), 0.1, delay=0.1)]
        net = network((a, b, *ends), rows)
    else:
        net = make(most + 1)
    found = map_network(net, CHIP, options=FAST)
    assert found.n_cores_used == 2
    assert used(found, resource) <= limit


def test_a_neuron_with_too_many_sources_names_the_projection():
    with pytest.raises(PlacementError, match=r"needs 5,000 input axons, mostly for projection 'noise>post', the limit is 4,096") as error:
        map_network(onto(10, n_sources=5000), CHIP)
    assert (error.value.projection, error.value.core) == ("noise>post", "an empty core")


def test_sources_of_several_populations_of_a_core_count_once():
    source = poisson(0, 3000)
    ends = [group(ident=1 + k, label=f"post{k}") for k in range(3)]
    net = network((source, *ends), [connect(k, source, post, AllToAll(), 0.1, delay=0.1) for k, post in enumerate(ends)])
    found = map_network(net, CHIP)
    assert (found.n_cores_used, used(found, "input axons")) == (1, 3000)


def test_output_axons_are_one_for_each_neuron_and_core_that_it_reaches():
    found = map_network(dense(1000), CHIP)
    table, reached = found.utilisation("core"), len(np.unique(found.core_of[1]))
    here = np.bincount(found.core_of[0], minlength=128)[table.places]
    assert (table.used[:, table.resources.index("output axons")] == here * reached).all()
    assert used(found, "output axons") <= 4096


def test_more_neurons_than_output_axons_for_them_are_refused_where_they_are_pinned():
    assert used(fits(dense(900), 0), "output axons") == 900 * 4
    with pytest.raises(PlacementError) as error:
        fits(dense(1000), 0)
    assert (error.value.population, error.value.resource, error.value.limit) == ("pre", "output axons", 4096)


def spread(n_pre, *, chip):
    """A population that reaches three cores, which are pinned to one chip."""
    pre = lif(0, n_pre, curr(), "pre")
    ends = [lif(1 + k, 4, curr(), f"post{k}") for k in range(3)]
    net = network((pre, *ends), [connect(k, pre, post, AllToAll(), 0.1, delay=0.1) for k, post in enumerate(ends)])
    pins = [Pin(0, None, 0), *(Pin(1 + k, None, 128 * chip + 10 + k) for k in range(3))]
    return map_network(net, chips.load("loihi:kapoho_bay"), pins=pins, options=FAST)


def test_an_output_axon_to_another_chip_takes_one_entry_more():
    assert used(spread(600, chip=0), "output axons") == 1800
    assert used(spread(600, chip=1), "output axons") == 3600
    assert used(spread(682, chip=1), "output axons") == 4092
    with pytest.raises(PlacementError) as error:
        spread(683, chip=1)
    found = error.value
    assert (found.population, found.projection, found.resource, found.used, found.limit) == ("pre", "pre>post0", "output axons", 4098, 4096)
    assert found.core == "loihi chip 0 tile (0, 0) core 0"
    assert "fewer chips" in found.remedy


def test_neurons_go_on_more_cores_where_their_targets_are_on_another_chip():
    pre = lif(0, 1000, curr(), "pre")
    ends = [lif(1 + k, 4, curr(), f"post{k}") for k in range(3)]
    net = network((pre, *ends), [connect(k, pre, post, AllToAll(), 0.1, delay=0.1) for k, post in enumerate(ends)])
    pins = [Pin(1 + k, None, 128 + k) for k in range(3)]
    found = map_network(net, chips.load("loihi:kapoho_bay"), pins=pins, options=FAST)
    assert len(np.unique(found.core_of[0])) >= 2
    assert used(found, "output axons") <= 4096


def test_neurons_with_other_delay_bits_do_not_share_a_core():
    source, ends = poisson(0, 1), [group(ident=1, label="near"), group(ident=2, label="far")]
    delays = (0.1, 6.2)
    rows = [connect(k, source, post, AllToAll(), 0.1, delay=delay) for k, (post, delay) in enumerate(zip(ends, delays, strict=True))]
    net = network((source, *ends), rows)
    assert map_network(net, CHIP).n_cores_used == 2
    with pytest.raises(PlacementError, match="its neurons have 1 core-wide settings and share the place with others") as error:
        fits(net, 1, 2)
    assert (error.value.resource, error.value.limit) == ("core-wide settings", 1)
    assert "core-wide settings" not in map_network(net, CHIP).utilisation("core").resources


def test_equal_profiles_of_different_populations_are_one():
    net = network([lif(k, 10, curr(), f"p{k}") for k in range(130)])
    found = map_network(net, CHIP)
    assert found.n_cores_used == 2
    assert used(found, "compartment profiles") == 1
    assert used(found, "threshold profiles") == 1


def test_different_profiles_of_different_populations_fill_a_core_by_32():
    net = network([lif(k, 10, curr(), f"p{k}", tau_m=10.0 + k) for k in range(40)])
    found = map_network(net, CHIP)
    assert (found.n_cores_used, used(found, "compartment profiles")) == (2, 32)


def test_every_limit_is_in_the_table_of_use():
    table = map_network(onto(10, n_sources=20), CHIP).utilisation("core")
    assert set(table.resources) == {limit.resource for limit in CHIP.limits()} - {"core-wide settings", "noise settings"}
    assert dict(zip(table.resources, table.used[0].tolist(), strict=True)) == {
        "compartments": 10,
        "dendritic accumulators": 80,
        "synaptic memory": 40,
        "longest axon list": 2,
        "input axons": 20,
        "output axons": 0,
        "compartment profiles": 1,
        "threshold profiles": 1,
        "synapse formats": 1,
        "pre-trace configurations": 0,
    }


ALLOCATION = [(1, 1), (100, 1), (1024, 1), (1025, 2), (1500, 2), (2049, 3), (5000, 5)]


@pytest.mark.parametrize(("size", "n_cores"), ALLOCATION)
def test_populations_take_the_cores_they_need(size, n_cores):
    assert map_network(alone(size), CHIP).n_cores_used == n_cores


@pytest.mark.parametrize(("pre", "post", "n_cores"), [(512, 512, 4), (1000, 1000, 12), (2000, 500, 14), (4096, 64, 7), (128, 3000, 5)])
def test_dense_layers_take_no_more_cores_than_elsewhere(pre, post, n_cores):
    """nengo-loihi 1.1.0 takes 4, 7 and 5 cores for the first, fourth and last, and refuses the others."""
    ends = lif(0, pre, curr(), "pre"), lif(1, post, curr(), "post")
    found = map_network(network(ends, [connect(0, *ends, AllToAll(), Random("uniform", {"low": -1.0, "high": 1.0}, 3), delay=0.1)]), CHIP)
    assert found.n_cores_used <= n_cores


def test_one_to_one_keeps_sources_and_targets_counted_one_by_one():
    pre, post = lif(0, 1500, curr(), "pre"), lif(1, 1500, curr(), "post")
    found = map_network(network((pre, post), [connect(0, pre, post, OneToOne(), 0.1, delay=0.1)]), CHIP)
    table = found.utilisation("core")
    counts = {name: int(table.used[:, table.resources.index(name)].sum()) for name in ("input axons", "output axons")}
    assert counts == {"input axons": 1500, "output axons": 1500}


def random_pair(size, degree):
    """Two populations with random connections, each cell having some inputs from both."""
    ends = lif(0, size, curr(), "a"), lif(1, size, curr(), "b")
    pairs = [(pre, post) for pre in ends for post in ends]
    return network(ends, [connect(k, pre, post, FixedIn(degree), 0.1, delay=0.1) for k, (pre, post) in enumerate(pairs)])


@pytest.mark.parametrize("n_boards", [1, 2, 3, 4])
def test_a_network_that_one_chip_holds_takes_no_more_cores_where_there_are_more_chips(n_boards):
    found = map_network(random_pair(1500, 300), chips.load("loihi", n_boards=n_boards))
    assert (found.n_cores_used, found.n_chips_used) == (26, 1)


@pytest.mark.parametrize("n_boards", [9, 12])
def test_cores_are_full_of_output_axons_where_those_are_what_asks_for_many(n_boards):
    found = map_network(random_pair(4000, 150), chips.load("loihi", n_boards=n_boards), options=FAST)
    table = found.utilisation("core")
    axons = table.used[:, table.resources.index("output axons")]
    assert axons.max() <= 4096
    assert axons.sum() >= 0.9 * 4096 * (len(axons) - 1)
    assert found.n_chips_used > 1


def test_a_grid_of_populations_takes_the_cores_that_it_needs():
    """Five by five populations, each of which sends to itself and its neighbours."""
    side = 5
    cells = [lif(k, 448, curr(), f"g{k}") for k in range(side**2)]
    near = [(a, b) for a in range(side**2) for b in range(side**2) if abs(a // side - b // side) + abs(a % side - b % side) <= 1]
    rows = [connect(k, cells[a], cells[b], Bernoulli(0.05), 0.1, delay=0.1) for k, (a, b) in enumerate(near)]
    assert map_network(network(cells, rows), CHIP).n_cores_used <= 40


def recurrent(size, rule):
    cells = lif(0, size, curr(), "a")
    return network([cells], [connect(0, cells, cells, rule, 0.1, delay=0.1)])


HOLDS = "a core holds {} neurons, so it takes {} cores: one more would need {}, the limit of a core is {}."
REFUSALS = [
    (4000, 1, HOLDS.format(28, 143, "20,000 words of synaptic memory", "16,384")),
    (4096, 1, HOLDS.format(16, 256, "4,352 output axons", "4,096")),
    (4000, 2, "28 cells of a core need 7,588 output axons (271 a cell: one for every core that it reaches, 2 for a core on another chip)"),
]


@pytest.mark.parametrize(("size", "n_boards", "text"), REFUSALS)
def test_a_refusal_of_dense_layers_has_the_limit_of_the_chip_and_how_the_use_comes_about(size, n_boards, text):
    with pytest.raises(PlacementError) as error:
        map_network(recurrent(size, AllToAll()), chips.load("loihi", n_boards=n_boards), options=FAST)
    assert text in error.value.message
    assert error.value.limit == (128 if n_boards == 1 else 4096)
