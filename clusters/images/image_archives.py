"""Image archives for nodes without internet, and what becomes of images that manifests name by digest.

`docker save NAME@sha256:...` writes an archive without the name, and containerd calls what it finds there
`import-DATE@sha256:...`, which no manifest asks for. So an image is saved under the tag `sha256-DIGEST`, and gets its
name by digest in the nodes once it is loaded; an archive without names is taken from the local Docker that way.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clusters.images.image_names import repository
from conformance.base.errors import UsageError

MAX_MANIFEST_BYTES: Final = 8 * 1024 * 1024
_TAGGED: Final = re.compile(r"(?P<repository>.+):sha256-(?P<digest>[0-9a-f]{64})")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ArchivedImage:
    """One image of an archive."""

    id: str
    """`sha256:…` of its configuration, Docker's image id."""
    names: tuple[str, ...]


def archived_images(path: Path) -> tuple[ArchivedImage, ...]:
    """What an archive of `docker save` holds; nothing where it has no such list. Raises UsageError for another file."""
    try:
        with tarfile.open(path) as archive:
            member = next((entry for entry in archive if entry.name == "manifest.json"), None)
            content = archive.extractfile(member) if member else None
            rows = json.loads(content.read(MAX_MANIFEST_BYTES)) if content else []
        return tuple(ArchivedImage(_id(row["Config"]), tuple(row.get("RepoTags") or ())) for row in rows)
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"install.images: {path} is no archive of docker save: {error}") from error


def _id(config: str) -> str:
    found = _HEX.search(config)
    return f"sha256:{found[0]}" if found else config


def carrying(reference: str) -> str:
    """The tag that carries a digest: `a/b@sha256:1…` gives `a/b:sha256-1…`."""
    name, _, digest = reference.partition("@")
    return f"{name}:{digest.replace(':', '-')}"


def whole(name: str) -> str:
    """A name as nodes have it, with its registry."""
    return "/".join(repository(name))


def by_digest(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """For names whose tag carries a digest: the name in the node, and the name by digest that it shall have as well.
    containerd's names are whole, with the registry."""
    found = []
    for name in names:
        if match := _TAGGED.fullmatch(whole(name)):
            found.append((match[0], f"{match['repository']}@sha256:{match['digest']}"))
    return tuple(found)
