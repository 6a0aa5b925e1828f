"""Evidence bundles: a run's folder packed as one file, and the YAML in those of strangers."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from conformance.base.errors import UsageError
from conformance.recording.archive import UnsafeBundleError, opened, packed, safe_name
from reports import manifest

__all__ = ["UnsafeBundleError", "bundle", "opened", "read_yaml", "safe_name"]

MAX_YAML_BYTES: Final = 32 << 20
MAX_YAML_DEPTH: Final = 40
LARGE_BYTES: Final = 100 << 20
"""A finished bundle above this is worth a warning: it has to be stored for a year."""


def bundle(folder: Path, target: Path | None = None) -> Path:
    """Pack a finished run as `.tar.gz`; the same files always give the same bytes. By default it lies beside the folder
    under the name that report.yaml states. Raises UsageError for a folder without report.yaml."""
    report = folder / manifest.REPORT
    if not report.is_file():
        raise UsageError(f"{folder} holds no {manifest.REPORT}; it is no finished run")
    if target is None:
        stated = read_yaml(report.read_bytes())
        name = str(stated["evidence"]["bundle"]) if isinstance(stated, dict) else f"{folder.name}.tar.gz"
        target = folder.parent / PurePosixPath(name).name
    listed = [entry.path for entry in manifest.read((folder / manifest.NAME).read_bytes())]
    names = {*listed, *(name for name in manifest.OUTSIDE if (folder / name).is_file())}
    target.write_bytes(packed(folder, names))
    return target


def read_yaml(data: bytes) -> Any:
    """Plain data from YAML of a stranger: no tags but the standard ones, no aliases, bounded size and depth.

    Raises UnsafeBundleError for what breaks the limits, UsageError for what is no YAML."""
    if len(data) > MAX_YAML_BYTES:
        raise UnsafeBundleError(f"a YAML file has {len(data)} bytes, more than {MAX_YAML_BYTES}")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(io.BytesIO(data), Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise UnsafeBundleError("a YAML file has aliases; the suite writes none")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_YAML_DEPTH:
                    raise UnsafeBundleError(f"a YAML file is nested deeper than {MAX_YAML_DEPTH}")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return yaml.load(io.BytesIO(data), Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        # Beside what is no YAML: a standard tag on a value that it does not fit, such as `!!bool x`.
        raise UsageError(f"not YAML: {' '.join(str(error).split())}") from error
