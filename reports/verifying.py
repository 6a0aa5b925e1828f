"""Checks a submission offline by all rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reports.bundle import UnsafeBundleError, opened
from reports.rules import RULES, Rule
from reports.submission import Submission, UnevaluableError


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found; no problems means that the submission keeps it."""

    rule: Rule
    problems: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether the rule is kept."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission after all rules."""

    findings: tuple[Finding, ...]
    skipped: int
    """Requirements that were left out by choice; with any, it is a partial listing."""
    requirements: int

    @property
    def broken(self) -> list[Finding]:
        """What is wrong with it."""
        return [finding for finding in self.findings if not finding.kept]


def verify(path: Path, submitted_wall: float) -> tuple[Finding, ...]:
    """The findings of `check`."""
    return check(path, submitted_wall).findings


def check(path: Path, submitted_wall: float) -> Checked:
    """Check a folder or a `.tar.gz` by every rule, in their order. A rule that cannot be evaluated is broken.

    A bundle that is not safe to read breaks V02 and no other rule is tried. Raises UsageError when there is no
    bundle at `path`."""
    try:
        with opened(path) as folder:
            submission = Submission(folder, submitted_wall, path.parent if path.is_file() else None)
            findings = tuple(Finding(rule, tuple(_look(rule, submission))) for rule in RULES)
            return Checked(findings, *_counts(submission))
    except UnsafeBundleError as error:
        unread = "the bundle was not read"
        return Checked(tuple(Finding(rule, (str(error) if rule.id == "V02" else unread,)) for rule in RULES), 0, 0)


def _counts(submission: Submission) -> tuple[int, int]:
    try:
        return sum(entry.get("verdict") == "SKIPPED" for entry in submission.stated), len(submission.stated)
    except UnevaluableError:
        return 0, 0


def _look(rule: Rule, submission: Submission) -> Iterator[str]:
    """Everything in a submission may be of the wrong shape; what breaks a rule's own reading breaks the rule."""
    try:
        yield from rule.look(submission)
    except UnevaluableError as error:
        yield f"cannot be evaluated: {error}"
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        OSError,
        RuntimeError,
        MemoryError,
    ) as error:
        yield f"cannot be evaluated: {type(error).__name__}: {error}"
