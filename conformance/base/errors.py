"""The errors of the suite.

    ConformanceError
      UsageError   the user can correct it             exit 64
      PlatformError     the cluster refused or vanished     exit 69; inside a scenario INCONCLUSIVE
      HarnessError      our own fault                       exit 70; inside a scenario ERROR

Every message says what happened, the value, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes of every command."""

    SUCCESS = 0
    FAILURE = 1
    INCONCLUSIVE = 2
    PARTIAL = 3
    USAGE = 64
    UNREACHABLE = 69
    INTERNAL = 70
    INTERRUPTED = 130


class ConformanceError(Exception):
    """Base of all errors raised on purpose."""

    exit_code: Exit = Exit.INTERNAL


class UsageError(ConformanceError):
    """The user's input or submission is wrong and can be corrected."""

    exit_code = Exit.USAGE


class PlatformError(ConformanceError):
    """The cluster refused, broke off or cannot be reached."""

    exit_code = Exit.UNREACHABLE


class HarnessError(ConformanceError):
    """The suite itself failed."""

    exit_code = Exit.INTERNAL


TOLD: Final = 24
"""Names that a message lists."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word: `did you mean 'x'?`, or what is known, the first of it where that is much."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(names) - TOLD} others" if len(names) > TOLD + 1 else ""
    return "known: " + ", ".join(names[:TOLD] if more else names) + more
