"""Rules about where a submission comes from: suite, catalogue, time, one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from conformance.recording.reader import Recording, UnreadableRecordingError
from reports.releases import releases
from reports.submission import Submission, UnevaluableError

MAX_AGE_DAYS: Final = 90
SLACK_SECONDS: Final = 2.0
"""Times in the report are whole seconds."""


def suite(submission: Submission) -> Iterator[str]:
    """V03."""
    version, digest = submission.block("suite", "version"), submission.block("suite", "sourceDigest")
    known = [entry for entry in releases() if entry.version == version]
    if not known:
        yield f"suite {version} was never released; use a released one"
    elif digest not in {entry.source_digest for entry in known}:
        yield f"the source of suite {version} was modified: its digest {digest} is not the release's"
    if submission.run.source_digest != digest or submission.run.suite_version != version:
        yield "run.json and report.yaml name different suites"


def catalogue(submission: Submission) -> Iterator[str]:
    """V04."""
    if not submission.run.submittable:
        yield "the run is of services or scenarios of somebody's own; conformance run makes what can be submitted"
    stated = submission.block("suite")
    known = [entry for entry in releases() if entry.source_digest == stated.get("sourceDigest")]
    known = known or [entry for entry in releases() if entry.version == stated.get("version")]
    for name, digests in (
        ("catalogueDigest", {entry.catalogue_digest for entry in known}),
        ("examplesDigest", {entry.examples_digest for entry in known}),
    ):
        if stated.get(name) not in digests:
            yield f"{name} {stated.get(name)} does not belong to suite {stated.get('version')}"


def time(submission: Submission) -> Iterator[str]:
    """V12."""
    run = submission.run
    started, finished = _unix(submission, "run", "started"), _unix(submission, "run", "finished")
    date = _unix(submission, "date")
    if not started <= finished <= date + SLACK_SECONDS:
        yield "run.started, run.finished and date are not in this order"
    if abs(started - run.started_wall) > SLACK_SECONDS or abs(finished - run.finished_wall) > SLACK_SECONDS:
        yield "run.json and report.yaml state different times"
    if date > submission.submitted_wall + SLACK_SECONDS:
        yield "the report is dated after its submission"
    age = (submission.submitted_wall - date) / 86400
    # A simulated run is of no day: it repeats bit for bit, and says so.
    if age > MAX_AGE_DAYS and run.clock != "virtual":
        yield f"the report is {age:.0f} days old, at most {MAX_AGE_DAYS} are accepted; run again"
    for name, recording in submission.recordings.items():
        try:
            yield from _facts(name, recording, started, finished)
        except UnreadableRecordingError as error:
            raise UnevaluableError(str(error)) from error


def _facts(name: str, recording: Recording, started: float, finished: float) -> Iterator[str]:
    before = float("-inf")
    for number, fact in enumerate(recording.facts(), 1):
        if fact.t < before:
            yield f"recording/{name}/facts.jsonl:{number}: time goes back from {before:.3f} to {fact.t:.3f}"
            return
        before = fact.t
        if not started - SLACK_SECONDS <= fact.wall <= finished + SLACK_SECONDS:
            yield f"recording/{name}/facts.jsonl:{number}: its wall clock lies outside the run"
            return


def _unix(submission: Submission, *names: str) -> float:
    text = submission.block(*names)
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except ValueError as error:
        raise UnevaluableError(f"{'.'.join(names)}: {text!r} is no time") from error


def one_run(submission: Submission) -> Iterator[str]:
    """V13."""
    identity = submission.block("run", "id")
    if submission.run.id != identity:
        yield f"run.json is of run {submission.run.id}, report.yaml of {identity}"
    for name, recording in submission.recordings.items():
        if recording.header.run != identity:
            yield f"recording/{name} is of run {recording.header.run}, not of {identity}"
        if recording.header.scenario != name:
            yield f"recording/{name} is a recording of {recording.header.scenario}"
    named = {entry.recording for entry in submission.run.scenarios}
    for name in submission.recordings:
        if f"recording/{name}" not in named:
            yield f"recording/{name} belongs to no scenario of run.json"
    for name, count in Counter(entry.name for entry in submission.run.scenarios).items():
        if count > 1:
            yield f"scenario {name} was run {count} times; a submission holds one attempt"
    for entry in submission.stated:
        attempts = entry.get("attempts")
        if isinstance(attempts, int) and attempts > 1:
            yield f"{entry.get('id')}: {attempts} attempts; a second run is a second run id"
