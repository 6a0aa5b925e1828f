"""Figures and reasons of a judgement in words, the same in every view."""

from __future__ import annotations

from typing import Final

from conformance.judge.judgement import Expected, Judgement, Measured, Reason

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


def band(expected: Expected | None) -> str:
    """What was allowed, in figures; empty where it is only a sentence."""
    if expected is None:
        return ""
    low, high, unit = expected.low, expected.high, expected.unit
    if low is not None and high is not None:
        return amount(low, unit) if low == high else f"{number(low)} to {amount(high, unit)}"
    if high is not None:
        return f"at most {amount(high, unit)}"
    return f"at least {amount(low, unit)}" if low is not None else ""


def measured(value: Measured | None) -> str:
    """What was seen, in figures."""
    if value is None:
        return ""
    text = amount(value.value, value.unit)
    if value.low is not None and value.high is not None and value.low != value.high:
        text += f" ({number(value.low)} to {number(value.high)})"
    return text


def reason(entry: Reason) -> str:
    """A reason with its limit and its remedy."""
    value = entry.value if isinstance(entry.value, str) else number(entry.value)
    limit = entry.limit if isinstance(entry.limit, str) else number(entry.limit)
    text = f"{entry.code} {value} (limit {limit})"
    return f"{text}: {entry.remedy}" if entry.remedy else text


def because(judgement: Judgement) -> list[str]:
    """Why a verdict is what it is, one thing a line, the most telling first."""
    lines = []
    if judgement.expected and judgement.measured:
        allowed = band(judgement.expected)
        lines.append(
            f"expected {judgement.expected.statement}"
            + (f" ({allowed})" if allowed else "")
            + f"; measured {measured(judgement.measured)}"
        )
    lines += [reason(entry) for entry in judgement.reasons if not entry.ok]
    lines += judgement.facts
    if judgement.nearest_fault:
        name, misfit, specified = judgement.nearest_fault
        lines.append(f"explained by the fault {name} (misfit {number(misfit)}; specification {number(specified)})")
    if judgement.notes:
        lines.append(judgement.notes)
    return lines or [judgement.verdict.value]
