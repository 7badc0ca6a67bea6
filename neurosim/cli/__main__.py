"""``python -m neurosim.cli`` is the ``neurosim`` command."""

from __future__ import annotations

from neurosim.cli import main

if __name__ == "__main__":
    main()
