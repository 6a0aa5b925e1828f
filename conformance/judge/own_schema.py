"""Schemas of scenarios and requirements of one's own, for editors: `conformance schema FOLDER` writes them there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from conformance.catalogue.entry_schema import DRAFT, Schema, SchemaMaker
from conformance.catalogue.requirement import AREAS, Requirement
from conformance.catalogue.scenario import NEEDED, STEPS, Scenario, Step
from conformance.judge.catalogue_page import field_texts
from conformance.judge.requirements import language

SCENARIOS: Final = "scenarios.schema.json"
REQUIREMENTS: Final = "requirements.schema.json"
_STEP_TEXTS: Final[Mapping[str, str]] = {
    "kind": "settle: wait seconds. load: offer plan and wait for its end. idle: offer nothing for seconds. "
    "patch: apply manifest, or merge patch into the service. zero: wait until no pod is left. quiet: wait until pods "
    "are at the minimum and panic is over. refuse: expect that manifest is refused. probe: one request.",
    "seconds": "How long; zero and quiet hold so long.",
    "within": "Seconds to wait at most.",
}


def schemas() -> dict[str, str]:
    """Text of each schema by the name of its file."""
    found = {SCENARIOS: _scenarios(), REQUIREMENTS: _requirements()}
    return {name: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for name, value in found.items()}


def _listed(title: str, entry: Schema, maker: SchemaMaker) -> Schema:
    definitions = dict(sorted(maker.definitions.items()))
    return {"$schema": DRAFT, "title": title, "type": "array", "items": entry, "definitions": definitions}


def _texts(cls: type) -> Mapping[str, str]:
    return {**field_texts(cls), **(_STEP_TEXTS if cls is Step else {})}


def _scenarios() -> Schema:
    maker = SchemaMaker(_texts)
    entry = maker.of(Scenario, optional=("title", "section"))
    maker.definitions["Step"]["allOf"] = [_step_of(kind) for kind in STEPS]
    return _listed("Scenarios of one's own", entry, maker)


def _step_of(kind: str) -> Schema:
    """What a step of one kind may have, and needs."""
    acts: dict[str, Any] = dict.fromkeys(("kind", "name", *STEPS[kind]), True)
    then: Schema = {"additionalProperties": False, "properties": acts}
    if needed := NEEDED.get(kind):
        then["required"] = [needed]
    return {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": then}


def _requirements() -> Schema:
    known = language()
    maker = SchemaMaker(_texts, {"check": known.checks, "fault": known.faults, "hypothesis": known.hypotheses})
    entry = maker.of(Requirement, optional=("level", "profile", "source"), without=("profile", "not_testable"))
    entry["required"] += ["scenario", "check"]
    entry["properties"]["id"] |= {"pattern": f"^(?!({'|'.join(AREAS)})-)[A-Z]{{2,6}}-[0-9]{{3}}$"}
    entry["properties"]["level"] |= {"default": "MUST"}
    entry["properties"]["parameters"] = {"type": "object"}
    entry["allOf"] = [
        {
            "if": {"properties": {"check": {"const": name}}, "required": ["check"]},
            "then": {"properties": {"parameters": maker.of(parameters)}},
        }
        for name, parameters in sorted(known.checks.items())
    ]
    return _listed("Requirements of one's own", entry, maker)
