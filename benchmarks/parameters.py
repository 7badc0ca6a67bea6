"""The published models, once for all simulators. Units: ms, mV, pF, nS, pA, Hz.

References
----------
.. [1] Brette et al. (2007), J Comput Neurosci 23:349-398, benchmarks 1 and 2; network of Vogels and
   Abbott (2005), J Neurosci 25:10786-10795.
.. [2] Brunel (2000), J Comput Neurosci 8:183-208.
.. [3] Potjans and Diesmann (2014), Cereb Cortex 24:785-806, tables 4 and 5; initial potentials and mean
   rates at full scale as in the model's reference implementation for NEST.
.. [4] van Albada, Helias and Diesmann (2015), PLoS Comput Biol 11:e1004490: fewer neurons and synapses
   with mean and variance of the input kept.
.. [5] Morrison, Aertsen and Diesmann (2007), Neural Comput 19:1437-1467, the rule; Kunkel et al. (2014),
   Front Neuroinform 8:78, the network as used for benchmarks.
.. [6] Song, Miller and Abbott (2000), Nat Neurosci 3:919-926.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

TIMESTEP_MS = 0.1


@dataclass(frozen=True, slots=True)
class VogelsAbbott:
    """The network of [1]_; ``COBA`` has conductances in nS as weights, ``CUBA`` currents in pA."""

    v_rest_mv: float
    w_exc: float
    w_inh: float
    conductances: bool
    n_exc: int = 3200
    n_inh: int = 800
    probability: float = 0.02
    delay_ms: float = 0.1
    v_thresh_mv: float = -50.0
    v_reset_mv: float = -60.0
    v_low_mv: float = -60.0
    v_high_mv: float = -50.0
    t_refrac_ms: float = 5.0
    c_pf: float = 200.0
    g_leak_ns: float = 10.0
    tau_exc_ms: float = 5.0
    tau_inh_ms: float = 10.0
    e_exc_mv: float = 0.0
    e_inh_mv: float = -80.0
    n_stimulated: int = 50
    stimulus_hz: float = 300.0
    stimulus_begin_ms: float = 1.0
    stimulus_end_ms: float = 51.0


COBA = VogelsAbbott(v_rest_mv=-60.0, w_exc=6.0, w_inh=67.0, conductances=True)
CUBA = VogelsAbbott(v_rest_mv=-49.0, w_exc=16.2, w_inh=-90.0, conductances=False)


@dataclass(frozen=True, slots=True)
class Brunel:
    """A balanced random network with delta synapses [2]_ in its asynchronous irregular state; weights in mV."""

    n_exc: int = 10_000
    n_inh: int = 2500
    k_exc: int = 1000
    k_inh: int = 250
    w_exc_mv: float = 0.1
    g: float = 5.0
    eta: float = 2.0
    delay_ms: float = 1.5
    tau_m_ms: float = 20.0
    c_pf: float = 250.0
    v_thresh_mv: float = 20.0
    v_reset_mv: float = 10.0
    t_refrac_ms: float = 2.0

    @property
    def external_hz(self) -> float:
        """Rate of a neuron's external spikes: ``eta`` times what alone would bring it to threshold."""
        return self.eta * self.v_thresh_mv / (self.w_exc_mv * self.tau_m_ms) * 1e3


@dataclass(frozen=True, slots=True)
class Microcircuit:
    """One square millimetre of early sensory cortex [3]_: 77,169 neurons, 298.9 million synapses.

    Matrices are ``[target][source]``. ``rates_hz`` are the published mean rates.
    """

    names: tuple[str, ...] = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
    sizes: tuple[int, ...] = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
    rates_hz: tuple[float, ...] = (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)
    probabilities: tuple[tuple[float, ...], ...] = (
        (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
        (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
        (0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0),
        (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
        (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
        (0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0),
        (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
        (0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443),
    )
    external_indegrees: tuple[int, ...] = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)
    external_hz: float = 8.0
    external_delay_ms: float = 1.5
    psp_mv: float = 0.15
    g: float = 4.0
    l4e_to_l23e: float = 2.0
    weight_sd: float = 0.1
    delays_ms: tuple[float, float] = (1.5, 0.75)
    delay_sd: float = 0.5
    c_pf: float = 250.0
    tau_m_ms: float = 10.0
    tau_syn_ms: float = 0.5
    t_refrac_ms: float = 2.0
    v_rest_mv: float = -65.0
    v_thresh_mv: float = -50.0
    v_reset_mv: float = -65.0
    v_means_mv: tuple[float, ...] = (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43)
    v_sds_mv: tuple[float, ...] = (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48)


@dataclass(frozen=True, slots=True)
class MicrocircuitAtScale:
    """The microcircuit with some of its neurons and synapses: weights in pA, constant currents in pA."""

    sizes: list[int]
    synapses: np.ndarray
    weights_pa: np.ndarray
    external_weight_pa: float
    external_hz: list[float]
    currents_pa: list[float]


def microcircuit(scale: float, drive: str) -> MicrocircuitAtScale:
    """The microcircuit at ``scale`` (of neurons and of in-degrees), driven by ``"poisson"`` spikes or ``"dc"``.

    Below full scale weights grow by ``1/sqrt(scale)``, which keeps the variance of the input, and a
    current replaces the part of the mean that is lost [4]_.
    """
    model = Microcircuit()
    sizes = np.array(model.sizes)
    pairs = np.outer(sizes, sizes).astype(float)
    full = np.log1p(-np.array(model.probabilities)) / np.log1p(-1.0 / pairs)
    weights = _psp_matrix(model) / psp_peak_mv_per_pa(model.tau_m_ms, model.tau_syn_ms, model.c_pf)
    external_weight = model.psp_mv / psp_peak_mv_per_pa(model.tau_m_ms, model.tau_syn_ms, model.c_pf)
    recurrent = (weights * full / sizes[:, None] * np.array(model.rates_hz)).sum(axis=1)
    external = external_weight * np.array(model.external_indegrees) * model.external_hz
    charge_to_pa = 1e-3 * model.tau_syn_ms
    poisson = drive == "poisson"
    lost = charge_to_pa * (1.0 - np.sqrt(scale)) * (recurrent + (external if poisson else 0.0))
    constant = np.zeros(len(sizes)) if poisson else charge_to_pa * external
    return MicrocircuitAtScale(
        sizes=[round(n * scale) for n in model.sizes],
        synapses=np.round(full * scale**2).astype(np.int64),
        weights_pa=weights / np.sqrt(scale),
        external_weight_pa=external_weight / np.sqrt(scale),
        external_hz=[model.external_hz * round(k * scale) for k in model.external_indegrees],
        currents_pa=(constant + lost).tolist(),
    )


def _psp_matrix(model: Microcircuit) -> np.ndarray:
    psp = np.full((8, 8), model.psp_mv)
    psp[:, 1::2] *= -model.g
    psp[0, 2] *= model.l4e_to_l23e
    return psp


def psp_peak_mv_per_pa(tau_m_ms: float, tau_syn_ms: float, c_pf: float) -> float:
    """Largest depolarisation by a current that jumps to 1 pA and decays exponentially."""
    peak_ms = np.log(tau_m_ms / tau_syn_ms) / (1.0 / tau_syn_ms - 1.0 / tau_m_ms)
    difference = np.exp(-peak_ms / tau_m_ms) - np.exp(-peak_ms / tau_syn_ms)
    return float(tau_m_ms * tau_syn_ms / (c_pf * (tau_m_ms - tau_syn_ms)) * difference)


@dataclass(frozen=True, slots=True)
class PowerLawNetwork:
    """The network of [5]_: alpha currents, power-law STDP among excitatory neurons.

    ``scaled(s)`` has the share ``s`` of neurons and of in-degrees, and weights that keep the variance of the input.
    """

    n_exc: int = 9000
    n_inh: int = 2250
    k_exc: int = 9000
    k_inh: int = 2250
    psp_mv: float = 0.14
    g: float = 5.0
    eta: float = 1.685
    delay_ms: float = 1.5
    c_pf: float = 250.0
    tau_m_ms: float = 10.0
    tau_syn_ms: float = 0.32582722403722841
    t_refrac_ms: float = 0.5
    v_thresh_mv: float = 20.0
    v_reset_mv: float = 0.0
    v_mean_mv: float = 5.7
    v_sd_mv: float = 7.2
    tau_plus_ms: float = 15.0
    tau_minus_ms: float = 30.0
    learning_rate: float = 0.1
    alpha: float = 0.0513
    mu: float = 0.4
    settle_ms: float = 50.0

    @property
    def weight_pa(self) -> float:
        """Peak of the alpha current whose potential peaks at ``psp_mv``."""
        return self.psp_mv / alpha_peak_mv_per_pa(self.tau_m_ms, self.tau_syn_ms, self.c_pf)

    @property
    def external_hz(self) -> float:
        """Rate of a neuron's external spikes: ``eta`` times what alone would bring it to threshold."""
        charge = self.weight_pa * np.e * self.tau_syn_ms
        return float(self.eta * self.v_thresh_mv * self.c_pf / (self.tau_m_ms * charge) * 1e3)

    def scaled(self, scale: float) -> PowerLawNetwork:
        """The same with the share ``scale`` of neurons and in-degrees."""
        counts = {name: round(getattr(self, name) * scale) for name in ("n_exc", "n_inh", "k_exc", "k_inh")}
        return replace(self, **counts, psp_mv=self.psp_mv / scale**0.5)


def alpha_peak_mv_per_pa(tau_m_ms: float, tau_syn_ms: float, c_pf: float) -> float:
    """Largest depolarisation by an alpha current with a peak of 1 pA, found on a fine grid."""
    t = np.linspace(0.0, 5.0 * (tau_m_ms + tau_syn_ms), 2_000_001)
    k = 1.0 / tau_syn_ms - 1.0 / tau_m_ms
    shape = (np.exp(-t / tau_m_ms) - np.exp(-t / tau_syn_ms)) / k - t * np.exp(-t / tau_syn_ms)
    return float(np.e / (tau_syn_ms * c_pf * k) * shape.max())


@dataclass(frozen=True, slots=True)
class SongAbbott:
    """Poisson sources onto neurons, all to all, additive STDP [6]_; conductances in nS."""

    n_sources: int = 1000
    n_cells: int = 100
    source_hz: float = 15.0
    tau_m_ms: float = 20.0
    c_pf: float = 200.0
    g_leak_ns: float = 10.0
    v_rest_mv: float = -74.0
    v_thresh_mv: float = -54.0
    v_reset_mv: float = -60.0
    t_refrac_ms: float = 0.1
    e_exc_mv: float = 0.0
    tau_exc_ms: float = 5.0
    delay_ms: float = 0.1
    tau_stdp_ms: float = 20.0
    a_plus: float = 0.01
    a_minus: float = 0.0105
    w_max_ns: float = 0.1
