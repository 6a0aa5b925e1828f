"""What the witness's image is made of, so that one built from something else is never taken for it.

A build sees the few files that its .dockerignore lets in, in a folder of their own: a wheel keeps them in other places
than a checkout does, and among all that is installed beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from clusters.images.image_names import WITNESS
from conformance.base.locations import FIXTURES, ROOT

DOCKERFILE: Final = "fixtures/witness/Dockerfile"
"""As in a checkout, which is how the Dockerfile names what it copies."""
SHOWN_DIGITS: Final = 12


def built_witness(root: Path = ROOT, fixtures: Path = FIXTURES) -> str:
    """Name of the local image for the files at hand: `serving-conformance/witness:0.1.0-` and their digest, so that a
    changed file is another image, and one that was built elsewhere and loaded here is found."""
    return f"{WITNESS}-{_digest(root, fixtures)[:SHOWN_DIGITS]}"


def base_image() -> str:
    """The image that the witness is built on."""
    dockerfile = _place(DOCKERFILE, ROOT, FIXTURES)
    found = re.search(r"^ARG BASE=(\S+)$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


@contextmanager
def build_context(root: Path = ROOT, fixtures: Path = FIXTURES) -> Iterator[tuple[Path, Path]]:
    """The Dockerfile and the folder to build in, laid out as in a checkout; both vanish with the block."""
    with TemporaryDirectory(prefix="witness-") as name:
        folder = Path(name)
        ignored = f"{DOCKERFILE}.dockerignore"
        beside = {entry: _place(entry, root, fixtures) for entry in (DOCKERFILE, ignored)}
        for entry, path in {**beside, **_files(root, fixtures)}.items():
            copy = folder / entry
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        yield folder / DOCKERFILE, folder


def _files(root: Path, fixtures: Path) -> Mapping[str, Path]:
    """What the .dockerignore lets in, by its name in a checkout, sorted."""
    text = _place(f"{DOCKERFILE}.dockerignore", root, fixtures).read_text(encoding="utf-8")
    found: dict[str, Path] = {}
    for pattern in (line[1:] for line in text.splitlines() if line.startswith("!")):
        top, _, below = pattern.partition("/")
        place, prefix, inner = (fixtures, "fixtures/", below) if top == "fixtures" else (root, "", pattern)
        found |= {prefix + path.relative_to(place).as_posix(): path for path in place.glob(inner)}
    return dict(sorted(found.items(), key=lambda entry: Path(entry[0])))


def _place(name: str, root: Path, fixtures: Path) -> Path:
    top, _, below = name.partition("/")
    return fixtures / below if top == "fixtures" else root / name


def _digest(root: Path, fixtures: Path) -> str:
    """Of the Dockerfile and of what its .dockerignore lets in, which is all that a build sees."""
    digest = hashlib.sha256(_place(DOCKERFILE, root, fixtures).read_bytes())
    for name, path in _files(root, fixtures).items():
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
