"""What a load came to, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.load.row_writer import LoadPaths
from conformance.recording.rows import Row, RowError
from conformance.run.load_answers import answers

GOOD = Row(1.0, 1.0, 1.1, 1.2, status=200)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ((), "none"),
        ((GOOD, GOOD), "2 x 200"),
        (
            (GOOD, Row(2.0, 2.0, 2.1, 2.5, status=503), Row(3.0, 3.0, 3.1, 3.5, status=503)),
            "1 x 200, 2 x 503 (t=2.5 to 3.5)",
        ),
        ((Row(4.0, error=RowError.DROPPED), Row(5.0, error=RowError.DROPPED)), "2 x dropped (t=4.0 to 5.0)"),
        ((GOOD, Row(6.0, 6.0, end=6.5, error=RowError.CONNECT)), "1 x 200, 1 x connect (t=6.5 to 6.5)"),
    ],
)
def test_answers_are_counted_by_status_and_what_went_wrong_is_told_with_its_time(
    tmp_path: Path, rows: tuple[Row, ...], text: str
) -> None:
    paths = LoadPaths.of(tmp_path, 0)
    paths.rows.write_bytes(b"".join(row.pack() for row in rows))
    assert answers(paths) == text
