"""Plain data of the package: what can be pickled, compared and printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._errors import NixError, from_fields


@dataclass(frozen=True)
class Limits:
    """What an evaluation may use; no bound where none is given, but for 10,000 nested calls."""

    steps: int | None = None
    """Calls made and values evaluated."""
    memory: int | str | None = None
    """The heap's size: bytes, or a text such as ``"512MiB"``."""
    seconds: float | None = None
    """Wall time of one evaluation."""
    depth: int | None = None
    """Nested calls."""


@dataclass(frozen=True)
class Inputs:
    """What evaluations asked of the world outside: what their answers depend on."""

    files: list[str]
    directories: list[str]
    looked_at: list[str]
    variables: list[str]


@dataclass(frozen=True)
class Derivation:
    """A derivation: what is to be built, and where it will be."""

    drv_path: str
    name: str
    system: str
    outputs: dict[str, str | None]
    builder: str | None = None
    """Known only if derivations are kept, as are those below."""
    input_drvs: dict[str, list[str]] = field(default_factory=dict)
    """The derivations that it needs, each with the outputs that it needs of it."""
    input_srcs: list[str] = field(default_factory=list)
    """The sources that it needs."""


@dataclass(frozen=True)
class Job:
    """An attribute of a set of jobs: a derivation, or the error in its place."""

    attr: str
    attr_path: list[str]
    drv_path: str | None = None
    name: str | None = None
    system: str | None = None
    outputs: dict[str, str | None] = field(default_factory=dict)
    input_drvs: dict[str, list[str]] | None = None
    meta: dict[str, Any] | None = None
    error: NixError | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a derivation."""
        return self.error is None

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Job:
        """A job of its fields, as nix-eval-jobs names them."""
        return Job(
            attr=fields["attr"],
            attr_path=fields["attrPath"],
            drv_path=fields.get("drvPath"),
            name=fields.get("name"),
            system=fields.get("system"),
            outputs=fields.get("outputs", {}),
            input_drvs=fields.get("inputDrvs"),
            meta=fields.get("meta"),
            error=from_fields(fields["failure"]) if "failure" in fields else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields of a line of nix-eval-jobs, and an error's own in ``failure``."""
        fields: dict[str, Any] = {"attr": self.attr, "attrPath": self.attr_path}
        if self.error is not None:
            return {**fields, "error": self.error.render(), "failure": json.loads(self.error.to_json())}
        fields |= {"drvPath": self.drv_path, "name": self.name, "outputs": self.outputs, "system": self.system}
        if self.input_drvs is not None:
            fields["inputDrvs"] = self.input_drvs
        if self.meta is not None:
            fields["meta"] = self.meta
        return fields
