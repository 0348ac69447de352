#!/usr/bin/env python3
"""Run Nixpkgs' own evaluation tests with a `nix-instantiate`.

    nixpkgs_lib.py --command "target/release/frazil nix-instantiate" --nixpkgs DIR [--oracle FILE] [--match REGEX]

The tests are those of lib/tests, lib/fileset, lib/path and a few sets that decide while they are evaluated, and the cases of
pkgs/test/problems, whose standard error is compared to the letter. Where Nixpkgs' own expectation is out of date, the answer
of the oracle counts, a CppNix, if there is one.

The scripts write to a store: each run has one of its own in a scratch folder. Python's standard library, bash, git and jq are
used.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile

SECONDS_PER_CHECK = 600
# What these need is no part of Frazil.
WAITS_FOR = {"lib/fileset/tests.sh": "fetchGit"}
TRUNCATED = "(stack trace truncated; use '--show-trace' to show the full, detailed trace)"


class World:
    """A scratch folder with a home, a store, settings, and a copy of Nixpkgs' lib away from the rest."""

    def __init__(self, command, nixpkgs):
        self.top = pathlib.Path(os.path.realpath(tempfile.mkdtemp(prefix="frazil-nixpkgs.")))
        self.nixpkgs, self.root = nixpkgs, self.top / "root"
        for folder in ("bin", "home", "tmp", "root/etc", "root/var/nix", "root/var/log/nix"):
            (self.top / folder).mkdir(parents=True)
        self.put(command)
        shutil.copytree(nixpkgs / "lib", self.top / "lib", symlinks=True)
        for path in (self.top / "lib").rglob("*"):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IWUSR)
        self.env = {k: v for k, v in os.environ.items() if not re.match("NIX|XDG_|GIT_|NIXPKGS", k)}
        self.env |= {
            "PATH": f"{self.top}/bin:{os.environ['PATH']}", "HOME": f"{self.top}/home", "TMPDIR": f"{self.top}/tmp",
            "TEST_ROOT": str(self.root), "TEST_LIB": f"{self.top}/lib", "LC_ALL": "C.UTF-8", "PAGER": "cat",
            "NIX_CONF_DIR": f"{self.root}/etc", "NIX_STATE_DIR": f"{self.root}/var/nix",
            "NIX_LOG_DIR": f"{self.root}/var/log/nix", "NIX_STORE_DIR": f"{self.root}/store",
        }

    def put(self, command):
        """Makes `command` the `nix-instantiate` on PATH."""
        drop_in = self.top / "bin/nix-instantiate"
        drop_in.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        drop_in.chmod(0o755)

    def run(self, command, **env):
        try:
            return subprocess.run(command, env=self.env | env, cwd=self.top, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=SECONDS_PER_CHECK)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"no end within {SECONDS_PER_CHECK} s")

    def read_only(self, command, **env):
        return self.run(command, NIX_STORE_DIR="/nix/store", NIX_REMOTE="dummy://", **env)

    def remove(self):
        for path in self.top.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(stat.S_IRWXU)
        shutil.rmtree(self.top)


def script(path, *args):
    def check(world):
        done = world.run(["bash", path, *args])
        return done.returncode == 0, done.stdout + done.stderr
    return check


def equals(expected, *args, read_only=False):
    def check(world):
        command = ["nix-instantiate", "--eval", *(arg.replace("NIXPKGS", str(world.nixpkgs)) for arg in args)]
        done = (world.read_only if read_only else world.run)(command)
        return done.stdout.strip() == expected, done.stdout + done.stderr
    return check


PACKAGES = ["--strict", "--readonly-mode", "NIXPKGS", "--arg", "config", "{ }", "--arg", "overlays", "[ ]",
            "--argstr", "system", "x86_64-linux", "-A"]
CHECKS = {
    **{path: script(path) for path in (
        "lib/tests/modules.sh", "lib/tests/filesystem.sh", "lib/tests/sources.sh", "lib/tests/debug.sh",
        "lib/tests/network.sh", "lib/fileset/tests.sh")},
    "lib/path/tests/prop.sh": script("lib/path/tests/prop.sh", "12345"),
    **{path: equals("[ ]", "--strict", path) for path in (
        "lib/tests/systems.nix", "lib/tests/misc.nix", "lib/tests/fetchers.nix")},
    "lib/path/tests/unit.nix": equals("null", "--arg", "libpath", "./lib", "lib/path/tests/unit.nix"),
    "lib/services/test.nix": equals('"ok"', "NIXPKGS/lib/services/test.nix"),
    "modules/generic/meta-maintainers/test.nix": equals("{ }", "NIXPKGS/modules/generic/meta-maintainers/test.nix"),
    "ci/eval/compare/test.nix": equals(
        "{ result = [ ]; }", "--strict", "--arg", "lib", "import NIXPKGS/lib", "NIXPKGS/ci/eval/compare/test.nix"),
    "pkgs/test/problems/unit.nix": equals(
        "[ ]", "--strict", "--arg", "lib", "import NIXPKGS/lib", "NIXPKGS/pkgs/test/problems/unit.nix"),
    **{f"tests.{name}": equals(expected, *PACKAGES, f"tests.{name}", read_only=True) for name, expected in (
        ("overriding.failures", "[ ]"), ("kernel-config", "null"), ("buildenv.failures", "[ ]"),
        ("systemd.nixos", "null"), ("haskell.env", "[ ]"))},
}


def problem(world, case):
    """What a case of pkgs/test/problems says, in the form of its expectation."""
    folder = world.top / "tmp" / case.name
    folder.mkdir(exist_ok=True)
    file = folder / "default.nix"
    shutil.copy(case / "default.nix", file)
    env = {}
    if (case / "env.nix").exists():
        env = dict(re.findall(r'^\s*([A-Z_]+)\s*=\s*"?([^";]*)"?;', (case / "env.nix").read_text(), re.MULTILINE))
    done = world.read_only(["nix-instantiate", str(file), "--readonly-mode", "--arg", "nixpkgs", str(world.nixpkgs)], **env)
    text = done.stderr.replace(str(file), "/nix/store/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee-default.nix")
    at = text.find(TRUNCATED)
    text = text[max(at - 7, 0):] if at >= 0 else text
    return re.sub("^       ", "", text, flags=re.MULTILINE).replace(f"{world.nixpkgs}/", "/nixpkgs/")


def problem_check(case, command, oracle):
    def check(world):
        found, expected = problem(world, case), (case / "expected-stderr").read_text()
        if found != expected and oracle:
            world.put([oracle])
            expected = problem(world, case)
            world.put(command)
        return found == expected, found
    return check


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", required=True)
    parser.add_argument("--nixpkgs", required=True, type=pathlib.Path)
    parser.add_argument("--oracle")
    parser.add_argument("--match", default=".")
    options = parser.parse_args()
    command = shlex.split(options.command)
    command[0] = os.path.abspath(command[0]) if "/" in command[0] else command[0]
    oracle = options.oracle if options.oracle and os.access(options.oracle, os.X_OK) else None
    nixpkgs = options.nixpkgs.resolve()
    checks = dict(CHECKS)
    for case in sorted((nixpkgs / "pkgs/test/problems/cases").iterdir()):
        checks[f"pkgs/test/problems/cases/{case.name}"] = problem_check(case, command, oracle)
    passed = failed = skipped = 0
    world = World(command, nixpkgs)
    try:
        for name, check in checks.items():
            if not re.search(options.match, name):
                continue
            good, said = check(world)
            if good:
                passed += 1
            elif name in WAITS_FOR and WAITS_FOR[name] in said:
                skipped += 1
                print(f"skipped {name}: it needs {WAITS_FOR[name]}")
            else:
                failed += 1
                print(f"FAIL {name}\n" + "\n".join("    " + line for line in said.splitlines()[-15:]))
    finally:
        world.remove()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
