#!/usr/bin/env python3
"""Compare derivation paths with CppNix 2.34.8's, kept in golden.tsv.

    golden.py --command "target/release/frazil nix-instantiate" --nixpkgs DIR [--match REGEX]

A row of golden.tsv is an attribute path of Nixpkgs, or an expression file of this repository that takes `nixpkgs`, and
CppNix's answer: a derivation path, `throws` or `not-a-derivation`. The answers hold for the Nixpkgs they were made with only.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
SECONDS = 1200


def evaluate(options, arguments):
    """(exit status, standard output, standard error) of one evaluation, for which no search path and no user's settings exist."""
    environment = {**os.environ, "NIX_PATH": "", "NIX_CONFIG": "", "NIX_USER_CONF_FILES": ""}
    run = subprocess.run(shlex.split(options.command) + arguments, env=environment, stdin=subprocess.DEVNULL, text=True,
                         errors="replace", capture_output=True, timeout=SECONDS, check=False)
    return run.returncode, run.stdout, run.stderr


def last_error(status, text):
    errors = re.findall(r"(?m)^\s*error: (.+)", text)
    return f"error: {errors[-1]}" if errors else f"exit status {status}: {text.strip()[-200:]}"


def packages(options, attributes):
    """Answers in one process for as many attributes as it gets through; one that stops it is answered by its error."""
    found, at = {}, 0
    with tempfile.TemporaryDirectory(prefix="frazil-golden.") as scratch:
        paths = os.path.join(scratch, "paths.json")
        with open(paths, "w", encoding="utf-8") as file:
            json.dump([attribute.split(".") for attribute in attributes], file)
        while at < len(attributes):
            status, _, text = evaluate(options, [
                "--eval", "--readonly-mode", str(HERE / "golden.nix"), "--arg", "nixpkgs", options.nixpkgs, "--argstr", "paths", paths,
                "--arg", "from", str(at), "--arg", "to", str(len(attributes))])
            for index, answer in re.findall(r"(?m)^trace: golden (\d+) (.*)$", text):
                found[attributes[int(index)]] = answer
                at = int(index) + 1
            if status == 0:
                break
            found[attributes[at]] = last_error(status, text)
            at += 1
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", required=True, help="the nix-instantiate to judge, as words of a shell")
    parser.add_argument("--nixpkgs", required=True, type=os.path.realpath)
    parser.add_argument("--match", default="", metavar="REGEX", help="only rows whose names match")
    options = parser.parse_args()
    rows = [line.split("\t", 1) for line in (HERE / "golden.tsv").read_text(encoding="utf-8").splitlines()]
    want = {name: answer for name, answer in rows if re.search(options.match, name)}
    files = [name for name in want if name.endswith(".nix")]
    try:
        found = packages(options, [name for name in want if name not in files])
        for file in files:
            status, out, text = evaluate(options, ["--readonly-mode", str(REPOSITORY / file), "--arg", "nixpkgs", options.nixpkgs])
            found[file] = out.strip() if status == 0 else last_error(status, text)
    except (OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"golden.py: {error}")
    failed = 0
    for name, answer in want.items():
        if found.get(name) != answer:
            failed += 1
            print(f"{name}\n  want {answer}\n  got  {found.get(name, 'nothing')[:300]}")
    print(f"{len(want) - failed} passed, {failed} failed")
    return 1 if failed or not want else 0


if __name__ == "__main__":
    sys.exit(main())
