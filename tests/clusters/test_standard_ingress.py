"""Services of Standard mode are reached through Kourier, which serves no Ingresses of Kubernetes' own."""

from __future__ import annotations

from typing import Any

from clusters.provisioning.standard_ingress import INGRESSES, KNATIVE_INGRESSES, repeated, standard_ingress
from conformance.base.clock import run_virtual
from conformance.kube.verbs import Object, create, delete, get
from tests.embedded.virtual import SPACE, scene

BACKEND = {"service": {"name": "iris-predictor", "port": {"number": 80}}}
INGRESS: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "iris", "namespace": SPACE},
    "spec": {
        "ingressClassName": "istio",
        "rules": [
            {
                "host": f"iris-{SPACE}.example.com",
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]},
            }
        ],
    },
}


def test_every_ingress_is_repeated_for_kourier_and_goes_with_the_one_that_it_repeats() -> None:
    async def main() -> None:
        async with scene() as found, standard_ingress(found.api, found.clock):
            await create(found.api, INGRESSES, INGRESS, SPACE)

            async def there() -> Object | None:
                return await get(found.api, KNATIVE_INGRESSES, SPACE, "iris")

            made = await found.until(there)
            assert made["metadata"]["annotations"]["networking.knative.dev/ingress.class"].startswith("kourier.")
            (rule,) = made["spec"]["rules"]
            assert (rule["hosts"], rule["visibility"]) == ([f"iris-{SPACE}.example.com"], "ExternalIP")
            (path,) = rule["http"]["paths"]
            split = {"serviceName": "iris-predictor", "serviceNamespace": SPACE, "servicePort": 80, "percent": 100}
            assert path == {"splits": [split]}
            await delete(found.api, INGRESSES, SPACE, "iris")

            async def gone() -> bool | None:
                return await there() is None or None

            await found.until(gone)

    run_virtual(main())


def test_a_path_of_its_own_stays_and_what_leads_to_no_service_is_left_out() -> None:
    paths = [
        {"path": "/v1", "backend": {"service": {"name": "a", "port": {"name": "http"}}}},
        {"path": "/", "backend": {"resource": {"kind": "Bucket", "name": "b"}}},
    ]
    rules = [{"host": "h", "http": {"paths": paths}}, {"http": {"paths": paths}}, {"host": "i"}]
    made = repeated({"metadata": INGRESS["metadata"] | {"uid": "1"}, "spec": {"rules": rules}})
    (rule,) = made["spec"]["rules"]
    assert [(entry["path"], entry["splits"][0]["servicePort"]) for entry in rule["http"]["paths"]] == [("/v1", "http")]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "1"
