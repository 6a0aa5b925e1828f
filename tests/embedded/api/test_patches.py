"""Merge, JSON, strategic and apply patches."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.base.clock import run_virtual
from tests.embedded.api.server import SERVICES, Answer, Api, fresh, inference_service

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def _deployment() -> dict[str, Any]:
    container = {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]}
    return {
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    }


async def _apply(api: Api, manager: str, predictor: dict[str, Any], query: str = "") -> Answer:
    value = inference_service("one")
    value["spec"]["predictor"] = predictor
    return await api.ask("PATCH", f"{SERVICES}/one?fieldManager={manager}{query}", value, content_type=APPLY)


def test_a_merge_patch_deletes_by_null_and_heeds_a_version_inside() -> None:
    async def main() -> None:
        api = fresh()
        made = (await api.ask("POST", SERVICES, inference_service("one", minReplicas=2))).body
        patch: dict[str, Any] = {"spec": {"predictor": {"minReplicas": None}}}
        done = await api.ask("PATCH", f"{SERVICES}/one", patch, content_type=MERGE)
        assert "minReplicas" not in done.body["spec"]["predictor"]
        patch = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"], "labels": {"a": "b"}}}
        assert (await api.ask("PATCH", f"{SERVICES}/one", patch, content_type=MERGE)).status == 409

    run_virtual(main())


@pytest.mark.parametrize("content_type", [MERGE, APPLY])
def test_half_a_surrogate_pair_becomes_the_replacement_character(content_type: str) -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", SERVICES, inference_service("one"))
        head = '"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "one", '
        body = f'{{{head} "annotations": {{"a": "x\\ud800y \\ud83d\\ude00"}}}}}}'.encode()
        query = "?fieldManager=me&force=true" if content_type == APPLY else ""
        done = await api.ask("PATCH", f"{SERVICES}/one{query}", body, content_type=content_type)
        found = done.body["metadata"]["annotations"] if done.status == 200 else done.body
        assert found["a"].startswith("x\ufffdy "), found

    run_virtual(main())


def test_a_failing_test_operation_refuses_the_whole_json_patch() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", SERVICES, inference_service("one", minReplicas=2))
        patch = [
            {"op": "replace", "path": "/spec/predictor/minReplicas", "value": 9},
            {"op": "test", "path": "/spec/predictor/minReplicas", "value": 2},
        ]
        refused = await api.ask("PATCH", f"{SERVICES}/one", patch, content_type=JSON)
        assert refused.status == 422
        assert (await api.ask("GET", f"{SERVICES}/one")).body["spec"]["predictor"]["minReplicas"] == 2

    run_virtual(main())


def test_custom_resources_refuse_strategic_patches() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", SERVICES, inference_service("one"))
        refused = await api.ask("PATCH", f"{SERVICES}/one", {}, content_type=STRATEGIC)
        assert refused.body["reason"] == "UnsupportedMediaType"

    run_virtual(main())


def test_a_strategic_patch_merges_containers_by_name() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", DEPLOYMENTS, _deployment())
        added = {"name": "b", "image": "b:1"}
        changed = {"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "X", "$patch": "delete"}]}
        patch = {"spec": {"template": {"spec": {"containers": [changed, added]}}}}
        done = await api.ask("PATCH", f"{DEPLOYMENTS}/web", patch, content_type=STRATEGIC)
        first, second = done.body["spec"]["template"]["spec"]["containers"]
        assert (first["image"], first["env"]) == ("a:1", [{"name": "Y", "value": "2"}])
        assert second["terminationMessagePolicy"] == "File"

    run_virtual(main())


def test_a_deployments_selector_cannot_change() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", DEPLOYMENTS, _deployment())
        patch = {"spec": {"selector": {"matchLabels": {"app": "other"}}}}
        refused = await api.ask("PATCH", f"{DEPLOYMENTS}/web", patch, content_type=STRATEGIC)
        assert [cause["field"] for cause in refused.body["details"]["causes"]] == [
            "spec.template.metadata.labels",
            "spec.selector",
        ]

    run_virtual(main())


def test_applying_the_same_twice_changes_nothing() -> None:
    async def main() -> None:
        api = fresh()
        made = await _apply(api, "one", {"minReplicas": 1})
        again = await _apply(api, "one", {"minReplicas": 1})
        assert (made.status, again.status) == (201, 200)
        assert again.body == made.body

    run_virtual(main())


def test_applying_over_another_managers_field_is_a_conflict_unless_forced() -> None:
    async def main() -> None:
        api = fresh()
        await _apply(api, "one", {"minReplicas": 1})
        refused = await _apply(api, "two", {"minReplicas": 2})
        assert refused.status == 409
        assert refused.body["details"]["causes"] == [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "one"',
                "field": ".spec.predictor.minReplicas",
            }
        ]
        forced = await _apply(api, "two", {"minReplicas": 2}, "&force=true")
        assert forced.body["spec"]["predictor"]["minReplicas"] == 2

    run_virtual(main())


def test_what_a_manager_leaves_out_goes_unless_another_owns_it_too() -> None:
    async def main() -> None:
        api = fresh()
        await _apply(api, "one", {"minReplicas": 1, "maxReplicas": 4})
        await _apply(api, "two", {"maxReplicas": 4})
        left = await _apply(api, "one", {"scaleTarget": 3})
        assert left.body["spec"]["predictor"] == {"maxReplicas": 4, "scaleTarget": 3}

    run_virtual(main())


def test_an_update_takes_a_field_over_and_is_named_with_its_version() -> None:
    async def main() -> None:
        api = fresh()
        await _apply(api, "one", {"minReplicas": 1})
        patch = {"spec": {"predictor": {"minReplicas": 5}}}
        await api.ask("PATCH", f"{SERVICES}/one?fieldManager=editor", patch, content_type=MERGE)
        refused = await _apply(api, "one", {"minReplicas": 1})
        assert 'conflict with "editor" using serving.kserve.io/v1beta1' in refused.message

    run_virtual(main())


def test_applying_an_undeclared_field_fails_without_a_reason() -> None:
    async def main() -> None:
        refused = await _apply(fresh(), "one", {"nosuch": 1})
        assert refused.status == 500
        assert "reason" not in refused.body
        assert refused.message.endswith(".spec.predictor.nosuch: field not declared in schema")

    run_virtual(main())


def test_the_scale_subresource_counts_as_its_own_manager() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", DEPLOYMENTS, _deployment())
        done = await api.ask("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 4}}, content_type=MERGE)
        assert done.body["spec"] == {"replicas": 4}
        held = (await api.ask("GET", f"{DEPLOYMENTS}/web")).body
        assert held["spec"]["replicas"] == 4
        assert "scale" in [entry.get("subresource") for entry in held["metadata"]["managedFields"]]

    run_virtual(main())


MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    ("operations", "data", "finalizers"),
    [
        ([{"op": "replace", "path": "/data/new", "value": "1"}], {"k": "v", "new": "1"}, ["a.b/c", "a.b/d"]),
        ([{"op": "test", "path": "/data/none", "value": None}], {"k": "v"}, ["a.b/c", "a.b/d"]),
        ([{"op": "remove", "path": "/metadata/finalizers/-1"}], {"k": "v"}, ["a.b/c"]),
        ([{"op": "move", "from": "/data/k", "path": "/data/l"}], {"l": "v"}, ["a.b/c", "a.b/d"]),
        ([{"op": "copy", "from": "/data/k", "path": "/data/a~1b"}], {"k": "v", "a/b": "v"}, ["a.b/c", "a.b/d"]),
        ([{"op": "replace", "path": "/none/new", "value": "1"}], None, None),
        ([{"op": "remove", "path": "/data/none"}], None, None),
        ([{"op": "replace", "path": "/metadata/finalizers/7", "value": "a.b/e"}], None, None),
        ([{"op": "replace", "path": "", "value": {}}], None, None),
        ([{"op": "add", "value": 1}], None, None),
    ],
)
def test_a_json_patch_is_taken_as_the_servers_library_takes_it(
    operations: list[dict[str, Any]], data: dict[str, str] | None, finalizers: list[str] | None
) -> None:
    async def main() -> None:
        api = fresh()
        metadata = {"name": "m", "finalizers": ["a.b/c", "a.b/d"]}
        await api.ask("POST", MAPS, {"metadata": metadata, "data": {"k": "v"}})
        answer = await api.ask("PATCH", f"{MAPS}/m", operations, content_type=JSON)
        if data is None:
            assert answer.status == 422
        else:
            assert (answer.body["data"], answer.body["metadata"]["finalizers"]) == (data, finalizers)

    run_virtual(main())
