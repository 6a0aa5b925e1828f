"""What the witness's image is made of, so that one built from something else is never taken for it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from clusters.images.image_names import WITNESS
from conformance.base.locations import ROOT

DOCKERFILE: Final = ROOT / "fixtures" / "witness" / "Dockerfile"
SHOWN_DIGITS: Final = 12


def built_witness(root: Path = ROOT) -> str:
    """Name of the local image for the files at hand: `serving-conformance/witness:0.1.0-` and their digest, so that a
    changed file is another image, and one that was built elsewhere and loaded here is found."""
    return f"{WITNESS}-{_digest(root)[:SHOWN_DIGITS]}"


def base_image() -> str:
    """The image that the witness is built on."""
    found = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def _digest(root: Path) -> str:
    """Of the Dockerfile and of what its .dockerignore lets in, which is all that a build sees."""
    dockerfile = root / DOCKERFILE.relative_to(ROOT)
    ignored = dockerfile.with_name("Dockerfile.dockerignore")
    patterns = [line[1:] for line in ignored.read_text(encoding="utf-8").splitlines() if line.startswith("!")]
    digest = hashlib.sha256(dockerfile.read_bytes())
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
