"""Values behave as Python's own do."""

import pickle

import pytest

import frazil


@pytest.fixture
def evaluator() -> frazil.Evaluator:
    return frazil.Evaluator()


def test_data_of_every_kind(evaluator: frazil.Evaluator) -> None:
    text = '{ n = null; t = true; i = 9223372036854775807; f = 1.5; s = "é"; p = /a/b; l = [ 1 [ ] ]; a.b = { }; }'
    data = evaluator.eval(text).to_python()
    assert data == {
        "a": {"b": {}},
        "f": 1.5,
        "i": 2**63 - 1,
        "l": [1, []],
        "n": None,
        "p": "/a/b",
        "s": "é",
        "t": True,
    }
    assert list(data) == sorted(data), "attributes come by name"
    assert evaluator.from_python(data).to_python() == data


def test_sets_are_mappings(evaluator: frazil.Evaluator) -> None:
    value = evaluator.eval('{ a = 1; b = throw "never"; }')
    assert len(value) == 2 and list(value) == ["a", "b"] and "b" in value and "c" not in value
    assert int(value["a"]) == 1 and value["a"] is value["a"]
    with pytest.raises(KeyError):
        value["c"]
    with pytest.raises(frazil.ThrowError, match="never"):
        value["b"]
    assert repr(value.lazy("b")) == "<Value, not evaluated>"
    assert dict(value.lazy_items())["b"].kind == "thunk"
    with pytest.raises(TypeError):
        bool(value)


def test_lists_are_sequences(evaluator: frazil.Evaluator) -> None:
    value = evaluator.eval('[ 1 "x" (throw "never") ]')
    assert len(value) == 3 and str(value[1]) == "x" and int(value[0]) == 1
    assert int(evaluator.eval("[ 1 2 ]")[-1]) == 2
    assert [int(item) for item in evaluator.eval("[ 1 2 ]")] == [1, 2]
    assert 2 in evaluator.eval("[ 1 2 ]")
    with pytest.raises(IndexError):
        evaluator.eval("[ 1 ]")[1]
    with pytest.raises(IndexError):
        evaluator.eval("[ 1 ]")[-2]


def test_functions_are_callables(evaluator: frazil.Evaluator) -> None:
    function = evaluator.eval("{ a, b ? 2, ... }@args: { sum = a + b; names = builtins.attrNames args; }")
    assert function(a=1, c=evaluator.eval("x: x")).to_python() == {"names": ["a", "c"], "sum": 3}
    assert int(evaluator.eval("a: b: a - b")(5, 3)) == 2
    assert evaluator.eval("{ }: 1")().to_python() == 1


def test_values_of_another_evaluator_are_refused(evaluator: frazil.Evaluator) -> None:
    other = frazil.Evaluator().eval("1")
    with pytest.raises(frazil.NixError, match="the evaluator that made it"):
        evaluator.eval("x: x")(other)


def test_scalars(evaluator: frazil.Evaluator) -> None:
    assert bool(evaluator.eval("true")) and not bool(evaluator.eval("null"))
    assert float(evaluator.eval("1")) == 1.0 and float(evaluator.eval("0.5")) == 0.5
    with pytest.raises(TypeError):
        int(evaluator.eval('"1"'))
    assert evaluator.eval('"a\\u0000"').kind == "string"
    assert frazil.Evaluator(files={"/x": "abc"}).eval("builtins.readFile /x").to_bytes() == b"abc"


def test_deep_data_is_an_error_not_a_crash(evaluator: frazil.Evaluator) -> None:
    deep = evaluator.eval("builtins.foldl' (l: _: [ l ]) [ ] (builtins.genList (n: n) 100000)")
    with pytest.raises(RecursionError):
        deep.to_python()
    with pytest.raises(frazil.NixTypeError, match="cannot convert a function"):
        evaluator.eval("{ f = x: x; }").to_python()


def test_repr_never_evaluates(evaluator: frazil.Evaluator) -> None:
    value = evaluator.eval('{ a = throw "never"; l = [ 1 ]; }')
    assert repr(value) == "<Value set of 2>"
    html = value._repr_html_()
    assert "«thunk»" in html and "set of 2" in html
    assert value._ipython_key_completions_() == ["a", "l"]


def test_loads_and_dumps() -> None:
    assert frazil.loads(b"rec { a = 1; b = a; }") == {"a": 1, "b": 1}
    data = {"a": [1, 1.5, None, True, 'x"${y}']}
    assert frazil.loads(frazil.dumps(data)) == data
    with pytest.raises(ValueError):
        frazil.dumps(float("nan"))


def test_what_pickles() -> None:
    limits = frazil.Limits(memory="1GiB")
    spec = frazil.EvalSpec(expr="1", limits=limits)
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(frazil.NixError) as caught:
        frazil.loads('{ a = throw "no"; }')
    error = pickle.loads(pickle.dumps(caught.value))
    assert (type(error), error.message, error.trace) == (frazil.ThrowError, "no", caught.value.trace)
    for thing in (frazil.Evaluator(), frazil.Evaluator().eval("1")):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(thing)


def test_derivations() -> None:
    evaluator = frazil.Evaluator(keep_derivations=True)
    value = evaluator.eval(
        'derivation { name = "x"; system = "s"; builder = "/bin/sh"; outputs = [ "out" "dev" ]; '
        'dep = derivation { name = "dep"; system = "s"; builder = "b"; }; }'
    )
    found = evaluator.derivation(value)
    assert found.drv_path == value.drv_path and found.name == "x" and set(found.outputs) == {"dev", "out"}
    [dep] = found.input_drvs
    known = evaluator.derivation_at(dep)
    assert known is not None and known.name == "dep" and known.builder == "b"
    closure = evaluator.derivation_closure([found.drv_path])
    assert set(closure) == {dep, found.drv_path} and closure[dep].startswith(b"Derive(")
    plain = frazil.Evaluator()
    plain_value = plain.eval('derivation { name = "x"; system = "s"; builder = "/bin/sh"; }')
    assert plain.derivation(plain_value).outputs["out"].endswith("-x")  # type: ignore[union-attr]
    with pytest.raises(TypeError):
        plain.derivation(plain.eval("{ }"))
