"""Connection rules and their expansion into synapses.

Rules (:mod:`.rules`, :mod:`.table`) are frozen values that answer ``expected``, ``degree_bound``
and ``expand``. :func:`expand` gives the synapses of some rows of a projection with all columns
evaluated, :func:`iterate` gives them in blocks, :func:`count` their number, and
:func:`population_values` the numbers of one column of a population. Random numbers
(:mod:`.random`) are functions of seed, row and ordinal, so nothing depends on blocks or threads.
Loops live in :mod:`.kernels` and :mod:`.totals`; PyNN's distributions in :mod:`.distributions`.
Start reading at :mod:`.expansion`.
"""

from __future__ import annotations

from neurosim.connectivity.columns import population_values
from neurosim.connectivity.expansion import count, expand, iterate
from neurosim.connectivity.rules import AllToAll, Bernoulli, DistanceDependent, FixedIn, FixedOut, FixedTotal, OneToOne
from neurosim.connectivity.table import Table

__all__ = [
    "AllToAll",
    "Bernoulli",
    "DistanceDependent",
    "FixedIn",
    "FixedOut",
    "FixedTotal",
    "OneToOne",
    "Table",
    "count",
    "expand",
    "iterate",
    "population_values",
]
