"""Errors, limits, access, functions of Python's, threads, tasks, processes."""

import asyncio
import functools
import operator
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import frazil

ENDLESS = "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }"


def fails(program: str, kind: type[BaseException], **options: Any) -> Any:
    evaluator = frazil.Evaluator(**options)
    with pytest.raises(kind) as caught:
        evaluator.eval(program).force_deep().to_python()
    assert evaluator.eval("1 + 1").to_python() == 2, "the evaluator works on"
    return caught.value


def test_errors_have_classes_places_and_reports() -> None:
    error = fails('{\n  a = throw "no";\n}', frazil.ThrowError)
    assert error.code == "thrown" and error.message == "no" and "throw" in error.render()
    assert any(frame.span and frame.span.line == 2 for frame in error.trace)
    error = fails("{\n a = ;\n}", frazil.ParseError)
    assert (error.filename, error.lineno, error.offset) == ("«string»", 2, 6)
    assert fails("{ colour = 1; }.color", KeyError).suggestions == ["colour"]
    fails("builtins.length 1", TypeError)
    fails("let x = x; in x", RecursionError)
    fails("assert false; 1", AssertionError)
    if sys.version_info >= (3, 11):
        assert "error:" in error.__notes__[0]


def test_labels_point_at_expressions() -> None:
    text = '{ f = throw "no" + "!"; }.f'
    with pytest.raises(frazil.ThrowError) as caught:
        frazil.Evaluator().eval(text)
    (label,) = caught.value.labels
    assert (label.file, text[label.start : label.end], label.message) == ("«string»", 'throw "no"', "no")
    assert pickle.loads(pickle.dumps(caught.value)).labels == [label]


def test_documentation_comments() -> None:
    evaluator = frazil.Evaluator()
    lib = evaluator.eval("{ /** Twice its argument. */ twice = n: n * 2; n = 1; }")
    assert lib.lazy("twice").doc() == "Twice its argument."
    assert lib.lazy("n").doc() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory of a process is asked of a file")
def test_many_evaluators_hold_what_they_need() -> None:
    code = """
import concurrent.futures, frazil

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

def rounds(evaluator, start, end):
    for n in range(start, end):
        value = evaluator.eval(f"let v{n} = {{ a{n} = [ {n} (x: x + {n}) ]; f = throw \\"{n}\\"; }}; in v{n}")
        assert int(value[f"a{n}"][1](1)) == n + 1
        try:
            value["f"]
        except frazil.ThrowError as error:
            assert error.message == str(n)

evaluators = [frazil.Evaluator() for _ in range(64)]
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    list(pool.map(lambda evaluator: rounds(evaluator, 0, 400), evaluators))
    before = resident()
    list(pool.map(lambda evaluator: rounds(evaluator, 400, 556), evaluators))
    after = resident()
for _ in range(10_000):
    frazil.Evaluator().eval("1")
made = resident()
print(before, after, made)
assert after < before + 16384, (before, after)
assert made < after + 8192, (after, made)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_code_is_kept_for_the_next_process(tmp_path: Path) -> None:
    program = tmp_path / "program.nix"
    program.write_text(f"# {'-' * 2100}\n{{ a = 1; b = throw \"no\"; }}")
    for _ in range(2):
        evaluator = frazil.Evaluator(roots=[program], cache=tmp_path / "cache")
        value = evaluator.eval_file(program)
        assert value["a"].to_python() == 1
        with pytest.raises(frazil.ThrowError) as caught:
            value["b"].to_python()
        assert any(frame.span and frame.span.line == 2 for frame in caught.value.trace)
        assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 1


def test_untrusted_programs_are_refused_or_stopped(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "link").symlink_to(secret)
    os.environ["FRAZIL_SECRET"] = "1"
    fails(f"builtins.readFile {secret}", PermissionError, roots=[tmp_path / "open"])
    fails(f"builtins.readFile {tmp_path}/open/link", PermissionError, roots=[tmp_path / "open"])
    fails(f"builtins.readFile {tmp_path}/open/../secret", PermissionError, roots=[tmp_path / "open"])
    fails(f"import {secret}", PermissionError)
    fails(f"builtins.readDir {tmp_path}", PermissionError)
    assert frazil.Evaluator().eval(f"builtins.pathExists {secret}").to_python() is False
    fails(f'"${{{secret}}}"', PermissionError)
    fails("builtins.fetchurl http://localhost", frazil.UnavailableError)
    fails("builtins.readFile (builtins.storePath /nix/store/00000000000000000000000000000000-x)", PermissionError)
    assert frazil.Evaluator().eval('builtins.getEnv "FRAZIL_SECRET"').to_python() == ""
    assert frazil.Evaluator(variables=["FRAZIL_SECRET"]).eval('builtins.getEnv "FRAZIL_SECRET"').to_python() == "1"
    limits = frazil.Limits(memory="64MiB", seconds=5, steps=50_000_000)
    fails(ENDLESS, frazil.LimitError, limits=limits)
    fails(ENDLESS, TimeoutError, limits=frazil.Limits(seconds=0.05))
    fails(ENDLESS, frazil.StepLimitError, limits=frazil.Limits(steps=100_000))
    fails('let f = s: n: if n == 0 then s else f (s + s) (n - 1); in f "12345678" 40', MemoryError, limits=limits)
    fails("let f = n: 1 + f n; in f 0", RecursionError, limits=limits)
    laughs = "let a0 = { x = \"ha\"; }; " + "".join(
        f"a{i + 1} = {{ l = a{i}; r = a{i}; }}; " for i in range(60)
    )
    fails(f"{laughs} in a60", frazil.LimitError, limits=limits)
    fails(f"{laughs} in builtins.toJSON a60", frazil.LimitError, limits=limits)
    fails(f"{laughs} in builtins.toXML a60", frazil.LimitError, limits=limits)
    lists = "let a0 = [ 1 ]; " + "".join(f"a{i + 1} = [ a{i} a{i} ]; " for i in range(60))
    fails(f"{lists} in toString a60", frazil.LimitError, limits=limits)
    twins = laughs + laughs.removeprefix("let ").replace("a", "b").replace('"hb"', '"ha"')
    fails(f"{twins} in a60 == b60", frazil.LimitError, limits=limits)
    assert len(frazil.Evaluator(limits=limits).eval(f"{laughs} in a60").to_nix(deep=True)) < 10_000
    text = 'let s = builtins.concatStringsSep "x" (builtins.genList toString 90000); in '
    fails(f'{text} builtins.replaceStrings [ "" ] [ s ] s', MemoryError, limits=limits)
    fails(f"{text} builtins.genList (n: s) 3000", MemoryError, limits=limits)

    def boom(_: object) -> None:
        raise RuntimeError("boom")

    error = fails("boom 1", frazil.HostFunctionError, limits=limits, functions={"boom": boom})
    assert isinstance(error.__cause__, RuntimeError) and error.message == "RuntimeError: boom"


@pytest.mark.parametrize("exception", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_of_the_function_itself_passes_through(exception: type[BaseException]) -> None:
    def leave(_: object) -> None:
        raise exception

    fails("leave 1", exception, functions={"leave": leave})


class Unspeakable(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError("nor why")


def test_a_function_may_fail_in_any_way() -> None:
    def endless(n: int) -> int:
        return endless(n)

    def speechless(_: object) -> None:
        raise Unspeakable

    def cyclic(_: object) -> object:
        cycle: list[object] = []
        cycle.append(cycle)
        return cycle

    functions = {"endless": endless, "speechless": speechless, "cyclic": cyclic, "nan": lambda _: float("nan")}
    causes = {"endless": RecursionError, "speechless": Unspeakable, "cyclic": ValueError, "nan": ValueError}
    for name, cause in causes.items():
        error = fails(f"{name} 1", frazil.HostFunctionError, functions=functions)
        assert isinstance(error.__cause__, cause), name


def test_functions_of_functools() -> None:
    @functools.lru_cache
    def square(n: int) -> int:
        calls.append(n)
        return n * n

    @functools.wraps(square)
    def wrapped(n: int) -> int:
        return square(n)

    @functools.singledispatch
    def kind(value: object) -> str:
        return "other"

    @kind.register
    def _(value: int) -> str:
        return "int"

    calls: list[int] = []
    functions: dict[str, Callable[..., Any]] = {
        "square": square,
        "wrapped": wrapped,
        "kind": kind,
        "power": functools.partial(pow, 2),
        "add": functools.partial(operator.add),
        "method": "-".join,
    }
    evaluator = frazil.Evaluator(functions=functions)
    text = '[ (map square [ 3 3 ]) (wrapped 3) (kind 1) (kind "x") (power 10) (add 1 2) (method [ "a" "b" ]) ]'
    assert evaluator.eval(text).to_python() == [[9, 9], 9, "int", "other", 1024, 3, "a-b"]
    assert calls == [3], "the cache is the function's own"


def test_functions_of_python() -> None:
    evaluator = frazil.Evaluator(
        functions={"add": lambda a, b: a + b, "fail": lambda _: 1 / 0, "odd": lambda _: object()},
        values={"answer": {"n": [42]}},
    )
    assert evaluator.eval("map (add 1) [ 1 2 answer.n ]").kind == "list"
    assert evaluator.eval("map (add 1) [ 1 2 ]").to_python() == [2, 3]
    assert evaluator.eval("builtins.head answer.n").to_python() == 42
    with pytest.raises(frazil.HostFunctionError) as caught:
        evaluator.eval("fail null")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(frazil.HostFunctionError):
        evaluator.eval("odd null")
    assert evaluator.eval("(builtins.tryEval 1).value").to_python() == 1


def test_a_function_cannot_use_the_evaluator_that_calls_it() -> None:
    holder: list[frazil.Evaluator] = []
    evaluator = frazil.Evaluator(functions={"again": lambda text: holder[0].eval(text).to_python()})
    holder.append(evaluator)
    with pytest.raises(frazil.HostFunctionError) as caught:
        evaluator.eval('again "1"')
    assert isinstance(caught.value.__cause__, frazil.BusyError)
    holder[0] = frazil.Evaluator()
    assert evaluator.eval('again "1"').to_python() == 1


def test_events() -> None:
    seen: list[tuple[str, str]] = []
    evaluator = frazil.Evaluator(files={"/x.nix": "1"}, on_event=lambda kind, text: seen.append((kind, text)))
    evaluator.eval(
        'builtins.trace "t" (builtins.warn "w" [ (import /x.nix) '
        '(derivation { name = "x"; system = "s"; builder = "b"; }).drvPath ])'
    ).force_deep()
    kinds = dict(seen)
    assert kinds["trace"] == "t" and kinds["warn"] == "w" and kinds["read"] == "/x.nix"
    assert kinds["derivation"].endswith("-x.drv")


def test_ctrl_c_stops_an_evaluation() -> None:
    # A shell that runs the tests in the background has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    evaluator = frazil.Evaluator(limits=frazil.Limits(memory="1GiB", seconds=20))
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            evaluator.eval(ENDLESS)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - start < 5
    assert evaluator.eval("2").to_python() == 2


def test_the_interpreter_is_free_while_an_evaluation_runs() -> None:
    evaluator = frazil.Evaluator()
    counted = 0
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(evaluator.eval, ENDLESS)
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            counted += 1
        evaluator.cancel()
        with pytest.raises(frazil.CancelledError):
            future.result(timeout=10)
    assert counted > 1000


def test_many_threads_share_an_evaluator() -> None:
    evaluator = frazil.Evaluator(functions={"double": lambda n: 2 * n})
    function = evaluator.eval("n: double n + builtins.foldl' (a: b: a + b) 0 (builtins.genList (n: n) 100)")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: function(n).to_python(), range(200))) == [2 * n + 4950 for n in range(200)]


def test_tasks_are_cancelled() -> None:
    async def work() -> int:
        evaluator = frazil.Evaluator()
        value = await evaluator.eval_async("1 + 1")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(evaluator.eval_async(ENDLESS), 0.2)
        again = await evaluator.eval_async("20")
        return int(value) + int(again)

    assert asyncio.run(work()) == 22


PACKAGES = """
let d = name: derivation { inherit name; system = "s"; builder = "b"; };
in { a = d "a" // { meta = { license = "MIT"; f = x: x; }; }; bad = throw "bad"; null = null; deep = { recurseForDerivations = true; b = d "b"; };
     shallow = { c = d "c"; }; number = 1; }
"""


def test_jobs() -> None:
    evaluator = frazil.Evaluator()
    value = evaluator.eval(PACKAGES)
    jobs = {job.attr: job for job in evaluator.jobs(value, meta=True, input_drvs=True)}
    assert list(jobs) == ["a", "bad", "deep.b", "number"]
    assert jobs["a"].ok and jobs["a"].name == "a" and jobs["a"].meta == {"license": "MIT"}
    assert isinstance(jobs["bad"].error, frazil.ThrowError) and jobs["deep.b"].attr_path == ["deep", "b"]
    assert isinstance(jobs["number"].error, TypeError) and jobs["a"].input_drvs == {}
    assert frazil.Job.from_dict(jobs["a"].to_dict()) == jobs["a"]
    everywhere = [job.attr for job in evaluator.jobs(value, force_recurse=True, skip=["a", "bad", "number"])]
    assert everywhere == ["deep.b", "shallow.c"]
    with pytest.raises(frazil.ThrowError):
        list(evaluator.jobs(value, on_error="raise"))
    parts = [{job.attr for job in evaluator.jobs(value, shard=(i, 3))} for i in range(3)]
    assert set.union(*parts) == set(jobs) and sum(map(len, parts)) == len(jobs)

    async def collect() -> list[str]:
        return [job.attr async for job in evaluator.jobs(value)]

    assert asyncio.run(collect()) == list(jobs)


def test_a_limit_is_one_attributes_error() -> None:
    evaluator = frazil.Evaluator(limits=frazil.Limits(steps=200_000))
    value = evaluator.eval(f'{{ a = {ENDLESS}; b = derivation {{ name = "b"; system = "s"; builder = "b"; }}; }}')
    jobs = list(evaluator.jobs(value))
    assert isinstance(jobs[0].error, frazil.StepLimitError) and jobs[1].ok


def test_fork_safety() -> None:
    evaluator = frazil.Evaluator()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(evaluator.eval, ENDLESS)
        time.sleep(0.2)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                frazil.Evaluator().eval("1").to_python()
                evaluator.eval("1")
            except RuntimeError:
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        evaluator.cancel()
        with pytest.raises(frazil.CancelledError):
            future.result(timeout=10)


def test_the_command_line() -> None:
    run = subprocess.run([sys.executable, "-m", "frazil", "eval", "-E", "1 + 1"], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "2\n")
    run = subprocess.run([sys.executable, "-m", "frazil", "eval", "-E", "throw 1"], capture_output=True, text=True)
    assert run.returncode == 1 and "error:" in run.stderr


def test_options_are_checked() -> None:
    with pytest.raises(TypeError, match="no size in memory"):
        frazil.Evaluator(limits=frazil.Limits(memory="much"))
    with pytest.raises(frazil.NixError):
        frazil.Evaluator(settings={"extra-experimental-features": "pipe-operators", "system": "x"}).eval("(")
    piped = frazil.Evaluator(settings={"extra-experimental-features": "pipe-operators"})
    assert piped.eval("1 |> (n: n + 1)").to_python() == 2
    with pytest.raises(ValueError):
        frazil.Evaluator(functions={"many": lambda a, b, c, d, e, f, g, h, i: 0})
