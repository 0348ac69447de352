"""The command line: ``frazil``, or ``python -m frazil``."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Does what the command line says; answers the exit status."""
    # Nothing of Python's is waiting: Ctrl-C ends the process, as it does the binary.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
