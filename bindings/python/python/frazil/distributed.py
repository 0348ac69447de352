"""Jobs on many processes and machines, by engines that users already have.

Anything with the interface of ``concurrent.futures`` will do, Dask's client included, or a Ray cluster. A part of the jobs
that is lost with its worker is done again by another, since parts are pure functions of spec and number.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, as_completed
from typing import Any

from ._model import Job
from ._spec import EvalSpec, Opened, run

__all__ = ["on_executor", "on_ray"]


def on_executor(executor: Executor, spec: EvalSpec, *, parts: int) -> Iterator[Job]:
    """The jobs of a spec, from the workers of an executor, as parts are done."""
    futures = [executor.submit(run, spec, (i, parts)) for i in range(parts)]
    for future in as_completed(futures):
        yield from future.result()


class Node:
    """A worker that keeps its evaluator warm between parts."""

    def __init__(self, spec: EvalSpec) -> None:
        self._opened: Opened = spec.open()

    def run(self, shard: tuple[int, int] | None) -> list[Job]:
        """The jobs of one part; of none, once the worker is there."""
        return list(self._opened.jobs(shard)) if shard else []


def on_ray(spec: EvalSpec, *, workers: int, parts: int, **options: Any) -> Iterator[Job]:
    """The jobs of a spec, from actors of the Ray cluster that this process is connected to, as parts are done.

    Each actor has a warm evaluator. One that is lost is made anew where there is room for it; its part is done by
    whichever is free first. ``options`` are Ray's for actors, such as ``num_cpus`` and ``memory``.
    """
    import ray
    from ray.exceptions import RayActorError

    actor = ray.remote(**{"num_cpus": 1, **options})(Node)
    waiting = [(i, parts) for i in range(parts)]
    at_work: dict[Any, tuple[Any, tuple[int, int] | None]] = {}
    left = parts

    def assign(node: Any, shard: tuple[int, int] | None) -> None:
        at_work[node.run.remote(shard)] = (node, shard)

    for _ in range(min(workers, parts)):
        assign(actor.remote(spec), None)
    while left > 0:
        [done], _ = ray.wait(list(at_work), num_returns=1)
        node, shard = at_work.pop(done)
        try:
            jobs = ray.get(done)
        except RayActorError:
            if shard is not None:
                waiting.insert(0, shard)
            assign(actor.remote(spec), None)
            continue
        if waiting:
            assign(node, waiting.pop(0))
        if shard is not None:
            left -= 1
            yield from jobs
