"""catalogue.yaml: the requirements that a run was held to, as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from conformance.catalogue.requirement import Requirement

NAME: Final = "catalogue.yaml"


def plain(requirement: Requirement) -> dict[str, Any]:
    """A requirement as the file holds it: the fields of the catalogue's own files, without empty ones."""
    value = asdict(requirement)
    value["parameters"] = dict(requirement.parameters)
    found = {name: list(entry) if isinstance(entry, tuple) else entry for name, entry in value.items()}
    return {name: entry for name, entry in found.items() if entry not in (None, "", [], {})}


def requirement_from(value: Mapping[str, Any]) -> Requirement:
    """A requirement from the file's plain data, missing fields empty."""
    empty: dict[str, Any] = {
        "scenario": None, "check": None, "parameters": {}, "derivation": "", "faults": (), "alpha": 0.0, "beta": 0.0,
        "detects": "", "source": "",
    }  # fmt: skip
    values = {**empty, **value}
    for name in ("faults", "threads"):
        values[name] = tuple(values.get(name) or ())
    return Requirement(**values)
