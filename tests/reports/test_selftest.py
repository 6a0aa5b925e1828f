"""How many broken platforms the suite catches, as it is stated, and whether that is still what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from clusters.embedded.faults import faults
from conformance.judge.requirements import catalogue
from conformance.simulate.fault_matrix import named
from reports.document import schema
from reports.selftest import COMMAND, FILE, UNMEASURED, claims_digest, measured, self_test


def test_the_block_counts_what_every_naming_requirement_caught() -> None:
    lines = [
        {"fault": "a", "caught": ["CON-001"], "missed": []},
        {"fault": "b", "caught": ["CON-001"], "missed": ["PAN-002"]},
        {"fault": "c", "caught": [], "missed": []},
    ]
    block = measured({"faults": lines, "accused": []})
    assert (block["mutants"], block["killed"]) == (3, 1)
    assert [entry["mutant"] for entry in block["survived"]] == ["b", "c"]
    assert block["survived"][0]["reason"] == "missed by PAN-002; caught by CON-001"


def test_nothing_is_stated_where_the_honest_platform_is_accused() -> None:
    with pytest.raises(ValueError, match="accused: CON-001 in target-concurrency"):
        measured({"faults": [], "accused": ["CON-001 in target-concurrency"]})


def test_the_figures_are_of_the_faults_and_requirements_of_today() -> None:
    stated = json.loads(FILE.read_text(encoding="utf-8"))
    assert stated["mutants"] == len(faults()), COMMAND
    claims = {fault: [entry.id for entry in naming] for fault, naming in named(catalogue()).items()}
    assert stated["claims"] == claims_digest(claims), f"measure again: {COMMAND}"


def test_the_readme_states_the_figures_that_were_measured() -> None:
    text = " ".join((Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split())
    stated = self_test()
    found = re.search(r"against (\d+) deliberately broken platforms in virtual time, .*?: (\d+) caught by", text)
    assert found is not None
    assert (int(found[1]), int(found[2])) == (stated["mutants"], stated["killed"])


def test_every_block_fits_the_schema() -> None:
    part = {**schema()["properties"]["suite"]["properties"]["selfTest"], "$defs": schema()["$defs"]}
    validator = jsonschema_rs.validator_for(part)
    for block in (UNMEASURED, self_test(), measured({"faults": [{"fault": "c", "caught": [], "missed": []}]})):
        assert validator.is_valid(block)
