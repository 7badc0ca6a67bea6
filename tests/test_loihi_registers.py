"""Loihi in registers against the emulators' traces, bit by bit, and against a plain twin."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.chips.loihi.arithmetic import ARITHMETIC, acting_weights
from neurosim.engine import Simulation
from neurosim.errors import LossWarning, MemoryLimitError, NeurosimError, ParameterError, UnknownNameError
from neurosim.loihi import Compartments, Synapses, network_of, run
from tests.support.loihi_twin import advance, advance_network

DATA = Path(__file__).parent / "data" / "loihi"


def cases(file, key):
    found = json.loads((DATA / f"{file}.json").read_text(encoding="utf-8"))[key]
    return [pytest.param(case, id=case["name"]) for case in found]


def sign_mode(weights):
    weights = np.asarray(weights)
    return "excitatory" if (weights >= 0).all() else "inhibitory" if (weights <= 0).all() else "mixed"


@pytest.mark.filterwarnings("ignore:.*their registers")
@pytest.mark.parametrize("case", cases("lava_lif", "cases"))
def test_traces_of_lava(case):
    given, wiring = case["params"], case["synapse"]
    cells = Compartments(
        len(case["u"]), given["du"], given["dv"], given["vth"], bias_mantissa=given["bias_mant"], bias_exponent=given["bias_exp"]
    )
    weights = np.array(wiring["weights"]).T
    settings = {"exponent": wiring.get("weight_exp", 0), "bits": wiring.get("num_weight_bits", 8), "sign_mode": sign_mode(weights)}
    synapses = [Synapses.dense(weights, **settings)]
    found = run(cells, synapses, case["in_spikes"], n_steps=case["T"], arithmetic="lava")
    assert (found.u.tolist(), found.v.tolist(), found.spikes.tolist()) == (case["u"], case["v"], case["s"])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", cases("nengo_loihi", "emulator_traces"))
def test_traces_of_nengo_loihi(case, threads):
    assert case["vth"] % 64 == 0
    exponent = next(e for e in range(8) if abs(case["bias"]) <= 4095 * 2**e)
    cells = Compartments(
        len(case["u"]), case["decay_u"], case["decay_v"], case["vth"] // 64, case["bias"] // 2**exponent, exponent,
        case["refract_delay"], case["vmin"], case["vmax"],
    )  # fmt: skip
    weights = np.array(case["weights_x64"]) // 64
    synapses = [Synapses.dense(weights, sign_mode=sign_mode(weights))]
    found = run(cells, synapses, case["in_spikes"], n_steps=case["T"], arithmetic="nengo_loihi", threads=threads)
    assert (found.u.tolist(), found.v.tolist(), found.spikes.tolist()) == (case["u"], case["v"], case["s"])


@pytest.mark.parametrize("case", cases("brian2_loihi", "neuron_cases"))
def test_traces_of_brian2_loihi(case):
    given, wiring = case["neuron"], case["synapse"]
    cells = Compartments(len(case["u"]), given["decay_I"], given["decay_v"], given["threshold_v_mant"], refractory=given["refractory"])
    mode = {1: "mixed", 2: "excitatory", 3: "inhibitory"}[wiring["sign_mode"]]
    format_ = {"exponent": wiring["w_exp"], "bits": wiring["num_weight_bits"], "sign_mode": mode}
    acting = acting_weights(case["weights_pre_major"], arithmetic="brian2_loihi", **format_)
    assert acting.ravel().tolist() == case["w_act"]
    synapses = [Synapses.dense(case["weights_pre_major"], delay=wiring["delay"], **format_)]
    found = run(cells, synapses, case["in_spikes"], n_steps=case["T"], arithmetic="brian2_loihi")
    assert (found.u.tolist(), found.v.tolist()) == (case["u"], case["v"])
    assert [found.spike_steps(k).tolist() for k in range(cells.n)] == case["spikes"]


@pytest.mark.parametrize("case", json.loads((DATA / "nengo_loihi.json").read_text(encoding="utf-8"))["weight_quantisation"])
def test_weights_as_nengo_loihi_quantises_them(case):
    mode = {1: "mixed", 2: "excitatory", 3: "inhibitory"}[case["fanout_type"]]
    found = acting_weights(case["w"], case["weight_exp"], bits=case["real_bits"], sign_mode=mode, arithmetic="nengo_loihi")
    assert found.tolist() == case["q"]


whole = st.integers


@pytest.mark.filterwarnings("ignore:.*their registers")
@settings(max_examples=60, deadline=None)
@given(
    whole(0, 4096), whole(0, 4096), whole(0, 131071), whole(-4096, 4095), whole(0, 7), whole(1, 63),
    whole(-(2**23) + 1, 0), whole(0, 2**23 - 1),
    st.lists(st.tuples(whole(0, 39), whole(0, 255), whole(0, 20)), max_size=30), whole(0, 7),
)  # fmt: skip
def test_random_registers_against_a_plain_twin(decay_u, decay_v, threshold, mantissa, power, refractory, v_min, v_max, events, exponent):
    n_steps = 70
    cells = Compartments(1, decay_u, decay_v, threshold, mantissa, power, refractory, v_min, v_max)
    inputs = [[step] for step, _, _ in events]
    weights, delays = ([event[k] for event in events] for k in (1, 2))
    synapses = [Synapses(range(len(events)), [0] * len(events), weights, delays, exponent=exponent, sign_mode="excitatory")]
    arrived = [0] * (n_steps + 40)
    for step, weight, delay in events:
        arrived[step + 1 + delay] += min(weight * 2**exponent * 64, 2**21 - 64)
    found = run(cells, synapses if events else [], inputs, n_steps=n_steps)
    u, v, spikes = advance(n_steps, arrived, min(decay_u + 1, 4096), decay_v, threshold, mantissa * 2**power, refractory, v_min, v_max)
    assert (found.u[0].tolist(), found.v[0].tolist(), found.spikes[0].tolist()) == (u.tolist(), v.tolist(), spikes.tolist())


@pytest.mark.parametrize("alike", [True, False])
def test_tiles_done_in_one_pass_give_the_numbers_of_those_that_are_not(alike):
    n, n_steps, rng = 250, 60, np.random.default_rng(3)
    given = {
        "decay_u": rng.integers(0, 4096, n), "decay_v": rng.integers(0, 2000, n), "threshold": rng.integers(1, 60, n),
        "refractory": rng.integers(1, 9, n), "v_min": -rng.integers(0, 2**20, n),
    }  # fmt: skip
    given = {name: np.full(n, values[0]) if alike else values for name, values in given.items()}
    bias, pairs = rng.integers(-500, 4000, n), rng.integers(0, n, (2, 3000))
    synapses = [Synapses(*pairs, rng.integers(-128, 128, 3000) * 2, rng.integers(0, 20, 3000), source="compartments")]
    found = run(Compartments(n, **given, bias_mantissa=bias), synapses, n_steps=n_steps)
    odd = {name: np.append(values, values[0]) for name, values in given.items()}
    noise = np.append(np.full(n, -1), 9)  # one with noise, and its tile goes the long way
    other = run(Compartments(n + 1, **odd, bias_mantissa=np.append(bias, 0), noise_exponent=noise), synapses, n_steps=n_steps)
    assert all(np.array_equal(getattr(found, name), getattr(other, name)[:n]) for name in ("u", "v", "spikes"))
    assert found.spikes.any(axis=1).mean() > 0.5


@pytest.mark.filterwarnings("ignore:.*their registers")
def test_thousands_of_wired_compartments_against_the_plain_twin():
    """Registers often at their limits; formats with all kinds of bits and exponents; delays up to 62; over several blocks."""
    rng, n, n_synapses, n_steps = np.random.default_rng(3), 3000, 30_000, 80

    def drawn(low, high, *often):
        return np.where(rng.random(n) < 0.3, rng.choice(often, n), rng.integers(low, high + 1, n))

    decay_u, decay_v = drawn(0, 4096, 0, 4095, 4096), drawn(0, 4096, 0, 1, 4096)
    threshold, refractory = drawn(0, 20_000, 0, 1, 131_071), drawn(1, 64, 1, 63, 64)
    mantissa, power = drawn(-4096, 4095, 0, -4096, 4095), rng.integers(0, 8, n)
    v_min, v_max = -(2 ** drawn(0, 23, 23)) + 1, 2 ** (9 + 2 * drawn(0, 7, 7)) - 1
    pre, post, delay = rng.integers(0, n, n_synapses), rng.integers(0, n, n_synapses), rng.integers(0, 63, n_synapses)
    weight, groups, acting = rng.integers(-256, 255, n_synapses), [], np.zeros(n_synapses)
    for k, (exponent, bits) in enumerate([(0, 8), (7, 8), (-8, 8), (3, 1), (-2, 5)]):
        of = slice(k, None, 5)
        groups.append(Synapses(pre[of], post[of], weight[of], delay[of], exponent, bits, source="compartments"))
        acting[of] = acting_weights(weight[of], exponent, bits=bits)
    registers = (np.minimum(decay_u + 1, 4096), decay_v, threshold, mantissa * 2**power, refractory, v_min, v_max)
    u, v, spikes = advance_network(n_steps, registers, (pre, post, acting.astype(np.int64), delay))
    assert spikes.sum() > 4000
    cells = Compartments(n, decay_u, decay_v, threshold, mantissa, power, refractory, v_min, v_max)
    for threads in (1, 2):
        found = run(cells, groups, n_steps=n_steps, threads=threads)
        assert np.array_equal(found.u, u) and np.array_equal(found.v, v) and np.array_equal(found.spikes, spikes)


def test_an_overflow_is_told():
    cells, synapses = Compartments(1, decay_u=0, threshold=131071), [Synapses([0], [0], 255, exponent=7, sign_mode="excitatory")]
    with pytest.warns(LossWarning, match="currents overflowed their registers 1 times so far"):
        found = run(cells, synapses, [range(5)], n_steps=6)
    assert found.u[0].max() > 0 > found.u[0].min()


def test_voltages_that_end_at_their_register_are_told():
    down = {"threshold": 100, "bias_mantissa": -4095, "bias_exponent": 7}
    with pytest.warns(LossWarning, match="fallen below the lowest of their registers 24 times so far"):
        found = run(Compartments(1, **down), n_steps=40)
    assert found.v[0].tolist() == [max(-4095 * 128 * step, 1 - 2**23) for step in range(1, 41)]
    assert run(Compartments(1, **down, v_min=-1000), n_steps=40).v.min() == -1000  # a limit that is meant


def test_a_compartment_reaches_the_next_one_in_the_next_step():
    cells = Compartments(3, decay_u=4096, decay_v=4096, threshold=[10, 100, 100])
    chain = Synapses([0, 1], [1, 2], 255, delay=[0, 4], sign_mode="excitatory", source="compartments")
    found = run(cells, [Synapses([0], [0], 255, sign_mode="excitatory"), chain], [[3]], n_steps=20)
    assert [found.spike_steps(k).tolist() for k in range(3)] == [[4], [5], [10]]


@pytest.mark.parametrize("on_v", [0, 1])
def test_noise_is_uniform_and_reproducible(on_v):
    cells = Compartments(200, decay_u=4096, decay_v=4096, threshold=131071, noise_exponent=9, noise_on_v=on_v, seed=5)
    found = run(cells, n_steps=100)
    assert np.array_equal(found.v, run(cells, n_steps=100, threads=2).v)
    drawn = found.v / 4
    assert (drawn == np.rint(drawn)).all()
    assert (drawn.min(), drawn.max()) == (-127, 127)
    assert abs(drawn.mean()) < 4 * 73.6 / np.sqrt(drawn.size)
    assert drawn.std() == pytest.approx(np.sqrt((255**2 - 1) / 12), rel=0.02)
    assert (found.u == 0).all() if on_v else np.array_equal(found.u, found.v)
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 0.03


def test_an_offset_of_the_noise_and_exponents_below_7():
    cells = Compartments(500, decay_u=4096, decay_v=4096, threshold=131071, noise_exponent=5, noise_offset=3, noise_on_v=1)
    drawn = run(cells, n_steps=40).v
    assert drawn.min() >= (192 - 127) // 2 and drawn.max() <= (192 + 127) // 2  # an exponent of 5 acts as 6
    assert drawn.mean() == pytest.approx(96, abs=1)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: run(Compartments(1, decay_u=5000), n_steps=1), ParameterError, "decay_u is 5000; it must be a whole number from 0"),
        (lambda: run(Compartments(2, threshold=[1, 2, 3]), n_steps=1), ParameterError, "threshold has 3 values for 2 compartments"),
        (lambda: run(Compartments(1, bias_mantissa=0.5), n_steps=1), ParameterError, "bias_mantissa is 0.5"),
        (lambda: run(Compartments(0), n_steps=1), ParameterError, "n is 0"),
        (lambda: run(Compartments(1), n_steps=0), ParameterError, "n_steps is 0"),
        (lambda: run(Compartments(1), n_steps=1, arithmetic="laava"), UnknownNameError, "lava"),
        (lambda: run(Compartments(1), [], [[1, 1]], n_steps=5), ParameterError, "an input spikes twice in one step"),
        (lambda: run(Compartments(1), [], [[-1]], n_steps=5), ParameterError, "a spike's step is -1"),
        (lambda: run(Compartments(1), [Synapses([0], [1], 5)], [[1]], n_steps=5), ParameterError, "post is 1; it must be a whole"),
        (lambda: run(Compartments(1), [Synapses([0], [0], 5, delay=63)], [[1]], n_steps=5), ParameterError, "delay is 63"),
        (lambda: run(Compartments(1), [Synapses([0, 0], [0], 5)], [[1]], n_steps=5), ParameterError, "post has 1 values for 2 synapses"),
        (lambda: run(Compartments(1), [Synapses([0], [0], 5, source="cells")], [[1]], n_steps=5), UnknownNameError, "source"),
        (lambda: Synapses.dense([1, 2]), ParameterError, "has 2 axes, this has 1"),
        (lambda: run(Compartments([1]), n_steps=1), ParameterError, "n is .1.; it must be one whole number"),
        (lambda: run(Compartments(1, seed=-1), n_steps=1), ParameterError, "seed is -1"),
        (lambda: run(Compartments(1, decay_u=[[1], [1, 2]]), n_steps=1), ParameterError, "decay_u has rows of different lengths"),
        (lambda: run(Compartments(1), n_steps=[3]), ParameterError, "n_steps is .3.; it must be one whole number"),
        (lambda: run(Compartments(1), n_steps=1, threads="a"), ParameterError, "threads is a; it must be a whole number"),
        (lambda: run(Compartments(1), n_steps=1, arithmetic=["chip"]), UnknownNameError, "unknown arithmetic"),
        (lambda: run(5, n_steps=1), ParameterError, "compartments is int, not Compartments"),
        (lambda: run(Compartments(1), Synapses([0], [0], 5), n_steps=1), ParameterError, "synapses is Synapses, not a list of Synapses"),
        (lambda: run(Compartments(1), [3], n_steps=1), ParameterError, "synapses is list, not a list of Synapses"),
        (lambda: run(Compartments(1), inputs=1, n_steps=1), ParameterError, "inputs is int, not a list with the spikes"),
        (lambda: run(Compartments(1), inputs=[[[1], [2]]], n_steps=1), ParameterError, "these have 2 axes"),
        (lambda: run(Compartments(1), [Synapses([0], [0], 5)], n_steps=1), ParameterError, "synapses of inputs, and no inputs"),
        (lambda: run(Compartments(1), [Synapses([0], [0], 5, source=[1])], [[0]], n_steps=1), UnknownNameError, "unknown source"),
        (lambda: Synapses.dense([[1], [1, 2]]), ParameterError, "mantissa has rows of different lengths"),
        (lambda: acting_weights([1], "a"), ParameterError, "the weight exponent is a"),
        (lambda: acting_weights([1], [1, 2]), ParameterError, "the weight exponent is .1, 2.; it must be one whole number"),
        (lambda: acting_weights([1], bits=np.array([8, 8])), ParameterError, "bits cannot be encoded"),
        (lambda: acting_weights([1], sign_mode=["mixed"]), UnknownNameError, "unknown sign mode"),
        (lambda: acting_weights([1], bits=7), ParameterError, "weights of 7 bits cannot be encoded"),
        (lambda: acting_weights([1], 8), ParameterError, "the weight exponent is 8"),
        (lambda: acting_weights([1], sign_mode="both"), UnknownNameError, "sign mode"),
        (lambda: acting_weights([-1], sign_mode="excitatory"), ParameterError, "mantissa is -1; it must be a whole number from 0 to 255"),
        (lambda: acting_weights(["a"]), ParameterError, "mantissa is a"),
    ],
)  # fmt: skip
def test_what_is_refused(make, kind, text):
    with pytest.raises(kind, match=text) as error:
        make()
    assert isinstance(error.value, NeurosimError)
    assert error.value.where


def test_a_dense_matrix_with_a_setting_that_is_not_known_names_those_that_are():
    with pytest.raises(UnknownNameError, match=r"unknown setting 'foo'\. Known: bits, delay, exponent, sign_mode, source\."):
        Synapses.dense([[1]], foo=1)
    with pytest.raises(UnknownNameError, match="unknown setting 'post'"):
        Synapses.dense([[1]], post=[0])


@pytest.mark.parametrize(("n", "n_steps"), [(2**31 - 1, 1), (1000, 2**31)])
def test_what_does_not_fit_in_memory_is_refused_before_it_is_made(n, n_steps):
    tracemalloc.start()
    try:
        with pytest.raises(MemoryLimitError, match=f"run: {n:,} compartments .* {n_steps:,} steps need about .* are available") as error:
            run(Compartments(n), n_steps=n_steps)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert error.value.used > error.value.limit
    assert error.value.remedy


def test_synapses_count_as_memory(monkeypatch):
    monkeypatch.setattr("neurosim.loihi.available_bytes", lambda: 10**6)
    monkeypatch.setattr("neurosim.loihi._SMALL_BYTES", 0)
    several = Synapses([0] * 10_000, [0] * 10_000, 1, source="compartments")
    run(Compartments(1), n_steps=1)
    with pytest.raises(MemoryLimitError, match=r"need about 1\.2 MB of memory"):
        run(Compartments(1), [several], n_steps=1)


def test_a_wait_that_was_made_shorter_is_over_and_does_not_come_back():
    def with_refractory(net, steps):
        *others, cells = net.populations
        return replace(net, populations=(*others, replace(cells, parameters={**cells.parameters, "refractory": float(steps)})))

    net = network_of(Compartments(1, 0, 0, threshold=1, bias_mantissa=100, refractory=20), [], (), ARITHMETIC["nengo_loihi"])
    simulation = Simulation(net)
    simulation.run_until(5.0)
    simulation.update(with_refractory(net, 1))
    simulation.run_until(9.0)
    simulation.update(with_refractory(net, 20))
    simulation.run_until(20.0)
    times = simulation.spikes(len(net.populations) - 1)[1].tolist()
    assert times == [1.0, 6.0, 7.0, 8.0, 9.0, 10.0]
