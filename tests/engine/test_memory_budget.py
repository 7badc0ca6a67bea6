"""Networks that would not fit in memory are refused before anything is built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neurosim.pynn as sim
from engine_networks import connect, network, neurons, pair_rule, pairs, poisson
from neurosim.columns import Expression, Random
from neurosim.connectivity import AllToAll, Bernoulli, DistanceDependent, FixedIn
from neurosim.engine import Simulation, budget, memory
from neurosim.errors import MemoryLimitError, ParameterError
from neurosim.pynn import simulator

DRAWN = Random("normal", {"mu": 0.1, "sigma": 0.01}, 1)
MODELS = {
    "static": {},
    "tsodyks_markram": {"U": 0.5, "tau_rec": 100.0, "tau_facil": 10.0},
    "stochastic": {"p": 0.5},
    "stdp": {"plasticity": pair_rule()},
}


def pair(size=1000, rule=None, weight=DRAWN, delay=1.5, model="static", **columns):
    a, b = neurons(0, size), neurons(1, size)
    net = connect(0, a, b, rule or AllToAll(), weight, delay, model=model, **columns)
    return network([a, b], [net])


def per_synapse(net, dtype, synapses):
    bare = budget.estimate(network(net.populations), dtype, 1).total
    return (budget.estimate(net, dtype, 1).total - bare) / synapses


@pytest.fixture
def two_gigabytes(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2_000_000_000)


@pytest.mark.parametrize(
    ("weight", "dtype", "expected"), [(DRAWN, np.float64, 10), (DRAWN, np.float32, 4), (0.1, np.float64, 4), (0.1, np.float32, 4)]
)
def test_a_static_synapse_takes_what_the_store_gives_it(weight, dtype, expected):
    net = pair(weight=weight)
    assert per_synapse(net, dtype, 1e6) == pytest.approx(expected, abs=0.5)  # and its share of the tables
    store = Simulation(net, precision=np.dtype(dtype).name).stores.static
    held = store.target.nbytes + store.weight.nbytes + store.word.nbytes
    assert held == expected * 1_000_000


@pytest.mark.parametrize("model", ["tsodyks_markram", "stochastic"])
def test_a_synapse_with_memory_takes_more(model):
    assert per_synapse(pair(model=model, **MODELS[model]), np.float64, 1e6) == pytest.approx(budget.WITH_MEMORY[model], rel=0.01)


def test_a_synapse_that_learns_takes_its_weight_and_a_share_of_its_run():
    net = pair(model="stdp", **MODELS["stdp"])
    assert per_synapse(net, np.float64, 1e6) == pytest.approx(10 + budget.PLASTIC_KEPT + budget.PLASTIC_RUN / 1000, rel=0.01)
    assert per_synapse(net, np.float32, 1e6) == pytest.approx(6 + budget.PLASTIC_KEPT + budget.PLASTIC_RUN / 1000, rel=0.01)


@pytest.mark.parametrize(
    "rule", [Bernoulli(0.3), FixedIn(100), pairs(np.arange(500), np.arange(500))], ids=lambda rule: type(rule).__name__
)
def test_synapses_are_counted_from_the_rule(rule):
    net = pair(rule=rule)
    expected = rule.expected(net.ends(net.projections[0]))
    assert budget.estimate(net, np.float64, 1).largest_synapses == expected


def test_rules_that_look_at_every_pair_are_counted_in_a_sample():
    near = DistanceDependent(Expression("distance", lambda d: np.exp(-d / 50.0)))
    net = pair(rule=near)
    expected = near.expected(net.ends(net.projections[0]))
    assert budget.estimate(net, np.float64, 1).largest_synapses == pytest.approx(expected, rel=0.15)


def test_a_network_that_does_not_fit_is_refused_with_the_estimate_and_what_to_change(two_gigabytes):
    big = pair(size=17_321)  # 300 million synapses: 3 GB, in single precision 1.2 GB
    with pytest.raises(MemoryLimitError) as caught:
        Simulation(big)
    error = caught.value
    assert "the network needs about 3.02 GB of memory, 2 GB are available; 3 GB of it for about 300,017,041 synapses of 'j0'." in str(error)
    assert error.remedy.startswith("Give setup(precision='float32'), with which it needs about 1.22 GB. Use fewer synapses")
    assert (error.used, error.limit) == (pytest.approx(3.02e9, rel=0.01), 2_000_000_000)


def test_what_does_not_fit_in_any_precision_has_another_remedy(two_gigabytes):
    with pytest.raises(MemoryLimitError, match=r"20 GB of it for about 100,000,000 synapses of 'j0'\. Use fewer synapses") as caught:
        Simulation(pair(10_000, model="tsodyks_markram", **MODELS["tsodyks_markram"]), precision="float32")
    assert "float32" not in caught.value.remedy


def test_a_network_that_grows_too_large_is_refused_and_the_old_one_runs_on(two_gigabytes):
    small = pair(rule=Bernoulli(0.1))
    simulation = Simulation(small)
    more = poisson(2, 20_000, 10.0)
    grown = network([*small.populations, more], [*small.projections, connect(1, more, small.populations[0], AllToAll(), DRAWN)])
    grown = network([*grown.populations, neurons(3, 20_000)], [*grown.projections, connect(2, more, neurons(3, 20_000), AllToAll(), DRAWN)])
    with pytest.raises(MemoryLimitError, match="of it for about 400,000,000 synapses of 'j2'"):
        simulation.update(grown)
    simulation.run_until(1.0)
    assert simulation.network is small


def test_what_the_rule_refuses_is_left_to_the_rule(two_gigabytes):
    bad = Random("no such distribution", {}, 1)
    assert budget.estimate(pair(delay=bad), np.float64, 1).largest is None
    with pytest.raises(KeyError, match="no such distribution"):
        Simulation(pair(delay=bad))


# --- through PyNN ------------------------------------------------------------------------------------
def script(**setup):
    sim.setup(timestep=0.1, rng="fast", **setup)
    cells = sim.Population(20_000, sim.IF_curr_exp(), label="cells")
    weight = sim.RandomDistribution("normal", mu=0.1, sigma=0.01)
    sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.75), sim.StaticSynapse(weight=weight, delay=1.0), label="all")


def test_the_limit_is_what_is_available_or_what_is_said(monkeypatch):
    built = []
    monkeypatch.setattr("neurosim.engine.simulation.Simulation._load", lambda *args, **options: built.append(args))
    monkeypatch.setattr(memory, "available_bytes", lambda: 2_000_000_000)
    script()
    with pytest.raises(MemoryLimitError, match="GB are available; 3 GB of it for about 300,000,000 synapses of 'all'"):
        sim.save_state("never written")
    script(max_memory=1.5, precision="float32")
    with pytest.raises(AttributeError):  # goes on to build, which does nothing here
        sim.run(1.0)
    script(max_memory=1.0, precision="float32")
    with pytest.raises(MemoryLimitError, match=r"1\.2\d GB of memory, 1 GB are allowed by max_memory"):
        sim.run(1.0)
    script(max_memory=float("inf"))
    with pytest.raises(AttributeError):
        sim.run(1.0)
    assert len(built) == 2
    simulator.state.clear()


@pytest.mark.parametrize("value", [0, -1.0, "2", True, float("nan")])
def test_a_limit_is_a_positive_number(value):
    with pytest.raises(ParameterError, match=r"setup\(\): max_memory is .*; it must be above 0 GB"):
        sim.setup(max_memory=value)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs the resident size of a process")
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_estimate_is_close_to_what_is_taken(precision):
    code = """
import numpy as np
from neurosim.engine import Simulation, budget
from test_memory_budget import pair

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

Simulation(pair(1000), precision=PRECISION)
before, net = resident(), pair(4000)
simulation = Simulation(net, precision=PRECISION)
print(resident() - before, budget.estimate(net, getattr(np, PRECISION), 1).total)
"""
    root = Path(__file__).resolve().parents[2]
    paths = [str(root), str(root / "tests" / "support"), str(Path(__file__).parent)]
    whole = f"import sys; sys.path[:0] = {paths!r}; PRECISION = {precision!r}\n{code}"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    taken, estimated = map(float, done.stdout.split())
    assert taken == pytest.approx(estimated, rel=0.25)


def test_a_population_whose_cells_do_not_fit_is_refused_before_a_table_of_them_is_made():
    sim.setup(timestep=0.1)
    with pytest.raises(MemoryLimitError, match=r"3,000,000,000 cells need about 900 GB of memory, .* are there for them. Use fewer cells"):
        sim.Population(3_000_000_000, sim.IF_curr_exp())
    sim.setup(timestep=0.1, max_memory=0.5)
    with pytest.raises(MemoryLimitError, match=r"Population 'big': 2,000,000 cells need about 600 MB of memory, 500 MB are there"):
        sim.Population(2_000_000, sim.IF_curr_exp(), label="big")
