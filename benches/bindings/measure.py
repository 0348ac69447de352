#!/usr/bin/env python3
"""Measures the packages for Python and Node beside the command line, and beside what their users would use else.

    python benches/bindings/measure.py --frazil target/release/frazil --nixpkgs NIXPKGS [--node FOLDER] [--runs 11]
    python benches/bindings/measure.py … --instructions [--runs 3]

Runs in an environment that has the wheel; with orjson and pydantic there, data is measured beside theirs. FOLDER is one in
which the package for Node is installed. Of CPU times the least of all runs is taken, which take turns: what else the machine
does adds to them, and nothing takes from them. With --instructions, `hello` is measured in instructions instead, which
valgrind counts and which hardly depend on what else the machine does; those of the system itself are not among them. Node
starts with another seed for its hashes each time, which makes a difference of up to 2 %.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HELLO = 'import <nixpkgs> { system = "x86_64-linux"; }'
# What an interpreter prints that does nothing else.
SAID = "a line"
PYTHON = """
import sys, frazil
evaluator = frazil.Evaluator(paths={"nixpkgs": sys.argv[1]})
print(evaluator.eval(sys.argv[2]).path("hello").drv_path)
"""
NODE = """
const { Evaluator } = require('frazil')
const [, nixpkgs, text] = process.argv
const evaluator = new Evaluator({ paths: { nixpkgs } })
evaluator.eval(text).then(async (pkgs) => console.log(await (await pkgs.path('hello')).drvPath()))
"""


# A command, and the folder that it runs in.
Command = tuple[list[str], Path | None]
# From these two to what the command takes, and what it prints.
Measure = Callable[[list[str], Path | None], tuple[float, str]]


def cpu(command: list[str], folder: Path | None) -> tuple[float, str]:
    """The milliseconds of CPU that a command takes, and what it prints."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode()
    if child.returncode != 0:
        raise SystemExit(f"{command[0]} failed")
    return (usage.ru_utime + usage.ru_stime) * 1000, said.strip()


def instructions(command: list[str], folder: Path | None) -> tuple[float, str]:
    """The millions of instructions of a command, all of its threads together, and what it prints."""
    with tempfile.NamedTemporaryFile() as out:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", *command]
        done = subprocess.run(valgrind, cwd=folder, capture_output=True, text=True, check=False)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr}")
    return int(counted[1]) / 1e6, done.stdout.strip()


def hello(commands: dict[str, Command], measure: Measure, runs: int) -> dict[str, float]:
    """The least that each command takes; those that say a path of `hello` say the same one."""
    least = dict.fromkeys(commands, float("inf"))
    paths = set()
    for _ in range(runs):
        for name, (command, folder) in commands.items():
            amount, said = measure(command, folder)
            least[name] = min(least[name], amount)
            if said and said != SAID:
                paths.add(said)
    if len(paths) != 1:
        raise SystemExit(f"not one path but {paths}")
    return least


def all_hellos(frazil: str, nixpkgs: str, node: Path | None, runs: int, counts: bool) -> None:
    """`hello` of Nixpkgs beside the command line: whole, net of an interpreter that does nothing, and of one that prints."""
    commands: dict[str, Command] = {
        "command line": ([frazil, "instantiate", "-f", nixpkgs, "-A", "hello"], None),
        "python": ([sys.executable, "-c", PYTHON, nixpkgs, HELLO], None),
        "python, bare": ([sys.executable, "-c", "0"], None),
        "python, printing": ([sys.executable, "-c", f"print('{SAID}')"], None),
    }
    if node is not None:
        commands["node"] = (["node", "-e", NODE, nixpkgs, HELLO], node)
        commands["node, bare"] = (["node", "-e", "0"], node)
        commands["node, printing"] = (["node", "-e", f"console.log('{SAID}')"], node)
    least = hello(commands, instructions if counts else cpu, runs)
    unit = "million instructions" if counts else "ms CPU"
    base = least["command line"]

    def over(amount: float) -> str:
        return f"{amount / base * 100 - 100:+.1f} %"

    print(f"hello, command line: {base:.0f} {unit}")
    for name in ("python", "node"):
        if name in least:
            whole, bare, printing = (least[key] for key in (name, f"{name}, bare", f"{name}, printing"))
            print(
                f"hello, {name}: {whole:.0f} {unit}, {over(whole)}; net of a bare start ({bare:.0f}) {over(whole - bare)}, "
                f"of one that prints a line ({printing:.0f}) {over(whole - printing)}"
            )


def best(work: Callable[[], object], runs: int) -> float:
    """The least time of some runs."""
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def reads(runs: int) -> None:
    """A million reads of attributes, beside those of a nested dictionary through models of pydantic."""
    import frazil

    value = frazil.Evaluator().eval("{ a.b.c = 1; }").force_deep()

    def of_values() -> None:
        for _ in range(333_334):
            value["a"]["b"]["c"]

    print(f"a million reads, frazil: {best(of_values, runs) * 1000:.0f} ms")
    try:
        import pydantic
    except ImportError:
        return

    class C(pydantic.BaseModel):
        c: int

    class B(pydantic.BaseModel):
        b: C

    class A(pydantic.BaseModel):
        a: B

    data = {"a": {"b": {"c": 1}}}

    def of_models() -> None:
        for _ in range(333_334):
            A.model_validate(data).a.b.c

    model = A.model_validate(data)

    def of_one_model() -> None:
        for _ in range(333_334):
            model.a.b.c

    print(f"a million reads, pydantic: {best(of_models, runs) * 1000:.0f} ms, of them three to a model")
    print(f"a million reads, pydantic: {best(of_one_model, runs) * 1000:.0f} ms, all of one model")


def conversion(runs: int) -> None:
    """10 MB of data to Python's objects, beside orjson."""
    import frazil

    item = '{ id = n; name = "name ${toString n}"; tags = [ "a" "b" ]; score = n * 1.5; ok = true; }'
    value = frazil.Evaluator().eval(f"builtins.genList (n: {item}) 125000").force_deep()
    text = value.to_json().encode()
    print(f"{len(text) / 1e6:.1f} MB to Python, frazil: {best(value.to_python, runs) * 1000:.0f} ms")
    try:
        import orjson
    except ImportError:
        return
    print(f"{len(text) / 1e6:.1f} MB to Python, orjson: {best(lambda: orjson.loads(text), runs) * 1000:.0f} ms")


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frazil", required=True)
    parser.add_argument("--nixpkgs", required=True)
    parser.add_argument("--node", type=Path)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--instructions", action="store_true", help="count instructions; needs valgrind")
    words = parser.parse_args()
    all_hellos(words.frazil, words.nixpkgs, words.node, words.runs, words.instructions)
    if words.instructions:
        return
    reads(min(words.runs, 5))
    conversion(min(words.runs, 5))


if __name__ == "__main__":
    main()
