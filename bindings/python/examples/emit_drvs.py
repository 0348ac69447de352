"""A build script: writes the `.drv` files of a package, and of all that it needs, into a folder.

    python emit_drvs.py NIXPKGS ATTRIBUTE FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import frazil


def main(nixpkgs: str, attribute: str, folder: str) -> None:
    evaluator = frazil.Evaluator(paths={"nixpkgs": nixpkgs}, keep_derivations=True)
    pkgs = evaluator.eval("import <nixpkgs>")(system="x86_64-linux", config={}, overlays=[])
    root = pkgs.path(attribute).drv_path
    closure = evaluator.derivation_closure([root])
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for path, text in closure.items():
        (target / Path(path).name).write_bytes(text)
    print(f"{root}: {len(closure)} derivations")


if __name__ == "__main__":
    main(*sys.argv[1:4])
