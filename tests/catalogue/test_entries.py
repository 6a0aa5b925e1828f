"""Whatever is misspelt, missing or of the wrong type in a file of scenarios is refused where the file is read, with the
file, the entry, the value and the nearest word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.base.errors import UsageError
from conformance.catalogue.scenario import parse, scenarios

STEP = {"kind": "settle", "seconds": 1}
LOAD = {"kind": "load", "plan": {"phases": [{"shape": "closed", "workers": 1, "seconds": 1}]}}
GOOD = {
    "name": "x", "title": "X", "section": "beyond the page", "manifest": "probes/rps.yaml", "steps": [STEP, LOAD],
}  # fmt: skip


def refusal(values: Mapping[str, Any]) -> str:
    """What is said about an entry."""
    with pytest.raises(UsageError) as refused:
        parse(values, "here: x")
    return str(refused.value)


def test_a_good_entry_is_read() -> None:
    assert parse(GOOD, "here: x").steps[1].plan is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifset": "y"}, "here: x: unknown key 'manifset'; did you mean 'manifest'?"),
        ({"section": "beyond the pagE"}, "here: x: section 'beyond the pagE'; did you mean 'beyond the page'?"),
        ({"mode": "standard"}, "here: x: mode 'standard'; did you mean 'Standard'?"),
        (
            {"manifest": "probes/rbs.yaml"},
            "here: x: manifest 'probes/rbs.yaml'; no such file; did you mean 'probes/rps.yaml'?",
        ),
        ({"title": 5}, "here: x: title: 5 is no text"),
        ({"start_seconds": "six"}, "here: x: start_seconds: 'six' is no finite number"),
        ({"start_seconds": True}, "here: x: start_seconds: True is no finite number"),
        ({"service_ms": 1.5}, "here: x: service_ms: 1.5 is no whole number"),
        ({"documented": "yes"}, "here: x: documented: 'yes' is no truth value: true or false"),
        ({"steps": "settle"}, "here: x: steps: 'settle' is no list"),
        ({"budget": 3}, "here: x: budget: 3 is no mapping"),
        ({"budget": {"pod": 3}}, "here: x: budget: unknown key 'pod'; did you mean 'pods'?"),
        ({"claims": [{"passage": "p"}]}, "here: x: claims[0]: 'text' is missing"),
        (
            {"claims": [{"passage": "p", "text": "t", "component": "predicter"}]},
            "here: x: claims[0].component 'predicter'; did you mean 'predictor'?",
        ),
    ],
)
def test_a_wrong_value_is_refused(change: dict[str, Any], message: str) -> None:
    assert refusal({**GOOD, **change}) == message


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"kind": "setle"}, "here: x: steps[0].kind 'setle'; did you mean 'settle'?"),
        ({"seconds": 3}, "here: x: steps[0]: 'kind' is missing"),
        ({"kind": "settle", "secnds": 3}, "here: x: steps[0]: unknown key 'secnds'; did you mean 'seconds'?"),
        (
            {"kind": "settle", "within": 3},
            "here: x: steps[0]: a step of kind 'settle' does not act on 'within'; it has kind, name, seconds",
        ),
        ({"kind": "settle", "seconds": -3}, "here: x: steps[0]: seconds is -3; it has to be 0 or more"),
        ({"kind": "zero", "within": -1}, "here: x: steps[0]: within is -1; it has to be 0 or more"),
        ({"kind": "zero", "seconds": 3}, "here: x: steps[0]: a step of kind 'zero' needs 'within'"),
        ({"kind": "load"}, "here: x: steps[0]: a step of kind 'load' needs 'plan'"),
        (
            {"kind": "load", "plan": {"phases": [{"shape": "poison", "seconds": 1}]}},
            "here: x: steps[0].plan.phases[0].shape 'poison'; did you mean 'poisson'?",
        ),
        (
            {"kind": "load", "plan": {"phases": [{"shape": "closed", "worker": 1, "seconds": 1}]}},
            "here: x: steps[0].plan.phases[0]: unknown key 'worker'; did you mean 'workers'?",
        ),
        (
            {"kind": "load", "plan": {"phases": [{"shape": "closed", "workers": 0, "seconds": 1}]}},
            "here: x: steps[0].plan: load: phase 1 (closed): workers is 0; it has to be between 1 and 65535",
        ),
    ],
)
def test_a_wrong_step_is_refused(step: dict[str, Any], message: str) -> None:
    assert refusal({**GOOD, "steps": [step]}) == message


def test_the_file_and_the_entry_are_named(tmp_path: Path) -> None:
    (tmp_path / "zero.yaml").write_text(yaml.safe_dump([GOOD, {**GOOD, "name": "y", "mode": "Raw"}]), encoding="utf-8")
    with pytest.raises(UsageError, match=r"^zero\.yaml line 1\d: y: mode 'Raw'; known: Knative, Standard$"):
        scenarios(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{name: x}", "a.yaml: the file is no list of entries"),
        ("[{title: x}]", "a.yaml: entry 1 has no 'name'"),
        (yaml.safe_dump([GOOD, GOOD]), "a.yaml: x is there twice"),
        (
            "- name: x\n  title: After a burst: nothing\n",
            "a.yaml line 2: mapping values are not allowed in this context; quote a text that holds ': '",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        scenarios(tmp_path)
