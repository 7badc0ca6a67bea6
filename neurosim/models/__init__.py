"""Neuron models: what they are called, what they may be given, and how they move.

Start with :data:`MODELS` (names, units, defaults, equations) and :func:`validate`. The engine uses
``neurosim.models.layout`` (arrays from parameters) and ``neurosim.models.kernels`` (advance the
arrays by one step); these two import numba, this package does not.
"""

from __future__ import annotations

from neurosim.models.catalogue import MODELS, Model, Parameter, model
from neurosim.models.validation import validate, validate_receptor, validate_spike_times

__all__ = ["MODELS", "Model", "Parameter", "model", "validate", "validate_receptor", "validate_spike_times"]
