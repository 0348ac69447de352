"""Frazil evaluates the Nix language inside your process.

>>> import frazil
>>> frazil.loads("{ a = [ 1 (1 + 1) ]; }")
{'a': [1, 2]}
"""

from __future__ import annotations

import os as _os

from . import _native
from ._evaluator import CancelToken, Evaluator, Jobs, Value, derivation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

    from ._errors import (
        AssertionFailedError,
        BusyError,
        CancelledError,
        EvalError,
        FileError,
        Frame,
        HostFunctionError,
        InfiniteRecursionError,
        InternalError,
        Label,
        LimitError,
        MemoryLimitError,
        MissingAttributeError,
        NixError,
        NixTypeError,
        ParseError,
        RestrictedError,
        Span,
        StepLimitError,
        ThrowError,
        TimeLimitError,
        UnavailableError,
        UsageError,
    )
    from ._model import Derivation, Inputs, Job, Limits
    from ._spec import EvalSpec, Opened, run

__version__: str = _native.__version__

__all__ = [
    "AssertionFailedError",
    "BusyError",
    "CancelToken",
    "CancelledError",
    "Derivation",
    "EvalError",
    "EvalSpec",
    "Evaluator",
    "FileError",
    "Frame",
    "HostFunctionError",
    "InfiniteRecursionError",
    "Inputs",
    "InternalError",
    "Job",
    "Jobs",
    "Label",
    "LimitError",
    "Limits",
    "MemoryLimitError",
    "MissingAttributeError",
    "NixError",
    "NixTypeError",
    "Opened",
    "ParseError",
    "RestrictedError",
    "Span",
    "StepLimitError",
    "ThrowError",
    "TimeLimitError",
    "UnavailableError",
    "UsageError",
    "Value",
    "derivation",
    "dump",
    "dumps",
    "load",
    "loads",
    "run",
]


def loads(text: str | bytes, *, limits: Limits | None = None) -> Any:
    """Python's own data of a program that can reach nothing outside of itself."""
    program = text.decode() if isinstance(text, bytes) else text
    return Evaluator(limits=limits).eval(program).to_python()


def load(file: IO[str] | IO[bytes], *, limits: Limits | None = None) -> Any:
    """As :func:`loads`, of what is left in a file."""
    return loads(file.read(), limits=limits)


def dumps(data: Any) -> str:
    """Data in the language's own words, on one line."""
    return Evaluator().from_python(data).to_nix(deep=True)


def dump(data: Any, file: IO[str]) -> None:
    """Writes data to a file in the language's own words."""
    file.write(dumps(data))


# The modules of names that a first answer does not need: it would be there later for importing them.
_LATER = {
    "_model": ("Derivation", "Inputs", "Job", "Limits"),
    "_spec": ("EvalSpec", "Opened", "run"),
}


def __getattr__(name: str) -> object:
    import importlib

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = next((module for module, names in _LATER.items() if name in names), "_errors")
    value = getattr(importlib.import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_native.forked)
