"""The engine: compiles a network into flat arrays and runs it. Knows no chip and no PyNN.

Start reading at ``simulation.py``; the step itself is ``kernels.py``. ``layout.py`` cuts the cells
into blocks, ``synapses.py`` and ``stores.py`` build the synapse stores, ``delivery.py`` and
``plasticity.py`` process arriving spikes, ``sources.py`` and ``currents.py`` drive the network,
``recording.py`` keeps the results and ``carry.py`` applies changes between runs.
"""

from neurosim.engine.pacing import RealTime
from neurosim.engine.simulation import Simulation

__all__ = ["RealTime", "Simulation"]
