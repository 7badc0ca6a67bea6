"""Connection rules and their expansion into synapses.

Rules (:mod:`.rules`, :mod:`.counted`, :mod:`.table`) are frozen values that answer ``expected``,
``degree_bound`` and ``expand``. :class:`Expansion` gives the synapses of any rows of a projection,
as few columns as wanted, from several threads at once; :func:`expand`, :func:`iterate`,
:func:`blocks` and :func:`count` are its short forms. :func:`population_values` gives the numbers of
one column of a population. Random numbers (:mod:`.random`) are functions of seed, row and ordinal,
so nothing depends on blocks or threads. Loops live in :mod:`.kernels`, :mod:`.totals` and
:mod:`.quantiles`; PyNN's distributions in :mod:`.distributions`. Start reading at :mod:`.expansion`.
"""

from __future__ import annotations

from neurosim.connectivity.columns import population_values
from neurosim.connectivity.counted import FixedIn, FixedOut, FixedTotal
from neurosim.connectivity.expansion import Expansion, blocks, count, expand, iterate
from neurosim.connectivity.rules import AllToAll, Bernoulli, DistanceDependent, OneToOne
from neurosim.connectivity.table import Table

__all__ = [
    "AllToAll",
    "Bernoulli",
    "DistanceDependent",
    "Expansion",
    "FixedIn",
    "FixedOut",
    "FixedTotal",
    "OneToOne",
    "Table",
    "blocks",
    "count",
    "expand",
    "iterate",
    "population_values",
]
