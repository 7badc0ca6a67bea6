"""What the models refuse, and the words they use."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import ParameterError, UnknownNameError, UnsupportedError
from neurosim.models import MODELS, model, validate, validate_receptor, validate_spike_times
from neurosim.models.layout import kernel_of

WHERE = "Population 'exc'"
REFUSED = [
    ("lif", {"tau_m": math.nan}, "Population 'exc': tau_m is nan. Give a finite number."),
    ("lif", {"v_rest": math.inf}, "Population 'exc': v_rest is inf. Give a finite number."),
    ("lif", {"tau_m": -5.0}, "Population 'exc': tau_m is -5 ms. Give tau_m above 0 ms."),
    ("lif", {"tau_m": 0.0}, "Population 'exc': tau_m is 0 ms. Give tau_m above 0 ms."),
    ("lif", {"cm": [0.2, -1.0, 0.2]}, "Population 'exc': cm is -1 nF (cell 1; 1 of 3). Give cm above 0 nF."),
    ("lif", {"tau_refrac": -0.1}, "Population 'exc': tau_refrac is -0.1 ms. Give tau_refrac of at least 0 ms."),
    ("lif", {"cm": "big"}, "Population 'exc': cm is 'big', not a number. Give a number or one number per cell."),
    (
        "lif",
        {"v_thresh": -70.0, "v_reset": -65.0},
        "Population 'exc': threshold below reset: v_thresh is -70 mV, v_reset is -65 mV. Choose v_thresh above v_reset.",
    ),
    (
        "adex",
        {"v_spike": -60.0, "v_reset": -50.0},
        "Population 'exc': threshold below reset: v_spike is -60 mV, v_reset is -50 mV. Choose v_spike above v_reset.",
    ),
    (
        "adex",
        {"delta_T": 0.0, "v_thresh": [-50.0, -60.0], "v_reset": -55.0},
        "Population 'exc': threshold below reset: v_thresh is -60 mV, v_reset is -55 mV (cell 1; 1 of 2). Choose v_thresh above v_reset.",
    ),
    (
        "adex",
        {"v_spike": -55.0, "v_thresh": -50.0},
        "Population 'exc': spike cut-off below threshold: v_spike is -55 mV, v_thresh is -50 mV. Choose v_spike above v_thresh.",
    ),
    ("adex", {"delta_T": -2.0}, "Population 'exc': delta_T is -2 mV. Give delta_T of at least 0 mV."),
    ("adex", {"tau_w": 0.0}, "Population 'exc': tau_w is 0 ms. Give tau_w above 0 ms."),
    ("izhikevich", {"c": 30.0}, "Population 'exc': c = 30 mV: threshold below reset. Choose c below 30 mV, the peak of a spike."),
    ("hh", {"gbar_Na": -1.0}, "Population 'exc': gbar_Na is -1 uS. Give gbar_Na of at least 0 uS."),
    ("poisson_source", {"rate": -3.0}, "Population 'exc': rate is -3 Hz. Give rate of at least 0 Hz."),
    ("gamma_source", {"alpha": 0.0}, "Population 'exc': alpha is 0. Give alpha above 0."),
    (
        "poisson_refractory_source",
        {"rate": 200.0, "tau_refrac": 5.0},
        "Population 'exc': rate is 200 Hz, more than the dead time tau_refrac allows. Lower the rate below 1000 / tau_refrac.",
    ),
    ("poisson_refractory_source", {"tau_refrac": -1.0}, "Population 'exc': tau_refrac is -1 ms. Give tau_refrac of at least 0 ms."),
]


@pytest.mark.parametrize(("name", "parameters", "message"), REFUSED)
def test_an_impossible_parameter_is_refused_with_its_cell_and_a_remedy(name, parameters, message):
    with pytest.raises(ParameterError) as caught:
        validate(name, parameters, where=WHERE)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model("adx"), "unknown model 'adx'. Did you mean 'adex'?"),
        (lambda: validate("lif", {"tau_mm": 1.0}), "unknown parameter of model 'lif' 'tau_mm'. Did you mean 'tau_m'?"),
        (lambda: validate_receptor("cond_expo", {}), "unknown receptor kind 'cond_expo'. Did you mean 'cond_exp'?"),
        (
            lambda: validate_receptor("curr_exp", {"tau_sin": 1.0}),
            "unknown parameter of receptor kind 'curr_exp' 'tau_sin'. Did you mean 'tau_syn'?",
        ),
        (lambda: kernel_of("lif", ("curr_expo",)), "unknown receptor kind 'curr_expo'. Did you mean 'curr_exp'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(call, message):
    with pytest.raises(UnknownNameError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("curr_exp", {"tau_syn": -1.0}, "P: tau_syn is -1 ms. Give tau_syn above 0 ms."),
        ("cond_exp", {"tau_syn": 5.0}, "P: cond_exp receptor without e_rev. Give e_rev in mV, for example 0.0."),
        ("cond_beta", {"tau_rise": 0.0, "tau_decay": 1.0, "e_rev": 0.0}, "P: tau_rise is 0 ms. Give tau_rise above 0 ms."),
        ("cond_alpha", {"tau_syn": 1.0, "e_rev": math.nan}, "P: e_rev is nan. Give a finite number."),
    ],
)
def test_an_impossible_receptor_is_refused(kind, parameters, message):
    with pytest.raises(ParameterError) as caught:
        validate_receptor(kind, parameters, "P")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([1.0, -2.0], "spike time -2 ms is negative (position 1; 1 of 2). Spike times count from 0 ms."),
        ([1.0, 5.0, 3.0], "spike times are not sorted: 3 ms comes after 5 ms (position 2). Sort them, numpy.sort(times)."),
        ([1.0, math.nan], "spike_times is nan (position 1; 1 of 2). Give a finite number."),
    ],
)
def test_impossible_spike_times_are_refused(times, message):
    with pytest.raises(ParameterError) as caught:
        validate_spike_times(times)
    assert str(caught.value) == message


def test_a_source_has_no_kernel():
    with pytest.raises(UnsupportedError, match="model 'poisson_source' has no membrane"):
        kernel_of("poisson_source", ())


@pytest.mark.parametrize("name", MODELS)
def test_the_defaults_of_every_model_are_valid(name):
    validate(name, model(name).defaults())


def test_reset_above_the_exponential_threshold_is_a_bursting_adex_not_an_error():
    validate("adex", {"v_reset": -46.0, "v_thresh": -50.0, "v_spike": 0.0, "delta_T": 2.0})


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=8))
@settings(max_examples=80, deadline=None)
def test_a_time_constant_passes_exactly_if_it_is_finite_and_positive(values):
    good = all(math.isfinite(value) and value > 0.0 for value in values)
    try:
        validate("lif", {"tau_m": np.array(values)})
    except ParameterError:
        assert not good
    else:
        assert good


@given(st.floats(-100, 50), st.floats(-100, 50))
@settings(max_examples=80, deadline=None)
def test_a_lif_threshold_passes_exactly_if_it_is_above_the_reset(v_thresh, v_reset):
    cell = {"v_thresh": v_thresh, "v_reset": v_reset}
    if v_thresh > v_reset:
        validate("lif", cell)
    else:
        with pytest.raises(ParameterError, match="threshold below reset") as caught:
            validate("lif", cell)
        assert caught.value.used == v_thresh
