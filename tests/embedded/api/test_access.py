"""Who may do what, and how refusals read."""

from __future__ import annotations

import asyncio

from conformance.base.clock import run_virtual
from tests.embedded.api.server import SERVICES, fresh

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"


def test_nobody_in_particular_is_forbidden_and_a_wrong_token_is_unauthorized() -> None:
    async def main() -> None:
        api = fresh()
        anonymous = await api.ask("GET", SERVICES, token=None)
        assert anonymous.status == 403
        assert anonymous.message == (
            'inferenceservices.serving.kserve.io is forbidden: User "system:anonymous" cannot list resource '
            '"inferenceservices" in API group "serving.kserve.io" in the namespace "default"'
        )
        assert (await api.ask("GET", SERVICES, token="wrong")).status == 401
        assert (await api.ask("GET", "/version", token=None)).status == 200

    run_virtual(main())


def test_a_service_accounts_token_has_the_rights_of_its_role_until_it_expires() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", ACCOUNTS, {"metadata": {"name": "dev"}})
        rule = {"apiGroups": ["serving.kserve.io"], "resources": ["inferenceservices"], "verbs": ["get", "list"]}
        await api.ask("POST", f"{RBAC}/roles", {"metadata": {"name": "reader"}, "rules": [rule]})
        binding = {
            "metadata": {"name": "b"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "dev", "namespace": "default"}],
        }
        await api.ask("POST", f"{RBAC}/rolebindings", binding)
        asked = await api.ask("POST", f"{ACCOUNTS}/dev/token", {"spec": {"expirationSeconds": 600}})
        token = asked.body["status"]["token"]
        assert (await api.ask("GET", SERVICES, token=token)).status == 200
        assert (await api.ask("DELETE", f"{SERVICES}/nosuch", token=token)).status == 403
        assert (await api.ask("GET", "/api/v1/nodes", token=token)).status == 403
        await asyncio.sleep(601)
        assert (await api.ask("GET", SERVICES, token=token)).status == 401

    run_virtual(main())


def test_an_access_review_answers_without_storing_anything() -> None:
    async def main() -> None:
        api = fresh()
        before = api.store.version
        spec = {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        assert (await api.ask("POST", path, {"spec": spec})).body["status"] == {"allowed": True}
        assert api.store.version == before

    run_virtual(main())


def test_an_unknown_resource_is_told_with_a_status() -> None:
    async def main() -> None:
        api = fresh()
        for path in ("/apis/nosuch.example.com/v1/things", "/apis/apps/v1/things"):
            unknown = await api.ask("GET", path)
            assert (unknown.status, unknown.message) == (404, "the server could not find the requested resource")

    run_virtual(main())


def test_aggregated_discovery_is_chosen_by_accept_and_revalidated_by_etag() -> None:
    async def main() -> None:
        api = fresh()
        accept = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}
        whole = await api.ask("GET", "/apis", headers=accept)
        assert whole.body["kind"] == "APIGroupDiscoveryList"
        again = await api.ask("GET", "/apis", headers={**accept, "if-none-match": whole.headers["etag"]})
        assert (again.status, again.body) == (304, None)

    run_virtual(main())


def test_a_namespace_that_ends_takes_no_new_objects() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "short"}})
        ending = await api.ask("DELETE", "/api/v1/namespaces/short")
        assert ending.body["status"]["phase"] == "Terminating"
        refused = await api.ask("POST", "/api/v1/namespaces/short/configmaps", {"metadata": {"name": "a"}})
        assert refused.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"

    run_virtual(main())


def test_a_definition_serves_its_kind_with_defaults_bounds_and_pruning() -> None:
    async def main() -> None:
        api = fresh()
        spec = {
            "type": "object",
            "properties": {"size": {"type": "integer", "default": 3, "maximum": 6}},
        }
        schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        definition = {
            "metadata": {"name": "boxes.example.com"},
            "spec": {
                "group": "example.com",
                "scope": "Namespaced",
                "names": {"plural": "boxes", "kind": "Box"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        }
        made = await api.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        assert made.status == 201
        boxes = "/apis/example.com/v1/namespaces/default/boxes"
        box = {"apiVersion": "example.com/v1", "kind": "Box", "metadata": {"name": "a"}, "spec": {"colour": "red"}}
        stored = await api.ask("POST", boxes, box)
        assert stored.body["spec"] == {"size": 3}
        box |= {"metadata": {"name": "b"}, "spec": {"size": 7}}
        assert "should be less than or equal to 6" in (await api.ask("POST", boxes, box)).message

    run_virtual(main())
