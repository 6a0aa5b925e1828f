"""catalogue.yaml: the requirements that a run was held to, as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from conformance.catalogue import entries
from conformance.catalogue.check_parameters import CheckParameters
from conformance.catalogue.requirement import Requirement

NAME: Final = "catalogue.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignParameters(CheckParameters):
    """Parameters of a check as another suite's catalogue has them; this suite does not judge by them."""

    values: Mapping[str, object]

    def entry(self) -> object:
        """As they were written."""
        return dict(self.values)


def plain(requirement: Requirement) -> dict[str, Any]:
    """A requirement as the file holds it: the fields of the catalogue's own files, without empty ones."""
    return cast(dict[str, Any], entries.plain(requirement))


def requirement_from(value: Mapping[str, Any]) -> Requirement:
    """A requirement of another suite from the file's plain data, to be described by.

    Missing fields are empty, and those that only that suite knew are left out."""
    known = {field.name for field in fields(Requirement)}
    values = {"source": "", **{name: entry for name, entry in value.items() if name in known}}
    values["parameters"] = ForeignParameters(values=values.get("parameters") or {})
    for name in ("faults", "threads"):
        values[name] = tuple(values.get(name) or ())
    return Requirement(**values)
