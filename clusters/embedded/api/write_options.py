"""Options of writes: dry run, field manager, field validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.exchange import Call
from clusters.embedded.api.options import META_GROUP, unsupported_option
from clusters.embedded.api.status import Cause, invalid

MANAGER_LIMIT: Final = 128


def check_dry_run(call: Call, kind: str) -> bool:
    """Whether the write is only tried. Raises ApiError for anything but All."""
    values = call.query.get("dryRun") or []
    if not values or values == [""]:
        return False
    if values != ["All"]:
        shown = "[" + ",".join(f'"{value}"' for value in values) + "]"
        raise unsupported_option(kind, "dryRun", shown, '"All"')
    return True


def manager_of(call: Call) -> str:
    """The field manager: named, or the client's name up to the first slash."""
    named = call.one("fieldManager")
    if named:
        return named
    agent = call.header("user-agent").split("/")[0]
    return agent[:MANAGER_LIMIT] or "unknown"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of a create, update or patch."""

    dry_run: bool = False
    manager: str = "unknown"
    field_validation: str = "Warn"
    force: bool = False

    @classmethod
    def of(cls, call: Call, kind: str) -> WriteOptions:
        """Parse and validate; `kind` is CreateOptions, UpdateOptions or PatchOptions. Raises ApiError."""
        dry_run = check_dry_run(call, kind)
        manager = call.one("fieldManager")
        if len(manager.encode()) > MANAGER_LIMIT:
            text = f"Too long: may not be more than {MANAGER_LIMIT} bytes"
            raise invalid(kind, META_GROUP, "", [Cause("FieldValueTooLong", text, "fieldManager")])
        for character in manager:
            if not character.isprintable():
                text = f'Invalid value: "{manager}": should only contain printable characters'
                raise invalid(kind, META_GROUP, "", [Cause("FieldValueInvalid", text, "fieldManager")])
        directive = call.one("fieldValidation") or "Warn"
        if directive not in ("Ignore", "Warn", "Strict"):
            supported = '"", "Ignore", "Warn", "Strict"'
            raise unsupported_option(kind, "fieldValidation", f'"{directive}"', supported)
        return cls(dry_run, manager_of(call), directive, call.flag("force"))
