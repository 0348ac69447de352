"""Lists the packages of a tree with their versions and licences.

    python licences.py NIXPKGS [ATTRIBUTE...]
"""

from __future__ import annotations

import sys
from typing import Any

import frazil


def licences(meta: dict[str, Any] | None) -> str:
    """The licences of a package by their short names."""
    licence = (meta or {}).get("license", [])
    found = licence if isinstance(licence, list) else [licence]
    return ", ".join(one if isinstance(one, str) else one.get("spdxId") or one.get("shortName", "?") for one in found)


def main(nixpkgs: str, attributes: list[str]) -> None:
    evaluator = frazil.Evaluator(paths={"nixpkgs": nixpkgs}, limits=frazil.Limits(memory="8GiB"))
    pkgs = evaluator.eval("import <nixpkgs>")(system="x86_64-linux", config={}, overlays=[])
    pick = evaluator.eval("pkgs: names: builtins.listToAttrs (map (name: { inherit name; value = pkgs.${name}; }) names)")
    for job in evaluator.jobs(pick(pkgs, attributes) if attributes else pkgs, meta=True):
        print(f"{job.attr}\t{job.name}\t{licences(job.meta)}" if job.ok else f"{job.attr}\t-\t{job.error}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
