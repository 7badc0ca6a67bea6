"""How fast neurosim is, next to its peers: ``python -m benchmarks`` or ``make bench``.

One file per workload, named in ``benchmarks/harness/registry.py``. A workload holds the *bodies*
(functions that build and run the network on one simulator, each started in a process of its own),
``cases()`` (what to measure, which simulator beside which, what must be reached) and ``gates()``
(what must come out for the timings to mean anything). ``parameters.py`` has the published models,
shared by all simulators. ``harness/`` starts the processes in turn, compares, prints and keeps.
Bodies and parameters import nothing but NumPy and the simulator: peers have other environments.
"""
