"""`python die_with_parent.py PARENT PROGRAM ARGUMENT...`: become a program that the kernel kills when the parent dies.

For programs that do not watch their standard input. The signal survives exec; it is Linux's (prctl(2),
PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    """Does not return unless the parent is gone already or the program cannot be run."""
    parent, *words = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != int(parent):
        return 1
    try:
        os.execv(words[0], words)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main())
