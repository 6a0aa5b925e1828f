"""Tokens, reviews and events: what is asked of them and how a refusal is worded."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.base.clock import run_virtual
from tests.embedded.api.server import fresh, in_virtual_time

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.mark.parametrize(
    ("spec", "status", "words"),
    [
        (
            {"expirationSeconds": 599},
            422,
            "spec.expirationSeconds: Invalid value: 599: may not specify a duration less",
        ),
        ({"expirationSeconds": 1 << 33}, 422, "may not specify a duration larger than 2^32 seconds"),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}}, 404, 'pods "p" not found'),
        (
            {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "s", "uid": "other"}},
            409,
            "the UID in the bound object reference (other) does not match the UID in record.",
        ),
    ],
)
def test_a_token_is_refused_when_it_lasts_or_is_bound_wrongly(spec: dict[str, Any], status: int, words: str) -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", ACCOUNTS, {"metadata": {"name": "a"}})
        await api.ask("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "s"}})
        refused = await api.ask("POST", f"{ACCOUNTS}/a/token", {"spec": spec})
        assert refused.status == status
        assert words in refused.message

    run_virtual(main())


@in_virtual_time
async def test_a_review_asks_about_a_resource_or_a_path_but_not_both() -> None:
    api = fresh()
    both = {"resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"path": "/x", "verb": "get"}}
    refused = await api.ask("POST", REVIEWS, {"spec": both})
    assert refused.body["details"]["causes"][0]["field"] == "spec.nonResourceAttributes"
    assert '{"Path":"/x","Verb":"get"}: cannot be specified in combination with' in refused.message
    empty = await api.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {}})
    assert (empty.status, empty.message) == (400, "token is required for TokenReview in authentication")


def new_event(**members: Any) -> dict[str, Any]:
    """As recorders of the newer group send them."""
    return {
        "metadata": {"name": "e", "namespace": "default"},
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.com/worker",
        "reportingInstance": "worker-1",
        "action": "Start",
        "reason": "Started",
        "note": "is up",
        "type": "Normal",
        **members,
    }


@in_virtual_time
async def test_an_event_of_the_newer_group_is_read_in_both() -> None:
    api = fresh()
    made = await api.ask("POST", EVENTS, new_event())
    assert made.status == 201, made.body
    core = (await api.ask("GET", "/api/v1/namespaces/default/events/e")).body
    assert (core["message"], core["involvedObject"]["name"]) == ("is up", "p")
    assert core["reportingComponent"] == "example.com/worker"
    found = await api.ask("GET", f"{EVENTS}?fieldSelector=regarding.name%3Dp,reportingController%3Dexample.com/worker")
    assert [one["note"] for one in found.body["items"]] == ["is up"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"eventTime": None}, "eventTime: Required value"),
        ({"type": "Odd"}, 'type: Invalid value: "": has invalid value: Odd'),
        ({"reportingController": ""}, "reportingController: Required value"),
        ({"reportingInstance": "x" * 129}, 'reportingInstance: Invalid value: "": can have at most 128 characters'),
        ({"action": ""}, "action: Required value"),
        ({"note": "x" * 1025}, 'message: Invalid value: "": can have at most 1024 bytes'),
        ({"deprecatedCount": 2}, 'count: Invalid value: "": needs to be unset'),
    ],
)
def test_an_event_of_the_newer_group_is_checked_strictly(members: dict[str, Any], words: str) -> None:
    async def main() -> None:
        refused = await fresh().ask("POST", EVENTS, new_event(**members))
        assert refused.status == 422
        assert refused.message.startswith('Event "e" is invalid: ')
        assert words in refused.message

    run_virtual(main())


@in_virtual_time
async def test_a_namespace_keeps_the_label_with_its_name() -> None:
    api = fresh()
    await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
    patch = {"metadata": {"labels": {"kubernetes.io/metadata.name": None}}}
    kept = await api.ask("PATCH", "/api/v1/namespaces/n", patch, content_type="application/merge-patch+json")
    assert kept.body["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
