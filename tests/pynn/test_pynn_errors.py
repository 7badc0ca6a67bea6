"""Bad input gives one clear error: what, where, the limit and a remedy; PyNN's classes still catch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyNN import errors as pynn

from neurosim.errors import NeurosimError

Call = Callable[[Any], object]


def cells(s: Any, kind: str = "IF_cond_exp", n: int = 3, **parameters: Any) -> Any:
    return s.Population(n, getattr(s, kind)(**parameters), label="exc")


def connect(s: Any, kind: str = "IF_cond_exp", connector: Any = None, receptor_type: Any = None, **synapse: Any) -> Any:
    population = cells(s, kind)
    return s.Projection(population, population, connector or s.AllToAllConnector(), s.StaticSynapse(**synapse), receptor_type=receptor_type)


def old_population(s: Any) -> Any:
    population = cells(s)
    s.setup()
    return population


# what is done, the class that PyNN's users (or Python's) catch, and the words that must be there
CASES: dict[str, tuple[Call, type[Exception], tuple[str, ...]]] = {
    "unknown keyword": (lambda s: s.setup(treads=2), KeyError, ("setup()", "treads", "'threads'")),
    "dt is called timestep": (lambda s: s.setup(dt=0.1), KeyError, ("'timestep'",)),
    "negative timestep": (lambda s: s.setup(timestep=-0.1), ValueError, ("timestep", "-0.1")),
    "timestep NaN": (lambda s: s.setup(timestep=float("nan")), ValueError, ("timestep", "nan")),
    "min_delay below timestep": (lambda s: s.setup(timestep=0.5, min_delay=0.1), ValueError, ("min_delay", "0.1", "0.5")),
    "min_delay above max_delay": (lambda s: s.setup(min_delay=2.0, max_delay=1.0), ValueError, ("max_delay",)),
    "unknown precision": (lambda s: s.setup(precision="half"), ValueError, ("half", "float32")),
    "unknown rng": (lambda s: s.setup(rng="numpy"), ValueError, ("numpy", "fast")),
    "no threads": (lambda s: s.setup(threads=0), ValueError, ("threads=0",)),
    "run backwards": (lambda s: s.run(-1.0), ValueError, ("negative",)),
    "run for NaN": (lambda s: s.run(float("nan")), ValueError, ("nan",)),
    "no cells": (lambda s: cells(s, n=0), ValueError, ("0 cells",)),
    "unknown parameter": (lambda s: s.IF_cond_exp(tau_n=1.0), pynn.NonExistentParameterError, ("tau_n", "IF_cond_exp", "tau_m")),
    "unknown parameter in set": (lambda s: cells(s).set(v_treshold=-50.0), pynn.NonExistentParameterError, ("v_thresh",)),
    "unknown parameter in get": (lambda s: cells(s).get("tau"), pynn.NonExistentParameterError, ("'tau'",)),
    "unknown attribute of a cell": (lambda s: cells(s)[0].tau, AttributeError, ("'tau'",)),
    "NaN time constant": (lambda s: cells(s, tau_m=float("nan")), pynn.InvalidParameterValueError, ("exc", "tau_m", "NaN")),
    "negative time constant": (lambda s: cells(s, tau_m=-1.0), pynn.InvalidParameterValueError, ("tau_m", "-1", "greater than 0")),
    "negative synaptic time constant": (lambda s: cells(s, tau_syn_E=[1.0, -2.0, 3.0]), ValueError, ("tau_syn_E", "-2")),
    "negative capacitance later": (lambda s: cells(s).set(cm=-1.0), ValueError, ("cm",)),
    "negative rate": (lambda s: cells(s, "SpikeSourcePoisson", rate=-5.0), ValueError, ("rate", "negative")),
    "threshold below reset": (lambda s: (cells(s, v_thresh=-70.0), s.run(1.0)), ValueError, ("v_thresh", "-70", "v_reset", "-65")),
    "spike times unsorted": (lambda s: cells(s, "SpikeSourceArray", spike_times=[3.0, 1.0]), pynn.InvalidParameterValueError, ("sorted",)),
    "spike times negative": (lambda s: cells(s, "SpikeSourceArray", spike_times=[-1.0]), ValueError, ("-1",)),
    "spike times NaN": (lambda s: cells(s, "SpikeSourceArray", spike_times=[float("nan")]), ValueError, ("spike_times is nan",)),
    "too few values": (lambda s: cells(s, tau_m=[1.0, 2.0]), pynn.InvalidDimensionsError, ("tau_m", "2 values for 3 cells")),
    "unknown state variable": (lambda s: cells(s).initialize(w=0.1), KeyError, ("'w'",)),
    "initial value NaN": (lambda s: cells(s).initialize(v=float("nan")), ValueError, ("'v'", "NaN")),
    "unknown variable": (lambda s: cells(s).record("w"), pynn.RecordingError, ("'w'", "gsyn_exc")),
    "odd sampling interval": (lambda s: cells(s).record("v", sampling_interval=0.25), ValueError, ("0.25", "time step")),
    "two sampling intervals": (lambda s: (p := cells(s), p.record("v"), p.record("v", sampling_interval=1.0)), ValueError, ("same",)),
    "positive weight inhibits": (
        lambda s: connect(s, "IF_curr_exp", weight=0.1, receptor_type="inhibitory"),
        pynn.ConnectionError,
        ("negative",),
    ),
    "negative conductance": (lambda s: connect(s, weight=-0.1, receptor_type="inhibitory"), pynn.ConnectionError, ("exc→exc", "positive")),
    "negative excitatory weight": (
        lambda s: connect(s, "IF_curr_exp", weight=-0.1, receptor_type="excitatory"),
        pynn.ConnectionError,
        ("sign",),
    ),
    "weight NaN": (lambda s: connect(s, weight=float("nan"), receptor_type="excitatory"), pynn.ConnectionError, ("weight", "NaN")),
    "weight NaN set": (lambda s: connect(s, weight=0.1).set(weight=float("nan")), pynn.ConnectionError, ("NaN",)),
    "wrong sign set": (lambda s: connect(s, weight=0.1).set(weight=-0.1), pynn.ConnectionError, ("positive",)),
    "delay below the step": (lambda s: connect(s, delay=0.05), pynn.ConnectionError, ("0.05", "0.1 ms")),
    "delay below min_delay": (lambda s: (s.setup(min_delay=1.0), connect(s, delay=0.5)), pynn.ConnectionError, ("0.5", "min_delay")),
    "delay above max_delay": (lambda s: (s.setup(max_delay=1.0), connect(s, delay=1.5)), pynn.ConnectionError, ("1.5", "max_delay")),
    "matrix of another shape": (lambda s: connect(s, weight=np.ones((2, 3)), receptor_type="excitatory"), ValueError, ("(2, 3)", "(3, 3)")),
    "list of another length": (lambda s: connect(s, weight=0.1).set(weight=[1.0, 2.0]), pynn.InvalidDimensionsError, ("(2,)",)),
    "unknown receptor": (lambda s: connect(s, receptor_type="NMDA"), pynn.ConnectionError, ("NMDA", "excitatory, inhibitory")),
    "unknown synapse parameter": (lambda s: s.StaticSynapse(wait=1.0), pynn.NonExistentParameterError, ("wait", "weight")),
    "unknown attribute set": (lambda s: connect(s).set(U=1.0), pynn.NonExistentParameterError, ("'U'",)),
    "unknown attribute read": (lambda s: connect(s).get("U", format="list"), pynn.NonExistentParameterError, ("'U'",)),
    "unknown format": (lambda s: connect(s).get("weight", format="dict"), ValueError, ("dict", "list")),
    "list index out of range": (
        lambda s: connect(s, connector=s.FromListConnector([(0, 7)])),
        pynn.ConnectionError,
        ("target", "7", "3 cells"),
    ),
    "negative list index": (lambda s: connect(s, connector=s.FromListConnector([(-1, 0)])), pynn.ConnectionError, ("source", "-1")),
    "array of another shape": (lambda s: connect(s, connector=s.ArrayConnector(np.ones((2, 2), bool))), pynn.ConnectionError, ("(2, 2)",)),
    "source as target": (
        lambda s: s.Projection(cells(s), cells(s, "SpikeSourceArray"), s.AllToAllConnector()),
        pynn.ConnectionError,
        ("no synapses", "spike sources"),
    ),
    "single cell connected": (
        lambda s: s.Projection(cells(s)[0], cells(s), s.AllToAllConnector()),
        pynn.ConnectionError,
        ("ID", "pop[i:i+1]"),
    ),
    "earlier setup connected": (
        lambda s: s.Projection(old_population(s), cells(s), s.AllToAllConnector()),
        pynn.ConnectionError,
        ("earlier setup",),
    ),
    "earlier setup recorded": (lambda s: old_population(s).record("v"), NeurosimError, ("earlier setup",)),
    "only self-connections": (
        lambda s: s.Projection(
            p := cells(s, n=1), p, s.FixedNumberPreConnector(1, allow_self_connections=False), s.StaticSynapse(weight=0.1)
        ),
        ValueError,
        ("itself",),
    ),
    "limits of a rule": (
        lambda s: s.Projection(
            p := cells(s), p, s.AllToAllConnector(), s.STDPMechanism(s.SpikePairRule(), s.AdditiveWeightDependence(w_min=2.0))
        ),
        ValueError,
        ("w_min", "w_max"),
    ),
    "STDP time constant": (
        lambda s: s.Projection(
            p := cells(s), p, s.AllToAllConnector(), s.STDPMechanism(s.SpikePairRule(tau_plus=0.0), s.AdditiveWeightDependence())
        ),
        ValueError,
        ("tau_plus", "greater than 0"),
    ),
    "no rule": (lambda s: s.STDPMechanism(), ValueError, ("timing_dependence", "SpikePairRule")),
    "rule differs between synapses": (
        lambda s: s.Projection(
            p := cells(s), p, s.AllToAllConnector(), s.STDPMechanism(s.SpikePairRule(), s.AdditiveWeightDependence())
        ).set(A_plus=[0.1] * 9),
        NotImplementedError,
        ("A_plus", "shared"),
    ),
    "current into a source": (lambda s: s.DCSource().inject_into(cells(s, "SpikeSourceArray")), TypeError, ("spike source",)),
    "step times backwards": (lambda s: s.StepCurrentSource(times=[2.0, 1.0], amplitudes=[1.0, 2.0]), ValueError, ("increasing",)),
    "step times negative": (lambda s: s.StepCurrentSource(times=[-1.0], amplitudes=[1.0]), ValueError, ("negative",)),
    "more times than amplitudes": (
        lambda s: s.StepCurrentSource(times=[1.0, 2.0], amplitudes=[1.0]),
        ValueError,
        ("2 times", "1 amplitudes"),
    ),
    "noise between steps": (lambda s: s.NoisyCurrentSource(dt=0.25), ValueError, ("0.25", "multiple")),
    "unknown current parameter": (lambda s: s.DCSource(amp=1.0), pynn.NonExistentParameterError, ("amp", "amplitude")),
    "current NaN": (lambda s: s.DCSource(amplitude=float("nan")), ValueError, ("amplitude", "NaN")),
    "current not recorded": (lambda s: s.DCSource().get_data(), RuntimeError, ("record()",)),
    "weights not recorded": (lambda s: connect(s).get_recorded("weight"), RuntimeError, ("record('weight')",)),
    "delays recorded": (lambda s: connect(s).record("delay"), NotImplementedError, ("delay", "weight")),
    "after the end": (lambda s: (s.end(), cells(s)), RuntimeError, ("setup()",)),
    "mapping without a chip": (lambda s: s.mapping(), RuntimeError, ("chip",)),
    "place without a chip": (lambda s: s.place(cells(s), on=(1, 1)), RuntimeError, ("chip",)),
    "unknown chip": (lambda s: s.setup(chip="loihy"), KeyError, ("loihy", "loihi")),
    "mixed receptors": (
        lambda s: s.Population(1, s.PointNeuron(s.LIF(), a=s.ExpPSR(), b=s.CurrExpPostSynapticResponse())).conductance_based,
        ValueError,
        ("mixes",),
    ),
    "neuron without receptors": (lambda s: s.PointNeuron(s.LIF()), ValueError, ("no receptor",)),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gives_one_clear_error(sim: Any, fake: Any, name: str) -> None:
    call, kind, words = CASES[name]
    with pytest.raises(kind) as caught:
        call(sim)
    assert isinstance(caught.value, NeurosimError)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy


def test_a_failed_population_leaves_no_trace(sim: Any, fake: Any) -> None:
    with pytest.raises(ValueError, match="tau_m"):
        cells(sim, tau_m=-1.0)
    cells(sim)
    sim.run(1.0)
    sim.reset()
    assert len(fake.made[0].network.populations) == 1


def test_a_failed_set_changes_nothing(sim: Any) -> None:
    projection = connect(sim, weight=0.1)
    with pytest.raises(pynn.ConnectionError):
        projection.set(weight=-1.0, delay=0.5)
    assert projection.get(["weight", "delay"], format="list")[0] == (0, 0, 0.1, 0.1)


def test_checks_can_be_switched_off_as_in_pynn(sim: Any) -> None:
    assert len(connect(sim, connector=sim.AllToAllConnector(safe=False), weight=-0.1, receptor_type="excitatory")) == 9


def test_errors_of_pynn_are_found_where_scripts_look_for_them() -> None:
    import neurosim

    assert neurosim.errors.RecordingError is pynn.RecordingError
    assert neurosim.errors.ParameterError.__module__ == "neurosim.errors"


def test_state_of_the_simulator_is_found_where_scripts_look_for_it() -> None:
    import neurosim

    neurosim.setup(timestep=0.2, min_delay=0.4)
    assert (neurosim.simulator.state.dt, neurosim.simulator.state.min_delay, neurosim.simulator.name) == (0.2, 0.4, "neurosim")
