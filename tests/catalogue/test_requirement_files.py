"""Whatever is misspelt, missing or of the wrong type in a file of requirements is refused where the file is read, with
the file, the entry, the value and the nearest word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.base import plugins
from conformance.base.errors import UsageError
from conformance.catalogue.check_parameters import Range, When
from conformance.catalogue.entries import plain
from conformance.judge import requirements
from conformance.judge.checks.pods import BandParameters
from conformance.judge.requirements import catalogue

GOOD = {
    "id": "CON-001", "level": "MUST", "profile": "autoscaling-kpa", "sentence": "S", "source": "s",
    "scenario": "life-cycle", "check": "band", "derivation": "d", "detects": "x", "faults": ["zero-never"],
}  # fmt: skip
UNTESTABLE = {name: GOOD[name] for name in ("id", "level", "profile", "sentence", "source")} | {"not_testable": "why"}


def written(folder: Path, *entries: Mapping[str, Any]) -> Path:
    """A folder with one file of requirements."""
    (folder / "CON.yaml").write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
    return folder


def refusal(folder: Path, *entries: Mapping[str, Any]) -> str:
    """What is said about a file, without the line."""
    with pytest.raises(UsageError) as refused:
        catalogue(written(folder, *entries))
    return re.sub(r" line \d+: ", ": ", str(refused.value))


def test_the_line_is_named_of_what_is_wrong_or_holds_it(tmp_path: Path) -> None:
    folder = written(tmp_path, GOOD, {**GOOD, "id": "CON-002", "faults": ["zero-nevr"]})
    lines = (folder / "CON.yaml").read_text("utf-8").splitlines()
    wrong = next(number for number, line in enumerate(lines, 1) if "zero-nevr" in line)
    with pytest.raises(UsageError, match=rf"^CON\.yaml line {wrong}: CON-002: faults\[0\] 'zero-nevr'; did you mean"):
        catalogue(folder)


def test_a_good_entry_is_read_with_the_parameters_of_its_check(tmp_path: Path) -> None:
    given = {"tolerance_pod_seconds": 2, "when": {"salvo": True, "revisions": [2, 9]}}
    (found,) = catalogue(written(tmp_path, {**GOOD, "parameters": given}))
    when = When(salvo=True, revisions=Range(2, 9))
    assert found.parameters == BandParameters(tolerance_pod_seconds=2, when=when)
    assert plain(found) == {**GOOD, "parameters": given}


def test_what_is_not_testable_needs_a_reason_alone(tmp_path: Path) -> None:
    (found,) = catalogue(written(tmp_path, UNTESTABLE))
    assert found.not_testable == "why"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sentense": "S"}, "CON.yaml: CON-001: unknown key 'sentense'; did you mean 'sentence'?"),
        ({"level": "MUSST"}, "CON.yaml: CON-001: level 'MUSST'; did you mean 'MUST'?"),
        (
            {"profile": "autoscaling-kqa"},
            "CON.yaml: CON-001: profile 'autoscaling-kqa'; did you mean 'autoscaling-kpa'?",
        ),
        ({"feature": "Transformers"}, "CON.yaml: CON-001: feature 'Transformers'; did you mean 'Transformer'?"),
        ({"accelerator": "reel"}, "CON.yaml: CON-001: accelerator 'reel'; did you mean 'real'?"),
        ({"scenario": "life-cicle"}, "CON.yaml: CON-001: scenario 'life-cicle'; did you mean 'life-cycle'?"),
        ({"check": "bnad"}, "CON.yaml: CON-001: check 'bnad'; did you mean 'band'?"),
        ({"faults": ["zero-nevr"]}, "CON.yaml: CON-001: faults[0] 'zero-nevr'; did you mean 'zero-never'?"),
        ({"sentence": 5}, "CON.yaml: CON-001: sentence: 5 is no text"),
        ({"faults": "zero-never"}, "CON.yaml: CON-001: faults: 'zero-never' is no list"),
        ({"id": "X-1"}, "CON.yaml: X-1: id: 'X-1' is no area and number, such as CON-001"),
        ({"id": "COM-001"}, "CON.yaml: COM-001: id: area 'COM'; did you mean 'CON'?"),
        ({"derivation": ""}, "CON.yaml: CON-001: 'derivation' is missing, and no 'not_testable' says why"),
        ({"check": None}, "CON.yaml: CON-001: 'check' is missing, and no 'not_testable' says why"),
        ({"not_testable": "why"}, "CON.yaml: CON-001: scenario: what is not testable has none"),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    assert refusal(tmp_path, {**GOOD, **change}) == message


@pytest.mark.parametrize(
    ("check", "parameters", "message"),
    [
        ("band", {"tolerance": 3}, "parameters: unknown key 'tolerance'; did you mean 'tolerance_pod_seconds'?"),
        ("band", {"tolerance_pod_seconds": "3"}, "parameters.tolerance_pod_seconds: '3' is no finite number"),
        ("band", {"part": "bellow"}, "parameters.part 'bellow'; did you mean 'below'?"),
        ("band", {"component": "predicter"}, "parameters.component 'predicter'; did you mean 'predictor'?"),
        ("band", {"when": {"slavo": True}}, "parameters.when: unknown key 'slavo'; did you mean 'salvo'?"),
        ("band", {"when": {"salvo": 1}}, "parameters.when.salvo: 1 is no truth value: true or false"),
        ("band", {"when": {"metric": "rqs"}}, "parameters.when.metric 'rqs'; did you mean 'rps'?"),
        (
            "band",
            {"when": {"revisions": [9, 2]}},
            "parameters.when.revisions: [9, 2] is neither a number nor a range [least, most]",
        ),
        ("band", [3], "parameters: [3] is no mapping"),
        ("answered", {"status": [200]}, "parameters: unknown key 'status'; did you mean 'statuses'?"),
        ("answered", {"statuses": [200.5]}, "parameters.statuses[0]: 200.5 is no whole number"),
        ("change-refused", {"step": "mod"}, "parameters.step 'mod'; did you mean 'mode'?"),
        ("change-refused", {}, "parameters: 'step' is missing"),
        ("owner", {"part": "below"}, "parameters: unknown key 'part'; known: component, when"),
    ],
)
def test_a_wrong_parameter_is_refused(tmp_path: Path, check: str, parameters: object, message: str) -> None:
    assert refusal(tmp_path, {**GOOD, "check": check, "parameters": parameters}) == f"CON.yaml: CON-001: {message}"


def test_what_is_not_testable_has_no_parameters(tmp_path: Path) -> None:
    wrong = {**UNTESTABLE, "parameters": {"step": "mode"}}
    assert refusal(tmp_path, wrong) == "CON.yaml: CON-001: parameters: what is not testable has none"


def test_an_id_is_there_once(tmp_path: Path) -> None:
    assert refusal(tmp_path, GOOD, GOOD) == "CON.yaml: CON-001 is there twice"


def test_without_any_platform_that_can_be_broken_the_installation_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "PROVIDERS", "conformance.provider")
    requirements.fault_texts.cache_clear()
    with pytest.raises(UsageError, match=f"^conformance.provider: nothing is registered; {re.escape(plugins.STALE)}$"):
        requirements.fault_texts()
