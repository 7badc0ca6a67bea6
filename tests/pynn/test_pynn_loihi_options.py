"""What a script may choose of Loihi: the arithmetic of its registers, and noise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import neurosim as sim
from neurosim import chips
from neurosim.chips.loihi.arithmetic import ARITHMETIC
from neurosim.compare import run_script
from neurosim.errors import LossWarning, ParameterError, UnknownNameError, UnsupportedError
from neurosim.loihi import Compartments, Synapses
from neurosim.loihi import run as run_registers

pytestmark = pytest.mark.filterwarnings("ignore::neurosim.errors.LossWarning")
TIMES = [[3.0, 9.0, 14.0], [3.0, 10.0], [3.0, 9.0, 30.0]] * 40
STEPS = 60


def script(**setup):
    """Cells at which 120 large weights arrive in one step, which their registers do not hold."""
    sim.setup(timestep=1.0, min_delay=1.0, rng_seed=1, **setup)
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=[0.3, -0.4], tau_refrac=3.0, tau_syn_E=5.0, tau_syn_I=5.0), label="cells")
    cells.initialize(v=-65.0)
    sources = sim.Population(120, sim.SpikeSourceArray(spike_times=TIMES))
    weights = np.where(np.arange(120)[:, None] < 110, 20.0, 7.0) * np.array([1.0, 0.8])
    sim.Projection(sources, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weights, delay=4.0), receptor_type="excitatory")
    cells.record(["v", "isyn_exc", "spikes"])
    sim.run(float(STEPS))
    return cells.get_data().segments[0]


def in_registers(segment, arithmetic):
    """Traces of a script in registers, and those of its registers set one by one."""
    network, choices = sim.simulator.state.session.fit.network, ARITHMETIC[arithmetic]
    cells, (projection,) = network.populations[0], network.projections
    own, current = cells.parameters, cells.receptors[0].parameters
    signals = {signal.name: np.asarray(signal)[1:].T for signal in segment.analogsignals}
    v = np.rint((signals["v"] - own["zero_v"]) / own["unit_v"])
    u = np.rint(signals["isyn_exc"] / current["unit"])
    form = projection.realisation.format
    exponent = int(np.log2(form.unit / current["unit"] / 64))
    bias = np.asarray(own["bias"])
    power = next(k for k in range(8) if (np.abs(bias) <= 4095 * 2**k).all() and (bias % 2**k == 0).all())
    compartments = Compartments(
        2, int(current["decay_u"]) - choices.offset_u, int(own["decay_v"]), int(own["threshold"]) // 64, bias / 2**power, power,
        int(own["refractory"]),
    )  # fmt: skip
    mantissas = np.rint(np.reshape(sim.simulator.state.projections[0].get("weight", format="array"), (120, 2)) / form.unit)
    synapses = Synapses.dense(mantissas, delay=3, exponent=exponent, sign_mode="excitatory")
    inputs = [[int(t) - choices.input_delay for t in train] for train in TIMES]
    found = run_registers(compartments, [synapses], inputs, n_steps=STEPS, arithmetic=arithmetic)
    return (u, v), found


@pytest.mark.parametrize("arithmetic", ARITHMETIC)
def test_a_script_has_the_traces_of_its_registers_in_each_arithmetic(arithmetic):
    segment = script(chip="loihi", arithmetic=arithmetic)
    (u, v), found = in_registers(segment, arithmetic)
    assert np.array_equal(u, found.u) and np.array_equal(v, found.v)
    assert [len(train) for train in segment.spiketrains] == found.spikes.sum(axis=1).tolist()
    assert np.abs(u).max() > 2**20
    told = [loss for loss in sim.losses() if loss.what == "arithmetic"]
    assert [loss.kind for loss in told] == ["approximation"] * (arithmetic != "chip")
    assert all(f"Registers count as {arithmetic} does" in loss.detail and loss.count == 2 for loss in told)


def test_arithmetics_differ_where_registers_overflow():
    seen = {name: np.asarray(script(chip="loihi", arithmetic=name).filter(name="isyn_exc")[0]) for name in ("chip", "brian2_loihi")}
    assert seen["brian2_loihi"].min() >= 0 > seen["chip"].min()


def test_a_chip_object_has_its_arithmetic_with_other_boards_too():
    chip = chips.load("loihi:kapoho_bay", arithmetic="lava")
    assert chip.with_boards(3).arithmetic.name == "lava"
    assert [row.value for row in chip.passport() if row.name == "arithmetic"] == ["lava"]
    assert not [row for row in chips.load("loihi").passport() if row.name == "arithmetic"]
    assert chips.load("loihi2").with_options(arithmetic="lava").arithmetic.name == "lava"
    script(chip=chip, n_boards=2)
    assert sim.mapping().chip.n_boards == 2
    assert [loss.where for loss in sim.losses() if loss.what == "arithmetic"] == ["Chip 'loihi'"]


def test_programs_run_in_another_arithmetic_of_their_currents():
    sim.setup(timestep=0.1, chip="loihi2", approximate=["programs"], arithmetic="brian2_loihi")
    cells = sim.Population(2, sim.Izhikevich(i_offset=0.01))
    cells.record("spikes")
    sim.run(50.0)
    assert min(len(train) for train in cells.get_data().segments[0].spiketrains) > 0


@pytest.mark.parametrize(
    ("setup", "kind", "text"),
    [
        ({"chip": "loihi", "arithmetic": "laava"}, UnknownNameError, r"Chip 'loihi': unknown arithmetic 'laava'\. Did you mean 'lava'"),
        ({"chip": "loihi", "arithmetic": 3}, UnknownNameError, "unknown arithmetic '3'"),
        ({"chip": "spinnaker", "arithmetic": "lava"}, UnsupportedError, r"SpiNNaker has no option 'arithmetic'\. Leave arithmetic out"),
        ({"arithmetic": "lava"}, ParameterError, r"setup\(\): arithmetic belongs to a chip, and none was asked for"),
    ],
)
def test_choices_that_there_are_not(setup, kind, text):
    with pytest.raises(kind, match=text):
        sim.setup(**setup)


def test_what_a_script_chooses_holds_for_its_own_chip(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(
        'import neurosim as sim\nsim.setup(chip="loihi", arithmetic="lava")\nsim.Population(1, sim.IF_curr_exp())\nsim.run(1.0)\n'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        for chip, arithmetic in (("loihi", "lava"), ("spinnaker", None), ("ideal", None)):
            assert run_script(path, chip=chip).settings["arithmetic"] == arithmetic


def noisy_script(noise, *, sizes=(300, 300), record="v", ms=100.0, threads=1, **setup):
    """Populations 'a' and 'b' that never fire but for noise, a core could hold both."""
    sim.setup(timestep=1.0, min_delay=1.0, rng_seed=2, chip="loihi", noise=noise, threads=threads, **setup)
    both = [
        sim.Population(size, sim.IF_curr_exp(v_thresh=1000.0, tau_refrac=2.0), label=name) for size, name in zip(sizes, "ab", strict=True)
    ]
    for cells in both:
        cells.initialize(v=-65.0)
        cells.record(record)
    sim.run(ms)
    return both


def cores_of(cells):
    return {place.core for place in sim.mapping().where(cells)}


@pytest.mark.parametrize("setting", [(9,), (9, 0, 1), (12, -3, 1), (5, 2)])
def test_noise_of_a_population_is_that_of_its_registers(setting):
    noise = {"a": setting if len(setting) > 1 else setting[0]}
    a, b = noisy_script(noise, ms=40.0)
    v = np.asarray(a.get_data().segments[0].analogsignals[0])[1:].T
    assert np.ptp(np.asarray(b.get_data().segments[0].analogsignals[0])) == 0
    cells = sim.simulator.state.session.fit.network.populations[0]
    own, current = cells.parameters, cells.receptors[0].parameters
    exponent, offset, on_v = (*setting, 0, 0)[:3]
    alone = Compartments(
        300, int(current["decay_u"]) - 1, int(own["decay_v"]), int(own["threshold"]) // 64, noise_exponent=exponent, noise_offset=offset,
        noise_on_v=on_v, refractory=3, seed=4,
    )  # fmt: skip
    found = run_registers(alone, n_steps=40).v
    held = np.rint((v - own["zero_v"]) / own["unit_v"])
    assert held[:, -1].std() == pytest.approx(found[:, -1].std(), rel=0.2)
    assert abs(held[:, -1].mean() - found[:, -1].mean()) < 5 * found[:, -1].std() / np.sqrt(150)
    assert len(np.unique(held[:, 5])) > 50  # each cell has its own


def test_noise_is_reproducible_and_told_in_millivolts():
    first, again = (noisy_script({"a": (16, 0)}, threads=n)[0].get_data().segments[0].analogsignals[0] for n in (1, 2))
    assert np.array_equal(np.asarray(first), np.asarray(again))
    (told,) = [loss for loss in sim.losses() if loss.what == "noise"]
    unit_mv = sim.simulator.state.session.fit.network.populations[0].parameters["unit_v"]
    assert (told.kind, told.where, told.count) == ("uncertain", "Population 'a'", 300)
    assert f"0 mV, standard deviation {73.6 * 512 * unit_mv:.3g} mV" in told.detail


def test_populations_of_different_noise_share_no_core():
    a, b = noisy_script({"a": (9, 0), "b": (10, 0)})
    assert not cores_of(a) & cores_of(b)
    sim.mapping().verify()
    for noise in ({"a": (9, 0), "b": (9, 0)}, {"a": 9}, None):
        a, b = noisy_script(noise)
        assert cores_of(a) == cores_of(b)


def test_noise_costs_energy():
    def energy(noise):
        noisy_script(noise, record="spikes", cost=True)
        return sim.cost()

    quiet, loud = energy(None), energy({"a": 9})
    assert (quiet.n("noise"), loud.n("noise")) == (0, 300 * 100)


@pytest.mark.parametrize(
    ("noise", "kind", "text"),
    [
        ({"a": 24}, ParameterError, "the exponent of the noise of 'a' is 24; it must be a whole number from 0 to 23"),
        ({"a": (9, 64)}, ParameterError, "the offset of the noise of 'a' is 64; it must be a whole number from -64 to 63"),
        ({"a": (9, 0, 2)}, ParameterError, "the on_v of the noise of 'a' is 2"),
        ({"a": ()}, ParameterError, "the noise of 'a' has 0 numbers"),
        ({"a": "loud"}, ParameterError, "the exponent of the noise of 'a' is loud"),
        ({"a": (9, [1, 2])}, ParameterError, "offset of the noise of 'a'"),
        (5, ParameterError, r"noise=5 is no mapping from labels\. Give for example"),
    ],
)
def test_noise_that_cannot_be(noise, kind, text):
    with pytest.raises(kind, match=text):
        sim.setup(chip="loihi", noise=noise)
    with pytest.raises(UnsupportedError, match="Loihi 2 has no option 'noise'"):
        sim.setup(chip="loihi2", noise={"a": 9})


def test_noise_of_what_has_no_registers():
    with pytest.raises(UnknownNameError, match="unknown population with noise 'c'"):
        noisy_script({"c": 9})
    sim.setup(chip="loihi", noise={"source": 9})
    sim.Population(1, sim.SpikeSourcePoisson(), label="source")
    with pytest.raises(UnsupportedError, match="Population 'source': sources of spikes have no registers"):
        sim.run(1.0)
