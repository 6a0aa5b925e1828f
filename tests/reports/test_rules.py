"""Every rule has a submission that breaks it, and only it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import reports
from conformance.judge.judged_run import stored
from conformance.recording.rows import ROW_BYTES, Row
from reports import statement
from reports.bundle import bundle
from reports.canonical import dump_yaml
from reports.commands.verify_command import command
from reports.rules import RULES
from reports.verifying import verify
from tests.reports.folders import EPOCH
from tests.reports.tampering import FOLLOWING, RECORDING, TAMPERED, edit, edit_facts, edit_json, report, seal

DAY = EPOCH + 86_400


def broken(path: Path, submitted: float = DAY) -> set[str]:
    return {finding.rule.id for finding in verify(path, submitted) if not finding.kept}


def test_an_honest_submission_keeps_every_rule(submitted: Path) -> None:
    assert [(finding.rule.id, finding.problems) for finding in verify(submitted, DAY) if not finding.kept] == []


def test_a_run_of_selected_scenarios_keeps_every_rule_and_is_called_partial(selected: Path) -> None:
    assert [(finding.rule.id, finding.problems) for finding in verify(selected, DAY) if not finding.kept] == []
    done = CliRunner().invoke(command, [str(selected), "--submitted", "2026-01-02"], standalone_mode=False)
    assert done.return_value == 0
    assert "all 18 rules kept" in done.output
    assert re.search(r"partial: \d+ of \d+ requirements were not run", done.output)


def test_a_run_that_decided_nothing_is_no_submission(selected: Path) -> None:
    value = report(selected)
    for entry in value["requirements"]:
        if entry["verdict"] in ("PASS", "FAIL"):
            entry["verdict"] = "SKIPPED"
    (selected / "report.yaml").write_bytes(dump_yaml(value))
    assert "V06" in broken(selected)


def test_a_profile_that_decided_nothing_cannot_be_a_success(selected: Path) -> None:
    edit(lambda v: v["profiles"][1]["core"].update(result="success"))(selected)
    problems = {finding.rule.id: finding.problems for finding in verify(selected, DAY)}
    assert problems["V06"] == ("profile standard-hpa: nothing was decided, and its result says success",)


def test_its_archive_keeps_every_rule(submitted: Path) -> None:
    assert broken(bundle(submitted)) == set()


def tampered() -> Iterator[Any]:
    """All kinds; further breaches of the same rule are thorough."""
    seen: set[str] = set()
    for name, (_, expected) in TAMPERED.items():
        yield pytest.param(name, marks=[pytest.mark.thorough] if expected <= seen else [])
        seen |= expected


@pytest.mark.parametrize("name", list(tampered()))
def test_a_tampered_submission_breaks_the_right_rule(name: str, submitted: Path) -> None:
    tamper, expected = TAMPERED[name]
    tamper(submitted)
    found = broken(submitted)
    assert expected <= found
    assert found <= expected.union(*(FOLLOWING.get(rule, set()) for rule in expected))


def test_every_rule_has_a_submission_that_breaks_it() -> None:
    covered: Iterable[str] = {rule for _, expected in TAMPERED.values() for rule in expected}
    assert {rule.id for rule in RULES} == covered


def test_what_cannot_be_read_breaks_rules_instead_of_stopping_them(submitted: Path) -> None:
    (submitted / "run.json").write_text("[]", encoding="utf-8")
    (submitted / "report.yaml").write_text("- &a [*a]\n", encoding="utf-8")
    assert {"V01", "V02", "V03", "V07", "V11", "V14"} <= broken(submitted)


GIANT: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "a time in a million years": ("phase", lambda fact: fact.update(t=1e13)),
    "a time long before": ("pod", lambda fact: fact.update(t=-1e9)),
    "no time at all": ("pod", lambda fact: fact.update(t=float("inf"))),
    "more pods than atoms": ("podautoscaler", lambda fact: fact["body"].update(desired=1e300)),
    "an integer of 400 digits": ("podautoscaler", lambda fact: fact["body"].update(desired=10**400)),
}


@pytest.mark.parametrize("name", GIANT)
def test_giant_numbers_break_rules_and_nothing_else(name: str, submitted: Path) -> None:
    kind, change = GIANT[name]
    edit_facts(lambda facts: [change(fact) for fact in facts if fact["kind"] == kind])(submitted)
    problems = {finding.rule.id: finding.problems for finding in verify(submitted, DAY)}
    assert problems["V11"][0].startswith(("judging again gives other judgements", "cannot be evaluated"))
    assert not any("MemoryError" in text for found in problems.values() for text in found)


def test_requests_at_impossible_times_break_rules_and_nothing_else(submitted: Path) -> None:
    path = submitted / RECORDING / "load-0.rows"
    path.write_bytes(Row(scheduled=1e12, sent=1e12, end=1e12, status=200).pack() + path.read_bytes()[ROW_BYTES:])
    seal(submitted, report(submitted))
    assert "V11" in broken(submitted)


@pytest.mark.parametrize(
    "scenario",
    [
        {"name": "target-concurrency", "recording": "../../other"},
        {"name": "../escape", "recording": "recording/target-concurrency"},
        {"name": "target-concurrency", "recording": "/etc"},
    ],
)
def test_names_cannot_lead_out_of_the_bundle(submitted: Path, scenario: dict[str, str]) -> None:
    edit_json("run.json", lambda v: v["scenarios"][0].update(scenario))(submitted)
    problems = {finding.rule.id: finding.problems for finding in verify(submitted, DAY)}
    assert problems["V11"][0].startswith("cannot be evaluated: ")
    assert scenario["name"] in problems["V11"][0]


def test_evidence_cannot_lead_out_of_the_bundle(submitted: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_text("secret", encoding="utf-8")
    path = submitted / "judgements.json"
    text = path.read_text(encoding="utf-8").replace("recording/target-concurrency/facts.jsonl", str(secret))
    path.write_text(text.replace("recording/target-concurrency/load-0.rows", "../secret.jsonl"), encoding="utf-8")
    reports.write(stored(submitted))
    assert not [name for name in (submitted / "allure-results").iterdir() if name.read_bytes() == b"secret"]
    assert "secret" not in (submitted / "report.yaml").read_text(encoding="utf-8")


def test_an_old_report_of_a_real_run_is_refused(submitted: Path) -> None:
    edit_json("run.json", lambda v: v.update(clock="real"))(submitted)
    assert "V12" in broken(submitted, EPOCH + 91 * 86_400)
    assert "V12" not in broken(submitted, EPOCH + 80 * 86_400)


def test_a_signed_statement_is_checked(submitted: Path, tmp_path: Path) -> None:
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = tmp_path / "key.pem"
    key.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path = statement.write(submitted, key)
    assert broken(submitted) == set()
    envelope = json.loads(path.read_text(encoding="utf-8"))
    envelope["signatures"][0]["sig"] = "A" * 86 + "=="
    path.write_text(json.dumps(envelope), encoding="utf-8")
    assert broken(submitted) == {"V18"}
