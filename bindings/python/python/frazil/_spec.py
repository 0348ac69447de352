"""What is to be evaluated, as data that goes to other processes and machines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


from ._evaluator import Evaluator, Jobs, Value
from ._model import Job, Limits


@dataclass(frozen=True)
class EvalSpec:
    """A program, its arguments, and the evaluator that it needs. It pickles, so that others can do the work.

    The file may be read, with all that lies beside it if it is a directory. ``args`` are programs.
    """

    file: str | None = None
    expr: str | None = None
    attr: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    roots: Sequence[str] = ()
    limits: Limits | None = None
    system: str | None = None
    systems: Sequence[str] = ()
    meta: bool = False
    input_drvs: bool = False
    force_recurse: bool = False

    def open(self) -> Opened:
        """An evaluator and the value, in this process."""
        return Opened(self)


class Opened:
    """A spec at work: an evaluator that stays warm, and the value."""

    def __init__(self, spec: EvalSpec) -> None:
        if (spec.file is None) == (spec.expr is None):
            raise ValueError("either a file or an expression is to be evaluated")
        roots = [*spec.roots, *([spec.file] if spec.file else [])]
        self.spec = spec
        self.evaluator = Evaluator(
            paths=spec.paths, files=spec.files, env=spec.env, roots=roots, limits=spec.limits, system=spec.system
        )
        value = self.evaluator.eval_file(spec.file) if spec.file else self.evaluator.eval(spec.expr or "")
        if value.force().kind == "function":
            value = value(**{name: self.evaluator.eval(text) for name, text in spec.args.items()})
        self.value: Value = value.path(spec.attr) if spec.attr else value

    def jobs(self, shard: tuple[int, int] | None = None) -> Jobs:
        """The jobs of the value, or of one part of them."""
        spec = self.spec
        return self.evaluator.jobs(
            self.value,
            meta=spec.meta,
            input_drvs=spec.input_drvs,
            force_recurse=spec.force_recurse,
            systems=spec.systems,
            shard=shard,
        )


_warm: tuple[int, EvalSpec, Opened] | None = None


def run(spec: EvalSpec, shard: tuple[int, int] = (0, 1)) -> list[Job]:
    """The jobs of one part, on this machine: a pure function of its arguments.

    The evaluator stays warm for the next part of the same spec in this process.
    """
    global _warm
    if _warm is None or _warm[0] != os.getpid() or _warm[1] != spec:
        _warm = (os.getpid(), spec, spec.open())
    return list(_warm[2].jobs(shard))


def shards(n: int) -> Iterator[tuple[int, int]]:
    """All parts of n."""
    return ((i, n) for i in range(n))


