"""The models by name: parameters with units and lowest values, equations, sources in print."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neurosim.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a model.

    Attributes
    ----------
    name, unit, default
        PyNN's name, unit and default.
    low, high
        Smallest and largest value; the former refused itself where ``low_open``.
    whole
        True for whole numbers.
    """

    name: str
    unit: str
    default: float
    low: float = -math.inf
    low_open: bool = False
    high: float = math.inf
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A neuron model or spike source.

    Attributes
    ----------
    parameters
        In PyNN's units.
    description, equations, reference
        For readers.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    equations: str = ""
    reference: str = ""
    is_source: bool = False

    def parameter(self, name: str, *, where: str = "") -> Parameter:
        """Parameter called ``name``.

        Raises
        ------
        UnknownNameError
            If the model has no such parameter; proposes the nearest one.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise UnknownNameError.among(f"parameter of model '{self.name}'", name, [p.name for p in self.parameters], where=where)

    def defaults(self) -> dict[str, float]:
        """Default of each parameter."""
        return {parameter.name: parameter.default for parameter in self.parameters}


def _positive(name: str, unit: str, default: float) -> Parameter:
    return Parameter(name, unit, default, low=0.0, low_open=True)


def _not_negative(name: str, unit: str, default: float) -> Parameter:
    return Parameter(name, unit, default, low=0.0)


_LIF = Model(
    name="lif",
    description="Leaky integrate-and-fire neuron with absolute refractory time.",
    parameters=(
        Parameter("v_rest", "mV", -65.0),
        _positive("cm", "nF", 1.0),
        _positive("tau_m", "ms", 20.0),
        _not_negative("tau_refrac", "ms", 0.1),
        Parameter("i_offset", "nA", 0.0),
        Parameter("v_reset", "mV", -65.0),
        Parameter("v_thresh", "mV", -50.0),
    ),
    equations="cm dv/dt = cm (v_rest - v) / tau_m + i_offset + i_syn + i_inj; at v >= v_thresh: v = v_reset for tau_refrac",
    reference="Gerstner et al., Neuronal Dynamics, Cambridge 2014, section 1.3",
)

_ADEX = Model(
    name="adex",
    description="Exponential integrate-and-fire neuron with adaptation; delta_T = 0 gives a sharp threshold at v_thresh.",
    parameters=(
        _positive("cm", "nF", 0.281),
        _not_negative("tau_refrac", "ms", 0.1),
        Parameter("v_spike", "mV", -40.0),
        Parameter("v_reset", "mV", -70.6),
        Parameter("v_rest", "mV", -70.6),
        _positive("tau_m", "ms", 9.3667),
        Parameter("i_offset", "nA", 0.0),
        Parameter("a", "nS", 4.0),
        Parameter("b", "nA", 0.0805),
        _not_negative("delta_T", "mV", 2.0),
        _positive("tau_w", "ms", 144.0),
        Parameter("v_thresh", "mV", -50.4),
    ),
    equations=(
        "cm dv/dt = g_L (v_rest - v + delta_T exp((v - v_thresh) / delta_T)) - w + i_offset + i_syn + i_inj; g_L = cm / tau_m; "
        "tau_w dw/dt = a (v - v_rest) - w; at v >= v_spike: v = v_reset for tau_refrac, w = w + b (w goes on meanwhile)"
    ),
    reference="Brette and Gerstner 2005, J. Neurophysiol. 94:3637; Naud et al. 2008, Biol. Cybern. 99:335",
)

_IZHIKEVICH = Model(
    name="izhikevich",
    description="Izhikevich's quadratic neuron. Currents act as if the membrane had 1 pF.",
    parameters=(
        Parameter("a", "/ms", 0.02),
        Parameter("b", "/ms", 0.2),
        Parameter("c", "mV", -65.0),
        Parameter("d", "mV/ms", 2.0),
        Parameter("i_offset", "nA", 0.0),
    ),
    equations="dv/dt = 0.04 v^2 + 5 v + 140 - u + 1000 (i_offset + i_syn + i_inj); du/dt = a (b v - u); at v >= 30 mV: v = c, u = u + d",
    reference="Izhikevich 2003, IEEE Trans. Neural Networks 14:1569",
)

_HH = Model(
    name="hh",
    description="Hodgkin-Huxley neuron with the kinetics of Traub and Miles; a spike is an upward crossing of 0 mV.",
    parameters=(
        _not_negative("gbar_Na", "uS", 20.0),
        _not_negative("gbar_K", "uS", 6.0),
        _not_negative("g_leak", "uS", 0.01),
        _positive("cm", "nF", 0.2),
        Parameter("v_offset", "mV", -63.0),
        Parameter("e_rev_Na", "mV", 50.0),
        Parameter("e_rev_K", "mV", -90.0),
        Parameter("e_rev_leak", "mV", -65.0),
        Parameter("i_offset", "nA", 0.0),
    ),
    equations=(
        "cm dv/dt = g_leak (e_rev_leak - v) + gbar_Na m^3 h (e_rev_Na - v) + gbar_K n^4 (e_rev_K - v) + i_offset + i_syn + i_inj; "
        "dx/dt = alpha_x (1 - x) - beta_x x for m, h, n; with u = v - v_offset: "
        "alpha_m = 0.32 (13 - u) / (exp((13 - u) / 4) - 1), beta_m = 0.28 (u - 40) / (exp((u - 40) / 5) - 1), "
        "alpha_h = 0.128 exp((17 - u) / 18), beta_h = 4 / (1 + exp((40 - u) / 5)), "
        "alpha_n = 0.032 (15 - u) / (exp((15 - u) / 5) - 1), beta_n = 0.5 exp((10 - u) / 40)"
    ),
    reference="Traub and Miles 1991, Neuronal Networks of the Hippocampus; Brette et al. 2007, J. Comput. Neurosci. 23:349",
)


def _register(name: str, default: float, low: float, high: float, unit: str = "") -> Parameter:
    return Parameter(name, unit, default, low, high=high, whole=True)


_EXACT = 2.0**50
_LIF_FIXED = Model(
    name="lif_fixed",
    description="Leaky integrate-and-fire neuron in whole numbers, with registers of limited width and decays in 1/4096.",
    parameters=(
        _register("decay_v", 0.0, 0.0, 4096.0),
        _register("bias", 0.0, -_EXACT, _EXACT),
        _register("threshold", 6400.0, 0.0, _EXACT),
        _register("v_low", 1.0 - 2.0**23, -_EXACT, 0.0),
        _register("v_high", 2.0**23 - 1.0, 0.0, _EXACT),
        _register("refractory", 1.0, 1.0, 2.0**20, "steps"),
        _register("bits", 24.0, 0.0, 48.0),
        _positive("unit_v", "mV", 1.0),
        Parameter("zero_v", "mV", 0.0),
        _not_negative("per_nA", "1/nA", 0.0),
        _register("decay_a", 0.0, 0.0, 4096.0),
        _register("step_a", 0.0, -(2.0**23), 2.0**23),
        _positive("unit_a", "nA", 1.0),
        _register("noise_exponent", -1.0, -1.0, 23.0),
        _register("noise_offset", 0.0, -64.0, 63.0),
        _register("noise_on_v", 0.0, 0.0, 1.0),
        _register("noise_key", 0.0, 0.0, 2.0**24 - 1.0),
    ),
    equations=(
        "u = wrap(rz(u, decay_u) + wrap(input)); a = rz(a, decay_a) + step_a (spike before); "
        "v = clip(rz(v, decay_v) + wrap(sum u + a + bias), v_low, v_high); v = 0 while refractory; at v > threshold: v = 0; "
        "rz(x, d) = sign(x) floor(|x| (4096 - d) / 4096); in mV: zero_v + unit_v v; w = -unit_a a in nA"
    ),
    reference="Davies et al. 2018, IEEE Micro 38(1):82; Michaelis et al. 2022, Front. Neuroinform. 16:1015624",
)

#: Units of the registers of neurons as programs.
_UNITS = (
    Parameter("unit_v", "mV", 2.0**-15, 2.0**-20, high=2.0**-12),
    _positive("unit_i", "nA", 2.0**-20),
)
_ADEX_FIXED = Model(
    name="adex_fixed",
    description="The AdEx neuron as a program in whole numbers: 24-bit states, the midpoint rule, an exponential by shift and polynomial.",
    parameters=(*_ADEX.parameters, *_UNITS, _positive("unit_w", "nA", 2.0**-22)),
    equations=f"those of adex in parts of a step of at most 0.1 ms: {_ADEX.equations}",
    reference=f"{_ADEX.reference}; formats and rounding are ours, no microcode is public",
)
_IZHIKEVICH_FIXED = Model(
    name="izhikevich_fixed",
    description="Izhikevich's quadratic neuron as a program in whole numbers: 24-bit states, the midpoint rule.",
    parameters=(*_IZHIKEVICH.parameters, *_UNITS, _positive("unit_w", "mV/ms", 2.0**-14)),
    equations=f"those of izhikevich in parts of a step of at most 0.1 ms: {_IZHIKEVICH.equations}",
    reference=f"{_IZHIKEVICH.reference}; formats and rounding are ours, no microcode is public",
)

_WINDOW = (Parameter("start", "ms", 0.0), _not_negative("duration", "ms", 1e10))
_SOURCES = (
    Model("array_source", "Spikes at given times.", (), is_source=True),
    Model("poisson_source", "Poisson process.", (_not_negative("rate", "Hz", 1.0), *_WINDOW), is_source=True),
    Model(
        "gamma_source",
        "Gamma process; the mean interval is alpha / beta seconds.",
        (_positive("alpha", "", 2.0), _positive("beta", "Hz", 1.0), *_WINDOW),
        is_source=True,
    ),
    Model(
        "poisson_refractory_source",
        "Poisson process with a dead time; ``rate`` is the resulting mean rate, so rate * tau_refrac < 1000.",
        (_not_negative("rate", "Hz", 1.0), _not_negative("tau_refrac", "ms", 0.0), *_WINDOW),
        is_source=True,
    ),
)

MODELS: dict[str, Model] = {
    entry.name: entry for entry in (_LIF, _ADEX, _IZHIKEVICH, _HH, _LIF_FIXED, _ADEX_FIXED, _IZHIKEVICH_FIXED, *_SOURCES)
}


def model(name: str) -> Model:
    """Model called ``name``.

    Raises
    ------
    UnknownNameError
        If there is none; proposes the nearest name.

    Examples
    --------
    >>> model("lif").parameter("tau_m").unit
    'ms'
    """
    if name not in MODELS:
        raise UnknownNameError.among("model", name, MODELS)
    return MODELS[name]
