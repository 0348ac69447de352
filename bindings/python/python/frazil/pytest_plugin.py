"""A plug-in for pytest, which has it from this package: files ``*.test.nix`` hold tests, as nix-unit has them.

Such a file is a set, or a function that can be called with none of its arguments. Of an attribute whose name begins with
``test``, ``expr`` is to equal ``expected``, or is to fail as ``expectedError`` says: by its ``type``, and by ``msg``, a
regular expression. Other sets are looked into. The tests can read what lies below pytest's root, and what the setting
``nix_paths`` names, a line such as ``nixpkgs=/path/to/nixpkgs`` each.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from . import Evaluator, NixError, Value

_TYPES = {
    "ThrownError": "thrown",
    "Abort": "abort",
    "AssertionError": "assertion",
    "ParseError": "syntax",
    "TypeError": "type",
    "UndefinedVarError": "undefined-variable",
    "RestrictedPathError": "restricted",
    "InfiniteRecursionError": "infinite-recursion",
}
"""nix-unit's names of errors; ``EvalError`` is any of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plug-in's settings."""
    parser.addini("nix_paths", "What <name> means in *.test.nix, as NAME=PATH; it may be read.", type="linelist")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> NixFile | None:
    """Files that hold tests."""
    return NixFile.from_parent(parent, path=file_path) if file_path.name.endswith(".test.nix") else None


class NixFile(pytest.File):
    """A file of tests, which share an evaluator."""

    def collect(self) -> Iterator[NixTest]:
        """The tests of the file."""
        from . import Evaluator, NixError

        root = self.config.rootpath
        named = (line.split("=", 1) for line in self.config.getini("nix_paths"))
        paths = {name: root / path for name, path in named}
        evaluator = Evaluator(roots=[root, self.path], paths=paths, on_event=_tell)
        try:
            value = evaluator.eval_file(self.path)
            yield from self._tests(evaluator, value() if value.kind == "function" else value, [])
        except NixError as error:
            raise self.CollectError(error.render(full=True)) from None

    def _tests(self, evaluator: Evaluator, value: Value, outer: list[str]) -> Iterator[NixTest]:
        for name, inner in value.lazy_items():
            path = [*outer, name]
            if name.startswith("test"):
                yield NixTest.from_parent(self, name=".".join(path), evaluator=evaluator, value=inner)
            elif inner.force().kind == "set":
                yield from self._tests(evaluator, inner, path)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Why there are no tests: the program's error, not Python's traceback."""
        return str(excinfo.value) if excinfo.errisinstance(self.CollectError) else super().repr_failure(excinfo)


class Unequal(Exception):
    """A test has another value than it should."""


class NixTest(pytest.Item):
    """A test: an attribute of a file."""

    def __init__(self, *, evaluator: Evaluator, value: Value, **rest: Any) -> None:
        super().__init__(**rest)
        self._evaluator = evaluator
        self._value = value

    def runtest(self) -> None:
        """Evaluates the test."""
        from . import NixError

        test = self._value.force()
        if "expectedError" not in test:
            equal = self._evaluator.eval("test: test.expr == test.expected")(test)
            if not equal:
                raise Unequal("\n".join(_shown(test, name) for name in ("expr", "expected")))
            return
        expected = test["expectedError"].to_python()
        try:
            test.lazy("expr").force_deep()
        except NixError as error:
            _compare(error, expected)
        else:
            raise Unequal(f"{_shown(test, 'expr')}\nexpected an error: {expected}")

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """What went wrong: the program's error with its trace, or the two values."""
        from . import NixError

        if isinstance(excinfo.value, NixError):
            return excinfo.value.render(full=True)
        return str(excinfo.value) if isinstance(excinfo.value, Unequal) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the test is, and what it is called."""
        return self.path, None, self.name


def _tell(kind: str, text: str) -> None:
    if kind in ("trace", "warn", "message"):
        print(f"{kind}: {text}", file=sys.stderr)


def _shown(test: Value, name: str) -> str:
    return f"{name} = {test.lazy(name).to_nix(deep=True)}"


def _compare(error: NixError, expected: dict[str, str]) -> None:
    kind = expected.get("type", "EvalError")
    if kind != "EvalError" and _TYPES.get(kind) != error.code:
        raise Unequal(f"expected a {kind}\n{error.render(full=True)}")
    if re.search(expected.get("msg", ""), error.message) is None:
        raise Unequal(f"expected a message like {expected['msg']}\n{error.render(full=True)}")
