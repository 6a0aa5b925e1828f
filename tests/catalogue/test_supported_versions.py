"""The releases that the suite is held against: data that agrees with what is recorded, emulated and installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import versions
from clusters.embedded.install.machines import KUBERNETES_VERSION
from conformance.catalogue.supported_versions import is_supported, supported, unsupported, unsupported_in

FIXTURES = Path(__file__).parents[2] / "fixtures"
GOLDEN = FIXTURES / "golden" / "versions"
RECORDINGS = FIXTURES / "recordings"


def provenance(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    return value


def test_golden_data_is_recorded_of_every_supported_knative_and_of_no_other() -> None:
    recorded = [provenance(path)["knative"].rpartition(".")[0] for path in sorted(GOLDEN.glob("*.json"))]
    assert tuple(recorded) == supported()["knative"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_golden_data_says_where_it_comes_from(path: Path) -> None:
    found = provenance(path)
    assert found["knative"] == path.stem
    assert all(found[name] for name in ("commit", "recorded", "machine", "go", "tool", "seed"))


def test_every_version_has_seen_the_same_cases() -> None:
    inputs = ("name", "annotations", "configmap", "container_concurrency", "reachability", "initial_ready")
    cases = [
        [{name: case.get(name) for name in inputs} for case in json.loads(path.read_text("utf-8"))["documents"]]
        for path in sorted(GOLDEN.glob("*.json"))
    ]
    assert all(each == cases[0] for each in cases)


def test_what_the_providers_install_is_supported() -> None:
    for name in versions.names():
        row = versions.row(name)
        node = row.node_image.partition("@")[0].rpartition(":")[2]
        assert unsupported({"knative": row.knative, "kserve": row.kserve, "kubernetes": node}) == ()


def test_what_the_embedded_platform_calls_itself_is_supported() -> None:
    assert is_supported("kubernetes", KUBERNETES_VERSION)


def test_every_recording_says_where_it_comes_from() -> None:
    listed = yaml.safe_load((RECORDINGS / "provenance.yaml").read_text(encoding="utf-8"))
    there = {path.name for path in RECORDINGS.iterdir()} - {"README.md", "provenance.yaml"}
    assert listed.keys() == there
    for entry in listed.values():
        assert entry.keys() == {"recorded", "machine", "kubernetes", "knative", "kserve", "network_layer", "tool"}
        assert all(entry[name] for name in ("recorded", "machine", "kubernetes", "tool"))


@pytest.mark.parametrize(
    ("component", "version", "expected"),
    [
        ("knative", "v1.23.0", True),
        ("knative", "1.21.7", True),
        ("knative", "v1.2.0", False),
        ("knative", "v1.230.0", False),
        ("kubernetes", "v1.34.1+k3s1", True),
        ("kserve", "v0.20.0, model server 0.20.0", True),
        ("kserve", "unknown", False),
    ],
)
def test_a_release_is_told_by_its_first_two_numbers(component: str, version: str, expected: bool) -> None:
    assert is_supported(component, version) is expected


def test_another_release_is_said_with_what_is_done_about_it() -> None:
    assert unsupported({"knative": "v1.30.0", "kserve": None}) == (
        "Knative v1.30.0 is none of the supported releases: this suite is held against Knative 1.21, 1.22, 1.23, and "
        "judges by the model of 1.23",
    )
    environment = {"serving": {"kserve": "unknown", "autoscaler": "kpa"}, "kubernetes": {"version": "v1.34.0"}}
    assert unsupported_in(environment) == (
        "the version of KServe is not known (unknown); this suite is held against KServe 0.18, 0.19, 0.20",
    )
