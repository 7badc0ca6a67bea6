"""What a script may choose of Loihi: the arithmetic of its registers."""

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
