"""What an editor says of scenarios and requirements of one's own is what the suite says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from conformance.base.errors import UsageError
from conformance.base.locations import ROOT
from conformance.catalogue.own_catalogue import own_scenarios
from conformance.catalogue.scenario import FOLDER
from conformance.cli.entry import invoke
from conformance.judge.own_schema import REQUIREMENTS, SCENARIOS, schemas
from conformance.judge.requirements import own_requirements

EXAMPLE = ROOT / "docs" / "own-scenarios"
PAGE = ROOT / "docs" / "own-scenarios.md"


def valid(name: str, text: str) -> bool:
    schema: dict[str, Any] = json.loads(schemas()[name])
    return jsonschema_rs.validator_for(schema).is_valid(yaml.safe_load(text))


def test_the_schemas_beside_the_example_are_fresh() -> None:
    found = {name: (EXAMPLE / name).read_text("utf-8") for name in (SCENARIOS, REQUIREMENTS)}
    assert found == schemas(), "run `conformance schema docs/own-scenarios`"


@pytest.mark.parametrize("part", ["scenarios", "requirements"])
def test_the_example_is_valid_names_its_schema_and_stands_on_the_page(part: str) -> None:
    text = (EXAMPLE / part / "shop.yaml").read_text("utf-8")
    first = text.splitlines()[0]
    assert first == f"# yaml-language-server: $schema=../{part}.schema.json"
    assert valid(f"{part}.schema.json", text)
    shown = "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())
    assert shown in PAGE.read_text("utf-8")


def test_the_suite_reads_the_example() -> None:
    assert list(own_scenarios(EXAMPLE)) == ["checkout"]
    assert [entry.id for entry in own_requirements(EXAMPLE)] == ["SHOP-001", "SHOP-002", "SHOP-003"]


def test_the_catalogues_own_scenarios_are_valid() -> None:
    assert [path.name for path in FOLDER.glob("*.yaml") if not valid(SCENARIOS, path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("scenarios", "workers: 6", "worker: 6"),
        ("scenarios", "workers: 6", "workers: six"),
        ("scenarios", "kind: settle", "kind: setle"),
        ("scenarios", "{kind: settle, seconds: 10}", "{kind: settle, within: 10}"),
        ("scenarios", "{kind: quiet, seconds: 5, within: 120}", "{kind: quiet, seconds: 5}"),
        ("scenarios", "  manifest: services/checkout.yaml\n", ""),
        ("requirements", "check: band", "check: bnad"),
        ("requirements", "at_most_pods: 6", "at_most_pod: 6"),
        ("requirements", "percentile: 99, ", "percentile: high, "),
        ("requirements", "SHOP-003", "CON-003"),
        ("requirements", "SHOP-003", "shop-3"),
        ("requirements", "  check: band\n", "  check: band\n  profile: serving-core\n"),
        ("requirements", "  check: band\n", ""),
    ],
)
def test_what_the_suite_refuses_an_editor_marks(tmp_path: Path, part: str, before: str, after: str) -> None:
    for path in EXAMPLE.rglob("*.yaml"):
        copy = tmp_path / path.relative_to(EXAMPLE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8")
        if path.parent.name == part:
            assert before in text
            text = text.replace(before, after)
            assert not valid(f"{part}.schema.json", text)
        copy.write_text(text)
    read = own_scenarios if part == "scenarios" else own_requirements
    with pytest.raises(UsageError, match=r"shop\.yaml( line \d+)?: "):
        read(tmp_path)


def test_the_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["schema", str(tmp_path)]) == 0
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == schemas()
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / SCENARIOS), str(tmp_path / REQUIREMENTS)]
    assert invoke(["schema", str(tmp_path / "nowhere")]) == 64
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'nowhere' / SCENARIOS}: No such file")
