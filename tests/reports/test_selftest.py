from __future__ import annotations

import jsonschema_rs

from reports.document import schema
from reports.selftest import UNMEASURED, measured, self_test


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


def test_every_block_fits_the_schema() -> None:
    part = {**schema()["properties"]["suite"]["properties"]["selfTest"], "$defs": schema()["$defs"]}
    validator = jsonschema_rs.validator_for(part)
    for block in (UNMEASURED, self_test(), measured({"faults": [{"fault": "c", "caught": [], "missed": []}]})):
        assert validator.is_valid(block)
