"""Questions about the user, and tokens."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.base.clock import run_virtual
from tests.embedded.api.server import fresh, in_virtual_time

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
AUTHORIZATION = "/apis/authorization.k8s.io/v1"


@pytest.mark.parametrize(("seconds", "words"), [(599, "less than 10 minutes"), (1 << 33, "larger than 2^32 seconds")])
def test_a_token_is_refused_that_lasts_too_short_or_too_long(seconds: int, words: str) -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", ACCOUNTS, {"metadata": {"name": "a"}})
        refused = await api.ask("POST", f"{ACCOUNTS}/a/token", {"spec": {"expirationSeconds": seconds}})
        assert refused.status == 422
        assert f"Invalid value: {seconds}: may not specify a duration {words}" in refused.message

    run_virtual(main())


@in_virtual_time
async def test_a_review_must_ask_about_something() -> None:
    refused = await fresh().ask("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": {}})
    assert refused.body["details"]["causes"][0]["field"] == "spec.resourceAttributes"


@in_virtual_time
async def test_a_user_is_told_who_they_are_and_what_they_may() -> None:
    api = fresh()
    who = await api.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert who.body["status"]["userInfo"]["username"] == "admin"
    rules = await api.ask("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {"namespace": "default"}})
    every: dict[str, Any] = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    assert every in rules.body["status"]["resourceRules"]
    as_jane = {"impersonate-user": "jane"}
    asked = {"spec": {"nonResourceAttributes": {"path": "/version", "verb": "get"}}}
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    allowed = (await api.ask("POST", path, asked, headers=as_jane)).body["status"]
    assert allowed == {"allowed": True}
    assert (await api.ask("GET", "/api/v1/pods", headers=as_jane)).status == 403


@in_virtual_time
async def test_a_namespace_keeps_the_label_with_its_name() -> None:
    api = fresh()
    await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
    patch = {"metadata": {"labels": {"kubernetes.io/metadata.name": None}}}
    kept = await api.ask("PATCH", "/api/v1/namespaces/n", patch, content_type="application/merge-patch+json")
    assert kept.body["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
