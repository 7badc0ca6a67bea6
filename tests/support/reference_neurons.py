"""The reference neurons of ``tests/data/neurons`` (see its README), with PyNN's parameters and units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "neurons"
Entry = dict[str, Any]
SETS = [(path.stem, entry) for path in sorted(DATA.glob("*.json")) for entry in json.loads(path.read_text())["sets"]]
NAMES = [f"{kind}-{entry['name']}" for kind, entry in SETS]


def model(kind: str) -> str:
    """Our name of NEST's model."""
    return "adex" if kind.startswith("aeif") else "lif"


def cell(kind: str, entry: Entry) -> dict[str, float]:
    """Parameters of the membrane."""
    p = entry["params"]
    found = {"v_rest": p["E_L"], "cm": p["C_m"] * 1e-3, "tau_m": p.get("tau_m") or p["C_m"] / p["g_L"], "tau_refrac": p["t_ref"]}
    found |= {"i_offset": entry["I_e"] * 1e-3, "v_reset": p["V_reset"], "v_thresh": p["V_th"]}
    if model(kind) == "adex":
        found |= {"v_spike": p["V_peak"], "delta_T": p["Delta_T"], "a": p["a"], "b": p["b"] * 1e-3, "tau_w": p["tau_w"]}
    return found


def receptors(kind: str, entry: Entry) -> list[tuple[str, dict[str, float]]]:
    """Kind and parameters of the excitatory and of the inhibitory receptor."""
    p = entry["params"]
    if "psc" in kind:
        return [("curr_exp", {"tau_syn": p[f"tau_syn_{side}"]}) for side in ("ex", "in")]
    return [("cond_exp", {"tau_syn": p[f"tau_syn_{side}"], "e_rev": p[f"E_{side}"]}) for side in ("ex", "in")]


def weights(kind: str, entry: Entry) -> tuple[float, float]:
    """Weights of both inputs: currents in nA with their sign, conductances in uS."""
    return entry["exc"]["weight"] * 1e-3, entry["inh"]["weight"] * (1e-3 if "psc" in kind else -1e-3)
