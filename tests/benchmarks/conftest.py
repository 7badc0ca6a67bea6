"""``benchmarks`` is a folder of the checkout, not installed: make it importable."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
