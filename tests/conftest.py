"""Before anything is imported: a kernel cache for each test worker (see ``neurosim/_cache.py``)."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("NEUROSIM_CACHE_SHARD", os.environ["PYTEST_XDIST_WORKER"])
os.environ.setdefault("MPLBACKEND", "Agg")
