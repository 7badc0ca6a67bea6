"""Entry of a measured process: runs one body and prints what it gives as one line of JSON.

``python -m benchmarks.harness.worker WORKLOAD BODY OPTIONS``
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings

MARK = "RESULT "
"""What the line begins with: simulators print words of their own."""


def main(workload: str, body: str, options: str) -> None:
    """Run ``body`` of ``workload`` with ``options``, a JSON object."""
    warnings.simplefilter("ignore")
    found = getattr(importlib.import_module(f"benchmarks.{workload}"), body)(json.loads(options))
    print(f"\n{MARK}{json.dumps(found)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
