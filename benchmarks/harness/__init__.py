"""What all workloads share.

In the measuring process: ``cases`` (what a measurement is), ``measure`` and ``processes`` (run it),
``gates``, ``tables``, ``results``, ``pages`` (what came out), ``machine`` (on what). In the measured
process: ``worker`` (its entry), ``clock``, ``driver`` (PyNN on neurosim or NEST), ``standalone``
(Brian2), ``trains`` (statistics of spikes). Start at ``cases``.
"""
