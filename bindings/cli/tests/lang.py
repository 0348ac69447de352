#!/usr/bin/env python3
"""Run a language suite in the layout of CppNix's tests/functional/lang and keep its scoreboard.

    lang.py --command "target/release/frazil nix-instantiate" --suite NAME=DIR [--suite NAME=DIR]...
            [--check | --write] [--owed NAME/CASE=LEVEL]... [--match REGEX] [--diff] [--jobs N]

What a case can reach, each level including the one before it:

    pass    exit status 0 and the expected standard output; for a case that must fail, exit status 1..123 and `error:`
    right   for a case that must fail, also the expected innermost message
    strict  all of its output to the letter

`--check` compares with the scoreboard beside this file and fails if a case reaches less than is written there, or less than
`--owed` asks of it; `--write` writes the scoreboard anew. Without either, the run fails if a case is not strict. A `cli-*.sh` of
the suite is a script that must end with status 0, with a `nix-instantiate` first on its PATH.

Only Python's standard library (3.9 or later) is used. What a case sees of the world mirrors CppNix 2.34.8's own harness.
"""
import argparse
import concurrent.futures
import difflib
import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

SCOREBOARD = pathlib.Path(__file__).with_name("scoreboard.txt")
LEVELS = ["fail", "pass", "right", "strict"]
SECONDS_PER_CASE = 60
OUTPUT_BYTES = 64 << 20
# A shell's "not executable", "not found" and "killed by a signal", and timeout's own: no error of an evaluator.
CRASH_STATUS = 124
COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]|\x1b\]8;;[^\x1b\x07]*(?:\x1b\\|\x07)")
# Usage errors name the program as it was called; the suite's own harness calls it by its bare name.
USAGE = re.compile(rb"Try '[^'\n]* --help'(?= for more information)")

# CppNix's harness has these settings in force; the cases of flakes and of traces depend on them.
NIX_CONF = """\
build-users-group =
keep-derivations = false
sandbox = false
experimental-features = nix-command
gc-reserved-space = 0
substituters =
flake-registry = {root}/registry.json
show-trace = true
include nix.conf.extra
trusted-users = root
"""
NIX_CONF_EXTRA = """\
fsync-metadata = false
extra-experimental-features = flakes
!include nix.conf.extra.not-there
"""


class Case:
    """One file of a suite: how it is run, and what is expected of it."""

    def __init__(self, suite, name, kind, args, *, expected_out=None, expected_err=None, stdin=None, env=None):
        self.name, self.kind, self.args, self.stdin, self.env = name, kind, args, stdin, env or {}
        self.fails = kind.endswith("-fail")
        self.expected_out = read(suite / expected_out) if expected_out else b""
        self.expected_err = read(suite / expected_err) if expected_err else b""
        self.judges_out = self.judges_err = kind != "cli"
        script = suite / f"{name}.postprocess"
        self.postprocess = f"lang/{script.name}" if script.exists() else None


def read(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def flags_of(suite, name, first_line_only):
    """The words of NAME.flags, or None; of an eval-okay case only the first line counts, of others `#` starts a comment."""
    try:
        text = (suite / f"{name}.flags").read_text()
    except FileNotFoundError:
        return None
    if first_line_only:
        return text.split("\n", 1)[0].split()
    return [word for line in text.splitlines() for word in line.split("#", 1)[0].split()]


def cases_of(suite):
    """All cases of a folder, in the order of their kinds and names."""
    cases = []
    for path in sorted(suite.glob("*.nix")):
        name, file = path.stem, f"lang/{path.name}"
        kind = "-".join(name.split("-")[:2])
        if kind == "parse-fail":
            cases.append(Case(suite, name, kind, ["--parse", "-"], stdin=file, expected_err=f"{name}.err.exp"))
        elif kind == "parse-okay":
            cases.append(Case(suite, name, kind, ["--parse", "-"], stdin=file,
                              expected_out=f"{name}.exp", expected_err=f"{name}.err.exp"))
        elif kind == "eval-fail":
            flags = flags_of(suite, name, False)
            flags = ["--eval", "--strict", "--show-trace"] if flags is None else flags
            cases.append(Case(suite, name, kind, flags + [file], expected_err=f"{name}.err.exp"))
        elif kind == "eval-okay" and (suite / f"{name}.exp.xml").exists():
            case = Case(suite, name, kind, ["--eval", "--xml", "--no-location", "--strict", file],
                        expected_out=f"{name}.exp.xml")
            case.judges_err = False
            cases.append(case)
        elif kind == "eval-okay" and not (suite / f"{name}.exp-disabled").exists():
            flags = flags_of(suite, name, True) or []
            cases.append(Case(suite, name, kind, flags + ["--eval", "--strict", file],
                              expected_out=f"{name}.exp", expected_err=f"{name}.err.exp",
                              env={"NIX_PATH": "lang/dir3:lang/dir4", "HOME": "/fake-home"}))
    for path in sorted(suite.glob("cli-*.sh")):
        cases.append(Case(suite, path.stem, "cli", [f"lang/{path.name}"]))
    return sorted(cases, key=lambda case: (case.kind, case.name))


class World:
    """A scratch folder in which a suite's cases run: a copy of the suite, a home, settings, a store of their own."""

    def __init__(self, suite, command):
        self.command = shlex.split(command)
        if "/" in self.command[0]:
            self.command[0] = os.path.abspath(self.command[0])
        self.top = pathlib.Path(os.path.realpath(tempfile.mkdtemp(prefix="frazil-lang.")))
        self.root, self.work, self.bin = self.top / "root", self.top / "functional", self.top / "bin"
        for folder in ("test-home", "etc", "var/log/nix/drvs", "var/nix", "shared", "store"):
            (self.root / folder).mkdir(parents=True)
        self.bin.mkdir()
        shutil.copytree(suite, self.work / "lang", symlinks=True)
        (self.root / "etc/nix.conf").write_text(NIX_CONF.format(root=self.root))
        (self.root / "etc/nix.conf.extra").write_text(NIX_CONF_EXTRA)
        drop_in = self.bin / "nix-instantiate"
        drop_in.write_text(f'#!/bin/sh\nexec {shlex.join(self.command)} "$@"\n')
        drop_in.chmod(0o755)

    def remove(self):
        def writable(function, path, _):
            os.chmod(os.path.dirname(path), stat.S_IRWXU)
            function(path)
        shutil.rmtree(self.top, onerror=writable)

    def environment(self, case):
        root = str(self.root)
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("NIX_", "_NIX_", "XDG_", "GIT_"))},
            "HOME": f"{root}/test-home", "TEST_ROOT": root, "TEST_HOME": f"{root}/test-home",
            "TEST_VAR": "foo", "IMPURE_VAR1": "foo", "IMPURE_VAR2": "bar", "PAGER": "cat",
            "NIX_REMOTE": "dummy://", "NIX_STORE_DIR": "/nix/store", "NIX_CONF_DIR": f"{root}/etc",
            "NIX_LOCALSTATE_DIR": f"{root}/var", "NIX_LOG_DIR": f"{root}/var/log/nix", "NIX_STATE_DIR": f"{root}/var/nix",
            "NIX_DAEMON_SOCKET_PATH": f"{root}/dSocket", "_NIX_TEST_SHARED": f"{root}/shared",
            "_NIX_IN_TEST": f"{root}/shared", "_NIX_TEST_NO_LSOF": "1", "_NIX_TEST_NO_ENVIRONMENT_WARNINGS": "1",
            "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_CONFIG_GLOBAL": "/dev/null",
            **case.env,
        }

    def run(self, case, number):
        """(exit status or None after a timeout, standard output, standard error), normalised as CppNix's harness does."""
        folder = self.top / "out" / str(number)
        folder.mkdir(parents=True)
        base = folder / case.name
        out, err = folder / f"{case.name}.out", folder / f"{case.name}.err"
        environment = self.environment(case)
        argv = self.command + case.args
        if case.kind == "cli":
            argv = ["bash", "-euo", "pipefail"] + case.args
            environment["PATH"] = f"{self.bin}:{environment.get('PATH', '/usr/bin:/bin')}"
        with open(out, "wb") as stdout, open(err, "wb") as stderr, open(self.work / case.stdin if case.stdin else os.devnull, "rb") as stdin:
            child = subprocess.Popen(argv, cwd=self.work, env=environment, stdin=stdin, stderr=stderr, start_new_session=True,
                                     stdout=stderr if case.fails else stdout)
            try:
                resource.prlimit(child.pid, resource.RLIMIT_CORE, (0, 0))
                resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
            except ProcessLookupError:
                pass  # it has ended already
            try:
                status = child.wait(SECONDS_PER_CASE)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                child.wait()
        for path in (out, err):
            data = path.read_bytes()
            path.write_bytes(USAGE.sub(rb"Try 'nix-instantiate --help'", data.replace(str(self.work).encode(), b"/pwd")))
        if case.postprocess and status is not None:
            subprocess.run(["bash", case.postprocess, str(base)], cwd=self.work, capture_output=True, timeout=30, check=False)
        return status, read(out), read(err)


def innermost_message(text):
    """The message after the last `error:`, up to its position, excerpt, trace or suggestion."""
    lines = COLOUR.sub(b"", text).decode("utf-8", "replace").splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"\s*error:", line)]
    if not starts:
        return None
    message = [lines[starts[-1]].split("error:", 1)[1].strip()]
    for line in (line.strip() for line in lines[starts[-1] + 1:]):
        ends = not line or re.match(r"\d*\||…|Did you mean ", line)
        if re.match(r"at .*:\d+:\d+:?$", line) or ends and message != [""]:
            break
        if not ends:
            message.append(line)
    return "\n".join(part for part in message if part)


def level_of(case, status, out, err):
    if case.fails:
        message = innermost_message(err)
        if status is None or not 0 < status < CRASH_STATUS or message is None:
            return "fail"
        if case.expected_err.strip() and message != innermost_message(case.expected_err):
            return "pass"
        return "strict" if status == 1 and err == case.expected_err else "right"
    if status != 0 or case.judges_out and out != case.expected_out:
        return "fail"
    return "strict" if not case.judges_err or err == case.expected_err else "right"


def show_difference(case, out, err):
    for what, want, got in (("standard output", case.expected_out, out), ("standard error", case.expected_err, err)):
        want, got = (text.decode("utf-8", "backslashreplace").splitlines() for text in (want, got))
        for line in list(difflib.unified_diff(want, got, f"expected {what}", f"{what}", lineterm=""))[:80]:
            print("    " + line)


def run_suite(name, folder, options):
    """Case name -> level."""
    folder = folder / "lang" if (folder / "lang").is_dir() else folder
    cases = [case for case in cases_of(folder) if re.search(options.match, case.name)]
    if not cases:
        sys.exit(f"lang.py: no cases in {folder}")
    world, levels = World(folder, options.command), {}
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = pool.map(lambda numbered: world.run(numbered[1], numbered[0]), enumerate(cases))
            for case, (status, out, err) in zip(cases, runs):
                levels[case.name] = level_of(case, status, out, err)
                if options.diff and levels[case.name] != "strict":
                    print(f"{name} {case.name}: {levels[case.name]}, exit status {'none in time' if status is None else status}")
                    show_difference(case, out, err)
    except OSError as error:
        sys.exit(f"lang.py: {error}")
    finally:
        world.remove()
    return levels


def counts(levels):
    reached = [LEVELS.index(level) for level in levels.values()]
    return ", ".join(f"{sum(r >= at for r in reached)} {LEVELS[at]}" for at in (1, 2, 3))


def read_scoreboard():
    """Suite -> {case: level}, of the cases that are not strict."""
    board = {}
    for line in SCOREBOARD.read_text().splitlines() if SCOREBOARD.exists() else []:
        if line.startswith("  "):
            level, case = line.split()
            board[suite][case] = level
        elif line and not line.startswith("#"):
            suite = line.split(":", 1)[0]
            board[suite] = {}
    return board


def write_scoreboard(results):
    text = "# Written by lang.py --write: what each suite reaches, and by name each case that is not strict.\n"
    for suite, levels in results.items():
        text += f"{suite}: {len(levels)} cases, {counts(levels)}\n"
        text += "".join(f"  {level} {case}\n" for case, level in sorted(levels.items()) if level != "strict")
    SCOREBOARD.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", required=True, help="the nix-instantiate to judge, as words of a shell")
    parser.add_argument("--suite", action="append", required=True, metavar="NAME=DIR")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail if a case is lost against the scoreboard")
    mode.add_argument("--write", action="store_true", help="write the scoreboard")
    parser.add_argument("--owed", action="append", default=[], metavar="NAME/CASE=LEVEL",
                        help="what a case must reach with this command, whatever the scoreboard says")
    parser.add_argument("--match", default="", metavar="REGEX", help="only cases whose names match")
    parser.add_argument("--diff", action="store_true", help="show what differs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args()
    if options.write and options.match:
        parser.error("--write needs whole suites")
    board = read_scoreboard()
    for word in options.owed:
        case, _, level = word.partition("=")
        suite, _, case = case.partition("/")
        board.setdefault(suite, {})[case] = level
    if options.write and not board.keys() <= {word.partition("=")[0] for word in options.suite}:
        parser.error(f"--write needs all suites of the scoreboard: {', '.join(board)}")

    results, passed, failed, known = {}, 0, 0, 0
    for word in options.suite:
        name, _, folder = word.partition("=")
        levels = results[name] = run_suite(name, pathlib.Path(folder).resolve(), options)
        print(f"{name}: {len(levels)} cases, {counts(levels)}")
        for case, level in levels.items():
            # A suite that the scoreboard does not know yet has nothing to lose.
            owed = board[name].get(case, "strict") if name in board else "fail"
            if level == "strict":
                passed += 1
            elif options.check and LEVELS.index(level) >= LEVELS.index(owed):
                known += 1
            elif not options.write:
                failed += 1
                print(f"  {case}: {level}" + (f", was {owed}" if options.check else ""))
        gained = [case for case, owed in board.get(name, {}).items() if LEVELS.index(levels.get(case, owed)) > LEVELS.index(owed)]
        if options.check and gained:
            print(f"  {len(gained)} better than the scoreboard says: run with --write")
    if options.write:
        write_scoreboard(results)
        return 0
    print(f"{passed} passed, {failed} failed, {known} skipped" if known else f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
