"""What README and docs say holds: links lead somewhere, code runs, commands and numbers exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "docs/guide.md", "docs/live.md"])
def test_the_code_runs_as_it_stands(name: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks).replace('"examples/', f'"{ROOT}/examples/'), encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"```text\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not [line for block in shown for line in block.splitlines() if line not in done.stdout]


def test_the_guide_names_every_keyword_approximation_and_kind_of_loss() -> None:
    from neurosim.chips.translate import OPTIONS
    from neurosim.losses import KINDS
    from neurosim.pynn.control import OURS

    text = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    assert not [word for word in (*OURS, *OPTIONS, *KINDS) if f"`{word}`" not in text]


def test_the_rooms_of_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = {path.rstrip("/") for path in re.findall(r"`((?:neurosim|chips|mapping|tests)/[\w/.]*)`", text)}
    assert not [path for path in named if not (ROOT / path).exists()]
