"""How fast neurosim is, next to its peers: ``python -m benchmarks`` or ``make bench``.

One file per question, each a script of its own that any PyNN backend can run: ``coba.py``,
``building.py``, ``cold_start.py``. ``harness.py`` starts them, each measurement in a fresh
process, simulators in turn so that a busy machine is busy for all; ``__main__.py`` is the command.
"""
