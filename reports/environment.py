"""The environment block of a report, and the fingerprint that two runs on one installation share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.judge.judged_run import JudgedRun
from conformance.recording.run_bodies import ConfigBody
from reports.canonical import value_digest

UNKNOWN: Final[Mapping[str, Any]] = {
    "kubernetes": {"version": "unknown", "distribution": "unknown"},
    "serving": {"kserve": "unknown", "autoscaler": "other", "networkLayer": "unknown"},
    "accelerator": {"kind": "none"},
    "nodes": [{"count": 0, "cpu": 0, "memoryGiB": 0}],
}
"""When the cluster could not even be opened."""


def environment(judged: JudgedRun) -> dict[str, Any]:
    """What was installed, with its fingerprint."""
    stated = judged.run.environment
    found = {name: stated.get(name) or unknown for name, unknown in UNKNOWN.items()}
    return {**found, "fingerprint": fingerprint(found, configuration(judged))}


def fingerprint(stated: Mapping[str, Any], configured: Mapping[str, Any]) -> str:
    """Digest of the environment as stated and of the configuration as recorded."""
    body = {name: stated[name] for name in UNKNOWN if name in stated}
    return value_digest({"environment": body, "configuration": configured})


def unverified(judged: JudgedRun) -> list[str]:
    """Ends of the connection whose certificates were not checked, in words."""
    found: dict[str, None] = {}
    for name in sorted(judged.histories):
        data = judged.histories[name].config("connection") or {}
        for key, words in (("api_verified", "the Kubernetes API server"), ("ingress_verified", "the ingress")):
            if data.get(key) is False:
                found[words] = None
    return list(found)


def configuration(judged: JudgedRun) -> dict[str, Any]:
    """First data of every configuration source that any recording holds, by source; the installation stands in the
    environment itself."""
    found: dict[str, Any] = {}
    for name in sorted(judged.histories):
        for fact in judged.histories[name].of(ConfigBody):
            if fact.body.source not in ("installation", "connection"):
                found.setdefault(fact.body.source, fact.body.data)
    return found
