"""The `conformance` command."""

from conformance.cli.entry import main

__all__ = ["main"]
