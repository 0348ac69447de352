"""Evaluators: their options, and what they evaluate."""

from __future__ import annotations

import os

from . import _native

# Importing what is not needed for a first answer would take longer than many evaluations: `typing`, `json`, `inspect`,
# `dataclasses` and the modules that have them are imported by those who use them.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeVar

    from ._errors import NixError
    from ._model import Derivation, Inputs, Job, Limits

    _T = TypeVar("_T")

Value = _native.Value
"""A value of an evaluator, which may not be evaluated yet."""
CancelToken = _native.Token
"""Stops the evaluations that were given it."""


def _absolute(path: str | os.PathLike[str]) -> str:
    """The path as the evaluator is told of it. Windows would put one of a program's, as ``/lib``, on the drive at hand."""
    path = os.fspath(path)
    return path if os.name == "nt" and path.startswith("/") else os.path.abspath(path)


class Evaluator:
    """Evaluates programs, which share one heap and one cache of files.

    It can reach nothing but what is named here: ``paths`` are what ``<name>`` means and may be read, ``files`` lie in
    memory, ``roots`` are files and directories of the disk that may be read, ``env`` are variables of its own and
    ``variables`` those of the process that it may see. ``functions`` and ``values`` are in scope of every program by their
    names; functions get Python's own objects and answer such, on the thread that evaluates. ``on_event`` is told
    ``(kind, text)`` of each ``trace``, ``warn``, ``read`` and ``derivation``. ``cache`` is a directory in which code of files and
    listings of directories are kept for the next process, at most 1 GiB of it.

    Memory that no value needs is freed from time to time. What derivations were made is remembered as long as the
    evaluator lives, by some 200 bytes each.
    """

    def __init__(
        self,
        *,
        paths: Mapping[str, str | os.PathLike[str]] | None = None,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        roots: Sequence[str | os.PathLike[str]] = (),
        variables: Sequence[str] = (),
        unrestricted: bool = False,
        limits: Limits | None = None,
        system: str | None = None,
        store: str | None = None,
        pure: bool = False,
        settings: Mapping[str, str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        values: Mapping[str, Any] | None = None,
        on_event: Callable[[str, str], object] | None = None,
        keep_derivations: bool = False,
    ) -> None:
        # The form that all languages have in common.
        options = {
            "paths": {name: _absolute(path) for name, path in (paths or {}).items()},
            "files": dict(files or {}),
            "env": dict(env or {}),
            "roots": [_absolute(root) for root in roots],
            "variables": list(variables),
            "unrestricted": unrestricted,
            "limits": dict(vars(limits)) if limits is not None else {},
            "system": system,
            "store": store,
            "pure": pure,
            "settings": dict(settings or {}),
            "cache": None if cache is None else _absolute(cache),
        }
        self._session = _native.Session(
            options,
            {name: (_arity(function), function) for name, function in (functions or {}).items()},
            {name: _json_of(value) for name, value in (values or {}).items()},
            on_event,
            keep_derivations,
        )

    def eval(
        self, text: str, *, base: str | os.PathLike[str] = "/", cancel: CancelToken | None = None
    ) -> Value:
        """The value of a text whose relative paths start from ``base``."""
        return self._session.eval(text, _absolute(base), cancel)

    def eval_file(self, path: str | os.PathLike[str], *, cancel: CancelToken | None = None) -> Value:
        """The value of a file, or of a directory's ``default.nix``; the evaluator must be allowed to read it."""
        return self._session.eval_file(_absolute(path), cancel)

    async def eval_async(self, text: str, *, base: str | os.PathLike[str] = "/") -> Value:
        """The value of a text; to cancel the task is to stop the evaluation."""
        return await _in_thread(lambda token: self.eval(text, base=base, cancel=token))

    async def eval_file_async(self, path: str | os.PathLike[str]) -> Value:
        """The value of a file; to cancel the task is to stop the evaluation."""
        return await _in_thread(lambda token: self.eval_file(path, cancel=token))

    def from_python(self, data: Any) -> Value:
        """The value of Python's own data, as JSON has it."""
        return self._session.read_json(_json_of(data).encode())

    def check(self, text: str) -> list[NixError]:
        """All that is wrong with a program before it runs."""
        return self._session.check(text)

    def jobs(
        self,
        value: Value,
        *,
        meta: bool = False,
        input_drvs: bool = False,
        force_recurse: bool = False,
        systems: Sequence[str] = (),
        shard: tuple[int, int] | None = None,
        skip: Iterable[str] = (),
        max_depth: int | None = None,
        on_error: str = "yield",
    ) -> Jobs:
        """The jobs of a value by nix-eval-jobs' rules, one at a time; for ``for`` and ``async for``.

        An attribute that fails is a job with an ``error``, or raises it if ``on_error`` is ``"raise"``. ``shard=(i, n)`` is
        one of n parts, which are the same everywhere.
        """
        if on_error not in ("yield", "raise"):
            raise ValueError("on_error is 'yield' or 'raise'")
        options = {
            "meta": meta,
            "input_drvs": input_drvs,
            "force_recurse": force_recurse,
            "systems": list(systems),
            "shard": {"index": shard[0], "of": shard[1]} if shard else None,
            "skip": list(skip),
            "max_depth": max_depth,
        }
        return Jobs(self._session.jobs(value, options), raises=on_error == "raise")

    def derivation(self, value: Value) -> Derivation:
        """The derivation that a value is."""
        return derivation(value)

    def derivation_at(self, drv_path: str) -> Derivation | None:
        """What a ``.drv`` says that this evaluator made while it kept derivations."""
        found = self._session.derivation_file(drv_path)
        return _derivation_of(found) if found is not None else None

    def derivation_closure(self, drv_paths: Sequence[str]) -> dict[str, bytes]:
        """The texts of derivations and of all that they depend on, by path; only kept ones are there."""
        return self._session.derivation_closure(list(drv_paths))

    def inputs(self) -> Inputs:
        """What was asked of the world outside since the evaluator was made."""
        from ._model import Inputs

        return Inputs(*self._session.inputs())

    def counts(self) -> dict[str, int]:
        """What was counted since the evaluator was made, and the bytes that it has from the system."""
        return self._session.counts()

    def cancel(self) -> None:
        """Stops the evaluation at work, from any thread."""
        self._session.cancel()

    def collect(self) -> int:
        """Frees what nothing needs; answers the bytes still live."""
        return self._session.collect()

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("an evaluator cannot be pickled; pickle an EvalSpec, and open it there")


class Jobs:
    """Jobs, each evaluated when it is asked for."""

    def __init__(self, native: _native.Jobs, *, raises: bool) -> None:
        self._native = native
        self._raises = raises

    def __iter__(self) -> Jobs:
        return self

    def __next__(self) -> Job:
        job = self._next(None)
        if job is None:
            raise StopIteration
        return job

    def __aiter__(self) -> Jobs:
        return self

    async def __anext__(self) -> Job:
        job = await _in_thread(self._next)
        if job is None:
            raise StopAsyncIteration
        return job

    def _next(self, token: CancelToken | None) -> Job | None:
        text = self._native.next(token)
        if text is None:
            return None
        import json

        from ._model import Job

        job = Job.from_dict(json.loads(text))
        if self._raises and job.error is not None:
            raise job.error
        return job


def derivation(value: Value) -> Derivation:
    """The derivation that a value is."""
    text = value.derivation_json()
    if text is None:
        raise TypeError("the value is no derivation")
    return _derivation_of(text)


def _derivation_of(text: str) -> Derivation:
    import json

    from ._model import Derivation

    return Derivation(**json.loads(text))


def _json_of(data: Any) -> str:
    import json

    return json.dumps(data, allow_nan=False)


async def _in_thread(work: Callable[[CancelToken], _T]) -> _T:
    """Does what evaluates on another thread, which stops when the task is cancelled."""
    # It takes as long to import as all the rest, and most programs have no tasks.
    import asyncio

    token = CancelToken()
    try:
        return await asyncio.to_thread(work, token)
    except asyncio.CancelledError:
        token.cancel()
        raise


def _arity(function: Callable[..., Any]) -> int:
    """How many arguments a function must be given; one, if it does not say."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in positional and p.default is inspect.Parameter.empty]
    return max(len(needed), 1)
