"""What the engine calls in its step: :func:`advance` and :func:`receive`.

Both work on a group of neurons of one model, in place, and append spikes to arrays given by the
caller. They dispatch on the kernel's number, so that one compiled function (per precision) serves
all models. :mod:`neurosim.models.layout` makes the arrays.
"""

from __future__ import annotations

from numba import njit

from neurosim.models._hodgkin_huxley import advance_one, jump_excitable
from neurosim.models._membrane import adaptive_block, jump, leaky_block, linear_block, redo_block
from neurosim.models._receptors import arrive, decay

K_LIF_LINEAR, K_LIF, K_ADEX, K_IZHIKEVICH, K_HH = range(5)
BLOCK = 256
DELTA_KIND = 2
TOL_LEAKY = 2e-8
TOL_LEAKY_BLOCK = 1e-5
TOL_ADAPTIVE = 3e-11
TOL_ADAPTIVE_BLOCK = 1e-10
TOL_ADAPTIVE_LOOSE = 1e-7
TOL_EXCITABLE = 1e-6
_FLAGS = {"cache": True, "error_model": "numpy"}


@njit(**_FLAGS)
def advance(kernel, state, coeff, receptor_kinds, g, i_inj, dt, out_index, out_offset, count):
    """Advance all neurons of a group from t to t + dt.

    Parameters
    ----------
    kernel
        ``layout.kernel_of(...)``.
    state, coeff
        (n_states, n) and (n_coeff, n), of one float type; ``layout.initial_state`` and
        ``layout.coefficients``. Rows of ``state``: v (mV), w or u or m, refractory time left (ms).
    receptor_kinds, g
        int64 (R,) and (R, 2, n): kinds and synaptic state; ``g[r, 0]`` is what one records.
    i_inj
        (n,) current in nA, constant over the step, on top of ``i_offset``.
    dt
        ms; the step for which ``coeff`` was made.
    out_index, out_offset, count
        Spikes are appended from position ``count``: neuron, and time since t in (0, dt] ms.
        Never written beyond the end; at most 8 spikes a neuron and step.

    Returns
    -------
    int
        The new count.
    """
    n = state.shape[1]
    if kernel == K_HH:
        for i in range(n):
            count = advance_one(i, state, coeff, receptor_kinds, g, i_inj[i], dt, TOL_EXCITABLE, out_index, out_offset, count)
        decay(coeff, receptor_kinds, g, 0, n)
        return count
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        tol = TOL_LEAKY
        if kernel == K_LIF_LINEAR:
            linear_block(state, coeff, receptor_kinds, g, i_inj, start, size, dt)
        elif kernel == K_LIF:
            leaky_block(state, coeff, receptor_kinds, g, i_inj, start, size, dt, TOL_LEAKY_BLOCK)
        else:
            tol = TOL_ADAPTIVE
            adaptive_block(state, coeff, receptor_kinds, g, i_inj, start, size, dt, TOL_ADAPTIVE_LOOSE, TOL_ADAPTIVE_BLOCK)
        count = redo_block(state, coeff, receptor_kinds, g, i_inj, start, size, dt, tol, out_index, out_offset, count)
        decay(coeff, receptor_kinds, g, start, start + size)
    return count


@njit(**_FLAGS)
def receive(kernel, state, coeff, receptor_kinds, g, inputs, dt, out_index, out_offset, count):
    """Let the weights that arrive at t + dt act, and zero them.

    Parameters
    ----------
    inputs
        (R, n) sums of arrived weights: nA for currents (signed), uS for conductances (positive),
        mV for ``curr_delta`` (signed; lost on a refractory neuron). Alpha and beta shapes peak at
        the weight.
    kernel, state, coeff, receptor_kinds, g, dt, out_index, out_offset, count
        As for :func:`advance`, which is called first in a step.

    Returns
    -------
    int
        The new count: a voltage jump can make a neuron fire, with offset ``dt``.
    """
    arrive(coeff, receptor_kinds, g, inputs)
    jumps = False
    for r in range(receptor_kinds.size):
        jumps = jumps or receptor_kinds[r] == DELTA_KIND
    if not jumps:
        return count
    if kernel == K_HH:
        return jump_excitable(state, coeff, receptor_kinds, inputs, dt, out_index, out_offset, count)
    return jump(state, coeff, receptor_kinds, inputs, dt, out_index, out_offset, count)
