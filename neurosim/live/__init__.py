"""Live input and output: spikes that come and go while a simulation runs.

:class:`Hub` is what a simulation talks to, slice by slice; it owns the inputs (``inputs``), the
outputs (``outputs``), the UDP ports (``ports``) and the counts of everything dropped
(``report``). ``events`` is the format of a datagram and all that a client needs. Nothing here
knows the engine or PyNN: start reading at ``hub``.
"""

from __future__ import annotations

from neurosim.live.events import pack, unpack
from neurosim.live.hub import Hub
from neurosim.live.inputs import LiveInput
from neurosim.live.outputs import LiveOutput
from neurosim.live.report import LiveReport

__all__ = ["Hub", "LiveInput", "LiveOutput", "LiveReport", "pack", "unpack"]
