"""The exceptions of evaluations, made of what an evaluator says of its errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Span:
    """A place in a source: the file's path, or ``«string»``; line and column from 1, the column in bytes."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Frame:
    """A line of a trace: what was being done, and where if that is known."""

    text: str
    span: Span | None


@dataclass(frozen=True)
class Label:
    """What is to be pointed at in a source: bytes from its start, and what is said of them."""

    file: str
    start: int
    end: int
    message: str


class NixError(Exception):
    """Why an evaluation has no value."""

    code: str
    message: str
    span: Span | None
    labels: list[Label]
    trace: list[Frame]
    suggestions: list[str]

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields["message"])
        self._fields = fields
        self.code = fields["code"]
        self.message = fields["message"]
        self.span = _span(fields["position"])
        piece = fields["span"]
        self.labels = [Label(**piece, message=self.message)] if piece else []
        self.trace = [Frame(frame["text"], _span(frame["position"])) for frame in fields["trace"]]
        self.suggestions = fields["suggestions"]
        if hasattr(self, "add_note"):  # Python 3.11 and later.
            self.add_note(fields["rendered"])

    def __str__(self) -> str:
        return self.message

    def render(self, *, full: bool = False) -> str:
        """The error as CppNix prints it, with excerpts of the source; all of its trace if ``full``."""
        return str(self._fields["rendered_full" if full else "rendered"])

    def to_json(self) -> str:
        """All that is known of the error."""
        return json.dumps(self._fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._fields,))


class ParseError(NixError):
    """The text is no program, or names what is bound nowhere. Has what ``SyntaxError`` has of places."""

    @property
    def filename(self) -> str | None:
        """The file of the error."""
        return self.span.file if self.span else None

    @property
    def lineno(self) -> int | None:
        """The line of the error, from 1."""
        return self.span.line if self.span else None

    @property
    def offset(self) -> int | None:
        """The column of the error, from 1."""
        return self.span.column if self.span else None


class EvalError(NixError):
    """The program has no value."""


class ThrowError(EvalError):
    """``throw`` or ``abort``: the program says so itself."""


class AssertionFailedError(EvalError, AssertionError):
    """An ``assert`` that does not hold."""


class MissingAttributeError(EvalError, KeyError):
    """An attribute that is not there."""


class NixTypeError(EvalError, TypeError):
    """A value of another type than wanted."""


class InfiniteRecursionError(EvalError, RecursionError):
    """A value that depends on itself, or calls that are nested too deeply."""


class HostFunctionError(EvalError):
    """A function of Python's failed; its exception is the ``__cause__``."""


class LimitError(NixError):
    """The evaluation would use more than it may."""


class StepLimitError(LimitError):
    """More steps than it may."""


class MemoryLimitError(LimitError, MemoryError):
    """More memory than it may."""


class TimeLimitError(LimitError, TimeoutError):
    """More time than it may."""


class CancelledError(NixError):
    """Somebody else stopped the evaluation."""


class RestrictedError(NixError, PermissionError):
    """What the evaluator may not see."""


class FileError(NixError, OSError):
    """A file that is not there or cannot be read."""


class UsageError(EvalError):
    """An argument that names nothing there is."""


class UnavailableError(NixError):
    """What needs a store or a network, which this evaluator has not."""


class BusyError(NixError):
    """The evaluator is in use by the very evaluation that asks for it."""


class InternalError(NixError):
    """A mistake of Frazil's own."""


_CLASSES: dict[str, type[NixError]] = {
    "thrown": ThrowError,
    "abort": ThrowError,
    "assertion": AssertionFailedError,
    "syntax": ParseError,
    "undefined-variable": ParseError,
    "missing-attribute": MissingAttributeError,
    "type": NixTypeError,
    "infinite-recursion": InfiniteRecursionError,
    "call-depth": InfiniteRecursionError,
    "host-function": HostFunctionError,
    "steps": StepLimitError,
    "memory": MemoryLimitError,
    "time": TimeLimitError,
    "cancelled": CancelledError,
    "restricted": RestrictedError,
    "file": FileError,
    "unavailable": UnavailableError,
    "usage": UsageError,
    "busy": BusyError,
    "internal": InternalError,
}


def _span(position: dict[str, Any] | None) -> Span | None:
    return Span(position["file"], position["line"], position["column"]) if position else None


def from_fields(fields: dict[str, Any]) -> NixError:
    """The exception of an error's fields."""
    return _CLASSES.get(fields["code"], EvalError)(fields)


def from_json(text: str) -> NixError:
    """The exception of an error's fields as JSON."""
    return from_fields(json.loads(text))
