"""AdEx and Izhikevich neurons as programs in whole numbers: bit by bit, and beside the ideal models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.connectivity import Table
from neurosim.engine import Simulation
from neurosim.errors import ParameterError, UnsupportedError
from neurosim.models import MODELS, validate
from neurosim.models._programs import power_of_two
from neurosim.models.layout import kernel_of
from neurosim.network import Network, Population, Probe, Projection, Receptor, Selection, Synapse
from tests.support import program_twin as twin

DECAY_U = 300
CURRENT = Receptor("e", "fixed", {"decay_u": float(DECAY_U), "unit": 2.0**-20, "grain": 1.0, "bits_in": 24.0, "bits": 24.0, "closed": 0.0})
SLOW = {"adex_fixed": "w", "izhikevich_fixed": "u"}


def simulated(model, parameters, dt, trains, weights, n_steps, size=1):
    """Registers v, w and spikes of each cell; weights of one register act on all cells."""
    slow, p = SLOW[model], MODELS[model].defaults() | parameters
    start = {"v": p.get("v_rest", -65.0), slow: 0.0}
    source = Population(0, "in", len(trains), "array_source", spike_times=tuple(dt * np.asarray(t, float) for t in trains))
    cells = Population(1, "cells", size, model, parameters=p, receptors=(CURRENT,), initial=start)
    pre, post = (axis.ravel() for axis in np.indices((len(trains), size)))
    columns = {"weight": np.repeat(np.asarray(weights, float) * 2.0**-20, size), "delay": np.full(len(pre), dt)}
    rule = Table(pre.astype(np.int64), post.astype(np.int64), columns)
    wire = Projection(
        0, "w", Selection.whole(source), Selection.whole(cells), "e", rule, Synapse("static", {"weight": 0.0, "delay": dt}), 0
    )
    everyone = np.arange(size)
    probes = tuple(Probe(1, name, everyone, dt) for name in ("v", slow)) + (Probe(1, "spikes", everyone),)
    run = Simulation(Network(dt, 1, (source, cells), (wire,), (), probes))
    run.run_until(n_steps * dt)
    zero = p.get("v_rest", 0.0)
    v, w = run.samples(1, "v")[2][1:], run.samples(1, slow)[2][1:]
    spikes = np.zeros((n_steps, size), int)
    who, when = run.spikes(1)
    spikes[np.rint(when / dt).astype(int) - 1, who] = 1
    return np.rint((v - zero) / p["unit_v"]).astype(int), np.rint(w / p["unit_w"]).astype(int), spikes


def expected(model, parameters, dt, trains, weights, n_steps):
    p = MODELS[model].defaults() | parameters
    arrived = [0] * n_steps
    for train, weight in zip(trains, weights, strict=True):
        for step in train:
            arrived[step] += weight
    k = twin.constants(model, p, dt)
    v0 = 0 if "v_rest" in p else round(-65.0 / p["unit_v"])
    return twin.advance(k, twin.parts_of(dt), v0, 0, arrived, DECAY_U)


@pytest.mark.filterwarnings("ignore:.*their registers")
@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["adex_fixed", "izhikevich_fixed"]),
    st.sampled_from([0.1, 0.25, 1.0]),
    st.lists(st.tuples(st.lists(st.integers(0, 149), max_size=15, unique=True), st.integers(-(2**21), 2**21)), min_size=1, max_size=4),
    st.floats(-2.0, 20.0),
    st.sampled_from([0.0, 0.2, 2.0]),
    st.sampled_from([0.0, 0.1, 2.05]),
)
def test_programs_are_their_plain_twins_bit_by_bit(model, dt, inputs, drive, slope, refractory):
    scale = 1e-3 if model == "izhikevich_fixed" else 0.1
    given = {"i_offset": drive * scale} | ({} if scale == 1e-3 else {"delta_T": slope, "tau_refrac": refractory, "v_rest": -70.0})
    trains, weights = [sorted(train) for train, _ in inputs], [weight for _, weight in inputs]
    v, w, spikes = simulated(model, given, dt, trains, weights, 150)
    wanted = expected(model, given, dt, trains, weights, 150)
    assert (v[:, 0].tolist(), w[:, 0].tolist(), spikes[:, 0].tolist()) == tuple(row.tolist() for row in wanted)


def test_cells_of_several_tiles_with_parameters_of_their_own():
    current = np.linspace(0.0, 2.0, 600)
    v, w, spikes = simulated("adex_fixed", {"i_offset": current}, 0.1, [[5, 60]], [90_000], 200, size=600)
    assert spikes.sum() > 600
    for cell in (0, 255, 256, 431, 599):
        wanted = expected("adex_fixed", {"i_offset": float(current[cell])}, 0.1, [[5, 60]], [90_000], 200)
        assert (v[:, cell].tolist(), w[:, cell].tolist(), spikes[:, cell].tolist()) == tuple(row.tolist() for row in wanted)


@given(st.integers(-(2**20), 2**20))
def test_powers_of_two_are_right_to_two_parts_in_ten_thousand(y):
    found, within = power_of_two.py_func(float(y)), np.clip(y, -17 * 4096, 15 * 4096 - 1)
    assert found == twin.power_of_two(y)
    assert abs(found - 65536 * 2 ** (within / 4096)) <= 1 + 2e-4 * 65536 * 2 ** (within / 4096)


def rate_hz(model, parameters, receptor, dt, duration=1500.0):
    p = MODELS[model].defaults() | parameters
    start = {"v": p.get("v_rest", -65.0)}
    cells = Population(0, "cells", len(p["i_offset"]), model, parameters=p, receptors=(receptor,), initial=start)
    run = Simulation(Network(dt, 1, (cells,), (), (), (Probe(0, "spikes", np.arange(cells.size)),)))
    run.run_until(duration)
    who, when = run.spikes(0)
    return np.array([1e3 * (np.sum(who == k) - 1) / np.ptp(when[who == k]) for k in range(cells.size)])


@pytest.mark.parametrize("dt", [0.1, 1.0])
@pytest.mark.parametrize(
    ("model", "currents", "more", "limit"),
    [
        ("adex", (0.7, 0.8, 1.0, 1.5, 2.5), {}, 0.01),
        ("adex", (0.65, 1.0), {"a": -2.0, "b": 0.005, "tau_w": 50.0, "v_reset": -60.0}, 0.01),
        ("adex", (0.7, 1.0), {"v_spike": 0.0, "delta_T": 3.0}, 0.01),
        ("izhikevich", (0.004, 0.007, 0.01, 0.02), {}, 0.015),
        ("izhikevich", (0.005, 0.01), {"a": 0.1, "b": 0.2, "d": 2.0}, 0.03),
    ],
)
def test_rates_are_those_of_the_ideal_neuron_within_a_few_per_cent(model, currents, more, limit, dt):
    given = {"i_offset": np.array(currents), **more}
    ideal = rate_hz(model, given, Receptor("e", "curr_exp", {"tau_syn": 5.0}), dt)
    found = rate_hz(f"{model}_fixed", given, CURRENT, dt)
    assert np.abs(found / ideal - 1).max() < limit
    assert np.abs(found / ideal - 1).max() > 0  # it is not the ideal model


def test_below_threshold_the_voltage_settles_where_the_equations_say():
    """Without the exponential v - v_rest = I / (g_L + a) and w = a (v - v_rest)."""
    given = {"delta_T": 0.0, "i_offset": 0.3, "v_thresh": -40.0}
    v, w, spikes = simulated("adex_fixed", given, 0.1, [[]], [0], 12_000)
    p = MODELS["adex_fixed"].defaults()
    steady = 0.3 / (p["cm"] / p["tau_m"] + 1e-3 * p["a"])
    assert v[-1, 0] * p["unit_v"] == pytest.approx(steady, rel=3e-3)
    assert w[-1, 0] * p["unit_w"] == pytest.approx(1e-3 * p["a"] * steady, rel=0.02)  # w stops changing some 700 units early
    assert not spikes.any()


def test_states_saturate_and_do_not_wrap():
    v, _, spikes = simulated("adex_fixed", {"i_offset": -50.0}, 0.1, [[]], [0], 400)
    assert v.min() == -(2**23 - 1)
    assert not spikes.any()


def test_whole_numbers_need_whole_receptors():
    with pytest.raises(UnsupportedError, match="'adex_fixed' has no receptors curr_exp"):
        kernel_of("adex_fixed", ("curr_exp",))


def test_a_slope_that_12_bits_cannot_hold_is_refused():
    validate("adex_fixed", {"delta_T": [0.0, 0.2]})
    with pytest.raises(ParameterError, match=r"delta_T is 0.1 mV, too sharp for whole numbers.*0, or 0.2 and more") as error:
        validate("adex_fixed", {"delta_T": 0.1}, where="Population 'a'")
    assert (error.value.used, error.value.limit, error.value.where) == (0.1, 0.2, "Population 'a'")


def test_a_reset_above_the_peak_is_refused_as_of_the_ideal_neuron():
    with pytest.raises(ParameterError, match="c = 31 mV: threshold below reset"):
        validate("izhikevich_fixed", {"c": 31.0})
