"""Rules about the bundle's form: schema, manifest, signature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import jsonschema_rs

from reports import manifest, statement
from reports.bundle import UnsafeBundleError, safe_name
from reports.canonical import digest, file_digest
from reports.document import schema as report_schema
from reports.submission import Submission, UnevaluableError


def schema(submission: Submission) -> Iterator[str]:
    """V01. Fields are named by their path."""
    report = submission.report
    try:
        errors = list(jsonschema_rs.validator_for(report_schema()).iter_errors(report))
    except ValueError as wrong:
        # A value YAML knows and JSON does not, such as an unquoted date.
        yield f"report.yaml holds a value that is no JSON: {wrong}"
        return
    for error in errors[:20]:
        place = "/".join(str(part) for part in error.instance_path) or "the report"
        yield f"{place}: {error.message}"


def files(submission: Submission) -> Iterator[str]:
    """V02."""
    listed = submission.manifest
    for name, count in Counter(entry.path for entry in listed).items():
        if count > 1:
            yield f"{manifest.NAME} lists {name} {count} times"
    for entry in listed:
        try:
            safe_name(entry.path)
        except UnsafeBundleError as error:
            yield f"{manifest.NAME}: {error}"
            continue
        path = submission.folder / entry.path
        if not path.is_file():
            yield f"{entry.path} is listed but missing"
        elif path.stat().st_size != entry.bytes or file_digest(path) != entry.digest:
            yield f"{entry.path} is not the file that was listed: its digest differs"
    names = {entry.path for entry in listed}
    for path in sorted(submission.folder.rglob("*")):
        name = path.relative_to(submission.folder).as_posix()
        listed_or_empty = name in names or name in manifest.OUTSIDE or not path.stat().st_size
        if path.is_file() and not listed_or_empty:
            yield f"{name} is not listed; remove it, or write the reports again"
    yield from _evidence(submission, names)


def _evidence(submission: Submission, names: set[str]) -> Iterator[str]:
    if submission.block("evidence", "digest") != digest(submission.bytes(manifest.NAME)):
        yield f"evidence.digest is not the digest of {manifest.NAME}"
    stated = submission.block("evidence", "files")
    listed = [{"path": entry.path, "digest": entry.digest, "bytes": entry.bytes} for entry in submission.manifest]
    if stated != listed:
        yield f"evidence.files differs from {manifest.NAME}"
    for entry in submission.stated:
        for path in entry.get("evidence") or ():
            if path not in names:
                yield f"{entry.get('id')}: its evidence {path} is not in the bundle"


def signature(submission: Submission) -> Iterator[str]:
    """V18. Without a statement there is nothing to check, unless the report promises one."""
    path = submission.folder / manifest.STATEMENT
    promised = submission.report.get("attestation")
    if not path.is_file():
        if promised:
            yield f"the report speaks of an attestation, but {manifest.STATEMENT} is missing"
        return
    try:
        yield from statement.problems(submission.bytes(manifest.STATEMENT), submission.block("evidence", "digest"))
    except ValueError as error:
        raise UnevaluableError(f"{manifest.STATEMENT}: {error}") from error
