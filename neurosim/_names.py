"""The public names of ``neurosim`` and the rooms they come from.

``PYNN`` lists what :mod:`neurosim.pynn` offers, word for word: keeping the names here lets
``dir()``, ``__all__`` and a misspelt name be answered without importing PyNN, and a test holds
the list equal to ``neurosim.pynn.__all__``.
"""

from __future__ import annotations

# Subpackages and submodules that are attributes of neurosim without being imported first.
# `mapping` is both: the package, and PyNN-style the function that answers with the current one.
ROOMS = (
    "chips",
    "columns",
    "compare",
    "connectivity",
    "errors",
    "losses",
    "mapping",
    "models",
    "network",
    "pynn",
    "report",
    "session",
)

CORE = {
    "LossWarning": "neurosim.errors",
    "NeurosimError": "neurosim.errors",
    "Session": "neurosim.session",
}

PYNN = (
    "ACSource",
    "AdExp",
)
