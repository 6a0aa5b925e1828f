"""Ownership: only what a dead run of this suite left is ever removed."""

from __future__ import annotations

import json
import os
import random
import socket
from typing import Any

import pytest

from clusters.embedded.api.asgi import create_app
from clusters.embedded.api.auth import ADMIN, Tokens
from clusters.embedded.api.store import Store
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.errors import UsageError
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.resources import NAMESPACES
from conformance.kube.verbs import ApiStatus, delete
from conformance.run.deployment import (
    OWNER_ANNOTATION,
    RUN_LABEL,
    SUITE,
    SUITE_LABEL,
    abandoned,
    manifest_name,
    namespace,
    namespace_name,
    owner,
    remove,
    sweep,
)


def test_a_namespace_of_a_living_process_is_not_abandoned() -> None:
    assert not abandoned(owner(deadline_wall=2_000.0), now_wall=1_000.0)


def test_a_namespace_past_its_deadline_is_abandoned_wherever_it_came_from() -> None:
    value = json.dumps({"host": "elsewhere", "pid": 1, "until": 500})
    assert abandoned(value, now_wall=1_000.0)
    assert not abandoned(value, now_wall=400.0)


def test_a_namespace_whose_process_on_this_host_is_gone_is_abandoned() -> None:
    dead = os.fork()
    if dead == 0:
        os._exit(0)
    os.waitpid(dead, 0)
    value = json.dumps({"host": socket.gethostname(), "pid": dead, "until": 10_000})
    assert abandoned(value, now_wall=1_000.0)


@pytest.mark.parametrize("annotation", [None, "", "{}", "[]", "nonsense", '{"until": "soon"}'])
def test_a_namespace_without_a_readable_owner_is_left_alone(annotation: str | None) -> None:
    assert not abandoned(annotation, now_wall=1_000.0)


@pytest.mark.parametrize("pid", [0, -1, 2**40, 10**30, 1e999, True])
def test_a_namespace_whose_owner_is_no_process_is_left_alone(pid: float) -> None:
    value = json.dumps({"host": socket.gethostname(), "pid": pid, "until": 10_000})
    assert not abandoned(value, now_wall=1_000.0)


RUN = "20260101-000000-abcd"
NAME = namespace_name(RUN, "story")
PAST = json.dumps({"host": "elsewhere", "pid": 1, "until": 5})
OURS = {SUITE_LABEL: SUITE, RUN_LABEL: RUN}


def neighbourhood(*spaces: tuple[str, dict[str, str], str], labels_matter: bool = True) -> tuple[Store, ApiClient]:
    """A cluster with namespaces of these names, labels and owners, whose server may ignore selectors."""
    store = Store(virtual_clock(), random.Random(1))
    tokens = Tokens()
    tokens.add("token", ADMIN)
    for name, labels, owned in spaces:
        metadata = {"name": name, "labels": labels, "annotations": {OWNER_ANNOTATION: owned}}
        store.create(NAMESPACES, {"metadata": metadata})
    api: ApiClient = InProcessClient(create_app(store, tokens), "token")
    return store, api if labels_matter else Undiscerning(api)


class Undiscerning:
    """A api to a server that lists everything, whatever was asked for."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self.stream, self.close = api.stream, api.close

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        options["query"] = {**(options.get("query") or {}), "labelSelector": ""} if method == "GET" else {}
        return await self._api.request(method, path, **options)


def left(store: Store) -> set[str]:
    """Namespaces nobody has asked to delete."""
    return {item["metadata"]["name"] for item in store.list(NAMESPACES) if "deletionTimestamp" not in item["metadata"]}


@pytest.mark.parametrize("labels_matter", [True, False])
def test_a_sweep_takes_what_a_dead_run_left_and_nothing_that_looks_like_it(labels_matter: bool) -> None:
    async def main() -> None:
        store, api = neighbourhood(
            (NAME, OURS, PAST),
            (NAME + "-2", {}, PAST),
            ("cf-shop", {"conformance.serving/suite": "serving-conformance-lookalike", RUN_LABEL: RUN}, PAST),
            ("cf-bank", {SUITE_LABEL: SUITE}, PAST),
            ("cf-living", OURS, owner(virtual_clock().wall() + 100)),
            ("cf-unowned", OURS, ""),
            labels_matter=labels_matter,
        )
        assert await sweep(api, virtual_clock().wall()) == (NAME,)
        assert left(store) >= {NAME + "-2", "cf-shop", "cf-bank", "cf-living", "cf-unowned"}
        assert NAME not in left(store)

    run_virtual(main())


@pytest.mark.parametrize("labels", [{}, {SUITE_LABEL: SUITE}, {SUITE_LABEL: SUITE, RUN_LABEL: "another"}])
def test_a_namespace_of_our_name_that_is_somebody_elses_survives_the_run(labels: dict[str, str]) -> None:
    async def main() -> None:
        store, api = neighbourhood((NAME, labels, ""))
        assert not await remove(api, NAME, RUN)
        with pytest.raises(ApiStatus, match="AlreadyExists"):
            async with namespace(api, NAME, RUN, 5.0):
                raise AssertionError("it was not made")
        assert NAME in left(store)

    run_virtual(main())


def test_a_namespace_that_was_made_anew_meanwhile_is_not_the_one_that_was_seen() -> None:
    async def main() -> None:
        store, api = neighbourhood((NAME, OURS, PAST))
        with pytest.raises(ApiStatus, match="409"):
            await delete(api, NAMESPACES, None, NAME, uid="0")
        assert NAME in left(store)
        assert await remove(api, NAME, RUN)
        assert NAME not in left(store)

    run_virtual(main())


def test_namespace_names_fit_kubernetes_and_avoid_the_word_kserve_treats_specially() -> None:
    name = namespace_name("20260101-000000-abcd", "a-very-long-scenario-name-that-goes-on-and-on-and-on-for-ever")
    assert len(name) <= 63
    assert name == name.lower()
    assert "-default" not in name


def test_a_manifest_without_an_inference_service_is_refused() -> None:
    with pytest.raises(UsageError, match="exactly one InferenceService"):
        manifest_name(b"kind: Pod")
    with pytest.raises(UsageError, match="not YAML"):
        manifest_name(b"a: [")
