"""Bytes and digests that do not depend on who writes them."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

_CHUNK: Final = 1 << 20


# libyaml where it was built in: ten times as fast.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """Never writes aliases: readers limit them, and people do not read them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump_yaml(value: Any) -> bytes:
    """Block style in the given key order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


def dump_json(value: Any) -> bytes:
    """Sorted keys, one space of indent, a last newline; raises ValueError for what is not JSON (NaN)."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def digest(data: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def file_digest(path: Path) -> str:
    """The digest of a file's content."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return f"sha256:{total.hexdigest()}"


def value_digest(value: Any) -> str:
    """The digest of plain data, by its shortest JSON with sorted keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return digest(text.encode())


def utc(wall: float) -> str:
    """Unix seconds as `2026-11-24T03:41:07Z`."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(data)
    os.replace(draft, path)
