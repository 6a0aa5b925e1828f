"""Rules about counts: every requirement is named, and totals follow from the names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reports.document import document, profile, profiles
from reports.releases import running
from reports.submission import Submission, same


def complete(submission: Submission) -> Iterator[str]:
    """V05."""
    claimed = [str(entry.get("name")) for entry in submission.block("profiles")]
    for name, count in Counter(claimed).items():
        if count > 1:
            yield f"profile {name} is there {count} times"
    run = submission.run
    for name in run.profiles:
        if name not in claimed and any(entry.profile == name for entry in submission.known()):
            yield f"profile {name} was run but is not in the report"
    there = Counter(str(entry.get("id")) for entry in submission.stated)
    known = {entry.id: entry for entry in submission.known()}
    for identity in sorted(known):
        if known[identity].profile in claimed and not there[identity]:
            yield f"{identity} of profile {known[identity].profile} is missing"
    for identity, count in sorted(there.items()):
        if count > 1:
            yield f"{identity} is there {count} times"
        if identity not in known:
            yield f"{identity} is in no catalogue"
        elif known[identity].profile not in claimed:
            yield f"{identity} belongs to profile {known[identity].profile}, which is not claimed"


def totals(submission: Submission) -> Iterator[str]:
    """V07. Recomputed from the judgements; V11 makes sure that these are the recordings'."""
    judged = submission.judged
    verdicts = {str(entry.get("id")): entry.get("verdict") for entry in submission.stated}
    for identity, judgement in judged.by_id.items():
        if verdicts.get(identity) not in (None, judgement.verdict.value):
            yield f"{identity}: the report says {verdicts[identity]}, judgements.json {judgement.verdict.value}"
    stated = {str(entry.get("name")): entry for entry in submission.block("profiles")}
    for name in profiles(judged):
        computed = profile(judged, name)
        given = stated.get(name)
        if given is None:
            yield f"profile {name} is missing"
            continue
        for part in ("core", "extended", "summary"):
            if not same(given.get(part), computed.get(part)):
                yield f"{name}: {part} does not follow from the requirements"
    yield from _rest(submission)


def _rest(submission: Submission) -> Iterator[str]:
    """What no other rule looks at: who made the platform, the run, document drift, the self-test, the bundle's name."""
    report, computed = submission.report, document(submission.judged, (), "", {})
    for name in ("apiVersion", "kind", "date", "mode", "implementation", "run", "documentDrift"):
        if not same(report.get(name), computed.get(name)):
            yield f"{name} does not follow from the run"
    for name in ("bundle", "redactions", "rejudge"):
        if not same(submission.block("evidence").get(name), computed["evidence"][name]):
            yield f"evidence.{name} does not follow from the run"
    own = submission.block("suite", "sourceDigest") == running().source_digest
    if own and not same(submission.block("suite", "selfTest"), computed["suite"]["selfTest"]):
        yield "suite.selfTest is not what this suite was released with"
