"""What does not fit a shape is refused with its place; what a later suite may add is not."""

import json
import tarfile
from dataclasses import dataclass

import pytest

from conformance.base.locations import ROOT
from conformance.recording.facts import Fact
from conformance.recording.pod_bodies import Condition, PodBody
from conformance.recording.run_bodies import GapBody, HarnessBody, ManifestBody, ManifestStage
from conformance.recording.shape import JsonObject, Shape, WrongShapeError


@dataclass(frozen=True, slots=True)
class Box(Shape):
    """A shape of every kind of field."""

    count: int
    label: str | None = None
    share: float = 0.5
    parts: tuple[str, ...] = ()
    anything: JsonObject | None = None


def test_what_is_missing_or_null_gets_its_default_and_unknown_keys_are_ignored() -> None:
    assert Box.parse({"count": 1, "share": None, "later": [1]}) == Box(1)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "count: missing"),
        ({"count": None}, "count: missing"),
        ({"count": True}, "count: True is not a finite number"),
        ({"count": 1.5}, "count: 1.5 is not a whole number"),
        ({"count": 10**400}, "count: a number of more than 64 bits is not a finite number"),
        ({"count": 1, "share": float("nan")}, "share: nan is not a finite number"),
        ({"count": 1, "label": 2}, "label: 2 is not a text"),
        ({"count": 1, "parts": "ab"}, "parts: 'ab' is not a list"),
        ({"count": 1, "parts": ["a", 2]}, "parts[1]: 2 is not a text"),
        ({"count": 1, "anything": []}, "anything: a list is not an object"),
        ([], "a list is not an object"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(WrongShapeError) as refused:
        Box.parse(value)
    assert str(refused.value) == message


def test_the_place_leads_through_lists_and_objects() -> None:
    body = {"name": "p", "conditions": {"Ready": ["True", "", "now"]}}
    with pytest.raises(WrongShapeError, match=r"^conditions\.Ready\[2\]: 'now' is not a finite number$"):
        PodBody.parse(body)
    with pytest.raises(WrongShapeError, match=r"^containers\[1\]\.restarts: 'x' is not a finite number$"):
        PodBody.parse({"name": "p", "containers": [{}, {"restarts": "x"}]})
    with pytest.raises(WrongShapeError, match=r"^stage: 'sent' is none of applied, admitted, refused, ready$"):
        ManifestBody.parse({"stage": "sent"})


def test_a_list_of_fixed_length_may_end_early() -> None:
    assert PodBody.parse({"name": "p", "conditions": {"Ready": ["True"]}}).conditions == {"Ready": Condition("True")}


def test_keys_are_written_as_they_were_read() -> None:
    gap = GapBody(1.0, 2, kind="pods")
    assert gap.plain() == {"from": 1.0, "to": 2, "kind": "pods", "reason": ""}
    assert GapBody.parse(gap.plain()) == gap


def test_a_key_that_may_be_absent_is_written_only_where_something_is_known() -> None:
    assert "platform_lag_seconds" not in HarnessBody().plain()
    assert HarnessBody(platform_lag_seconds=0.0).plain()["platform_lag_seconds"] == 0.0
    assert ManifestBody(ManifestStage.APPLIED, "m", patch={}).plain() == {"stage": "applied", "name": "m", "patch": {}}


def test_a_whole_number_stays_one() -> None:
    line = b'{"body":{"end":1},"kind":"note","t":0.0,"wall":0.0}\n'
    assert Fact.parse(line).line() == b'{"body":{"level":"","text":""},"kind":"note","t":0.0,"wall":0.0}\n'
    gap = json.dumps({"t": 0, "wall": 0, "kind": "gap", "body": {"from": 1, "to": 2.0}})
    assert b'"from":1,"kind":"","reason":"","to":2.0' in Fact.parse(gap).line()


def test_lines_of_a_published_recording_come_back_as_they_were() -> None:
    bundle = min((ROOT / "reports" / "published").glob("*/*/*.tar.gz"))
    kinds = set()
    with tarfile.open(bundle) as archive:
        for member in archive:
            if member.name.endswith(("/rollout/facts.jsonl", "/gpu/facts.jsonl", "/qps-refused/facts.jsonl")):
                source = archive.extractfile(member)
                assert source is not None
                for line in source:
                    fact = Fact.parse(line)
                    assert fact.line() == line
                    kinds.add(fact.kind)
    assert len(kinds) >= 12
