"""Label and field selectors: what they match and how the server's parser words a refusal."""

from __future__ import annotations

import pytest

from clusters.embedded.api.fields import FieldSelector
from clusters.embedded.api.kinds import built_in_kinds
from clusters.embedded.api.selectors import LabelSelector
from clusters.embedded.api.status import ApiError

LABELS = {"tier": "2", "app": "shop"}
KINDS = built_in_kinds()
UNPARSED = "unable to parse requirement: "


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("app=shop,tier==2", True),
        ("app in (shop,bar),!zone", True),
        ("app notin (shop)", False),
        ("zone notin (north)", True),
        ("zone!=north", True),
        ("tier>1,tier<3", True),
        ("zone>1", False),
        ("app in ()", False),
        ("in", False),
        ("in in (in, notin)", False),
    ],
)
def test_a_label_selector_matches_as_its_operators_say(text: str, matches: bool) -> None:
    assert LabelSelector.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=shop", "found '=', expected: !, identifier, or 'end of string'"),
        (",app", "found ',', expected: !, identifier, or 'end of string'"),
        ("app,", "found '', expected: identifier after ','"),
        ("app=shop bar", "found 'bar', expected: ',' or 'end of string'"),
        ("app shop", UNPARSED + "found 'shop', expected: in, notin, =, ==, !=, gt, lt"),
        ("app in shop", UNPARSED + "found 'shop' expected: '('"),
        ("app in (shop", UNPARSED + "found '', expected: ',' or ')'"),
        ("app in (shop bar)", UNPARSED + "found 'bar', expected: ',' or ')'"),
        ("app in ((shop))", UNPARSED + "found '(', expected: ',', ')' or identifier"),
        ("app in (,(", UNPARSED + "found '(', expected: ',', or identifier"),
        ("app=(shop)", UNPARSED + "found '(', expected: identifier"),
        (
            "tier>low",
            UNPARSED + "values[0]: Invalid value: \"low\": for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_a_malformed_label_selector_is_refused_in_the_parsers_words(text: str, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        LabelSelector.parse(text)
    assert refused.value.code == 400
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (("", "v1", "pods"), "spec.color=red", "field label not supported: spec.color"),
        (("", "v1", "nodes"), "metadata.namespace=a", "field label not supported: metadata.namespace"),
        (("batch", "v1", "jobs"), "spec.x=1", 'field label "spec.x" not supported for Job'),
        (("events.k8s.io", "v1", "events"), "involvedObject.name=a", "field label not supported: involvedObject.name"),
        (
            ("apps", "v1", "replicasets"),
            "status.replicas=1",
            '"status.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (("", "v1", "pods"), "status.phase", "invalid selector: 'status.phase'; can't understand 'status.phase'"),
        (("", "v1", "pods"), "status.phase=a\\x", "invalid field selector: invalid escape sequence: \\x"),
        (("", "v1", "pods"), "status.phase=a=b", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_a_field_selector_is_refused_as_its_kind_words_it(place: tuple[str, str, str], text: str, message: str) -> None:
    kind = KINDS.find(*place)
    assert kind is not None
    with pytest.raises(ApiError) as refused:
        FieldSelector.parse(text, kind)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("place", "text", "value", "matches"),
    [
        (("", "v1", "pods"), "spec.host=n1", {"spec": {"nodeName": "n1"}}, True),
        (("", "v1", "pods"), "status.podIPs=10.0.0.1", {"status": {"podIPs": [{"ip": "10.0.0.1"}]}}, False),
        (("", "v1", "pods"), "spec.hostNetwork=false,status.phase!=Failed", {}, True),
        (("", "v1", "secrets"), "type=a\\,b\\=c", {"type": "a,b=c"}, True),
        (("batch", "v1", "jobs"), "status.successful=0", {}, True),
        (("batch", "v1", "jobs"), "status.successful=2", {"status": {"succeeded": 2}}, True),
        (("events.k8s.io", "v1", "events"), "regarding.name=a", {"involvedObject": {"name": "a"}}, True),
        (("", "v1", "events"), "source=kubelet", {"reportingComponent": "kubelet"}, True),
    ],
)
def test_a_field_selector_reads_the_member_its_label_means(
    place: tuple[str, str, str], text: str, value: dict[str, object], matches: bool
) -> None:
    kind = KINDS.find(*place)
    assert kind is not None
    assert FieldSelector.parse(text, kind).matches({"metadata": {"name": "x"}, **value}) is matches
