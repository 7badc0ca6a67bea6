"""Build the wheel, install it in a clean environment and use it outside the checkout.

The wheel is built from the sdist, so both are checked: a subpackage missing from pyproject.toml,
a datasheet that is not shipped, or a dependency that is not declared shows up here only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SMOKE = Path(__file__).with_name("smoke.py")


def call(*command: str | Path, cwd: Path, quiet: bool = False) -> None:
    """Run ``command`` in ``cwd`` with nothing of the checkout on the path; stop if it fails."""
    print("  $", " ".join(str(word) for word in command), flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA_CACHE", "NEUROSIM"))}
    output, errors = (subprocess.PIPE, subprocess.STDOUT) if quiet else (None, None)
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, timeout=900, stdout=output, stderr=errors)
    if done.returncode and quiet:
        print(done.stdout.decode(errors="replace"))
    done.check_returncode()


def build_wheel(target: Path) -> Path:
    """Path of the wheel, built from the sdist in ``target``."""
    call(sys.executable, "-m", "build", "--outdir", target, CHECKOUT, cwd=target, quiet=True)
    return next(target.glob("*.whl"))


def main() -> int:
    """Exit status 0 if the installed wheel works."""
    with tempfile.TemporaryDirectory(prefix="neurosim-wheel-") as name:
        folder = Path(name)
        wheel = build_wheel(folder)
        venv.create(folder / "venv", with_pip=True)
        scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        call(scripts / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel, cwd=folder, quiet=True)
        call(scripts / "python", SMOKE, CHECKOUT, cwd=folder)
        call(scripts / "neurosim", "--help", cwd=folder)
        call(scripts / "neurosim", "chips", cwd=folder)
        call(scripts / "neurosim", "chips", "loihi", "--json", cwd=folder, quiet=True)
    print("wheel smoke: 1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"wheel smoke: failed with status {error.returncode}: {' '.join(error.cmd)}", file=sys.stderr)
        sys.exit(1)
