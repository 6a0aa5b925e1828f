from __future__ import annotations

import hashlib
import re
from pathlib import Path

import reports

VENDOR = Path(reports.__file__).parent / "templates" / "vendor"


def test_vendored_files_are_those_that_were_published() -> None:
    stated = re.findall(r"([0-9a-f]{64})  (\S+)", (VENDOR / "NOTICE.md").read_text(encoding="utf-8"))
    assert len(stated) == 2
    for digest, name in stated:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    assert "MIT License" in (VENDOR / "LICENSE.uPlot").read_text(encoding="utf-8")
