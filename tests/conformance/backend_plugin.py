"""Offers any module as the PyNN backend ``pyNN.<last name>``: to PyNN's scenario tests and to its example scripts.

As a pytest plugin (``-p backend_plugin``) it reads CONFORMANCE_BACKEND and CONFORMANCE_SUITE (the
``test`` folder of PyNN's sdist). As a program it runs one script::

    python backend_plugin.py BACKEND SCRIPT [ARGUMENT ...]

where the argument SIM stands for the backend's name. Both are needed because PyNN has no way to
register a backend of somebody else's: its scripts import ``pyNN.<name>``, its tests list three names.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path


def offer(module_name: str) -> str:
    """Make ``module_name`` importable as ``pyNN.<last name>``; that last name."""
    package, _, alias = module_name.rpartition(".")
    if package != "pyNN":
        module = importlib.import_module(module_name)
        sys.modules[f"pyNN.{alias}"] = module
        setattr(importlib.import_module("pyNN"), alias, module)
    return alias


def pytest_configure() -> None:
    """Replace the suite's decorator, which lists PyNN's own backends, before its tests are collected."""
    import pytest

    alias = offer(os.environ["CONFORMANCE_BACKEND"])
    sys.path.insert(0, os.environ["CONFORMANCE_SUITE"])
    fixtures = importlib.import_module("system.scenarios.fixtures")

    def run_with_simulators(*_upstream: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        return pytest.mark.parametrize("sim", [pytest.param(fixtures.LazySimulator(alias), id=alias)])

    vars(fixtures)["run_with_simulators"] = run_with_simulators


def run_script(backend: str, script: str, arguments: list[str]) -> None:
    """Run ``script`` as ``python script arguments`` would."""
    alias = offer(backend)
    sys.argv = [script, *(alias if word == "SIM" else word for word in arguments)]
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    run_script(sys.argv[1], sys.argv[2], sys.argv[3:])
