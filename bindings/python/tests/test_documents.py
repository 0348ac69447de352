"""What the README shows works."""

import os
import re
from pathlib import Path

import pytest

import frazil  # noqa: F401

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
NIXPKGS = Path(os.environ.get("FRAZIL_NIXPKGS", Path.home() / ".cache/frazil/nixpkgs"))
SNIPPETS = re.findall(r"```python( nixpkgs)?\n(.*?)```", README.read_text(), re.DOTALL)


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 6


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_snippet(number: int) -> None:
    needs_nixpkgs, text = SNIPPETS[number]
    if needs_nixpkgs and not NIXPKGS.exists():
        pytest.skip(f"{NIXPKGS} is absent (FRAZIL_NIXPKGS)")
    exec(compile(text, f"README.md snippet {number}", "exec"), {"frazil": frazil, "nixpkgs": str(NIXPKGS)})
