"""Golden files: found, read and told apart by what is in them."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from conformance.base.errors import UsageError

_FORMS: Final = ("*.json", "*.json.gz")


class GoldenKind(Enum):
    """What a golden file records."""

    TRACE = "decisions of one autoscaler, tick by tick"
    LOOP = "a whole autoscaler, second by second"
    HORIZONTAL = "decisions of one HorizontalPodAutoscaler, look by look"
    TABLE = "rows of one rule"
    INTERACTION = "requests to a Kubernetes API server and their answers"
    INDEX = "a list of golden files"


@dataclass(frozen=True, slots=True)
class GoldenDocument:
    """A golden file, or a part of one; `name` is its path as given or found, with the part's own name."""

    name: str
    path: Path
    kind: GoldenKind
    content: Any


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """The JSON files, also compressed ones, at and below the paths, sorted within each; raises UsageError for a path
    without any."""
    for path in paths:
        if path.is_dir():
            found = sorted(file for form in _FORMS for file in path.rglob(form) if file.is_file())
            if not found:
                raise UsageError(f"{path}: no golden file in this directory; golden files end in .json or .json.gz")
            yield from found
        elif path.exists():
            yield path
        else:
            raise UsageError(f"{path}: no such file or directory; give golden files or directories of them")


def read_json(path: Path) -> Any:
    """The content of a file; raises UsageError if it cannot be read or is not JSON."""
    try:
        content = path.read_bytes()
        return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"{path}: not a compressed file: {error}; record it again") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give a readable golden file") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}; a golden file holds one JSON object") from error


def read(path: Path) -> tuple[GoldenDocument, ...]:
    """What a golden file holds: one document, or those of a recording that says where it comes from. Raises UsageError
    if it is none."""
    content = read_json(path)
    inside = content.get("documents") if isinstance(content, dict) and "provenance" in content else None
    if isinstance(inside, list) and inside and all(isinstance(entry, dict) for entry in inside):
        return tuple(_document(path, f"{path}: {entry.get('name', 'unnamed')}", entry) for entry in inside)
    return (_document(path, str(path), content),)


def _document(path: Path, name: str, content: Any) -> GoldenDocument:
    kind = _tell(content)
    if kind is None:
        raise UsageError(
            f"{path}: not a golden file; a trace has ticks, a loop has rows and ticks, a table has cols and rows, "
            "sequences or scenarios, an autoscaler of Kubernetes has syncs"
        )
    return GoldenDocument(name, path, kind, content)


def _tell(content: Any) -> GoldenKind | None:
    if isinstance(content, list) and content and all(isinstance(row, dict) and "file" in row for row in content):
        return GoldenKind.INDEX
    if not isinstance(content, dict):
        return None
    if "syncs" in content:
        return GoldenKind.HORIZONTAL
    if "ticks" in content:
        return GoldenKind.LOOP if "row_cols" in content else GoldenKind.TRACE
    if ("cols" in content and "rows" in content) or "sequences" in content or "scenarios" in content:
        return GoldenKind.TABLE
    if ("request" in content and "response" in content) or "requests" in content:
        return GoldenKind.INTERACTION
    return None
