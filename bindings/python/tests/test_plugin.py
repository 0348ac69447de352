"""Tests in Nix, which pytest finds by the package's plug-in."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

README = Path(__file__).resolve().parents[1] / "README.md"


def outcomes(pytester: pytest.Pytester, *words: str) -> tuple[dict[str, int], str]:
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *words)
    return result.parseoutcomes(), result.stdout.str()


def test_the_readmes_tests_pass(pytester: pytest.Pytester) -> None:
    (snippet,) = re.findall(r"```nix\n(.*?)```", README.read_text(), re.DOTALL)
    pytester.path.joinpath("readme.test.nix").write_text(snippet)
    assert outcomes(pytester)[0] == {"passed": 2}


def test_failures_say_what_was_there(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("lib.nix").write_text("{ twice = n: n * 3; }")
    pytester.path.joinpath("lib.test.nix").write_text(
        """{ lib ? import ./lib.nix }: {
          testTwice = { expr = { n = lib.twice 2; }; expected = { n = 4; }; };
          testThrows = { expr = builtins.trace "look here" (throw "no luck"); expected = 1; };
          testCalm = { expr = [ 1 ]; expectedError = { }; };
          testOther = { expr = throw "no"; expectedError.type = "TypeError"; };
          testWords = { expr = throw "no"; expectedError.msg = "yes"; };
          deep.er.testPasses = { expr = lib ? twice; expected = true; };
          notATest = 1;
        }"""
    )
    counts, said = outcomes(pytester, "-v")
    assert counts == {"passed": 1, "failed": 5}
    for text in (
        "expr = { n = 6; }",
        "expected = { n = 4; }",
        "error: no luck",
        "trace: look here",
        "expected an error",
        "expected a TypeError",
        "expected a message like yes",
        "lib.test.nix::deep::er::testPasses PASSED",
    ):
        assert text in said, said
    assert "pytest_plugin.py" not in said, "nobody wants Python's traceback"
    counts, _ = outcomes(pytester, "-k", "testTwice")
    assert counts == {"failed": 1, "deselected": 5}


def test_what_tests_can_read(pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    outside.joinpath("default.nix").write_text("7")
    pytester.path.joinpath("x.test.nix").write_text(
        f"""{{
          testNamed = {{ expr = import <seven>; expected = 7; }};
          testUnnamed = {{ expr = import {outside}; expectedError.type = "RestrictedPathError"; }};
        }}"""
    )
    counts, said = outcomes(pytester)
    assert counts == {"passed": 1, "failed": 1}, said
    pytester.makeini(f"[pytest]\nnix_paths =\n  seven={outside}")
    pytester.path.joinpath("x.test.nix").write_text("{ testNamed = { expr = import <seven>; expected = 7; }; }")
    assert outcomes(pytester)[0] == {"passed": 1}


def test_a_file_that_is_no_program_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("x.test.nix").write_text("{ testNothing = ; }")
    counts, said = outcomes(pytester)
    assert counts == {"errors": 1} and "error: syntax error" in said and "pytest_plugin.py" not in said
