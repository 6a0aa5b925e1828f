"""One wording of a verdict, whoever lays it out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from conformance.judge import serial
from conformance.judge.judgement import Expected, Judgement, Measured, Reason, Verdict
from conformance.judge.verdict_text import allowed, because, counted, headline, paragraph
from tests.reports.folders import judgements


@pytest.mark.parametrize(
    ("low", "high", "unit", "head", "band"),
    [
        (6.0, 10.0, "pods", "8 in [6, 10] pods", "6 to 10 pods"),
        (8.0, 8.0, "pods", "8 in [8, 8] pods", "8 pods"),
        (None, 79.23351, "s", "8 at most 79.23 s", "at most 79.23 s"),
        (1.0, None, "requests served by it", "8 at least 1 requests served by it", "at least 1 request served by it"),
        (None, None, "pods", "8 pods", ""),
    ],
)
def test_figures_are_told_with_what_was_allowed(
    low: float | None, high: float | None, unit: str, head: str, band: str
) -> None:
    judgement = Judgement(
        "CON-001", Verdict.PASS, expected=Expected("modelled", "", low, high, unit), measured=Measured(8.0, unit)
    )
    assert headline(judgement) == head
    assert allowed(judgement.expected) == band


def test_a_failure_is_explained_from_its_figures_to_its_nearest_fault() -> None:
    failed = next(entry for entry in judgements() if entry.verdict is Verdict.FAIL)
    assert paragraph(replace(failed, facts=("a", "b", "c", "d"))) == (
        "expected no replica holds more than containerConcurrency (at most 10 requests in flight); "
        "measured 11 requests in flight; a; b; c; consistent with limit-plus-one (misfit 0; specification 1)"
    )
    assert because(replace(failed, facts=("a", "b", "c", "d")))[1:5] == ["a", "b", "c", "d"]


def test_every_verdict_says_something() -> None:
    assert because(Judgement("CON-001", Verdict.ERROR)) == ["ERROR"]
    assert because(Judgement("CON-001", Verdict.SKIPPED, notes="not chosen")) == ["not chosen"]


def test_a_note_that_only_repeats_a_reason_is_left_out() -> None:
    missing = Reason("SAMPLE_SIZE", "no load", "enough", False, "run again")
    judgement = Judgement("CON-001", Verdict.INCONCLUSIVE, reasons=(missing,), notes="no load")
    assert because(judgement) == ["SAMPLE_SIZE no load (limit enough): run again"]


def test_a_figure_that_is_no_number_stays_one_on_paper() -> None:
    odd = Judgement(
        "CON-001",
        Verdict.INCONCLUSIVE,
        expected=Expected("modelled", "anything", high=1.0),
        measured=Measured(math.inf, "s"),
        reasons=(Reason("LAG", math.nan, 1.0, False),),
    )
    read = serial.as_stored(odd)
    assert because(read) == ["expected anything (at most 1); measured nan s", "LAG nan (limit 1)"]
    assert serial.dump([read]) == serial.dump([odd])


def test_the_last_line_counts_every_verdict() -> None:
    assert counted(judgements()) == (
        "7 requirements: 2 PASS, 1 FAIL, 1 INCONCLUSIVE, 1 ERROR, 1 SKIPPED, 1 NOT_APPLICABLE"
    )
