"""The catalogue: what a platform has to do, as data in `conformance/catalogue/requirements/*.yaml`.

Each file is one area and holds a list of requirements. What checks and faults there are is known to those who define
them, above the catalogue in the order of layers; they hand it in as the language that requirements are written in
(`conformance.judge.requirements.catalogue` does), so that a file is wrong where it is read and not where it is judged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final

from conformance.base.errors import nearest
from conformance.catalogue.check_parameters import CheckParameters
from conformance.catalogue.entries import Entry, EntryReader, Named, OneOf, entries
from conformance.catalogue.scenario import Scenario

FOLDER: Final = Path(__file__).parent / "requirements"
PROFILES: Final = (
    "serving-core",
    "autoscaling-kpa",
    "autoscaling-claims",
    "standard-hpa",
    "standard-scaling",
    "gpu-emulated",
    "gpu-real",
)
OWN_PROFILE: Final = "own"
"""Of requirements of one's own (`conformance/catalogue/own_catalogue.py`)."""
KNOWN_PROFILES: Final = (*PROFILES, OWN_PROFILE)
AREAS: Final[Mapping[str, str]] = {
    "DEP": "Deployment",
    "CON": "Target concurrency",
    "RPS": "Target requests per second",
    "PAN": "Stable and panic windows",
    "LIM": "Limits of a container",
    "ZER": "Scale to zero",
    "BND": "Bounds",
    "CMP": "Components",
    "GPU": "Accelerators",
    "ROL": "Changes of a live service",
    "HPA": "Standard mode",
    "INT": "What callers get",
    "CLM": "What the page claims, whatever the autoscaler",
}
"""What requirements are about, by the letters of their id; each area is a file."""
LEVELS: Final = ("MUST", "SHOULD", "MAY")
ACCELERATORS: Final = ("none", "emulated", "real")
FEATURES: Final = ("Transformer",)
"""What a platform may claim beyond the core of a profile."""

_ID: Final = re.compile(r"[A-Z]{2,6}-[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence a platform is held to."""

    id: str
    """Area and number, e.g. CON-001."""
    level: Annotated[str, OneOf(LEVELS)]
    profile: Annotated[str, OneOf(KNOWN_PROFILES)]
    sentence: str
    source: str
    """Passage of the documentation, or `repository path` at a version."""
    scenario: Annotated[str, Named("scenario")] | None = None
    """The scenario whose recording is judged; None when not testable."""
    companions: tuple[Annotated[str, Named("scenario")], ...] = ()
    """Scenarios that are run with it: where its own recording leaves a fault open, theirs may exclude it."""
    check: Annotated[str, Named("check")] | None = None
    """A check of conformance/judge/checks."""
    parameters: CheckParameters = field(default_factory=CheckParameters)
    """What the check is told, of the type that it declares."""
    derivation: str = ""
    """Where every number in `parameters` comes from."""
    detects: str = ""
    """The smallest deviation that it finds."""
    faults: tuple[Annotated[str, Named("fault")], ...] = ()
    """Broken platforms this requirement must catch."""
    feature: Annotated[str, OneOf(FEATURES)] | None = None
    """Set for an extended requirement: applies when the platform claims or shows the feature."""
    accelerator: Annotated[str, OneOf(ACCELERATORS)] = "none"
    """What the cluster has to have at the least."""
    threads: tuple[str, ...] = ()
    """Users' complaints behind it, as `kserve#871` or `knative/serving#14950`; and R and C numbers."""
    not_testable: str | None = None
    """Why it cannot be tested from outside; then scenario and check are None."""

    @property
    def recorded_by(self) -> tuple[str, ...]:
        """Scenarios that have to run for it; none where it is not testable."""
        return (self.scenario, *self.companions) if self.scenario else ()

    @property
    def area(self) -> str:
        """The letters of its id."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Language:
    """The words that requirements are written in beyond the catalogue's own."""

    checks: Mapping[str, type[CheckParameters]]
    """The parameters of each check."""
    hypotheses: Collection[str]
    """Wrong autoscalers that the judge tells apart."""
    faults: Collection[str]
    """Broken platforms that can be run."""


def read_requirements(
    language: Language, scenarios: Mapping[str, Scenario], folder: Path = FOLDER
) -> tuple[Requirement, ...]:
    """All requirements in order of id. Raises UsageError for whatever is misspelt, missing or of the wrong type."""
    found = (_requirement(entry, language, scenarios) for entry in entries(folder, "id"))
    return tuple(sorted(found, key=lambda each: each.id))


def read_own_requirements(
    language: Language, scenarios: Mapping[str, Scenario], folder: Path
) -> tuple[Requirement, ...]:
    """Requirements of one's own in order of id, by the same rules. What they rest on may be left out; their ids are not
    the catalogue's. Raises UsageError that names the line."""
    found = []
    for entry in entries(folder, "id", f"{folder.name}/"):
        given = {"level": "MUST", "source": "of one's own", "derivation": "-", "detects": "-", **entry.values}
        found.append(_requirement(entry._replace(values=given), language, scenarios, own=True))
    return tuple(sorted(found, key=lambda each: each.id))


def _requirement(
    entry: Entry, language: Language, scenarios: Mapping[str, Scenario], *, own: bool = False
) -> Requirement:
    known = {"scenario": scenarios, "check": language.checks, "fault": language.faults}
    reader = EntryReader(entry.where, known, entry.lines)
    values = dict(entry.values)
    given = values.pop("parameters", {})
    if own and values.setdefault("profile", OWN_PROFILE) != OWN_PROFILE:
        raise reader.wrong("profile", f"requirements of one's own are of profile {OWN_PROFILE!r}; leave it out")
    requirement = reader.read(Requirement, values)
    if not _ID.fullmatch(requirement.id):
        raise reader.wrong("id", f"{requirement.id!r} is no area and number, such as CON-001")
    if own and requirement.area in AREAS:
        raise reader.wrong(
            "id", f"{requirement.area} is an area of the catalogue; call yours otherwise, such as SHOP-001"
        )
    if not own and requirement.area not in AREAS:
        raise reader.wrong("id", f"area {requirement.area!r}; {nearest(requirement.area, AREAS)}")
    _check_testable(reader, requirement, given, own=own)
    if requirement.check is None or requirement.scenario is None:
        return requirement
    steps = scenarios[requirement.scenario].step_names
    inner = EntryReader(entry.where, {"hypothesis": language.hypotheses, "step": steps}, entry.lines)
    parameters = inner.read(language.checks[requirement.check], given, "parameters")
    return replace(requirement, parameters=parameters)


def _check_testable(reader: EntryReader, requirement: Requirement, given: object, *, own: bool = False) -> None:
    """Raise UsageError unless a requirement has a scenario, a check, faults and what these rest on, or says why not."""
    wanted = ("scenario", "check") if own else ("scenario", "check", "faults", "derivation", "detects")
    there = {name: bool(getattr(requirement, name)) for name in wanted} | {"parameters": bool(given)}
    if requirement.not_testable:
        surplus = [name for name in ("scenario", "check", "parameters") if there[name]]
        if surplus:
            raise reader.wrong(surplus[0], "what is not testable has none")
        return
    for name in wanted:
        if not there[name]:
            raise reader.wrong("", f"{name!r} is missing, and no 'not_testable' says why")
