"""What neurons of a core share: counted from synapses, bounded by rules, and by a slow twin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping_networks import ToyChip, network, networks, population, projection, toy
from neurosim.chips.chip import Limit
from neurosim.connectivity import AllToAll, Bernoulli, OneToOne
from neurosim.errors import PlacementError, VerificationError
from neurosim.mapping import Options, Pin, map_network
from neurosim.mapping.budget import Budget
from neurosim.mapping.fanout import bases, fanout_of
from neurosim.mapping.sharing import each_reaches, joint_use, settings_used
from neurosim.mapping.structures import among, distinct
from neurosim.mapping.verify import faults
from neurosim.network import Network, Selection


class SharingChip(ToyChip):
    """Cores that take a number of sources and targets, and settings of which there are few."""

    sources_most = targets_most = settings_most = 1_000_000
    abroad = 0
    cost = 1

    def limits(self):
        return (
            *super().limits(),
            Limit("sources", "core", self.sources_most, "1", "made up", counts="sources"),
            Limit("targets", "core", self.targets_most, "1", "made up", counts="targets", abroad=self.abroad),
            Limit("colours", "core", self.settings_most, "1", "made up", counts="settings"),
        )

    def slice_usage(self, network, population, n_neurons):
        into = [p for p in network.projections if any(q == population for q, _ in p.post.parts)]
        sources = self.cost * sum(min(p.pre.size, n_neurons * p.pre.size) for p in into)
        return {**super().slice_usage(network, population, n_neurons), "sources": sources, "targets": n_neurons, "colours": 1}

    def settings(self, network):
        return {"colours": tuple(np.arange(p.size, dtype=np.int32)[:, None] // 3 for p in network.populations)}

    def source_cost(self, network, projection):
        return self.cost


def sharing(**changes) -> SharingChip:
    constants = {name: changes.pop(name) for name in list(changes) if hasattr(SharingChip, name) and name != "sources"}
    chip = SharingChip(toy(neurons=30, memory=10_000, width=8, height=4, **changes).sheet)  # type: ignore[arg-type]
    for name, value in constants.items():
        setattr(chip, name, value)
    return chip


def twin(net: Network, core_of, n_cores: int, chip_of, abroad: int):
    """Sources and targets of every core with sets."""
    into, out = [set() for _ in range(n_cores)], np.zeros(n_cores, np.int64)
    fanout = fanout_of(net)
    flat = np.concatenate(core_of)
    for cell in range(fanout.n_sources):
        reached = {int(flat[t]) for t in fanout.target[fanout.indptr[cell] : fanout.indptr[cell + 1]]} - {-1}
        for core in reached:
            into[core].add(cell)
            if flat[cell] >= 0:
                out[flat[cell]] += 1 + abroad * (chip_of[core] != chip_of[flat[cell]])
    return np.array([len(cells) for cells in into]), out


@settings(max_examples=30, deadline=None)
@given(networks(), st.integers(1, 6), st.integers(0, 2), st.integers(0, 99))
def test_sources_and_targets_agree_with_a_slow_twin(net, n_cores, abroad, seed):
    rng = np.random.default_rng(seed)
    core_of = [rng.integers(-1 if p.is_source else 0, 1 if p.is_source else n_cores, p.size).astype(np.int32) for p in net.populations]
    core_of = [np.full(p.size, -1, np.int32) if p.is_source else cores for p, cores in zip(net.populations, core_of, strict=True)]
    chip_of = rng.integers(0, 2, n_cores)
    found = joint_use(net, sharing(abroad=abroad), core_of, n_cores, fanout_of(net), chip_of)
    into, out = twin(net, core_of, n_cores, chip_of, abroad)
    assert found["sources"].tolist() == into.tolist()
    assert found["targets"].tolist() == out.tolist()


@settings(max_examples=30, deadline=None)
@given(networks(), st.integers(1, 6), st.integers(0, 2), st.integers(0, 99))
def test_what_a_cell_reaches_on_average_agrees_with_a_slow_twin(net, n_cores, abroad, seed):
    rng = np.random.default_rng(seed)
    core_of = [rng.integers(0, n_cores, p.size).astype(np.int32) for p in net.populations]
    chip_of = rng.integers(0, 2, n_cores)
    limit = next(limit for limit in sharing(abroad=abroad).limits() if limit.counts == "targets")
    found = each_reaches(net, limit, core_of, n_cores, fanout_of(net), chip_of)
    fanout, flat, first = fanout_of(net), np.concatenate(core_of), bases(net)
    for own in net.populations:
        total = 0
        for cell in range(first[own.id], first[own.id + 1]):
            reached = {int(flat[t]) for t in fanout.target[fanout.indptr[cell] : fanout.indptr[cell + 1]]}
            total += sum(1 + abroad * (chip_of[core] != chip_of[flat[cell]]) for core in reached)
        assert found[own.id] == pytest.approx(total / max(own.size, 1))


@pytest.mark.parametrize("rule", [AllToAll(), Bernoulli(0.1), Bernoulli(0.5)])
def test_full_cores_of_what_a_cell_reaches_keep_the_limit_with_its_margin(rule):
    net = network(400, 400, rule=rule)
    core_of, chip_of = [np.arange(400, dtype=np.int32) % 40] * 2, np.arange(40) // 20
    chip = sharing(abroad=1)
    used = joint_use(net, chip, core_of, 40, None, chip_of)["targets"]
    limit = replace(next(limit for limit in chip.limits() if limit.counts == "targets"), capacity=int(used[0]))
    each = each_reaches(net, limit, core_of, 40, None, chip_of)
    assert (each * 20).sum() / 2 == pytest.approx(used[0], rel=1e-3)


@pytest.mark.parametrize("rule", [AllToAll(), Bernoulli(0.1), Bernoulli(0.5)])
def test_rules_bound_what_is_counted_and_are_exact_for_all_to_all(rule):
    net = network(200, 200, rule=rule)
    core_of, chip_of = [np.arange(200, dtype=np.int32) % 10] * 2, np.arange(10) // 5
    exact, bound = (joint_use(net, sharing(abroad=1), core_of, 10, table, chip_of) for table in (fanout_of(net), None))
    for name in ("sources", "targets"):
        assert (exact[name] <= bound[name]).all()
        assert (bound[name] <= 1.35 * exact[name] + 10).all()
        assert isinstance(rule, Bernoulli) or (exact[name] == bound[name]).all()


def test_sources_are_counted_by_their_cost():
    net = network(20, 20, rule=AllToAll())
    core_of = [np.zeros(20, np.int32)] * 2
    for table in (fanout_of(net), None):
        assert joint_use(net, sharing(cost=2), core_of, 1, table)["sources"].tolist() == [80]


def test_structured_rules_say_nothing_of_sources_unless_synapses_are_known():
    net = network(20, 20, rule=OneToOne())
    core_of = [np.zeros(20, np.int32)] * 2
    assert set(joint_use(net, sharing(), core_of, 1, None)) == {"targets"}
    assert joint_use(net, toy(), core_of, 1, None) == {}


def test_settings_are_counted_once_on_a_core():
    numbers = (np.array([[0], [0], [1]], np.int32), np.array([[1, -1]], np.int32), np.empty((1, 0), np.int32))
    cores = [np.array([0, 0, 1], np.int32), np.array([1, 0, -1], np.int32), np.array([1], np.int32)]
    assert settings_used(numbers, cores, 3).tolist() == [2, 1, 0]


def test_neurons_of_different_settings_go_to_other_cores():
    found = map_network(network(21, 21), sharing(settings_most=2), options=Options("fast"))
    table = found.utilisation("core")
    assert table.used[:, table.resources.index("colours")].max() == 2
    assert found.n_cores_used == 4
    assert map_network(network(21, 21), sharing(), options=Options("fast")).n_cores_used == 2


def test_pinned_neurons_of_too_many_settings_are_refused():
    with pytest.raises(PlacementError, match="have 4 colours and share the place with others, the limit of a core is 2") as error:
        map_network(network(10), sharing(settings_most=2), pins=[Pin(0, None, 0)])
    assert (error.value.used, error.value.limit, error.value.resource) == (4, 2, "colours")


def test_cores_are_shared_where_sources_are():
    """Five populations listen to the same twenty cells; alone each takes all the sources that a core has."""
    populations = (population(0, 20, model="poisson_source"), *(population(1 + k, 2) for k in range(5)))
    ends = [Selection.whole(p) for p in populations]
    net = Network(0.1, 1, populations, tuple(projection(k, ends[0], ends[1 + k], AllToAll()) for k in range(5)))
    assert map_network(net, sharing(sources_most=20), options=Options("fast")).n_cores_used == 1
    with pytest.raises(PlacementError, match="it needs 20 sources, mostly for projection 'c0', the limit is 19"):
        map_network(net, sharing(sources_most=19))


def test_a_slice_that_reaches_more_cores_than_thought_is_cut():
    net = network(20, 200, rule=AllToAll())
    found = map_network(replace(net, projections=net.projections[:1]), sharing(targets_most=60), options=Options("fast"))
    table = found.utilisation("core")
    assert table.used[:, table.resources.index("targets")].max() <= 60


def test_more_targets_than_any_partition_keeps_are_refused():
    net = network(20, 200, rule=AllToAll())
    with pytest.raises(PlacementError) as error:
        map_network(replace(net, projections=net.projections[:1]), sharing(targets_most=5), options=Options("fast"))
    found = error.value
    assert (found.resource, found.limit) == ("targets", 5)
    assert "Neurons of population 'p0' have targets on too many cores" in found.message
    assert (found.population, found.projection) == ("p0", "c0")


TOO_FEW = [("sources", {"sources_most": 10}), ("targets", {"targets_most": 10}), ("colours", {"settings_most": 1})]


@pytest.mark.parametrize(("resource", "changes"), TOO_FEW)
@pytest.mark.parametrize("rule", [AllToAll(), OneToOne()])
def test_verification_counts_sources_targets_and_settings_again(resource, changes, rule):
    net = network(20, 20, rule=rule)
    mapping = map_network(net, sharing())
    broken = replace(mapping, chip=sharing(**changes), routed=None)
    found = [text for text in faults(broken) if resource in text]
    assert found
    assert all(f"the limit of a core is {next(iter(changes.values()))}" in text for text in found)
    assert ("four standard deviations" in found[0]) == (isinstance(rule, AllToAll) and resource != "colours")
    with pytest.raises(VerificationError, match=resource):
        broken.verify()


def test_the_budget_adds_what_neurons_share_by_its_share():
    budget = Budget.of(network(30), sharing())
    columns = [limit.resource for limit in budget.limits]
    half = budget.sharing({0: np.full(len(columns), 0.5)})
    assert half.added(0, 5)[columns.index("neurons")] == 3
    assert budget.added(0, 5)[columns.index("colours")] == 0
    each = np.where(np.arange(len(columns)) == columns.index("targets"), 2.25, np.nan)
    assert budget.sharing({}, {0: each}).added(0, 5).tolist() == [12 if name == "targets" else n for name, n in _by_name(budget, 5)]


def _by_name(budget, n_neurons):
    return zip((limit.resource for limit in budget.limits), budget.added(0, n_neurons).tolist(), strict=True)


@given(st.lists(st.integers(-5, 5)), st.lists(st.integers(-5, 5)))
def test_sorted_arrays_tell_what_is_distinct_and_among(values, known):
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))
    assert among(np.array(values, np.int64), np.array(known, np.int64)).tolist() == [value in known for value in values]
