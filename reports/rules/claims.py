"""Rules about what a vendor states: features, and settings that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from conformance.settings.settings import Timeouts
from conformance.settings.sources import leaf
from reports.canonical import value_digest
from reports.submission import Submission, same


def features(submission: Submission) -> Iterator[str]:
    """V08."""
    run = submission.run
    known = {entry.feature for entry in submission.known() if entry.feature}
    blocks = submission.block("profiles")
    supported = {name for block in blocks for name in (block.get("extended") or {}).get("supportedFeatures") or ()}
    for name in run.features:
        if name not in known:
            yield f"feature {name} is claimed but no requirement knows it"
    for entry in submission.stated:
        feature, verdict = entry.get("feature"), entry.get("verdict")
        if feature in run.features and verdict == "SKIPPED":
            yield f"{entry.get('id')}: feature {feature} is claimed and was skipped; run it, or do not claim it"
        if feature and verdict in ("PASS", "FAIL") and feature not in supported:
            yield f"{entry.get('id')}: feature {feature} was tested but is not among the supported ones"
    for block in blocks:
        extended = block.get("extended") or {}
        both = set(extended.get("supportedFeatures") or ()) & set(extended.get("unsupportedFeatures") or ())
        for name in sorted(both):
            yield f"feature {name} is supported and unsupported at once"


def deviations(submission: Submission) -> Iterator[str]:
    """V09. The defaults are those of the suite that checks."""
    settings = submission.settings
    if not same(dict(submission.run.settings), dict(settings)):
        yield "settings.yaml and run.json hold different settings"
    if submission.block("settings", "digest") != value_digest(settings):
        yield "settings.digest is not the digest of settings.yaml"
    stated = {str(entry.get("name")): entry for entry in submission.block("settings", "deviations")}
    used = settings.get("timeouts") or {}
    standard = Timeouts()
    found = set()
    for field in fields(Timeouts):
        default, value = getattr(standard, field.name), used.get(field.name, getattr(standard, field.name))
        if value == default:
            continue
        found.add(field.name)
        entry = stated.get(field.name)
        if entry is None:
            yield f"{field.name} is {value}, not its default {default}, and no deviation says so"
        elif entry.get("used") != value or entry.get("default") != default:
            yield f"{field.name}: the deviation states other values than settings.yaml"
        elif entry.get("limit") != leaf(f"timeouts.{field.name}").get("x-limit"):
            yield f"{field.name}: the deviation states another limit than the suite's"
    for name in sorted(stated.keys() - found):
        yield f"{name} is stated as a deviation but is at its default"
    if bool(submission.block("settings", "strict")) != (not found):
        yield "settings.strict does not follow from the deviations"
    yield from _limits(submission)


def _limits(submission: Submission) -> Iterator[str]:
    for entry in submission.block("settings", "deviations"):
        limit, used = entry.get("limit"), entry.get("used")
        beyond = isinstance(limit, (int, float)) and isinstance(used, (int, float)) and used > limit
        if beyond and any(found.get("verdict") in ("PASS", "FAIL") for found in submission.stated):
            yield f"{entry.get('name')} is {used}, beyond its limit {limit}: nothing can be PASS or FAIL"
