"""Everything a user can get wrong gives one clear error, and nothing recorded is lost."""

from __future__ import annotations

import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest

import neurosim as sim
from neurosim.errors import (
    DatasheetError,
    LossWarning,
    MappingFileError,
    NeurosimError,
    ParameterError,
    PlacementError,
    StateError,
    UnknownNameError,
    UnsupportedError,
)

HERE = Path(__file__).parent


def start(**options):
    """A fresh set-up."""
    sim.setup(**{"timestep": 0.1, "min_delay": 0.1, **options})


def cell(**changed):
    """A population of three LIF cells with current synapses."""
    return sim.Population(3, sim.IF_curr_exp(**changed), label="exc")


def run_cell(**changed):
    """Set up, make the population and run it for one step."""
    start()
    cell(**changed)
    sim.run(0.1)


def connected(weight=0.1, delay=1.0, connector=None, receptor="excitatory", celltype=None, chip=None, size=3, **options):
    """Two connected populations, run for one step."""
    start(chip=chip, **options)
    pre = sim.Population(3, sim.SpikeSourcePoisson(rate=10.0), label="drive")
    post = sim.Population(size, celltype or sim.IF_curr_exp(), label="exc")
    synapse = weight if not isinstance(weight, float) else sim.StaticSynapse(weight=weight, delay=delay)
    projection = sim.Projection(pre, post, connector or sim.AllToAllConnector(), synapse, receptor_type=receptor, label="link")
    sim.run(0.1)
    return projection


def sourced(source):
    """A spike source alone, run for one step."""
    start()
    sim.Population(2, source, label="drive")
    sim.run(0.1)


def injected(current):
    """A current injected into a cell, run for one step."""
    start()
    cell()
    current.inject_into(sim.simulator.state.populations[0])
    sim.run(0.1)


def recorded(variable, **options):
    """A population recording a variable, run for one step."""
    start()
    cell().record(variable, **options)
    sim.run(0.1)


def on(chip, celltype, size=3, **options):
    """One population on a chip, run for one step."""
    start(chip=chip, **options)
    sim.Population(size, celltype, label="exc")
    sim.run(0.1)


def lonely():
    """A cell that may only connect to itself, and may not."""
    start()
    alone = sim.Population(1, sim.IF_curr_exp(), label="alone")
    sim.Projection(alone, alone, sim.FixedNumberPreConnector(1, allow_self_connections=False), sim.StaticSynapse(weight=0.1))


def across_setups():
    start()
    old = cell()
    start()
    sim.Projection(old, cell(), sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))


def old_view():
    start()
    old = cell()
    start()
    cell()
    old.record("spikes")
    sim.run(1.0)
    old.get_data()


def datasheet(change):
    """Load a copy of a datasheet after ``change`` was applied to its text."""

    def load(folder):
        text = (Path(sim.chips.__file__).parent / "loihi" / "loihi.toml").read_text()
        file = folder / "mine.toml"
        file.write_text(change(text))
        start(chip=str(file))

    return load


def without_field(text):
    """The datasheet without its first unit."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if "unit" in line and "value" in line:
            lines[number] = line.replace("unit", "unid")
            break
    changed = "\n".join(lines)
    tomllib.loads(changed)
    return changed


def edited_mapping(folder):
    """A mapping file in which a number was changed by hand."""
    start(chip="loihi")
    cell()
    file = folder / "map.json"
    sim.mapping().to_json(file)
    file.write_text(file.read_text().replace('"loihi"', '"loihi "', 1))
    type(sim.mapping()).from_json(file)


def plastic(**changed):
    """An STDP projection with changed settings."""
    timing = sim.SpikePairRule(**{k: v for k, v in changed.items() if k in ("tau_plus", "tau_minus", "A_plus", "A_minus")})
    dependence = sim.AdditiveWeightDependence(**{k: v for k, v in changed.items() if k.startswith("w_")})
    more = {k: v for k, v in changed.items() if k == "dendritic_delay_fraction"}
    connected(sim.STDPMechanism(timing, dependence, weight=0.1, delay=1.0, **more))


CASES = {
    # set-up
    "unknown chip": (lambda: start(chip="lohi"), UnknownNameError, "unknown chip 'lohi'.*Did you mean 'loihi'"),
    "chip file not there": (lambda: start(chip="nowhere.toml"), DatasheetError, "nowhere.toml"),
    "no boards": (lambda: start(chip="spinnaker", n_boards=0), ParameterError, "n_boards=0 is not a positive integer"),
    "unknown keyword": (lambda: start(thread=2), UnknownNameError, "unknown .*'thread'.*Did you mean 'threads'"),
    "unknown precision": (lambda: run_with(precision="float16"), ParameterError, "precision='float16' is not known"),
    "unknown pace": (lambda: run_with(pace="slow"), ParameterError, "pace='slow' is not known"),
    "unknown rng": (lambda: start(rng="mersenne"), NeurosimError, "mersenne"),
    "no threads": (lambda: run_with(threads=0), ParameterError, "threads=0 is not a positive integer"),
    "timestep zero": (lambda: start(timestep=0.0), NeurosimError, "(?i)time ?step"),
    "timestep NaN": (lambda: start(timestep=float("nan")), NeurosimError, "(?i)time ?step"),
    "timestep negative": (lambda: start(timestep=-0.1), NeurosimError, "(?i)time ?step"),
    "minimum delay below the step": (lambda: start(min_delay=0.01), Exception, "(?i)delay"),
    "unknown approximation": (
        lambda: run_with(chip="loihi", approximate=["condutance"]),
        UnknownNameError,
        "condutance.*Did you mean 'conductance'",
    ),
    "seed not a number": (lambda: start(rng_seed="abc"), NeurosimError, "rng_seed"),
    "run after end": (lambda: (start(), sim.end(), sim.run(1.0)), StateError, "(?i)setup"),
    "population before set-up": (lambda: (start(), sim.end(), cell()), StateError, "(?i)setup"),
    "run backwards": (lambda: (start(), cell(), sim.run(1.0), sim.run_until(0.5)), ValueError, "(?i)past|earlier|before"),
    "run for NaN": (lambda: (start(), cell(), sim.run(float("nan"))), NeurosimError, "(?i)nan|finite|number"),
    "run for a negative time": (lambda: (start(), cell(), sim.run(-5.0)), ValueError, "(?i)negative|past|earlier"),
    # cells
    "time constant NaN": (lambda: run_cell(tau_m=float("nan")), ParameterError, "Population 'exc'.*tau_m"),
    "time constant negative": (lambda: run_cell(tau_m=-10.0), ParameterError, "Population 'exc'.*tau_m"),
    "time constant zero": (lambda: run_cell(tau_m=0.0), ParameterError, "Population 'exc'.*tau_m"),
    "synaptic time constant negative": (lambda: run_cell(tau_syn_E=-1.0), ParameterError, "Population 'exc'.*tau_syn"),
    "capacitance negative": (lambda: run_cell(cm=-1.0), ParameterError, "Population 'exc'.*cm"),
    "threshold below reset": (lambda: run_cell(v_thresh=-70.0), ParameterError, "(?i)threshold.*below.*reset|v_thresh"),
    "refractory time negative": (lambda: run_cell(tau_refrac=-1.0), ParameterError, "tau_refrac"),
    "current infinite": (lambda: run_cell(i_offset=float("inf")), ParameterError, "i_offset"),
    "one bad cell of three": (lambda: run_cell(tau_m=[20.0, -1.0, 20.0]), ParameterError, "tau_m"),
    "unknown parameter": (lambda: run_cell(tau_n=1.0), Exception, "tau_n"),
    "wrong number of values": (lambda: run_cell(tau_m=[20.0, 10.0]), Exception, "(?i)shape|size|length|2"),
    "AdEx slope negative": (lambda: run_adex(delta_T=-1.0), ParameterError, "delta_T"),
    "AdEx peak below threshold": (lambda: run_adex(v_spike=-60.0), ParameterError, "v_spike"),
    "text as a parameter": (lambda: run_cell(tau_m="fast"), Exception, "tau_m|fast"),
    # sources
    "spike times unsorted": (lambda: sourced(sim.SpikeSourceArray(spike_times=[3.0, 1.0])), ValueError, "(?i)sorted|increasing|order"),
    "spike times negative": (lambda: sourced(sim.SpikeSourceArray(spike_times=[-1.0])), ValueError, "(?i)negative"),
    "spike times NaN": (lambda: sourced(sim.SpikeSourceArray(spike_times=[float("nan")])), ValueError, "(?i)nan|finite"),
    "rate negative": (lambda: sourced(sim.SpikeSourcePoisson(rate=-1.0)), ParameterError, "rate"),
    "rate NaN": (lambda: sourced(sim.SpikeSourcePoisson(rate=float("nan"))), ParameterError, "rate"),
    "duration negative": (lambda: sourced(sim.SpikeSourcePoisson(rate=1.0, duration=-1.0)), ParameterError, "duration"),
    "gamma shape negative": (lambda: sourced(sim.SpikeSourceGamma(alpha=-2.0)), ParameterError, "alpha"),
    "dead time longer than the interval": (
        lambda: sourced(sim.SpikeSourcePoissonRefractory(rate=500.0, tau_refrac=5.0)),
        ParameterError,
        "tau_refrac",
    ),
    # connections
    "negative weight into a conductance": (
        lambda: connected(-0.1, celltype=sim.IF_cond_exp()),
        Exception,
        "(?i)weight.*(positive|sign|negative)",
    ),
    "positive inhibitory current weight": (
        lambda: connected(0.1, receptor="inhibitory"),
        Exception,
        "(?i)weight.*(negative|sign|positive)",
    ),
    "weight NaN": (lambda: connected(float("nan")), NeurosimError, "(?i)link.*(weight|nan|finite)"),
    "weight infinite": (lambda: connected(float("inf")), NeurosimError, "(?i)link.*(weight|inf|finite)"),
    "delay below the step": (lambda: connected(delay=0.01), Exception, "(?i)delay.*0.01"),
    "delay negative": (lambda: connected(delay=-1.0), Exception, "(?i)delay.*-1"),
    "delay NaN": (lambda: connected(delay=float("nan")), Exception, "(?i)delay"),
    "delay above the maximum": (lambda: connected(delay=50.0, max_delay=10.0), Exception, "(?i)delay.*50"),
    "unknown receptor": (lambda: connected(receptor="nmda"), Exception, "nmda"),
    "probability above one": (lambda: connected(connector=sim.FixedProbabilityConnector(1.5)), ParameterError, "probability 1.5"),
    "probability negative": (lambda: connected(connector=sim.FixedProbabilityConnector(-0.5)), ParameterError, "probability -0.5"),
    "probability NaN": (lambda: connected(connector=sim.FixedProbabilityConnector(float("nan"))), ParameterError, "probability nan"),
    "negative number of sources": (lambda: sim.FixedNumberPreConnector(-1), ParameterError, "number of connections, -1"),
    "half a target": (lambda: sim.FixedNumberPostConnector(0.5), ParameterError, "number of connections, 0.5"),
    "negative number of connections": (lambda: sim.FixedTotalNumberConnector(-3), ParameterError, "number of connections, -3"),
    "nobody to connect to but oneself": (lonely, ParameterError, "(?i)only candidate.*itself"),
    "list with an index outside": (lambda: connected(connector=sim.FromListConnector([(0, 7, 0.1, 1.0)])), Exception, "7|range|exist"),
    "connection file not there": (lambda: connected(connector=sim.FromFileConnector("nowhere.txt")), Exception, "nowhere.txt"),
    "different set-ups": (across_setups, NeurosimError, "(?i)set-?up"),
    "data of an earlier set-up": (old_view, NeurosimError, "(?i)set-?up"),
    "STDP time constant negative": (lambda: plastic(tau_plus=-20.0), ParameterError, "tau_plus"),
    "STDP limits crossed": (lambda: plastic(w_min=1.0, w_max=0.5), ParameterError, "w_min|w_max"),
    "STDP dendritic fraction above one": (lambda: plastic(dendritic_delay_fraction=1.5), Exception, "dendritic"),
    "depression parameter above one": (lambda: connected_tm(U=1.5), ParameterError, "U"),
    "recovery time negative": (lambda: connected_tm(tau_rec=-1.0), ParameterError, "tau_rec"),
    "release probability above one": (lambda: connected_stochastic(p=1.5), ParameterError, "p"),
    # currents and recording
    "current amplitude NaN": (lambda: injected(sim.DCSource(amplitude=float("nan"))), ParameterError, "amplitude"),
    "current times unsorted": (
        lambda: injected(sim.StepCurrentSource(times=[2.0, 1.0], amplitudes=[1.0, 0.0])),
        Exception,
        "(?i)sorted|increas|order",
    ),
    "noise with negative spread": (
        lambda: injected(sim.NoisyCurrentSource(mean=0.0, stdev=-1.0, start=0.0, stop=1.0, dt=0.1)),
        ParameterError,
        "stdev",
    ),
    "unknown variable": (lambda: recorded("q"), Exception, "q"),
    "sampling off the grid": (lambda: recorded("v", sampling_interval=0.15), ParameterError, "sampling_interval"),
    "sampling below the step": (lambda: recorded("v", sampling_interval=0.01), NeurosimError, "(?i)sampling"),
    # chips
    "AdEx on Loihi": (lambda: on("loihi", sim.EIF_cond_exp_isfa_ista()), UnsupportedError, "approximate=\\['adex'\\]"),
    "conductances on Loihi": (lambda: on("loihi", sim.IF_cond_exp()), UnsupportedError, "approximate=\\['conductance'\\]"),
    "currents on HICANN": (lambda: on("hicann", sim.IF_curr_exp()), UnsupportedError, "approximate=\\['current'\\]"),
    "AdEx on SpiNNaker": (lambda: on("spinnaker", sim.EIF_cond_exp_isfa_ista()), UnsupportedError, "approximate=\\['adex'\\]"),
    "Hodgkin-Huxley on Loihi": (lambda: on("loihi", sim.HH_cond_exp()), UnsupportedError, "(?i)Loihi.* has no"),
    "too large for Loihi": (lambda: on("loihi", sim.IF_curr_exp(), size=200_000), PlacementError, "(?i)exc.*n_boards"),
    "too large for SpiNNaker": (lambda: on("spinnaker", sim.IF_curr_exp(), size=300_000), PlacementError, "(?i)exc.*n_boards"),
    "too large for the wafer": (lambda: on("hicann", sim.IF_cond_exp(tau_refrac=1.0), size=100_000), PlacementError, "(?i)exc"),
    "delay beyond SpiNNaker": (
        lambda: connected(delay=500.0, size=256, chip="spinnaker", timestep=1.0, min_delay=1.0),
        NeurosimError,
        "(?i)delay.*500",
    ),
    "delay beyond Loihi": (lambda: connected(delay=100.0, chip="loihi", timestep=1.0, min_delay=1.0), NeurosimError, "(?i)delay.*100"),
    "coordinate off the wafer": (lambda: sim.chips.hicann.coordinate(x=0, y=0), NeurosimError, "(?i)x=0.*y=0|0, 0"),
    "odd neuron size": (lambda: placed(neuron_size=5), ParameterError, "(?i)size"),
    "neuron size too large": (lambda: placed(neuron_size=66), ParameterError, "(?i)size"),
    "place without a chip": (lambda: (start(), sim.place(cell(), on=(1, 1)), sim.run(0.1)), NeurosimError, "(?i)chip"),
    "mapping without a chip": (lambda: (start(), cell(), sim.mapping()), NeurosimError, "(?i)chip"),
}
WITH_FOLDER = {
    "datasheet is not TOML": (datasheet(lambda text: text + "\n[[["), DatasheetError, "mine.toml"),
    "datasheet with an unknown field": (datasheet(lambda text: text + "\n[nonsense]\nvalue = 3\n"), DatasheetError, "nonsense"),
    "datasheet with a missing field": (datasheet(without_field), DatasheetError, "unit"),
    "datasheet of an unknown kind": (datasheet(lambda text: text.replace('kind = "loihi"', 'kind = "lohi"')), DatasheetError, "kind"),
    "mapping edited by hand": (edited_mapping, MappingFileError, "(?i)edited|changed|checksum"),
    "mapping that is not JSON": (lambda folder: broken_mapping(folder), MappingFileError, "map.json"),
}


def run_with(**options):
    start(**options)
    cell()
    sim.run(0.1)


def run_adex(**changed):
    start()
    sim.Population(2, sim.EIF_cond_exp_isfa_ista(**changed), label="exc")
    sim.run(0.1)


def connected_tm(**changed):
    connected(sim.TsodyksMarkramSynapse(weight=0.1, delay=1.0, **{"U": 0.5, "tau_rec": 100.0, "tau_facil": 0.0, **changed}))


def connected_stochastic(**changed):
    connected(sim.SimpleStochasticSynapse(weight=0.1, delay=1.0, **changed))


def placed(**options):
    start(chip="hicann")
    pop = sim.Population(1, sim.IF_cond_exp(tau_refrac=1.0))
    sim.place(pop, on=sim.chips.hicann.coordinate(x=5, y=5), **options)
    sim.run(0.1)


def broken_mapping(folder):
    from neurosim.mapping import Mapping

    (folder / "map.json").write_text("{")
    Mapping.from_json(folder / "map.json")


@pytest.fixture(autouse=True)
def quiet():
    """Losses are expected here; everything else still fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        yield


def judge(found, message):
    """The error explains itself and does not come from our depths."""
    text = str(found.value)
    assert len(text) > 15
    frames = [str(entry.path) for entry in found.traceback]
    assert not any("numba" in frame for frame in frames)
    if isinstance(found.value, NeurosimError):
        assert found.value.remedy, f"no remedy in: {text}"


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gives_one_clear_error(name):
    action, error, message = CASES[name]
    with pytest.raises(error, match=message) as found:
        action()
    judge(found, message)


@pytest.mark.parametrize("name", WITH_FOLDER)
def test_bad_files_give_one_clear_error(name, tmp_path):
    action, error, message = WITH_FOLDER[name]
    with pytest.raises(error, match=message) as found:
        action(tmp_path)
    judge(found, message)


def test_there_are_at_least_sixty_cases():
    assert len(CASES) + len(WITH_FOLDER) >= 60


def test_an_error_between_runs_loses_nothing_recorded():
    start()
    exc = cell(i_offset=1.0)
    exc.record(["spikes", "v"])
    sim.run(50.0)
    before = exc.spikes()
    with pytest.raises(ParameterError, match="tau_m"):
        exc.set(tau_m=-1.0)
    np.testing.assert_array_equal(exc.spikes(), before)
    assert len(before[0]) > 0 and exc.get_data("v").segments[0].analogsignals[0].shape == (501, 3)
    exc.set(tau_m=20.0)
    sim.run(50.0)
    assert sim.get_current_time() == pytest.approx(100.0)
