"""Rules about what a submission may not tell, and what it has to: secrets, and how to do it again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from reports import manifest
from reports.submission import Submission, UnevaluableError

_SECRETS: Final = (
    ("a bearer token", (b"bearer",), re.compile(rb"(?i)\bbearer\s+[a-z0-9._~+/-]{16,}")),
    ("a JSON web token", (b".eyj",), re.compile(rb"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.")),
    ("a private key", (b"-----begin ",), re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a cloud access key", (b"akia", b"asia"), re.compile(rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    (
        "a platform token",
        (b"ghp", b"gho", b"ghs", b"github_pat", b"glpat", b"xox"),
        re.compile(rb"\b(?:ghp|gho|ghs|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{20,}"),
    ),
    (
        "a password",
        (b"password", b"passwd", b"secret"),
        re.compile(rb"(?i)\b(?:password|passwd|client[_-]secret)\s*[=:]\s*[\"']?[^\s\"'<{]{6,}"),
    ),
    ("an account number", (b"arn:aws",), re.compile(rb"\barn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:[0-9]{12}:")),
    (
        "a private address",
        (b"10.", b"192.168.", b"172."),
        re.compile(
            rb"(?<![0-9.])(?:10\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|192\.168\.[0-9]{1,3}\.[0-9]{1,3}"
            rb"|172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])"
        ),
    ),
)
"""What it is, words of which one stands in each in lower case, and what it looks like: most text has none of the words,
which takes a tenth of the time to tell."""
_BINARY: Final = (".rows", ".png")
_OVERLAP: Final = 4096


def secrets(submission: Submission) -> Iterator[str]:
    """V16. Searched in all text of the bundle, a stretch at a time."""
    for path in sorted(submission.folder.rglob("*")):
        if not path.is_file() or path.suffix in _BINARY:
            continue
        name = path.relative_to(submission.folder).as_posix()
        found: set[str] = set()
        with path.open("rb") as file:
            tail = b""
            while chunk := file.read(1 << 20):
                text = tail + chunk
                lowered = text.lower()
                found |= {
                    what
                    for what, words, pattern in _SECRETS
                    if what not in found and any(word in lowered for word in words) and pattern.search(text)
                }
                tail = text[-_OVERLAP:]
        for what in sorted(found):
            yield f"{name} holds what looks like {what}; redact it at its source and run again"


def reproduce(submission: Submission) -> Iterator[str]:
    """V17. The README may stand in the bundle or beside its file."""
    places = [submission.folder / manifest.README]
    if submission.beside is not None:
        places.append(submission.beside / manifest.README)
    path = next((place for place in places if place.is_file() and not place.is_symlink()), None)
    if path is None:
        raise UnevaluableError(f"{manifest.README} is missing; describe the product and how to reproduce the run")
    text = path.read_text(encoding="utf-8", errors="replace")
    section = re.search(r"(?ims)^#{1,6}\s+reproduc\w*[^\n]*\n(.*?)(?=^#{1,6}\s|\Z)", text)
    if section is None:
        yield f"{manifest.README} has no section Reproduce"
    elif not _commands(section[1]):
        yield f"{manifest.README}: the section Reproduce holds no command; a link is not enough"


def _commands(section: str) -> list[str]:
    fenced = re.findall(r"(?ms)^```[^\n]*\n(.*?)^```", section)
    indented = re.findall(r"(?m)^(?: {4}|\t)(\S.*)$", section)
    inline = re.findall(r"`([^`\n]+ [^`\n]+)`", section)
    lines = [line for block in fenced for line in block.splitlines()] + indented + inline
    return [line for line in lines if line.strip() and not re.match(r"\s*(?:https?://|#)", line)]
