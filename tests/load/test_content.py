"""Answers are read: each row says whether its answer was the one to its request."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.recording.rows import Row, RowFlag
from tests.load.offering import Offer, one
from tests.load.server import serving

pytestmark = pytest.mark.smoke

CONTENT = RowFlag.FITTED | RowFlag.MISFIT


def content(row: Row) -> int:
    """What a row says of its answer's content."""
    return row.flags & CONTENT


@pytest.mark.parametrize(
    ("path", "flag", "cause"),
    [
        ("/stamped", RowFlag.FITTED, None),
        ("/stamped/chunked", RowFlag.FITTED, None),
        ("/stamped/other", RowFlag.MISFIT, "content: another request's answer"),
        ("/stamped/input", RowFlag.MISFIT, "content: the model was given another body"),
        ("/stamped/empty", RowFlag.MISFIT, "content: the answer was empty"),
        ("/stamped/changed", RowFlag.MISFIT, "content: the answer was changed"),
        ("/stamped/hop", RowFlag.MISFIT, "content: the transformer got the wrong answer"),
        ("/stamped/renamed", 0, None),
        ("/ok", 0, None),
    ],
)
async def test_an_answer_is_held_against_its_request(
    offer: Offer, tmp_path: Path, path: str, flag: int, cause: str | None
) -> None:
    async with serving() as seen:
        outcome = await offer(one(), Target(f"http://127.0.0.1:{seen.port}{path}", body=b"{}"), tmp_path)
    (row,) = outcome.rows
    assert (row.status, content(row)) == (200, flag)
    assert outcome.lines[-1]["summary"]["causes"] == ({cause: 1} if cause else {})


async def test_every_answer_of_a_closed_loop_is_read(offer: Offer, tmp_path: Path) -> None:
    plan = LoadPlan((Phase(LoadShape.CLOSED, 5.0, workers=2, count=40),))
    async with serving() as seen:
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/stamped", body=b"{}"), tmp_path)
    assert len(outcome.rows) == 40
    assert {content(row) for row in outcome.rows} == {RowFlag.FITTED}


async def test_the_same_bytes_again_are_another_requests_answer(offer: Offer, tmp_path: Path) -> None:
    """The short path takes equal bytes for equal answers; whose they are is asked for each of them."""
    plan = LoadPlan((Phase(LoadShape.CLOSED, 5.0, workers=1, count=6),))
    async with serving() as seen:
        outcome = await offer(plan, Target(f"http://127.0.0.1:{seen.port}/kept", body=b"{}"), tmp_path)
    assert [content(row) for row in outcome.rows] == [RowFlag.FITTED, *[RowFlag.MISFIT] * 5]
