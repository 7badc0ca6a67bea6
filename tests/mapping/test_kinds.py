"""Settings of a core as sums that clustering can keep."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chip_networks import connect, curr, lif, network
from neurosim import chips
from neurosim.chips.chip import Limit
from neurosim.connectivity import Table
from neurosim.mapping import Options, map_network
from neurosim.mapping.clustering import Limits
from neurosim.mapping.kinds import kept_settings
from neurosim.mapping.sharing import Settings, settings_used

PLAIN = Limits.linear(10, n_populations=2)
SIZES = (6, 4)
POPULATIONS = np.repeat([0, 1], SIZES).astype(np.int32)


def wanted(capacity: int, *numbers) -> Settings:
    limit = Limit("colours", "core", capacity, "1", "made up", counts="settings")
    return Settings((limit,), (tuple(np.array(table, np.int32) for table in numbers),))


def test_kinds_are_cells_of_a_population_with_equal_settings_and_bring_what_not_all_need():
    settings = wanted(3, [[9, 0], [9, 0], [9, 1], [9, 1], [9, -1], [9, 0]], [[9, 1]])
    kinds, limits = kept_settings(settings, POPULATIONS, PLAIN, np.arange(10, dtype=np.int32))
    assert len(set(kinds.tolist())) == 4
    assert kinds[0] == kinds[1] == kinds[5] != kinds[2] == kinds[3]
    assert kinds[6] == kinds[9] not in kinds[:6]
    assert limits.capacity.tolist() == [10, 2]  # one of three is what all of them need
    assert [limits.use[kinds[cell]][1].tolist() for cell in (0, 2, 4, 6)] == [[1, 1], [1, 1], [1, 0], [1, 1]]
    assert limits.use[kinds[0]][0].tolist() == [0, 0]
    assert limits.names == ("resource 0", "colours")


def test_where_nothing_can_be_kept_populations_stay_kinds():
    one_each, spread, together = wanted(2, np.arange(6)[:, None], [[0]]), np.arange(10, dtype=np.int32), np.zeros(10, np.int32)
    assert kept_settings(Settings((), ()), POPULATIONS, PLAIN, spread)[0] is POPULATIONS
    assert kept_settings(one_each, POPULATIONS, PLAIN, spread)[0] is not POPULATIONS
    assert kept_settings(one_each, POPULATIONS, PLAIN, together)[0] is POPULATIONS
    many = np.repeat([0], 300).astype(np.int32)
    assert kept_settings(wanted(2, np.arange(300)[:, None]), many, PLAIN, np.arange(300, dtype=np.int32))[0] is many


@given(st.lists(st.integers(-1, 4), min_size=6, max_size=6), st.lists(st.integers(-1, 2), min_size=10, max_size=10))
def test_cores_that_keep_the_sums_keep_the_settings(numbers, core_of):
    tables = np.array(numbers, np.int32)[:, None], np.array([[1]], np.int32)
    settings, cores = wanted(2, *tables), np.array(core_of, np.int32)
    kinds, _ = kept_settings(settings, POPULATIONS, PLAIN, cores)
    if kinds is not POPULATIONS:
        assert settings_used(tables, np.split(cores, [6]), 3).max(initial=0) <= 2


def test_neurons_of_different_delay_bits_are_clustered_on_cores_of_their_own():
    """Two rings of cells, numbered at random, whose delays take different settings of the whole core."""
    n, rng = 1200, np.random.default_rng(1)
    ends = [lif(k, n, curr(), f"ring{k}") for k in range(2)]
    rows = []
    for k, (cells, delay) in enumerate(zip(ends, (0.1, 6.2), strict=True)):
        order = rng.permutation(n)
        pre = np.repeat(np.arange(n), 8)
        rows.append(connect(k, cells, cells, Table(order[pre], order[(pre + np.tile(np.arange(1, 9), n)) % n]), 0.1, delay=delay))
    net, chip = network(ends, rows), chips.load("loihi")
    found, first = map_network(net, chip), map_network(net, chip, options=Options("fast"))
    assert found.n_cores_used <= first.n_cores_used
    assert found.traffic.packets < 0.5 * first.traffic.packets
    assert not set(found.core_of[0].tolist()) & set(found.core_of[1].tolist())
