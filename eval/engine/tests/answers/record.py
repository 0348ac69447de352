#!/usr/bin/env python3
"""Writes CppNix's answers into the files beside this one: record.py NIX_INSTANTIATE FILE...

A file is a list of entries with an empty line between them: the program on a line with `> ` before it, the lines it
traces, and then `= ` and its value, printed strictly, or `! ` and the first line of its error.
"""

import re
import subprocess
import sys


def answer(oracle, program):
    run = subprocess.run([oracle, "--eval", "--strict", "-E", " " + program], cwd="/", capture_output=True, text=True)
    traces = [line for line in run.stderr.splitlines() if line.startswith("trace: ")]
    if run.returncode == 0:
        return [*traces, "= " + run.stdout.rstrip("\n")]
    return [*traces, "! " + re.findall(r"^ *error: (.*)$", run.stderr, re.MULTILINE)[-1]]


def record(oracle, file):
    lines = open(file).read().splitlines()
    head = "# Answers of CppNix 2.34.8, by record.py."
    entries = [[line, *answer(oracle, line[2:])] for line in lines if line.startswith("> ")]
    with open(file, "w") as out:
        out.write("\n\n".join([head, *("\n".join(entry) for entry in entries)]) + "\n")


for file in sys.argv[2:]:
    record(sys.argv[1], file)
