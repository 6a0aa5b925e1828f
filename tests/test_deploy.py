"""Ownership: only what a dead run of this suite left is ever removed."""

from __future__ import annotations

import json
import os
import socket

import pytest

from conformance.deploy import abandoned, manifest_name, namespace_name, owner
from conformance.errors import SubmissionError


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


def test_namespace_names_fit_kubernetes_and_avoid_the_word_kserve_treats_specially() -> None:
    name = namespace_name("20260101-000000-abcd", "a-very-long-scenario-name-that-goes-on-and-on-and-on-for-ever")
    assert len(name) <= 63
    assert name == name.lower()
    assert "-default" not in name


def test_a_manifest_without_an_inference_service_is_refused() -> None:
    with pytest.raises(SubmissionError, match="exactly one InferenceService"):
        manifest_name(b"kind: Pod")
    with pytest.raises(SubmissionError, match="not YAML"):
        manifest_name(b"a: [")
