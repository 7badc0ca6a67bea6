"""Neurons on logical cores where synapses are known one by one: few packets between cores, few cores.

exactly, never worse than filling cores in the given order. ``limits.py`` says what a core can hold,
``inputs.py`` checks and turns the table of synapses, ``counting.py`` counts packets, ``filling.py`` is
first fit, ``orders.py`` and ``graphs.py`` give orders and groups to begin with, ``improve.py`` repairs and
improves, with ``state.py`` and ``descent.py`` to move single neurons. No chip's name appears here.
"""

from __future__ import annotations

from neurosim.mapping.clustering.counting import Counts, core_graph, core_nets, count_packets
from neurosim.mapping.clustering.limits import Limits
from neurosim.mapping.clustering.portfolio import Clustering, Stage, cluster_neurons

__all__ = ["Clustering", "Counts", "Limits", "Stage", "cluster_neurons", "core_graph", "core_nets", "count_packets"]
