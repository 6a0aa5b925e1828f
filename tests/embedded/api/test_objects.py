"""Creating, reading, replacing and deleting objects over REST."""

from __future__ import annotations

from conformance.base.clock import run_virtual
from tests.embedded.api.server import SERVICES, fresh, inference_service


def test_a_created_object_carries_what_only_the_server_may_give() -> None:
    async def main() -> None:
        api = fresh()
        value = inference_service("one")
        value["metadata"] |= {"uid": "mine", "generation": 9, "creationTimestamp": "2001-01-01T00:00:00Z"}
        made = (await api.ask("POST", SERVICES, value)).body["metadata"]
        assert made["uid"] != "mine"
        assert made["generation"] == 1
        assert made["creationTimestamp"] == "2026-01-01T00:00:00Z"
        assert made["namespace"] == "default"

    run_virtual(main())


def test_the_same_name_twice_is_a_conflict_named_after_the_plural() -> None:
    async def main() -> None:
        api = fresh()
        await api.ask("POST", SERVICES, inference_service("one"))
        again = await api.ask("POST", SERVICES, inference_service("one"))
        assert again.status == 409
        assert again.body["reason"] == "AlreadyExists"
        assert again.body["details"]["kind"] == "inferenceservices"

    run_virtual(main())


def test_an_unknown_scale_metric_is_refused_with_the_words_of_the_schema() -> None:
    async def main() -> None:
        answer = await fresh().ask("POST", SERVICES, inference_service("one", scaleMetric="qps"))
        assert answer.status == 422
        assert answer.body["details"]["causes"] == [
            {
                "reason": "FieldValueNotSupported",
                "message": 'Unsupported value: "qps": supported values: "cpu", "memory", "concurrency", "rps"',
                "field": "spec.predictor.scaleMetric",
            }
        ]

    run_virtual(main())


def test_an_unknown_member_is_pruned_with_a_warning_or_refused_when_strict() -> None:
    async def main() -> None:
        api = fresh()
        value = inference_service("one", nosuch=1)
        warned = await api.ask("POST", SERVICES, value)
        assert warned.headers["warning"] == '299 - "unknown field \\"spec.predictor.nosuch\\""'
        assert "nosuch" not in warned.body["spec"]["predictor"]
        value["metadata"]["name"] = "two"
        strict = await api.ask("POST", f"{SERVICES}?fieldValidation=Strict", value)
        assert strict.status == 400
        assert strict.message.endswith('strict decoding error: unknown field "spec.predictor.nosuch"')

    run_virtual(main())


def test_an_update_that_changes_nothing_keeps_version_and_generation() -> None:
    async def main() -> None:
        api = fresh()
        made = (await api.ask("POST", SERVICES, inference_service("one"))).body
        same = (await api.ask("PUT", f"{SERVICES}/one", made)).body
        assert same == made

    run_virtual(main())


def test_generation_counts_the_spec_but_neither_labels_nor_status() -> None:
    async def main() -> None:
        api = fresh()
        made = (await api.ask("POST", SERVICES, inference_service("one"))).body
        made["metadata"]["labels"] = {"a": "b"}
        labelled = (await api.ask("PUT", f"{SERVICES}/one", made)).body
        labelled["status"] = {"url": "http://one"}
        told = (await api.ask("PUT", f"{SERVICES}/one/status", labelled)).body
        assert (labelled["metadata"]["generation"], told["metadata"]["generation"]) == (1, 1)
        assert told["status"] == {"url": "http://one"}
        told["spec"]["predictor"]["minReplicas"] = 3
        assert (await api.ask("PUT", f"{SERVICES}/one", told)).body["metadata"]["generation"] == 2

    run_virtual(main())


def test_a_stale_version_is_refused() -> None:
    async def main() -> None:
        api = fresh()
        made = (await api.ask("POST", SERVICES, inference_service("one"))).body
        made["metadata"]["labels"] = {"a": "b"}
        await api.ask("PUT", f"{SERVICES}/one", made)
        assert (await api.ask("PUT", f"{SERVICES}/one", made)).body["reason"] == "Conflict"

    run_virtual(main())


def test_a_dry_run_answers_as_if_but_stores_nothing() -> None:
    async def main() -> None:
        api = fresh()
        tried = await api.ask("POST", f"{SERVICES}?dryRun=All", inference_service("one"))
        assert tried.status == 201
        assert "resourceVersion" not in tried.body["metadata"]
        assert (await api.ask("GET", f"{SERVICES}/one")).status == 404

    run_virtual(main())


def test_a_generated_name_keeps_its_prefix_and_has_no_vowels() -> None:
    async def main() -> None:
        value = inference_service("one")
        value["metadata"] = {"generateName": "gen-"}
        name = (await fresh().ask("POST", SERVICES, value)).body["metadata"]["name"]
        assert name.startswith("gen-")
        assert len(name) == 9
        assert not set(name[4:]) & set("aeiou")

    run_virtual(main())


def test_a_finalizer_holds_an_object_until_it_is_taken_away() -> None:
    async def main() -> None:
        api = fresh()
        value = inference_service("one")
        value["metadata"]["finalizers"] = ["example.com/hold"]
        await api.ask("POST", SERVICES, value)
        held = await api.ask("DELETE", f"{SERVICES}/one")
        assert held.body["metadata"]["deletionTimestamp"]
        assert held.body["metadata"]["generation"] == 2
        patch = {"metadata": {"finalizers": None}}
        await api.ask("PATCH", f"{SERVICES}/one", patch, content_type="application/merge-patch+json")
        assert (await api.ask("GET", f"{SERVICES}/one")).status == 404

    run_virtual(main())


def test_what_an_owner_owned_alone_goes_with_it() -> None:
    async def main() -> None:
        api = fresh()
        owner = (await api.ask("POST", SERVICES, inference_service("one"))).body
        maps = "/api/v1/namespaces/default/configmaps"
        reference = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": "one",
            "uid": owner["metadata"]["uid"],
        }
        await api.ask("POST", maps, {"metadata": {"name": "owned", "ownerReferences": [reference]}})
        await api.ask("DELETE", f"{SERVICES}/one")
        assert (await api.ask("GET", f"{maps}/owned")).status == 404

    run_virtual(main())
