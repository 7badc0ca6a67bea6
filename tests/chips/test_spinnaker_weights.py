"""Ring-buffer shifts and weight words, against sPyNNaker 7.4.1."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chip_networks import cond, connect, curr, lif, network, place, poisson
from neurosim import chips
from neurosim.chips.spinnaker.weights import encode, shift_of, shifts, step_of
from neurosim.columns import Random
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedTotal, OneToOne
from neurosim.network import Plasticity

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "spinnaker" / "shifts.json").read_text())
CHIP = chips.load("spinnaker")
RULE = CHIP.sheet.weights


def found(net):
    return {p.label: list(shifts(net, p, RULE).values()) for p in net.populations if not p.is_source}


@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_shifts_of_the_vogels_abbott_network(dt):
    e, i, s = lif(0, 3200, curr(), "exc"), lif(1, 800, curr(), "inh"), poisson(2, 20)
    delay = 1.0 if dt >= 1 else 0.2
    rule = Bernoulli(0.02)
    rows = [connect(0, a, b, rule, w, r, delay) for a, w, r in ((e, 0.0432, "excitatory"), (i, -0.09, "inhibitory")) for b in (e, i)]
    rows += [connect(5, s, b, Bernoulli(0.1), 0.1, delay=delay) for b in (e, i)]
    assert found(network((e, i, s), rows, dt)) == GOLDEN["shifts"][f"va4000_cuba_dt{dt}"]


def test_shifts_with_conductances_are_those_of_the_tool():
    e, i, s = lif(0, 3200, cond(), "exc"), lif(1, 800, cond(), "inh"), poisson(2, 20)
    rows = [connect(0, a, b, Bernoulli(0.02), w, r) for a, w, r in ((e, 0.004, "excitatory"), (i, 0.051, "inhibitory")) for b in (e, i)]
    rows += [connect(5, s, b, Bernoulli(0.1), 0.1) for b in (e, i)]
    assert found(network((e, i, s), rows, 1.0)) == {"exc": [7, 6], "inh": [7, 6]}


@pytest.mark.parametrize(
    ("name", "kind", "weight", "noise"),
    [
        ("brunel12500_exp_dt1.0_dc", "curr_exp", 0.2, False),
        ("brunel12500_exp_dt1.0_one2one", "curr_exp", 0.2, True),
        ("brunel12500_delta_dt1.0_dc", "curr_delta", 0.1, False),
    ],
)
def test_shifts_of_the_brunel_network(name, kind, weight, noise):
    receptors = curr(0.5, 0.5, kind)
    e, i = lif(0, 10000, receptors, "E"), lif(1, 2500, receptors, "I")
    rows = [
        connect(0, a, b, FixedIn(n), w, r, 2.0)
        for a, n, w, r in ((e, 1000, weight, "excitatory"), (i, 250, -5 * weight, "inhibitory"))
        for b in (e, i)
    ]
    sources = [poisson(2 + b.id, b.size, f"noise_{b.label}") for b in (e, i)] if noise else []
    rows += [connect(9, s, b, OneToOne(), weight) for s, b in zip(sources, (e, i), strict=False)]
    assert found(network((e, i, *sources), rows, 1.0)) == GOLDEN["shifts"][name]


def test_shifts_of_the_synfire_chain():
    e, i, s = lif(0, 100, cond(1.5), "E0"), lif(1, 25, cond(1.5), "I0"), poisson(2, 100)
    rows = [
        connect(0, s, e, FixedIn(60), 0.001, delay=20.0),
        connect(1, s, i, FixedIn(60), 0.001, delay=20.0),
        connect(2, i, e, FixedIn(25), 0.002, "inhibitory", 4.0),
    ]
    expected = GOLDEN["shifts"]["synfire_groups10"]
    assert found(network((e, i, s), rows, 1.0)) == {"E0": expected["E0"], "I0": expected["I0"]}


def test_plastic_synapses_count_with_their_largest_weight():
    s, p = poisson(0, 1000), lif(1, 1000, curr(), "post")
    rule = Plasticity("pair", "additive", 20.0, 20.0, 0.5, 0.5, 0.0, 0.4)
    net = network((s, p), [connect(0, s, p, Bernoulli(0.1), 0.1, model="stdp", plasticity=rule)], 1.0)
    assert found(net) == GOLDEN["shifts"]["stdp_npc256_dt1"]


def microcircuit():
    """Potjans and Diesmann 2014 at full scale, as rules."""
    names = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
    sizes = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]
    p = [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
    cells = [lif(k, n, curr(0.5, 0.5), name) for k, (name, n) in enumerate(zip(names, sizes, strict=True))]
    noise = [poisson(8 + c.id, c.size, f"noise_{c.label}") for c in cells]
    rows = [connect(0, s, c, OneToOne(), 0.0878, delay=0.1) for s, c in zip(noise, cells, strict=True)]
    for t, post in enumerate(cells):
        for s, pre in enumerate(cells):
            if p[t][s]:
                n = round(math.log(1 - p[t][s]) / math.log(1 - 1 / (pre.size * post.size)))
                rows.append(microcircuit_projection(pre, post, n))
    return network((*cells, *noise), rows, 0.1)


def microcircuit_projection(pre, post, n):
    exc = pre.label.endswith("E")
    strong = (pre.label, post.label) == ("L4E", "L23E")
    mu = (0.0878 if exc else -4 * 0.0878) * (2 if strong else 1)
    bounds = {"low": 0.0, "high": math.inf} if exc else {"low": -math.inf, "high": 0.0}
    weight = Random("normal_clipped", {"mu": mu, "sigma": abs(mu) * (0.05 if strong else 0.1), **bounds}, 1)
    mean, sd = (1.5, 0.75) if exc else (0.75, 0.375)
    delay = Random("normal_clipped", {"mu": mean, "sigma": sd, "low": 0.1, "high": 6.4}, 2)
    return connect(1, pre, post, FixedTotal(n), weight, "excitatory" if exc else "inhibitory", delay)


def test_shifts_of_the_microcircuit():
    assert found(microcircuit()) == GOLDEN["shifts"]["pd14_scale1_dt0.1_npc64_tsf20_ext0_syn0_pois1"]


@pytest.mark.parametrize("case", GOLDEN["quantisation"], ids=lambda case: f"{case['weight']}@{case['shift']}")
def test_weight_words(case):
    step = step_of(case["shift"], RULE, conductance=case["global_scale"] == 1024)
    word = encode(case["weight"], step, 16)
    assert word == case["word"]
    assert word * step == pytest.approx(case["back"], rel=1e-12)


def test_the_shift_is_the_next_power_of_two_above_the_sum():
    assert [shift_of(x) for x in (0.0, 0.5, 1.0, 1.5, 2.0, 200.2, 256.0)] == [0, 0, 1, 1, 2, 8, 9]


@given(st.floats(0, 7.9), st.integers(3, 12))
def test_a_word_is_within_half_a_step(weight, shift):
    step = step_of(shift, RULE, conductance=False)
    assert abs(encode(weight, step, 16) * step - weight) <= step / 2


def test_small_weights_become_zero_and_are_in_the_ledger():
    a, b = poisson(0, 100), lif(1, 100, curr(), "b")
    net = network((a, b), [connect(0, a, b, AllToAll(), 2.0), connect(1, a, b, OneToOne(), 0.001)], 1.0)
    result = CHIP.realise(net, place(net, CHIP))
    zeroed = [loss for loss in result.losses if loss.kind == "zeroed"]
    assert [(loss.count, loss.total) for loss in zeroed] == [(100, 100)]
    assert "ring-buffer shift 8" in zeroed[0].detail
    assert np.isclose(zeroed[0].error_max, 0.001)


@pytest.mark.parametrize("case", GOLDEN["delay_limits"], ids=lambda case: f"{case['atoms']}x{case['types']}")
def test_delay_slots(case):
    receptors = tuple(curr()[0] for _ in range(case["types"]))
    population = lif(0, case["atoms"], receptors)
    assert CHIP.delay_slots(population) == case["native_steps"]
    net = network((population,), [connect(0, population, population, OneToOne(), 1.0)], 1.0)
    assert CHIP.longest_delay_ms(net, net.projections[0]) == case["with_extension"]
