"""What a run takes on its chip, as plain values that travel between processes."""

from __future__ import annotations

import json
from typing import Any

from neurosim.errors import NeurosimError


def cost_of(session: Any) -> dict[str, Any]:
    """The report on a session as it writes itself to JSON; only ``reason`` where there is none.

    A run is not lost because its cost cannot be said.
    """
    try:
        return json.loads(session.cost().to_json())
    except NeurosimError as error:
        return {"reason": str(error)}
