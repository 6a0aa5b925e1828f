"""Parts that are found by name, in the entry points of whatever is installed.

The suite's own packages beside `conformance` register themselves as a vendor's would, so that nothing in `conformance`
imports them. What is registered lies in the metadata of the installed distribution: after a change of `pyproject.toml`
it is stale until the project is installed again.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Final

from conformance.base.errors import UsageError, nearest

COMMANDS: Final = "conformance.commands"
"""Subcommands: a `click.Command`."""
PROVIDERS: Final = "conformance.providers"
"""Where clusters come from: a `ProviderFactory` for each value of the setting `cluster`."""
REPORTERS: Final = "conformance.reporters"
"""What a run is handed to when it is judged: a function of one `JudgedRun`."""

STALE: Final = "the installed suite may be older than its files: run `make .venv/.run`, or install it again"


def names(group: str) -> tuple[str, ...]:
    """Names registered in a group, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def provided_by(group: str, name: str) -> str:
    """Who registered a name: distributions such as `serving-conformance`, joined by commas."""
    found = entry_points(group=group, name=name)
    return ", ".join(sorted(entry.dist.name for entry in found if entry.dist is not None))


def load(group: str, name: str) -> object:
    """What a name of a group stands for, imported now.

    Raises UsageError when nobody registered it, two did, or what was registered is not there."""
    entry = _entry(group, name)
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{group}: {name} is {entry.value}, which cannot be imported ({error}); {STALE}") from error


def _entry(group: str, name: str) -> EntryPoint:
    found = tuple(entry_points(group=group, name=name))
    if not found:
        known = names(group)
        hint = nearest(name, known) if known else "nothing is registered in it"
        raise UsageError(f"{group}: no {name!r} is installed; {hint}; {STALE}")
    if len(found) > 1:
        whose = " and ".join(sorted(entry.value for entry in found))
        raise UsageError(f"{group}: {name!r} is registered twice, as {whose}; uninstall one of them")
    return found[0]
