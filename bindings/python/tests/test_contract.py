"""The cases that all languages have in common."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import frazil

HERE = Path(__file__).resolve().parent
FILE = Path(os.environ.get("FRAZIL_CONTRACT", HERE.parents[1] / "contract" / "cases.json"))
CASES = json.loads(FILE.read_text())["cases"]


def test_there_are_cases() -> None:
    assert len(CASES) > 40


def run(spec: dict[str, Any]) -> Any:
    options = dict(spec.get("options", {}))
    limits = frazil.Limits(**options.pop("limits", {}))
    evaluator = frazil.Evaluator(limits=limits, **options)
    value = evaluator.eval(spec["expr"])
    arguments = {name: evaluator.eval(text) for name, text in spec.get("args", {}).items()}
    if value.kind == "function":
        value = value(**arguments)
    return (value.path(spec["attr"]) if "attr" in spec else value).to_python()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    if "json" in case:
        found = run(case["spec"])
        assert found == case["json"] and json.dumps(found) == json.dumps(case["json"])
        return
    with pytest.raises(frazil.NixError) as caught:
        run(case["spec"])
    fields = json.loads(caught.value.to_json())
    assert {key: fields[key] for key in case["error"]} == case["error"]
