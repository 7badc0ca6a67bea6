"""The engine: compiles a network into flat arrays and runs it. Knows no chip and no PyNN.

Start reading at ``simulation.py``; the step itself is ``kernels.py``, which calls the neurons'
kernels through ``parts.py``. ``layout.py`` cuts the cells into blocks, ``build.py`` fills the arrays of
``program.py``; ``static.py``, ``synapses.py``, ``plastic_store.py`` and ``stores.py`` build the stores of
synapses; ``delivery.py``, ``short_term.py`` and ``plasticity.py`` process arriving spikes (``fetching.py``
asks for memory ahead); ``meeting.py`` is where threads meet, ``room.py`` has their queues and scratch;
``sources.py``, ``drives.py``, ``currents.py`` and ``live.py`` drive the network, ``recording.py`` and
``record_file.py`` keep the results, ``carry.py`` applies changes between runs, ``state.py`` saves and
restores; ``options.py``, ``budget.py`` and ``memory.py`` refuse what cannot be, ``sound.py`` looks for what must not pass unseen.
"""

from neurosim.engine.pacing import RealTime
from neurosim.engine.simulation import Simulation

__all__ = ["RealTime", "Simulation"]
