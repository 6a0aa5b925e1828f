"""Label and field selectors: what they match and what they refuse."""

from __future__ import annotations

import pytest

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.kinds import built_in_kinds
from clusters.embedded.api.selectors import FieldSelector, LabelSelector

LABELS = {"tier": "2", "app": "shop"}
KINDS = built_in_kinds()


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("app=shop,tier==2", True),
        ("app in (shop,bar),!zone", True),
        ("app notin (shop)", False),
        ("zone notin (north)", True),
        ("zone!=north", True),
        ("app in ()", False),
        ("in", False),
        ("in in (in, notin)", False),
    ],
)
def test_a_label_selector_matches_as_its_operators_say(text: str, matches: bool) -> None:
    assert LabelSelector.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("=shop", "'=shop' is not understood"),
        ("app,", "expected: identifier after ','"),
        ("app=shop bar", "'app=shop bar' is not understood"),
        ("app shop", "'app shop' is not understood"),
        ("zone,app in (shop", "'app in (shop' is not understood"),
        ("app in ((shop))", "'app in ((shop))' is not understood"),
        ("app=a/b", "a valid label must be an empty string or consist of"),
        ("a/b/c", "prefix part a lowercase RFC 1123 subdomain must consist of"),
    ],
)
def test_a_malformed_label_selector_is_refused_with_the_part_at_fault(text: str, words: str) -> None:
    with pytest.raises(ApiError) as refused:
        LabelSelector.parse(text)
    assert refused.value.code == 400
    assert refused.value.message.startswith("unable to parse requirement: ") or text == "app,"
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spec.color=red", "field label not supported: spec.color"),
        ("status.phase", "invalid selector: 'status.phase'; can't understand 'status.phase'"),
    ],
)
def test_a_field_selector_is_refused_for_what_its_kind_does_not_offer(text: str, message: str) -> None:
    kind = KINDS.find("", "v1", "pods")
    assert kind is not None
    with pytest.raises(ApiError) as refused:
        FieldSelector.parse(text, kind)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("place", "text", "value", "matches"),
    [
        (("", "v1", "pods"), "spec.host=n1", {"spec": {"nodeName": "n1"}}, True),
        (("", "v1", "pods"), "spec.nodeName=,status.phase!=Failed", {}, True),
        (("", "v1", "secrets"), "type=a\\,b\\=c", {"type": "a,b=c"}, True),
        (("batch", "v1", "jobs"), "status.successful=0", {}, True),
        (("batch", "v1", "jobs"), "status.successful=2", {"status": {"succeeded": 2}}, True),
        (("", "v1", "events"), "source=kubelet", {"reportingComponent": "kubelet"}, True),
    ],
)
def test_a_field_selector_reads_the_member_its_label_means(
    place: tuple[str, str, str], text: str, value: dict[str, object], matches: bool
) -> None:
    kind = KINDS.find(*place)
    assert kind is not None
    assert FieldSelector.parse(text, kind).matches({"metadata": {"name": "x"}, **value}) is matches
