"""The command line: ``neurosim run | fit | compare | chips | demo``.

``app.py`` declares the commands and imports nothing heavy, so that ``--help`` is quick;
``commands.py`` does the work; ``output.py`` prints tables, JSON and errors.

Exit codes: 0 done; 1 a network does not fit, a chip gave an error or the script failed; 2 wrong
use (unknown option, unknown chip, no such file); 130 interrupted, with what was recorded kept.
"""

from __future__ import annotations

from neurosim.cli.app import app, main

__all__ = ["app", "main"]
