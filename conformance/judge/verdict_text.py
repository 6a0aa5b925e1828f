"""The words for a verdict, the same in every view: terminal, pytest, page, JUnit, Allure and Markdown lay them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from conformance.judge.drift import Drift
from conformance.judge.judgement import Expected, Judgement, Measured, Reason, Verdict

PLURALS: Final = frozenset(
    {
        "pods",
        "requests",
        "answers",
        "annotations",
        "moments",
        "refusals",
        "samples",
        "logs",
        "events",
        "revisions",
        "owners",
        "names",
        "fields",
    }
)
TOLD: Final = 3
"""Facts told where there is little room: the most telling come first."""


def number(value: float) -> str:
    """At most four significant decimals, no exponent for everyday sizes."""
    text = f"{value:.4g}"
    return f"{value:.0f}" if "e" in text and abs(value) < 1e15 else text


def amount(value: float, unit: str) -> str:
    """A number with its unit, which is a plural unless there is one of it."""
    first, _, rest = unit.partition(" ")
    if value == 1 and first in PLURALS and not rest.startswith("x "):
        unit = f"{first.removesuffix('s')} {rest}".strip()
    return f"{number(value)} {unit}".strip()


def allowed(expected: Expected | None) -> str:
    """What was allowed, in figures: `6 to 10 pods`, `at most 10 s`; empty where it is only a sentence."""
    if expected is None:
        return ""
    low, high, unit = expected.low, expected.high, expected.unit
    if low is not None and high is not None:
        return amount(low, unit) if low == high else f"{number(low)} to {amount(high, unit)}"
    if high is not None:
        return f"at most {amount(high, unit)}"
    return f"at least {amount(low, unit)}" if low is not None else ""


def measured(value: Measured | None) -> str:
    """What was seen, in figures: `8 pods (7 to 8)`."""
    if value is None:
        return ""
    text = amount(value.value, value.unit)
    if value.low is not None and value.high is not None and value.low != value.high:
        text += f" ({number(value.low)} to {number(value.high)})"
    return text


def headline(judgement: Judgement) -> str:
    """Both on one line: `8 in [6, 10] pods`; empty where nothing was measured."""
    expected, seen = judgement.expected, judgement.measured
    if expected is None or seen is None:
        return ""
    low, high = expected.low, expected.high
    if low is not None and high is not None:
        band = f"in [{number(low)}, {number(high)}]"
    elif high is not None:
        band = f"at most {number(high)}"
    else:
        band = "" if low is None else f"at least {number(low)}"
    return " ".join(filter(None, (number(seen.value), band, seen.unit)))


def reason(entry: Reason) -> str:
    """A reason with its value, its limit and its remedy."""
    value, limit = (text if isinstance(text, str) else number(text) for text in (entry.value, entry.limit))
    text = f"{entry.code} {value} (limit {limit})"
    return f"{text}: {entry.remedy}" if entry.remedy else text


def explanation(judgement: Judgement) -> str:
    """The faults that a failure is consistent with; empty where none was looked for or found."""
    found = judgement.consistent_with
    if found is None:
        return ""
    names = " or ".join(found.faults)
    return f"consistent with {names} (misfit {number(found.misfit)}; specification {number(found.specified)})"


def proof(judgement: Judgement) -> str:
    """What a PASS proves: the faults that this run excludes, or what it looked at; empty for other verdicts."""
    sure = judgement.confidence
    if judgement.verdict is not Verdict.PASS or sure is None:
        return ""
    if sure.excluded:
        return f"excludes {', '.join(sure.excluded)}"
    return f"by {sure.exercised}" if sure.exercised else ""


def because(judgement: Judgement, facts: int | None = None) -> list[str]:
    """Why a verdict is what it is, one thing a line, the most telling first, with so many of its facts at the most.
    Never empty."""
    lines = []
    if judgement.expected and judgement.measured:
        figures = allowed(judgement.expected)
        statement = judgement.expected.statement + (f" ({figures})" if figures else "")
        lines.append(f"expected {statement}; measured {measured(judgement.measured)}")
    lines += [reason(entry) for entry in judgement.reasons if not entry.ok]
    lines += judgement.facts[:facts]
    if found := explanation(judgement):
        lines.append(found)
    if not any(judgement.notes in line for line in lines):
        lines.append(judgement.notes or judgement.verdict.value)
    return lines


def paragraph(judgement: Judgement) -> str:
    """`because` on one line, with the facts that matter most."""
    return "; ".join(because(judgement, TOLD))


def counted(judgements: Iterable[Judgement]) -> str:
    """How many of each verdict: `112 requirements: 109 PASS, 3 NOT_APPLICABLE`."""
    counts = Counter(judgement.verdict for judgement in judgements)
    words = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    return f"{counts.total()} requirement{'' if counts.total() == 1 else 's'}: " + ", ".join(words)


def drifted(entry: Drift) -> str:
    """Where the documentation page and the model disagree, as a sentence."""
    return (
        f"document drift in {entry.scenario}: the page says {entry.claimed}, the documented algorithm gives "
        f"{entry.modelled} ({entry.note or entry.passage})"
    )
