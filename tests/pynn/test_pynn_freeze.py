"""What a script says arrives in the network description, and unchanged parts stay the same objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import connectivity
from neurosim.columns import Expression, Random
from neurosim.pynn import simulator


def frozen() -> Any:
    return simulator.state.freeze()


def build(sim: Any) -> tuple[Any, Any, Any, Any]:
    source = sim.Population(3, sim.SpikeSourceArray(spike_times=[1.0, 2.0]), label="in")
    cells = sim.Population(4, sim.IF_cond_exp(), label="out")
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    electrode = sim.DCSource(amplitude=0.5)
    electrode.inject_into(cells)
    cells.record(["spikes", "v"])
    return source, cells, projection, electrode


def parts(network: Any) -> list[Any]:
    return [*network.populations, *network.projections, *network.currents, *network.probes]


def test_nothing_changed_gives_the_same_network(sim: Any) -> None:
    build(sim)
    assert frozen() is frozen()


@pytest.mark.parametrize(
    ("change", "kind", "index"),
    [
        (lambda s, c, p, e: c.set(tau_m=10.0), "populations", 1),
        (lambda s, c, p, e: setattr(c[2], "i_offset", 0.1), "populations", 1),
        (lambda s, c, p, e: c.initialize(v=-60.0), "populations", 1),
        (lambda s, c, p, e: s.set(spike_times=[5.0]), "populations", 0),
        (lambda s, c, p, e: p.set(weight=0.2), "projections", 0),
        (lambda s, c, p, e: setattr(p[3], "weight", 0.2), "projections", 0),
        (lambda s, c, p, e: setattr(e, "amplitude", 0.7), "currents", 0),
    ],
)
def test_only_what_changed_is_a_new_object(sim: Any, change: Any, kind: str, index: int) -> None:
    objects = build(sim)
    before = frozen()
    change(*objects)
    after = frozen()
    assert getattr(after, kind)[index] is not getattr(before, kind)[index]
    changed = [i for i, (a, b) in enumerate(zip(parts(before), parts(after), strict=True)) if a is not b]
    assert len(changed) == 1


def test_changing_a_weight_keeps_the_table_of_pairs(sim: Any) -> None:
    *_, projection, _ = build(sim)
    projection.set(weight=np.arange(1.0, 13.0))
    before = frozen().projections[0]
    projection.set(weight=np.arange(2.0, 14.0))
    assert frozen().projections[0].rule is before.rule


def test_recording_more_cells_renews_only_that_probe(sim: Any) -> None:
    _, cells, *_ = build(sim)
    cells[:2].record("gsyn_exc")
    before = frozen().probes
    cells.record("gsyn_exc")
    after = frozen().probes
    assert [a is b for a, b in zip(before, after, strict=True)] == [True, True, False]
    assert after[2].indices.tolist() == [0, 1, 2, 3]


def test_a_run_without_changes_neither_freezes_nor_updates(sim: Any, fake: Any) -> None:
    build(sim)
    sim.run(1.0)
    sim.run(1.0)
    assert len(fake.made[0].networks) == 1


def test_a_change_between_runs_updates_the_session(sim: Any, fake: Any) -> None:
    _, cells, *_ = build(sim)
    sim.run(1.0)
    cells.set(cm=0.5)
    sim.run(1.0)
    first, second = fake.made[0].networks
    assert first.projections[0] is second.projections[0]
    assert second.populations[1].parameters["cm"] == 0.5


def test_views_and_assemblies_become_selections(sim: Any) -> None:
    a, b = sim.Population(5, sim.IF_cond_exp()), sim.Population(4, sim.IF_cond_exp())
    sim.Projection(a[1:4], a[[0, 2]] + b, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1), receptor_type="inhibitory")
    (projection,) = frozen().projections
    assert [(p, i.tolist()) for p, i in projection.pre.parts] == [(0, [1, 2, 3])]
    assert [(p, i.tolist()) for p, i in projection.post.parts] == [(0, [0, 2]), (1, [0, 1, 2, 3])]
    assert projection.receptor == "inhibitory"


def test_views_of_views_select_cells_of_the_root(sim: Any) -> None:
    population = sim.Population(10, sim.IF_cond_exp())
    assert population[2:9][1:4].root_indices.tolist() == [3, 4, 5]


def test_fast_networks_stay_rules_with_lazy_columns(sim: Any) -> None:
    sim.setup(rng="fast")
    a, b = sim.Population(20, sim.IF_cond_exp()), sim.Population(30, sim.IF_cond_exp())
    weight = sim.RandomDistribution("uniform", low=0.1, high=0.2)
    sim.Projection(a, b, sim.FixedProbabilityConnector(0.5), sim.StaticSynapse(weight=weight, delay="0.5+0.01*d"))
    network = frozen()
    (projection,) = network.projections
    assert isinstance(projection.rule, connectivity.Bernoulli)
    assert isinstance(projection.synapse.columns["weight"], Random)
    assert isinstance(projection.synapse.columns["delay"], Expression)
    rows = connectivity.expand(network, projection)
    assert np.allclose(rows.columns["delay"], 0.5 + 0.01 * np.abs(rows.pre() - rows.post))


@pytest.mark.parametrize(
    ("connector", "rule"),
    [
        (lambda s: s.AllToAllConnector(), "AllToAll"),
        (lambda s: s.OneToOneConnector(), "OneToOne"),
        (lambda s: s.FixedNumberPreConnector(3), "FixedIn"),
        (lambda s: s.FixedNumberPostConnector(3), "FixedOut"),
        (lambda s: s.FixedTotalNumberConnector(30), "FixedTotal"),
        (lambda s: s.DistanceDependentProbabilityConnector("d < 3"), "DistanceDependent"),
        (lambda s: s.FromListConnector([(0, 1, 0.1, 0.5)]), "Table"),
    ],
)
def test_each_connector_has_its_rule(sim: Any, connector: Any, rule: str) -> None:
    sim.setup(rng="fast")
    a = sim.Population(8, sim.IF_cond_exp())
    projection = sim.Projection(a, a, connector(sim), sim.StaticSynapse(weight=0.1))
    assert type(frozen().projections[0].rule).__name__ == rule
    assert len(projection.get("weight", format="list")) == len(projection)


def test_large_networks_are_fast_by_themselves(sim: Any) -> None:
    a = sim.Population(20_000, sim.IF_curr_exp())
    sim.Projection(a, a, sim.FixedProbabilityConnector(0.1), sim.StaticSynapse(weight=0.1, delay=1.0))
    assert isinstance(frozen().projections[0].rule, connectivity.Bernoulli)


def test_projections_with_one_generator_differ_when_fast(sim: Any) -> None:
    sim.setup(rng="fast")
    a, rng = sim.Population(30, sim.IF_cond_exp()), sim.NumpyRNG(seed=3)
    connector = sim.FixedProbabilityConnector(0.3, rng=rng)
    first, second = (sim.Projection(a, a, connector, sim.StaticSynapse(weight=0.1)) for _ in range(2))
    assert first.get("weight", format="list") != second.get("weight", format="list")


def test_columns_with_one_generator_differ_when_fast(sim: Any) -> None:
    sim.setup(rng="fast")
    a = sim.Population(5, sim.IF_cond_exp())
    weight = sim.RandomDistribution("uniform", low=0.1, high=0.2, rng=sim.NumpyRNG(seed=3))
    first, second = (sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight)) for _ in range(2))
    assert first.get("weight", format="list") != second.get("weight", format="list")


def test_growing_an_assembly_leaves_its_projections_alone(sim: Any) -> None:
    a, b = sim.Population(3, sim.IF_cond_exp()), sim.Population(3, sim.IF_cond_exp())
    group = a[:2] + b[:1]
    projection = sim.Projection(a, group, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    group += sim.Population(4, sim.IF_cond_exp())
    projection.set(weight=0.2)
    assert frozen().projections[0].post.size == 3


def test_frozen_weights_do_not_change_under_the_session(sim: Any) -> None:
    a = sim.Population(3, sim.IF_cond_exp())
    projection = sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    projection[0].weight = 0.2
    before = frozen().projections[0].synapse.columns["weight"]
    for connection in projection.connections:
        connection.weight = 0.5
    assert before.tolist() == [0.2] + [0.1] * 8
    assert frozen().projections[0].synapse.columns["weight"].tolist() == [0.5] * 9


def test_positions_reach_the_network_unless_they_are_the_default(sim: Any) -> None:
    sim.Population(4, sim.IF_cond_exp())
    grid = sim.Population(4, sim.IF_cond_exp(), structure=sim.space.Grid2D(dx=2.0))
    line, placed = frozen().populations
    assert line.positions is None
    assert np.array_equal(placed.positions, grid.positions.T)


def test_currents_and_weight_probes_reach_the_network(sim: Any) -> None:
    _, cells, projection, _ = build(sim)
    noise = sim.NoisyCurrentSource(mean=0.1, stdev=0.2, dt=0.5)
    cells[1].inject(noise)
    noise.record()
    projection.record("weight", sampling_interval=2.0)
    network = frozen()
    assert (network.currents[1].kind, network.currents[1].recorded) == ("noise", True)
    assert [(p, i.tolist()) for p, i in network.currents[1].targets.parts] == [(1, [1])]
    assert [(w.projection, w.variable, w.interval) for w in network.weight_probes] == [(0, "weight", 2.0)]
