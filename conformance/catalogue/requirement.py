"""The catalogue: what a platform has to do, as data in `conformance/catalogue/requirements/*.yaml`.

Each file is one area and holds a list of requirements. Unknown keys are refused with the nearest known word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from conformance.base.errors import UsageError, nearest

FOLDER: Final = Path(__file__).parent / "requirements"
PROFILES: Final = (
    "serving-core",
    "autoscaling-kpa",
    "autoscaling-claims",
    "standard-hpa",
    "gpu-emulated",
    "gpu-real",
)
LEVELS: Final = ("MUST", "SHOULD", "MAY")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence a platform is held to."""

    id: str
    """Area and number, e.g. CON-001."""
    level: str
    profile: str
    sentence: str
    source: str
    """Passage of the documentation, or `repository path` at a version."""
    scenario: str | None
    """Name of the scenario whose recording is judged; None when not testable."""
    check: str | None
    """Name of a check in conformance/judge/checks."""
    parameters: Mapping[str, Any]
    derivation: str
    """Where every number in `parameters` comes from."""
    alpha: float
    beta: float
    detects: str
    faults: tuple[str, ...]
    """Broken platforms this requirement must catch."""
    feature: str | None = None
    """Set for an extended requirement: applies when the platform claims or shows the feature."""
    accelerator: str = "none"
    threads: tuple[str, ...] = ()
    """Users' complaints behind it, as `kserve#871` or `knative/serving#14950`; and R and C numbers."""
    not_testable: str | None = None
    """Why it cannot be tested from outside; then scenario and check are None."""


@cache
def catalogue(folder: Path = FOLDER) -> tuple[Requirement, ...]:
    """All requirements in order of id. Raises UsageError for a malformed file."""
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or ():
            requirement = _requirement(entry, path.name)
            if requirement.id in found:
                raise UsageError(f"{path.name}: {requirement.id} is there twice")
            found[requirement.id] = requirement
    return tuple(found[key] for key in sorted(found))


def _requirement(entry: Mapping[str, Any], file: str) -> Requirement:
    known = {field.name for field in fields(Requirement)}
    for key in entry:
        if key not in known:
            raise UsageError(f"{file}: {entry.get('id')}: unknown key {key!r}; {nearest(key, known)}")
    values = {"scenario": None, "check": None, "parameters": {}, "derivation": "", "faults": (), **entry}
    for name in ("faults", "threads"):
        values[name] = tuple(values.get(name, ()))
    for name, allowed in (("level", LEVELS), ("profile", PROFILES)):
        if values.get(name) not in allowed:
            raise UsageError(
                f"{file}: {entry.get('id')}: {name} {values.get(name)!r}; {nearest(str(values.get(name)), allowed)}"
            )
    try:
        return Requirement(**values)
    except TypeError as error:
        raise UsageError(f"{file}: {entry.get('id')}: {error}") from error
