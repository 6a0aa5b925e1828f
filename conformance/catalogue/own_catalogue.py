"""Scenarios and requirements of one's own: a folder of the form of the catalogue's, beside it.

    DIR/scenarios/*.yaml      as in conformance/catalogue/scenarios; manifests and payloads by their path in DIR
    DIR/requirements/*.yaml   as in conformance/catalogue/requirements; `faults`, `derivation`, `detects` may be left
                              out, `profile` is always `own`

They are read as strictly as ours. docs/own-scenarios.md has an example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

from conformance.base.errors import UsageError
from conformance.base.locations import FIXTURES
from conformance.catalogue.own_manifest import OwnManifest
from conformance.catalogue.own_scenario import OwnScenario
from conformance.catalogue.scenario import Scenario, parse_own, scenarios

OWN_FOLDER: Final = "own"
"""Of a run's folder, where it keeps them."""
SCENARIOS: Final = "scenarios"
REQUIREMENTS: Final = "requirements"


def own_scenarios(folder: Path) -> Mapping[str, OwnScenario]:
    """Scenarios of a folder by name. Raises UsageError for a malformed file, a file that is not there, and the name of
    a scenario of the catalogue."""
    if not (folder / SCENARIOS).is_dir():
        raise UsageError(f"--scenarios {folder}: no folder {SCENARIOS}/ in it; see docs/own-scenarios.md")
    files = frozenset(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    found = parse_own(folder / SCENARIOS, files)
    if taken := sorted(found.keys() & scenarios().keys()):
        raise UsageError(f"{folder / SCENARIOS}: the catalogue has a scenario {taken[0]!r} too; call yours otherwise")
    if not found:
        raise UsageError(f"--scenarios {folder}: no scenario in {SCENARIOS}/*.yaml")
    return {name: _with_files(scenario, folder) for name, scenario in found.items()}


def keep(folder: Path, run_folder: Path) -> None:
    """Store the files with a run, so that it can be judged again by what they said."""
    for part in (SCENARIOS, REQUIREMENTS):
        for path in sorted((folder / part).glob("*.yaml")):
            copy = run_folder / OWN_FOLDER / part / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


def _with_files(scenario: Scenario, folder: Path) -> OwnScenario:
    """A scenario with the bytes of its files, which no later change of the folder changes."""
    manifests = {scenario.manifest, *(step.manifest for step in scenario.steps)} - {""}
    given = {name: _content(scenario, folder / name) for name in manifests}
    owns = {name: OwnManifest.parse(text, name) for name, text in given.items()}
    payload = folder / scenario.payload
    contents = {name: own.applied() for name, own in owns.items()}
    contents[scenario.payload] = payload.read_bytes() if payload.is_file() else _usual(scenario, owns)
    formats = {each.name: each for own in owns.values() for each in own.formats()}
    values = {each.name: getattr(scenario, each.name) for each in fields(Scenario)}
    values["path"] = scenario.path or owns[scenario.manifest].path
    return OwnScenario(
        **values,
        imported=False,
        contents=contents,
        formats=tuple(formats.values()),
        beside=owns[scenario.manifest].beside,
    )


def _usual(scenario: Scenario, owns: Mapping[str, OwnManifest]) -> bytes:
    """A payload of the catalogue's, or one of the usual form."""
    place = FIXTURES / scenario.payload
    named = scenario.payload != Scenario.__dataclass_fields__["payload"].default
    return place.read_bytes() if named and place.is_file() else owns[scenario.manifest].payload


def _content(scenario: Scenario, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{scenario.name}: {path}: {error.strerror}") from error
