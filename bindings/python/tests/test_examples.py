"""The examples do their job."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
NIXPKGS = Path(os.environ.get("FRAZIL_NIXPKGS", Path.home() / ".cache/frazil/nixpkgs"))
needs_nixpkgs = pytest.mark.skipif(not NIXPKGS.exists(), reason=f"{NIXPKGS} is absent (FRAZIL_NIXPKGS)")


def run(script: str, *words: str) -> str:
    command = [sys.executable, str(EXAMPLES / script), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@needs_nixpkgs
def test_licences() -> None:
    lines = [line.split("\t") for line in run("licences.py", str(NIXPKGS), "hello", "jq").splitlines()]
    assert [line[0] for line in lines] == ["hello", "jq"]
    assert lines[0][1].startswith("hello-") and lines[0][2] == "GPL-3.0-or-later"


@needs_nixpkgs
def test_emit_drvs(tmp_path: Path) -> None:
    said = run("emit_drvs.py", str(NIXPKGS), "hello", str(tmp_path))
    files = list(tmp_path.glob("*.drv"))
    assert len(files) > 100 and f"{len(files)} derivations" in said
    root = Path(said.split(":")[0])
    assert (tmp_path / root.name).read_bytes().startswith(b"Derive([")


@needs_nixpkgs
def test_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIXPKGS", str(NIXPKGS))
    notebook = json.loads((EXAMPLES / "nixos_graph.ipynb").read_text())
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    svg = names["picture"]._repr_svg_()  # type: ignore[attr-defined]
    assert svg.startswith("<svg") and "nixos-system" in svg and svg.count("<line") > 10
