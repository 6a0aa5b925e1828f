"""The errors of the load generator, with the exit codes of its command line.

    LoadError            the generator itself failed, for one because its process died   exit 70
      InvalidLoadError   a plan, target, flag or file that the user can correct          exit 64
      NothingSentError   stopped before the first request                                exit 69

A tree of its own, as this package imports nothing of the suite; the suite maps these onto its own errors
(`conformance.run.generators.suite_errors`).
"""

from __future__ import annotations

from typing import ClassVar


class LoadError(Exception):
    """The generator itself failed."""

    exit_code: ClassVar[int] = 70


class InvalidLoadError(LoadError):
    """What was asked for cannot be offered, and the user can correct it."""

    exit_code: ClassVar[int] = 64


class NothingSentError(LoadError):
    """It was stopped before the first request."""

    exit_code: ClassVar[int] = 69
